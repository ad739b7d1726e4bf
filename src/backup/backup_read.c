/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_read -- see backup_read.h.
 */
#include "backup/backup_read.h"

#include "log/image_codec.h"
#include "log/image_format.h"

#include <string.h>

static copycat_status fail(
    struct cc_backup_reader *reader, copycat_status status, const char *trouble, uint64_t at)
{
    reader->trouble = trouble;
    reader->trouble_at = at;
    return status;
}

static void reserve(struct cc_backup_reader *reader, uint8_t **at, size_t *capacity, size_t size)
{
    if (size > *capacity) {
        *at = cc_memory_grow(reader->memory, *at, size);
        *capacity = size;
    }
}

/* ---- head and end ----------------------------------------------------------------------------- */

static copycat_status open_head(struct cc_backup_reader *reader)
{
    uint8_t block[CC_DISK_BLOCK];
    copycat_status status;

    if (reader->size < CC_DISK_BLOCK) {
        return fail(
            reader, COPYCAT_ERR_INVALID, "this is no backup: it is too short", COPYCAT_NONE);
    }
    status = reader->read(reader->owner, 0, block, sizeof block);
    if (status != COPYCAT_OK) {
        return fail(reader, status, "it cannot be read", 0);
    }
    status = cc_backup_head_open(block, &reader->head);
    if (status != COPYCAT_OK) {
        return fail(
            reader, status,
            status == COPYCAT_ERR_INVALID ? "this is no backup"
            : status == COPYCAT_ERR_NEWER ? "it was made by a newer version"
                                          : "its head is damaged",
            status == COPYCAT_ERR_DAMAGED ? 0 : COPYCAT_NONE);
    }
    reader->checksum = cc_image_checksum(0, block, sizeof block);
    reader->at = sizeof block;
    return COPYCAT_OK;
}

static copycat_status open_end(struct cc_backup_reader *reader)
{
    uint8_t block[CC_DISK_BLOCK];
    uint64_t at = reader->size - CC_DISK_BLOCK;
    copycat_status status;

    if (reader->size < CC_BACKUP_SIZE_MIN || reader->size % CC_DISK_BLOCK != 0) {
        return fail(
            reader, COPYCAT_ERR_DAMAGED,
            "it is cut short, or more was added: it does not end as a backup does", reader->size);
    }
    status = reader->read(reader->owner, at, block, sizeof block);
    if (status != COPYCAT_OK) {
        return fail(reader, status, "it cannot be read", at);
    }
    if (!cc_backup_end_open(block, &reader->end)) {
        return fail(
            reader, COPYCAT_ERR_DAMAGED,
            "it is cut short, or its end is damaged: it does not end as a backup does", at);
    }
    if (reader->end.size != reader->size) {
        return fail(
            reader, COPYCAT_ERR_DAMAGED, "it has another size than when it was made", reader->size);
    }
    return COPYCAT_OK;
}

copycat_status cc_backup_read_begin(
    struct cc_backup_reader *reader,
    const struct cc_memory *memory,
    uint64_t size,
    copycat_status (*read)(void *owner, uint64_t offset, void *data, size_t size),
    void (*on_records)(void *owner, copycat_bytes records),
    void *owner)
{
    copycat_status status;

    *reader = (struct cc_backup_reader){
        .memory = memory, .read = read, .owner = owner, .size = size, .trouble = ""};
    cc_backup_records_init(&reader->records, memory, on_records, owner);
    status = open_head(reader);
    return status == COPYCAT_OK ? open_end(reader) : status;
}

/* ---- pieces ----------------------------------------------------------------------------------- */

static copycat_status finish(struct cc_backup_reader *reader, bool *is_over)
{
    if (reader->pieces != reader->end.pieces || reader->raw_size != reader->end.raw_size ||
        reader->checksum != reader->end.checksum) {
        return fail(
            reader, COPYCAT_ERR_DAMAGED, "its end does not belong to what is before it",
            reader->at);
    }
    if (!cc_backup_records_are_whole(&reader->records)) {
        return fail(reader, COPYCAT_ERR_DAMAGED, reader->records.trouble, reader->at);
    }
    if (reader->records.index != reader->head.index ||
        reader->records.time_us != reader->head.time_us ||
        reader->records.digest != reader->end.digest) {
        return fail(
            reader, COPYCAT_ERR_DAMAGED, "head and end do not belong to its records", reader->at);
    }
    *is_over = true;
    return COPYCAT_OK;
}

