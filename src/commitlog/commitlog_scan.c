/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commitlog_scan -- a segment without a footer: its records, one after the other.
 *
 * Where the last one was being written when the machine stopped, its end is not whole.  Everything
 * below a mark was durable before the mark was written, so what does not read there is damage; what
 * is above may never have been written, but then a sector of it is zeros from where it should begin,
 * or the file ends.  What looks written and does not read is damage as well (T-050).
 */
#include "base/assert.h"
#include "base/bug.h"
#include "base/crc32c.h"
#include "commitlog/commitlog_internal.h"
#include "wire/bytes.h"

#include <string.h>

/* Counts a record that is whole; DAMAGED: it does not belong here. */
static copycat_status take(
    struct cc_commitlog *log,
    struct cc_commitlog_segment *segment,
    const struct cc_commitlog_record *record,
    const uint8_t *bytes)
{
    uint64_t size = cc_commitlog_record_size(record);
    bool is_wrong = segment->end > UINT32_MAX;

    if (record->kind == CC_COMMITLOG_ENTRY && !is_wrong) {
        is_wrong = record->index <= segment->last ||
                   (segment->count > 0 && record->index - segment->base > UINT32_MAX);
        if (!is_wrong && !cc_commitlog_segment_reserve(log->memory, segment)) {
            return COPYCAT_ERR_MEMORY;
        }
        if (!is_wrong) {
            cc_commitlog_segment_add(segment, record->index, segment->end, record->time_us);
        }
    }
    if (record->kind == CC_COMMITLOG_CLEANED && !is_wrong) {
        if (!cc_commitlog_segment_reserve_note(log->memory, segment)) {
            return COPYCAT_ERR_MEMORY;
        }
        segment->notes[segment->note_count++] = (uint32_t)segment->end;
    }
    if (record->kind == CC_COMMITLOG_MARK && !is_wrong) {
        is_wrong = record->time_us > segment->end;
        log->floor = record->index > log->floor ? record->index : log->floor;
        log->marked_end = record->time_us > log->marked_end ? record->time_us : log->marked_end;
    }
    if (is_wrong) {
        return cc_commitlog_complain(
            log, COPYCAT_ERR_DAMAGED, segment, "a record does not belong here", segment->end);
    }
    segment->records_crc = cc_crc32c(segment->records_crc, bytes, (size_t)size);
    segment->end += size;
    return COPYCAT_OK;
}

/* The record at `offset` of a file of which nothing else is known; false: none that is whole. */
static copycat_status look(
    struct cc_commitlog *log,
    struct cc_commitlog_segment *segment,
    uint64_t offset,
    struct cc_commitlog_record *record_out,
    const uint8_t **bytes_out,
    bool *is_whole_out)
{
    copycat_status status;
    uint64_t size;

    *is_whole_out = false;
    if (offset + CC_COMMITLOG_RECORD_SIZE > segment->size) {
        return COPYCAT_OK;
    }
    status = cc_commitlog_window_at(
        log, &log->window, segment, offset, CC_COMMITLOG_RECORD_SIZE, CC_COMMITLOG_WINDOW,
        bytes_out);
    if (status != COPYCAT_OK ||
        !cc_commitlog_record_decode(*bytes_out, segment->head.generation, offset, record_out)) {
        return status;
    }
    size = cc_commitlog_record_size(record_out);
    if (size > segment->size - offset) {
        return COPYCAT_OK;
    }
    status = cc_commitlog_window_at(
        log, &log->window, segment, offset, (size_t)size, CC_COMMITLOG_WINDOW, bytes_out);
    *is_whole_out = status == COPYCAT_OK && cc_commitlog_body_is_whole(*bytes_out, record_out);
    return status;
}

static copycat_status damaged(
    struct cc_commitlog *log, const struct cc_commitlog_segment *segment, uint64_t offset)
{
    return cc_commitlog_complain(log, COPYCAT_ERR_DAMAGED, segment, "a record is damaged", offset);
}

/* Whole records from the head on, as far as there are. */
static copycat_status take_whole(
    struct cc_commitlog *log, struct cc_commitlog_segment *segment, uint64_t end)
{
    struct cc_commitlog_record record;
    copycat_status status = COPYCAT_OK;
    const uint8_t *bytes;
    bool is_whole = true;

    segment->end = CC_COMMITLOG_HEAD_SIZE;
    while (status == COPYCAT_OK && is_whole && segment->end < end) {
        status = look(log, segment, segment->end, &record, &bytes, &is_whole);
        if (status == COPYCAT_OK && is_whole) {
            status = take(log, segment, &record, bytes);
        }
    }
    return status;
}

