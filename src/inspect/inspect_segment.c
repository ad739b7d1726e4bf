/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_segment -- which image needs which segment, and does it get what it needs?
 *
 * Several images may be here: the one that is stood on, and such as a crash left, which may name the
 * same segments.
 */
#include "base/assert.h"
#include "inspect/inspect.h"
#include "log/image_format.h"

#include <stdio.h>
#include <string.h>

#define OTHER_COMMITS "the segment has other commits than those it is needed for"

/* ---- images ---------------------------------------------------------------------------------- */

/* Which types resources have is said in images, if it is not in the journal any more. */
static const char *note_resource(void *owner, uint64_t offset, const struct cc_image_record *record)
{
    copycat_inspect_record told = {0};

    (void)offset;
    if (record->type == CC_IMAGE_INSTANCE) {
        cc_inspect_describe_record(owner, record, &told);
    }
    return NULL;
}

static copycat_status add_image(
    copycat_inspection *inspection,
    struct cc_inspect_images *images,
    const struct cc_image_id *id,
    bool is_base)
{
    const struct cc_inspect_taker taker = {note_resource, inspection};
    struct cc_inspect_image *image = &images->at[images->count];
    copycat_status status = cc_inspect_read_image(inspection, id, &taker, image);

    if (status == COPYCAT_OK) {
        images->count++;
        images->base = is_base ? image : images->base;
    }
    return status;
}

copycat_status cc_inspect_read_images(
    copycat_inspection *inspection,
    const struct cc_inspect_verdict *verdict,
    struct cc_inspect_images *images_out)
{
    const struct cc_image_id *base = &verdict->image;
    copycat_status status = COPYCAT_OK;

    *images_out = (struct cc_inspect_images){0};
    images_out->at =
        cc_memory_take(inspection->memory, (inspection->part_count + 1) * sizeof *images_out->at);
    if (base->size != 0) {
        status = add_image(inspection, images_out, base, true);
    }
    for (uint32_t i = 0; i < inspection->part_count && status == COPYCAT_OK; i++) {
        const struct cc_inspect_part *part = &inspection->parts[i];

        if (part->kind == COPYCAT_FILE_IMAGE &&
            (base->size == 0 || !cc_image_has_name_of(&part->image, base))) {
            status = add_image(inspection, images_out, &part->image, false);
        }
    }
    images_out->is_known = verdict->status == COPYCAT_OK &&
                           (images_out->base == NULL || images_out->base->status == COPYCAT_OK);
    return status;
}

void cc_inspect_images_deinit(
    const copycat_inspection *inspection, struct cc_inspect_images *images)
{
    for (size_t i = 0; i < images->count; i++) {
        cc_inspect_image_deinit(inspection, &images->at[i]);
    }
    cc_memory_give(inspection->memory, images->at);
    *images = (struct cc_inspect_images){0};
}

const struct cc_inspect_image *cc_inspect_find_image(
    const struct cc_inspect_images *images, const struct cc_image_id *name)
{
    for (size_t i = 0; i < images->count; i++) {
        if (cc_image_has_name_of(&images->at[i].id, name)) {
            return &images->at[i];
        }
    }
    return NULL;
}

/* ---- needs ----------------------------------------------------------------------------------- */

static const struct cc_image_segment *find_segment(
    const struct cc_inspect_image *image, const struct cc_image_id *name)
{
    for (size_t i = 0; i < image->segment_count; i++) {
        struct cc_image_id id = cc_image_segment_id(image->id.group, &image->segments[i]);

        if (cc_image_has_name_of(&id, name)) {
            return &image->segments[i];
        }
    }
    return NULL;
}

struct cc_inspect_need cc_inspect_find_need(
    const struct cc_inspect_images *images, const struct cc_image_id *name)
{
    struct cc_inspect_need need = {0};

    for (size_t i = 0; i < images->count; i++) { /* the one that is stood on comes first */
        const struct cc_image_segment *segment = find_segment(&images->at[i], name);

        if (segment != NULL && need.image_count++ == 0) {
            need.image = &images->at[i];
            need.segment = segment;
        }
    }
    return need;
}

