/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_transfer -- handing leadership over.
 *
 * Where it sits:   an event of the driver begins it; raft_replication.c brings the target up to
 * date; the target's campaign ends it, or one election timeout does. Source: dissertation 3.10.
 *
 * The lease is given up first and for the rest of the term, for the target's voters are freed of
 * their promise by that campaign, and it may still come when the transfer has long been abandoned.
 */
#include "base/assert.h"
#include "raft/raft_internal.h"

static struct cc_raft_peer *most_advanced(struct cc_raft *core)
{
    struct cc_raft_peer *best = NULL;

    for (uint32_t i = 0; i < core->peer_count; i++) {
        struct cc_raft_peer *peer = &core->peers[i];

        if (i != core->self && peer->is_voter && (best == NULL || peer->match > best->match)) {
            best = peer;
        }
    }
    return best;
}

copycat_status cc_raft_transfer_begin(struct cc_raft *core, uint32_t target)
{
    struct cc_raft_peer *peer = target == 0 ? most_advanced(core) : cc_raft_peer(core, target);

    if (core->role != CC_RAFT_LEADER) {
        return COPYCAT_ERR_NO_LEADER;
    }
    if (peer == NULL || !peer->is_voter || peer->id == core->options.id) {
        return COPYCAT_ERR_INVALID;
    }
    if (core->transfer_target != 0) {
        return COPYCAT_ERR_BUSY;
    }
    core->is_lease_given_up = true; /* T-066 */
    core->transfer_target = peer->id;
    core->is_transfer_asked = false;
    core->transfer_deadline_us = cc_raft_later(core->now_us, core->options.election_timeout_us);
    cc_raft_transfer_advance(core);
    return COPYCAT_OK;
}

void cc_raft_transfer_advance(struct cc_raft *core)
{
    if (core->transfer_target == 0 || core->is_transfer_asked) {
        return;
    }
    CC_ASSERT(core->role == CC_RAFT_LEADER);
    CC_ASSERT(core->is_lease_given_up);
    if (cc_raft_peer(core, core->transfer_target)->match == core->log.last) {
        core->is_transfer_asked = true;
        (void)cc_raft_send(core, CC_RAFT_TIMEOUT_NOW, core->transfer_target);
    }
}

void cc_raft_transfer_end(struct cc_raft *core)
{
    core->effects->transfer_ended = core->transfer_target != 0;
    core->transfer_target = 0;
}

void cc_raft_transfer_tick(struct cc_raft *core)
{
    if (core->transfer_target != 0 && core->now_us >= core->transfer_deadline_us) {
        CC_ASSERT(core->role == CC_RAFT_LEADER);
        cc_raft_transfer_end(core);
    }
}

void cc_raft_receive_timeout_now(struct cc_raft *core, const struct cc_raft_message *message)
{
    if (message->term > core->term) {
        cc_raft_follow(core, message->term, 0);
        return;
    }
    if (message->term < core->term || core->role != CC_RAFT_FOLLOWER || core->is_stalled ||
        core->term == CC_TERM_MAX) {
        return;
    }

    /* Free of its promise to that leader, but not of one that an earlier life gave to another. */
    if (core->now_us < core->promise_us && core->promise_term != message->term) {
        return;
    }
    cc_raft_campaign_transfer(core);
}
