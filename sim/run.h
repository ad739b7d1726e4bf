/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run -- one seed, from an empty disk to the verdict.
 *
 *     found    all servers start and found their cluster
 *     faults   clients work while the nemesis strikes
 *     heal     a quorum is well again for good: what is under way must end, and it must agree, in time
 *     audit    everybody is restarted from disk and must agree again; histories are judged
 */
#ifndef CC_SIM_RUN_H
#define CC_SIM_RUN_H

#include "sim/nemesis.h"

/*
 * What is left out of a seed, or put in.  Nothing here changes what is drawn for the rest.  Zero
 * means: as the seed has it.
 */
struct cc_run_overrides {
    uint32_t voter_count;
    uint32_t client_count;
    bool no_learners;
    bool all_heal;             /* nobody stays broken for good */
    uint32_t idle_clients;     /* bit mask */
    uint32_t operations_max;   /* of all clients together */
    uint32_t operation_kinds;  /* bit mask over enum cc_history_kind */
    uint64_t faults_us;        /* length of the fault phase at most */
    uint64_t idle_us;          /* nothing is asked and nothing goes wrong for so long at the end */
    struct cc_fault_set asked; /* kinds that do not occur by themselves */
    struct cc_fault_set without; /* kinds that do not strike */
    const uint32_t *only;        /* ordinals of the faults that strike, ascending; borrowed */
    size_t only_count;
};

struct cc_run_options {
    uint64_t seed;
    bool tells_story;
    const struct cc_run_overrides *overrides; /* NULL: none */
    struct cc_injections *injected;           /* is given every fault of the run; may be NULL */
    struct cc_heat *heat;                     /* is added to; may be NULL */
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
