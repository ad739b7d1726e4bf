/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault -- every kind of fault by name, sets of them, and the record of those that were injected.
 */
#ifndef CC_SIM_FAULT_H
#define CC_SIM_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cc_fault_family {
    CC_FAULTS_OF_MACHINES,
    CC_FAULTS_OF_POWER,
    CC_FAULTS_OF_LINKS,
    CC_FAULTS_OF_DISKS,
    CC_FAULTS_OF_CLOCKS,
    CC_FAULTS_OF_CLIENTS,
    CC_FAULTS_OF_STRANGERS,
    CC_FAULTS_OF_BYTES, /* damage at rest */
};

/* When a kind occurs. */
enum cc_fault_use {
    CC_FAULT_LATER, /* once the cluster is founded */
    CC_FAULT_SOON,  /* also while it is being founded */
    CC_FAULT_ASKED, /* only if it was asked for: beyond what is promised today */
};

/* X(name, text, family, use) */
#define CC_FAULT_TABLE(X)                                                                  \
    X(CC_FAULT_CRASH, "crash", CC_FAULTS_OF_MACHINES, CC_FAULT_SOON)                       \
    X(CC_FAULT_CRASH_LEADER, "crash-leader", CC_FAULTS_OF_MACHINES, CC_FAULT_LATER)        \
    X(CC_FAULT_CRASH_ALL, "crash-all", CC_FAULTS_OF_MACHINES, CC_FAULT_SOON)               \
    X(CC_FAULT_KILL, "kill", CC_FAULTS_OF_MACHINES, CC_FAULT_SOON)                         \
    X(CC_FAULT_RESTART_STORM, "restart-storm", CC_FAULTS_OF_MACHINES, CC_FAULT_SOON)       \
    X(CC_FAULT_STOP, "stop", CC_FAULTS_OF_MACHINES, CC_FAULT_SOON)                         \
    X(CC_FAULT_PAUSE, "pause", CC_FAULTS_OF_MACHINES, CC_FAULT_SOON)                       \
    X(CC_FAULT_LONG_PAUSE, "long-pause", CC_FAULTS_OF_MACHINES, CC_FAULT_LATER)            \
    X(CC_FAULT_SLOW_CPU, "slow-cpu", CC_FAULTS_OF_MACHINES, CC_FAULT_LATER)                \
    X(CC_FAULT_DOUBLE_START, "double-start", CC_FAULTS_OF_MACHINES, CC_FAULT_LATER)        \
    X(CC_FAULT_WRONG_DIRECTORY, "wrong-directory", CC_FAULTS_OF_MACHINES, CC_FAULT_LATER)  \
    X(CC_FAULT_LOSE_DISK, "lose-disk", CC_FAULTS_OF_MACHINES, CC_FAULT_LATER)              \
    X(CC_FAULT_ROLL_BACK, "roll-back", CC_FAULTS_OF_MACHINES, CC_FAULT_ASKED)              \
    X(CC_FAULT_TRANSFER, "transfer", CC_FAULTS_OF_MACHINES, CC_FAULT_LATER)                \
    X(CC_FAULT_LOST_TAIL, "lost-tail", CC_FAULTS_OF_POWER, CC_FAULT_LATER)                 \
    X(CC_FAULT_LOST_SUBSET, "lost-subset", CC_FAULTS_OF_POWER, CC_FAULT_LATER)             \
    X(CC_FAULT_TORN_WRITE, "torn-write", CC_FAULTS_OF_POWER, CC_FAULT_SOON)                \
    X(CC_FAULT_LOST_NAMES, "lost-names", CC_FAULTS_OF_POWER, CC_FAULT_SOON)                \
    X(CC_FAULT_BARE_SIZE, "bare-size", CC_FAULTS_OF_POWER, CC_FAULT_LATER)                 \
    X(CC_FAULT_PARTITION, "partition", CC_FAULTS_OF_LINKS, CC_FAULT_SOON)                  \
    X(CC_FAULT_ISOLATE_LEADER, "isolate-leader", CC_FAULTS_OF_LINKS, CC_FAULT_LATER)       \
    X(CC_FAULT_ONE_WAY, "one-way", CC_FAULTS_OF_LINKS, CC_FAULT_SOON)                      \
    X(CC_FAULT_PARTIAL, "partial-partition", CC_FAULTS_OF_LINKS, CC_FAULT_LATER)           \
    X(CC_FAULT_BRIDGE, "bridge", CC_FAULTS_OF_LINKS, CC_FAULT_LATER)                       \
    X(CC_FAULT_RING, "ring", CC_FAULTS_OF_LINKS, CC_FAULT_LATER)                           \
    X(CC_FAULT_SLOW_LINK, "slow-link", CC_FAULTS_OF_LINKS, CC_FAULT_SOON)                  \
    X(CC_FAULT_JITTER, "jitter", CC_FAULTS_OF_LINKS, CC_FAULT_SOON)                        \
    X(CC_FAULT_BANDWIDTH, "bandwidth", CC_FAULTS_OF_LINKS, CC_FAULT_LATER)                 \
    X(CC_FAULT_CLOG, "clog", CC_FAULTS_OF_LINKS, CC_FAULT_SOON)                            \
    X(CC_FAULT_RESET, "reset", CC_FAULTS_OF_LINKS, CC_FAULT_SOON)                          \
    X(CC_FAULT_HALF_OPEN, "half-open", CC_FAULTS_OF_LINKS, CC_FAULT_LATER)                 \
    X(CC_FAULT_REFUSED, "connect-refused", CC_FAULTS_OF_LINKS, CC_FAULT_SOON)              \
    X(CC_FAULT_SPLIT, "byte-split", CC_FAULTS_OF_LINKS, CC_FAULT_SOON)                     \
    X(CC_FAULT_SLOW_DISK, "slow-disk", CC_FAULTS_OF_DISKS, CC_FAULT_SOON)                  \
    X(CC_FAULT_STUCK_DISK, "stuck-disk", CC_FAULTS_OF_DISKS, CC_FAULT_SOON)                \
    X(CC_FAULT_HANG, "hung-request", CC_FAULTS_OF_DISKS, CC_FAULT_LATER)                   \
    X(CC_FAULT_DISK_ERROR, "disk-error", CC_FAULTS_OF_DISKS, CC_FAULT_SOON)                \
    X(CC_FAULT_READ_ERROR, "read-error", CC_FAULTS_OF_DISKS, CC_FAULT_LATER)               \
    X(CC_FAULT_WRITE_ERROR, "write-error", CC_FAULTS_OF_DISKS, CC_FAULT_LATER)             \
    X(CC_FAULT_SYNC_OLD, "sync-error-old", CC_FAULTS_OF_DISKS, CC_FAULT_LATER)             \
    X(CC_FAULT_SYNC_NEW, "sync-error-new", CC_FAULTS_OF_DISKS, CC_FAULT_ASKED)             \
    X(CC_FAULT_SYNC_MIXED, "sync-error-mixed", CC_FAULTS_OF_DISKS, CC_FAULT_LATER)         \
    X(CC_FAULT_FULL_DISK, "full-disk", CC_FAULTS_OF_DISKS, CC_FAULT_LATER)                 \
    X(CC_FAULT_TIGHT_DISK, "tight-disk", CC_FAULTS_OF_DISKS, CC_FAULT_LATER)               \
    X(CC_FAULT_NO_HANDLES, "no-handles", CC_FAULTS_OF_DISKS, CC_FAULT_LATER)               \
    X(CC_FAULT_DRIFT, "drift", CC_FAULTS_OF_CLOCKS, CC_FAULT_LATER)                        \
    X(CC_FAULT_WILD_DRIFT, "wild-drift", CC_FAULTS_OF_CLOCKS, CC_FAULT_LATER)              \
    X(CC_FAULT_WALL_BACK, "wall-clock-back", CC_FAULTS_OF_CLOCKS, CC_FAULT_SOON)           \
    X(CC_FAULT_WALL_FORWARD, "wall-clock-forward", CC_FAULTS_OF_CLOCKS, CC_FAULT_SOON)     \
    X(CC_FAULT_CLIENT_CRASH, "client-crash", CC_FAULTS_OF_CLIENTS, CC_FAULT_LATER)         \
    X(CC_FAULT_CLIENT_PAUSE, "client-pause", CC_FAULTS_OF_CLIENTS, CC_FAULT_LATER)         \
    X(CC_FAULT_CUT_CLIENT, "cut-client", CC_FAULTS_OF_CLIENTS, CC_FAULT_LATER)             \
    X(CC_FAULT_CLIENT_DOUBLES, "duplicate-requests", CC_FAULTS_OF_CLIENTS, CC_FAULT_LATER) \
    X(CC_FAULT_LOST_ANSWER, "lost-answer", CC_FAULTS_OF_CLIENTS, CC_FAULT_LATER)           \
    X(CC_FAULT_CLIENT_ELSEWHERE, "client-elsewhere", CC_FAULTS_OF_CLIENTS, CC_FAULT_LATER) \
    X(CC_FAULT_DEAF_CLIENT, "deaf-client", CC_FAULTS_OF_CLIENTS, CC_FAULT_LATER)           \
    X(CC_FAULT_GARBAGE, "garbage", CC_FAULTS_OF_STRANGERS, CC_FAULT_LATER)                 \
    X(CC_FAULT_OVERSIZED, "oversized-frame", CC_FAULTS_OF_STRANGERS, CC_FAULT_LATER)       \
    X(CC_FAULT_WRONG_CLUSTER, "wrong-cluster", CC_FAULTS_OF_STRANGERS, CC_FAULT_LATER)     \
    X(CC_FAULT_REPLAY, "replay", CC_FAULTS_OF_STRANGERS, CC_FAULT_LATER)                   \
    X(CC_FAULT_ROT, "bit-rot", CC_FAULTS_OF_BYTES, CC_FAULT_LATER)                         \
    X(CC_FAULT_LATENT_SECTOR, "latent-sector", CC_FAULTS_OF_BYTES, CC_FAULT_LATER)         \
    X(CC_FAULT_LOST_WRITE, "lost-write", CC_FAULTS_OF_BYTES, CC_FAULT_ASKED)               \
    X(CC_FAULT_MISDIRECTED_WRITE, "misdirected-write", CC_FAULTS_OF_BYTES, CC_FAULT_ASKED) \
    X(CC_FAULT_MISDIRECTED_READ, "misdirected-read", CC_FAULTS_OF_BYTES, CC_FAULT_ASKED)   \
    X(CC_FAULT_DEFECTION, "defection", CC_FAULTS_OF_MACHINES, CC_FAULT_LATER)              \
    X(CC_FAULT_MEMORY, "memory-fault", CC_FAULTS_OF_MACHINES, CC_FAULT_LATER)

