/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_cluster_image -- members that have images, and logs that do not begin at 1; declared in
 * raft_cluster.h.
 */
#include "base/assert.h"
#include "raft_cluster.h"

#include <string.h>

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

copycat_status raft_cluster_install(
    struct raft_cluster *cluster, uint32_t id, uint64_t index, const struct raft_entry *entries)
{
    copycat_status status;

    cluster->image = entries;
    status = raft_cluster_step(
        cluster, id,
        (struct cc_raft_event){
            .kind = CC_RAFT_EVENT_INSTALL, .index = index, .term = entries[index].term});
    cluster->image = NULL;
    return status;
}

void raft_cluster_switch(
    struct raft_state *state, uint64_t index, bool keep_tail, const struct raft_entry *entries)
{
    memcpy(&state->entries[1], &entries[1], index * sizeof *entries);
    state->base = index;
    if (!keep_tail) {
        state->first = index + 1;
        state->last = index;
        state->damaged = 0;
    }
}

void raft_cluster_damage(struct raft_cluster *cluster, uint32_t id, uint64_t index)
{
    struct raft_state *disk = &raft_cluster_member(cluster, id)->disk;

    CC_ASSERT(!raft_cluster_member(cluster, id)->is_up);
    if (index > disk->base && index <= disk->last) {
        disk->damaged = index;
    }
}

void raft_cluster_repair(struct raft_cluster *cluster, uint32_t id)
{
    struct raft_member *member = raft_cluster_member(cluster, id);

    CC_ASSERT(member->is_up);
    if (member->memory.damaged != 0) {
        member->memory.damaged = 0;
        member->disk.damaged = 0;
        (void)raft_cluster_step(
            cluster, id, (struct cc_raft_event){.kind = CC_RAFT_EVENT_REPAIRED});
    }
}
