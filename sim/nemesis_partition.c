/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nemesis_partition -- who does not see whom: links that are cut, for a while.
 *
 * Cuts overlap: a link is whole again when the last that held it cut is over.
 */
#include "sim/nemesis_internal.h"

#define SLOW_READS 400u /* times as long as usual */

static void cut(struct cc_nemesis *nemesis, struct cc_undo *undo, uint32_t from, uint32_t to)
{
    if (from == to || (undo->cuts[from] >> to & 1) == 1) {
        return;
    }
    undo->cuts[from] |= 1u << to;
    nemesis->cuts[from][to]++;
    cc_world_cut(cc_nemesis_world(nemesis), from, to, true);
}

static void mend(void *owner)
{
    struct cc_undo *undo = owner;
    struct cc_nemesis *nemesis = undo->nemesis;

    for (uint32_t from = 0; from < CC_MACHINES_MAX; from++) {
        for (uint32_t to = 0; to < CC_MACHINES_MAX; to++) {
            if ((undo->cuts[from] >> to & 1) == 1 && nemesis->cuts[from][to] > 0 &&
                --nemesis->cuts[from][to] == 0) {
                cc_world_cut(cc_nemesis_world(nemesis), from, to, false);
            }
        }
    }
    cc_cluster_tell(nemesis->cluster, "nemesis", "mends links");
    cc_nemesis_forget(undo);
}

/* What the others have to read for the one that comes back takes its time: of the entries that it
 * lacks it hears later than of how far they are committed (T-019). */
static void mend_with_slow_disks(void *owner)
{
    struct cc_undo *undo = owner;
    struct cc_nemesis *nemesis = undo->nemesis;
    uint64_t timeout_us = nemesis->cluster->options.election_timeout_us;

    for (uint32_t i = 0; i < nemesis->cluster->server_count; i++) {
        if (i != undo->machine && !nemesis->is_over) {
            cc_nemesis_slow_disk(nemesis, i, SLOW_READS, 4 * timeout_us);
            cc_world_reset(cc_nemesis_world(nemesis), undo->machine, i);
        }
    }
    mend(undo);
}

static struct cc_undo *mend_later(
    struct cc_nemesis *nemesis, struct cc_strike *strike, uint64_t longest_us)
{
    return cc_nemesis_later(
        nemesis, cc_decide_range(&strike->choices, 50000, longest_us), mend, strike->target);
}

void cc_nemesis_isolate(struct cc_nemesis *nemesis, uint32_t server, bool hears, bool speaks)
{
    cc_cluster_tell(
        nemesis->cluster, "nemesis", "cuts off server %u for good%s", server + 1,
        hears    ? "; it hears the others"
        : speaks ? "; the others hear it"
                 : "");
    for (uint32_t i = 0; i < nemesis->cluster->server_count; i++) {
        if (i != server && !speaks) {
            cc_world_cut(cc_nemesis_world(nemesis), server, i, true);
        }
        if (i != server && !hears) {
            cc_world_cut(cc_nemesis_world(nemesis), i, server, true);
        }
    }
}

/* Cuts between those servers whose bit is set and all others; clients stay with both sides. */
static bool partition(
    struct cc_nemesis *nemesis, struct cc_strike *strike, uint32_t side, bool is_one_way)
{
    uint32_t count = nemesis->cluster->server_count;
    struct cc_undo *undo;

    if (count < 2) {
        return false;
    }
    cc_cluster_tell(
        nemesis->cluster, "nemesis", "cuts off servers %#x%s", side, is_one_way ? ", one way" : "");
    undo = mend_later(nemesis, strike, 5000000);
    for (uint32_t from = 0; from < count; from++) {
        for (uint32_t to = 0; to < count; to++) {
            if ((side >> from & 1) == 1 && (side >> to & 1) == 0) {
                cut(nemesis, undo, from, to);
                if (!is_one_way) {
                    cut(nemesis, undo, to, from);
                }
            }
        }
    }
    return true;
}

/* Who sees both starts anew, at once, and the leader is cut off from all while the other one asks for
 * votes: what a former life has promised to that leader holds (T-067). */
static void usurp(void *owner)
{
    struct cc_undo *undo = owner;
    struct cc_nemesis *nemesis = undo->nemesis;
    struct cc_cluster *cluster = nemesis->cluster;
    uint64_t timeout_us = cluster->options.election_timeout_us;
    struct cc_undo *end;

    if (!nemesis->is_over) {
        end = cc_nemesis_later(nemesis, 4 * timeout_us, mend, undo->machine);
        for (uint32_t i = 0; i < cluster->server_count; i++) {
            cut(nemesis, end, undo->machine, i);
            cut(nemesis, end, i, undo->machine);
            if (i != undo->machine && i != undo->other && cc_cluster_is_up(cluster, i)) {
                cc_world_disk_stick(cluster->world, i, false);
                cc_cluster_crash(cluster, i);
                (void)cc_nemesis_later(
                    nemesis, cc_decide_range(&undo->choices, 0, 10000), cc_nemesis_restart, i);
            }
        }
    }
    cc_nemesis_forget(undo);
}

/* A leader and one other server do not see each other.  The disks of those that see both hang, so that
 * the other one has in the end all that they have. */