enum cc_fault {
#define CC_FAULT_ENUM(name, text, family, use) name,
    CC_FAULT_TABLE(CC_FAULT_ENUM)
#undef CC_FAULT_ENUM
    CC_FAULT_COUNT
};

const char *cc_fault_text(enum cc_fault fault);
enum cc_fault_family cc_fault_family(enum cc_fault fault);
enum cc_fault_use cc_fault_use(enum cc_fault fault);

/* By its text; false if there is none such. */
bool cc_fault_find(const char *text, size_t size, enum cc_fault *fault_out);

struct cc_fault_set {
    uint64_t words[2];
};

_Static_assert(CC_FAULT_COUNT <= 128, "a set has a bit for each kind");

static inline bool cc_fault_set_has(const struct cc_fault_set *set, enum cc_fault fault)
{
    return (set->words[fault / 64] >> fault % 64 & 1) == 1;
}

static inline void cc_fault_set_add(struct cc_fault_set *set, enum cc_fault fault)
{
    set->words[fault / 64] |= UINT64_C(1) << fault % 64;
}

/* Adds those of a list like "bit-rot,roll-back"; false at a name that is none. */
bool cc_fault_set_parse(struct cc_fault_set *set, const char *list);

/* ---- what was injected ------------------------------------------------------------------------
 */

/* Who was hit. */
enum cc_hit_role {
    CC_HIT_FOLLOWER,
    CC_HIT_CANDIDATE,
    CC_HIT_LEADER,
    CC_HIT_LEARNER,
    CC_HIT_DOWN,   /* a server that was not running, or not founded yet */
    CC_HIT_CLIENT, /* no server */
    CC_HIT_ROLES
};

const char *cc_hit_role_text(enum cc_hit_role role);

/* The ordinal is the same in every run of the seed, whatever else is left out. */
struct cc_injection {
    uint64_t time_us;
    uint32_t ordinal;
    enum cc_fault kind;
    uint32_t target; /* machine */
    enum cc_hit_role role;
};

/* Grows by malloc; partner: cc_injections_deinit. */
struct cc_injections {
    struct cc_injection *at;
    size_t count;
    size_t capacity;
};

void cc_injections_add(struct cc_injections *list, const struct cc_injection *injection);
void cc_injections_deinit(struct cc_injections *list);

#endif /* CC_SIM_FAULT_H */
