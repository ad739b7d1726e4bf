/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_mark -- marks: entries at which every member may take an image, and at which all compare.
 *
 * A mark says what the state was at the mark before, as the leader had it.  A member that had
 * another state then has diverged, be it by a fault of its memory, of a machine or of ours; it must
 * not answer anybody any more.
 */
#include "base/assert.h"
#include "server/group/group.h"
#include "server/node/node.h"

/* An image pays once there is half as much to forget as it will have to write. */
static uint64_t bytes_due(const struct cc_group *group)
{
    uint64_t least = cc_server_options(group->server)->image_bytes;
    uint64_t half = group->marks.image_size / 2;

    return half > least ? half : least;
}

static bool is_due(const struct cc_group *group)
{
    const struct cc_marks *marks = &group->marks;
    uint64_t last = cc_raft_last(group->core);

    return last - marks->index >= cc_server_options(group->server)->image_entries ||
           cc_log_bytes_above(group->log, marks->index) >= bytes_due(group);
}

void cc_group_mark(struct cc_group *group)
{
    struct cc_marks *marks = &group->marks;
    uint8_t bytes[CC_MARK_SIZE_MAX];
    struct cc_writer writer;

    if (!group->is_leading || marks->is_under_way || cc_env_now_us(group->env) < marks->again_us ||
        !(is_due(group) || cc_group_room_wants_mark(group)) ||
        !cc_group_has_room(group, sizeof bytes)) {
        return;
    }
    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_mark_encode(&writer, &(struct cc_mark){.index = marks->index, .digest = marks->digest});
    CC_ASSERT(!writer.failed);
    marks->is_under_way = true;
    cc_group_room_marked(group);
    cc_group_propose(group, CC_ENTRY_MARK, (copycat_bytes){writer.data, writer.size});
}

/* A committed mark that does not decode says nothing: what another version has written. */
static void compare(struct cc_group *group, const struct cc_entry *entry)
{
    char digits[21];
    struct cc_mark mark;

    if (!cc_mark_decode(entry->payload, &mark) || mark.index == 0 ||
        mark.index != group->marks.index || mark.digest == group->marks.digest) {
        return;
    }
    cc_server_fail(
        group->server, COPYCAT_ERR_BROKEN,
        cc_server_compose(
            group->server,
            (const char *const[]){
                "the state of this server differs from the leader's, at entry ",
                cc_server_number(mark.index, digits),
                "; it stops before it gives a wrong answer: check its memory and that all servers "
                "run the same version, and keep its directory for a report",
                NULL}));
}

void cc_group_marked(struct cc_group *group, const struct cc_entry *entry)
{
    compare(group, entry);
    group->marks.is_under_way = false;
    group->marks.index = entry->index;
    group->marks.digest = cc_apply_digest(group->apply);
    cc_group_image_marked(group);
}