static void prepare_to_usurp(struct cc_nemesis *nemesis, struct cc_strike *strike, uint32_t other)
{
    struct cc_cluster *cluster = nemesis->cluster;
    uint64_t timeout_us = cluster->options.election_timeout_us;
    uint64_t wait_us = cc_decide_range(&strike->choices, timeout_us, 3 * timeout_us);
    struct cc_undo *undo = cc_nemesis_later(nemesis, wait_us, usurp, strike->leader);

    undo->other = other;
    undo->choices = strike->choices;
    for (uint32_t i = 0; i < cluster->server_count; i++) {
        if (i != strike->leader && i != other) {
            cc_nemesis_hang_disk(nemesis, i, wait_us);
        }
    }
}

/* Two servers do not see each other, and all others see both. */
static bool partial(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    uint32_t left = cc_nemesis_choose(strike, 2);
    uint32_t right = (left + 1 + (uint32_t)cc_decide_below(&strike->choices, 6)) %
                     nemesis->cluster->server_count;
    struct cc_undo *undo;

    if (left == right || nemesis->cluster->server_count < 3) {
        return false;
    }
    strike->target = left;
    cc_cluster_tell(
        nemesis->cluster, "nemesis", "cuts between servers %u and %u", left + 1, right + 1);
    undo = mend_later(nemesis, strike, 8000000);
    cut(nemesis, undo, left, right);
    cut(nemesis, undo, right, left);
    if (left == strike->leader && cc_decide_below(&strike->choices, 2) == 0) {
        prepare_to_usurp(nemesis, strike, right);
    }
    return true;
}

/* Two halves, and one server that sees both. */
static bool bridge(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    uint32_t count = nemesis->cluster->server_count;
    uint32_t middle = strike->server;
    struct cc_undo *undo;

    if (count < 3) {
        return false;
    }
    cc_cluster_tell(nemesis->cluster, "nemesis", "leaves server %u as a bridge", middle + 1);
    undo = mend_later(nemesis, strike, 8000000);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < count; j++) {
            if (i != middle && j != middle && (strike->side >> i & 1) != (strike->side >> j & 1)) {
                cut(nemesis, undo, i, j);
            }
        }
    }
    return true;
}

/* Each server sees a majority, and no two the same: its neighbours on a ring. */
static bool ring(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    uint32_t count = nemesis->cluster->options.voter_count;
    struct cc_undo *undo;

    if (count < 4) {
        return false;
    }
    cc_cluster_tell(nemesis->cluster, "nemesis", "lets servers see a ring of majorities");
    undo = mend_later(nemesis, strike, 8000000);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < count; j++) {
            uint32_t ahead = (j + count - i) % count;
            uint32_t distance = ahead < count - ahead ? ahead : count - ahead;

            if (distance > (count / 2 + 1) / 2) {
                cut(nemesis, undo, i, j);
            }
        }
    }
    return true;
}

static void mute(void *owner)
{
    struct cc_undo *undo = owner;
    struct cc_nemesis *nemesis = undo->nemesis;

    if (!nemesis->is_over) {
        struct cc_undo *end = cc_nemesis_later(nemesis, undo->count, mend, undo->machine);

        for (uint32_t i = 0; i < nemesis->cluster->server_count; i++) {
            cut(nemesis, end, undo->machine, i);
        }
    }
    cc_nemesis_forget(undo);
}

/* What the others say to the leader comes late, and then they do not hear it any more: while they
 * elect another one it goes on hearing what they said before (T-064). */
static void delay_echo(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    uint64_t timeout_us = nemesis->cluster->options.election_timeout_us;
    uint32_t jitter_us =
        (uint32_t)cc_decide_range(&strike->choices, timeout_us / 2, 2 * timeout_us);
    struct cc_undo *undo;

    for (uint32_t i = 0; i < nemesis->cluster->server_count; i++) {
        if (i != strike->leader) {
            cc_nemesis_delay(nemesis, i, strike->leader, jitter_us, 5 * timeout_us);
        }
    }
    undo = cc_nemesis_later(
        nemesis, cc_decide_range(&strike->choices, timeout_us / 4, 2 * timeout_us), mute,
        strike->leader);
    undo->count = (uint32_t)(4 * timeout_us);
}

/* Both ways, and maybe for long enough that the others elect another one. */
static bool part_from_leader(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    uint32_t count = nemesis->cluster->server_count;
    struct cc_undo *undo;

    cc_cluster_tell(nemesis->cluster, "nemesis", "cuts off the leader");
    undo = cc_nemesis_later(
        nemesis, cc_decide_range(&strike->choices, 50000, 5000000), mend_with_slow_disks,
        strike->target);
    for (uint32_t i = 0; i < count; i++) {
        cut(nemesis, undo, strike->leader, i);
        cut(nemesis, undo, i, strike->leader);
    }
    return true;
}

static bool isolate_leader(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    strike->target = strike->leader;
    if (strike->leader == UINT32_MAX || nemesis->cluster->server_count < 2) {
        return false;
    }
    if (strike->side % 2 == 0) {
        delay_echo(nemesis, strike);
        return true;
    }
    return strike->side % 4 == 1 ? partition(nemesis, strike, 1u << strike->leader, true)
                                 : part_from_leader(nemesis, strike);
}

bool cc_nemesis_partition(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    switch (strike->kind) {
    case CC_FAULT_PARTITION:
        return partition(nemesis, strike, strike->side, false);
    case CC_FAULT_ISOLATE_LEADER:
        return isolate_leader(nemesis, strike);
    case CC_FAULT_ONE_WAY:
        return partition(nemesis, strike, strike->side, true);
    case CC_FAULT_PARTIAL:
        return partial(nemesis, strike);
    case CC_FAULT_BRIDGE:
        return bridge(nemesis, strike);
    default:
        return ring(nemesis, strike);
    }
}
