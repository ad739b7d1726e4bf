/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_agree -- what the state was at the newest mark, as each member had it: told to all others,
 * and counted by each for itself.
 *
 *     a majority of the voters had our digest   the state is right: the next mark may say so, and
 *                                               the image that was taken of it may be stood on
 *     a majority had another one                ours is wrong, by a fault of our memory, of a machine
 *                                               or of ours: this server must not answer any more
 *     no digest can get a majority              nobody knows whose is right: all stop
 *
 * Nobody's word counts for more than one voter's, the leader's neither.  What is told stays true
 * whoever leads, so there are no terms here.  What was lost on its way is asked for again.
 * Memory: the newest mark of each member.
 */
#include "base/bug.h"
#include "server/group/group.h"
#include "server/node/node.h"

/* ---- counting --------------------------------------------------------------------------------- */

/* What the member at this place had at our newest mark; false if it has not said so. */
static bool digest_of(const struct cc_group *group, uint32_t place, uint64_t *digest_out)
{
    const struct cc_member *member = &cc_server_options(group->server)->members->at[place];

    if (member->id == group->server_id) {
        *digest_out = group->marks.digest;
        return true;
    }
    *digest_out = group->told[place].digest;
    return group->told[place].index == group->marks.index;
}

static uint32_t voters_with(const struct cc_group *group, uint64_t digest)
{
    const struct cc_members *members = cc_server_options(group->server)->members;
    uint32_t count = 0;

    for (uint32_t place = 0; place < members->count; place++) {
        uint64_t other;

        count += members->at[place].role == CC_ROLE_VOTER && digest_of(group, place, &other) &&
                 other == digest;
    }
    return count;
}

static void stop(struct cc_group *group, uint64_t index, const char *what)
{
    char digits[21];

    cc_server_fail(
        group->server, COPYCAT_ERR_BROKEN,
        cc_server_compose(
            group->server,
            (const char *const[]){
                what, cc_server_number(index, digits),
                "; it answers nobody any more, and takes its state from its disk when it is "
                "started "
                "again: check its memory and that all servers run the same version, and keep its "
                "directory for a report",
                NULL}));
}

void cc_group_disagree(struct cc_group *group, uint64_t index)
{
    stop(group, index, "the state of this server differs from that of the majority, at entry ");
}

void cc_group_agree(struct cc_group *group, uint64_t index)
{
    if (index > group->marks.agreed) {
        group->marks.agreed = index;
        cc_group_image_agreed(group);
        cc_group_wake(group); /* the next mark may be due */
    }
}

bool cc_group_has_agreed(const struct cc_group *group, uint64_t index)
{
    return group->marks.agreed >= index || CC_BUG(T026B);
}

static void count(struct cc_group *group)
{
    const struct cc_members *members = cc_server_options(group->server)->members;
    uint32_t voters = 0;
    uint32_t silent = 0;
    uint32_t most = 0;

    if (group->marks.index == 0 || cc_group_has_agreed(group, group->marks.index)) {
        return;
    }
    for (uint32_t place = 0; place < members->count; place++) {
        uint64_t digest;

        if (members->at[place].role != CC_ROLE_VOTER) {
            continue;
        }
        voters++;
        if (digest_of(group, place, &digest)) {
            uint32_t with = voters_with(group, digest);

            most = with > most ? with : most;
        } else {
            silent++;
        }
    }

    uint32_t majority = voters / 2 + 1;

    if (voters_with(group, group->marks.digest) >= majority) {
        cc_group_agree(group, group->marks.index);
    } else if (most >= majority) {
        cc_group_disagree(group, group->marks.index);
    } else if (most + silent < majority) {
        stop(
            group, group->marks.index,
            "the servers have different states, and none of them is that of a majority, so nobody "
            "knows whether this server's is right, at entry ");
    }
}

/* ---- telling ---------------------------------------------------------------------------------- */

static void tell(struct cc_group *group, uint32_t peer, bool asks)
{
    struct cc_marked marked = {.mark = {group->marks.index, group->marks.digest}, .asks = asks};

    if (peer == group->server_id || !cc_server_peer_is_up(group->server, peer)) {
        return;
    }
    cc_marked_encode(
        cc_server_peer_begin(group->server, peer, CC_MESSAGE_MARKED, group->id), &marked);
    cc_server_peer_end(group->server, peer);
}

void cc_group_tell_mark(struct cc_group *group)
{
    const struct cc_members *members = cc_server_options(group->server)->members;

    group->ask_us = cc_env_now_us(group->env) + group->election_timeout_us;
    for (uint32_t place = 0; place < members->count; place++) {
        tell(group, members->at[place].id, false);
    }
    count(group);
}

uint64_t cc_group_ask_due_us(const struct cc_group *group)
{
    bool is_open = group->marks.index != 0 && !cc_group_has_agreed(group, group->marks.index);

    return is_open ? group->ask_us : COPYCAT_NONE;
}

void cc_group_ask_marks(struct cc_group *group)
{
    const struct cc_members *members = cc_server_options(group->server)->members;
    uint64_t now = cc_env_now_us(group->env);

    if (now < cc_group_ask_due_us(group)) {
        return;
    }
    group->ask_us = now + group->election_timeout_us;
    for (uint32_t place = 0; place < members->count; place++) {
        if (group->told[place].index != group->marks.index) {
            tell(group, members->at[place].id, true);
        }
    }
    count(group);
}

bool cc_group_receive_marked(struct cc_group *group, uint32_t peer, copycat_bytes body)
{
    struct cc_marked marked;

    if (!cc_marked_decode(body, &marked)) {
        return false;
    }
    group->told[cc_server_member_place(group->server, peer)] = marked.mark;
    if (marked.asks && group->marks.index != 0) {
        tell(group, peer, false);
    }
    count(group);
    return true;
}
