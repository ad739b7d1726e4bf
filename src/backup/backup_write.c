/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_write -- see backup_write.h.
 */
#include "backup/backup_write.h"

#include "base/assert.h"
#include "log/image_codec.h"
#include "log/image_format.h"

#include <string.h>

#define PIECE_BLOCKS_SIZE                                                                  \
    ((CC_BACKUP_PIECE_SIZE + CC_IMAGE_PIECE_HEADER_SIZE + CC_DISK_BLOCK) / CC_DISK_BLOCK * \
     CC_DISK_BLOCK)

static bool put(struct cc_backup_writer *writer, size_t size)
{
    if (!writer->has_failed && !writer->put(writer->owner, writer->blocks, size)) {
        writer->has_failed = true;
    }
    writer->end.size += size;
    return !writer->has_failed;
}

void cc_backup_write_begin(
    struct cc_backup_writer *writer,
    const struct cc_memory *memory,
    const struct cc_backup_file_head *head,
    bool (*put_blocks)(void *owner, const void *blocks, size_t size),
    void *owner)
{
    *writer = (struct cc_backup_writer){
        .memory = memory, .put = put_blocks, .owner = owner, .head = *head};
    cc_backup_records_init(&writer->records, memory, NULL, NULL);
    writer->raw = cc_memory_take(memory, CC_BACKUP_PIECE_SIZE);
    writer->blocks = cc_memory_take(memory, PIECE_BLOCKS_SIZE);
    cc_backup_head_seal(writer->blocks, head);
    writer->end.checksum = cc_image_checksum(0, writer->blocks, CC_DISK_BLOCK);
    (void)put(writer, CC_DISK_BLOCK);
}

static void put_piece(struct cc_backup_writer *writer)
{
    uint8_t *stored = writer->blocks + CC_IMAGE_PIECE_HEADER_SIZE;
    size_t packed = cc_image_pack(stored, writer->raw, writer->raw_size);
    struct cc_image_piece piece = {
        .number = (uint32_t)writer->end.pieces,
        .raw_size = (uint32_t)writer->raw_size,
        .stored_size = (uint32_t)(packed > 0 ? packed : writer->raw_size),
        .codec = packed > 0 ? CC_IMAGE_CODEC_ZSTD : CC_IMAGE_CODEC_NONE,
        .offset = writer->end.size,
        .checksum = writer->end.checksum,
    };
    size_t size = cc_image_piece_size(piece.stored_size);

    CC_ASSERT(size <= PIECE_BLOCKS_SIZE);
    if (packed == 0) {
        memcpy(stored, writer->raw, writer->raw_size);
    }
    cc_image_piece_seal(writer->blocks, &piece);
    writer->end.checksum = cc_image_checksum(writer->end.checksum, writer->blocks, size);
    writer->end.pieces++;
    writer->end.raw_size += writer->raw_size;
    writer->raw_size = 0;
    (void)put(writer, size);
}

bool cc_backup_write_add(struct cc_backup_writer *writer, copycat_bytes bytes)
{
    const uint8_t *data = bytes.data;

    if (!cc_backup_records_take(&writer->records, bytes)) {
        writer->has_failed = true;
    }
    for (size_t at = 0; at < bytes.size && !writer->has_failed;) {
        size_t room = CC_BACKUP_PIECE_SIZE - writer->raw_size;
        size_t size = bytes.size - at < room ? bytes.size - at : room;

        memcpy(writer->raw + writer->raw_size, data + at, size);
        writer->raw_size += size;
        at += size;
        if (writer->raw_size == CC_BACKUP_PIECE_SIZE) {
            put_piece(writer);
        }
    }
    return !writer->has_failed;
}

bool cc_backup_write_finish(struct cc_backup_writer *writer)
{
    if (writer->has_failed || !cc_backup_records_are_whole(&writer->records)) {
        writer->has_failed = true;
        return false;
    }
    if (writer->records.index != writer->head.index ||
        writer->records.time_us != writer->head.time_us) {
        writer->records.trouble = "it is not of the entry that it was said to be of";
        writer->has_failed = true;
        return false;
    }
    if (writer->raw_size > 0) {
        put_piece(writer);
    }
    writer->end.digest = writer->records.digest;
    writer->end.size += CC_DISK_BLOCK;
    cc_backup_end_seal(writer->blocks, &writer->end);
    writer->end.size -= CC_DISK_BLOCK;
    return put(writer, CC_DISK_BLOCK);
}

void cc_backup_write_end(struct cc_backup_writer *writer)
{
    cc_backup_records_deinit(&writer->records);
    cc_memory_give(writer->memory, writer->raw);
    cc_memory_give(writer->memory, writer->blocks);
    writer->raw = NULL;
    writer->blocks = NULL;
}
