/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heat -- which operation was under way when which fault hit a server in which role.  What is still
 * zero after many seeds was never tested together.
 */
#ifndef CC_SIM_HEAT_H
#define CC_SIM_HEAT_H

#include "sim/check/history.h"
#include "sim/fault.h"

#include <stdio.h>

#define CC_HEAT_OPERATIONS (CC_HISTORY_KEYS + 1) /* 0: none was under way */

struct cc_heat {
    uint64_t cells[CC_HEAT_OPERATIONS][CC_FAULT_COUNT][CC_HIT_ROLES];
};

/* One fault, with a bit mask of the kinds of operations that are under way. */
void cc_heat_add(
    struct cc_heat *heat, enum cc_fault fault, enum cc_hit_role role, uint32_t operations);

/* Tab-separated: operation, fault, role, hits; then the cells that can be hit and were not. */
void cc_heat_print(const struct cc_heat *heat, const struct cc_fault_set *asked, FILE *file);

/* How many cells can be hit at all, and how many were. */
void cc_heat_count(
    const struct cc_heat *heat,
    const struct cc_fault_set *asked,
    uint32_t *cells_out,
    uint32_t *hit_out);

#endif /* CC_SIM_HEAT_H */
