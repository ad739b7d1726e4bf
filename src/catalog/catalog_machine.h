/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_machine -- what exists: path -> (type, instance), and the making of resources.
 *
 * Where it sits:   apply -> [catalog]; instance 0 of every group.  Operations are those of
 *                  proto/catalog_operation.h.
 * Replicated:      yes.  Creating is a command, so of two that create one path with different types
 *                  the second fails, and everywhere the same one (T-093).
 * Memory:          a block for each path, and an array of them in order.
 *
 * It keeps live commits: a path lives by the commit that created it, whose index is its instance.
 *
 * Invariants
 *   N1  paths are in the one form (catalog_path.h), ascending, no two equal
 *   N2  a commit is unreleased if and only if a path bears its index
 *   N3  there are CC_RESOURCES_MAX paths at most
 */
#ifndef CC_CATALOG_CATALOG_MACHINE_H
#define CC_CATALOG_CATALOG_MACHINE_H

#include <copycat/machine.h>

#define CC_CATALOG_TYPE_ID 128u

extern const copycat_machine_type cc_catalog_machine_type;

#endif /* CC_CATALOG_CATALOG_MACHINE_H */
