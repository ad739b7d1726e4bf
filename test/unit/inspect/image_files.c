/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_files -- see image_files.h.
 */
#include "image_files.h"

#include "base/assert.h"
#include "resource/map/map_operation.h"

#include <string.h>

#define TERM 1u

void image_records_begin(struct image_records *records, struct memory_disk *disk)
{
    records->disk = disk;
    cc_writer_init_fixed(&records->writer, records->bytes, sizeof records->bytes);
    records->segment = (struct cc_image_segment){0};
    records->live_last = 0;
}

void image_records_head(struct image_records *records, uint64_t index)
{
    size_t start = cc_image_record_begin(&records->writer, CC_IMAGE_HEAD);

    cc_write_varint(&records->writer, CC_IMAGE_VERSION);
    cc_write_varint(&records->writer, index);
    cc_write_varint(&records->writer, 77); /* log time */
    cc_write_varint(&records->writer, 0);
    cc_image_record_end(&records->writer, start);
}

void image_records_instance(struct image_records *records, uint64_t id, uint32_t type)
{
    size_t start = cc_image_record_begin(&records->writer, CC_IMAGE_INSTANCE);

    cc_write_varint(&records->writer, id);
    cc_write_varint(&records->writer, type);
    cc_write_varint(&records->writer, 1);
    cc_image_record_end(&records->writer, start);
}

void image_records_blob(struct image_records *records, uint64_t instance, uint32_t size)
{
    size_t start = cc_image_record_begin(&records->writer, CC_IMAGE_BLOB);

    cc_write_varint(&records->writer, instance);
    cc_write_varint(&records->writer, 0);
    cc_write_u8(&records->writer, 1);
    for (uint32_t i = 0; i < size; i++) {
        cc_write_u8(&records->writer, (uint8_t)(i * i % 251)); /* does not pack well */
    }
    cc_image_record_end(&records->writer, start);
}

void image_records_live(struct image_records *records, uint64_t first, uint64_t count)
{
    size_t start = cc_image_record_begin(&records->writer, CC_IMAGE_LIVE);

    cc_write_varint(&records->writer, first - records->live_last);
    cc_write_varint(&records->writer, count);
    records->live_last = first + count - 1;
    cc_image_record_end(&records->writer, start);
}

void image_records_end(struct image_records *records, uint64_t commits)
{
    size_t start = cc_image_record_begin(&records->writer, CC_IMAGE_END);

    for (int type = CC_IMAGE_INSTANCE; type <= CC_IMAGE_BLOB; type++) {
        cc_write_varint(&records->writer, 1);
    }
    cc_write_varint(&records->writer, 1); /* of LIVE */
    cc_write_varint(&records->writer, commits);
    cc_write_u64(&records->writer, UINT64_C(0x1234));
    cc_image_record_end(&records->writer, start);
}

/* ---- commits --------------------------------------------------------------------------------- */

static struct cc_block *make_entry(
    const struct cc_memory *memory, uint64_t index, uint64_t instance, const char *key)
{
    const struct cc_map_operation operation = {
        .code = CC_MAP_PUT, .key = {key, strlen(key)}, .value = {"a value", 7}};
    struct cc_command command = {.session = 2, .sequence = index, .instance = instance};
    uint8_t bytes[256];
    uint8_t payload[512];
    struct cc_writer writer;
    struct cc_block *block;

    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_map_operation_encode(&writer, &operation);
    CC_ASSERT(!writer.failed);
    command.operation = (copycat_bytes){writer.data, writer.size};
    cc_writer_init_fixed(&writer, payload, sizeof payload);
    cc_command_encode(&writer, &command);
    CC_ASSERT(!writer.failed);
    block = cc_entry_create(memory, CC_ENTRY_COMMAND, (copycat_bytes){writer.data, writer.size});
    cc_entry_stamp(block, 0, index, TERM, 70);
    return block;
}

void image_records_commit(
    struct image_records *records, uint64_t index, uint64_t instance, const char *key)
{
    struct cc_block *block = make_entry(&records->disk->memory, index, instance, key);
    struct cc_image_segment *segment = &records->segment;
    size_t start = cc_image_record_begin(&records->writer, CC_IMAGE_COMMIT);

    cc_write_raw(&records->writer, block->data, block->size);
    cc_image_record_end(&records->writer, start);
    cc_block_release(block);
    segment->first = segment->count == 0 ? index : segment->first;
    segment->last = index;
    segment->count++;
    segment->bytes += records->writer.size - start;
}

/* ---- files ----------------------------------------------------------------------------------- */

struct cc_image_id image_records_write_image(
    struct image_records *records,
    const struct cc_image_head *head,
    const struct cc_image_segment *segments,
    size_t count)
{
    static const struct image_script nothing = {.count = 0};
    struct image_writing writing;
    bool is_taken;

    CC_ASSERT(!records->writer.failed);
    image_write_begin(&writing, records->disk, head, &nothing);
    is_taken = cc_image_write_add(
        writing.writer, (copycat_bytes){records->writer.data, records->writer.size});
    CC_ASSERT(is_taken);
    if (count > 0) {
        cc_image_write_segments(writing.writer, segments, count);
    }
    image_write_more(&writing);
    image_write_run(&writing, UINT64_MAX);
    CC_ASSERT(writing.dones == 1 && writing.status == COPYCAT_OK);
    return writing.id;
}

struct cc_image_segment image_records_write_segment(struct image_records *records)
{
    const struct cc_image_head head = {.index = records->segment.first, .is_segment = true};
    struct cc_image_segment segment = records->segment;
    struct cc_image_id id = image_records_write_image(records, &head, NULL, 0);

    segment.size = id.size;
    segment.checksum = id.checksum;
    return segment;
}

struct memory_file *image_file_named(struct memory_disk *disk, const char *name)
{
    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        if (disk->files[i].is_named && strcmp(disk->files[i].name, name) == 0) {
            return &disk->files[i];
        }
    }
    CC_ASSERT(false);
    return NULL;
}
