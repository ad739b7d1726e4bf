/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stranger -- somebody who does not belong to the cluster and talks to its servers all the same:
 * garbage, frames that are too long, words of another cluster, and what a server said in an earlier
 * life.  Nothing of it may change anything.
 */
#ifndef CC_SIM_STRANGER_H
#define CC_SIM_STRANGER_H

#include "sim/cluster.h"
#include "sim/fault.h"

struct cc_stranger;

struct cc_stranger *cc_stranger_create(struct cc_cluster *cluster);
void cc_stranger_destroy(struct cc_stranger *stranger);

/* Visits a server; false if there is nothing to say to it. */
bool cc_stranger_strike(
    struct cc_stranger *stranger, enum cc_fault fault, uint32_t server, struct cc_decider *choices);

#endif /* CC_SIM_STRANGER_H */
