/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_list -- records are told, one after the other: of the journal, of images, of segments.
 */
#include "inspect/inspect.h"

#include <stdio.h>
#include <string.h>

/* ---- journal --------------------------------------------------------------------------------- */

copycat_bytes cc_inspect_records_of(const struct cc_inspect_batch *batch)
{
    return (copycat_bytes){
        batch->bytes + cc_batch_records_at(batch->header->blocks), batch->header->records_size};
}

struct telling {
    copycat_inspection *inspection;
    copycat_inspect_record_callback *on_record;
    void *user;
    bool is_over;
};

static bool tell(struct telling *telling, const copycat_inspect_record *record)
{
    telling->is_over = telling->on_record(record, telling->user) != 0;
    return !telling->is_over;
}

static bool tell_batch(void *owner, const struct cc_inspect_batch *batch)
{
    struct telling *telling = owner;
    copycat_bytes records = cc_inspect_records_of(batch);
    size_t at = 0;

    while (at < records.size) {
        struct cc_record record;
        copycat_inspect_record told;

        if (!cc_record_next(records, &at, &record)) {
            /* The rest of the batch, whatever it is. */
            record = (struct cc_record){0, {(const uint8_t *)records.data + at, records.size - at}};
            at = records.size;
        }
        cc_inspect_describe(telling->inspection, batch, &record, &told);
        if (!tell(telling, &told)) {
            return false;
        }
    }
    return true;
}

static const char *words_of(const struct cc_inspect_gap *gap)
{
    if (gap->kind == CC_GAP_TORN) {
        return "the last batch, cut off when the server ended";
    }
    if (gap->kind == CC_GAP_NEWER) {
        return "a batch of a newer format";
    }
    if (gap->size == 0) {
        return "the file ends here, and more was in it";
    }
    return gap->is_unreadable ? "the disk cannot read it" : "no batch reads here";
}

static bool tell_gap(void *owner, const struct cc_inspect_gap *gap)
{
    const copycat_inspect_record told = {
        .file = gap->part->name,
        .operation = "",
        .text = words_of(gap),
        .offset = gap->offset,
        .size = gap->size,
        .life = gap->life,
        .batch = gap->number,
        .type = COPYCAT_RECORD_GAP,
    };

    return tell(owner, &told);
}

static copycat_status tell_journal(struct telling *telling, const struct cc_inspect_part *part)
{
    const struct cc_inspect_walker walker = {tell_batch, tell_gap, telling};

    if (part->life != 0) {
        return cc_inspect_walk(telling->inspection, part, &walker);
    }
    if (part->state == COPYCAT_FILE_DAMAGED || part->state == COPYCAT_FILE_NEWER) {
        const struct cc_inspect_gap gap = {
            .part = part,
            .size = part->size,
            .kind = part->state == COPYCAT_FILE_NEWER ? CC_GAP_NEWER : CC_GAP_DAMAGED,
            .is_unreadable = part->is_unreadable,
        };

        (void)tell_gap(telling, &gap);
    }
    return COPYCAT_OK;
}

/* ---- images and segments --------------------------------------------------------------------- */

/* One that is being told. */
struct image_telling {
    struct telling *telling;
    const struct cc_inspect_part *part;
    const struct cc_inspect_content *content; /* segment: as far as it was read */
    uint64_t lived;                           /* segment: commits before that live */
    uint64_t live_last;                       /* image: where its last record of what lives ended */
    bool is_base;                             /* of what is stood on */
};

static const char *tell_record(void *owner, uint64_t offset, const struct cc_image_record *record)
{
    struct image_telling *own = owner;
    copycat_inspect_record told = {.last = own->live_last};

    cc_inspect_describe_record(own->telling->inspection, record, &told);
    own->live_last = told.type == COPYCAT_RECORD_LIVE ? told.last : own->live_last;
    told.file = own->part->name;
    told.offset = offset;
    told.group = own->part->image.group;
    if (told.type == COPYCAT_RECORD_COMMIT) {
        told.is_released = own->is_base && own->content->live_count == own->lived;
        own->lived = own->content->live_count;
    }
    return tell(own->telling, &told) ? NULL : "enough was told";
}

/* What does not read, to the end of the file. */
static void tell_rest(struct image_telling *own, const struct cc_inspect_image *image)
{
    struct cc_inspect_refusal refusal;

    if (image->status == COPYCAT_OK || own->telling->is_over) {
        return;
    }
    cc_inspect_split_image(own->telling->inspection, image, &refusal);

    const copycat_inspect_record told = {
        .file = own->part->name,
        .operation = "",
        .text = refusal.what,
        .offset = refusal.offset == COPYCAT_NONE ? 0 : refusal.offset,
        .size = refusal.offset == COPYCAT_NONE || refusal.offset > own->part->size
                    ? own->part->size
                    : own->part->size - refusal.offset,
        .group = own->part->image.group,
        .type = COPYCAT_RECORD_GAP,
    };

    (void)tell(own->telling, &told);
}

