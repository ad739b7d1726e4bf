/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commitlog_append -- appending, flushing, and the next segment.
 */
#include "base/assert.h"
#include "base/crc32c.h"
#include "commitlog/commitlog_internal.h"

#include <string.h>

#define KEY_SIZE_MAX 65535u

/* The first error of a write or a sync is the last thing that is done (T-053).  For want of memory or
 * of a descriptor nothing was. */
static copycat_status finish_if_bad(struct cc_commitlog *log, copycat_status status)
{
    if (status != COPYCAT_OK && status != COPYCAT_ERR_MEMORY && status != COPYCAT_ERR_BUSY) {
        log->failed = status;
    }
    return status;
}

static copycat_status sync_file(
    struct cc_commitlog *log,
    struct cc_files_file *file,
    const struct cc_commitlog_segment *segment)
{
    copycat_status status = log->files.table->sync(log->files.context, file);

    if (status != COPYCAT_OK) {
        return cc_commitlog_complain(
            log, status, segment, log->files.table->reason(log->files.context), COPYCAT_NONE);
    }
    return COPYCAT_OK;
}

/* ---- flushing -------------------------------------------------------------------------------- */

/* What was cleaned and is not in a record yet. */
static copycat_status note_cleaned(struct cc_commitlog *log)
{
    copycat_status status;

    if (log->cleaned_count == 0) {
        return COPYCAT_OK;
    }
    status = cc_commitlog_output_cleaned(
        log, &log->output, cc_commitlog_tail(log), log->generation, log->cleaned,
        log->cleaned_count);
    if (status == COPYCAT_OK) {
        log->cleaned_count = 0;
    }
    return status;
}

copycat_status cc_commitlog_settle(struct cc_commitlog *log)
{
    struct cc_commitlog_segment *tail = cc_commitlog_tail(log);
    copycat_status status = note_cleaned(log);

    if (status == COPYCAT_OK) {
        status = cc_commitlog_output_mark(log, &log->output, tail);
    }
    if (status == COPYCAT_OK) {
        status = cc_commitlog_output_drain(log, &log->output, tail);
    }
    if (status == COPYCAT_OK) {
        status = sync_file(log, log->output.file, tail);
    }
    if (status == COPYCAT_OK) {
        log->durable_end = tail->end;
        log->floor_durable = log->floor;
        log->is_dirty = false;
    }
    return finish_if_bad(log, status);
}

/* ---- the next segment ------------------------------------------------------------------------ */

copycat_status cc_commitlog_insert(
    struct cc_commitlog *log, uint32_t at, struct cc_commitlog_segment *segment)
{
    if (!cc_commitlog_reserve(
            log->memory, &log->segments, &log->segment_capacity, (uint64_t)log->segment_count + 1,
            sizeof(struct cc_commitlog_segment *))) {
        return COPYCAT_ERR_MEMORY;
    }
    memmove(
        log->segments + at + 1, log->segments + at,
        (log->segment_count - at) * sizeof(struct cc_commitlog_segment *));
    log->segments[at] = segment;
    log->segment_count++;
    return COPYCAT_OK;
}

/* What is cleaned in these segments and their own footers do not say. */
static copycat_status carry(
    struct cc_commitlog *log,
    struct cc_commitlog_output *output,
    struct cc_commitlog_segment *target,
    uint32_t count)
{
    uint64_t indexes[CC_COMMITLOG_CLEANED_AT_ONCE];
    copycat_status status = COPYCAT_OK;
    uint32_t used = 0;

    for (uint32_t i = 0; i < count; i++) {
        const struct cc_commitlog_segment *segment = log->segments[i];

        for (uint32_t slot = 0; slot < segment->count && status == COPYCAT_OK; slot++) {
            uint64_t index = cc_commitlog_segment_index(segment, slot);

            if (!cc_commitlog_bit(segment->cleaned, slot) ||
                cc_commitlog_bit(segment->is_settled, slot) || index >= target->head.first) {
                continue;
            }
            indexes[used++] = index;
            if (used == CC_COMMITLOG_CLEANED_AT_ONCE) {
                status = cc_commitlog_output_cleaned(
                    log, output, target, log->generation, indexes, used);
                used = 0;
            }
        }
    }
    if (status == COPYCAT_OK && used > 0) {
        status = cc_commitlog_output_cleaned(log, output, target, log->generation, indexes, used);
    }
    if (status == COPYCAT_OK && target->note_count > 0) {
        status = cc_commitlog_output_drain(log, output, target);
        if (status == COPYCAT_OK) {
            status = sync_file(log, output->file, target);
        }
    }
    return status;
}

/* The head last: it says that all the rest is there (L2). */
static copycat_status write_head(
    struct cc_commitlog *log,
    struct cc_commitlog_output *output,
    struct cc_commitlog_segment *segment)
{
    uint8_t sector[CC_COMMITLOG_HEAD_SIZE];
    copycat_status status;

