/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_image -- the image that this group stands on: when one is taken, when it takes the place of
 * the one before, and what may then be forgotten (docs/decisions/0008).
 *
 *     mark applied -> taking -> complete, read back, and of a state that a majority had as well
 *                  -> SWITCH in the journal -> durable
 *                  -> the base is the new one; the file before goes, and so do entries it covers
 *
 * Taking and fetching exclude each other, and neither begins before strays were swept away: no two
 * ever write a file of one name.
 */
#include "base/assert.h"
#include "base/bug.h"
#include "server/group/group.h"
#include "server/image/fetching.h"
#include "server/image/giving.h"
#include "server/image/lending.h"
#include "server/image/offering.h"
#include "server/image/scrubbing.h"
#include "server/image/segments.h"
#include "server/image/taking.h"
#include "server/node/node.h"

/* A journal has some five files between two images: one that is written, those that the image
 * under way still needs, one ready, one given up. */
#define STATE_PART_OF_FILE 16u

/* ---- strays --------------------------------------------------------------------------------- */

static void swept(void *owner, copycat_status status, const char *text)
{
    struct cc_sweeping *sweeping = owner;
    struct cc_server *server = sweeping->server;
    struct cc_group *group = sweeping->group;
    bool is_again = sweeping->is_again;

    cc_memory_give(server->memory, sweeping);
    if (group != NULL) {
        group->sweeping = NULL;
        if (status == COPYCAT_ERR_IO) {
            cc_server_fail(server, status, text);
        } else if (is_again) {
            cc_group_image_sweep(group);
        }
    }
    cc_server_let_go(server);
}

struct kept {
    struct cc_image_id *at;
    size_t count;
};

static void keep_name(const struct cc_group *group, struct kept *kept, struct cc_image_id id)
{
    kept->at = cc_memory_grow(group->memory, kept->at, (kept->count + 1) * sizeof *kept->at);
    kept->at[kept->count++] = id;
}

static void keep(
    const struct cc_group *group,
    struct kept *kept,
    const struct cc_image_id *id,
    const struct cc_segment_list *segments)
{
    keep_name(group, kept, *id);
    for (size_t i = 0; segments != NULL && i < segments->count; i++) {
        keep_name(group, kept, cc_image_segment_id(group->id, &segments->at[i]->name));
    }
}

/* Everything that must stay. */
static void find_kept(const struct cc_group *group, struct kept *kept)
{
    const struct cc_segment_list *segments;
    struct cc_image_id id;

    if (group->base.index != 0 && !(CC_BUG(T039B) && group->switch_mark != 0)) {
        keep(
            group, kept, &group->base,
            CC_BUG(T039C) && group->switch_mark != 0 ? NULL : group->segments);
    }
    if (group->switch_mark != 0) {
        keep(group, kept, &group->next_base, group->next_segments);
    }
    for (size_t i = 0; i < group->salvage.count && !cc_group_room_is_short(group); i++) {
        keep_name(group, kept, cc_image_segment_id(group->id, &group->salvage.at[i]));
    }
    for (uint32_t i = 0; cc_lending_lent(group->lending, i, &id, &segments); i++) {
        keep(group, kept, &id, segments);
    }
    for (uint32_t i = 0; cc_giving_given(group->giving, i, &id, &segments); i++) {
        keep(group, kept, &id, segments);
    }
}

void cc_group_image_sweep(struct cc_group *group)
{
    struct cc_server *server = group->server;
    struct cc_sweeping *sweeping;
    copycat_status status;
    struct kept kept = {0};

    if (group->sweeping != NULL) {
        group->sweeping->is_again = true;
        return;
    }
    find_kept(group, &kept);
    sweeping = cc_memory_take(server->memory, sizeof *sweeping);
    sweeping->server = server;
    sweeping->group = group;
    status = cc_image_sweep_begin(
        &sweeping->sweep, group->env, server->directory, kept.at, kept.count,
        group->base.index != 0 && group->segments == NULL, swept, sweeping);
    cc_memory_give(group->memory, kept.at);
    CC_ASSERT(status == COPYCAT_OK); /* the directory holds the journal, too */
    group->sweeping = sweeping;
    cc_server_hold(server);
}

/* True if no file of an image is being made or removed: what was given up may still be. */
bool cc_group_image_may_begin(const struct cc_group *group)
{
    return (group->taking == NULL || CC_BUG(T043)) && group->fetching == NULL &&
           (group->sweeping == NULL || CC_BUG(T043B)) && group->switch_mark == 0 &&
           (group->server->image_writers == 0 || CC_BUG(T043) || CC_BUG(T043B));
}

void cc_group_image_begin(struct cc_group *group)
{
    cc_salvage_init(&group->salvage, group->memory);
    group->offering = cc_offering_create(group);
    group->lending = cc_lending_create(group);
    group->giving = cc_giving_create(group);
    group->scrubbing = cc_scrubbing_create(group);
    cc_group_image_sweep(group);
}

void cc_group_image_end(struct cc_group *group)
{
    cc_scrubbing_end(group->scrubbing);
    cc_lending_end(group->lending);
    cc_offering_destroy(group->offering);
    cc_giving_end(group->giving);
    if (group->fetching != NULL) {
        cc_fetching_abandon(group->fetching);
        group->fetching = NULL;
    }
    if (group->taking != NULL) {
        cc_taking_abandon(group->taking);
        group->taking = NULL;
    }
    if (group->sweeping != NULL) {
        group->sweeping->group = NULL;
        cc_image_sweep_abandon(group->sweeping->sweep);
        group->sweeping = NULL;
    }
    cc_salvage_deinit(&group->salvage);
}

