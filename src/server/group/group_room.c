/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_room -- whether there is room for what clients want to store, on this server's disk and on
 * those of the others; so that nothing is met by surprise, and nobody has to be called
 * (docs/decisions/0011).
 *
 *     plenty -> pressed: a mark comes sooner, for an image may give room
 *            -> short: the leader is told; it refuses what needs room, once too few are not short
 *
 * All of it ends by itself.
 */
#include "base/assert.h"
#include "base/bug.h"
#include "server/group/group.h"
#include "server/node/node.h"

#define LOOK_US UINT64_C(1000000)
#define HEARD_US (5 * LOOK_US)        /* so long it counts what a member has said */
#define TRY_AGAIN_US (60 * LOOK_US)   /* an image that failed, though nothing has changed since */
#define IMAGE_BYTES_PER_US 32u        /* that early images write on average, at most */
#define ROOMLESS_SIZE_MAX (16u << 10) /* of a command that is taken at its word */
#define FREE_MAX (UINT64_C(1) << 60)

enum trouble {
    NO_TROUBLE,
    SHORT,          /* and others lead, or go on without this one */
    REFUSING_SHORT, /* leads, and has no room */
    REFUSING_ALONE, /* leads, and too few of the others have */
    REFUSING_STATE, /* leads, and the state is as large as it may be */
};

struct cc_room {
    struct cc_server *server;
    struct cc_group *group; /* NULL: it is gone */
    struct cc_timer timer;
    struct cc_disk_request request;
    bool is_asking;
    bool is_known;
    uint64_t free;    /* on the file system, when it was looked at, ... */
    uint64_t used;    /* ... and what this server's files had then */
    uint64_t look_us; /* not again before then */

    bool is_short;
    bool is_pressed;
    bool is_state_full;
    uint64_t left;        /* bytes that may still be logged before it is short, ... */
    uint64_t state_left;  /* ... and before the state is full */
    uint64_t commands;    /* applied since an image was last begun */
    bool has_failed;      /* that image did, for want of room, ... */
    uint64_t failed_free; /* ... with so much of it, ... */
    uint64_t failed_us;   /* ... at that time */

    /* of a leader */
    bool has_quorum; /* enough voters are there and have room: what is committed rests on them */
    struct cc_room_told told[CC_MEMBERS_MAX]; /* by place */
    uint64_t told_us[CC_MEMBERS_MAX];
    uint64_t mark_us;      /* no early mark before then */
    uint64_t hand_over_us; /* no attempt to let another lead before then */
    enum trouble trouble;
};

/* ---- what there is, and what it takes --------------------------------------------------------- */

static uint64_t used(const struct cc_group *group)
{
    return cc_journal_disk_bytes(group->journal) + group->base.size;
}

static uint64_t less(uint64_t from, uint64_t what)
{
    return from > what ? from - what : 0;
}

/* As of now: what was written since is known. */
static uint64_t room_left(const struct cc_group *group)
{
    const struct cc_room *room = group->room;
    uint64_t quota = cc_server_options(group->server)->disk_quota;
    uint64_t now = used(group);
    uint64_t left = less(room->free + room->used, now);

    return quota != 0 && less(quota, now) < left ? less(quota, now) : left;
}

/* At most; of machines that keep live commits. */
static uint64_t state_size(const struct cc_group *group)
{
    return group->base.size + cc_log_bytes_above(group->log, group->base.index);
}

/* One more journal file, the next image, and what must be there then for the one after it. */
static uint64_t need(const struct cc_group *group)
{
    uint64_t state = state_size(group);
    uint64_t growth = less(state, group->base.size);

    return cc_server_options(group->server)->file_size + state + growth;
}

/* ---- judging ----------------------------------------------------------------------------------
 */

static void judge_disk(struct cc_group *group)
{
    struct cc_room *room = group->room;
    uint64_t file_size = cc_server_options(group->server)->file_size;
    uint64_t since = cc_log_bytes_above(group->log, group->base.index);
    uint64_t state = state_size(group);
    uint64_t left = room_left(group);
    uint64_t wanted = need(group);
    uint64_t margin = file_size / 4 + state / 16;
    bool is_failing = room->has_failed && left <= room->failed_free;

    if (room->is_short && !CC_BUG(T056B)) {
        room->is_short = left < wanted + margin || is_failing;
    } else if (!room->is_short) {
        room->is_short = left < wanted || is_failing;
    }
    room->left = less(left, wanted) / 2; /* what is logged is needed twice */
    room->is_pressed = left < wanted + 2 * margin && since >= file_size / 8 + group->base.size / 8;
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
static bool wants_mark(const struct cc_group *group)
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
        return room->commands > 0 || room_left(group) > room->failed_free ||
               cc_env_now_us(group->env) >= room->failed_us + TRY_AGAIN_US;
    }
    return room->is_pressed ||
           (is_lacking && (room->commands > 0 || cc_journal_would_free(group->journal, applied)));
}

