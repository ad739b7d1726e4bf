/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_commit -- what a quorum of voters has on its disks.
 *
 * Where it sits:   after each acknowledgement, and after each write of the leader's own, which is
 * one vote among others: it may be the last to arrive (T-017). Source:          dissertation 3.6.2,
 * figure 3.8.
 */
#include "base/assert.h"
#include "base/bug.h"
#include "raft/raft_internal.h"

bool cc_raft_commit_is_own(const struct cc_raft *core)
{
    return core->role == CC_RAFT_LEADER && core->commit >= core->term_first;
}

static uint64_t own_match(const struct cc_raft *core)
{
    return CC_BUG(T017) ? core->log.last : core->log.stable;
}

void cc_raft_commit_advance(struct cc_raft *core)
{
    uint64_t matches[CC_VOTERS_MAX];
    uint32_t count = 0;

    if (core->role != CC_RAFT_LEADER) {
        return;
    }
    for (uint32_t i = 0; i < core->peer_count; i++) {
        if (core->peers[i].is_voter) {
            matches[count++] = i == core->self ? own_match(core) : core->peers[i].match;
        }
    }
    CC_ASSERT(count == core->voter_count);

    uint64_t held = cc_raft_quorum(matches, count);

    /* Figure 3.8: an older entry on a quorum may still be overwritten.  It commits together with
     * one of our own term, or not at all. R4 */
    if (held < core->term_first && !CC_BUG(T004)) {
        return;
    }
    if (held > core->commit) {
        CC_ASSERT(held <= core->log.last);                                              /* R1 */
        CC_ASSERT(cc_raft_log_term_at(&core->log, held) == core->term || CC_BUG(T004)); /* R4 */
        core->commit = held;
    }
}
