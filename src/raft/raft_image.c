/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_image -- a log that does not begin at 1: what is forgotten, and who therefore needs an
 * image.  An image at H stands for the entries 1..H; the core knows it by its index and term.
 */
#include "raft/raft_internal.h"

/* What the driver has at hand for a peer may begin with an entry that is gone by now; it then drops
 * it and says nothing.  Nobody waits for that word: whatever brings the peer further than that takes
 * the append back (accepted, refused and reset in raft_replication.c). */
void cc_raft_forgotten(struct cc_raft *core, uint64_t index)
{
    if (index < core->first) {
        return;
    }
    CC_ASSERT(index <= core->commit);                                 /* R8 */
    CC_ASSERT(core->damaged_from == 0 || core->damaged_from > index); /* R7: REPAIRED comes first */
    cc_raft_log_forget(core, index);
}

bool cc_raft_needs_image(const struct cc_raft *core, uint32_t id)
{
    for (uint32_t i = 0; core->role == CC_RAFT_LEADER && i < core->peer_count; i++) {
        if (core->peers[i].id == id) {
            return core->peers[i].lacks_first;
        }
    }
    return false;
}
