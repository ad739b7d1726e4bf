/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_mark -- marks: entries at which every member may take an image, and at which all compare.
 *
 * A mark says what the state was at the mark before, as a majority of the voters had it: the leader
 * waits until it knows (group_agree.c), for its own may be the wrong one.  So who hears nobody but
 * the log, or replays it, compares as well.
 */
#include "base/assert.h"
#include "server/group/group.h"
#include "server/image/giving.h"
#include "server/node/node.h"

/* What the journal holds from one image to the next is worth it only beside a state that is much
 * larger: an eighth of that, within limits. */
static uint64_t least_due(const struct cc_group *group)
{
    const struct cc_server_options *options = cc_server_options(group->server);
    uint64_t least = options->file_size / 8;
    uint64_t most = options->file_size / 4;
    uint64_t part = group->live_bytes / 8;

    if (options->image_bytes != 0) {
        return options->image_bytes;
    }
    part = part > least ? part : least;
    return part < most ? part : most;
}

/* An image pays once there is half as much to forget as it will have to write. */
uint64_t cc_group_mark_bytes_due(const struct cc_group *group)
{
    uint64_t least = least_due(group);
    uint64_t half = group->marks.image_size / 2;

    return half > least ? half : least;
}

static bool is_due(const struct cc_group *group)
{
    const struct cc_marks *marks = &group->marks;
    uint64_t last = cc_raft_last(group->core);

    return last - marks->index >= cc_server_options(group->server)->image_entries ||
           cc_log_bytes_above(group->log, marks->index) >= cc_group_mark_bytes_due(group) ||
           cc_group_backlog_wants_mark(group) || cc_group_damage_needs_image(group) ||
           cc_group_need_wants_mark(group) || cc_giving_wants_mark(group->giving);
}

uint32_t cc_group_mark_halves(const struct cc_group *group)
{
    const struct cc_marks *marks = &group->marks;
    uint64_t half = cc_group_mark_bytes_due(group) / 2;

    return (uint32_t)(cc_log_bytes_above(group->log, marks->index) / (half == 0 ? 1 : half));
}

void cc_group_mark(struct cc_group *group)
{
    struct cc_marks *marks = &group->marks;
    uint8_t bytes[CC_MARK_SIZE_MAX];
    struct cc_writer writer;

    if (!group->is_leading || marks->is_under_way || cc_env_now_us(group->env) < marks->again_us ||
        (marks->index != 0 && !cc_group_has_agreed(group, marks->index)) ||
        !(is_due(group) || cc_group_room_wants_mark(group)) ||
        !cc_group_may_gather(group, sizeof bytes)) {
        return;
    }
    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_mark_encode(&writer, &(struct cc_mark){.index = marks->index, .digest = marks->digest});
    CC_ASSERT(!writer.failed);
    marks->is_under_way = true;
    cc_group_damage_image_asked(group);
    cc_group_need_marked(group);
    cc_giving_marked(group->giving);
    cc_group_backlog_marking(group);
    cc_group_propose_first(group, CC_ENTRY_MARK, (copycat_bytes){writer.data, writer.size});
}

/* False if this server has to stop.  A committed mark that does not decode says nothing: what another
 * version has written. */
static bool compare(struct cc_group *group, const struct cc_entry *entry)
{
    struct cc_mark mark;

    if (!cc_mark_decode(entry->payload, &mark) || mark.index == 0 ||
        mark.index != group->marks.index) {
        return true;
    }
    if (mark.digest != group->marks.digest) {
        cc_group_disagree(group, mark.index);
        return false;
    }
    cc_group_agree(group, mark.index);
    return true;
}

void cc_group_marked(struct cc_group *group, const struct cc_entry *entry)
{
    if (!compare(group, entry)) {
        return;
    }
    group->marks.is_under_way = false;
    cc_group_room_marked(group);
    group->marks.index = entry->index;
    group->marks.digest = cc_apply_digest(group->apply);
    cc_group_image_marked(group);
    cc_group_tell_mark(group);
}