/* ---- who has room ------------------------------------------------------------------------------
 */

static bool is_heard(const struct cc_group *group, uint32_t place)
{
    const struct cc_room *room = group->room;

    return room->told_us[place] != 0 && cc_env_now_us(group->env) < room->told_us[place] + HEARD_US;
}

static bool has_room(const struct cc_group *group, uint32_t place)
{
    const struct cc_room *room = group->room;
    uint32_t id = cc_journal_base(group->journal)->members.at[place].id;

    if (id == group->server_id) {
        return !room->is_short;
    }
    return cc_server_peer_is_up(group->server, id) &&
           !(is_heard(group, place) && room->told[place].is_short);
}

static bool quorum_has_room(const struct cc_group *group)
{
    const struct cc_members *members = &cc_journal_base(group->journal)->members;
    uint32_t voters = 0;
    uint32_t well = 0;

    for (uint32_t i = 0; i < members->count; i++) {
        bool is_voter = members->at[i].role == CC_ROLE_VOTER;

        voters += is_voter;
        well += is_voter && has_room(group, i);
    }
    return well >= voters / 2 + 1;
}

/* The one of those with room that is nearest to leading; 0: there is none. */
static uint32_t successor(const struct cc_group *group)
{
    const struct cc_members *members = &cc_journal_base(group->journal)->members;
    uint32_t best = 0;

    for (uint32_t i = 0; i < members->count; i++) {
        uint32_t id = members->at[i].id;

        if (id != group->server_id && members->at[i].role == CC_ROLE_VOTER && has_room(group, i) &&
            (best == 0 || cc_raft_match(group->core, id) > cc_raft_match(group->core, best))) {
            best = id;
        }
    }
    return best;
}

/* Others have room: one of them leads better (T-013). */
static void hand_over(struct cc_group *group)
{
    struct cc_room *room = group->room;
    uint64_t now = cc_env_now_us(group->env);
    uint32_t target = successor(group);

    if (now < room->hand_over_us || target == 0) {
        return;
    }
    room->hand_over_us = now + HEARD_US;
    (void)cc_group_transfer(group, target);
}

static bool is_handing_over(const struct cc_group *group)
{
    const struct cc_room *room = group->room;

    return room->hand_over_us != 0 &&
           cc_env_now_us(group->env) + HEARD_US < room->hand_over_us + group->election_timeout_us;
}

/* ---- what is said -----------------------------------------------------------------------------
 */

static const char *mebibytes(uint64_t bytes, char text_out[21])
{
    return cc_server_number((bytes + (1u << 20) - 1) >> 20, text_out);
}

static void tell_short(struct cc_group *group, const char *consequence)
{
    char left[21];
    char wanted[21];

    cc_server_notice_about(
        group->server, CC_TOPIC_ROOM,
        cc_server_compose(
            group->server, (const char *const[]){
                               "the disk is nearly full: ", mebibytes(room_left(group), left),
                               " MiB are left of ", mebibytes(need(group), wanted),
                               " MiB that the journal and the next image may need; ", consequence,
                               ": remove what is not needed, or make room", NULL}));
}

static void tell(struct cc_group *group, enum trouble trouble)
{
    struct cc_room *room = group->room;

    if (trouble == room->trouble) {
        return;
    }
    switch (trouble) {
    case NO_TROUBLE:
        cc_server_settle(group->server, CC_TOPIC_ROOM);
        cc_server_news(
            group->server, room->trouble == SHORT ? "the disk has room enough again"
                                                  : "there is room again: every command is taken");
        break;
    case SHORT:
        tell_short(
            group, "another server leads, or commands that store more are refused with QUOTA");
        break;
    case REFUSING_SHORT:
        tell_short(group, "commands that store more are refused with QUOTA");
        break;
    case REFUSING_ALONE:
        cc_server_notice_about(
            group->server, CC_TOPIC_ROOM,
            "the disks of too many servers are nearly full: commands that store more are refused "
            "with QUOTA: remove what is not needed, or make room there");
        break;
    case REFUSING_STATE:
        cc_server_notice_about(
            group->server, CC_TOPIC_ROOM,
            "the state is as large as state-quota allows: commands that store more are refused "
            "with QUOTA: remove what is not needed, or raise it");
        break;
    }
    room->trouble = trouble;
}

static enum trouble trouble_of(const struct cc_group *group)
{
    const struct cc_room *room = group->room;

    if (group->is_leading && room->is_state_full) {
        return REFUSING_STATE;
    }
    if (group->is_leading && !room->has_quorum) {
        return room->is_short ? REFUSING_SHORT : REFUSING_ALONE;
    }
    return room->is_short ? SHORT : NO_TROUBLE;
}

