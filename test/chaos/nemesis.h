/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nemesis -- does to servers, links and clients what the world does, one thing or two at a time.
 *
 * Where it sits:   chaos -> [nemesis] -> servers, network, load.
 * Memory:          the caller's.
 *
 * Each fault has a beginning and an end, with a while between them.  A second one may begin before
 * the first has ended, also at another server, so that at times only one server is well: nothing
 * can be acknowledged then, and nothing may be lost.
 */
#ifndef CC_TEST_CHAOS_NEMESIS_H
#define CC_TEST_CHAOS_NEMESIS_H

#include "load.h"
#include "servers.h"

enum chaos_fault {
    CHAOS_KILL,     /* SIGKILL; its end: started again */
    CHAOS_KILL_ALL, /* all servers at once */
    CHAOS_TERM,     /* SIGTERM, which must end it with 0; its end: started again */
    CHAOS_STOP,     /* SIGSTOP; its end: SIGCONT */
    CHAOS_LINK_DOWN,
    CHAOS_ONE_WAY, /* what it sends to one other, or to clients, is lost */
    CHAOS_MUTE,    /* what it sends to all others is lost */
    CHAOS_CLIENT,  /* a client is closed in the middle of its calls */
    CHAOS_FAULT_COUNT
};

struct chaos_nemesis {
    struct chaos_servers *servers;
    struct chaos_load *load;
    struct chaos_random random;
    uint64_t counts[CHAOS_FAULT_COUNT];
    unsigned disorders; /* orderly stops that were none */
};

/* One fault or two, from beginning to end, and the quiet after them. */
void chaos_nemesis_strike(struct chaos_nemesis *nemesis);

/* "kill 3, stop 2": what was done. */
void chaos_nemesis_print(const struct chaos_nemesis *nemesis, char *text, size_t text_size);

uint64_t chaos_nemesis_total(const struct chaos_nemesis *nemesis);

#endif /* CC_TEST_CHAOS_NEMESIS_H */
