/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nemesis -- what goes wrong, and when.  Each seed draws which kinds of fault occur at all, and how
 * hard; then one fault after another is drawn from the nemesis' own stream.
 */
#ifndef CC_SIM_NEMESIS_H
#define CC_SIM_NEMESIS_H

#include "sim/workload.h"

/* X(name, text): every kind of fault. */
#define CC_FAULT_TABLE(X)                        \
    X(CC_FAULT_CRASH, "crash")                   \
    X(CC_FAULT_CRASH_LEADER, "crash-leader")     \
    X(CC_FAULT_CRASH_ALL, "crash-all")           \
    X(CC_FAULT_STOP, "stop")                     \
    X(CC_FAULT_LOSE_DISK, "lose-disk")           \
    X(CC_FAULT_PAUSE, "pause")                   \
    X(CC_FAULT_PARTITION, "partition")           \
    X(CC_FAULT_ISOLATE_LEADER, "isolate-leader") \
    X(CC_FAULT_ONE_WAY, "one-way")               \
    X(CC_FAULT_SLOW_LINK, "slow-link")           \
    X(CC_FAULT_RESET, "reset")                   \
    X(CC_FAULT_SLOW_DISK, "slow-disk")           \
    X(CC_FAULT_STUCK_DISK, "stuck-disk")         \
    X(CC_FAULT_DISK_ERROR, "disk-error")         \
    X(CC_FAULT_FULL_DISK, "full-disk")           \
    X(CC_FAULT_DRIFT, "drift")                   \
    X(CC_FAULT_WALL_CLOCK, "wall-clock")         \
    X(CC_FAULT_CLIENT_CRASH, "client-crash")     \
    X(CC_FAULT_CLIENT_PAUSE, "client-pause")     \
    X(CC_FAULT_CUT_CLIENT, "cut-client")         \
    X(CC_FAULT_TRANSFER, "transfer")

enum cc_fault {
#define CC_FAULT_ENUM(name, text) name,
    CC_FAULT_TABLE(CC_FAULT_ENUM)
#undef CC_FAULT_ENUM
    CC_FAULT_COUNT
};

struct cc_nemesis;

/* `pace_us`: time between faults, on average. */
struct cc_nemesis *cc_nemesis_create(
    struct cc_cluster *cluster, struct cc_workload *workload, uint64_t pace_us);
void cc_nemesis_destroy(struct cc_nemesis *nemesis);

/* Those of `faults`, a bit mask over enum cc_fault, that this seed has. */
#define CC_FAULTS_ALL UINT32_MAX
#define CC_FAULTS_OF_FOUNDING                                                     \
    (1u << CC_FAULT_CRASH | 1u << CC_FAULT_CRASH_ALL | 1u << CC_FAULT_STOP |      \
     1u << CC_FAULT_PAUSE | 1u << CC_FAULT_PARTITION | 1u << CC_FAULT_ONE_WAY |   \
     1u << CC_FAULT_RESET | 1u << CC_FAULT_SLOW_LINK | 1u << CC_FAULT_SLOW_DISK | \
     1u << CC_FAULT_STUCK_DISK | 1u << CC_FAULT_DISK_ERROR)
void cc_nemesis_start(struct cc_nemesis *nemesis, uint32_t faults);

/* Everything is well again until the next start: all machines up, all links whole, clocks true. */
void cc_nemesis_heal(struct cc_nemesis *nemesis);

/* How often each kind was done. */
const uint64_t *cc_nemesis_fired(const struct cc_nemesis *nemesis);

const char *cc_fault_text(enum cc_fault fault);

#endif /* CC_SIM_NEMESIS_H */
