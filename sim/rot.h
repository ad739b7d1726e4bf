/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rot -- bits of a running server's journal that are not what was written: put there, and looked for.
 */
#ifndef CC_SIM_ROT_H
#define CC_SIM_ROT_H

#include "sim/cluster.h"
#include "sim/decide.h"

/* The first entry behind the image that this server stands on whose batch does not read on its
 * platter; 0: all do.  The server is up. */
uint64_t cc_rot_left(const struct cc_cluster *cluster, uint32_t place);

/* One bit of a batch that is needed, though not of the newest; 0: there is none to be had. */
uint64_t cc_rot_strike(struct cc_cluster *cluster, uint32_t place, struct cc_decider *choices);

#endif /* CC_SIM_ROT_H */
