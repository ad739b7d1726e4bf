/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_read -- whatever a quorum decides: the commit index (dissertation 3.6), leadership rounds
 * (6.4) and leases (6.4.1).
 */
#include "raft/raft_internal.h"

/* The largest value that a quorum of voters has reached, given our own and the peers' values. */
static uint64_t quorum_value(
    const struct cc_raft *core, uint64_t own, uint64_t (*value_of)(const struct cc_raft_peer *peer))
{
    uint64_t values[CC_MEMBERS_MAX];
    uint32_t count = 0;

    if (core->is_voter) {
        values[count++] = own;
    }
    for (uint32_t i = 0; i < core->peer_count; i++) {
        if (core->peers[i].is_voter) {
            values[count++] = value_of(&core->peers[i]);
        }
    }
    for (uint32_t i = 1; i < count; i++) { /* descending; seven at most */
        uint64_t value = values[i];
        uint32_t at = i;

        for (; at > 0 && values[at - 1] < value; at--) {
            values[at] = values[at - 1];
        }
        values[at] = value;
    }
    CC_ASSERT(core->quorum > 0 && count >= core->quorum);
    return values[core->quorum - 1];
}

static uint64_t match_of(const struct cc_raft_peer *peer)
{
    return peer->match;
}

static uint64_t round_of(const struct cc_raft_peer *peer)
{
    return peer->round;
}

static uint64_t lease_of(const struct cc_raft_peer *peer)
{
    return peer->lease_us;
}

void cc_raft_advance_commit(struct cc_raft *core)
{
    if (core->role != CC_RAFT_LEADER) {
        return;
    }

    /* T-017: the leader's own copy is one vote among others, once it is durable. */
    uint64_t own = CC_BUG(T017) ? core->last : core->stable;
    uint64_t reached = quorum_value(core, own, match_of);

    /* R4, figure 3.8: entries of earlier terms are committed by one of this term and not by count.
     */
    if (reached <= core->commit ||
        (cc_raft_log_term(core, reached) != core->term && !CC_BUG(T004))) {
        return;
    }
    core->commit = reached;
    core->effects->commit = reached;
}

/* T-063: before an entry of this term is committed, the commit index may lag the cluster's. */
static bool knows_commit(const struct cc_raft *core)
{
    return core->commit >= core->term_first || CC_BUG(T063);
}

copycat_status cc_raft_begin_round(struct cc_raft *core)
{
    if (core->role != CC_RAFT_LEADER) {
        return COPYCAT_ERR_NO_LEADER;
    }
    if (!knows_commit(core)) {
        return COPYCAT_ERR_BUSY;
    }
    core->round++;
    core->effects->read_round = core->round;
    core->effects->read_index = core->commit;
    core->wants_heartbeat = true;
    cc_raft_confirm_rounds(core);
    return COPYCAT_OK;
}

void cc_raft_confirm_rounds(struct cc_raft *core)
{
    CC_ASSERT(core->role == CC_RAFT_LEADER);
    uint64_t confirmed = quorum_value(core, core->round, round_of);

    if (confirmed > core->round_confirmed) {
        core->round_confirmed = confirmed;
        core->effects->round_confirmed = true;
    }
}

uint64_t cc_raft_lease_until(const struct cc_raft *core)
{
    if (core->role != CC_RAFT_LEADER || !knows_commit(core) ||
        (core->is_lease_given_up && !CC_BUG(T066))) {
        return 0;
    }
    return quorum_value(core, UINT64_MAX, lease_of);
}
