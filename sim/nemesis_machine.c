/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nemesis_machine -- machines that crash, stop, stand still or start wrongly, and clocks.
 */
#include "base/assert.h"
#include "sim/nemesis_internal.h"

#define DRIFT_PPM_MAX 450 /* two machines differ by less than CC_GROUP_DRIFT_PPM_MAX */
#define WILD_DRIFT_PPM_MAX 200000
#define STORM_MAX 6u

void cc_nemesis_restart(void *owner)
{
    struct cc_undo *undo = owner;
    struct cc_nemesis *nemesis = undo->nemesis;

    if (!cc_cluster_is_up(nemesis->cluster, undo->machine) && !nemesis->is_over) {
        cc_cluster_start(nemesis->cluster, undo->machine);
        nemesis->cluster->totals.restarts++;
    }
    cc_nemesis_forget(undo);
}

/* Now and then at once: within the time in which promises of its former life hold. */
static void restart_later(struct cc_nemesis *nemesis, struct cc_decider *choices, uint32_t server)
{
    uint64_t wait_us = cc_decide_below(choices, 4) == 0 ? cc_decide_range(choices, 0, 20000)
                                                        : cc_decide_range(choices, 20000, 2500000);

    (void)cc_nemesis_later(nemesis, wait_us, cc_nemesis_restart, server);
}

bool cc_nemesis_crash(struct cc_nemesis *nemesis, struct cc_decider *choices, uint32_t server)
{
    if (!cc_cluster_is_up(nemesis->cluster, server)) {
        return false;
    }
    cc_cluster_crash(nemesis->cluster, server);
    restart_later(nemesis, choices, server);
    return true;
}

/* The process alone: the kernel keeps what it was given. */
static bool kill(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    strike->target = cc_nemesis_choose(strike, 4);
    if (!cc_cluster_is_up(nemesis->cluster, strike->target)) {
        return false;
    }
    cc_cluster_kill(nemesis->cluster, strike->target);
    restart_later(nemesis, &strike->choices, strike->target);
    return true;
}

static bool crash_all(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    bool is_done = false;

    strike->target = cc_nemesis_choose(strike, 1);
    for (uint32_t i = 0; i < nemesis->cluster->server_count; i++) {
        is_done = cc_nemesis_crash(nemesis, &strike->choices, i) || is_done;
    }
    return is_done;
}

/* Up and down again and again, often before it has found its feet. */
static void storm(void *owner)
{
    struct cc_undo *undo = owner;
    struct cc_nemesis *nemesis = undo->nemesis;
    struct cc_cluster *cluster = nemesis->cluster;

    if (!nemesis->is_over) {
        if (!cc_cluster_is_up(cluster, undo->machine)) {
            cc_cluster_start(cluster, undo->machine);
            cluster->totals.restarts++;
        } else if (undo->count > 0) {
            cc_cluster_crash(cluster, undo->machine);
        }
        if (undo->count > 0) {
            struct cc_undo *next = cc_nemesis_later(
                nemesis, cc_decide_range(&undo->choices, 1000, 60000), storm, undo->machine);

            next->count = undo->count - 1;
            next->choices = undo->choices;
        }
    }
    cc_nemesis_forget(undo);
}

static bool restart_storm(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    struct cc_undo *undo;

    if (!cc_cluster_is_up(nemesis->cluster, strike->server)) {
        return false;
    }
    undo = cc_nemesis_later(nemesis, 0, storm, strike->server);
    undo->count = 2 * (uint32_t)cc_decide_range(&strike->choices, 2, STORM_MAX);
    undo->choices = strike->choices;
    return true;
}

/* In good order, as for an upgrade. */
static bool stop(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    strike->target = cc_nemesis_choose(strike, 4);
    if (!cc_cluster_is_up(nemesis->cluster, strike->target) ||
        cc_world_is_paused(cc_nemesis_world(nemesis), strike->target)) {
        return false;
    }
    cc_cluster_stop(nemesis->cluster, strike->target);
    (void)cc_nemesis_later(
        nemesis, cc_decide_range(&strike->choices, 0, 1500000), cc_nemesis_restart, strike->target);
    return true;
}

/* Without a minority of the voters, for good, the others must be able to go on (T-012): as long as
 * enough of what is committed lies on those that are left. */
static bool may_lose(struct cc_nemesis *nemesis, uint32_t server)
{
    struct cc_cluster *cluster = nemesis->cluster;
    uint32_t voters = cluster->options.voter_count;
    uint32_t spoiled = 0;

    for (uint32_t i = 0; i < voters; i++) {
        spoiled += cluster->seats[i].is_lost || cluster->seats[i].is_damaged;
    }
    return cc_cluster_is_up(cluster, server) && !cluster->seats[server].is_lost &&
           !cluster->seats[server].is_damaged &&
           (server >= voters ||
            (spoiled + 1 <= (voters - 1) / 2 && cc_judge_can_lose(cluster->judge, server)));
}

