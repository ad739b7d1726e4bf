/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stranger -- see stranger.h.
 */
#include "sim/stranger.h"

#include "base/assert.h"
#include "proto/message.h"

#include <stdlib.h>
#include <string.h>

#define VISIT_US 3000000u
#define WORDS_MAX 40000u
#define GARBAGE_MAX 4000u

struct visit {
    struct cc_list node;
    struct cc_stranger *stranger;
    struct cc_conn conn;
    uint32_t server;
    bool is_replay;
    bool may_be_heard; /* a replay that the server has no reason to refuse */
    bool is_over;      /* the connection is */
    size_t size;
    uint8_t words[WORDS_MAX];
};

struct cc_stranger {
    struct cc_cluster *cluster;
    struct cc_env *env;
    struct cc_list visits;
};

struct cc_stranger *cc_stranger_create(struct cc_cluster *cluster)
{
    struct cc_stranger *stranger = calloc(1, sizeof *stranger);

    CC_ASSERT(stranger != NULL);
    stranger->cluster = cluster;
    stranger->env = cc_world_boot(cluster->world, CC_STRANGER_MACHINE);
    cluster->world->stranger = CC_STRANGER_MACHINE;
    cc_list_init(&stranger->visits);
    return stranger;
}

void cc_stranger_destroy(struct cc_stranger *stranger)
{
    cc_list_each_safe(node, following, &stranger->visits) {
        free(cc_container_of(node, struct visit, node));
    }
    free(stranger);
}

/* ---- connections ------------------------------------------------------------------------------
 */

/* The judge does not mind what comes of it; a restarted server knows nothing of boots before. */
static void announce(struct visit *visit)
{
    struct cc_cluster *cluster = visit->stranger->cluster;
    uint64_t until_us = cc_world_now_us(cluster->world) + VISIT_US;

    if (visit->may_be_heard) {
        cluster->seats[visit->server].replayed_until_us = until_us;
    } else if (visit->is_replay) {
        cluster->seats[visit->server].replayed_life_until_us = until_us;
        cluster->seats[visit->server].replayed_life = cluster->world->machines[visit->server].life;
    }
}

static void on_open(struct cc_conn *conn)
{
    struct visit *visit = conn->owner;

    cc_env_conn_write(visit->stranger->env, conn, visit->words, visit->size);
}

static void on_data(struct cc_conn *conn, const void *data, size_t size)
{
    (void)conn;
    (void)data;
    (void)size;
}

static void on_sent(struct cc_conn *conn)
{
    (void)conn;
}

static void on_closed(struct cc_conn *conn)
{
    struct visit *visit = conn->owner;

    visit->is_over = true;
}

static void leave(void *owner)
{
    struct visit *visit = owner;

    if (!visit->is_over) {
        cc_env_conn_close(visit->stranger->env, &visit->conn);
    }
    cc_list_remove(&visit->node);
    free(visit);
}

static void arrive(struct visit *visit)
{
    struct cc_stranger *stranger = visit->stranger;
    struct cc_cluster *cluster = stranger->cluster;

    visit->conn = (struct cc_conn){
        .on_open = on_open,
        .on_data = on_data,
        .on_sent = on_sent,
        .on_closed = on_closed,
        .owner = visit,
    };
    announce(visit);
    cc_list_append(&stranger->visits, &visit->node);
    cc_cluster_tell(
        cluster, "stranger", "visits server %u with %zu bytes", visit->server + 1, visit->size);
    cc_env_conn_connect(stranger->env, &visit->conn, cluster->members.at[visit->server].address);
    cc_world_call(cluster->world, cc_world_now_us(cluster->world) + VISIT_US, leave, visit);
}

/* ---- words ------------------------------------------------------------------------------------
 */

static void say_random(struct cc_writer *writer, struct cc_decider *choices, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        cc_write_u8(writer, (uint8_t)cc_decide(choices));
    }
}

/* A vote for a server of the cluster in a term far ahead: were it heard, it would be felt. */
static void say_vote(struct cc_writer *writer, struct cc_decider *choices)
{
    size_t start = cc_frame_begin(writer, CC_MESSAGE_VOTE, 0);
    struct cc_vote vote = {
        .term = cc_decide_range(choices, 1000, 100000),
        .last_index = CC_INDEX_MAX / 2,
        .last_term = 100000,
    };

    cc_vote_encode(writer, &vote);
    cc_frame_end(writer, start);
}

/* Bytes, or frames that come before any hello. */
static void say_garbage(struct cc_writer *writer, struct cc_decider *choices)
{
    if (cc_decide_below(choices, 3) == 0) {
        say_vote(writer, choices);
    } else if (cc_decide_below(choices, 2) == 0) {
        size_t start = cc_frame_begin(writer, (uint16_t)cc_decide_below(choices, 90), 0);

        say_random(writer, choices, cc_decide_below(choices, 300));
        cc_frame_end(writer, start);
    }
    say_random(writer, choices, cc_decide_below(choices, GARBAGE_MAX));
}

