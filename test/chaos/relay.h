/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay -- one connection through the proxy: two sockets, and what is between them in each direction.
 *
 * Where it sits:   proxy -> [relay].
 * Memory:          fixed for each; the proxy's.
 *
 * What arrives gets the time at which it may go on, never before what arrived earlier.  A relay that
 * holds something back asks for another turn; all others wait for their sockets.
 */
#ifndef CC_TEST_CHAOS_RELAY_H
#define CC_TEST_CHAOS_RELAY_H

#include "proxy.h"

#define CHAOS_RELAY_BYTES (64u << 10)
#define CHAOS_RELAY_ARRIVALS 64u

struct chaos_flow {
    unsigned char bytes[CHAOS_RELAY_BYTES];
    size_t begin;
    size_t end;

    struct {
        size_t size;
        uint64_t due_us;
    } arrivals[CHAOS_RELAY_ARRIVALS]; /* oldest first */

    size_t arrival_count;
    uint64_t piece_due_us;
    bool is_over; /* its source has nothing more */
    bool is_shut; /* and its target knows */
    bool is_stalled;
};

struct chaos_relay {
    int sockets[2];             /* whoever has connected; the server */
    struct chaos_flow flows[2]; /* from sockets[i] to the other one */
    unsigned source;            /* CHAOS_CLIENTS, too, if it is not known */
    unsigned target;
    struct chaos_random random;
    enum chaos_ill ill;
    uint64_t ill_seed; /* as told by the proxy: another one is another illness */
    uint64_t delay_us;
    uint64_t reset_due_us;
};

/* Takes both sockets, which do not block. */
void chaos_relay_init(
    struct chaos_relay *relay, int source_socket, int target_socket, uint64_t seed);

/* Resets both, if they are not shut in order already. */
void chaos_relay_deinit(struct chaos_relay *relay, bool is_orderly);

/* What happens to it from now on. */
void chaos_relay_afflict(
    struct chaos_relay *relay,
    enum chaos_ill ill,
    uint64_t seed,
    struct chaos_proxy_counts *counts);

enum chaos_relay_state {
    CHAOS_RELAY_IDLE, /* until a socket is ready */
    CHAOS_RELAY_HOLDS,
    CHAOS_RELAY_ENDED,  /* both said that they have nothing more */
    CHAOS_RELAY_BROKEN, /* one of them is gone */
};

/* Moves what may move. */
enum chaos_relay_state chaos_relay_turn(
    struct chaos_relay *relay, uint64_t now_us, struct chaos_proxy_counts *counts);

#endif /* CC_TEST_CHAOS_RELAY_H */
