/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nemesis -- does to servers, disks, links, clocks and clients what the world does, one thing or two
 * at a time.
 *
 * Where it sits:   chaos -> [nemesis] -> faults -> servers, disks, cpu, proxy, network, load.
 * Memory:          the caller's.
 *
 * Each fault has a beginning and an end, with a while between them.  A second one may begin before
 * the first has ended, also at another server, so that at times only one server is well: nothing
 * can be acknowledged then, and nothing may be lost.
 *
 * First every kind that this machine allows has its turn, in any order; then chance has its way.
 */
#ifndef CC_TEST_CHAOS_NEMESIS_H
#define CC_TEST_CHAOS_NEMESIS_H

#include "cpu.h"
#include "load.h"
#include "proxy.h"
#include "servers.h"

enum chaos_kind {
    CHAOS_KILL,     /* SIGKILL; its end: started again */
    CHAOS_KILL_ALL, /* all servers at once */
    CHAOS_TERM,     /* SIGTERM, which must end it with 0; its end: started again */
    CHAOS_STOP,     /* SIGSTOP; its end: SIGCONT */
    CHAOS_STARVED,  /* of processor time */
    CHAOS_TWIN,     /* a second process with its data, which must be refused */
    CHAOS_CLOCKS, /* both clocks jump: the monotonic one with a restart, the wall's while it runs */
    CHAOS_LINK_DOWN,
    CHAOS_ONE_WAY, /* what it sends to one other, or to clients, is lost */
    CHAOS_MUTE,    /* what it sends to all others is lost */
    CHAOS_DELAY,
    CHAOS_STALL,
    CHAOS_SPLIT,
    CHAOS_RESET,
    CHAOS_FULL,        /* its disk, or all three */
    CHAOS_WRITE_ERROR, /* after which it must stop */
    CHAOS_SYNC_ERROR,  /* the same */
    CHAOS_SLOW_DISK,   /* which also writes less than it is asked to */
    CHAOS_HUNG_DISK,
    CHAOS_ROT,    /* bits of the journal of a stopped server change */
    CHAOS_POWER,  /* its disk forgets what was not synced, or all three do */
    CHAOS_CLIENT, /* a client is closed in the middle of its calls */
    CHAOS_KIND_COUNT
};

/* What came of it, beyond that it was done. */
struct chaos_effects {
    uint64_t full_met;     /* servers that found no space */
    uint64_t errors_met;   /* writes and syncs that failed, each the end of its server */
    uint64_t rot_repaired; /* with entries fetched from the others */
    uint64_t rot_refused;  /* the server said where, and did not start */
    uint64_t rot_harmless; /* nothing of worth had changed */
    uint64_t power_lost;   /* disks */
    uint64_t twins_refused;
};

struct chaos_nemesis {
    struct chaos_servers *servers;
    struct chaos_disks *disks;
    struct chaos_cpu *cpu;
    struct chaos_proxy *proxy;
    struct chaos_load *load;
    struct chaos_random random;
    const volatile int *is_interrupted;
    uint64_t counts[CHAOS_KIND_COUNT];
    struct chaos_effects effects;
    unsigned under_way; /* faults that have begun */
    unsigned rotten;    /* the server whose journal changed last: until it is well, no other */
    unsigned disorders; /* what a server must not do, and did */
};

/* One fault or two, from beginning to end, and the quiet after them. */
void chaos_nemesis_strike(struct chaos_nemesis *nemesis);

/* Some kind that this machine allows has not had its turn. */
bool chaos_nemesis_is_first_round(const struct chaos_nemesis *nemesis);

/* Something that no server may do. */
void chaos_nemesis_complain(struct chaos_nemesis *nemesis, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Lines with what was done and what came of it. */
void chaos_nemesis_print(const struct chaos_nemesis *nemesis);

/* "full disk (no mount is allowed), ..." or "nothing": kinds that this machine does not allow. */
void chaos_nemesis_skipped(const struct chaos_nemesis *nemesis, char *text, size_t text_size);

uint64_t chaos_nemesis_total(const struct chaos_nemesis *nemesis);

/* How many kinds were done. */
unsigned chaos_nemesis_kinds(const struct chaos_nemesis *nemesis);

#endif /* CC_TEST_CHAOS_NEMESIS_H */