static bool lose_disk(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    if (strike->side % 4 != 0 || !may_lose(nemesis, strike->server)) {
        return false;
    }
    cc_cluster_lose(nemesis->cluster, strike->server);
    (void)cc_nemesis_later(
        nemesis, cc_decide_range(&strike->choices, 0, 2000000), cc_nemesis_restart, strike->server);
    return true;
}

static void roll_back_now(void *owner)
{
    struct cc_undo *undo = owner;
    struct cc_nemesis *nemesis = undo->nemesis;

    if (!nemesis->is_over && may_lose(nemesis, undo->machine)) {
        cc_cluster_roll_back(nemesis->cluster, undo->machine);
        (void)cc_nemesis_later(nemesis, 50000, cc_nemesis_restart, undo->machine);
    }
    cc_nemesis_forget(undo);
}

/* An image is taken now and put back later, as by a restored virtual machine. */
static bool roll_back(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    if (strike->side % 4 != 0 || !may_lose(nemesis, strike->server)) {
        return false;
    }
    cc_world_disk_keep(cc_nemesis_world(nemesis), strike->server);
    (void)cc_nemesis_later(
        nemesis, cc_decide_range(&strike->choices, 500000, 8000000), roll_back_now, strike->server);
    return true;
}

static void resume(void *owner)
{
    struct cc_undo *undo = owner;
    struct cc_nemesis *nemesis = undo->nemesis;
    struct cc_world *world = cc_nemesis_world(nemesis);

    if (!nemesis->is_over && cc_world_is_up(world, undo->machine) &&
        cc_world_is_paused(world, undo->machine)) {
        cc_world_resume(world, undo->machine);
    }
    cc_nemesis_forget(undo);
}

bool cc_nemesis_pause(struct cc_nemesis *nemesis, uint32_t machine, uint64_t time_us)
{
    struct cc_world *world = cc_nemesis_world(nemesis);

    if (!cc_world_is_up(world, machine) || cc_world_is_paused(world, machine)) {
        return false;
    }
    cc_cluster_tell(nemesis->cluster, "nemesis", "pauses machine %u", machine + 1);
    cc_world_pause(world, machine);
    (void)cc_nemesis_later(nemesis, time_us, resume, machine);
    return true;
}

static bool pause_server(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    bool is_long = strike->kind == CC_FAULT_LONG_PAUSE;

    strike->target = cc_nemesis_choose(strike, 2);
    return cc_nemesis_pause(
        nemesis, strike->target,
        cc_decide_range(&strike->choices, is_long ? 400000 : 1000, is_long ? 5000000 : 400000));
}

static void fast_again(void *owner)
{
    struct cc_undo *undo = owner;

    cc_world_set_cpu(cc_nemesis_world(undo->nemesis), undo->machine, 0);
    cc_nemesis_forget(undo);
}

static bool slow_cpu(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    static const uint32_t costs_us[] = {200, 1000, 5000, 20000};

    strike->target = cc_nemesis_choose(strike, 2);
    cc_cluster_tell(nemesis->cluster, "nemesis", "slows machine %u down", strike->target + 1);
    cc_world_set_cpu(
        cc_nemesis_world(nemesis), strike->target,
        costs_us[cc_decide_below(&strike->choices, sizeof costs_us / sizeof *costs_us)]);
    (void)cc_nemesis_later(
        nemesis, cc_decide_range(&strike->choices, 50000, 3000000), fast_again, strike->target);
    return true;
}

/* To somebody, or, if he will not do, to whom the leader thinks best. */
static bool transfer(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    struct cc_cluster *cluster = nemesis->cluster;
    uint32_t to = (uint32_t)cc_decide_below(&strike->choices, cluster->options.voter_count + 1);
    struct cc_server *leader;

    strike->target = strike->leader;
    if (strike->leader == UINT32_MAX || cc_world_is_paused(cluster->world, strike->leader)) {
        return false;
    }
    leader = cluster->seats[strike->leader].server;
    return cc_server_transfer(leader, to) == COPYCAT_OK ||
           cc_server_transfer(leader, 0) == COPYCAT_OK;
}

