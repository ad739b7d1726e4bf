/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_quota -- what follows where room is short: the leader is told, it refuses what would store
 * more, or lets another lead, and marks come sooner.  See group_room.h.
 */
#include "server/group/group_room.h"
#include "server/node/node.h"

#define HEARD_US (5 * CC_ROOM_LOOK_US) /* so long it counts what a member has said */
#define ROOMLESS_SIZE_MAX (16u << 10)  /* of a command that is taken at its word */

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

static void tell_short(struct cc_group *group, const char *consequence)
{
    char left[21];
    char wanted[21];

    cc_server_notice_about(
        group->server, CC_TOPIC_ROOM,
        cc_server_compose(
            group->server,
            (const char *const[]){
                "the disk is nearly full: ", cc_server_number(cc_room_left(group) >> 10, left),
                " KiB are left, and the journal and the next image may need ",
                cc_server_number((cc_room_need(group) >> 10) + 1, wanted), " KiB; ", consequence,
                ": remove what is not needed, or make room", NULL}));
}

static void tell(struct cc_group *group, enum cc_room_trouble trouble)
{
    struct cc_room *room = group->room;

    if (trouble == room->trouble) {
        return;
    }
    switch (trouble) {
    case CC_ROOM_NO_TROUBLE:
        cc_server_settle(group->server, CC_TOPIC_ROOM);
        cc_server_news(
            group->server, room->trouble == CC_ROOM_SHORT
                               ? "the disk has room enough again"
                               : "there is room again: every command is taken");
        break;
    case CC_ROOM_SHORT:
        tell_short(
            group, "another server leads, or commands that store more are refused with QUOTA");
        break;
    case CC_ROOM_REFUSING_SHORT:
        tell_short(group, "commands that store more are refused with QUOTA");
        break;
    case CC_ROOM_REFUSING_ALONE:
        cc_server_notice_about(
            group->server, CC_TOPIC_ROOM,
            "the disks of too many servers are nearly full: commands that store more are refused "
            "with QUOTA: remove what is not needed, or make room there");
        break;
    case CC_ROOM_REFUSING_STATE:
        cc_server_notice_about(
            group->server, CC_TOPIC_ROOM,
            "the state is as large as state-quota allows: commands that store more are refused "
            "with QUOTA: remove what is not needed, or raise it");
        break;
    }
    room->trouble = trouble;
}

static enum cc_room_trouble trouble_of(const struct cc_group *group)
{
    const struct cc_room *room = group->room;

    if (group->is_leading && room->is_state_full) {
        return CC_ROOM_REFUSING_STATE;
    }
    if (group->is_leading && !room->has_quorum) {
        return room->is_short ? CC_ROOM_REFUSING_SHORT : CC_ROOM_REFUSING_ALONE;
    }
    return room->is_short ? CC_ROOM_SHORT : CC_ROOM_NO_TROUBLE;
}

/* To the leader; again while there is anything to say, and once when it is over. */
void cc_room_report(struct cc_group *group)
{
    struct cc_room *room = group->room;
    uint32_t leader = cc_raft_leader(group->core);
    struct cc_room_told now = {room->is_short, cc_room_wants_mark(group)};
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

void cc_room_follow(struct cc_group *group)
{
    struct cc_room *room = group->room;

    room->has_quorum = group->is_leading && quorum_has_room(group);
    tell(group, trouble_of(group));
    if (room->has_quorum && room->is_short) {
        hand_over(group);
    }
}

/* ---- what is asked -----------------------------------------------------------------------------
 */

/* The journal cannot take the mark that would free some of it: the leader's image can come without. */
void cc_room_ask_for_image(struct cc_group *group)
{
    uint32_t leader = cc_raft_leader(group->core);

    if (leader != 0 && leader != group->server_id && cc_group_image_may_begin(group) &&
        group->has_state && cc_group_room_is_at_end(group, 1, 0)) {
        cc_group_want_image(group, leader, cc_apply_index(group->apply) + 1);
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
    return cc_group_room_is_waiting(group, 3) ? COPYCAT_ERR_BUSY : COPYCAT_ERR_QUOTA;
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
    return cc_room_wants_mark(group);
}
