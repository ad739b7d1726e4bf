/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_room -- looks how much room the disk has, and judges whether that will do; so that nothing
 * is met by surprise, and nobody has to be called.  See group_room.h.
 */
#include "server/group/group_room.h"

#include "base/bug.h"
#include "server/node/node.h"

#define TRY_AGAIN_US \
    (60 * CC_ROOM_LOOK_US)     /* an image that failed, though nothing has changed since */
#define IMAGE_BYTES_PER_US 32u /* that early images write on average, at most */
#define LEADING_BLOCKS 3u      /* of the journal: for a term, its first entry, and a mark */
#define FREE_MAX (UINT64_C(1) << 60)

/* ---- what there is, and what it takes --------------------------------------------------------- */

static uint64_t used(const struct cc_group *group)
{
    return cc_journal_disk_bytes(group->journal) + group->base_bytes +
           (group->switch_mark == 0 ? 0 : group->next_base.size);
}

static uint64_t less(uint64_t from, uint64_t what)
{
    return from > what ? from - what : 0;
}

/* As of now: what was written since is known. */
uint64_t cc_room_left(const struct cc_group *group)
{
    const struct cc_room *room = group->room;
    uint64_t quota = cc_server_options(group->server)->disk_quota;
    uint64_t left = less(room->free + room->used, used(group));
    uint64_t allowed = less(quota + cc_journal_free_bytes(group->journal), used(group));

    return quota != 0 && allowed < left ? allowed : left;
}

/* At most; of machines that keep live commits. */
static uint64_t state_size(const struct cc_group *group)
{
    return group->live_bytes + cc_log_bytes_above(group->log, group->base.index);
}

/* The next image, what must be there then for the one after it, and one more journal file, unless
 * there is one beyond the spare. */
uint64_t cc_room_need(const struct cc_group *group)
{
    uint64_t state = state_size(group);
    uint64_t growth = less(state, group->live_bytes);
    uint64_t file_size = cc_journal_file_size(group->journal);
    bool has_files = cc_journal_free_bytes(group->journal) >= 2 * file_size;

    return (has_files ? 0 : file_size) + state + growth;
}

/* ---- judging ----------------------------------------------------------------------------------
 */

static void judge_disk(struct cc_group *group)
{
    struct cc_room *room = group->room;
    uint64_t left = cc_room_left(group);

    cc_journal_be_sparing(group->journal, left < cc_journal_disk_bytes(group->journal));

    uint64_t file_size = cc_journal_file_size(group->journal);
    uint64_t since = cc_log_bytes_above(group->log, group->base.index);
    uint64_t state = state_size(group);
    uint64_t wanted = cc_room_need(group);
    uint64_t margin = file_size / 4 + state / 16;
    bool is_failing = room->has_failed && room->is_failure_seen && left <= room->failed_free;

    if (room->is_short && !CC_BUG(T056B)) {
        room->is_short = left < wanted + margin || is_failing;
    } else if (!room->is_short) {
        room->is_short = left < wanted || is_failing;
    }
    cc_journal_hold_back(
        group->journal, less(room->free + room->used, used(group)) < file_size + state);
    room->left = less(left, wanted) / 2; /* what is logged is needed twice */
    room->is_pressed = left < wanted + 2 * file_size + state / 8 &&
                       (since >= file_size / 8 + group->live_bytes / 8 ||
                        cc_journal_would_free(group->journal, cc_apply_index(group->apply)));
}

static void judge_state(struct cc_group *group)
{
    struct cc_room *room = group->room;
    uint64_t quota = cc_server_options(group->server)->state_quota;
    uint64_t since = cc_log_bytes_above(group->log, group->base.index);
    uint64_t state = state_size(group);

    if (quota == 0) {
        return;
    }
    room->is_state_full = state >= (room->is_state_full ? quota - quota / 16 : quota);
    room->state_left = less(quota, state);
    room->is_pressed = room->is_pressed || (state > quota - quota / 8 && since >= quota / 16);
}

/* Would an image help, and can one be? */
bool cc_room_wants_mark(const struct cc_group *group)
{
    const struct cc_room *room = group->room;
    uint64_t applied = cc_apply_index(group->apply);
    bool is_lacking = room->is_short || room->is_state_full;

    if (!room->is_known || CC_BUG(T056C) || !group->has_state ||
        group->base_trouble != COPYCAT_OK || applied <= group->base.index ||
        !cc_group_image_may_begin(group)) {
        return false;
    }
    if (room->has_failed) {
        return room->commands > 0 ||
               (room->is_failure_seen && cc_room_left(group) > room->failed_free) ||
               cc_env_now_us(group->env) >= room->failed_us + TRY_AGAIN_US;
    }
    return room->is_pressed ||
           (is_lacking && (room->commands > 0 || cc_journal_would_free(group->journal, applied)));
}

/* ---- looking ---------------------------------------------------------------------------------- */

static void release(struct cc_room *room)
{
    struct cc_server *server = room->server;

    cc_memory_give(server->memory, room);
    cc_server_let_go(server);
}

/* An image that is being written has its room already, in what was free before: so less does not
 * count then.  More does: others have gone. */
