/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nemesis_memory -- a bit of one server's state flips in its memory, and nothing notices it there.  The
 * next mark must: it and nobody else stops, and its image is nobody's.
 */
#include "sim/alarm.h"
#include "sim/nemesis_internal.h"

/* Somebody may still count what this server has told of a mark while its state was wrong: it has
 * started again since, and whoever was cut off from it meanwhile does not know that. */
static bool is_remembered(const struct cc_cluster *cluster, uint32_t server)
{
    for (uint32_t i = 0; i < cluster->server_count; i++) {
        const struct cc_server *other = cluster->seats[i].server;

        if (other != NULL && other->group != NULL &&
            other->group->marks.index <= cluster->seats[server].spoiled_index) {
            return cluster->seats[server].spoiled_index != 0;
        }
    }
    return false;
}

/* Those whose state is right must be a majority, or nobody could know: at this time, and among what
 * is told of each mark. */
static bool may_spoil(const struct cc_nemesis *nemesis, uint32_t server)
{
    const struct cc_cluster *cluster = nemesis->cluster;
    const struct cc_seat *seat = &cluster->seats[server];
    uint32_t voters = cluster->options.voter_count;
    uint32_t spoiled = 0;

    for (uint32_t i = 0; i < voters; i++) {
        spoiled += cluster->seats[i].is_spoiled || cluster->seats[i].is_lost ||
                   cluster->seats[i].is_damaged || (i != server && is_remembered(cluster, i));
    }
    return seat->server != NULL && !seat->has_failed && seat->server->group != NULL &&
           seat->server->group->has_state && !seat->is_spoiled && !seat->is_damaged &&
           (server >= voters || spoiled + 1 <= (voters - 1) / 2);
}

bool cc_nemesis_spoil_memory(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    struct cc_cluster *cluster = nemesis->cluster;

    strike->target = cc_nemesis_choose(strike, 2);
    if (!may_spoil(nemesis, strike->target) ||
        !cc_alarm_spoil(cluster->seats[strike->target].server->group->apply)) {
        return false;
    }
    cc_cluster_tell(cluster, "nemesis", "spoils the state of server %u", strike->target + 1);
    cc_cluster_spoiled(cluster, strike->target, true);
    return true;
}
