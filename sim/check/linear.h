/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linear -- is there one order of all operations that explains every answer and respects real time?
 *
 * Where it sits:   history -> [linear] -> report.  Black box: believes no log index.
 * Memory:          by malloc, freed before the return; bounded by the steps allowed.
 *
 * Judged are commands and the queries at levels LINEARIZABLE and LEASE.  Each key is searched for
 * itself, and CLEAR takes part in each of them as a write of nothing.  That alone would let one
 * CLEAR fall at different times for different keys, and says nothing of SIZE and KEYS: so a map
 * that knows any of these three and has few operations is also searched as a whole.
 */
#ifndef CC_SIM_CHECK_LINEAR_H
#define CC_SIM_CHECK_LINEAR_H

#include "sim/check/report.h"

struct cc_check_linear_options {
    uint64_t steps_max;   /* of all searches; 0: 4,000,000 */
    size_t whole_map_max; /* operations of a map that is searched as a whole; 0: 64 */

    /* Where the log has each operation, by id, 0: nowhere; NULL: nobody knows.  Tried as an order
     * before any search; then maps of every size are looked at as a whole. */
    const uint64_t *places;
};

/*
 * Options NULL: the defaults.  Running out of steps is UNKNOWN.  Adds to the report, which must
 * have been initialised; nothing is asked where something is BROKEN already.
 */
void cc_check_linear(
    const struct cc_history *history,
    const struct cc_check_linear_options *options,
    struct cc_check_report *report);

#endif /* CC_SIM_CHECK_LINEAR_H */
