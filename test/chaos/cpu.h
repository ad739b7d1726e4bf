/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu -- takes processor time away from a server: by a control group, or by stopping it most of the
 * time.
 *
 * Where it sits:   [cpu] -> faults.
 * Memory:          fixed; the control groups are removed by the guard at the latest.
 */
#ifndef CC_TEST_CHAOS_CPU_H
#define CC_TEST_CHAOS_CPU_H

#include "basics.h"
#include "guard.h"

#include <sys/types.h>

struct chaos_cpu {
    bool has_groups;
    bool is_unified; /* cpu.max, not cpu.cfs_quota_us */
    char groups[CHAOS_SERVER_COUNT][96];
};

/* Cannot fail: without control groups servers are stopped and continued. */
void chaos_cpu_open(struct chaos_cpu *cpu, struct chaos_guard *guard);
void chaos_cpu_close(struct chaos_cpu *cpu);

/* From now on `pid`, a server's, has so many hundredths of one processor, or all again. */
void chaos_cpu_limit(struct chaos_cpu *cpu, unsigned server, pid_t pid, unsigned percent);
void chaos_cpu_release(struct chaos_cpu *cpu, unsigned server, pid_t pid);

/* Lets `ms` pass.  Without control groups it is this that takes the processor away. */
void chaos_cpu_pass(struct chaos_cpu *cpu, pid_t pid, unsigned percent, uint64_t ms);

#endif /* CC_TEST_CHAOS_CPU_H */
