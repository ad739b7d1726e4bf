/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_files -- files are told, one after the other: what is in each, does it read, and who needs
 * it.
 */
#include "inspect/inspect.h"
#include "proto/entry.h"

#include <string.h>

/* ---- journal --------------------------------------------------------------------------------- */

static void count_entry(copycat_inspect_file *file, const struct cc_record *record)
{
    struct cc_entry entry;
    uint32_t size;

    if ((record->type != CC_RECORD_ENTRY && record->type != CC_RECORD_REPAIR) ||
        cc_entry_decode(record->payload, &entry, &size) != COPYCAT_OK) {
        return;
    }
    if (file->entry_count++ == 0 || entry.index < file->first_index) {
        file->first_index = entry.index;
    }
    file->last_index = entry.index > file->last_index ? entry.index : file->last_index;
    file->term = entry.term;
    file->time_us = entry.time_us;
}

static bool count_batch(void *owner, const struct cc_inspect_batch *batch)
{
    copycat_inspect_file *file = owner;
    copycat_bytes records = cc_inspect_records_of(batch);
    struct cc_record record;
    size_t at = 0;

    file->batch_count++;
    while (at < records.size && cc_record_next(records, &at, &record)) {
        count_entry(file, &record);
    }
    return true;
}

static bool count_gap(void *owner, const struct cc_inspect_gap *gap)
{
    copycat_inspect_file *file = owner;

    if (gap->kind != CC_GAP_TORN) {
        file->unread_bytes += gap->size;
        file->state =
            gap->kind == CC_GAP_NEWER ? COPYCAT_FILE_NEWER : (uint32_t)COPYCAT_FILE_DAMAGED;
    }
    return true;
}

static copycat_status count_journal(
    copycat_inspection *inspection, const struct cc_inspect_part *part, copycat_inspect_file *file)
{
    const struct cc_inspect_walker walker = {count_batch, count_gap, file};

    return part->life == 0 ? COPYCAT_OK : cc_inspect_walk(inspection, part, &walker);
}

/* ---- images ---------------------------------------------------------------------------------- */

struct listing {
    copycat_inspection *inspection;
    struct cc_inspect_verdict verdict;
    struct cc_inspect_images images;
    struct cc_inspect_refusal refusal; /* of the file at hand */
};

static void tell_trouble(
    struct listing *listing, const struct cc_inspect_image *image, copycat_inspect_file *file)
{
    if (image->status != COPYCAT_OK) {
        cc_inspect_split_image(listing->inspection, image, &listing->refusal);
        file->text = listing->refusal.what;
    }
}

static uint32_t state_of(copycat_status status, bool is_needed, bool is_known)
{
    if (status != COPYCAT_OK) {
        return status == COPYCAT_ERR_NEWER ? COPYCAT_FILE_NEWER : (uint32_t)COPYCAT_FILE_DAMAGED;
    }
    if (is_needed) {
        return COPYCAT_FILE_USED;
    }
    return is_known ? COPYCAT_FILE_STRAY : (uint32_t)COPYCAT_FILE_UNJUDGED;
}

static void count_image(
    struct listing *listing, const struct cc_image_id *name, copycat_inspect_file *file)
{
    const struct cc_inspect_images *images = &listing->images;
    const struct cc_inspect_image *image = cc_inspect_find_image(images, name);
    bool is_known = listing->verdict.status == COPYCAT_OK;

    file->group = name->group;
    file->last_index = name->index;
    file->state = state_of(image->status, image == images->base, is_known);
    tell_trouble(listing, image, file);
    if (image->status == COPYCAT_OK) {
        file->term = image->head.term;
        file->time_us = image->head.time_us;
        file->live_count = image->live_count;
        file->segment_count = (uint32_t)image->segment_count;
    }
}

static copycat_status count_segment(
    struct listing *listing, const struct cc_image_id *name, copycat_inspect_file *file)
{
    const struct cc_inspect_images *images = &listing->images;
    struct cc_inspect_need need = cc_inspect_find_need(images, name);
    struct cc_inspect_content content;
    struct cc_inspect_image segment;
    copycat_status status =
        cc_inspect_read_segment(listing->inspection, name, &need, NULL, &segment, &content);
    const struct cc_image_segment *named = need.segment == NULL ? &content.found : need.segment;

