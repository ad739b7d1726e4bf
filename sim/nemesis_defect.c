/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nemesis_defect -- those whom a leader counts on are started anew when all others want to be rid of
 * it: what they promised in their former life has to hold (T-067).
 *
 * First only as many as it needs hear the leader, so that the others campaign in vain.  Then its
 * supporters, too, do not hear it any more, and are restarted at once.
 */
#include "sim/nemesis_internal.h"

static void speak_again(void *owner)
{
    struct cc_undo *undo = owner;
    struct cc_nemesis *nemesis = undo->nemesis;

    for (uint32_t i = 0; i < nemesis->cluster->server_count; i++) {
        uint8_t *clogs = &nemesis->clogs[undo->machine][i];

        if ((undo->cuts[undo->machine] >> i & 1) == 1 && *clogs > 0 && --*clogs == 0) {
            cc_world_clog(cc_nemesis_world(nemesis), undo->machine, i, false);
        }
    }
    cc_nemesis_forget(undo);
}

static void silence(struct cc_nemesis *nemesis, uint32_t leader, uint32_t listeners)
{
    struct cc_undo *undo = cc_nemesis_later(
        nemesis, 8 * nemesis->cluster->options.election_timeout_us, speak_again, leader);

    undo->cuts[leader] = listeners;
    for (uint32_t i = 0; i < nemesis->cluster->server_count; i++) {
        if ((listeners >> i & 1) == 1) {
            nemesis->clogs[leader][i]++;
            cc_world_clog(cc_nemesis_world(nemesis), leader, i, true);
        }
    }
}

static void defect(void *owner)
{
    struct cc_undo *undo = owner;
    struct cc_nemesis *nemesis = undo->nemesis;
    uint32_t supporters = undo->cuts[undo->machine];

    if (!nemesis->is_over) {
        silence(nemesis, undo->machine, supporters);
    }
    for (uint32_t i = 0; i < nemesis->cluster->server_count && !nemesis->is_over; i++) {
        if ((supporters >> i & 1) == 1 && cc_cluster_is_up(nemesis->cluster, i)) {
            cc_cluster_kill(nemesis->cluster, i);
            (void)cc_nemesis_later(
                nemesis, cc_decide_range(&undo->choices, 0, 20000), cc_nemesis_restart, i);
        }
    }
    cc_nemesis_forget(undo);
}

bool cc_nemesis_defect(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    uint32_t voters = nemesis->cluster->options.voter_count;
    uint64_t timeout_us = nemesis->cluster->options.election_timeout_us;
    uint32_t supporters = 0;
    struct cc_undo *undo;

    if (strike->leader == UINT32_MAX || voters < 3) {
        return false;
    }
    strike->target = strike->leader;
    for (uint32_t i = 1; i <= voters / 2; i++) {
        supporters |= 1u << (strike->leader + i) % voters;
    }
    cc_cluster_tell(
        nemesis->cluster, "nemesis", "leaves server %u only supporters %#x, who will defect",
        strike->leader + 1, supporters);
    silence(nemesis, strike->leader, ((1u << voters) - 1) & ~supporters & ~(1u << strike->leader));
    undo = cc_nemesis_later(
        nemesis, cc_decide_range(&strike->choices, timeout_us, 4 * timeout_us), defect,
        strike->leader);
    undo->cuts[strike->leader] = supporters;
    undo->choices = strike->choices;
    return true;
}
