/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_install -- an image comes from another member, because its log has forgotten what this one
 * lacks; and this member gives its own to others.
 *
 *     offered by the leader -> fetched and built beside the living state -> INSTALL into the core
 *         -> log dropped or kept, SWITCH in the journal, the new state lives -> durable: it is the base
 */
#include "base/assert.h"
#include "base/bug.h"
#include "server/group/group.h"
#include "server/image/fetching.h"
#include "server/image/image_name.h"
#include "server/image/lending.h"
#include "server/image/offering.h"
#include "server/image/retiring.h"
#include "server/image/segments.h"
#include "server/image/taking.h"
#include "server/node/node.h"

/* From one image that was taken because a member needs it to the next. */
#define NEED_PAUSE_US UINT64_C(10000000)
#define FULL_PAUSE_US UINT64_C(5000000)

/* ---- fetching --------------------------------------------------------------------------------- */

static void tell(struct cc_group *group, const char *text)
{
    cc_server_notice_about(
        group->server, CC_TOPIC_IMAGE,
        cc_server_compose(
            group->server,
            (const char *const[]){
                "an image of the state was fetched and cannot be used: ", text, NULL}));
}

/* The state that lives from now on. */
static void adopt(struct cc_group *group, const struct cc_image_id *id, struct cc_apply *apply)
{
    cc_retiring_begin(group->server, group->apply);
    group->apply = apply;
    group->has_state = true;
    group->wanted = 0;
    group->marks = (struct cc_marks){
        .index = id->index, .digest = cc_apply_digest(apply), .image_size = id->size};
    cc_log_keep(group->log, id->index);
    cc_server_restored(group->server, apply);
}

/* The log is as it should be; the state alone was lost. */
static void find_state(
    struct cc_group *group,
    const struct cc_image_id *id,
    struct cc_segment_list *segments,
    struct cc_apply *apply)
{
    if (!cc_image_id_equals(id, &group->base)) {
        cc_group_switch(group, id, segments, true);
    } else {
        cc_group_set_segments(group, cc_segment_list_retain(segments));
    }
    adopt(group, id, apply);
    cc_server_settle(group->server, CC_TOPIC_BASE);
    cc_server_news(group->server, "the state is back, fetched from another server");
    cc_group_watch_disk(group);
}

/* The living state never goes back, whatever the core lacks: what comes back to the log may not be
 * durable yet. */
static bool is_behind(const struct cc_group *group, const struct cc_image_id *id)
{
    return group->has_state && id->index <= cc_apply_index(group->apply) && !CC_BUG(T044);
}

/* The core decides whether it is still wanted. */
static void install(
    struct cc_group *group,
    const struct cc_image_id *id,
    struct cc_segment_list *segments,
    struct cc_apply *apply)
{
    struct cc_raft_event event = {
        .kind = CC_RAFT_EVENT_INSTALL, .index = id->index, .term = id->term};

    if (!group->has_state && id->index <= cc_raft_commit(group->core)) {
        find_state(group, id, segments, apply);
        return;
    }
    if (cc_group_may_mend(group, id)) {
        cc_retiring_begin(group->server, apply);
        cc_group_mend(group, id, segments);
        return;
    }
    if (is_behind(group, id) || apply == NULL) { /* what it was to mend is whole again */
        cc_retiring_begin(group->server, apply);
        cc_group_image_sweep(group);
        return;
    }
    group->installing = apply;
    group->next_base = *id;
    group->next_segments = cc_segment_list_retain(segments);
    (void)cc_group_step(group, &event);
    if (group->installing != NULL) { /* it brings nothing any more, or comes at the wrong moment */
        cc_retiring_begin(group->server, group->installing);
        group->installing = NULL;
        cc_segment_list_release(group->next_segments);
        group->next_segments = NULL;
        cc_group_image_sweep(group);
    }
}

static void fetched(
    struct cc_group *group,
    copycat_status status,
    const struct cc_image_id *id,
    struct cc_apply *apply,
    struct cc_segment_list *segments,
    const char *text)
{
    if (status == COPYCAT_OK || status == COPYCAT_ERR_DISK_FULL) {
        cc_salvage_drop(&group->salvage);
    } else {
        cc_fetching_salvage(group->fetching, &group->salvage);
    }
    group->fetching = NULL;
    if (status == COPYCAT_OK) {
        install(group, id, segments, apply);
    } else if (status == COPYCAT_ERR_IO) {
        cc_server_fail(group->server, status, text);
    } else {
        if (status != COPYCAT_ERR_UNAVAILABLE) {
            tell(group, text);
        }
        if (status == COPYCAT_ERR_DISK_FULL || status == COPYCAT_ERR_BUSY) {
            group->want_us = cc_env_now_us(group->env) + FULL_PAUSE_US;
        }
        cc_group_image_sweep(group);
    }
    cc_group_wake(group);
}

/* Where it was not asked for, only of the leader of this term: what it has an image of is committed. */
static bool is_wanted(
    const struct cc_group *group, const struct cc_image_offer *offer, const struct cc_image_id *id)
{
    const struct cc_image_name *image = &offer->image;
    uint64_t term = cc_raft_term(group->core);

    if (group->switch_mark != 0 || image->term > term) {
        return false;
    }
    if (cc_group_may_mend(group, id)) {
        return true;
    }
    if (cc_raft_role(group->core) != CC_RAFT_FOLLOWER) {
        return false;
    }
    if (!group->has_state) {
        return image->index >= group->base.index;
    }
    return image->index > cc_apply_index(group->apply) &&
           (offer->term == term || (group->wanted != 0 && image->index >= group->wanted));
}

