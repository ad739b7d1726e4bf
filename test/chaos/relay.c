/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay -- see relay.h.
 */
#include "relay.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DELAY_US_MAX 250000u
#define JITTER_US_MAX 30000u
#define PIECE_GAP_US_MAX 1500u
#define RESET_US_MAX 700000u
#define RESET_PATIENCE_US 300000u /* for bytes to be cut in two; after that it ends between them */

void chaos_relay_init(
    struct chaos_relay *relay, int source_socket, int target_socket, uint64_t seed)
{
    relay->sockets[0] = source_socket;
    relay->sockets[1] = target_socket;
    relay->random.state = seed;
}

void chaos_relay_deinit(struct chaos_relay *relay, bool is_orderly)
{
    struct linger at_once = {.l_onoff = 1};

    for (unsigned i = 0; i < 2; i++) {
        if (!is_orderly) {
            (void)setsockopt(relay->sockets[i], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        }
        (void)close(relay->sockets[i]);
    }
}

void chaos_relay_afflict(
    struct chaos_relay *relay, enum chaos_ill ill, uint64_t seed, struct chaos_proxy_counts *counts)
{
    if (relay->ill == ill && relay->ill_seed == seed) {
        return;
    }
    relay->ill = ill;
    relay->ill_seed = seed;
    relay->random.state ^= seed;
    relay->delay_us = chaos_random_below(&relay->random, DELAY_US_MAX);
    relay->reset_due_us = chaos_now_us() + chaos_random_below(&relay->random, RESET_US_MAX);

    /* Nothing, one direction, the other or both. */
    uint32_t which = chaos_random_below(&relay->random, 4);

    for (unsigned i = 0; i < 2; i++) {
        relay->flows[i].piece_due_us = 0;
        relay->flows[i].is_stalled = ill == CHAOS_ILL_STALL && (which >> i & 1u) != 0;
        counts->stalled += relay->flows[i].is_stalled;
    }
}

/* ---- in ---------------------------------------------------------------------------------------- */

static void note_arrival(
    struct chaos_relay *relay,
    struct chaos_flow *flow,
    size_t size,
    struct chaos_proxy_counts *counts)
{
    uint64_t due_us = 0;

    if (relay->ill == CHAOS_ILL_DELAY) {
        due_us =
            chaos_now_us() + relay->delay_us + chaos_random_below(&relay->random, JITTER_US_MAX);
        counts->delayed++;
    }
    if (flow->arrival_count > 0 && flow->arrivals[flow->arrival_count - 1].due_us > due_us) {
        due_us = flow->arrivals[flow->arrival_count - 1].due_us;
    }
    if (flow->arrival_count == CHAOS_RELAY_ARRIVALS) {
        flow->arrivals[flow->arrival_count - 1].size += size;
        return;
    }
    flow->arrivals[flow->arrival_count].size = size;
    flow->arrivals[flow->arrival_count++].due_us = due_us;
}

/* False: the socket is broken. */
static bool take_in(
    struct chaos_relay *relay, unsigned from, struct chaos_proxy_counts *counts, bool *has_moved)
{
    struct chaos_flow *flow = &relay->flows[from];

    if (flow->begin > 0) {
        memmove(flow->bytes, flow->bytes + flow->begin, flow->end - flow->begin);
        flow->end -= flow->begin;
        flow->begin = 0;
    }
    while (!flow->is_over && flow->end < CHAOS_RELAY_BYTES) {
        ssize_t size =
            recv(relay->sockets[from], flow->bytes + flow->end, CHAOS_RELAY_BYTES - flow->end, 0);

        if (size < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        flow->is_over = size == 0;
        if (size > 0) {
            flow->end += (size_t)size;
            note_arrival(relay, flow, (size_t)size, counts);
        }
        *has_moved = true;
    }
    return true;
}

/* ---- out --------------------------------------------------------------------------------------- */

/* How much of what is held may go now. */
static size_t releasable(struct chaos_relay *relay, struct chaos_flow *flow, uint64_t now_us)
{
    size_t size = 0;

    for (size_t i = 0; i < flow->arrival_count && flow->arrivals[i].due_us <= now_us; i++) {
        size += flow->arrivals[i].size;
    }
    if (flow->is_stalled || now_us < flow->piece_due_us) {
        return 0;
    }
    if (relay->ill == CHAOS_ILL_SPLIT && size > 0) {
        bool is_tiny = chaos_random_below(&relay->random, 3) != 0;
        size_t piece = 1 + chaos_random_below(&relay->random, is_tiny ? 24 : 4096);

        size = piece < size ? piece : size;
    }
    return size;
}

static void forget(struct chaos_flow *flow, size_t size)
{
    size_t done = 0;

    flow->begin += size;
    while (size > 0 && size >= flow->arrivals[done].size) {
        size -= flow->arrivals[done++].size;
    }
    flow->arrival_count -= done;
    memmove(flow->arrivals, flow->arrivals + done, flow->arrival_count * sizeof *flow->arrivals);
    if (size > 0) {
        flow->arrivals[0].size -= size;
    }
}

/* False: the socket is broken. */
static bool put_out(
    struct chaos_relay *relay,
    unsigned from,
    uint64_t now_us,
    struct chaos_proxy_counts *counts,
    bool *has_moved)
{
    struct chaos_flow *flow = &relay->flows[from];
    int target = relay->sockets[1 - from];
    size_t size = releasable(relay, flow, now_us);
    ssize_t sent = size == 0 ? 0 : send(target, flow->bytes + flow->begin, size, MSG_NOSIGNAL);

    if (sent < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    if (sent > 0) {
        forget(flow, (size_t)sent);
        *has_moved = true;
        if (relay->ill == CHAOS_ILL_SPLIT) {
            flow->piece_due_us = now_us + chaos_random_below(&relay->random, 2) *
                                              chaos_random_below(&relay->random, PIECE_GAP_US_MAX);
            counts->pieces++;
        }
    }
    if (flow->is_over && !flow->is_shut && flow->begin == flow->end && !flow->is_stalled) {
        flow->is_shut = true;
        return shutdown(target, SHUT_WR) == 0;
    }
    return true;
}

/* True: it ends now, and a part of what was under way has been sent on. */
static bool is_cut(struct chaos_relay *relay, uint64_t now_us)
{
    bool is_due = relay->ill == CHAOS_ILL_RESET && now_us >= relay->reset_due_us;
    bool has_patience = now_us < relay->reset_due_us + RESET_PATIENCE_US;

    for (unsigned i = 0; i < 2 && is_due; i++) {
        struct chaos_flow *flow = &relay->flows[i];
        size_t held = flow->end - flow->begin;

        if (held > 1) {
            (void)send(
                relay->sockets[1 - i], flow->bytes + flow->begin,
                1 + chaos_random_below(&relay->random, (uint32_t)held - 1), MSG_NOSIGNAL);
            has_patience = false;
        }
    }
    return is_due && !has_patience;
}

enum chaos_relay_state chaos_relay_turn(
    struct chaos_relay *relay, uint64_t now_us, struct chaos_proxy_counts *counts)
{
    bool has_moved = true;

    while (has_moved) {
        has_moved = false;
        for (unsigned i = 0; i < 2; i++) {
            if (!take_in(relay, i, counts, &has_moved)) {
                return CHAOS_RELAY_BROKEN;
            }
        }
        if (is_cut(relay, now_us)) {
            counts->resets++;
            return chaos_random_below(&relay->random, 3) == 0 ? CHAOS_RELAY_ENDED
                                                              : CHAOS_RELAY_BROKEN;
        }
        for (unsigned i = 0; i < 2; i++) {
            if (!put_out(relay, i, now_us, counts, &has_moved)) {
                return CHAOS_RELAY_BROKEN;
            }
        }
    }
    if (relay->flows[0].is_shut && relay->flows[1].is_shut) {
        return CHAOS_RELAY_ENDED;
    }
    return relay->ill != CHAOS_ILL_NONE || relay->flows[0].arrival_count > 0 ||
                   relay->flows[1].arrival_count > 0
               ? CHAOS_RELAY_HOLDS
               : CHAOS_RELAY_IDLE;
}
