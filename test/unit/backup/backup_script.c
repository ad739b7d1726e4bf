/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_script -- see backup_script.h.
 */
#include "unit/backup/backup_script.h"

#include "base/prng.h"

#include <stdlib.h>
#include <string.h>

int64_t script_blocks;

static void *resize(void *context, void *block, size_t size)
{
    (void)context;
    script_blocks += block == NULL && size > 0;
    script_blocks -= block != NULL && size == 0;
    if (size == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, size);
}

const struct cc_memory script_memory = {resize, NULL};

/* ---- a file ----------------------------------------------------------------------------------- */

bool memory_file_put(void *owner, const void *blocks, size_t size)
{
    struct memory_file *file = owner;

    if (file->full_at != 0 && file->size + size > file->full_at) {
        return false;
    }
    file->data = realloc(file->data, file->size + size);
    if (file->data == NULL) {
        abort();
    }
    memcpy(file->data + file->size, blocks, size);
    file->size += size;
    return true;
}

struct reading {
    struct memory_file *file;
    copycat_bytes records; /* that were handed on, and are there until more is read */
};

static copycat_status read_file(void *owner, uint64_t offset, void *data, size_t size)
{
    const struct reading *reading = owner;

    return memory_file_read(reading->file, offset, data, size);
}

copycat_status memory_file_read(void *owner, uint64_t offset, void *data, size_t size)
{
    const struct memory_file *file = owner;

    if (offset > file->size || size > file->size - offset) {
        return COPYCAT_ERR_IO;
    }
    memcpy(data, file->data + offset, size);
    return COPYCAT_OK;
}

void memory_file_free(struct memory_file *file)
{
    free(file->data);
    *file = (struct memory_file){0};
}

/* ---- records ---------------------------------------------------------------------------------- */

void script_records(struct cc_writer *writer, const size_t *sizes, size_t count)
{
    struct cc_prng prng = {.state = 1};
    size_t start = cc_image_record_begin(writer, CC_IMAGE_HEAD);

    cc_write_varint(writer, 1);
    cc_write_varint(writer, SCRIPT_INDEX);
    cc_write_varint(writer, SCRIPT_TIME_US);
    cc_write_varint(writer, 0);
    cc_image_record_end(writer, start);
    start = cc_image_record_begin(writer, CC_IMAGE_INSTANCE);
    cc_write_varint(writer, 0);
    cc_write_varint(writer, 0);
    cc_write_varint(writer, 1);
    cc_image_record_end(writer, start);
    for (size_t i = 0; i < count; i++) {
        start = cc_image_record_begin(writer, CC_IMAGE_BLOB);
        for (size_t at = 0; at < sizes[i]; at++) {
            /* Half of it packs, half of it does not. */
            cc_write_u8(writer, i % 2 == 0 ? (uint8_t)i : (uint8_t)cc_prng_below(&prng, 256));
        }
        cc_image_record_end(writer, start);
    }
    start = cc_image_record_begin(writer, CC_IMAGE_END);
    for (uint32_t type = CC_IMAGE_INSTANCE; type <= CC_IMAGE_LIVE; type++) { /* COMMIT: that live */
        cc_write_varint(writer, type == CC_IMAGE_INSTANCE ? 1 : type == CC_IMAGE_BLOB ? count : 0);
    }
    cc_write_u64(writer, SCRIPT_DIGEST);
    cc_image_record_end(writer, start);
}

struct cc_backup_file_head script_head(void)
{
    struct cc_backup_file_head head = {
        .index = SCRIPT_INDEX, .term = 2, .time_us = SCRIPT_TIME_US, .made_us = 2000000};

    for (uint8_t i = 0; i < CC_CLUSTER_ID_SIZE; i++) {
        head.cluster_id[i] = (uint8_t)(0xa0 + i);
    }
    return head;
}

bool script_write(struct memory_file *file, copycat_bytes records, size_t chunk)
{
    const struct cc_backup_file_head head = script_head();
    const uint8_t *data = records.data;
    struct cc_backup_writer writer;
    bool is_sound = true;

    cc_backup_write_begin(&writer, &script_memory, &head, memory_file_put, file);
    for (size_t at = 0; at < records.size && is_sound; at += chunk) {
        size_t left = records.size - at;

        is_sound =
            cc_backup_write_add(&writer, (copycat_bytes){data + at, left < chunk ? left : chunk});
    }
    is_sound = is_sound && cc_backup_write_finish(&writer);
    cc_backup_write_end(&writer);
    return is_sound;
}

static void on_records(void *owner, copycat_bytes records)
{
    struct reading *reading = owner;

    reading->records = records;
}

copycat_status script_read(
    struct memory_file *file, struct cc_writer *writer, struct cc_backup_reader *reader_out)
{
    struct reading reading = {.file = file};
    bool is_over = false;
    copycat_status status = cc_backup_read_begin(
        reader_out, &script_memory, file->size, read_file, on_records, &reading);

    while (status == COPYCAT_OK && !is_over) {
        reading.records = (copycat_bytes){NULL, 0};
        status = cc_backup_read_next(reader_out, &is_over);
        if (writer != NULL) {
            cc_write_raw(writer, reading.records.data, reading.records.size);
        }
    }
    cc_backup_read_end(reader_out);
    return status;
}
