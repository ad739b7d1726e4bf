/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nemesis_client -- clients that die, stand still, lose their way or do not listen.
 */
#include "sim/nemesis_internal.h"

static void reach_again(void *owner)
{
    struct cc_undo *undo = owner;
    struct cc_nemesis *nemesis = undo->nemesis;

    for (uint32_t i = 0; i < nemesis->cluster->server_count; i++) {
        cc_world_cut(cc_nemesis_world(nemesis), undo->machine, i, false);
        cc_world_cut(cc_nemesis_world(nemesis), i, undo->machine, false);
    }
    cc_nemesis_forget(undo);
}

static bool cut_client(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    for (uint32_t i = 0; i < nemesis->cluster->server_count; i++) {
        if (cc_decide_below(&strike->choices, 3) != 0) {
            cc_world_cut(cc_nemesis_world(nemesis), strike->target, i, true);
            cc_world_cut(cc_nemesis_world(nemesis), i, strike->target, true);
        }
    }
    (void)cc_nemesis_later(
        nemesis, cc_decide_range(&strike->choices, 50000, 6000000), reach_again, strike->target);
    return true;
}

static void once_again(void *owner)
{
    struct cc_undo *undo = owner;

    for (uint32_t i = 0; i < undo->nemesis->cluster->server_count; i++) {
        cc_world_link(cc_nemesis_world(undo->nemesis), undo->machine, i)->doubles = false;
    }
    cc_nemesis_forget(undo);
}

/* Everything it says arrives twice for a while. */
static bool double_requests(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    for (uint32_t i = 0; i < nemesis->cluster->server_count; i++) {
        cc_world_link(cc_nemesis_world(nemesis), strike->target, i)->doubles = true;
    }
    (void)cc_nemesis_later(
        nemesis, cc_decide_range(&strike->choices, 10000, 1000000), once_again, strike->target);
    return true;
}

/* What it is answered next is lost, with the connection. */
static bool lose_answer(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    for (uint32_t i = 0; i < nemesis->cluster->server_count; i++) {
        cc_world_swallow(cc_nemesis_world(nemesis), i, strike->target);
    }
    return true;
}

static void let_in(void *owner)
{
    struct cc_undo *undo = owner;

    cc_world_refuse(cc_nemesis_world(undo->nemesis), undo->machine, false);
    cc_nemesis_forget(undo);
}

/* Its connection breaks, and the server it may have had lets nobody in. */
static bool send_elsewhere(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    struct cc_world *world = cc_nemesis_world(nemesis);

    cc_world_refuse(world, strike->server, true);
    (void)cc_nemesis_later(
        nemesis, cc_decide_range(&strike->choices, 50000, 1000000), let_in, strike->server);
    for (uint32_t i = 0; i < nemesis->cluster->server_count; i++) {
        cc_world_reset(world, strike->target, i);
    }
    return true;
}

/* What it was told in the meantime it hears now, all of it; and is not heard itself for a while: of
 * its session it must not believe more than was true when it asked (T-085). */
static void mute(struct cc_nemesis *nemesis, uint32_t machine, uint64_t time_us)
{
    for (uint32_t i = 0; i < nemesis->cluster->server_count; i++) {
        cc_world_cut(cc_nemesis_world(nemesis), machine, i, true);
    }
    (void)cc_nemesis_later(nemesis, time_us, reach_again, machine);
}

static void listen_again(void *owner)
{
    struct cc_undo *undo = owner;
    struct cc_nemesis *nemesis = undo->nemesis;

    if (undo->count > 0 && !nemesis->is_over) {
        mute(nemesis, undo->machine, undo->count);
    }
    for (uint32_t i = 0; i < nemesis->cluster->server_count; i++) {
        uint8_t *clogs = &nemesis->clogs[i][undo->machine];

        if (*clogs > 0 && --*clogs == 0) {
            cc_world_clog(cc_nemesis_world(nemesis), i, undo->machine, false);
        }
    }
    cc_nemesis_forget(undo);
}

/* It goes on asking and reads no answer; maybe for less than it bears with a server. */
static bool deafen(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    bool is_mute_then = cc_decide_below(&strike->choices, 2) == 0;
    struct cc_undo *undo = cc_nemesis_later(
        nemesis, cc_decide_range(&strike->choices, 50000, is_mute_then ? 1000000 : 4000000),
        listen_again, strike->target);

    for (uint32_t i = 0; i < nemesis->cluster->server_count; i++) {
        nemesis->clogs[i][strike->target]++;
        cc_world_clog(cc_nemesis_world(nemesis), i, strike->target, true);
    }
    if (is_mute_then) {
        undo->count = (uint32_t)cc_decide_range(&strike->choices, 500000, 6000000);
    }
    return true;
}

bool cc_nemesis_hit_client(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    strike->target = cc_cluster_client_machine(strike->client);
    if (!cc_world_is_up(cc_nemesis_world(nemesis), strike->target)) {
        return false;
    }
    switch (strike->kind) {
    case CC_FAULT_CLIENT_CRASH:
        cc_workload_crash_client(nemesis->workload, strike->client);
        return true;
    case CC_FAULT_CLIENT_PAUSE:
        return cc_nemesis_pause(
            nemesis, strike->target, cc_decide_range(&strike->choices, 1000, 3000000));
    case CC_FAULT_CUT_CLIENT:
        return cut_client(nemesis, strike);
    case CC_FAULT_CLIENT_DOUBLES:
        return double_requests(nemesis, strike);
    case CC_FAULT_LOST_ANSWER:
        return lose_answer(nemesis, strike);
    case CC_FAULT_CLIENT_ELSEWHERE:
        return send_elsewhere(nemesis, strike);
    default:
        return deafen(nemesis, strike);
    }
}
