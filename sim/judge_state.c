/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_state -- what servers apply: the same entries, in the same order, with the same state after each;
 * and whom a leader may expire.
 */
#include "sim/judge_internal.h"

/* The first to apply an entry of kind EXPIRE: has its leader waited for the session long enough? */
static void check_patience(struct cc_judge *judge, const struct cc_entry *entry)
{
    struct cc_session_expire expire;

    if (entry->term > judge->opened_term) {
        judge->opened_term = entry->term;
        judge->opened_us = entry->time_us;
    }
    if (entry->kind != CC_ENTRY_SESSION_EXPIRE ||
        !cc_session_expire_decode(entry->payload, &expire) || expire.session > entry->index) {
        return;
    }
    if (entry->time_us - judge->opened_us < judge->applied[expire.session].timeout_us) {
        cc_judge_blame(
            judge, "patience: session %llu was expired %llu us after the first entry of term %llu",
            (unsigned long long)expire.session,
            (unsigned long long)(entry->time_us - judge->opened_us),
            (unsigned long long)entry->term);
    }
}

void cc_judge_applied(
    struct cc_judge *judge,
    uint32_t place,
    uint64_t term,
    const struct cc_entry *entry,
    uint64_t digest)
{
    struct watched *server = &judge->servers[place];
    struct cc_judged_entry mine = {entry->term,         term, cc_judge_hash(entry), digest,
                                   !server->is_spoiled, 0};
    struct cc_session_open open;

    if (entry->index != server->applied + 1) {
        cc_judge_blame(
            judge, "same state: server %u applied %llu after %llu", place + 1,
            (unsigned long long)entry->index, (unsigned long long)server->applied);
        return;
    }
    server->applied = entry->index;
    if (entry->time_us < server->time_us) {
        cc_judge_blame(
            judge, "monotony: log time went back at index %llu on server %u",
            (unsigned long long)entry->index, place + 1);
    }
    server->time_us = entry->time_us;
    if (entry->index > judge->applied_count) {
        judge->applied = cc_judge_grow(
            judge->applied, &judge->applied_capacity, entry->index + 1, sizeof *judge->applied);
        if (entry->kind == CC_ENTRY_SESSION_OPEN && cc_session_open_decode(entry->payload, &open)) {
            mine.timeout_us = open.timeout_us;
        }
        judge->applied[entry->index] = mine;
        judge->applied_count = entry->index;
        check_patience(judge, entry);
        return;
    }

    struct cc_judged_entry *other = &judge->applied[entry->index];

    if (other->term != mine.term || other->hash != mine.hash) {
        cc_judge_blame(
            judge, "same state: server %u applied another entry at index %llu", place + 1,
            (unsigned long long)entry->index);
    } else if (mine.has_digest && !other->has_digest) {
        other->digest = mine.digest;
        other->has_digest = true;
    } else if (mine.has_digest && other->digest != mine.digest) {
        cc_judge_blame(
            judge, "same state: server %u has another digest after index %llu", place + 1,
            (unsigned long long)entry->index);
    }
}