/* Which segments it needs, behind everything else, as in the file. */
static void tell_table(struct image_telling *own, const struct cc_inspect_image *image)
{
    copycat_inspection *inspection = own->telling->inspection;

    for (size_t i = 0; i < image->segment_count && !own->telling->is_over; i++) {
        const struct cc_image_segment *segment = &image->segments[i];
        struct cc_image_id id = cc_image_segment_id(image->id.group, segment);
        copycat_inspect_record told = {
            .file = own->part->name,
            .operation = "",
            .text = cc_inspect_has_part(inspection, &id) ? "" : "its file is missing",
            .offset = image->table_offset,
            .size = segment->size,
            .first = segment->first,
            .last = segment->last,
            .count = segment->count,
            .checksum = segment->checksum,
            .group = image->id.group,
            .type = COPYCAT_RECORD_SEGMENT,
        };

        cc_inspect_write_name(&id, told.name);
        (void)tell(own->telling, &told);
    }
}

static copycat_status tell_image(
    struct telling *telling,
    const struct cc_inspect_images *images,
    const struct cc_inspect_part *part)
{
    struct image_telling own = {.telling = telling, .part = part};
    const struct cc_inspect_taker taker = {tell_record, &own};
    const struct cc_inspect_image *known = cc_inspect_find_image(images, &part->image);
    struct cc_inspect_image image;
    /* Of what is stood on it is said what it should be. */
    copycat_status status = cc_inspect_read_image(telling->inspection, &known->id, &taker, &image);

    if (status == COPYCAT_OK) {
        tell_table(&own, &image);
        tell_rest(&own, &image);
        cc_inspect_image_deinit(telling->inspection, &image);
    }
    return status;
}

static copycat_status tell_segment(
    struct telling *telling,
    const struct cc_inspect_images *images,
    const struct cc_inspect_part *part)
{
    struct cc_inspect_need need = cc_inspect_find_need(images, &part->image);
    struct cc_inspect_content content;
    struct image_telling own = {
        .telling = telling,
        .part = part,
        .content = &content,
        .is_base = need.image != NULL && need.image == images->base,
    };
    const struct cc_inspect_taker taker = {tell_record, &own};
    struct cc_inspect_image segment;
    copycat_status status = cc_inspect_read_segment(
        telling->inspection, &part->image, &need, &taker, &segment, &content);

    if (status == COPYCAT_OK) {
        tell_rest(&own, &segment);
        cc_inspect_image_deinit(telling->inspection, &segment);
    }
    return status;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool has_images(const copycat_inspection *inspection)
{
    bool has = false;

    for (uint32_t i = 0; i < inspection->part_count; i++) {
        has = has || inspection->parts[i].kind != COPYCAT_FILE_JOURNAL;
    }
    return has;
}

/* Nothing where there are none: then the journal is walked, and not recovered. */
static copycat_status read_images(
    copycat_inspection *inspection, struct cc_inspect_images *images_out)
{
    struct cc_inspect_verdict verdict;
    copycat_status status;

    *images_out = (struct cc_inspect_images){0};
    if (!has_images(inspection)) {
        return COPYCAT_OK;
    }
    status = cc_inspect_recover(inspection, &verdict);
    if (status == COPYCAT_OK) {
        status = cc_inspect_read_images(inspection, &verdict, images_out);
    }
    cc_inspect_verdict_deinit(inspection, &verdict);
    return status;
}

static copycat_status tell_part(
    struct telling *telling,
    const struct cc_inspect_images *images,
    const struct cc_inspect_part *part)
{
    switch (part->kind) {
    case COPYCAT_FILE_IMAGE:
        return tell_image(telling, images, part);
    case COPYCAT_FILE_SEGMENT:
        return tell_segment(telling, images, part);
    default:
        return tell_journal(telling, part);
    }
}

copycat_status copycat_inspect_records(
    copycat_inspection *inspection,
    const char *file,
    copycat_inspect_record_callback *on_record,
    void *user,
    copycat_message *message_out)
{
    struct telling telling = {inspection, on_record, user, false};
    struct cc_inspect_images images;
    copycat_status status = read_images(inspection, &images);
    bool is_any = false;

    if (status != COPYCAT_OK) {
        status = cc_inspect_fail(message_out, status, "out of memory");
    }
    for (uint32_t i = 0; i < inspection->part_count && status == COPYCAT_OK && !telling.is_over;
         i++) {
        const struct cc_inspect_part *part = &inspection->parts[i];

        if (file == NULL || strcmp(part->name, file) == 0) {
            is_any = true;
            status = tell_part(&telling, &images, part);
            if (status != COPYCAT_OK) {
                status = cc_inspect_fail_reading(inspection, part, status, message_out);
            }
        }
    }
    if (!is_any && file != NULL && status == COPYCAT_OK) {
        status = cc_inspect_fail(
            message_out, COPYCAT_ERR_INVALID,
            "%s has no journal, image or segment with the name %s", inspection->path, file);
    }
    cc_inspect_images_deinit(inspection, &images);
    return status;
}
