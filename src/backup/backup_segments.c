/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_segments -- see backup_segments.h.
 */
#include "backup/backup_segments.h"

#include "base/assert.h"

#define SEGMENT_BYTES (4u << 20)
#define SEGMENT_COUNT 65536u

static void on_room(void *owner)
{
    (void)owner; /* a segment takes whatever it is given */
}

static void on_done(
    void *owner, copycat_status status, const struct cc_image_id *id, const char *text)
{
    struct cc_backup_segments *segments = owner;

    segments->writer = NULL;
    segments->is_sealing = false;
    if (status == COPYCAT_OK) {
        if (segments->count == segments->capacity) {
            segments->capacity = segments->capacity == 0 ? 8 : segments->capacity * 2;
            segments->table = cc_memory_grow(
                segments->env->memory, segments->table,
                segments->capacity * sizeof *segments->table);
        }
        segments->name.size = id->size;
        segments->name.checksum = id->checksum;
        segments->table[segments->count++] = segments->name;
    }
    segments->name = (struct cc_image_segment){0};
    segments->on_sealed(segments->owner, status, text);
}

static void open_segment(struct cc_backup_segments *segments, uint64_t index)
{
    static const struct cc_image_write_callbacks callbacks = {
        .on_room = on_room, .on_done = on_done};
    struct cc_image_head head = segments->head;
    copycat_status status;

    head.index = index;
    head.term = 0;
    head.time_us = 0;
    head.is_segment = true;
    status = cc_image_write_begin(
        &segments->writer, segments->env, segments->directory, &head, &callbacks, segments);
    CC_ASSERT(status == COPYCAT_OK); /* the image lies in that directory */
}

bool cc_backup_segments_seal(struct cc_backup_segments *segments)
{
    if (segments->writer == NULL) {
        return true;
    }
    if (!segments->is_sealing) {
        segments->is_sealing = true;
        cc_image_write_finish(segments->writer);
    }
    return false;
}

bool cc_backup_segments_add(
    struct cc_backup_segments *segments, const struct cc_image_record *record)
{
    struct cc_image_segment *name = &segments->name;
    uint64_t index = cc_image_record_index(record);
    size_t size = record->whole.size;
    bool has_room = name->bytes + size <= SEGMENT_BYTES && name->count < SEGMENT_COUNT;

    if (segments->is_sealing ||
        (name->count > 0 && !has_room && !cc_backup_segments_seal(segments))) {
        return false;
    }
    if (segments->writer == NULL) {
        open_segment(segments, index);
        name->first = index;
    }
    name->last = index;
    name->count++;
    name->bytes += size;
    (void)cc_image_write_add(segments->writer, record->whole);
    return true;
}

void cc_backup_segments_deinit(struct cc_backup_segments *segments)
{
    CC_ASSERT(segments->writer == NULL);
    cc_memory_give(segments->env->memory, segments->table);
    segments->table = NULL;
}