    segment->head.given_end = segment->end;
    cc_commitlog_head_encode(sector, &segment->head);
    status = log->files.table->write(log->files.context, output->file, 0, sector, sizeof sector);
    if (status == COPYCAT_OK) {
        status = log->files.table->sync(log->files.context, output->file);
    }
    if (status == COPYCAT_OK) {
        status = log->files.table->sync_directory(log->files.context);
    }
    if (status != COPYCAT_OK) {
        return cc_commitlog_complain(
            log, status, segment, log->files.table->reason(log->files.context), 0);
    }
    segment->size = segment->end;
    return COPYCAT_OK;
}

/* A file without a head is none, so it may stay if it cannot be removed: then the log is finished. */
static copycat_status undo_segment(
    struct cc_commitlog *log, struct cc_commitlog_segment *segment, copycat_status status)
{
    char name[CC_COMMITLOG_NAME_SIZE];
    bool has_file = segment->file != NULL;

    cc_commitlog_name(name, segment->head.first, segment->head.generation);
    cc_commitlog_segment_destroy(log, segment);
    if (has_file && status == COPYCAT_ERR_MEMORY &&
        log->files.table->remove(log->files.context, name) != COPYCAT_OK) {
        return cc_commitlog_fail(
            log, COPYCAT_ERR_IO, NULL, log->files.table->reason(log->files.context));
    }
    return finish_if_bad(log, status);
}

copycat_status cc_commitlog_begin_segment(
    struct cc_commitlog *log, uint64_t first, uint32_t carried_count)
{
    struct cc_commitlog_segment *tail = log->segment_count == 0 ? NULL : cc_commitlog_tail(log);
    struct cc_commitlog_head head = {
        .kind = CC_COMMITLOG_APPENDED,
        .generation = ++log->generation,
        .first = first,
        .floor = log->floor,
        .previous_generation = tail == NULL ? 0 : tail->head.generation,
        .previous_end = tail == NULL ? 0 : tail->end};
    struct cc_commitlog_output output = log->output;
    struct cc_commitlog_segment *segment = cc_commitlog_segment_create(log->memory, &head);
    copycat_status status;

    CC_ASSERT(output.size == 0);
    if (segment == NULL) {
        return COPYCAT_ERR_MEMORY;
    }
    if (!cc_commitlog_reserve(
            log->memory, &log->segments, &log->segment_capacity, (uint64_t)log->segment_count + 1,
            sizeof(struct cc_commitlog_segment *))) {
        return undo_segment(log, segment, COPYCAT_ERR_MEMORY);
    }
    status = cc_commitlog_output_begin(log, &output, segment);
    if (status == COPYCAT_OK) {
        status = carry(log, &output, segment, carried_count);
    }
    if (status == COPYCAT_OK) {
        status = write_head(log, &output, segment);
    }
    if (status != COPYCAT_OK) {
        log->output.data = output.data;
        log->output.capacity = output.capacity;
        return undo_segment(log, segment, status);
    }
    status = cc_commitlog_insert(log, log->segment_count, segment);
    CC_ASSERT(status == COPYCAT_OK);
    log->output = output;
    log->durable_end = segment->end;
    log->marked_end = segment->end;
    log->floor_durable = log->floor;
    log->is_dirty = false;
    return COPYCAT_OK;
}

copycat_status cc_commitlog_seal_previous(struct cc_commitlog *log)
{
    struct cc_commitlog_segment *segment = log->segments[log->segment_count - 2];
    struct cc_commitlog_segment *tail = cc_commitlog_tail(log);
    copycat_status status = cc_commitlog_segment_file(log, segment);

    if (status != COPYCAT_OK) {
        return finish_if_bad(log, status);
    }
    log->output.file = segment->file;
    log->output.offset = segment->end;
    status = cc_commitlog_seal(log, &log->output, segment);
    log->output.file = tail->file;
    log->output.offset = tail->end;
    log->output.size = 0;
    return finish_if_bad(log, status);
}

/*
 * A segment that no index was given to yet, and that is long from what was cleaned elsewhere, is
 * replaced: two that begin at the same index cannot both count.
 */
static copycat_status roll(struct cc_commitlog *log)
{
    struct cc_commitlog_segment *tail = cc_commitlog_tail(log);
    bool is_replaced = log->last < tail->head.first;
    copycat_status status = cc_commitlog_settle(log);

    if (status == COPYCAT_OK) {
        status = cc_commitlog_begin_segment(
            log, log->last + 1, is_replaced ? log->segment_count - 1 : 0);
    }
    if (status != COPYCAT_OK) {
        return status;
    }
    if (is_replaced) {
        return cc_commitlog_remove(log, log->segment_count - 2, 1);
    }
    tail->last = log->last;
    return cc_commitlog_seal_previous(log);
}

