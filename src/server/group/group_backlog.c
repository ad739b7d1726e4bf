/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_backlog -- see group_backlog.h.
 *
 * The rate falls with the pressure, without bound towards none and to next to nothing towards the
 * limit: so it settles where images keep up, whatever the machine can do, and nobody has to know how
 * fast that is.
 */
#include "server/group/group_backlog.h"

#include "base/bug.h"
#include "server/group/group.h"
#include "server/node/node.h"

#define SECOND_US UINT64_C(1000000)
#define WRITES_MIN UINT64_C(256)    /* each takes a block; beside fewer an image is not worth it */
#define LEAST_PART 32u              /* the least rate, as a part of the one at half the pressure */
#define BURST_PARTS 100u            /* of what goes in a second, at once; ... */
#define SOFT_PARTS 4u               /* ... of what is no backlog yet, where there is no rate */
#define BURST_BYTES_MIN (32u << 10) /* or a write would have little in it */
#define PAUSE_US_MAX UINT64_C(250000) /* whatever is proposed */
#define EARLY_US UINT64_C(1000)       /* so much earlier is as good: timers are no finer */

static uint64_t larger(uint64_t left, uint64_t right)
{
    return left > right ? left : right;
}

static uint64_t less(uint64_t from, uint64_t what)
{
    return from > what ? from - what : 0;
}

static uint64_t total(const struct cc_group *group)
{
    return cc_journal_counters(group->journal)->bytes;
}

/* Before the first image since the start, the log knows more; of small entries the journal does, for
 * each write takes whole blocks. */
uint64_t cc_group_backlog_bytes(const struct cc_group *group)
{
    return larger(
        less(total(group), group->backlog.base_total),
        cc_log_bytes_above(group->log, group->base.index));
}

uint64_t cc_group_backlog_soft(const struct cc_group *group)
{
    uint64_t least = cc_server_options(group->server)->file_size / 4;

    least = larger(larger(least, WRITES_MIN * CC_DISK_BLOCK), 2 * cc_group_mark_bytes_due(group));
    return larger(group->live_bytes / 4, least);
}

uint32_t cc_group_backlog_pressure(const struct cc_group *group)
{
    uint64_t soft = cc_group_backlog_soft(group);
    uint64_t beyond = less(cc_group_backlog_bytes(group), soft);

    if (group->backlog.is_hopeless) {
        return 0;
    }
    return beyond < soft ? (uint32_t)(beyond * CC_BACKLOG_FULL / soft) : CC_BACKLOG_FULL;
}

void cc_group_backlog_begun(struct cc_group *group)
{
    group->backlog.taken_total = total(group);
}

void cc_group_backlog_ended(struct cc_group *group, bool is_made)
{
    group->backlog.is_hopeless = !is_made;
    group->backlog.taken_total = is_made ? group->backlog.taken_total : 0;
}

void cc_group_backlog_moved(struct cc_group *group)
{
    struct cc_backlog *backlog = &group->backlog;

    backlog->base_total = backlog->taken_total != 0 ? backlog->taken_total : total(group);
    backlog->taken_total = 0;
    backlog->is_hopeless = false;
}

bool cc_group_backlog_wants_mark(const struct cc_group *group)
{
    return cc_group_backlog_pressure(group) > 0 && cc_group_image_may_begin(group) &&
           cc_log_bytes_above(group->log, group->marks.index) > 0;
}

void cc_group_backlog_marking(struct cc_group *group)
{
    group->backlog.next_us = 0;
}

/* ---- proposing -------------------------------------------------------------------------------- */

/* Bytes a second; COPYCAT_NONE: any. */
static uint64_t rate(const struct cc_group *group)
{
    uint64_t pressure = cc_group_backlog_pressure(group);
    uint64_t middle = cc_group_backlog_soft(group);

    if (pressure == 0 || CC_BUG(T036B)) {
        return COPYCAT_NONE;
    }
    return larger(middle * (CC_BACKLOG_FULL - pressure) / pressure, middle / LEAST_PART);
}

/* One at least. */
static uint32_t take(const struct cc_group *group, uint64_t bytes_max, uint64_t *bytes_out)
{
    const struct cc_block_list *list = &group->proposed;
    uint64_t bytes = list->at[0]->size;
    uint32_t count = 1;

    if (group->proposed_bytes <=
        bytes_max) { /* nearly always, and they were counted when they came */
        *bytes_out = group->proposed_bytes;
        return list->count;
    }
    while (count < list->count && bytes + list->at[count]->size <= bytes_max) {
        bytes += list->at[count++]->size;
    }
    *bytes_out = bytes;
    return count;
}

uint32_t cc_group_backlog_admit(struct cc_group *group)
{
    struct cc_backlog *backlog = &group->backlog;
    uint64_t now = cc_env_now_us(group->env);
    uint64_t per_second = rate(group);
    uint64_t bytes;
    uint32_t count;

    if (group->proposed.count == 0) {
        return 0;
    }
    if (per_second == COPYCAT_NONE) {
        backlog->next_us = 0;
        return take(
            group, larger(cc_group_backlog_soft(group) / SOFT_PARTS, BURST_BYTES_MIN), &bytes);
    }
    if (now + EARLY_US < backlog->next_us) {
        return 0;
    }
    count = take(group, larger(per_second / BURST_PARTS, BURST_BYTES_MIN), &bytes);
    backlog->next_us = larger(backlog->next_us, now) + bytes * SECOND_US / per_second;
    if (backlog->next_us > now + PAUSE_US_MAX) {
        backlog->next_us = now + PAUSE_US_MAX;
    }
    return count;
}

uint64_t cc_group_backlog_due_us(const struct cc_group *group)
{
    return group->proposed.count == 0 ? COPYCAT_NONE : group->backlog.next_us;
}

bool cc_group_backlog_has_room(const struct cc_group *group, size_t payload_size)
{
    return group->proposed.count == 0 || group->proposed_bytes + payload_size <= rate(group);
}