/* The blocks of the next piece, whole and in their place. */
static copycat_status fetch(struct cc_backup_reader *reader, struct cc_image_piece *piece_out)
{
    uint64_t left = reader->size - CC_DISK_BLOCK - reader->at;
    copycat_status status;
    size_t size;

    reserve(reader, &reader->blocks, &reader->blocks_capacity, CC_DISK_BLOCK);
    status = reader->read(reader->owner, reader->at, reader->blocks, CC_DISK_BLOCK);
    if (status != COPYCAT_OK) {
        return fail(reader, status, "it cannot be read", reader->at);
    }
    if (!cc_image_piece_decode(reader->blocks, piece_out) ||
        cc_image_piece_size(piece_out->stored_size) > left) {
        return fail(reader, COPYCAT_ERR_DAMAGED, "a piece of it is damaged", reader->at);
    }
    size = cc_image_piece_size(piece_out->stored_size);
    reserve(reader, &reader->blocks, &reader->blocks_capacity, size);
    if (size > CC_DISK_BLOCK) {
        status = reader->read(
            reader->owner, reader->at + CC_DISK_BLOCK, reader->blocks + CC_DISK_BLOCK,
            size - CC_DISK_BLOCK);
    }
    if (status != COPYCAT_OK) {
        return fail(reader, status, "it cannot be read", reader->at);
    }
    if (!cc_image_piece_is_whole(reader->blocks, size) || piece_out->number != reader->pieces ||
        piece_out->offset != reader->at || piece_out->checksum != reader->checksum) {
        return fail(reader, COPYCAT_ERR_DAMAGED, "a piece of it is damaged", reader->at);
    }
    reader->checksum = cc_image_checksum(reader->checksum, reader->blocks, size);
    return COPYCAT_OK;
}

static bool unpack(
    struct cc_backup_reader *reader, const struct cc_image_piece *piece, copycat_bytes *bytes_out)
{
    const uint8_t *stored = reader->blocks + CC_IMAGE_PIECE_HEADER_SIZE;

    if (piece->codec == CC_IMAGE_CODEC_NONE) {
        *bytes_out = (copycat_bytes){stored, piece->raw_size};
        return true;
    }
    reserve(reader, &reader->raw, &reader->raw_capacity, piece->raw_size);
    *bytes_out = (copycat_bytes){reader->raw, piece->raw_size};
    return cc_image_unpack(reader->raw, piece->raw_size, stored, piece->stored_size);
}

copycat_status cc_backup_read_next(struct cc_backup_reader *reader, bool *is_over)
{
    struct cc_image_piece piece;
    copycat_bytes bytes;
    copycat_status status;

    *is_over = false;
    if (reader->at == reader->size - CC_DISK_BLOCK) {
        return finish(reader, is_over);
    }
    status = fetch(reader, &piece);
    if (status != COPYCAT_OK) {
        return status;
    }
    if (!unpack(reader, &piece, &bytes)) {
        return fail(reader, COPYCAT_ERR_DAMAGED, "a piece of it does not unpack", reader->at);
    }
    if (!cc_backup_records_take(&reader->records, bytes)) {
        return fail(reader, COPYCAT_ERR_DAMAGED, reader->records.trouble, reader->at);
    }
    reader->at += cc_image_piece_size(piece.stored_size);
    reader->pieces++;
    reader->raw_size += piece.raw_size;
    return COPYCAT_OK;
}

void cc_backup_read_end(struct cc_backup_reader *reader)
{
    cc_backup_records_deinit(&reader->records);
    cc_memory_give(reader->memory, reader->blocks);
    cc_memory_give(reader->memory, reader->raw);
    reader->blocks = NULL;
    reader->raw = NULL;
}