    if (status != COPYCAT_OK) {
        return status;
    }
    tell_trouble(listing, &segment, file);
    file->group = name->group;
    file->entry_count = named->count;
    file->first_index = named->first;
    file->last_index = named->last;
    /* Of one that does not read: at most so many. */
    file->live_count = segment.status == COPYCAT_OK || need.image == NULL
                           ? content.live_count
                           : cc_inspect_count_live(need.image, named);
    file->term = content.term;
    file->time_us = content.time_us;
    file->image_index = need.image == NULL ? 0 : need.image->id.index;
    file->image_count = need.image_count;
    file->state = state_of(
        segment.status, need.image != NULL && need.image == images->base, images->is_known);
    cc_inspect_image_deinit(listing->inspection, &segment);
    return COPYCAT_OK;
}

/* ---- what should be there -------------------------------------------------------------------- */

static bool tell_missing(
    copycat_inspect_file *file,
    const struct cc_image_id *id,
    copycat_inspect_file_callback *on_file,
    void *user)
{
    cc_inspect_write_name(id, file->name);
    file->state = COPYCAT_FILE_MISSING;
    file->kind = id->is_segment ? COPYCAT_FILE_SEGMENT : (uint32_t)COPYCAT_FILE_IMAGE;
    file->group = id->group;
    file->text = id->is_segment ? "the segment is missing" : "the image is missing";
    return on_file(file, user) == 0;
}

/* Of what is stood on; what else is there is nobody's, whatever it lacks. */
static void list_missing(
    const copycat_inspection *inspection,
    const struct cc_inspect_images *images,
    copycat_inspect_file_callback *on_file,
    void *user)
{
    const struct cc_inspect_image *base = images->base;
    bool goes_on = base != NULL;

    if (goes_on && !cc_inspect_has_part(inspection, &base->id)) {
        copycat_inspect_file file = {.last_index = base->id.index};

        goes_on = tell_missing(&file, &base->id, on_file, user);
    }
    for (size_t i = 0; goes_on && i < base->segment_count; i++) {
        const struct cc_image_segment *segment = &base->segments[i];
        struct cc_image_id id = cc_image_segment_id(base->id.group, segment);
        copycat_inspect_file file = {
            .entry_count = segment->count,
            .first_index = segment->first,
            .last_index = segment->last,
            .live_count = cc_inspect_count_live(base, segment),
            .image_index = base->id.index,
            .image_count = 1,
        };

        if (!cc_inspect_has_part(inspection, &id)) {
            goes_on = tell_missing(&file, &id, on_file, user);
        }
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static copycat_status count(
    struct listing *listing, const struct cc_inspect_part *part, copycat_inspect_file *file)
{
    switch (part->kind) {
    case COPYCAT_FILE_IMAGE:
        count_image(listing, &part->image, file);
        return COPYCAT_OK;
    case COPYCAT_FILE_SEGMENT:
        return count_segment(listing, &part->image, file);
    default:
        return count_journal(listing->inspection, part, file);
    }
}

static copycat_status list_parts(
    struct listing *listing,
    copycat_inspect_file_callback *on_file,
    void *user,
    copycat_message *message)
{
    const copycat_inspection *inspection = listing->inspection;

    for (uint32_t i = 0; i < inspection->part_count; i++) {
        const struct cc_inspect_part *part = &inspection->parts[i];
        copycat_inspect_file file = {
            .size = part->size,
            .kind = part->kind,
            .state = part->state,
            .life = part->life,
            .text = "",
        };
        copycat_status status;

        memcpy(file.name, part->name, sizeof part->name);
        status = count(listing, part, &file);
        if (status != COPYCAT_OK) {
            return cc_inspect_fail_reading(inspection, part, status, message);
        }
        if (on_file(&file, user) != 0) {
            return COPYCAT_OK;
        }
    }
    list_missing(inspection, &listing->images, on_file, user);
    return COPYCAT_OK;
}

copycat_status copycat_inspect_files(
    copycat_inspection *inspection,
    copycat_inspect_file_callback *on_file,
    void *user,
    copycat_message *message_out)
{
    struct listing listing = {.inspection = inspection};
    copycat_status status = cc_inspect_recover(inspection, &listing.verdict);

    if (status == COPYCAT_OK) {
        status = cc_inspect_read_images(inspection, &listing.verdict, &listing.images);
    }
    if (status == COPYCAT_OK) {
        status = list_parts(&listing, on_file, user, message_out);
    } else {
        status = cc_inspect_fail(message_out, status, "out of memory");
    }
    cc_inspect_images_deinit(inspection, &listing.images);
    cc_inspect_verdict_deinit(inspection, &listing.verdict);
    return status;
}
