/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commitlog_read -- reading one entry, and checking all.
 */
#include "base/assert.h"
#include "base/crc32c.h"
#include "commitlog/commitlog_internal.h"

#include <string.h>

/* One entry is read with what lies behind it if that is so little that a second call would cost more. */
#define SPAN_READ_AT_ONCE (64u << 10)

void cc_commitlog_window_deinit(const struct cc_memory *memory, struct cc_commitlog_window *window)
{
    cc_memory_give(memory, window->data);
    *window = (struct cc_commitlog_window){0};
}

/* Does the window hold these bytes of this segment? */
static bool is_within(
    const struct cc_commitlog_window *window,
    const struct cc_commitlog_segment *segment,
    uint64_t offset,
    size_t size)
{
    return window->segment == segment && offset >= window->offset &&
           offset + size <= window->offset + window->size;
}

copycat_status cc_commitlog_window_at(
    struct cc_commitlog *log,
    struct cc_commitlog_window *window,
    struct cc_commitlog_segment *segment,
    uint64_t offset,
    size_t size,
    size_t ahead,
    const uint8_t **bytes_out)
{
    uint64_t left = segment->size - offset;
    size_t wanted = size > ahead ? size : ahead;
    copycat_status status;
    uint8_t *grown;

    CC_ASSERT(offset + size <= segment->size);
    if (is_within(window, segment, offset, size)) {
        *bytes_out = window->data + (offset - window->offset);
        return COPYCAT_OK;
    }
    wanted = wanted > left ? (size_t)left : wanted;
    if (wanted > window->capacity) {
        grown = log->memory->resize(log->memory->context, window->data, wanted);
        if (grown == NULL) {
            return COPYCAT_ERR_MEMORY;
        }
        window->data = grown;
        window->capacity = wanted;
    }
    window->segment = NULL;
    status = cc_commitlog_segment_file(log, segment);
    if (status != COPYCAT_OK) {
        return status;
    }
    status =
        log->files.table->read(log->files.context, segment->file, offset, window->data, wanted);
    if (status != COPYCAT_OK) {
        return cc_commitlog_complain(
            log, status, segment, log->files.table->reason(log->files.context), offset);
    }
    window->segment = segment;
    window->offset = offset;
    window->size = wanted;
    *bytes_out = window->data;
    return COPYCAT_OK;
}

static copycat_status damaged(
    struct cc_commitlog *log, const struct cc_commitlog_segment *segment, uint64_t offset)
{
    return cc_commitlog_complain(log, COPYCAT_ERR_DAMAGED, segment, "a record is damaged", offset);
}

copycat_status cc_commitlog_record_at(
    struct cc_commitlog *log,
    struct cc_commitlog_window *window,
    struct cc_commitlog_segment *segment,
    uint64_t offset,
    size_t ahead,
    struct cc_commitlog_record *record_out,
    const uint8_t **bytes_out)
{
    copycat_status status;
    uint64_t size;

    if (offset + CC_COMMITLOG_RECORD_SIZE > segment->end) {
        return damaged(log, segment, offset);
    }
    status = cc_commitlog_window_at(
        log, window, segment, offset, CC_COMMITLOG_RECORD_SIZE, ahead, bytes_out);
    if (status != COPYCAT_OK) {
        return status;
    }
    if (!cc_commitlog_record_decode(*bytes_out, segment->head.generation, offset, record_out)) {
        return damaged(log, segment, offset);
    }

    /* Its size is believed as far as the file goes, and no further (T-057). */
    size = cc_commitlog_record_size(record_out);
    if (size > segment->end - offset) {
        return damaged(log, segment, offset);
    }
    status = cc_commitlog_window_at(log, window, segment, offset, (size_t)size, ahead, bytes_out);
    if (status != COPYCAT_OK) {
        return status;
    }
    return cc_commitlog_body_is_whole(*bytes_out, record_out) ? COPYCAT_OK
                                                              : damaged(log, segment, offset);
}

/* Of the last segment, what was not written yet is where it will be written from. */
static copycat_status find_record(
    struct cc_commitlog *log,
    struct cc_commitlog_segment *segment,
    uint32_t slot,
    struct cc_commitlog_record *record_out,
    const uint8_t **bytes_out)
{
    uint64_t position = segment->slots[slot].position;
    uint64_t span = cc_commitlog_segment_span(segment, slot);
    size_t ahead = span < SPAN_READ_AT_ONCE ? (size_t)span : CC_COMMITLOG_RECORD_SIZE;

    if (segment == cc_commitlog_tail(log) && position >= log->output.offset) {
        bool is_ours;

        *bytes_out = log->output.data + (position - log->output.offset);
        is_ours =
            cc_commitlog_record_decode(*bytes_out, segment->head.generation, position, record_out);
        CC_ASSERT(is_ours);
        return COPYCAT_OK;
    }
    return cc_commitlog_record_at(
        log, &log->window, segment, position, log->ahead > ahead ? log->ahead : ahead, record_out,
        bytes_out);
}

/* Takes the mask off, if there is one, into memory that is used again. */
static copycat_status unmask(
    struct cc_commitlog *log, const struct cc_commitlog_record *record, const uint8_t **body)
{
    size_t size = (size_t)record->key_size + record->size;

    if (record->mask == 0 || size == 0) {
        return COPYCAT_OK;
    }
    if (size > log->plain_capacity) {
        uint8_t *grown = log->memory->resize(log->memory->context, log->plain, size);

        if (grown == NULL) {
            return COPYCAT_ERR_MEMORY;
        }
        log->plain = grown;
        log->plain_capacity = size;
    }
    cc_commitlog_body_encode(
        log->plain, record->mask, (copycat_bytes){0}, (copycat_bytes){*body, size});
    *body = log->plain;
    return COPYCAT_OK;
}

