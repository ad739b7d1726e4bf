/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_mend -- the file of the image that this group stands on has gone bad while the server runs
 * (docs/decisions/0008).  The state in memory is right, and everybody is served; but no image can be
 * taken from that file, so the journal would grow for ever, and a start would find no state.
 *
 *     it does not read (for taking, lending, scrubbing) -> the others are asked for an image
 *         -> fetched and verified -> the same: the base is whole again
 *                                 -> a newer one: SWITCH; what lives stays as it is
 *     the disk refused it                                -> it is read again, whole: it was no worse
 */
#include "base/bug.h"
#include "server/group/group.h"
#include "server/image/fetching.h"
#include "server/image/lending.h"
#include "server/image/scrubbing.h"
#include "server/image/segments.h"
#include "server/node/node.h"

#define SPARED_MAX 8u /* attempts to read a segment, at least an election timeout apart */

bool cc_group_is_alone(const struct cc_group *group)
{
    return cc_server_options(group->server)->members->count == 1;
}

/* ---- trouble ---------------------------------------------------------------------------------- */

void cc_group_base_failed(struct cc_group *group, copycat_status status, const char *text)
{
    bool is_known = group->base_trouble != COPYCAT_OK;

    if (group->switch_mark != 0) {
        return; /* another takes its place in a moment */
    }
    if (group->base_trouble != COPYCAT_ERR_DAMAGED) {
        group->base_trouble = status;
    }
    cc_lending_recall(group->lending, &group->base); /* another file may take its name */
    if (group->base_trouble == COPYCAT_ERR_IO) {
        cc_scrubbing_doubt(group->scrubbing);
    }
    group->scrubbed.found += !is_known;
    if (!is_known || cc_group_is_alone(group)) {
        cc_server_notice_about(
            group->server, CC_TOPIC_BASE,
            cc_server_compose(
                group->server,
                (const char *const[]){
                    "the image that this server stands on went bad: ", text,
                    cc_group_is_alone(group)
                        ? "; service goes on and nothing is lost, but a restart would fail and the "
                          "journal grows: do not stop this server, put the file back as it was, or "
                          "export what it holds"
                        : "; service goes on, and it is fetched from another server",
                    NULL}));
    }
    cc_group_wake(group);
}

void cc_group_base_mended(struct cc_group *group)
{
    if (group->base_trouble == COPYCAT_OK) {
        return;
    }
    group->base_trouble = COPYCAT_OK;
    group->spared = 0;
    group->scrubbed.repaired++;
    cc_server_settle(group->server, CC_TOPIC_BASE);
    cc_server_news(group->server, "this server stands on a sound image again");
}

/* ---- asking ---------------------------------------------------------------------------------- */

uint64_t cc_group_seek_due_us(const struct cc_group *group)
{
    bool is_lacking =
        !group->has_state || (group->base_trouble != COPYCAT_OK && !cc_group_is_alone(group));
    bool is_coming = group->fetching != NULL && !cc_fetching_is_stale(group->fetching);

    return is_lacking && !is_coming ? group->want_us : COPYCAT_NONE;
}

/* What could not be read may be whole, and the last copy there is: its name is left to it. */
static uint64_t least_index(const struct cc_group *group)
{
    return group->base.index + (group->base_trouble == COPYCAT_ERR_IO);
}

void cc_group_seek_image(struct cc_group *group)
{
    const struct cc_members *members = cc_server_options(group->server)->members;
    uint64_t now = cc_env_now_us(group->env);

    if (now < cc_group_seek_due_us(group)) {
        return;
    }
    group->want_us = group->has_state ? now + group->election_timeout_us : cc_group_retry_us(group);
    for (uint32_t i = 0; i < members->count; i++) {
        uint32_t peer = members->at[group->want_next].id;

        group->want_next = (group->want_next + 1) % members->count;
        if (peer != group->server_id && cc_server_peer_is_up(group->server, peer)) {
            cc_group_want_image(group, peer, least_index(group));
            return;
        }
    }
}

/* Its name is its content, so a newer image may name it, too: unlike an image it is written anew in
 * the end, once the disk has refused it so often that it is as good as lost. */
bool cc_group_spares(struct cc_group *group, const struct cc_image_segment *segment)
{
    struct cc_segment *ours = cc_segment_list_share(group->segments, segment);
    bool is_ours = ours != NULL || (group->segments == NULL && group->base.index != 0);

    if (ours != NULL) {
        cc_segment_release(group->memory, ours);
    }
    return is_ours && ++group->spared % SPARED_MAX != 0 && !CC_BUG(T052B);
}

/* ---- mending ---------------------------------------------------------------------------------- */

/* A newer image in the place of one that went bad, or of entries that nobody has any more. */
static bool is_newer_needed(const struct cc_group *group, const struct cc_image_id *id)
{
    const struct cc_log_damage *damage = cc_log_damage(group->log);

    return (group->base_trouble != COPYCAT_OK || (damage != NULL && damage->first <= id->index)) &&
           cc_log_term(group->log, id->index) == id->term;
}

bool cc_group_may_mend(const struct cc_group *group, const struct cc_image_id *id)
{
    if (!group->has_state || group->taking != NULL || group->switch_mark != 0 ||
        id->index > cc_apply_index(group->apply)) {
        return false;
    }
    if (id->index == group->base.index) {
        /* With the same segments, or with others for the same state. */
        return id->term == group->base.term && group->base_trouble == COPYCAT_ERR_DAMAGED;
    }
    return id->index > group->base.index && is_newer_needed(group, id);
}

void cc_group_mend(
    struct cc_group *group, const struct cc_image_id *id, struct cc_segment_list *segments)
{
    group->wanted = 0;
    if (!cc_image_id_equals(id, &group->base)) {
        cc_group_switch(group, id, segments, true);
    } else {
        cc_group_set_segments(group, cc_segment_list_retain(segments));
        cc_group_base_mended(group);
    }
}
