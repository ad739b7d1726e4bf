/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_cluster_image -- members that have images, and logs that do not begin at 1; declared in
 * raft_cluster.h.
 */
#include "base/assert.h"
#include "raft_cluster.h"

bool raft_cluster_image(struct raft_cluster *cluster, uint32_t id, uint64_t index)
{
    struct raft_member *member = raft_cluster_member(cluster, id);

    CC_ASSERT(member->is_up);
    if (index <= member->memory.base || index > cc_raft_commit(member->core) ||
        index > cc_raft_stable(member->core)) {
        return false;
    }
    member->memory.base = index;
    member->disk.base = index;
    return true;
}

void raft_cluster_forget(struct raft_cluster *cluster, uint32_t id, uint64_t index)
{
    struct raft_member *member = raft_cluster_member(cluster, id);

    CC_ASSERT(member->is_up);
    index = index < member->disk.base ? index : member->disk.base;
    if (index >= member->disk.first) {
        member->disk.first = index + 1;
    }
    if (index >= member->memory.first) {
        member->memory.first = index + 1;
    }
    (void)raft_cluster_step(
        cluster, id, (struct cc_raft_event){.kind = CC_RAFT_EVENT_FORGOTTEN, .index = index});
}
