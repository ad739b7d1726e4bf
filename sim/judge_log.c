/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_log -- a server's log, followed from step to step: what a leader never changes, and that equal
 * ends mean equal logs.
 */
#include "base/hash.h"
#include "raft/raft_internal.h"
#include "sim/judge_internal.h"

#include <stdlib.h>

static struct seen_entry *seen_slot(struct cc_judge *judge, uint64_t key)
{
    size_t at = key & (judge->seen_capacity - 1);

    while (judge->seen[at].key != 0 && judge->seen[at].key != key) {
        at = (at + 1) & (judge->seen_capacity - 1);
    }
    return &judge->seen[at];
}

static void grow_seen(struct cc_judge *judge)
{
    struct seen_entry *old = judge->seen;
    size_t old_capacity = judge->seen_capacity;

    judge->seen_capacity = old_capacity == 0 ? 4096 : old_capacity * 2;
    judge->seen = calloc(judge->seen_capacity, sizeof *judge->seen);
    if (judge->seen == NULL) {
        abort();
    }
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].key != 0) {
            *seen_slot(judge, old[i].key) = old[i];
        }
    }
    free(old);
}

/* The entry, and the term of the one before: so equal ends mean equal logs. */
static void check_matching(
    struct cc_judge *judge, uint32_t place, const struct cc_entry *entry, uint64_t term_before)
{
    uint64_t key = cc_hash_words(entry->index, entry->term) | 1;
    uint64_t hash = cc_hash_words(cc_judge_hash(entry), term_before);

    if (judge->seen_count * 2 >= judge->seen_capacity) {
        grow_seen(judge);
    }

    struct seen_entry *slot = seen_slot(judge, key);

    if (slot->key == 0) {
        *slot = (struct seen_entry){key, hash};
        judge->seen_count++;
    } else if (slot->hash != hash) {
        cc_judge_blame(
            judge, "log matching: server %u has another entry at index %llu of term %llu",
            place + 1, (unsigned long long)entry->index, (unsigned long long)entry->term);
    }
}

/* Takes over what a server's log has become, from the first index that may differ. */
static void follow_log(
    struct cc_judge *judge, uint32_t place, const struct cc_group *group, uint64_t last)
{
    struct watched *server = &judge->servers[place];
    uint64_t from = (server->last < last ? server->last : last) + 1;

    /* A truncation and new entries in one step: walk back to where both agree. */
    while (from > 1 && server->terms != NULL &&
           cc_judge_term(judge, group->core, from - 1) != server->terms[from - 1]) {
        from--;
    }
    if (server->is_up && server->role == CC_RAFT_LEADER && from <= server->last &&
        cc_raft_role(group->core) == CC_RAFT_LEADER && cc_raft_term(group->core) == server->term) {
        cc_judge_blame(
            judge, "leader append-only: server %u, which leads term %llu, changed its entry %llu",
            place + 1, (unsigned long long)server->term, (unsigned long long)from);
    }
    server->terms =
        cc_judge_grow(server->terms, &server->term_capacity, last + 2, sizeof *server->terms);
    for (uint64_t index = from; index <= last; index++) {
        struct cc_block *block = cc_log_peek(group->log, index);

        server->terms[index] = cc_judge_term(judge, group->core, index);
        if (block != NULL) {
            struct cc_entry entry = cc_entry_of(block);

            check_matching(
                judge, place, &entry, index > 1 ? cc_judge_term(judge, group->core, index - 1) : 0);
        }
    }
    if (from <= server->told_match) {
        server->told_match = from - 1;
    }
    if (from <= server->stable) {
        server->stable = from - 1; /* what a leader has overruled was promised for no longer */
    }
    server->last = last;
}

void cc_judge_follow(struct cc_judge *judge, uint32_t place, const struct cc_group *group)
{
    struct watched *watched = &judge->servers[place];

    if (cc_raft_last(group->core) != watched->last || !watched->is_up ||
        cc_judge_term(judge, group->core, watched->last) !=
            (watched->terms == NULL ? 0 : watched->terms[watched->last])) {
        follow_log(judge, place, group, cc_raft_last(group->core));
    }
    /* Where a disk refused once to read something, it does not count until it has come back and is
     * durable anew, and it is there all the same. */
    if (group->core->damaged_from == 0 || cc_raft_stable(group->core) > watched->stable) {
        watched->stable = cc_raft_stable(group->core);
    }
}
