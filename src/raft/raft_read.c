/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_read -- how a leader knows that it still leads: rounds and leases.
 *
 * Where it sits:   replies come from raft_replication.c; server/group asks for rounds and leases.
 * Source:          dissertation 6.4 (read index), 6.4.1 (leases), 6.2 (check quorum).
 *
 * A round is a number that grows.  Every append carries the newest one, every reply echoes the
 * newest one its sender has seen, so a reply confirms all rounds up to its echo, and none that was
 * begun later (T-064).  A lease counts from when the append was sent, on our own clock, shortened
 * by what two clocks may differ (T-065).
 */
#include "base/assert.h"
#include "base/bug.h"
#include "raft/raft_internal.h"

#define PPM UINT64_C(1000000)

/* `us` of another's clock, in the worst case on ours. */
static uint64_t shortened(const struct cc_raft *core, uint64_t us)
{
    uint64_t kept_ppm = PPM - 2 * (uint64_t)core->options.drift_ppm_max;

    CC_ASSERT(kept_ppm > 0);
    return us / PPM * kept_ppm + us % PPM * kept_ppm / PPM;
}

static void confirm(struct cc_raft *core)
{
    uint64_t rounds[CC_VOTERS_MAX];
    uint32_t count = 0;

    for (uint32_t i = 0; i < core->peer_count; i++) {
        if (core->peers[i].is_voter) {
            rounds[count++] = i == core->self ? core->round : core->peers[i].round;
        }
    }
    CC_ASSERT(count == core->voter_count);
    core->round_confirmed = cc_raft_max(core->round_confirmed, cc_raft_quorum(rounds, count));
    CC_ASSERT(core->round_confirmed <= core->round);
}

copycat_status cc_raft_read_begin(struct cc_raft *core)
{
    if (core->role != CC_RAFT_LEADER) {
        return COPYCAT_ERR_NO_LEADER;
    }

    /* Before its own first commit a leader may not know of commits that others have answered for.
     */
    if (!cc_raft_commit_is_own(core) && !CC_BUG(T063)) {
        return COPYCAT_ERR_BUSY;
    }
    core->effects->read_round = ++core->round;
    core->effects->read_index = core->commit;
    cc_raft_replication_heartbeat(core);
    confirm(core); /* a single voter is its own quorum */
    return COPYCAT_OK;
}

void cc_raft_read_heard(
    struct cc_raft *core, struct cc_raft_peer *peer, const struct cc_raft_message *message)
{
    uint64_t from_us = CC_BUG(T065) ? core->now_us : message->sent_at_us;
    uint64_t lease_us = cc_raft_later(from_us, shortened(core, message->promise_us));

    CC_ASSERT(core->role == CC_RAFT_LEADER);
    CC_ASSERT(peer->is_voter);
    peer->lease_us = cc_raft_max(peer->lease_us, lease_us);
    peer->round = cc_raft_max(peer->round, CC_BUG(T064) ? core->round : message->round);
    confirm(core);
}

uint64_t cc_raft_lease_until(const struct cc_raft *core)
{
    uint64_t leases[CC_VOTERS_MAX];
    uint32_t count = 0;

    if (!cc_raft_commit_is_own(core) || (core->is_lease_given_up && !CC_BUG(T066))) {
        return 0;
    }
    for (uint32_t i = 0; i < core->peer_count; i++) {
        if (core->peers[i].is_voter) {
            leases[count++] = i == core->self ? UINT64_MAX : core->peers[i].lease_us;
        }
    }
    CC_ASSERT(count == core->voter_count);
    return cc_raft_quorum(leases, count);
}

uint64_t cc_raft_quorum_deadline(const struct cc_raft *core)
{
    uint64_t heard[CC_VOTERS_MAX];
    uint32_t count = 0;

    for (uint32_t i = 0; i < core->peer_count; i++) {
        if (core->peers[i].is_voter) {
            heard[count++] = i == core->self ? UINT64_MAX : core->peers[i].heard_us;
        }
    }
    CC_ASSERT(count == core->voter_count);
    return cc_raft_later(cc_raft_quorum(heard, count), core->options.election_timeout_us);
}
