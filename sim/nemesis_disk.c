/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nemesis_disk -- disks that are slow, stuck or full, that fail, and that do not keep what they
 * were given.
 */
#include "sim/nemesis_internal.h"

static void heal_disk(void *owner)
{
    struct cc_undo *undo = owner;
    struct cc_world *world = cc_nemesis_world(undo->nemesis);

    if (!undo->nemesis->is_over) {
        cc_world_disk_stick(world, undo->machine, false);
        cc_world_disk_slow(world, undo->machine, 1);
    }
    cc_nemesis_forget(undo);
}

void cc_nemesis_slow_disk(
    struct cc_nemesis *nemesis, uint32_t server, uint32_t factor, uint64_t time_us)
{
    cc_world_disk_slow(cc_nemesis_world(nemesis), server, factor);
    (void)cc_nemesis_later(nemesis, time_us, heal_disk, server);
}

void cc_nemesis_hang_disk(struct cc_nemesis *nemesis, uint32_t server, uint64_t time_us)
{
    cc_cluster_tell(nemesis->cluster, "nemesis", "disk of server %u hangs", server + 1);
    cc_world_disk_stick(cc_nemesis_world(nemesis), server, true);
    (void)cc_nemesis_later(nemesis, time_us, heal_disk, server);
}

static void make_space(void *owner)
{
    struct cc_undo *undo = owner;

    cc_cluster_tell(
        undo->nemesis->cluster, "nemesis", "disk of server %u has space", undo->machine + 1);
    cc_world_disk_full(cc_nemesis_world(undo->nemesis), undo->machine, false);
    cc_cluster_clear_disk(undo->nemesis->cluster, undo->machine);
    cc_nemesis_forget(undo);
}

static void give_handles(void *owner)
{
    struct cc_undo *undo = owner;

    cc_world_disk_deny(cc_nemesis_world(undo->nemesis), undo->machine, false);
    cc_nemesis_forget(undo);
}

static bool hold_up(
    struct cc_nemesis *nemesis,
    struct cc_strike *strike,
    uint64_t longest_us,
    void (*end)(void *owner))
{
    (void)cc_nemesis_later(
        nemesis, cc_decide_range(&strike->choices, 10000, longest_us), end, strike->target);
    return true;
}

/* One request of a server is to fail.  What was not struck when its power fails is forgotten. */
static bool fail(
    struct cc_nemesis *nemesis, struct cc_strike *strike, enum cc_disk_fault fault, uint32_t within)
{
    if (!cc_cluster_is_up(nemesis->cluster, strike->target)) {
        return false;
    }
    cc_cluster_tell(
        nemesis->cluster, "nemesis", "disk of server %u is to meet %s", strike->target + 1,
        cc_fault_text(strike->kind));
    cc_world_disk_strike(
        cc_nemesis_world(nemesis), strike->target, fault,
        (uint32_t)cc_decide_range(&strike->choices, 1, within));
    return true;
}

/* Reads are rare but for recoveries: so it is started anew, and meets the error there. */
static bool fail_reading(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    if (!cc_nemesis_crash(nemesis, &strike->choices, strike->target)) {
        return false;
    }
    cc_world_disk_strike(
        cc_nemesis_world(nemesis), strike->target, CC_DISK_FAULT_READ_ERROR,
        (uint32_t)cc_decide_range(&strike->choices, 1, 8));
    return true;
}

/* One, or those of all others than the leader: then it leads on, and nothing is committed. */
static bool hang(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    bool is_all = strike->leader != UINT32_MAX && strike->side % 4 == 1;
    uint64_t time_us = cc_decide_range(&strike->choices, 10000, 4000000);

    if (is_all) {
        strike->target = strike->leader == 0 ? nemesis->cluster->server_count - 1 : 0;
    }
    for (uint32_t i = 0; i < nemesis->cluster->server_count; i++) {
        if (is_all ? i == strike->leader : i != strike->target) {
            continue;
        }
        cc_nemesis_hang_disk(nemesis, i, time_us);
    }
    return true;
}

/* Somebody else has filled the file system but for a few journal files; sometimes on all machines. */
static bool tighten(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    bool is_all = strike->side % 4 == 1;
    uint64_t time_us = cc_decide_range(&strike->choices, 10000, 10000000);

    for (uint32_t i = 0; i < nemesis->cluster->server_count; i++) {
        uint64_t room = cc_decide_below(&strike->choices, 6 * nemesis->cluster->options.file_size);

        if (!is_all && i != strike->target) {
            continue;
        }
        cc_cluster_tell(
            nemesis->cluster, "nemesis", "disk of server %u has %llu bytes left", i + 1,
            (unsigned long long)room);
        cc_world_disk_bound(cc_nemesis_world(nemesis), i, room);
        (void)cc_nemesis_later(nemesis, time_us, make_space, i);
    }
    return true;
}