copycat_status cc_commitlog_read(
    struct cc_commitlog *log, uint64_t index, copycat_log_entry *entry_out)
{
    uint32_t number = cc_commitlog_segment_of(log, index);
    struct cc_commitlog_segment *segment;
    struct cc_commitlog_record record;
    const uint8_t *body;
    copycat_status status;

    if (log->failed != COPYCAT_OK) {
        return log->failed;
    }
    if (!cc_commitlog_contains(log, index)) {
        return COPYCAT_ERR_INVALID;
    }
    segment = log->segments[number];
    status = find_record(log, segment, cc_commitlog_segment_find(segment, index), &record, &body);
    if (status != COPYCAT_OK) {
        return status;
    }
    if (record.kind != CC_COMMITLOG_ENTRY || record.index != index) {
        return damaged(
            log, segment, segment->slots[cc_commitlog_segment_find(segment, index)].position);
    }
    body += CC_COMMITLOG_RECORD_SIZE;
    status = unmask(log, &record, &body);
    if (status == COPYCAT_OK) {
        *entry_out = (copycat_log_entry){
            .index = index,
            .time_us = record.time_us,
            .key = {body, record.key_size},
            .bytes = {body + record.key_size, record.size},
            .type = record.type};
    }
    return status;
}

bool cc_commitlog_contains(const struct cc_commitlog *log, uint64_t index)
{
    uint32_t number = cc_commitlog_segment_of(log, index);

    return index >= log->floor && number < log->segment_count &&
           cc_commitlog_segment_has(log->segments[number], index);
}

uint64_t cc_commitlog_next(const struct cc_commitlog *log, uint64_t index)
{
    uint64_t from = index > log->floor ? index : log->floor;
    uint32_t number = cc_commitlog_segment_of(log, from);

    for (; number < log->segment_count; number++) {
        const struct cc_commitlog_segment *segment = log->segments[number];

        for (uint32_t slot = cc_commitlog_segment_find(segment, from); slot < segment->count;
             slot++) {
            if (!cc_commitlog_bit(segment->cleaned, slot)) {
                return cc_commitlog_segment_index(segment, slot);
            }
        }
    }
    return 0;
}

/* ---- checking -------------------------------------------------------------------------------- */

static copycat_status verify_segment(struct cc_commitlog *log, struct cc_commitlog_segment *segment)
{
    struct cc_commitlog_record record;
    copycat_status status = COPYCAT_OK;
    const uint8_t *bytes;
    uint64_t offset = CC_COMMITLOG_HEAD_SIZE;
    uint32_t crc = 0;
    uint32_t slot = 0;

    while (status == COPYCAT_OK && offset < segment->end) {
        status = cc_commitlog_record_at(
            log, &log->window, segment, offset, CC_COMMITLOG_WINDOW, &record, &bytes);
        if (status != COPYCAT_OK) {
            return status;
        }
        if (record.kind == CC_COMMITLOG_ENTRY && slot < segment->count) {
            if (segment->slots[slot].position != offset ||
                cc_commitlog_segment_index(segment, slot) != record.index) {
                return damaged(log, segment, offset);
            }
            slot++;
        }
        crc = cc_crc32c(crc, bytes, (size_t)cc_commitlog_record_size(&record));
        offset += cc_commitlog_record_size(&record);
    }
    return crc == segment->records_crc && slot == segment->count
               ? COPYCAT_OK
               : damaged(log, segment, segment->end);
}

/* The head and the footer are in memory; what is on disk may have changed since. */
static copycat_status verify_ends(struct cc_commitlog *log, struct cc_commitlog_segment *segment)
{
    struct cc_commitlog_segment *again = cc_commitlog_segment_create(log->memory, &segment->head);
    struct cc_commitlog_head head;
    const uint8_t *bytes;
    copycat_status status;

    if (again == NULL) {
        return COPYCAT_ERR_MEMORY;
    }
    again->size = segment->size;
    status = cc_commitlog_window_at(log, &log->window, again, 0, CC_COMMITLOG_HEAD_SIZE, 0, &bytes);
    if (status == COPYCAT_OK && cc_commitlog_head_decode(bytes, &head) != COPYCAT_OK) {
        status = cc_commitlog_complain(log, COPYCAT_ERR_DAMAGED, segment, "the head is damaged", 0);
    }
    if (status == COPYCAT_OK && segment->is_sealed) {
        status = cc_commitlog_footer_read(log, again);
        if (status == COPYCAT_ERR_DAMAGED) {
            status =
                cc_commitlog_complain(log, status, segment, "the footer is damaged", segment->end);
        }
    }
    cc_commitlog_segment_destroy(log, again);
    return status;
}

copycat_status cc_commitlog_verify(struct cc_commitlog *log)
{
    copycat_status status = log->failed;
    struct cc_commitlog_segment *tail = cc_commitlog_tail(log);

    if (status != COPYCAT_OK) {
        return status;
    }
    status = cc_commitlog_output_drain(log, &log->output, tail);
    if (status != COPYCAT_OK) {
        log->failed = status;
        return status;
    }
    tail->size = tail->end;
    log->window.segment = NULL;
    for (uint32_t i = 0; i < log->segment_count && status == COPYCAT_OK; i++) {
        status = verify_ends(log, log->segments[i]);
        if (status == COPYCAT_OK) {
            status = verify_segment(log, log->segments[i]);
        }
    }
    return status;
}
