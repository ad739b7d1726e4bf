/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run -- one seed, from an empty disk to the verdict.
 *
 *     found    all servers start and found their cluster
 *     faults   clients work while the nemesis strikes
 *     heal     everything is well again: what is under way must end, and all must agree, in time
 *     audit    everybody is restarted from disk and must agree again; histories are judged
 */
#ifndef CC_SIM_RUN_H
#define CC_SIM_RUN_H

#include "sim/nemesis.h"

struct cc_run_options {
    uint64_t seed;
    bool tells_story;
};

struct cc_run_result {
    bool has_passed;
    bool counts; /* enough happened in it */
    char verdict[768];
    uint64_t trace;
    uint64_t simulated_us;
    uint64_t idle_us;
    uint64_t commits;
    uint64_t leader_changes;
    uint64_t kinds_fired;
    uint64_t fired[CC_FAULT_COUNT];
    struct cc_workload_totals workload;
    struct cc_cluster_totals cluster;
    struct cc_world_counters world;
};

void cc_run(const struct cc_run_options *options, struct cc_run_result *result);

#endif /* CC_SIM_RUN_H */
