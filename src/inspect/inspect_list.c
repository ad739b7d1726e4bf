/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_list -- files and records are told, one after the other.
 */
#include "inspect/inspect.h"
#include "proto/entry.h"

#include <string.h>

static copycat_status fail_reading(
    const copycat_inspection *inspection,
    const struct cc_inspect_part *part,
    copycat_status status,
    copycat_message *message)
{
    return status == COPYCAT_ERR_MEMORY
               ? cc_inspect_fail(message, status, "out of memory")
               : cc_inspect_fail(
                     message, status, "%s/%s cannot be read", inspection->path, part->name);
}

static copycat_bytes records_of(const struct cc_inspect_batch *batch)
{
    return (copycat_bytes){
        batch->bytes + cc_batch_records_at(batch->header->blocks), batch->header->records_size};
}

/* ---- files ----------------------------------------------------------------------------------- */

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
    copycat_bytes records = records_of(batch);
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

static copycat_status count_image(
    copycat_inspection *inspection,
    const struct cc_inspect_part *part,
    const struct cc_image_id *stood_on,
    copycat_inspect_file *file)
{
    bool is_stood_on = stood_on->size != 0 && stood_on->group == part->image.group &&
                       stood_on->index == part->image.index;
    struct cc_inspect_image image;
    copycat_status status = cc_inspect_read_image(
        inspection, is_stood_on ? stood_on : &part->image, is_stood_on, &image);

    file->group = part->image.group;
    file->last_index = part->image.index;
    if (status == COPYCAT_OK && image.status != COPYCAT_OK) {
        file->state =
            image.status == COPYCAT_ERR_NEWER ? COPYCAT_FILE_NEWER : (uint32_t)COPYCAT_FILE_DAMAGED;
    } else if (status == COPYCAT_OK) {
        file->term = image.head.term;
        file->time_us = image.head.time_us;
        file->state = is_stood_on ? COPYCAT_FILE_USED : (uint32_t)COPYCAT_FILE_STRAY;
    }
    cc_inspect_image_deinit(inspection, &image);
    return status;
}

/* `whole` is the image that is stood on, if there is one and it reads. */
static copycat_status count_segment(
    copycat_inspection *inspection,
    const struct cc_inspect_part *part,
    const struct cc_inspect_image *whole,
    copycat_inspect_file *file)
{
    const struct cc_image_segment *named = cc_inspect_image_segment(whole, &part->image);
    struct cc_image_id id = part->image;
    struct cc_inspect_image image;
    copycat_status status;

    if (named != NULL) {
        id = cc_image_segment_id(part->image.group, named);
        file->entry_count = named->count;
        file->last_index = named->last;
    }
    file->group = part->image.group;
    file->first_index = part->image.index;
    status = cc_inspect_read_image(inspection, &id, named != NULL, &image);
    if (status == COPYCAT_OK && image.status != COPYCAT_OK) {
        file->state =
            image.status == COPYCAT_ERR_NEWER ? COPYCAT_FILE_NEWER : (uint32_t)COPYCAT_FILE_DAMAGED;
    } else if (status == COPYCAT_OK) {
        file->state = named != NULL ? COPYCAT_FILE_USED : (uint32_t)COPYCAT_FILE_STRAY;
    }
    cc_inspect_image_deinit(inspection, &image);
    return status;
}

static copycat_status count_journal(
    copycat_inspection *inspection, const struct cc_inspect_part *part, copycat_inspect_file *file)
{
    const struct cc_inspect_walker walker = {count_batch, count_gap, file};

    return part->life == 0 ? COPYCAT_OK : cc_inspect_walk(inspection, part, &walker);
}

static copycat_status count(
    copycat_inspection *inspection,
    const struct cc_inspect_part *part,
    const struct cc_image_id *stood_on,
    const struct cc_inspect_image *whole,
    copycat_inspect_file *file)
{
    switch (part->kind) {
    case COPYCAT_FILE_IMAGE:
        return count_image(inspection, part, stood_on, file);
    case COPYCAT_FILE_SEGMENT:
        return count_segment(inspection, part, whole, file);
    default:
        return count_journal(inspection, part, file);
    }
}

copycat_status copycat_inspect_files(
    copycat_inspection *inspection,
    copycat_inspect_file_callback *on_file,
    void *user,
    copycat_message *message_out)
{
    struct cc_inspect_verdict verdict;
    copycat_status status = cc_inspect_recover(inspection, &verdict);
    struct cc_image_id stood_on = verdict.image;
    struct cc_inspect_image whole = {0};
    bool is_over = false;

    cc_inspect_verdict_deinit(inspection, &verdict);
    if (status == COPYCAT_OK && stood_on.size != 0) {
        status = cc_inspect_read_image(inspection, &stood_on, true, &whole);
    }
    if (status != COPYCAT_OK) {
        return cc_inspect_fail(message_out, status, "out of memory");
    }
    for (uint32_t i = 0; i < inspection->part_count && status == COPYCAT_OK && !is_over; i++) {
        const struct cc_inspect_part *part = &inspection->parts[i];
        copycat_inspect_file file = {
            .size = part->size,
            .kind = part->kind,
            .state = part->state,
            .life = part->life,
        };

        memcpy(file.name, part->name, sizeof part->name);
        status = count(inspection, part, &stood_on, &whole, &file);
        if (status != COPYCAT_OK) {
            status = fail_reading(inspection, part, status, message_out);
        } else {
            is_over = on_file(&file, user) != 0;
        }
    }
    cc_inspect_image_deinit(inspection, &whole);
    return status;
}

/* ---- records --------------------------------------------------------------------------------- */

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
    copycat_bytes records = records_of(batch);
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

static bool is_wanted(const struct cc_inspect_part *part, const char *file)
{
    return part->kind == COPYCAT_FILE_JOURNAL && (file == NULL || strcmp(part->name, file) == 0);
}

copycat_status copycat_inspect_records(
    copycat_inspection *inspection,
    const char *file,
    copycat_inspect_record_callback *on_record,
    void *user,
    copycat_message *message_out)
{
    struct telling telling = {inspection, on_record, user, false};
    const struct cc_inspect_walker walker = {tell_batch, tell_gap, &telling};
    bool is_any = false;

    for (uint32_t i = 0; i < inspection->part_count && !telling.is_over; i++) {
        const struct cc_inspect_part *part = &inspection->parts[i];
        copycat_status status = COPYCAT_OK;

        if (!is_wanted(part, file)) {
            continue;
        }
        is_any = true;
        if (part->life != 0) {
            status = cc_inspect_walk(inspection, part, &walker);
        } else if (part->state == COPYCAT_FILE_DAMAGED || part->state == COPYCAT_FILE_NEWER) {
            const struct cc_inspect_gap gap = {
                .part = part,
                .size = part->size,
                .kind = part->state == COPYCAT_FILE_NEWER ? CC_GAP_NEWER : CC_GAP_DAMAGED,
                .is_unreadable = part->is_unreadable,
            };

            (void)tell_gap(&telling, &gap);
        }
        if (status != COPYCAT_OK) {
            return fail_reading(inspection, part, status, message_out);
        }
    }
    if (!is_any && file != NULL) {
        return cc_inspect_fail(
            message_out, COPYCAT_ERR_INVALID, "%s has no file of a journal with the name %s",
            inspection->path, file);
    }
    return COPYCAT_OK;
}
