/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_machine -- the replicated half of a map.
 *
 * Where it sits:   apply -> [map_machine]; operations and results as in map_operation.h.
 * Replicated:      yes.
 *
 * A map keeps live commits: a record lives by exactly one commit, the one that stored it.
 *
 * Invariants
 *   P1  a commit is unreleased if and only if a record bears its index
 *   P2  a query changes nothing
 */
#ifndef CC_RESOURCE_MAP_MACHINE_H
#define CC_RESOURCE_MAP_MACHINE_H

#include <copycat/machine.h>

extern const copycat_machine_type cc_map_machine_type;

#endif /* CC_RESOURCE_MAP_MACHINE_H */
