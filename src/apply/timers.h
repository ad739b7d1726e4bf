/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timers -- deadlines in log time, as data: (deadline, order, instance, key), never a closure.
 *
 * Where it sits:   set by machines through their context; taken by apply when an entry moves log
 *                  time.
 * Replicated:      yes.
 * Memory:          one block for each deadline, and a slot of a heap.
 *
 * Invariants
 *   D1  at most one deadline for each (instance, key)
 *   D2  deadlines are taken in order of (deadline, order of being set), whatever the heap
 *       looks like
 *   D3  heap[d->position].deadline == d
 *   D4  order is at or above that of every deadline
 */
#ifndef CC_APPLY_TIMERS_H
#define CC_APPLY_TIMERS_H

#include "base/table.h"

#include <stdbool.h>

struct cc_deadline;

/* What the heap compares lies in it: to look at each deadline would take a miss of the cache. */
struct cc_timers_slot {
    uint64_t deadline_us;
    uint64_t order;
    struct cc_deadline *deadline;
};

struct cc_timers {
    const struct cc_memory *memory;
    struct cc_timers_slot *heap;
    uint32_t count;
    uint32_t capacity;
    struct cc_table by_name; /* by the hash of (instance, key): the head of a chain */
    uint64_t order;          /* of the last deadline that was set */
    uint64_t digest;
};

/* Partner: cc_timers_deinit. */
void cc_timers_init(struct cc_timers *timers, const struct cc_memory *memory);
void cc_timers_deinit(struct cc_timers *timers);

/* Sets, or replaces, the deadline of (instance, key). */
void cc_timers_set(struct cc_timers *timers, uint64_t instance, uint64_t key, uint64_t deadline_us);

/* Nothing happens if there is none. */
void cc_timers_cancel(struct cc_timers *timers, uint64_t instance, uint64_t key);

/* ---- for images ------------------------------------------------------------------------------ */

struct cc_deadline_view {
    uint64_t deadline_us;
    uint64_t order;
    uint64_t instance;
    uint64_t key;
};

/* Puts the heap in the order in which the deadlines would be taken, which is one of those a heap may
 * have, so that cc_timers_at gives them in an order that does not depend on their past. */
void cc_timers_arrange(struct cc_timers *timers);

/* `position` is below count. */
struct cc_deadline_view cc_timers_at(const struct cc_timers *timers, uint32_t position);

/* Sets a deadline with the order it had.  False, and nothing has changed, if (instance, key) has one
 * or if its order is 0 or above timers->order, which the caller has set before. */
bool cc_timers_restore(struct cc_timers *timers, const struct cc_deadline_view *view);

/* ---- when they are due ----------------------------------------------------------------------- */

/* The earliest deadline; UINT64_MAX if there is none. */
uint64_t cc_timers_next_us(const struct cc_timers *timers);

/* Takes the first deadline at or before `now_us` out; false if there is none. */
bool cc_timers_take(
    struct cc_timers *timers, uint64_t now_us, uint64_t *instance_out, uint64_t *key_out);

#endif /* CC_APPLY_TIMERS_H */
