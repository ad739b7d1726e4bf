/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heat -- see heat.h.
 */
#include "sim/heat.h"

static const char *operation_text(uint32_t operation)
{
    static const char *const texts[] = {"none",     "put",  "get",   "remove",
                                        "contains", "size", "clear", "put-if-absent",
                                        "replace",  "cas",  "keys"};

    return texts[operation];
}

void cc_heat_add(
    struct cc_heat *heat, enum cc_fault fault, enum cc_hit_role role, uint32_t operations)
{
    heat->cells[0][fault][role] += operations == 0;
    for (uint32_t i = CC_HISTORY_PUT; i < CC_HEAT_OPERATIONS; i++) {
        heat->cells[i][fault][role] += operations >> i & 1;
    }
}

/* Some faults hit certain roles alone. */
static bool is_possible(
    enum cc_fault fault, enum cc_hit_role role, const struct cc_fault_set *asked)
{
    if (cc_fault_use(fault) == CC_FAULT_ASKED && !cc_fault_set_has(asked, fault)) {
        return false;
    }
    if (fault == CC_FAULT_CRASH_LEADER || fault == CC_FAULT_ISOLATE_LEADER ||
        fault == CC_FAULT_TRANSFER) {
        return role == CC_HIT_LEADER;
    }
    if (cc_fault_family(fault) == CC_FAULTS_OF_CLIENTS) {
        return role == CC_HIT_CLIENT;
    }
    if (fault == CC_FAULT_WRONG_DIRECTORY) {
        return role != CC_HIT_CLIENT && role != CC_HIT_DOWN;
    }
    return role != CC_HIT_CLIENT && role != CC_HIT_DOWN;
}

static void print_cells(
    const struct cc_heat *heat, const struct cc_fault_set *asked, bool empty, FILE *file)
{
    for (uint32_t fault = 0; fault < CC_FAULT_COUNT; fault++) {
        for (uint32_t role = 0; role < CC_HIT_ROLES; role++) {
            for (uint32_t operation = 0; operation < CC_HEAT_OPERATIONS; operation++) {
                uint64_t hits = heat->cells[operation][fault][role];

                if (empty ? hits == 0 && operation != 0 &&
                                is_possible((enum cc_fault)fault, (enum cc_hit_role)role, asked)
                          : hits > 0) {
                    fprintf(
                        file, "%s\t%s\t%s\t%llu\n", operation_text(operation),
                        cc_fault_text((enum cc_fault)fault),
                        cc_hit_role_text((enum cc_hit_role)role), (unsigned long long)hits);
                }
            }
        }
    }
}

void cc_heat_print(const struct cc_heat *heat, const struct cc_fault_set *asked, FILE *file)
{
    fprintf(file, "operation\tfault\trole\thits\n");
    print_cells(heat, asked, false, file);
    print_cells(heat, asked, true, file);
}

void cc_heat_count(
    const struct cc_heat *heat,
    const struct cc_fault_set *asked,
    uint32_t *cells_out,
    uint32_t *hit_out)
{
    *cells_out = 0;
    *hit_out = 0;
    for (uint32_t fault = 0; fault < CC_FAULT_COUNT; fault++) {
        for (uint32_t role = 0; role < CC_HIT_ROLES; role++) {
            for (uint32_t operation = 1; operation < CC_HEAT_OPERATIONS; operation++) {
                if (is_possible((enum cc_fault)fault, (enum cc_hit_role)role, asked)) {
                    *cells_out += 1;
                    *hit_out += heat->cells[operation][fault][role] > 0;
                }
            }
        }
    }
}