void cc_group_switch(
    struct cc_group *group,
    const struct cc_image_id *id,
    struct cc_segment_list *segments,
    bool keep_tail)
{
    struct cc_journal_base base = {id->index, id->term, id->time_us, id->size, id->checksum};

    cc_journal_switch(group->journal, group->id, &base, keep_tail);
    group->next_base = *id;
    group->next_segments = cc_segment_list_retain(segments);
    group->switch_mark = cc_journal_mark(group->journal);
}

void cc_group_set_segments(struct cc_group *group, struct cc_segment_list *segments_take)
{
    cc_segment_list_release(group->segments);
    group->segments = segments_take;
    group->base_bytes = group->base.size + cc_segment_list_size(segments_take);
    group->live_bytes = group->base.size + (segments_take == NULL ? 0 : segments_take->live_size);
    cc_journal_aim(group->journal, group->live_bytes / STATE_PART_OF_FILE);
}

/* ---- taking ----------------------------------------------------------------------------------- */

/* A full disk, or no descriptor left: it may be otherwise at the next mark. */
static void not_taken(struct cc_group *group, copycat_status status, const char *text)
{
    if (status == COPYCAT_ERR_IO || status == COPYCAT_ERR_BROKEN) {
        cc_server_fail(group->server, status, text);
        return;
    }
    if (status == COPYCAT_ERR_DISK_FULL) {
        cc_group_room_image_failed(group);
    }

    bool is_lost = status == COPYCAT_ERR_DAMAGED && cc_group_is_alone(group);

    cc_server_notice_about(
        group->server, CC_TOPIC_IMAGE,
        cc_server_compose(
            group->server,
            (const char *const[]){
                "no image of the state could be made, so the journal grows; it is tried again: ",
                text,
                is_lost ? "; nobody else has it, and a restart would fail: do not stop this server "
                          "before what it stands for was changed or removed, or export what the "
                          "server holds"
                        : NULL,
                NULL}));
}

static void taken(
    struct cc_group *group,
    copycat_status status,
    const struct cc_image_id *id,
    struct cc_segment_list *segments,
    const char *text)
{
    group->taking = NULL;
    cc_group_backlog_ended(group, status == COPYCAT_OK);
    if (status == COPYCAT_OK) {
        cc_server_settle(group->server, CC_TOPIC_IMAGE);
        cc_group_switch(group, id, segments, true);
        if (CC_BUG(T039B) || CC_BUG(T039C)) {
            cc_group_image_sweep(group);
        }
        cc_group_wake(group);
        return;
    }
    if (status != COPYCAT_ERR_DAMAGED || group->base_trouble == COPYCAT_OK) {
        not_taken(group, status, text);
    }
    cc_group_image_sweep(group); /* segments that were made for it */
    cc_group_wake(group);
}

void cc_group_image_marked(struct cc_group *group)
{
    if (cc_group_image_may_begin(group)) {
        cc_group_room_image_begun(group);
        cc_group_backlog_begun(group);
        group->taking = cc_taking_begin(group, taken);
        if (group->taking == NULL) {
            cc_group_backlog_ended(group, false);
        }
    }
}

void cc_group_image_agreed(struct cc_group *group)
{
    if (group->taking != NULL) {
        cc_taking_agreed(group->taking);
    }
}

/* ---- what is not needed any more --------------------------------------------------------------
 */

/* The image covers entries behind `index`, and they are no more than so many bytes. */
static bool is_little(const struct cc_group *group, uint64_t index, uint64_t bytes_max)
{
    uint64_t base = group->base.index;

    return index < base &&
           cc_log_bytes_above(group->log, index) - cc_log_bytes_above(group->log, base) <=
               bytes_max;
}

/*
 * Raw entries stay for followers that lag, but not for ever, not without bound, and not where there is
 * no room for them (T-036).  For who fetches an image the bound is larger by an image: else what is
 * written during one transfer would make the next one necessary, again and again.
 */
static uint64_t keep_from(const struct cc_group *group)
{
    uint64_t bytes_max =
        CC_BUG(T036) ? UINT64_MAX / 2 : cc_server_options(group->server)->keep_bytes;
    uint64_t floor = cc_raft_floor(group->core);
    uint64_t fetched = cc_offering_kept(group->offering);

    if (cc_group_room_is_short(group) && !CC_BUG(T036)) {
        return group->base.index;
    }
    if (is_little(group, floor, bytes_max)) {
        return floor;
    }
    if (is_little(group, fetched, bytes_max + group->base_bytes)) {
        return fetched;
    }
    return group->base.index;
}

void cc_group_forget(struct cc_group *group)
{
    uint64_t keep = keep_from(group);

    if (keep > group->kept) {
        group->kept = keep;
        cc_journal_keep(group->journal, group->id, keep);
    }
}

void cc_group_forgotten(struct cc_group *group, uint64_t first)
{
    struct cc_raft_event event = {.kind = CC_RAFT_EVENT_FORGOTTEN, .index = first - 1};

    cc_log_forget(group->log, first - 1);
    cc_group_repair_forgotten(group);
    (void)cc_group_step(group, &event);
}

void cc_group_image_durable(struct cc_group *group, uint64_t mark)
{
    if (group->switch_mark == 0 || mark < group->switch_mark) {
        return;
    }
    group->switch_mark = 0;
    group->base = group->next_base;
    cc_group_set_segments(group, group->next_segments);
    group->next_segments = NULL;
    group->marks.image_size = group->base.size;
    cc_group_backlog_moved(group);
    cc_group_base_mended(group);
    cc_group_leave_damage(group);
    cc_salvage_drop(&group->salvage);
    cc_group_image_sweep(group);
    cc_group_forget(group);
}
