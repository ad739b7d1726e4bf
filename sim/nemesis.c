/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nemesis -- see nemesis.h.
 */
#include "sim/nemesis.h"

#include "base/assert.h"

#include <stdlib.h>

#define DRIFT_PPM_MAX 450 /* two machines differ by less than CC_GROUP_DRIFT_PPM_MAX */
#define RESTART_CHECK_US 200000u

struct undo;

struct cc_nemesis {
    struct cc_cluster *cluster;
    struct cc_workload *workload;
    struct cc_decider choices;
    uint64_t pace_us;
    uint32_t kinds;  /* bit mask: those that occur in this seed ... */
    uint32_t active; /* ... and now */
    bool is_over;
    bool is_act_posted;
    bool is_attend_posted;
    struct cc_list undos; /* under way */
    uint64_t fired[CC_FAULT_COUNT];
};

/* Something that ends a fault later. */
struct undo {
    struct cc_list node;
    struct cc_nemesis *nemesis;
    uint32_t machine;
};

const char *cc_fault_text(enum cc_fault fault)
{
    static const char *const texts[] = {
#define FAULT_TEXT(name, text) text,
        CC_FAULT_TABLE(FAULT_TEXT)
#undef FAULT_TEXT
    };

    return texts[fault];
}

static struct cc_world *world_of(struct cc_nemesis *nemesis)
{
    return nemesis->cluster->world;
}

static uint64_t range(struct cc_nemesis *nemesis, uint64_t low, uint64_t high)
{
    return cc_decide_range(&nemesis->choices, low, high);
}

static void forget(struct undo *undo)
{
    cc_list_remove(&undo->node);
    free(undo);
}

static void later(
    struct cc_nemesis *nemesis, uint64_t wait_us, void (*call)(void *owner), uint32_t machine)
{
    struct undo *undo = malloc(sizeof *undo);

    CC_ASSERT(undo != NULL);
    undo->nemesis = nemesis;
    undo->machine = machine;
    cc_list_append(&nemesis->undos, &undo->node);
    cc_world_call(world_of(nemesis), cc_world_now_us(world_of(nemesis)) + wait_us, call, undo);
}

/* ---- machines ----------------------------------------------------------------------------------
 */

static void restart(void *owner)
{
    struct undo *undo = owner;
    struct cc_nemesis *nemesis = undo->nemesis;

    if (!cc_cluster_is_up(nemesis->cluster, undo->machine) && !nemesis->is_over) {
        cc_cluster_start(nemesis->cluster, undo->machine);
        nemesis->cluster->totals.restarts++;
    }
    forget(undo);
}

static bool crash(struct cc_nemesis *nemesis, uint32_t server)
{
    if (!cc_cluster_is_up(nemesis->cluster, server)) {
        return false;
    }
    cc_cluster_crash(nemesis->cluster, server);

    /* Now and then at once: within the time in which promises of its former life hold. */
    later(
        nemesis,
        range(nemesis, 0, 3) == 0 ? range(nemesis, 0, 20000) : range(nemesis, 20000, 2500000),
        restart, server);
    return true;
}

/* In good order, as for an upgrade. */
static bool stop(struct cc_nemesis *nemesis, uint32_t server)
{
    if (!cc_cluster_is_up(nemesis->cluster, server) ||
        cc_world_is_paused(world_of(nemesis), server)) {
        return false;
    }
    cc_cluster_stop(nemesis->cluster, server);
    later(nemesis, range(nemesis, 0, 1500000), restart, server);
    return true;
}

/* Without a minority of the voters, for good, the others must be able to go on (T-012). */
static bool lose_disk(struct cc_nemesis *nemesis, uint32_t server)
{
    struct cc_cluster *cluster = nemesis->cluster;
    uint32_t voters = cluster->options.voter_count;
    uint32_t lost = 0;

    for (uint32_t i = 0; i < voters; i++) {
        lost += cluster->seats[i].is_lost;
    }
    if (!cc_cluster_is_up(cluster, server) || cluster->seats[server].is_lost ||
        (server < voters && lost + 1 > (voters - 1) / 2)) {
        return false;
    }
    cc_cluster_lose(cluster, server);
    later(nemesis, range(nemesis, 0, 2000000), restart, server);
    return true;
}

static bool crash_all(struct cc_nemesis *nemesis)
{
    bool is_done = false;

    for (uint32_t i = 0; i < nemesis->cluster->server_count; i++) {
        is_done = crash(nemesis, i) || is_done;
    }
    return is_done;
}

