/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commitlog_output -- a file that grows by whole records (L4).
 */
#include "base/assert.h"
#include "base/crc32c.h"
#include "commitlog/commitlog_internal.h"
#include "wire/bytes.h"

#include <string.h>

#define MARK_BODY_SIZE (CC_COMMITLOG_MARK_SIZE - CC_COMMITLOG_RECORD_SIZE)

copycat_status cc_commitlog_output_drain(
    struct cc_commitlog *log,
    struct cc_commitlog_output *output,
    struct cc_commitlog_segment *segment)
{
    copycat_status status;

    if (output->size == 0) {
        return COPYCAT_OK;
    }
    status = log->files.table->write(
        log->files.context, output->file, output->offset, output->data, output->size);
    if (status != COPYCAT_OK) {
        return cc_commitlog_complain(
            log, status, segment, log->files.table->reason(log->files.context), output->offset);
    }
    output->offset += output->size;
    output->size = 0;
    segment->size = output->offset;
    return COPYCAT_OK;
}

copycat_status cc_commitlog_output_room(
    struct cc_commitlog *log,
    struct cc_commitlog_output *output,
    struct cc_commitlog_segment *segment,
    size_t size,
    uint8_t **room_out)
{
    size_t wanted = size > CC_COMMITLOG_GATHER ? size : CC_COMMITLOG_GATHER;
    copycat_status status;
    uint8_t *grown;

    if (output->size + size > output->capacity && output->size > 0) {
        status = cc_commitlog_output_drain(log, output, segment);
        if (status != COPYCAT_OK) {
            return status;
        }
    }
    if (size > output->capacity) {
        grown = log->memory->resize(log->memory->context, output->data, wanted);
        if (grown == NULL) {
            return COPYCAT_ERR_MEMORY;
        }
        output->data = grown;
        output->capacity = wanted;
    }
    *room_out = output->data + output->size;
    return COPYCAT_OK;
}

void cc_commitlog_output_took(
    struct cc_commitlog_output *output, struct cc_commitlog_segment *segment, size_t size)
{
    CC_ASSERT(output->offset + output->size == segment->end);
    CC_ASSERT(output->size + size <= output->capacity);
    segment->records_crc = cc_crc32c(segment->records_crc, output->data + output->size, size);
    output->size += size;
    segment->end += size;
}

copycat_status cc_commitlog_output_begin(
    struct cc_commitlog *log,
    struct cc_commitlog_output *output,
    struct cc_commitlog_segment *segment)
{
    char name[CC_COMMITLOG_NAME_SIZE];
    uint64_t size;
    copycat_status status;

    CC_ASSERT(output->size == 0);
    cc_commitlog_name(name, segment->head.first, segment->head.generation);
    status = log->files.table->open(log->files.context, name, true, &segment->file, &size);
    if (status != COPYCAT_OK) {
        segment->file = NULL;
        return cc_commitlog_complain(
            log, status == COPYCAT_ERR_INVALID ? COPYCAT_ERR_IO : status, segment,
            log->files.table->reason(log->files.context), COPYCAT_NONE);
    }
    output->file = segment->file;
    output->offset = CC_COMMITLOG_HEAD_SIZE;
    segment->end = CC_COMMITLOG_HEAD_SIZE;
    return COPYCAT_OK;
}

/* What has a body of our own: its room is filled already. */
static void add_own(
    struct cc_commitlog_output *output,
    struct cc_commitlog_segment *segment,
    struct cc_commitlog_record *record,
    uint8_t *room)
{
    record->body_crc = cc_crc32c(0, room + CC_COMMITLOG_RECORD_SIZE, record->size);
    cc_commitlog_record_encode(room, record, segment->head.generation, segment->end);
    cc_commitlog_output_took(output, segment, CC_COMMITLOG_RECORD_SIZE + record->size);
}

copycat_status cc_commitlog_output_cleaned(
    struct cc_commitlog *log,
    struct cc_commitlog_output *output,
    struct cc_commitlog_segment *segment,
    uint64_t generation,
    const uint64_t *indexes,
    uint32_t count)
{
    struct cc_commitlog_record record = {
        .kind = CC_COMMITLOG_CLEANED, .size = 8 * count, .index = generation};
    copycat_status status;
    uint8_t *room;

    CC_ASSERT(count > 0);
    if (!cc_commitlog_segment_reserve_note(log->memory, segment)) {
        return COPYCAT_ERR_MEMORY;
    }
    status = cc_commitlog_output_room(
        log, output, segment, CC_COMMITLOG_RECORD_SIZE + record.size, &room);
    if (status != COPYCAT_OK) {
        return status;
    }
    for (uint32_t i = 0; i < count; i++) {
        cc_store_u64(room + CC_COMMITLOG_RECORD_SIZE + 8 * (size_t)i, indexes[i]);
    }
    CC_ASSERT(segment->end <= UINT32_MAX);
    segment->notes[segment->note_count++] = (uint32_t)segment->end;
    add_own(output, segment, &record, room);
    return COPYCAT_OK;
}

copycat_status cc_commitlog_output_mark(
    struct cc_commitlog *log,
    struct cc_commitlog_output *output,
    struct cc_commitlog_segment *segment)
{
    struct cc_commitlog_record record = {
        .kind = CC_COMMITLOG_MARK,
        .size = MARK_BODY_SIZE,
        .index = log->floor,
        .time_us = log->durable_end};
    uint8_t *room;
    copycat_status status = cc_commitlog_output_room(
        log, output, segment, CC_COMMITLOG_RECORD_SIZE + MARK_BODY_SIZE, &room);

    if (status == COPYCAT_OK) {
        memset(room + CC_COMMITLOG_RECORD_SIZE, 0xff, MARK_BODY_SIZE);
        add_own(output, segment, &record, room);
        log->marked_end = log->durable_end;
    }
    return status;
}
