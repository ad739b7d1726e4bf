/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release -- which commits no longer contribute to any state: R(H) of the design, for H = applied.
 *
 * Where it sits:   written while applying, read by whoever cleans the log or judges it.
 * Replicated:      yes: a function of the log alone.
 * Memory:          one bit for each entry ever applied.
 *
 * Invariants
 *   L1  an index is released at most once (A5)
 */
#ifndef CC_APPLY_RELEASE_H
#define CC_APPLY_RELEASE_H

#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

struct cc_release {
    const struct cc_memory *memory;
    uint64_t *words; /* index i is bit i % 64 of word i / 64 */
    uint64_t word_count;
    uint64_t count;  /* of released indexes */
    uint64_t digest; /* sum over them */
};

/* Partner: cc_release_deinit. */
void cc_release_init(struct cc_release *release, const struct cc_memory *memory);
void cc_release_deinit(struct cc_release *release);

/* The index must not be released yet. */
void cc_release_add(struct cc_release *release, uint64_t index);

bool cc_release_has(const struct cc_release *release, uint64_t index);

#endif /* CC_APPLY_RELEASE_H */
