/* SPDX-License-Identifier: Apache-2.0 */
/*
 * totals -- what many seeds came to, and the words for it.
 *
 * Where it sits:   seeds -> [totals].
 */
#ifndef CC_SIM_TOTALS_H
#define CC_SIM_TOTALS_H

#include "sim/run.h"

struct cc_totals {
    uint64_t runs;
    uint64_t counting;
    uint64_t failures;
    struct cc_run_result sum;
};

void cc_totals_add(struct cc_totals *totals, const struct cc_run_result *result);
void cc_totals_print(const struct cc_totals *totals, double cpu);

#endif /* CC_SIM_TOTALS_H */
