/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linear_search -- the search for one order: Wing and Gong's, with Lowe's memory of what failed.
 *
 * Where it sits:   linear -> [linear_search] -> model.
 * Memory:          by malloc during the call; at most 64 bytes for each step allowed.
 *
 * Memory of a failure is the set of operations in the order so far and the state they led to, kept
 * as 128 bits of a hash: two that were mixed up would have to collide in all of them.
 */
#ifndef CC_SIM_CHECK_LINEAR_SEARCH_H
#define CC_SIM_CHECK_LINEAR_SEARCH_H

#include "sim/check/history.h"

enum cc_check_search_result {
    CC_CHECK_SEARCH_FOUND,
    CC_CHECK_SEARCH_IMPOSSIBLE,
    CC_CHECK_SEARCH_EXHAUSTED, /* too many steps */
};

/* One question: can these operations be ordered? */
struct cc_check_question {
    const struct cc_history *history;
    const struct cc_history_operation *const *operations; /* as invoked; none that failed */
    size_t operation_count;
    const uint32_t *keys; /* all that the state consists of */
    size_t key_count;
    uint64_t until; /* events after this place in the order have not happened yet */
    uint64_t steps_max;
};

/* Adds to `*steps` what it took. */
enum cc_check_search_result cc_check_search(
    const struct cc_check_question *question, uint64_t *steps);

#endif /* CC_SIM_CHECK_LINEAR_SEARCH_H */