copycat_status cc_commitlog_scan(
    struct cc_commitlog *log, struct cc_commitlog_segment *segment, uint64_t end)
{
    uint64_t marked_end = log->marked_end;
    copycat_status status = take_whole(log, segment, end);

    log->marked_end = marked_end; /* that is of the last segment only */
    if (status == COPYCAT_OK && segment->end != end) {
        status = damaged(log, segment, segment->end);
    }
    return status;
}

/* Is a sector from `begin` to `end` all zeros, from there on that is ours? */
static copycat_status find_unwritten(
    struct cc_commitlog *log,
    struct cc_commitlog_segment *segment,
    uint64_t begin,
    uint64_t end,
    bool *is_found_out)
{
    const uint8_t *bytes;

    *is_found_out = false;
    while (begin < end && !*is_found_out) {
        uint64_t next = (begin / CC_FILES_SECTOR + 1) * CC_FILES_SECTOR;
        size_t size = (size_t)((next < end ? next : end) - begin);
        copycat_status status = cc_commitlog_window_at(
            log, &log->window, segment, begin, size, CC_COMMITLOG_WINDOW, &bytes);

        if (status != COPYCAT_OK) {
            return status;
        }
        *is_found_out = true;
        for (size_t i = 0; i < size; i++) {
            *is_found_out = *is_found_out && bytes[i] == 0;
        }
        begin = next;
    }
    return COPYCAT_OK;
}

/* Where the next mark behind `begin` ends, the size of the file if there is none; and the highest that
 * any of them says was durable. */
static copycat_status find_marks(
    struct cc_commitlog *log,
    struct cc_commitlog_segment *segment,
    uint64_t begin,
    uint64_t *end_out,
    uint64_t *durable_out)
{
    struct cc_commitlog_record record;
    copycat_status status = COPYCAT_OK;
    const uint8_t *bytes;
    bool is_whole;

    *end_out = segment->size;
    *durable_out = 0;
    for (uint64_t offset = begin + 8; status == COPYCAT_OK && offset < segment->size; offset += 8) {
        status = look(log, segment, offset, &record, &bytes, &is_whole);
        if (status != COPYCAT_OK || !is_whole || record.kind != CC_COMMITLOG_MARK) {
            continue;
        }
        if (*end_out == segment->size) {
            *end_out = offset + cc_commitlog_record_size(&record);
        }
        *durable_out = record.time_us > *durable_out ? record.time_us : *durable_out;
    }
    return status;
}

/* What does not read at the segment's end: OK, that was never flushed. */
static copycat_status judge(struct cc_commitlog *log, struct cc_commitlog_segment *segment)
{
    struct cc_commitlog_record record;
    const uint8_t *bytes;
    uint64_t bad = segment->end;
    uint64_t end;
    uint64_t durable;
    bool is_torn = false;
    copycat_status status = find_marks(log, segment, bad, &end, &durable);

    if (status != COPYCAT_OK) {
        return status;
    }
    durable = durable > log->marked_end ? durable : log->marked_end;
    if (CC_BUG(T050)) {
        return COPYCAT_OK;
    }
    if (durable > bad) {
        return damaged(log, segment, bad);
    }
    status = find_unwritten(log, segment, bad, end, &is_torn);
    if (status != COPYCAT_OK || is_torn) {
        return status;
    }
    if (segment->size - bad < CC_COMMITLOG_RECORD_SIZE) {
        return COPYCAT_OK; /* the file ends within a header */
    }
    status = cc_commitlog_window_at(
        log, &log->window, segment, bad, CC_COMMITLOG_RECORD_SIZE, CC_COMMITLOG_WINDOW, &bytes);
    if (status == COPYCAT_OK &&
        cc_commitlog_record_decode(bytes, segment->head.generation, bad, &record) &&
        cc_commitlog_record_size(&record) > segment->size - bad) {
        return COPYCAT_OK; /* or within a body */
    }
    return status == COPYCAT_OK ? damaged(log, segment, bad) : status;
}

copycat_status cc_commitlog_scan_open(
    struct cc_commitlog *log, struct cc_commitlog_segment *segment)
{
    copycat_status status;

    log->marked_end = segment->head.given_end;
    status = take_whole(log, segment, segment->size);
    if (status == COPYCAT_OK && segment->end < segment->size) {
        status = judge(log, segment);
    }
    if (status == COPYCAT_OK && segment->end < log->marked_end) {
        return damaged(log, segment, segment->end);
    }
    return status;
}