uint64_t cc_inspect_count_live(
    const struct cc_inspect_image *image, const struct cc_image_segment *segment)
{
    uint64_t count = 0;

    for (size_t i = 0; i < image->run_count; i++) {
        const struct cc_inspect_run *run = &image->runs[i];
        uint64_t from = run->first > segment->first ? run->first : segment->first;
        uint64_t to = run->last < segment->last ? run->last : segment->last;

        count += from <= to ? to - from + 1 : 0;
    }
    return count < segment->count ? count : segment->count;
}

void cc_inspect_write_name(const struct cc_image_id *id, char name_out[CC_INSPECT_NAME_SIZE])
{
    char path[CC_IMAGE_PATH_SIZE];
    bool has_path = cc_image_path(path, ".", id);

    CC_ASSERT(has_path);
    snprintf(name_out, CC_INSPECT_NAME_SIZE, "%.60s", strrchr(path, '/') + 1);
}

bool cc_inspect_has_part(const copycat_inspection *inspection, const struct cc_image_id *name)
{
    for (uint32_t i = 0; i < inspection->part_count; i++) {
        if (inspection->parts[i].kind != COPYCAT_FILE_JOURNAL &&
            cc_image_has_name_of(&inspection->parts[i].image, name)) {
            return true;
        }
    }
    return false;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct holding {
    const struct cc_inspect_need *need;
    const struct cc_inspect_taker *taker;
    struct cc_inspect_content *content;
    size_t run; /* the first that does not end before what was read last */
};

static bool is_live(struct holding *holding, uint64_t index)
{
    const struct cc_inspect_image *image = holding->need->image;

    if (image == NULL) {
        return false;
    }
    while (holding->run < image->run_count && image->runs[holding->run].last < index) {
        holding->run++;
    }
    return holding->run < image->run_count && image->runs[holding->run].first <= index;
}

static const char *take_commit(void *owner, uint64_t offset, const struct cc_image_record *record)
{
    struct holding *holding = owner;
    struct cc_image_segment *found = &holding->content->found;
    struct cc_entry entry;

    if (!cc_image_record_entry(record, &entry) || entry.index <= found->last) {
        return "a segment has commits that make no sense, or are in no order";
    }
    found->first = found->count == 0 ? entry.index : found->first;
    found->last = entry.index;
    found->count++;
    found->bytes += record->whole.size;
    holding->content->live_count += is_live(holding, entry.index);
    holding->content->term = entry.term;
    holding->content->time_us = entry.time_us;
    return holding->taker == NULL
               ? NULL
               : holding->taker->on_record(holding->taker->owner, offset, record);
}

static bool is_as_named(const struct cc_image_segment *found, const struct cc_image_segment *name)
{
    return found->first == name->first && found->last == name->last &&
           found->count == name->count && found->bytes == name->bytes;
}

/* Its bytes are right, and still it is not what the image takes it for. */
static void hold(
    const copycat_inspection *inspection,
    const struct cc_inspect_need *need,
    const struct cc_inspect_content *content,
    struct cc_inspect_image *segment)
{
    char path[CC_IMAGE_PATH_SIZE];

    if (segment->status == COPYCAT_OK && need->segment != NULL &&
        !is_as_named(&content->found, need->segment) &&
        cc_image_path(path, inspection->path, &segment->id)) {
        segment->status = COPYCAT_ERR_DAMAGED;
        cc_image_describe(segment->text, path, OTHER_COMMITS, COPYCAT_NONE);
    }
}

copycat_status cc_inspect_read_segment(
    copycat_inspection *inspection,
    const struct cc_image_id *name,
    const struct cc_inspect_need *need,
    const struct cc_inspect_taker *taker,
    struct cc_inspect_image *segment_out,
    struct cc_inspect_content *content_out)
{
    struct holding holding = {.need = need, .taker = taker, .content = content_out};
    const struct cc_inspect_taker own = {take_commit, &holding};
    struct cc_image_id id =
        need->segment == NULL ? *name : cc_image_segment_id(name->group, need->segment);
    copycat_status status;

    *content_out = (struct cc_inspect_content){0};
    status = cc_inspect_read_image(inspection, &id, &own, segment_out);
    if (status == COPYCAT_OK) {
        hold(inspection, need, content_out, segment_out);
    }
    return status;
}