/* The living state does without it: to see that the file is whole is enough. */
static bool builds_state(const struct cc_group *group, const struct cc_image_id *id)
{
    return !cc_group_may_mend(group, id) || cc_server_options(group->server)->checks_images;
}

/* So that the leader keeps the entries behind it. */
static void tell_progress(struct cc_group *group, uint32_t peer)
{
    struct cc_image_fetching told;

    if (group->fetching == NULL || !cc_server_peer_is_up(group->server, peer)) {
        return;
    }
    cc_fetching_tell(group->fetching, &told);
    cc_image_fetching_encode(
        cc_server_peer_begin(group->server, peer, CC_MESSAGE_IMAGE_FETCHING, group->id), &told);
    cc_server_peer_end(group->server, peer);
}

bool cc_group_receive_image_fetching(struct cc_group *group, uint32_t peer, copycat_bytes body)
{
    struct cc_image_fetching told;

    if (!cc_image_fetching_decode(body, &told)) {
        return false;
    }
    cc_offering_told(group->offering, peer, &told);
    return true;
}

/* Files have to be closed and removed first.  The next to be asked is then this one again: were it the
 * next in turn, one whose disk hangs would be begun with each time, and the other one given up for. */
static void ask_again(struct cc_group *group, uint32_t peer)
{
    group->want_next = cc_server_member_place(group->server, peer);
}

bool cc_group_receive_image_offer(struct cc_group *group, uint32_t peer, copycat_bytes body)
{
    struct cc_image_offer offer;
    struct cc_image_id id;

    if (!cc_image_offer_decode(body, &offer)) {
        return false;
    }
    id = cc_image_id_of(group->id, &offer.image);
    if (!is_wanted(group, &offer, &id)) {
        tell_progress(group, peer);
        return true;
    }
    if (group->fetching != NULL) {
        if (cc_fetching_offered(group->fetching, peer, &id)) {
            cc_fetching_salvage(group->fetching, &group->salvage);
            cc_fetching_abandon(group->fetching);
            group->fetching = NULL;
            cc_group_image_sweep(group);
            ask_again(group, peer);
        }
    } else if (group->taking != NULL && !CC_BUG(T043)) {
        cc_taking_abandon(group->taking); /* that state is left behind */
        group->taking = NULL;
        cc_group_image_sweep(group);
        ask_again(group, peer);
    } else if (cc_group_image_may_begin(group)) {
        group->fetching = cc_fetching_begin(group, peer, &id, builds_state(group, &id), fetched);
    } else {
        ask_again(group, peer);
    }
    tell_progress(group, peer);
    cc_group_wake(group);
    return true; /* the offer comes again */
}

bool cc_group_receive_image_ask(struct cc_group *group, uint32_t peer, copycat_bytes body)
{
    return cc_lending_asked(group->lending, peer, body);
}

/* ---- what is needed, from whoever has it ------------------------------------------------------
 */

void cc_group_want_image(struct cc_group *group, uint32_t peer, uint64_t index)
{
    struct cc_image_wanted wanted = {.index = index};

    group->wanted = index;
    if ((group->fetching != NULL && !cc_fetching_is_stale(group->fetching)) ||
        !cc_server_peer_is_up(group->server, peer)) {
        return;
    }
    cc_image_wanted_encode(
        cc_server_peer_begin(group->server, peer, CC_MESSAGE_IMAGE_WANTED, group->id), &wanted);
    cc_server_peer_end(group->server, peer);
}

bool cc_group_receive_image_wanted(struct cc_group *group, uint32_t peer, copycat_bytes body)
{
    struct cc_image_wanted wanted;

    if (!cc_image_wanted_decode(body, &wanted)) {
        return false;
    }
    if (group->has_state && group->base_trouble == COPYCAT_OK &&
        group->base.index >= wanted.index) {
        cc_offering_offer(group->offering, peer);
    } else if (group->has_state && group->marks.index >= wanted.index) {
        /* It had one of that mark.  Who has a state and waits for a newer one waits for the next. */
        group->needed = wanted.index;
        cc_group_wake(group);
    }
    return true;
}

bool cc_group_need_wants_mark(const struct cc_group *group)
{
    return group->needed > group->base.index && cc_group_image_may_begin(group) &&
           cc_env_now_us(group->env) >= group->needed_us;
}

/* If that image comes to nothing, whoever needs it asks again. */
void cc_group_need_marked(struct cc_group *group)
{
    if (group->needed != 0) {
        group->needed = 0;
        group->needed_us = cc_env_now_us(group->env) + NEED_PAUSE_US;
    }
}

/* ---- installing -------------------------------------------------------------------------------
 */

void cc_group_install(struct cc_group *group, bool keep_tail)
{
    struct cc_image_id id = group->next_base;
    struct cc_segment_list *segments = group->next_segments;
    const struct cc_log_damage *damage = cc_log_damage(group->log);
    struct cc_apply *apply = group->installing;

    CC_ASSERT(apply != NULL && group->switch_mark == 0);
    CC_ASSERT(group->taking == NULL || CC_BUG(T043));
    group->installing = NULL;
    if (!keep_tail) {
        cc_log_reset(group->log, id.index, id.term, id.time_us);
    } else if (damage != NULL && damage->first <= id.index) {
        cc_log_forget(group->log, id.index);
    }
    group->next_segments = NULL;
    cc_group_switch(group, &id, segments, keep_tail);
    cc_segment_list_release(segments);
    adopt(group, &id, apply);
}
