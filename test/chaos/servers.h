/* SPDX-License-Identifier: Apache-2.0 */
/*
 * servers -- three copycatd as child processes: started, signalled, ended, asked where they stand.
 *
 * Where it sits:   network, disks -> [servers] (launch: what a child does to become one) -> faults,
 *                  nemesis, chaos.
 * Memory:          fixed, and a page shared with each server that has a shim.
 * Threads:         the one that starts them: a server dies with the thread that began it, so that
 *                  none outlives the test, however that ends.
 */
#ifndef CC_TEST_CHAOS_SERVERS_H
#define CC_TEST_CHAOS_SERVERS_H

#include "disks.h"
#include "network.h"
#include "shim_page.h"

#include <sys/types.h>

/* How a server writes durably: the first without a shim. */
enum chaos_way {
    CHAOS_WAY_RING,   /* by io_uring, if it is to be had */
    CHAOS_WAY_THREAD, /* by a helper thread, and the write syncs */
    CHAOS_WAY_SYNC,   /* by a helper thread, and a sync follows the write */
    CHAOS_WAY_COUNT
};

struct chaos_servers {
    const struct chaos_network *network;
    const struct chaos_disks *disks;
    const char *program; /* copycatd */
    char shim[160];      /* the library; empty: it is not there */
    char root[64];       /* with disk-1/data, disk-2/data..., and 1.log... for what they print */
    char members[128];   /* as servers know each other */
    char addresses[96];  /* as clients know them */
    bool has_clocks;     /* each may have a monotonic clock of its own */
    struct chaos_random random;
    pid_t pids[CHAOS_SERVER_COUNT]; /* 0: not running */
    enum chaos_way ways[CHAOS_SERVER_COUNT];
    int64_t ahead_s[CHAOS_SERVER_COUNT]; /* its monotonic clock's, when it is started next */
    struct chaos_shim_page *pages[CHAOS_SERVER_COUNT];
    unsigned deaths; /* that nobody ordered */
};

/* Makes a directory of its own, in which disks can be made; starts nobody.  `network` and `program`
 * are borrowed. */
void chaos_servers_init(
    struct chaos_servers *servers,
    const struct chaos_network *network,
    const char *program,
    uint64_t seed);

/* Tells them where they find each other, and their data.  `disks` is borrowed. */
void chaos_servers_introduce(struct chaos_servers *servers, const struct chaos_disks *disks);

/* Kills whoever runs. */
void chaos_servers_deinit(struct chaos_servers *servers);

/* The directory, after its disks. */
void chaos_servers_remove(const struct chaos_servers *servers);

/* In any of the ways, or in this one. */
void chaos_servers_start(struct chaos_servers *servers, unsigned server);
void chaos_servers_start_by(struct chaos_servers *servers, unsigned server, enum chaos_way way);

/* A second process with the same number and the same data; reaped by the caller. */
pid_t chaos_servers_start_twin(struct chaos_servers *servers, unsigned server);

void chaos_servers_signal(struct chaos_servers *servers, unsigned server, int signal_number);

/* After SIGKILL or SIGTERM: waits until it has ended, with a kill if it takes too long; its exit
 * code, or 128 and the signal. */
int chaos_servers_reap(struct chaos_servers *servers, unsigned server);

/* True if it has ended by itself by now, or does so in time; then `*code_out` as above. */
bool chaos_servers_ends(
    struct chaos_servers *servers, unsigned server, uint64_t patience_ms, int *code_out);

/* Notes who has ended by itself, and starts it again: the run goes on, the verdict is lost. */
void chaos_servers_check(struct chaos_servers *servers);

/* Of the log with that name, "2" or "2.twin": how long it is; whether `text` was said in it after the
 * first `offset` bytes. */
uint64_t chaos_servers_log_size(const struct chaos_servers *servers, const char *name);
bool chaos_servers_log_says(
    const struct chaos_servers *servers, const char *name, uint64_t offset, const char *text);

/* Number of the leader from 0, or CHAOS_SERVER_COUNT if none is seen. */
unsigned chaos_servers_leader(const struct chaos_servers *servers);

/* Waits until it has applied what any of them has applied now; false after `patience_ms`. */
bool chaos_servers_catches_up(
    const struct chaos_servers *servers, unsigned server, uint64_t patience_ms);

/* Waits until all have applied the same and have the same digest; false after `patience_ms`.
 * `says_so`: prints what each one says. */
bool chaos_servers_agree(const struct chaos_servers *servers, uint64_t patience_ms, bool says_so);

#endif /* CC_TEST_CHAOS_SERVERS_H */