static void resume(void *owner)
{
    struct undo *undo = owner;
    struct cc_world *world = world_of(undo->nemesis);

    if (cc_world_is_up(world, undo->machine) && cc_world_is_paused(world, undo->machine)) {
        cc_world_resume(world, undo->machine);
    }
    forget(undo);
}

static bool pause_machine(struct cc_nemesis *nemesis, uint32_t machine)
{
    if (!cc_world_is_up(world_of(nemesis), machine)) {
        return false;
    }
    cc_cluster_tell(nemesis->cluster, "nemesis", "pauses machine %u", machine + 1);
    cc_world_pause(world_of(nemesis), machine);
    later(nemesis, range(nemesis, 1000, 3000000), resume, machine);
    return true;
}

/* ---- links -------------------------------------------------------------------------------------
 */

static void heal_links(void *owner)
{
    struct undo *undo = owner;

    cc_cluster_tell(undo->nemesis->cluster, "nemesis", "heals the network");
    cc_world_heal_network(world_of(undo->nemesis));
    forget(undo);
}

/* Cuts between those servers whose bit is set and all others; clients stay with both sides. */
static bool partition(struct cc_nemesis *nemesis, uint32_t side, bool is_one_way)
{
    uint32_t count = nemesis->cluster->server_count;

    if (count < 2) {
        return false;
    }
    cc_cluster_tell(
        nemesis->cluster, "nemesis", "cuts off servers %#x%s", side, is_one_way ? ", one way" : "");
    for (uint32_t from = 0; from < count; from++) {
        for (uint32_t to = 0; to < count; to++) {
            if ((side >> from & 1) == 1 && (side >> to & 1) == 0) {
                cc_world_cut(world_of(nemesis), from, to, true);
                if (!is_one_way) {
                    cc_world_cut(world_of(nemesis), to, from, true);
                }
            }
        }
    }
    later(nemesis, range(nemesis, 50000, 5000000), heal_links, 0);
    return true;
}

static bool cut_client(struct cc_nemesis *nemesis)
{
    struct cc_cluster *cluster = nemesis->cluster;
    uint32_t client = cluster->server_count +
                      (uint32_t)cc_decide_below(&nemesis->choices, cluster->options.client_count);

    for (uint32_t i = 0; i < cluster->server_count; i++) {
        if (cc_decide_below(&nemesis->choices, 3) != 0) {
            cc_world_cut(cluster->world, client, i, true);
            cc_world_cut(cluster->world, i, client, true);
        }
    }
    later(nemesis, range(nemesis, 50000, 6000000), heal_links, 0);
    return true;
}

static bool slow_link(struct cc_nemesis *nemesis, uint32_t from, uint32_t to)
{
    cc_world_slow(world_of(nemesis), from, to, (uint32_t)range(nemesis, 10, 200));
    later(nemesis, range(nemesis, 100000, 3000000), heal_links, 0);
    return true;
}

/* ---- disks -------------------------------------------------------------------------------------
 */

static void heal_disk(void *owner)
{
    struct undo *undo = owner;

    cc_world_disk_stick(world_of(undo->nemesis), undo->machine, false);
    cc_world_disk_slow(world_of(undo->nemesis), undo->machine, 1);
    forget(undo);
}

static bool stick_disk(struct cc_nemesis *nemesis, uint32_t server)
{
    cc_cluster_tell(nemesis->cluster, "nemesis", "disk of server %u hangs", server + 1);
    cc_world_disk_stick(world_of(nemesis), server, true);
    later(nemesis, range(nemesis, 10000, 4000000), heal_disk, server);
    return true;
}

static void make_space(void *owner)
{
    struct undo *undo = owner;

    cc_cluster_tell(
        undo->nemesis->cluster, "nemesis", "disk of server %u has space", undo->machine + 1);
    cc_world_disk_full(world_of(undo->nemesis), undo->machine, false);
    forget(undo);
}

static bool fill_disk(struct cc_nemesis *nemesis, uint32_t server)
{
    cc_cluster_tell(nemesis->cluster, "nemesis", "disk of server %u is full", server + 1);
    cc_world_disk_full(world_of(nemesis), server, true);
    later(nemesis, range(nemesis, 100000, 10000000), make_space, server);
    return true;
}

static bool slow_disk(struct cc_nemesis *nemesis, uint32_t server)
{
    cc_world_disk_slow(world_of(nemesis), server, (uint32_t)range(nemesis, 5, 100));
    later(nemesis, range(nemesis, 100000, 4000000), heal_disk, server);
    return true;
}

