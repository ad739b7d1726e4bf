/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_memory -- what a server may still hold once nothing is under way: of the entries that it has
 * applied and written, as many bytes as its options allow (T-105).
 */
#include "sim/judge_internal.h"

void cc_judge_memory(struct cc_judge *judge, uint32_t place, const struct cc_server *server)
{
    const struct cc_group *group = server->group;
    uint64_t bytes = 0;
    uint64_t through;

    if (group == NULL || server->failed != COPYCAT_OK) {
        return;
    }
    through = cc_apply_index(group->apply);
    if (through > cc_raft_stable(group->core)) {
        through = cc_raft_stable(group->core);
    }
    for (uint64_t index = cc_log_first(group->log); index <= through; index++) {
        const struct cc_block *block = cc_log_peek(group->log, index);

        bytes += block == NULL ? 0 : block->size;
    }
    if (bytes > cc_server_options(server)->cache_bytes_max) {
        cc_judge_blame(
            judge, "bounds: server %u holds %llu bytes of entries that it has applied and written",
            place + 1, (unsigned long long)bytes);
    }
}
