/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_stand -- see server_stand.h.
 */
#include "unit/server/server_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TYPES 96u
#define WORD_SIZE_MAX 65536u

struct word {
    size_t size;
    uint8_t *data;
};

struct cc_cluster *cluster;
static struct word words[CC_SERVERS_MAX][TYPES];
static uint8_t body[WORD_SIZE_MAX];
static struct cc_writer writer;

static void *resize(void *context, void *block, size_t size)
{
    (void)context;
    if (size == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, size);
}

static const struct cc_memory heap = {resize, NULL};

/* Servers write whole frames. */
static void tap(void *owner, uint32_t machine, const void *data, size_t size)
{
    copycat_bytes input = {data, size};
    struct cc_frame_decoder decoder;
    struct cc_frame frame;

    (void)owner;
    if (machine >= CC_SERVERS_MAX) {
        return;
    }
    cc_frame_decoder_init(&decoder, &heap, CC_FRAME_BODY_PEER_MAX);
    while (cc_frame_decoder_next(&decoder, &input, &frame)) {
        struct word *word = &words[machine][frame.type];

        assert_true(frame.type < TYPES);
        free(word->data);
        word->size = frame.body.size;
        word->data = malloc(frame.body.size + 1);
        assert_non_null(word->data);
        if (frame.body.size > 0) {
            memcpy(word->data, frame.body.data, frame.body.size);
        }
    }
    assert_int_equal(decoder.status, COPYCAT_OK);
    cc_frame_decoder_deinit(&decoder);
}

void stand_forget(void)
{
    for (uint32_t machine = 0; machine < CC_SERVERS_MAX; machine++) {
        for (uint32_t type = 0; type < TYPES; type++) {
            free(words[machine][type].data);
            words[machine][type] = (struct word){0};
        }
    }
}

copycat_bytes stand_said(uint32_t place, uint16_t type)
{
    return (copycat_bytes){words[place][type].data, words[place][type].size};
}

void stand_run(uint64_t time_us)
{
    cc_cluster_run(cluster, cc_world_now_us(cluster->world) + time_us);
    if (cc_judge_verdict(cluster->judge) != NULL) {
        fail_msg("%s", cc_judge_verdict(cluster->judge));
    }
}

/* A log of two terms, with a batch for each entry. */
static void write_some(void)
{
    struct cc_session_open open = {.timeout_us = 60000000};

    assert_int_equal(cc_server_transfer(stand_server(stand_leader()), 0), COPYCAT_OK);
    stand_run(3000000);
    for (open.nonce[0] = 100; open.nonce[0] < 105; open.nonce[0]++) {
        struct cc_origin nobody = {.server = stand_leader() + 1};

        cc_session_open_encode(stand_begin(), &open);
        assert_true(cc_group_request(
            stand_group(stand_leader()), nobody, CC_MESSAGE_SESSION_OPEN, stand_body()));
        stand_run(300000);
    }
    assert_true(cc_cluster_is_settled(cluster));
}

void stand_make(uint32_t started)
{
    struct cc_cluster_options options = {
        .seed = 5, .voter_count = 3, .election_timeout_us = STAND_TIMEOUT_US, .file_size = 65536};

    cluster = cc_cluster_create(&options);
    cc_world_set_tap(cluster->world, tap, NULL);
    for (uint32_t place = 0; place < started; place++) {
        cc_cluster_start(cluster, place);
    }
    stand_run(5000000);
    if (started == 3) {
        assert_true(cc_cluster_is_settled(cluster));
        write_some();
    }
}

void stand_free(void)
{
    cc_cluster_destroy(cluster);
    stand_forget();
}

struct cc_server *stand_server(uint32_t place)
{
    return cluster->seats[place].server;
}

struct cc_group *stand_group(uint32_t place)
{
    return stand_server(place)->group;
}

uint32_t stand_leader(void)
{
    uint32_t place = cc_cluster_leader(cluster);

    assert_true(place < 3);
    return place;
}

uint32_t stand_follower(void)
{
    return (stand_leader() + 1) % 3;
}

struct cc_writer *stand_begin(void)
{
    cc_writer_init_fixed(&writer, body, sizeof body);
    return &writer;
}

copycat_bytes stand_body(void)
{
    assert_false(writer.failed);
    return (copycat_bytes){writer.data, writer.size};
}

bool stand_receive(uint32_t place, uint32_t peer, uint16_t type, copycat_bytes bytes)
{
    struct cc_frame frame = {.type = type, .body = bytes};

    return cc_group_receive(stand_group(place), peer, &frame);
}