/* To the leader; again while there is anything to say, and once when it is over. */
static void report(struct cc_group *group)
{
    struct cc_room *room = group->room;
    uint32_t leader = cc_raft_leader(group->core);
    struct cc_room_told now = {room->is_short, wants_mark(group)};
    uint32_t place = cc_server_member_place(group->server, group->server_id);
    struct cc_room_told *before = &room->told[place];
    bool is_news = now.is_short || now.wants_mark || before->is_short || before->wants_mark;

    *before = now;
    if (!is_news || leader == 0 || leader == group->server_id ||
        !cc_server_peer_is_up(group->server, leader)) {
        return;
    }
    cc_room_told_encode(
        cc_server_peer_begin(group->server, leader, CC_MESSAGE_ROOM, group->id), &now);
    cc_server_peer_end(group->server, leader);
}

bool cc_group_receive_room(struct cc_group *group, uint32_t peer, copycat_bytes body)
{
    struct cc_room *room = group->room;
    uint32_t place = cc_server_member_place(group->server, peer);
    struct cc_room_told told;

    if (!cc_room_told_decode(body, &told)) {
        return false;
    }
    if (place != UINT32_MAX) {
        room->told[place] = told;
        room->told_us[place] = cc_env_now_us(group->env);
        cc_group_wake(group);
    }
    return true;
}

/* ---- looking ---------------------------------------------------------------------------------- */

static void release(struct cc_room *room)
{
    struct cc_server *server = room->server;

    cc_memory_give(server->memory, room);
    cc_server_let_go(server);
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
        room->is_known = true;
        room->free = request->offset < FREE_MAX ? request->offset : FREE_MAX;
        room->used = used(room->group);
        cc_group_wake(room->group);
    }
}

/* While a file of an image is made or removed, what is free says little: what was is remembered. */
static void look(struct cc_group *group)
{
    struct cc_room *room = group->room;
    uint64_t now = cc_env_now_us(group->env);

    if (room->is_asking || now < room->look_us || group->server->image_writers > 0 ||
        group->sweeping != NULL || group->switch_mark != 0) {
        return;
    }
    room->look_us = now + LOOK_US;
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

    cc_env_timer_arm(room->group->env, &room->timer, cc_env_now_us(room->group->env) + LOOK_US);
    look(room->group);
    cc_group_room_judge(room->group);
    report(room->group);
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
    cc_env_timer_arm(group->env, &room->timer, cc_env_now_us(group->env) + LOOK_US);
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
    uint64_t quota = cc_server_options(group->server)->disk_quota;

    if (!room->is_known) {
        return;
    }
    if (quota != 0) {
        cc_journal_limit(group->journal, less(quota, group->base.size));
    }
    judge_disk(group);
    judge_state(group);
    room->has_quorum = group->is_leading && quorum_has_room(group);
    tell(group, trouble_of(group));
    if (room->has_quorum && room->is_short) {
        hand_over(group);
    }
}

copycat_status cc_group_room_for(struct cc_group *group, const struct cc_command *command)
{
    struct cc_room *room = group->room;
    uint64_t size = group->proposed_bytes + command->operation.size;

    if (!room->is_known || (command->operation.size <= ROOMLESS_SIZE_MAX &&
                            cc_apply_needs_no_room(group->apply, command))) {
        return COPYCAT_OK;
    }
    room->is_short = room->is_short || size > room->left;
    room->is_state_full = room->is_state_full || size > room->state_left;
    if (!room->is_state_full && !room->is_short && room->has_quorum) {
        return COPYCAT_OK;
    }
    if (!room->is_state_full && room->has_quorum && is_handing_over(group)) {
        return COPYCAT_ERR_BUSY; /* another will take it */
    }
    return cc_journal_ready_bytes(group->journal) < cc_server_options(group->server)->file_size / 2
               ? COPYCAT_ERR_BUSY
               : COPYCAT_ERR_QUOTA;
}

bool cc_group_room_wants_mark(struct cc_group *group)
{
    const struct cc_room *room = group->room;

    if (!group->is_leading || cc_env_now_us(group->env) < room->mark_us) {
        return false;
    }
    for (uint32_t i = 0; i < cc_server_options(group->server)->members->count; i++) {
        if (room->told[i].wants_mark && is_heard(group, i)) {
            return true;
        }
    }
    return wants_mark(group);
}

void cc_group_room_marked(struct cc_group *group)
{
    struct cc_room *room = group->room;
    uint64_t pause = state_size(group) / IMAGE_BYTES_PER_US;

    room->mark_us = cc_env_now_us(group->env) + (pause > LOOK_US ? pause : LOOK_US);
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
    room->failed_free = room_left(group);
    room->failed_us = cc_env_now_us(group->env);
}

bool cc_group_room_is_short(const struct cc_group *group)
{
    return group->room->is_short;
}
