/* SPDX-License-Identifier: Apache-2.0 */
/*
 * observer -- asks servers where they stand, as an operator's tool does, and compares what they say
 * with what the judge has seen: nothing beyond what was committed, and the digest of that index.
 */
#ifndef CC_SIM_OBSERVER_H
#define CC_SIM_OBSERVER_H

#include "client/probe.h"
#include "sim/cluster.h"

struct cc_observer {
    struct cc_cluster *cluster;
    struct cc_probe probe;
    bool is_busy;
};

/* For a new life of the machine that the questions come from. */
void cc_observer_init(struct cc_observer *observer, struct cc_cluster *cluster);

/* Asks a server, unless a question is under way. */
void cc_observer_ask(struct cc_observer *observer, struct cc_env *env, struct cc_decider *choices);

#endif /* CC_SIM_OBSERVER_H */