static void take(struct cc_room *room, uint64_t free)
{
    uint64_t now = used(room->group);

    if (!room->is_known || room->server->image_writers == 0 ||
        free > less(room->free + room->used, now)) {
        room->is_known = true;
        room->free = free;
        room->used = now;
    }
}

/* What was known before the image failed is no measure: somebody else has filled the disk since, and
 * when that is gone again, there would be no more than was believed then. */
static void see_failure(struct cc_room *room)
{
    bool is_since = room->look_us >= room->failed_us + CC_ROOM_LOOK_US;

    if (room->has_failed && !room->is_failure_seen && is_since &&
        room->server->image_writers == 0) {
        room->is_failure_seen = true;
        room->failed_free = cc_room_left(room->group);
    }
}

static void looked(struct cc_disk_request *request)
{
    struct cc_room *room = request->owner;

    room->is_asking = false;
    if (room->group == NULL) {
        release(room);
        return;
    }
    if (request->status == COPYCAT_OK) {
        take(room, request->offset < FREE_MAX ? request->offset : FREE_MAX);
        see_failure(room);
        cc_group_wake(room->group);
    }
}

static void look(struct cc_group *group)
{
    struct cc_room *room = group->room;
    uint64_t now = cc_env_now_us(group->env);

    if (room->is_asking || now < room->look_us) {
        return;
    }
    room->look_us = now + CC_ROOM_LOOK_US;
    room->is_asking = true;
    room->request = (struct cc_disk_request){
        .operation = CC_DISK_ROOM,
        .name = group->server->directory,
        .done = looked,
        .owner = room,
    };
    cc_env_disk(group->env, &room->request);
}

static void rang(struct cc_timer *timer)
{
    struct cc_room *room = timer->owner;

    cc_env_timer_arm(
        room->group->env, &room->timer, cc_env_now_us(room->group->env) + CC_ROOM_LOOK_US);
    look(room->group);
    cc_group_room_judge(room->group);
    cc_room_report(room->group);
    cc_room_ask_for_image(room->group);
    if (cc_group_room_wants_mark(room->group)) {
        cc_group_wake(room->group);
    }
}

void cc_group_room_begin(struct cc_group *group)
{
    struct cc_room *room = cc_memory_take(group->server->memory, sizeof *room);

    room->server = group->server;
    room->group = group;
    room->left = COPYCAT_NONE;
    room->state_left = COPYCAT_NONE;
    room->timer = (struct cc_timer){.fire = rang, .owner = room};
    group->room = room;
    cc_server_hold(group->server);
    cc_env_timer_arm(group->env, &room->timer, cc_env_now_us(group->env) + CC_ROOM_LOOK_US);
    look(group);
}

void cc_group_room_end(struct cc_group *group)
{
    struct cc_room *room = group->room;

    cc_env_timer_disarm(group->env, &room->timer);
    room->group = NULL;
    group->room = NULL;
    if (!room->is_asking) {
        release(room);
    }
}

/* ---- for the group ----------------------------------------------------------------------------
 */

void cc_group_room_judge(struct cc_group *group)
{
    struct cc_room *room = group->room;

    if (!room->is_known) {
        return;
    }
    judge_disk(group);
    judge_state(group);
    cc_room_follow(group);
}

bool cc_group_room_is_waiting(const struct cc_group *group, uint32_t quarters)
{
    return cc_journal_is_waiting(group->journal) &&
           cc_journal_ready_bytes(group->journal) <
               cc_journal_file_size(group->journal) / 4 * quarters;
}

bool cc_group_room_is_used_up(const struct cc_group *group)
{
    return cc_group_room_is_waiting(group, 2);
}

bool cc_group_room_is_at_end(const struct cc_group *group, uint64_t entry_count, uint64_t size)
{
    return cc_journal_is_waiting(group->journal) &&
           cc_journal_ready_bytes(group->journal) <
               (entry_count + LEADING_BLOCKS) * CC_DISK_BLOCK + size;
}

bool cc_group_room_is_worth_leading(const struct cc_group *group)
{
    return cc_journal_ready_bytes(group->journal) >= LEADING_BLOCKS * CC_DISK_BLOCK &&
           cc_journal_would_free(group->journal, cc_apply_index(group->apply));
}

void cc_group_room_marked(struct cc_group *group)
{
    struct cc_room *room = group->room;
    uint64_t pause = state_size(group) / IMAGE_BYTES_PER_US;

    room->mark_us = cc_env_now_us(group->env) + (pause > CC_ROOM_LOOK_US ? pause : CC_ROOM_LOOK_US);
}

void cc_group_room_applied(struct cc_group *group, const struct cc_entry *entry)
{
    group->room->commands += entry->kind == CC_ENTRY_COMMAND;
}

void cc_group_room_image_begun(struct cc_group *group)
{
    group->room->commands = 0;
    group->room->has_failed = false;
}

void cc_group_room_image_failed(struct cc_group *group)
{
    struct cc_room *room = group->room;

    room->has_failed = true;
    room->is_failure_seen = false;
    room->failed_us = cc_env_now_us(group->env);
    room->look_us = 0;
    look(group);
}

bool cc_group_room_is_short(const struct cc_group *group)
{
    return group->room->is_short;
}