bool cc_nemesis_hit_disk(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    struct cc_world *world = cc_nemesis_world(nemesis);

    strike->target = cc_nemesis_choose(strike, 3);
    switch (strike->kind) {
    case CC_FAULT_SLOW_DISK:
        cc_world_disk_slow(
            world, strike->target, (uint32_t)cc_decide_range(&strike->choices, 5, 100));
        return hold_up(nemesis, strike, 4000000, heal_disk);
    case CC_FAULT_STUCK_DISK:
        return hang(nemesis, strike);
    case CC_FAULT_FULL_DISK:
        cc_cluster_tell(
            nemesis->cluster, "nemesis", "disk of server %u is full", strike->target + 1);
        cc_world_disk_full(world, strike->target, true);
        return hold_up(nemesis, strike, 10000000, make_space);
    case CC_FAULT_TIGHT_DISK:
        return tighten(nemesis, strike);
    case CC_FAULT_NO_HANDLES:
        cc_world_disk_deny(world, strike->target, true);
        return hold_up(nemesis, strike, 2000000, give_handles);
    case CC_FAULT_HANG:
        if (!fail(nemesis, strike, CC_DISK_FAULT_HANG, 20)) {
            return false;
        }
        nemesis->cluster->seats[strike->target].is_hung = true;
        return true;
    case CC_FAULT_READ_ERROR:
        return fail_reading(nemesis, strike);
    case CC_FAULT_WRITE_ERROR:
        return fail(nemesis, strike, CC_DISK_FAULT_WRITE_ERROR, 20);
    case CC_FAULT_SYNC_OLD:
        return fail(nemesis, strike, CC_DISK_FAULT_SYNC_OLD, 12);
    case CC_FAULT_SYNC_NEW:
        return fail(nemesis, strike, CC_DISK_FAULT_SYNC_NEW, 12);
    case CC_FAULT_SYNC_MIXED:
        return fail(nemesis, strike, CC_DISK_FAULT_SYNC_MIXED, 12);
    default:
        return fail(nemesis, strike, CC_DISK_FAULT_ANY, 40);
    }
}

/* ---- damage ------------------------------------------------------------------------------------
 */

/*
 * The atlas: only a minority of the voters, the same for the whole run, ever has anything damaged
 * or lost; so each committed entry has a whole copy on a server of every quorum that could do
 * without them.  Learners do not count.
 */
bool cc_nemesis_may_damage(const struct cc_nemesis *nemesis, uint32_t server)
{
    const struct cc_cluster *cluster = nemesis->cluster;
    uint32_t voters = cluster->options.voter_count;
    uint32_t spoiled = 0;

    for (uint32_t i = 0; i < voters; i++) {
        spoiled += i != server && (cluster->seats[i].is_lost || cluster->seats[i].is_damaged);
    }
    return cc_cluster_is_up(cluster, server) && !cluster->seats[server].is_lost &&
           (server >= voters || spoiled + 1 <= (voters - 1) / 2);
}

static bool rot(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    char where[128];

    if (!cc_world_disk_rot(
            cc_nemesis_world(nemesis), strike->server, strike->kind == CC_FAULT_LATENT_SECTOR,
            where, sizeof where)) {
        return false;
    }
    cc_cluster_tell(
        nemesis->cluster, "nemesis", "damages %s (%s)", where, cc_fault_text(strike->kind));
    return true;
}

bool cc_nemesis_hit_bytes(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    bool is_done;

    strike->target = strike->server;
    if (!cc_nemesis_may_damage(nemesis, strike->server)) {
        return false;
    }
    switch (strike->kind) {
    case CC_FAULT_LOST_WRITE:
        is_done = fail(nemesis, strike, CC_DISK_FAULT_LOST_WRITE, 20);
        break;
    case CC_FAULT_MISDIRECTED_WRITE:
        is_done = fail(nemesis, strike, CC_DISK_FAULT_MISDIRECTED_WRITE, 20);
        break;
    case CC_FAULT_MISDIRECTED_READ:
        is_done = fail(nemesis, strike, CC_DISK_FAULT_MISDIRECTED_READ, 8);
        break;
    default:
        is_done = rot(nemesis, strike);
        break;
    }
    if (is_done) {
        cc_cluster_damaged(nemesis->cluster, strike->server);
    }
    return is_done;
}