copycat_status cc_commitlog_flush(struct cc_commitlog *log)
{
    copycat_status status = log->failed;

    if (status == COPYCAT_OK && log->is_dirty) {
        status = cc_commitlog_tail(log)->end > log->options.segment_size ? roll(log)
                                                                         : cc_commitlog_settle(log);
    }
    return status == COPYCAT_OK ? cc_commitlog_remove_forgotten(log) : status;
}

/* ---- appending ------------------------------------------------------------------------------- */

static bool is_full(const struct cc_commitlog *log, uint64_t index, uint64_t size)
{
    const struct cc_commitlog_segment *tail = cc_commitlog_tail(log);

    return tail->count > 0 &&
           (tail->end + size > log->options.segment_size ||
            tail->count >= log->options.segment_count || index - tail->base > UINT32_MAX);
}

static copycat_status check(
    const struct cc_commitlog *log, const copycat_log_entry *entry, uint64_t *index_out)
{
    if (log->failed != COPYCAT_OK) {
        return log->failed;
    }
    if (entry->key.size > KEY_SIZE_MAX || entry->bytes.size > log->options.entry_size_max ||
        entry->key.size + entry->bytes.size > log->options.entry_size_max) {
        return COPYCAT_ERR_TOO_LARGE;
    }
    *index_out = entry->index == 0 ? log->last + 1 : entry->index;
    return entry->reserved != 0 || *index_out <= log->last || *index_out == UINT64_MAX
               ? COPYCAT_ERR_INVALID
               : COPYCAT_OK;
}

copycat_status cc_commitlog_append(
    struct cc_commitlog *log, const copycat_log_entry *entry, uint64_t *index_out)
{
    struct cc_commitlog_record record;
    struct cc_commitlog_segment *tail;
    uint64_t index;
    uint64_t size;
    uint8_t *room;
    copycat_status status = check(log, entry, &index);

    if (status != COPYCAT_OK) {
        return status;
    }
    record = (struct cc_commitlog_record){
        .kind = CC_COMMITLOG_ENTRY,
        .mask = cc_commitlog_mask(entry->key, entry->bytes),
        .key_size = (uint16_t)entry->key.size,
        .type = entry->type,
        .size = (uint32_t)entry->bytes.size,
        .index = index,
        .time_us = entry->time_us};
    size = cc_commitlog_record_size(&record);
    status = is_full(log, index, size) ? roll(log) : COPYCAT_OK;
    if (status != COPYCAT_OK) {
        return status;
    }
    tail = cc_commitlog_tail(log);
    if (!cc_commitlog_segment_reserve(log->memory, tail)) {
        return COPYCAT_ERR_MEMORY;
    }
    status = cc_commitlog_output_room(log, &log->output, tail, (size_t)size, &room);
    if (status != COPYCAT_OK) {
        return finish_if_bad(log, status);
    }
    memset(room + size - 8, 0, 8); /* what fills it up; the rest is written over */
    cc_commitlog_body_encode(
        room + CC_COMMITLOG_RECORD_SIZE, record.mask, entry->key, entry->bytes);
    record.body_crc =
        cc_crc32c(0, room + CC_COMMITLOG_RECORD_SIZE, entry->key.size + entry->bytes.size);
    cc_commitlog_record_encode(room, &record, tail->head.generation, tail->end);
    cc_commitlog_segment_add(tail, index, tail->end, entry->time_us);
    cc_commitlog_output_took(&log->output, tail, (size_t)size);
    log->last = index;
    log->appended_bytes += size;
    log->is_dirty = true;
    if (index_out != NULL) {
        *index_out = index;
    }
    return COPYCAT_OK;
}

copycat_status cc_commitlog_skip(struct cc_commitlog *log, uint64_t count)
{
    if (log->failed != COPYCAT_OK) {
        return log->failed;
    }
    if (count >= UINT64_MAX - 1 - log->last) {
        return COPYCAT_ERR_INVALID;
    }
    log->last += count;
    return COPYCAT_OK;
}

/* ---- cleaning one entry ---------------------------------------------------------------------- */

copycat_status cc_commitlog_clean(struct cc_commitlog *log, uint64_t index)
{
    copycat_status status = log->failed;
    struct cc_commitlog_segment *segment;

    if (status != COPYCAT_OK) {
        return status;
    }
    if (!cc_commitlog_contains(log, index)) {
        return COPYCAT_ERR_INVALID;
    }
    if (log->cleaned_count == CC_COMMITLOG_CLEANED_AT_ONCE) {
        status = cc_commitlog_tail(log)->end > log->options.segment_size
                     ? roll(log)
                     : finish_if_bad(log, note_cleaned(log));
        if (status != COPYCAT_OK) {
            return status;
        }
    }
    segment = log->segments[cc_commitlog_segment_of(log, index)];
    cc_commitlog_segment_clean(segment, cc_commitlog_segment_find(segment, index));
    log->cleaned[log->cleaned_count++] = index;
    log->is_dirty = true;
    return COPYCAT_OK;
}