bool cc_nemesis_hit_machine(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    switch (strike->kind) {
    case CC_FAULT_CRASH:
        return cc_nemesis_crash(nemesis, &strike->choices, strike->server);
    case CC_FAULT_CRASH_LEADER:
        strike->target = strike->leader;
        return strike->leader != UINT32_MAX &&
               cc_nemesis_crash(nemesis, &strike->choices, strike->leader);
    case CC_FAULT_CRASH_ALL:
        return crash_all(nemesis, strike);
    case CC_FAULT_KILL:
        return kill(nemesis, strike);
    case CC_FAULT_RESTART_STORM:
        return restart_storm(nemesis, strike);
    case CC_FAULT_STOP:
        return stop(nemesis, strike);
    case CC_FAULT_LOSE_DISK:
        return lose_disk(nemesis, strike);
    case CC_FAULT_ROLL_BACK:
        return roll_back(nemesis, strike);
    case CC_FAULT_PAUSE:
    case CC_FAULT_LONG_PAUSE:
        return pause_server(nemesis, strike);
    case CC_FAULT_SLOW_CPU:
        return slow_cpu(nemesis, strike);
    case CC_FAULT_DOUBLE_START:
        strike->target = cc_nemesis_choose(strike, 2);
        return cc_cluster_start_twice(nemesis->cluster, strike->target);
    case CC_FAULT_WRONG_DIRECTORY:
        return cc_cluster_start_as(
            nemesis->cluster, strike->server,
            1 + (strike->server + 1) % nemesis->cluster->server_count);
    case CC_FAULT_DEFECTION:
        return cc_nemesis_defect(nemesis, strike);
    case CC_FAULT_MEMORY:
        return cc_nemesis_spoil_memory(nemesis, strike);
    case CC_FAULT_TRANSFER:
        return transfer(nemesis, strike);
    default:
        return false;
    }
}

/* ---- loss of power in the middle of a write ----------------------------------------------------
 */

static void lose_power(void *owner)
{
    struct cc_undo *undo = owner;
    struct cc_nemesis *nemesis = undo->nemesis;

    if (!nemesis->is_over && cc_cluster_is_up(nemesis->cluster, undo->machine)) {
        cc_world_disk_loss(cc_nemesis_world(nemesis), undo->machine, (enum cc_loss)undo->count);
        (void)cc_nemesis_crash(nemesis, &undo->choices, undo->machine);
    }
    cc_nemesis_forget(undo);
}

bool cc_nemesis_hit_power(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    static const enum cc_loss losses[] = {
        [CC_FAULT_LOST_TAIL - CC_FAULT_LOST_TAIL] = CC_LOSS_PREFIX,
        [CC_FAULT_LOST_SUBSET - CC_FAULT_LOST_TAIL] = CC_LOSS_SUBSET,
        [CC_FAULT_TORN_WRITE - CC_FAULT_LOST_TAIL] = CC_LOSS_TORN,
        [CC_FAULT_LOST_NAMES - CC_FAULT_LOST_TAIL] = CC_LOSS_NAMES,
        [CC_FAULT_BARE_SIZE - CC_FAULT_LOST_TAIL] = CC_LOSS_SIZE,
    };
    struct cc_undo *undo;

    strike->target = cc_nemesis_choose(strike, 3);
    if (!cc_cluster_is_up(nemesis->cluster, strike->target)) {
        return false;
    }
    undo = cc_nemesis_undo(nemesis, strike->target);
    cc_world_disk_alarm(
        cc_nemesis_world(nemesis), strike->target,
        strike->kind == CC_FAULT_LOST_NAMES  ? CC_DISK_SYNC_DIR
        : strike->kind == CC_FAULT_BARE_SIZE ? CC_DISK_SYNC
                                             : CC_DISK_WRITE,
        strike->kind == CC_FAULT_LOST_NAMES || strike->kind == CC_FAULT_BARE_SIZE
            ? 1
            : (uint32_t)cc_decide_range(&strike->choices, 1, 20),
        lose_power, undo);
    undo->count = losses[strike->kind - CC_FAULT_LOST_TAIL];
    undo->choices = strike->choices;
    return true;
}

/* ---- clocks ------------------------------------------------------------------------------------
 */

bool cc_nemesis_hit_clock(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    static const int64_t jumps_us[] = {1000, 1000000, 3600000000, 86400000000};
    struct cc_world *world = cc_nemesis_world(nemesis);
    int32_t ppm_max = strike->kind == CC_FAULT_WILD_DRIFT ? WILD_DRIFT_PPM_MAX : DRIFT_PPM_MAX;
    int64_t jump_us = jumps_us[cc_decide_below(&strike->choices, 4)];

    strike->target = strike->other;
    if (strike->target >= CC_CLIENT_MACHINES_FIRST + nemesis->cluster->options.client_count) {
        return false;
    }
    switch (strike->kind) {
    case CC_FAULT_DRIFT:
    case CC_FAULT_WILD_DRIFT:
        cc_world_set_drift(
            world, strike->target,
            (int32_t)cc_decide_range(&strike->choices, 0, 2 * (uint64_t)ppm_max) - ppm_max);
        return true;
    case CC_FAULT_WALL_BACK:
        cc_world_set_wall(world, strike->target, -jump_us);
        return true;
    default:
        cc_world_set_wall(world, strike->target, jump_us);
        return true;
    }
}