static bool break_disk(struct cc_nemesis *nemesis, uint32_t server)
{
    cc_cluster_tell(nemesis->cluster, "nemesis", "disk of server %u is to fail", server + 1);
    cc_world_disk_strike(world_of(nemesis), server, CC_DISK_FAULT_ANY, (uint32_t)range(nemesis, 1, 40));
    return true;
}

/* ---- clocks ------------------------------------------------------------------------------------
 */

static bool drift(struct cc_nemesis *nemesis, uint32_t machine)
{
    cc_world_set_drift(
        world_of(nemesis), machine, (int32_t)range(nemesis, 0, 2 * DRIFT_PPM_MAX) - DRIFT_PPM_MAX);
    return true;
}

static bool move_wall(struct cc_nemesis *nemesis, uint32_t machine)
{
    static const int64_t offsets[] = {0,           1000000,     -1000000,    3600000000,
                                      -3600000000, 86400000000, -86400000000};

    cc_world_set_wall(
        world_of(nemesis), machine,
        offsets[cc_decide_below(&nemesis->choices, sizeof offsets / sizeof *offsets)]);
    return true;
}

static bool transfer(struct cc_nemesis *nemesis, uint32_t leader)
{
    uint32_t target =
        (uint32_t)cc_decide_below(&nemesis->choices, nemesis->cluster->options.voter_count + 1);

    return leader != UINT32_MAX && !cc_world_is_paused(world_of(nemesis), leader) &&
           cc_server_transfer(nemesis->cluster->seats[leader].server, target) == COPYCAT_OK;
}

/* ---- one fault after another -------------------------------------------------------------------
 */

static bool strike(struct cc_nemesis *nemesis, enum cc_fault fault)
{
    struct cc_cluster *cluster = nemesis->cluster;
    uint32_t server = (uint32_t)cc_decide_below(&nemesis->choices, cluster->server_count);
    uint32_t other = (uint32_t)cc_decide_below(&nemesis->choices, cluster->world->machine_count);
    uint32_t client = (uint32_t)cc_decide_below(&nemesis->choices, cluster->options.client_count);
    uint32_t side =
        1 + (uint32_t)cc_decide_below(&nemesis->choices, (1u << cluster->server_count) - 1);
    uint32_t leader = cc_cluster_leader(cluster);

    switch (fault) {
    case CC_FAULT_CRASH:
        return crash(nemesis, server);
    case CC_FAULT_CRASH_LEADER:
        return leader != UINT32_MAX && crash(nemesis, leader);
    case CC_FAULT_CRASH_ALL:
        return crash_all(nemesis);
    case CC_FAULT_STOP:
        return stop(nemesis, leader != UINT32_MAX && side % 4 == 0 ? leader : server);
    case CC_FAULT_LOSE_DISK:
        return side % 4 == 0 && lose_disk(nemesis, server);
    case CC_FAULT_PAUSE:
        return pause_machine(nemesis, leader != UINT32_MAX && side % 2 == 0 ? leader : server);
    case CC_FAULT_PARTITION:
        return partition(nemesis, side, false);
    case CC_FAULT_ISOLATE_LEADER:
        return leader != UINT32_MAX && partition(nemesis, 1u << leader, side % 4 == 0);
    case CC_FAULT_ONE_WAY:
        return partition(nemesis, side, true);
    case CC_FAULT_SLOW_LINK:
        return slow_link(nemesis, server, other);
    case CC_FAULT_RESET:
        cc_world_reset(cluster->world, server, other);
        return server != other;
    case CC_FAULT_SLOW_DISK:
        return slow_disk(nemesis, server);
    case CC_FAULT_STUCK_DISK:
        return stick_disk(nemesis, leader != UINT32_MAX && side % 2 == 0 ? leader : server);
    case CC_FAULT_DISK_ERROR:
        return break_disk(nemesis, server);
    case CC_FAULT_FULL_DISK:
        return fill_disk(nemesis, leader != UINT32_MAX && side % 2 == 0 ? leader : server);
    case CC_FAULT_DRIFT:
        return drift(nemesis, other);
    case CC_FAULT_WALL_CLOCK:
        return move_wall(nemesis, other);
    case CC_FAULT_CLIENT_CRASH:
        cc_workload_crash_client(nemesis->workload, client);
        return true;
    case CC_FAULT_CLIENT_PAUSE:
        return pause_machine(nemesis, cluster->server_count + client);
    case CC_FAULT_CUT_CLIENT:
        return cut_client(nemesis);
    case CC_FAULT_TRANSFER:
        return transfer(nemesis, leader);
    case CC_FAULT_COUNT:
        break;
    }
    return false;
}

