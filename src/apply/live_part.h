/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_part -- a set of numbers below 65536: a sorted array while they are few, a bitmap when they
 * are many.
 *
 * Where it sits:   one page of the set of live entries (live.h).
 * Replicated:      what is in it; which of the two forms it has depends on how it came about, and
 *                  nothing that can be asked depends on the form.
 * Memory:          none when empty; 2 to 8 bytes a number in an array, never more than 8 KiB.
 */
#ifndef CC_APPLY_LIVE_PART_H
#define CC_APPLY_LIVE_PART_H

#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

#define CC_LIVE_PART_SIZE 65536u

/* All zero: empty. */
struct cc_live_part {
    void *data;        /* uint16_t in ascending order, or a bitmap of uint64_t */
    uint32_t count;    /* of numbers in it */
    uint32_t capacity; /* of the array; CC_LIVE_PART_SIZE: it is a bitmap */
};

/* Empties it; it has no memory then. */
void cc_live_part_clear(struct cc_live_part *part, const struct cc_memory *memory);

/* It must not be there yet. */
void cc_live_part_add(struct cc_live_part *part, const struct cc_memory *memory, uint32_t number);

/* False if it is not there. */
bool cc_live_part_remove(
    struct cc_live_part *part, const struct cc_memory *memory, uint32_t number);

bool cc_live_part_has(const struct cc_live_part *part, uint32_t number);

/* The lowest number that is not below `from`; CC_LIVE_PART_SIZE if there is none. */
uint32_t cc_live_part_next(const struct cc_live_part *part, uint32_t from);

#endif /* CC_APPLY_LIVE_PART_H */
