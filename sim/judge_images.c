/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_images -- images: the state that one gives is the one that was there, and nothing that it
 * does not cover is forgotten.
 */
#include "sim/judge_internal.h"

uint64_t cc_judge_term(const struct cc_judge *judge, const struct cc_raft *core, uint64_t index)
{
    uint64_t term = cc_raft_term_at(core, index);

    if (term == 0 && index > 0 && index < cc_raft_first(core) && index <= judge->applied_count) {
        term = judge->applied[index].term;
    }
    return term;
}

void cc_judge_restored(
    struct cc_judge *judge, uint32_t place, uint64_t index, uint64_t time_us, uint64_t digest)
{
    struct watched *server = &judge->servers[place];
    struct cc_judged_entry entry;

    if (!cc_judge_entry(judge, index, &entry)) {
        cc_judge_blame(
            judge, "images: server %u stands on an image at %llu, which nobody has applied",
            place + 1, (unsigned long long)index);
    } else if (entry.has_digest && entry.digest != digest) {
        cc_judge_blame(
            judge, "images: server %u restored another state than there was at %llu", place + 1,
            (unsigned long long)index);
    }
    if (index < server->applied) {
        cc_judge_blame(
            judge, "images: server %u went back from %llu to an image at %llu", place + 1,
            (unsigned long long)server->applied, (unsigned long long)index);
    }
    server->applied = index;
    server->time_us = time_us;
}

void cc_judge_images(struct cc_judge *judge, uint32_t place, const struct cc_group *group)
{
    uint64_t base = group->base.index;

    if (!group->has_state) {
        return;
    }
    if (base > cc_apply_index(group->apply) || base > cc_raft_commit(group->core)) {
        cc_judge_blame(
            judge, "images: server %u stands on an image at %llu and has not applied that",
            place + 1, (unsigned long long)base);
    }
    if (group->switch_mark == 0 && cc_raft_first(group->core) > base + 1) {
        cc_judge_blame(
            judge, "images: server %u has forgotten entries behind its image at %llu", place + 1,
            (unsigned long long)base);
    }
}
