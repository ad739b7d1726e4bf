/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_words -- what the operator is told: notices of trouble, which an observer sees until what
 * they are about is over, and news, which only pass by.
 *
 * Neighbours come and go faster than anybody reads: where they stand is looked at once a second,
 * and of each only so often something is said.
 */
#include "server/node/node.h"

#include <string.h>

#define PEER_QUIET_US UINT64_C(5000000)
#define FOUNDING_PATIENCE_US UINT64_C(2000000)
#define LEADER_PATIENCE_US UINT64_C(5000000)

void cc_server_notice_about(struct cc_server *server, uint64_t topic, const char *text)
{
    size_t size = strlen(text);

    size = size < sizeof server->last_notice ? size : sizeof server->last_notice - 1;
    memcpy(server->last_notice, text, size);
    server->last_notice[size] = '\0';
    server->last_topic = topic;
    if (server->callbacks.notice != NULL) {
        server->callbacks.notice(server->owner, text);
    }
}

void cc_server_notice(struct cc_server *server, const char *text)
{
    cc_server_notice_about(server, CC_TOPIC_NONE, text);
}

void cc_server_settle(struct cc_server *server, uint64_t topic)
{
    if (server->last_topic == topic) {
        server->last_notice[0] = '\0';
    }
}

void cc_server_news(struct cc_server *server, const char *text)
{
    if (server->callbacks.news != NULL) {
        server->callbacks.news(server->owner, text);
    }
}

/* ---- sentences -------------------------------------------------------------------------------- */

const char *cc_server_compose(struct cc_server *server, const char *const *parts)
{
    size_t size = 0;

    for (; *parts != NULL; parts++) {
        for (const char *at = *parts; *at != '\0' && size + 1 < sizeof server->words; at++) {
            server->words[size++] = *at;
        }
    }
    server->words[size] = '\0';
    return server->words;
}

const char *cc_server_number(uint64_t number, char text_out[21])
{
    char *at = text_out + 20;

    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return at;
}

/* ---- once a second ---------------------------------------------------------------------------- */

static void tell_peer(struct cc_server *server, struct cc_peer *peer)
{
    uint64_t now = cc_env_now_us(server->env);
    char id[21];

    if (peer->is_up == peer->is_said_up ||
        (peer->said_us != 0 && now < peer->said_us + PEER_QUIET_US)) {
        return;
    }
    peer->is_said_up = peer->is_up;
    peer->said_us = now;
    cc_server_news(
        server, cc_server_compose(
                    server, (const char *const[]){
                                peer->is_up ? "reaches member " : "no longer reaches member ",
                                cc_server_number(peer->id, id), ", ", peer->address, NULL}));
}

/* The members that have not been there yet, a bit for each place. */
static uint64_t awaited(const struct cc_server *server)
{
    uint64_t places = 0;

    for (uint32_t i = 0; i < server->members.count; i++) {
        if (server->members.at[i].id != server->options.id && !server->candidates[i].is_heard) {
            places |= UINT64_C(1) << i;
        }
    }
    return places;
}

_Static_assert(CC_MEMBERS_MAX <= 64, "a bit for each place");

static void tell_founding(struct cc_server *server)
{
    uint64_t places = awaited(server);
    char list[CC_REFUSE_TEXT_SIZE_MAX / 2];
    size_t size = 0;

    for (uint32_t i = 0; i < server->members.count; i++) {
        char id[21];
        const char *digits = cc_server_number(server->members.at[i].id, id);
        size_t digits_size = strlen(digits);

        if ((places >> i & 1) != 0 && size + digits_size + 3 < sizeof list) {
            memcpy(list + size, ", ", 2);
            size += size == 0 ? 0 : 2;
            memcpy(list + size, digits, digits_size);
            size += digits_size;
        }
    }
    list[size] = '\0';
    cc_server_news(
        server,
        places == 0
            ? "all listed members have been there; waits for the first of them to found the cluster"
            : cc_server_compose(
                  server, (const char *const[]){
                              "the cluster is not founded yet: waits for member",
                              (places & (places - 1)) == 0 ? " " : "s ", list, NULL}));
}

/* Not at once, for in a moment they may all be there; and not again while the same are missing. */
static void watch_founding(struct cc_server *server)
{
    uint64_t now = cc_env_now_us(server->env);

    if (server->founding_told_us == 0) {
        server->founding_told_us = now;
        server->awaited = UINT64_MAX;
    }
    if (now >= server->founding_told_us + FOUNDING_PATIENCE_US &&
        awaited(server) != server->awaited) {
        server->awaited = awaited(server);
        server->founding_told_us = now;
        tell_founding(server);
    }
}

static void tell_leaderless(struct cc_server *server)
{
    uint32_t voters = 0;
    uint32_t reached = 0;
    char counts[3][21];

    for (uint32_t i = 0; i < server->members.count; i++) {
        const struct cc_member *member = &server->members.at[i];
        bool is_voter = member->role == CC_ROLE_VOTER;

        voters += is_voter;
        reached += is_voter &&
                   (member->id == server->options.id || cc_server_peer_is_up(server, member->id));
    }
    cc_server_notice_about(
        server, CC_TOPIC_LEADER,
        cc_server_compose(
            server, (const char *const[]){
                        "knows no leader; of ", cc_server_number(voters, counts[0]),
                        " voting members it reaches ", cc_server_number(reached, counts[1]),
                        ", itself included, and one is elected by ",
                        cc_server_number(voters / 2 + 1, counts[2]), NULL}));
}

static void watch_leader(struct cc_server *server)
{
    uint64_t now = cc_env_now_us(server->env);

    if (cc_raft_leader(server->group->core) != 0) {
        server->leaderless_us = 0;
    } else if (server->leaderless_us == 0) {
        server->leaderless_us = now;
    } else if (
        server->leaderless_us != UINT64_MAX && now >= server->leaderless_us + LEADER_PATIENCE_US) {
        server->leaderless_us = UINT64_MAX; /* said */
        tell_leaderless(server);
    }
}

void cc_server_tell(struct cc_server *server)
{
    for (uint32_t i = 0; i < server->peer_count; i++) {
        tell_peer(server, server->peers[i]);
    }
    if (server->state == CC_SERVER_FOUNDING) {
        watch_founding(server);
    } else if (server->group != NULL) {
        watch_leader(server);
    }
    cc_server_tell_fetching(server);
    if (cc_env_now_us(server->env) >= server->turned_away_us) {
        cc_server_settle(server, CC_TOPIC_DOOR);
    }
}
