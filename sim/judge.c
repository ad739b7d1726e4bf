/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge -- see judge.h: who is watched, step by step, and founding.
 */
#include "sim/judge.h"

#include "base/hash.h"
#include "sim/judge_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *cc_judge_grow(void *block, size_t *capacity, size_t needed, size_t size)
{
    size_t old = *capacity;

    if (needed <= old) {
        return block;
    }
    while (*capacity < needed) {
        *capacity = *capacity == 0 ? 1024 : *capacity * 2;
    }
    block = realloc(block, *capacity * size);
    if (block == NULL) {
        abort();
    }
    memset((char *)block + old * size, 0, (*capacity - old) * size);
    return block;
}

struct cc_judge *cc_judge_create(uint32_t server_count, uint32_t voter_count)
{
    struct cc_judge *judge = calloc(1, sizeof *judge);

    if (judge == NULL) {
        abort();
    }
    judge->server_count = server_count;
    judge->voter_count = voter_count;
    judge->quorum = voter_count / 2 + 1;
    judge->trusts_clocks = true;
    return judge;
}

void cc_judge_destroy(struct cc_judge *judge)
{
    if (judge == NULL) {
        return;
    }
    for (uint32_t i = 0; i < judge->server_count; i++) {
        free(judge->servers[i].terms);
        free(judge->servers[i].round_terms);
    }
    free(judge->seen);
    free(judge->applied);
    free(judge->leaders);
    free(judge);
}

void cc_judge_blame(struct cc_judge *judge, const char *format, ...)
{
    va_list arguments;

    if (judge->verdict[0] != '\0') {
        return;
    }
    va_start(arguments, format);
    vsnprintf(judge->verdict, sizeof judge->verdict, format, arguments);
    va_end(arguments);
}

const char *cc_judge_verdict(const struct cc_judge *judge)
{
    return judge->verdict[0] == '\0' ? NULL : judge->verdict;
}

uint64_t cc_judge_leader_changes(const struct cc_judge *judge)
{
    return judge->leader_changes;
}

uint64_t cc_judge_commits(const struct cc_judge *judge)
{
    return judge->applied_count;
}

bool cc_judge_entry(const struct cc_judge *judge, uint64_t index, struct cc_judged_entry *entry_out)
{
    if (index == 0 || index > judge->applied_count) {
        return false;
    }
    *entry_out = judge->applied[index];
    return true;
}

uint64_t cc_judge_hash(const struct cc_entry *entry)
{
    uint64_t hash = cc_hash_bytes(entry->payload.data, entry->payload.size, entry->kind);

    return cc_hash_words(hash, entry->time_us);
}

/* ---- founding ----------------------------------------------------------------------------------
 */

static void check_base(struct cc_judge *judge, uint32_t place, const struct cc_server *server)
{
    uint8_t bytes[4096];
    struct cc_writer writer;

    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_base_encode(&writer, cc_journal_base(server->journal));

    uint64_t hash = cc_hash_bytes(writer.data, writer.size, 0) | 1;

    if (writer.failed || (judge->base != 0 && judge->base != hash)) {
        cc_judge_blame(judge, "one founding: server %u has another base", place + 1);
    }
    if (judge->servers[place].is_lost && !judge->servers[place].is_rolled_back) {
        cc_judge_blame(
            judge, "one founding: server %u lost its disk and takes part again", place + 1);
    }
    judge->base = hash;
}

void cc_judge_step(struct cc_judge *judge, uint32_t place, const struct cc_server *server)
{
    struct watched *watched = &judge->servers[place];
    const struct cc_group *group = server->group;

    if (group == NULL || server->failed != COPYCAT_OK) {
        return;
    }
    if (!watched->is_up) {
        check_base(judge, place, server);
        cc_judge_check_promises(judge, place, group);
        watched->role = CC_RAFT_FOLLOWER;
    }
    cc_judge_check_vote(judge, place, group);
    cc_judge_follow(judge, place, group);
    cc_judge_votes(judge, place, group);
    if (watched->is_up && cc_raft_commit(group->core) < watched->commit) {
        cc_judge_blame(judge, "monotony: the commit index of server %u went back", place + 1);
    }
    cc_judge_check_commit(judge, place, group);
    watched->commit = cc_raft_commit(group->core);
    cc_judge_check_role(judge, place, group);
    cc_judge_check_lease(judge, place, server);
    cc_judge_check_rounds(judge, place, group);
    watched->term = cc_raft_term(group->core);
    watched->vote = cc_raft_vote(group->core);
    watched->is_up = true;
    watched->server = server;
    cc_judge_images(judge, place, group);
    cc_judge_check_bounds(judge, place, server);
}

void cc_judge_failing(struct cc_judge *judge, uint32_t place, const struct cc_server *server)
{
    struct watched *watched = &judge->servers[place];

    if (watched->is_up && server->group != NULL && !server->group->is_stepping) {
        cc_judge_follow(
            judge, place, server->group); /* or what it dropped just now would be missed */
    } else if (
        watched->is_up && server->group != NULL &&
        cc_raft_stable(server->group->core) <= watched->last) {
        watched->stable = cc_raft_stable(server->group->core);
    }
}

void cc_judge_down(struct cc_judge *judge, uint32_t place)
{
    struct watched *server = &judge->servers[place];

    server->is_up = false;
    server->round = 0;
    server->confirmed = 0;
    server->server = NULL;
    server->applied = 0;
    server->time_us = 0;
    server->commit = 0;
}

void cc_judge_lost(struct cc_judge *judge, uint32_t place)
{
    judge->servers[place].is_lost = true;
}

void cc_judge_rolled_back(struct cc_judge *judge, uint32_t place)
{
    judge->servers[place].is_lost = true;
    judge->servers[place].is_rolled_back = true;
}

void cc_judge_damaged(struct cc_judge *judge, uint32_t place)
{
    judge->servers[place].is_damaged = true;
}

void cc_judge_spoiled(struct cc_judge *judge, uint32_t place, bool is_spoiled)
{
    judge->servers[place].is_spoiled = is_spoiled;
}

void cc_judge_committed(struct cc_judge *judge, uint64_t index)
{
    judge->commit = index;
}

void cc_judge_trusts_clocks(struct cc_judge *judge, bool does)
{
    judge->trusts_clocks = does;
}

bool cc_judge_can_lose(struct cc_judge *judge, uint32_t place)
{
    bool was_lost = judge->servers[place].is_lost;
    bool can;

    judge->servers[place].is_lost = true;
    can = judge->commit == 0 ||
          cc_judge_find_usurper(judge, judge->commit, judge->commit_term) == UINT32_MAX;
    judge->servers[place].is_lost = was_lost;
    return can;
}

void cc_judge_stranger(struct cc_judge *judge, uint32_t place, const struct cc_server *server)
{
    const struct watched *watched = &judge->servers[place];
    const struct cc_group *group = server->group;

    if (group == NULL || server->failed != COPYCAT_OK || !watched->is_up) {
        return;
    }
    if (cc_raft_term(group->core) != watched->term || cc_raft_vote(group->core) != watched->vote ||
        cc_raft_last(group->core) != watched->last ||
        cc_raft_commit(group->core) != watched->commit ||
        cc_raft_role(group->core) != watched->role) {
        cc_judge_blame(
            judge, "strangers: server %u was moved by somebody who does not belong here",
            place + 1);
    }
}
