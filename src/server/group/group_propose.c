/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_propose -- the leader's new entries: gathered during a pass, proposed at once at its end, or
 * later where images lag behind (group_backlog.c), and stamped with log time then.
 *
 * Log time goes on from the last entry at the rate of the leader's own clock; it never follows a
 * wall clock, except in the first entry of a cluster's life (T-075).
 */
#include "base/assert.h"
#include "base/bug.h"
#include "server/group/group.h"
#include "server/node/node.h"

#include <string.h>

void cc_group_clock_start(struct cc_group *group)
{
    uint64_t last = cc_log_last_time_us(group->log);

    group->clock_base_us = last != 0 ? last : cc_env_wall_us(group->env);
    group->clock_from_us = cc_env_now_us(group->env);
}

uint64_t cc_group_log_now_us(struct cc_group *group)
{
    if (CC_BUG(T075)) {
        return cc_env_wall_us(group->env);
    }

    uint64_t now = cc_env_now_us(group->env);

    CC_ASSERT(now >= group->clock_from_us);
    return group->clock_base_us + (now - group->clock_from_us);
}

/* What is applied and durable here.  A leader's own disk may be slower than a quorum of others: what
 * it has yet to write is counted as well, or it would gather for as long as that lasts. */
static uint64_t settled(const struct cc_group *group)
{
    uint64_t applied = cc_apply_index(group->apply);
    uint64_t stable = cc_raft_stable(group->core);

    return applied < stable ? applied : stable;
}

bool cc_group_may_gather(const struct cc_group *group, size_t payload_size)
{
    const struct cc_server_options *options = cc_server_options(group->server);
    uint64_t from = settled(group);
    uint64_t waiting = cc_raft_last(group->core) - from + group->proposed.count;
    uint64_t bytes = cc_log_bytes_above(group->log, from) + group->proposed_bytes + payload_size;

    return waiting < options->uncommitted_max && bytes <= CC_GROUP_UNAPPLIED_BYTES_MAX;
}

bool cc_group_has_room(const struct cc_group *group, size_t payload_size)
{
    return cc_group_may_gather(group, payload_size) &&
           cc_group_backlog_has_room(group, payload_size) && !cc_group_room_is_used_up(group);
}

void cc_group_propose(struct cc_group *group, uint8_t kind, copycat_bytes payload)
{
    struct cc_block_list *list = &group->proposed;

    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        list->at = cc_memory_grow(group->memory, list->at, list->capacity * sizeof(*list->at));
    }
    list->at[list->count] = cc_entry_create(group->memory, kind, payload);
    group->proposed_bytes += list->at[list->count]->size;
    list->count++;
    cc_group_wake(group);
}

void cc_group_propose_first(struct cc_group *group, uint8_t kind, copycat_bytes payload)
{
    struct cc_block_list *list = &group->proposed;
    struct cc_block *block;

    cc_group_propose(group, kind, payload);
    block = list->at[list->count - 1];
    memmove(list->at + 1, list->at, (list->count - 1) * sizeof(struct cc_block *));
    list->at[0] = block;
}

void cc_group_flush_proposals(struct cc_group *group)
{
    uint32_t before = group->proposed.count;
    uint32_t count = cc_group_backlog_admit(group);

    if (count == 0) {
        return;
    }

    struct cc_raft_event event = {.kind = CC_RAFT_EVENT_PROPOSE, .count = count};
    copycat_status status = cc_group_step(group, &event);

    if (status == COPYCAT_OK) {
        CC_ASSERT(group->proposed.count == before - count);
        return;
    }
    for (uint32_t i = 0; i < group->proposed.count; i++) {
        cc_group_refuse_proposal(group, group->proposed.at[i], status);
        cc_block_release(group->proposed.at[i]);
    }
    group->proposed.count = 0;
    group->proposed_bytes = 0;
}

/*
 * When the first timer of the state needs a tick, in our own time (S3.121): never, if something in
 * the log moves log time past it already.
 */
uint64_t cc_group_tick_due_us(struct cc_group *group)
{
    uint64_t deadline = cc_apply_next_deadline_us(group->apply);
    uint64_t now = cc_group_log_now_us(group);

    if (deadline == COPYCAT_NONE || cc_log_last_time_us(group->log) >= deadline ||
        group->proposed.count > 0) {
        return COPYCAT_NONE;
    }
    if (!cc_group_has_room(group, 0)) {
        return cc_group_retry_us(group);
    }

    uint64_t due = cc_env_now_us(group->env) + (deadline > now ? deadline - now : 0);

    return due > group->tick_again_us ? due : group->tick_again_us;
}

void cc_group_tick(struct cc_group *group)
{
    if (group->is_leading && cc_group_tick_due_us(group) <= cc_env_now_us(group->env)) {
        cc_group_propose(group, CC_ENTRY_TICK, (copycat_bytes){NULL, 0});
    }
}