/* The header of a frame that is longer than a stranger's may be, and some of it. */
static void say_too_much(struct cc_writer *writer, struct cc_decider *choices)
{
    static const uint32_t sizes[] = {
        CC_FRAME_BODY_STRANGER_MAX + 1, CC_FRAME_BODY_PEER_MAX, INT32_MAX, UINT32_MAX};

    cc_write_u32(writer, sizes[cc_decide_below(choices, 4)]);
    cc_write_u32(writer, (uint32_t)cc_decide(choices));
    cc_write_u16(writer, CC_MESSAGE_HELLO);
    cc_write_u8(writer, CC_FRAME_VERSION);
    cc_write_u8(writer, 0);
    cc_write_u32(writer, 0);
    say_random(writer, choices, cc_decide_below(choices, 20000));
}

/* As a member would speak, with another cluster's id or another's incarnation; then a vote. */
static void say_foreign(
    struct cc_writer *writer, struct cc_decider *choices, const struct cc_cluster *cluster)
{
    size_t start = cc_frame_begin(writer, CC_MESSAGE_HELLO, 0);
    static const uint8_t kinds[] = {CC_HELLO_CLIENT, CC_HELLO_PEER, CC_HELLO_LANE};
    uint8_t kind = kinds[cc_decide_below(choices, 3)];
    bool is_peer = kind != CC_HELLO_CLIENT;
    struct cc_hello hello = {
        .version_min = CC_PROTOCOL_VERSION,
        .version_max = CC_PROTOCOL_VERSION,
        .feature_level = CC_FEATURE_LEVEL,
        .kind = kind,
        .server = is_peer ? 1 + (uint32_t)cc_decide_below(choices, cluster->server_count) : 0,
        .boot = 1000000,
    };

    for (uint32_t i = 0; i < CC_CLUSTER_ID_SIZE; i++) {
        hello.cluster_id[i] = (uint8_t)(1 + cc_decide_below(choices, 255));
    }
    if (is_peer) {
        hello.members = cluster->members;
        if (cc_decide_below(choices, 2) == 0) {
            memset(hello.cluster_id, 0, sizeof hello.cluster_id);
        }
    }
    cc_hello_encode(writer, &hello);
    cc_frame_end(writer, start);
    say_vote(writer, choices);
}

/* What `from` once said to the server, if that is on record. */
static bool say_again(struct visit *visit, uint32_t from)
{
    struct cc_cluster *cluster = visit->stranger->cluster;
    const struct cc_server *server = cluster->seats[visit->server].server;
    struct cc_hello hello;
    const void *data;
    size_t size;
    copycat_bytes body;

    if (from == visit->server || server == NULL ||
        !cc_world_recorded(cluster->world, from, visit->server, &data, &size) ||
        size < CC_FRAME_HEADER_SIZE || size > WORDS_MAX) {
        return false;
    }
    body = (copycat_bytes){(const uint8_t *)data + CC_FRAME_HEADER_SIZE, cc_load_u32(data)};
    if (body.size > size - CC_FRAME_HEADER_SIZE || !cc_hello_decode(body, &hello)) {
        return false;
    }
    visit->is_replay = true;
    visit->may_be_heard = hello.boot >= server->boots[from];
    memcpy(visit->words, data, size);
    visit->size = size;
    return true;
}

bool cc_stranger_strike(
    struct cc_stranger *stranger, enum cc_fault fault, uint32_t server, struct cc_decider *choices)
{
    struct cc_cluster *cluster = stranger->cluster;
    struct visit *visit = calloc(1, sizeof *visit);
    struct cc_writer writer;
    bool has_words = true;

    CC_ASSERT(visit != NULL);
    visit->stranger = stranger;
    visit->server = server;
    cc_writer_init_fixed(&writer, visit->words, sizeof visit->words);
    switch (fault) {
    case CC_FAULT_GARBAGE:
        say_garbage(&writer, choices);
        break;
    case CC_FAULT_OVERSIZED:
        say_too_much(&writer, choices);
        break;
    case CC_FAULT_WRONG_CLUSTER:
        say_foreign(&writer, choices, cluster);
        break;
    default:
        has_words = say_again(visit, (uint32_t)cc_decide_below(choices, cluster->server_count));
        break;
    }
    visit->size = writer.size > 0 ? writer.size : visit->size;
    if (!has_words || visit->size == 0 || !cc_cluster_is_up(cluster, server)) {
        free(visit);
        return false;
    }
    arrive(visit);
    return true;
}