static void act(void *owner)
{
    struct cc_nemesis *nemesis = owner;
    enum cc_fault fault;

    nemesis->is_act_posted = false;
    if (nemesis->is_over) {
        return;
    }
    do {
        fault = (enum cc_fault)cc_decide_below(&nemesis->choices, CC_FAULT_COUNT);
    } while ((nemesis->active >> fault & 1) == 0);
    nemesis->fired[fault] += strike(nemesis, fault);
    nemesis->is_act_posted = true;
    cc_world_call(
        world_of(nemesis),
        cc_world_now_us(world_of(nemesis)) +
            cc_decide_below(&nemesis->choices, 2 * nemesis->pace_us),
        act, nemesis);
}

/* A server that has stopped by itself is started again, as an operator would. */
static void attend(void *owner)
{
    struct cc_nemesis *nemesis = owner;

    nemesis->is_attend_posted = false;
    if (nemesis->is_over) {
        return;
    }
    for (uint32_t i = 0; i < nemesis->cluster->server_count; i++) {
        if (nemesis->cluster->seats[i].has_failed) {
            (void)crash(nemesis, i);
        }
    }
    nemesis->is_attend_posted = true;
    cc_world_call(
        world_of(nemesis), cc_world_now_us(world_of(nemesis)) + RESTART_CHECK_US, attend, nemesis);
}

struct cc_nemesis *cc_nemesis_create(
    struct cc_cluster *cluster, struct cc_workload *workload, uint64_t pace_us)
{
    struct cc_nemesis *nemesis = calloc(1, sizeof *nemesis);

    CC_ASSERT(nemesis != NULL);
    nemesis->cluster = cluster;
    nemesis->workload = workload;
    nemesis->pace_us = pace_us;
    cc_list_init(&nemesis->undos);
    nemesis->choices = cc_decider_make(cluster->options.seed, CC_STREAM_NEMESIS, 0);

    /* Swarm: each seed has about a third of the kinds, for faults can hide one another. */
    for (uint32_t i = 0; i < CC_FAULT_COUNT; i++) {
        nemesis->kinds |= (uint32_t)(cc_decide_below(&nemesis->choices, 3) == 0) << i;
    }
    nemesis->kinds |= 1u << CC_FAULT_CRASH_LEADER | 1u << CC_FAULT_CRASH;
    return nemesis;
}

void cc_nemesis_destroy(struct cc_nemesis *nemesis)
{
    cc_list_each_safe(node, following, &nemesis->undos) {
        forget(cc_container_of(node, struct undo, node));
    }
    free(nemesis);
}

void cc_nemesis_start(struct cc_nemesis *nemesis, uint32_t faults)
{
    nemesis->is_over = false;
    nemesis->active = nemesis->kinds & faults;
    if (!nemesis->is_act_posted) {
        act(nemesis);
    }
    if (!nemesis->is_attend_posted) {
        attend(nemesis);
    }
}

void cc_nemesis_heal(struct cc_nemesis *nemesis)
{
    struct cc_cluster *cluster = nemesis->cluster;

    nemesis->is_over = true;
    cc_cluster_tell(cluster, "nemesis", "is over");
    cc_world_heal_network(cluster->world);
    for (uint32_t i = 0; i < cluster->world->machine_count; i++) {
        cc_world_set_drift(cluster->world, i, 0);
        cc_world_disk_slow(cluster->world, i, 1);
        cc_world_disk_calm(cluster->world, i);
        cc_world_disk_stick(cluster->world, i, false);
        cc_world_disk_full(cluster->world, i, false);
        if (cc_world_is_up(cluster->world, i) && cc_world_is_paused(cluster->world, i)) {
            cc_world_resume(cluster->world, i);
        }
    }
    for (uint32_t i = 0; i < cluster->server_count; i++) {
        if (cluster->seats[i].has_failed && cc_cluster_is_up(cluster, i)) {
            cc_cluster_crash(cluster, i);
        }
        if (!cc_cluster_is_up(cluster, i)) {
            cc_cluster_start(cluster, i);
            cluster->totals.restarts++;
        }
    }
}

const uint64_t *cc_nemesis_fired(const struct cc_nemesis *nemesis)
{
    return nemesis->fired;
}
