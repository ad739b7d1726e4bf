/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_transfer -- handing leadership over (dissertation 3.10): stop taking entries, bring the
 * target up to date, tell it to campaign now.
 *
 * The lease is given up first, and for the rest of the term, whatever comes of the transfer: the
 * target's campaign is not held up by promises (T-066).
 */
#include "raft/raft_internal.h"

static struct cc_raft_peer *most_advanced(struct cc_raft *core)
{
    struct cc_raft_peer *best = NULL;

    for (uint32_t i = 0; i < core->peer_count; i++) {
        struct cc_raft_peer *peer = &core->peers[i];

        if (peer->is_voter && peer->is_up && (best == NULL || peer->match > best->match)) {
            best = peer;
        }
    }
    return best;
}

copycat_status cc_raft_begin_transfer(struct cc_raft *core, uint32_t target)
{
    struct cc_raft_peer *peer;

    if (core->role != CC_RAFT_LEADER) {
        return COPYCAT_ERR_NO_LEADER;
    }
    if (core->transfer_target != 0) {
        return COPYCAT_ERR_BUSY;
    }
    peer = target == 0 ? most_advanced(core) : cc_raft_peer_of(core, target);
    if (peer == NULL || !peer->is_voter) {
        return target == 0 ? COPYCAT_ERR_BUSY : COPYCAT_ERR_INVALID;
    }
    core->is_lease_given_up = true;
    core->transfer_target = peer->id;
    core->transfer_until_us = core->now_us + core->options.election_timeout_us;
    core->is_timeout_sent = false;
    cc_raft_go_on_with_transfer(core);
    return COPYCAT_OK;
}

void cc_raft_go_on_with_transfer(struct cc_raft *core)
{
    struct cc_raft_peer *peer;

    if (core->role != CC_RAFT_LEADER || core->transfer_target == 0) {
        return;
    }
    if (core->now_us >= core->transfer_until_us) {
        cc_raft_end_transfer(core);
        return;
    }
    peer = cc_raft_peer_of(core, core->transfer_target);
    if (peer->match == core->last && peer->is_up && !core->is_timeout_sent) {
        core->is_timeout_sent = true;
        (void)cc_raft_send(core, CC_RAFT_TIMEOUT_NOW, peer->id, core->term);
    }
}

void cc_raft_end_transfer(struct cc_raft *core)
{
    if (core->transfer_target != 0) {
        core->transfer_target = 0;
        core->effects->transfer_ended = true;
    }
}

void cc_raft_receive_timeout_now(struct cc_raft *core, const struct cc_raft_message *message)
{
    if (message->term != core->term || core->role != CC_RAFT_FOLLOWER ||
        core->leader != message->from || !core->is_voter || core->is_stalled ||
        core->damaged_from != 0 || core->term >= CC_TERM_MAX || !cc_raft_log_has_room(core)) {
        return;
    }
    cc_raft_campaign(core, true);
}
