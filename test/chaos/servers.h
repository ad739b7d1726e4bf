/* SPDX-License-Identifier: Apache-2.0 */
/*
 * servers -- three copycatd as child processes: started, signalled, ended, asked where they stand.
 *
 * Where it sits:   network -> [servers] -> nemesis, chaos.
 * Memory:          fixed.
 * Threads:         the one that starts them: a server dies with the thread that began it, so that
 *                  none outlives the test, however that ends.
 */
#ifndef CC_TEST_CHAOS_SERVERS_H
#define CC_TEST_CHAOS_SERVERS_H

#include "network.h"

#include <sys/types.h>

struct chaos_servers {
    const struct chaos_network *network;
    const char *program; /* copycatd */
    char root[64];       /* with 1/, 2/, 3/ for data, 1.log... for what they print */
    char members[128];
    pid_t pids[CHAOS_SERVER_COUNT]; /* 0: not running */
    unsigned deaths;                /* that nobody ordered */
};

/* Makes a directory of its own; starts nobody.  Both are borrowed. */
void chaos_servers_init(
    struct chaos_servers *servers, const struct chaos_network *network, const char *program);

/* Kills whoever runs.  The directory is removed unless it is wanted. */
void chaos_servers_deinit(struct chaos_servers *servers, bool keeps_directory);

void chaos_servers_start(struct chaos_servers *servers, unsigned server);

void chaos_servers_signal(struct chaos_servers *servers, unsigned server, int signal_number);

/* After SIGKILL or SIGTERM: waits until it has ended, with a kill if it takes too long; its exit
 * code, or 128 and the signal. */
int chaos_servers_reap(struct chaos_servers *servers, unsigned server);

/* Notes who has ended by itself, and starts it again: the run goes on, the verdict is lost. */
void chaos_servers_check(struct chaos_servers *servers);

/* Number of the leader from 0, or CHAOS_SERVER_COUNT if none is seen. */
unsigned chaos_servers_leader(const struct chaos_servers *servers);

/* Waits until all have applied the same and have the same digest; false after `patience_ms`.
 * `says_so`: prints what each one says. */
bool chaos_servers_agree(const struct chaos_servers *servers, uint64_t patience_ms, bool says_so);

#endif /* CC_TEST_CHAOS_SERVERS_H */
