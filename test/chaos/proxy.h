/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy -- stands in every connection of the cluster, and does to bytes what networks do to them.
 *
 * Where it sits:   clients, servers -> a server's face -> [proxy] -> relay -> the server itself.
 * Memory:          by malloc, so much for each connection; their number has a bound.
 * Threads:         one of its own; what others call may be called by any.
 *
 * TCP neither loses, doubles nor reorders what it carries.  What is left to do it harm is time: bytes
 * come late, in any pieces, not at all for a while on one connection and at once on another, or the
 * connection ends between any two of them.
 */
#ifndef CC_TEST_CHAOS_PROXY_H
#define CC_TEST_CHAOS_PROXY_H

#include "network.h"

enum chaos_ill {
    CHAOS_ILL_NONE,
    CHAOS_ILL_DELAY, /* each connection has a delay of its own, and it varies */
    CHAOS_ILL_STALL, /* some connections, or one direction of them, carry nothing */
    CHAOS_ILL_SPLIT, /* pieces of few bytes, with time between them */
    CHAOS_ILL_RESET, /* each connection ends soon, often in the middle of what is under way */
};

struct chaos_proxy_counts {
    uint64_t connections;
    uint64_t delayed; /* arrivals that had to wait */
    uint64_t stalled; /* directions of connections */
    uint64_t pieces;
    uint64_t resets;
};

struct chaos_proxy;

/* `network` is borrowed. */
struct chaos_proxy *chaos_proxy_open(const struct chaos_network *network);
void chaos_proxy_close(struct chaos_proxy *proxy);

/* From now on all connections from and to `server` are ill in that way. */
void chaos_proxy_afflict(
    struct chaos_proxy *proxy, unsigned server, enum chaos_ill ill, uint64_t seed);

struct chaos_proxy_counts chaos_proxy_counts(struct chaos_proxy *proxy);

#endif /* CC_TEST_CHAOS_PROXY_H */
