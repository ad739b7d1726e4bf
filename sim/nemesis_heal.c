/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nemesis_heal -- what is well again when faults are over, and what stays broken for good.
 */
#include "sim/nemesis_internal.h"

static void heal_machine(struct cc_nemesis *nemesis, uint32_t machine)
{
    struct cc_world *world = cc_nemesis_world(nemesis);

    cc_world_set_drift(world, machine, 0);
    cc_world_set_cpu(world, machine, 0);
    cc_world_disk_slow(world, machine, 1);
    cc_world_disk_calm(world, machine);
    cc_world_disk_stick(world, machine, false);
    cc_world_disk_full(world, machine, false);
    cc_cluster_clear_disk(nemesis->cluster, machine);
    cc_world_disk_deny(world, machine, false);
    if (cc_world_is_up(world, machine) && cc_world_is_paused(world, machine)) {
        cc_world_resume(world, machine);
    }
}

/* Also one that waits for a request that never completes, or has the wrong directory. */
static void heal_server(struct cc_nemesis *nemesis, uint32_t server)
{
    struct cc_cluster *cluster = nemesis->cluster;

    cluster->seats[server].is_out = false;
    if (cc_cluster_is_up(cluster, server) &&
        (cluster->seats[server].has_failed || cluster->seats[server].is_stranger ||
         cluster->seats[server].is_hung || cluster->seats[server].is_spoiled)) {
        cc_cluster_crash(cluster, server);
    }
    if (!cc_cluster_is_up(cluster, server)) {
        cc_cluster_start(cluster, server);
        cluster->totals.restarts++;
    }
}

void cc_nemesis_heal(struct cc_nemesis *nemesis)
{
    struct cc_cluster *cluster = nemesis->cluster;

    nemesis->is_over = true;
    cc_cluster_tell(cluster, "nemesis", "is over");
    cc_nemesis_heal_links(nemesis);
    for (uint32_t i = 0; i < cluster->world->machine_count; i++) {
        heal_machine(nemesis, i);
    }
    for (uint32_t i = 0; i < cluster->server_count; i++) {
        heal_server(nemesis, i);
    }
}

/* One of those that nobody needs; what is damaged or lost elsewhere must be left to be found. */
static bool may_stay_broken(const struct cc_nemesis *nemesis, uint32_t server, uint32_t broken)
{
    const struct cc_cluster *cluster = nemesis->cluster;
    uint32_t voters = cluster->options.voter_count;
    uint32_t spoiled = 0;

    for (uint32_t i = 0; i < voters; i++) {
        spoiled += cluster->seats[i].is_lost || cluster->seats[i].is_damaged;
    }
    return !cluster->seats[server].is_lost &&
           (server >= voters || (spoiled == 0 && broken + 1 <= (voters - 1) / 2));
}

static void break_for_good(struct cc_nemesis *nemesis, struct cc_decider *choices, uint32_t server)
{
    struct cc_cluster *cluster = nemesis->cluster;
    struct cc_world *world = cc_nemesis_world(nemesis);

    cluster->seats[server].is_out = true;
    switch (cc_decide_below(choices, 6)) {
    case 0:
        cc_cluster_crash(cluster, server);
        break;
    case 1:
        cc_cluster_tell(cluster, "nemesis", "pauses machine %u for good", server + 1);
        cc_world_pause(world, server);
        break;
    case 2:
        cc_cluster_tell(cluster, "nemesis", "disk of server %u hangs for good", server + 1);
        cc_world_disk_stick(world, server, true);
        break;
    case 3:
        cc_nemesis_isolate(nemesis, server, true, false);
        break;
    case 4:
        cc_nemesis_isolate(nemesis, server, false, true);
        break;
    default:
        cc_nemesis_isolate(nemesis, server, false, false);
        break;
    }
}

void cc_nemesis_heal_quorum(struct cc_nemesis *nemesis)
{
    struct cc_cluster *cluster = nemesis->cluster;
    struct cc_decider choices = cc_decider_make(
        cluster->options.seed, CC_STREAM_NEMESIS, CC_NEMESIS_SEED_STREAM + 1 + CC_FAULT_COUNT);
    uint32_t first = (uint32_t)cc_decide_below(&choices, cluster->server_count);
    uint32_t broken = 0;

    cc_nemesis_heal(nemesis);
    for (uint32_t i = 0; i < cluster->server_count; i++) {
        uint32_t server = (first + i) % cluster->server_count;

        if (cc_decide_below(&choices, 2) == 0 && may_stay_broken(nemesis, server, broken)) {
            break_for_good(nemesis, &choices, server);
            broken += server < cluster->options.voter_count;
        }
    }
}
