/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nemesis_link -- links that are clogged, slow or thin, and connections that break.
 *
 * Faults overlap: a link is whole again when the last that held it clogged is over.
 */
#include "sim/nemesis_internal.h"

#include <string.h>

void cc_nemesis_heal_links(struct cc_nemesis *nemesis)
{
    memset(nemesis->cuts, 0, sizeof nemesis->cuts);
    memset(nemesis->clogs, 0, sizeof nemesis->clogs);
    cc_world_heal_network(cc_nemesis_world(nemesis));
}

static void as_usual(void *owner)
{
    struct cc_undo *undo = owner;
    struct cc_nemesis *nemesis = undo->nemesis;
    struct cc_world *world = cc_nemesis_world(nemesis);
    uint8_t *clogs = &nemesis->clogs[undo->machine][undo->other];

    *cc_world_link(world, undo->machine, undo->other) = (struct cc_link_quality){.slow = 1};
    if (*clogs > 0 && --*clogs == 0) {
        cc_world_clog(world, undo->machine, undo->other, false);
    }
    cc_nemesis_forget(undo);
}

void cc_nemesis_delay(
    struct cc_nemesis *nemesis, uint32_t from, uint32_t to, uint32_t jitter_us, uint64_t time_us)
{
    struct cc_undo *undo = cc_nemesis_later(nemesis, time_us, as_usual, from);

    undo->other = to;
    cc_world_link(cc_nemesis_world(nemesis), from, to)->jitter_us = jitter_us;
}

static struct cc_link_quality *worsen(
    struct cc_nemesis *nemesis, struct cc_strike *strike, uint64_t longest_us)
{
    struct cc_undo *undo = cc_nemesis_later(
        nemesis, cc_decide_range(&strike->choices, 50000, longest_us), as_usual, strike->server);

    undo->other = strike->other;
    return cc_world_link(cc_nemesis_world(nemesis), strike->server, strike->other);
}

static bool clog_link(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    struct cc_undo *undo;

    strike->target = cc_nemesis_choose(strike, 3);
    undo = cc_nemesis_later(
        nemesis, cc_decide_range(&strike->choices, 10000, 3000000), as_usual, strike->target);
    undo->other = strike->other;
    nemesis->clogs[strike->target][strike->other]++;
    cc_world_clog(cc_nemesis_world(nemesis), strike->target, strike->other, true);
    return true;
}

static bool spoil_link(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    struct cc_decider *choices = &strike->choices;

    if (strike->server == strike->other) {
        return false;
    }
    switch (strike->kind) {
    case CC_FAULT_SLOW_LINK:
        worsen(nemesis, strike, 3000000)->slow = (uint32_t)cc_decide_range(choices, 10, 200);
        return true;
    case CC_FAULT_JITTER:
        worsen(nemesis, strike, 3000000)->jitter_us =
            (uint32_t)cc_decide_range(choices, 1000, 300000);
        return true;
    case CC_FAULT_BANDWIDTH:
        worsen(nemesis, strike, 3000000)->bytes_per_ms = (uint32_t)cc_decide_range(choices, 2, 500);
        return true;
    case CC_FAULT_SPLIT:
        worsen(nemesis, strike, 1000000)->splits = true;
        return true;
    default:
        return clog_link(nemesis, strike);
    }
}

static void let_in(void *owner)
{
    struct cc_undo *undo = owner;

    cc_world_refuse(cc_nemesis_world(undo->nemesis), undo->machine, false);
    cc_nemesis_forget(undo);
}

bool cc_nemesis_hit_link(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    struct cc_world *world = cc_nemesis_world(nemesis);

    switch (strike->kind) {
    case CC_FAULT_PARTITION:
    case CC_FAULT_ISOLATE_LEADER:
    case CC_FAULT_ONE_WAY:
    case CC_FAULT_PARTIAL:
    case CC_FAULT_BRIDGE:
    case CC_FAULT_RING:
        return cc_nemesis_partition(nemesis, strike);
    case CC_FAULT_RESET:
        cc_world_reset(world, strike->server, strike->other);
        return strike->server != strike->other;
    case CC_FAULT_HALF_OPEN:
        strike->target = cc_nemesis_choose(strike, 2);
        return strike->target != strike->other &&
               cc_world_half_open(world, strike->target, strike->other);
    case CC_FAULT_REFUSED:
        strike->target = cc_nemesis_choose(strike, 3);
        cc_world_refuse(world, strike->target, true);
        (void)cc_nemesis_later(
            nemesis, cc_decide_range(&strike->choices, 50000, 3000000), let_in, strike->target);
        return true;
    default:
        return spoil_link(nemesis, strike);
    }
}
