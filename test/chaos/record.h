/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record -- what all clients asked and were told, written down as it happens, by any thread.
 *
 * Where it sits:   load -> [record] -> judge.
 * Memory:          the history's.
 * Threads:         any; one lock.  An invocation is noted before the call is made, an answer after
 *                  it came, so what is noted claims less about order than was true, never more.
 *
 * Keys wear out: a search for one order costs what was asked of a key at once, and what stayed
 * unknown stays possible for ever.  So each few seconds, or when enough is unknown, a new map with
 * new keys begins, an epoch.
 */
#ifndef CC_TEST_CHAOS_RECORD_H
#define CC_TEST_CHAOS_RECORD_H

#include "sim/check/history.h"

#include <pthread.h>

#define CHAOS_KEY_COUNT 6u

struct chaos_record {
    pthread_mutex_t lock;
    struct cc_history *history;
    uint64_t begun_us;
    uint64_t epoch_begun_us;
    uint32_t epoch;         /* number of the map that is in use, from 1 */
    uint32_t epoch_unknown; /* commands of it whose outcome nobody knows */
    uint64_t acknowledged;
    uint64_t unknown;
    uint64_t failed;
    uint64_t pause_us; /* the longest between two acknowledged commands */
    uint64_t acknowledged_us;
};

void chaos_record_init(struct chaos_record *record, uint64_t seconds);
void chaos_record_deinit(struct chaos_record *record);

/* The epoch to ask of now. */
uint32_t chaos_record_epoch(struct chaos_record *record);

/* From now on no epoch begins and no pause is counted. */
void chaos_record_settle(struct chaos_record *record);

/* `invocation` lacks its time, which is now. */
size_t chaos_record_invoke(
    struct chaos_record *record, const struct cc_history_invocation *invocation);

/* The same for the answer. */
void chaos_record_complete(
    struct chaos_record *record, size_t id, const struct cc_history_answer *answer);

#endif /* CC_TEST_CHAOS_RECORD_H */
