/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_write -- an image is written: what is added gathers in pieces, which follow one another to
 * the disk while more is added.
 *
 * Memory:  one piece that gathers, one that is packed, CC_IMAGE_WAITING_MAX that wait for the disk,
 *          and the addition that went beyond that.
 */
#include "base/assert.h"
#include "log/image_codec.h"
#include "log/image_output.h"

#include <string.h>

struct cc_image_writer {
    struct cc_image_output output;
    struct cc_image_write_callbacks callbacks;
    void *owner;
    struct cc_image_head head;
    struct cc_image_end end; /* of the pieces so far */
    uint8_t *gathered;
    size_t gathered_size;
    uint8_t *packed; /* for the piece at hand */
    size_t packed_capacity;
    bool is_wanting; /* an addition was not taken */
};

static void written(struct cc_image_output *output)
{
    struct cc_image_writer *writer = cc_container_of(output, struct cc_image_writer, output);

    if (writer->is_wanting && !output->is_finished && output->waiting <= CC_IMAGE_WAITING_MAX / 2) {
        writer->is_wanting = false;
        writer->callbacks.on_room(writer->owner);
    }
}

static void over(struct cc_image_output *output)
{
    struct cc_image_writer *writer = cc_container_of(output, struct cc_image_writer, output);
    struct cc_image_write_callbacks callbacks = writer->callbacks;
    const struct cc_memory *memory = output->env->memory;
    copycat_status status = output->status;
    void *owner = writer->owner;
    char text[CC_IMAGE_TEXT_SIZE];
    struct cc_image_id id = {
        .group = writer->head.group,
        .index = writer->head.index,
        .term = writer->head.term,
        .time_us = writer->head.time_us,
        .size = writer->end.size,
        .checksum = writer->end.checksum,
    };

    cc_image_output_describe(output, text);
    cc_memory_give(memory, writer->gathered);
    cc_memory_give(memory, writer->packed);
    cc_memory_give(memory, writer);
    callbacks.on_done(owner, status, &id, text);
}

static void put_head(struct cc_image_writer *writer)
{
    struct cc_image_blocks *blocks =
        cc_image_blocks_create(writer->output.env->memory, CC_DISK_BLOCK);

    cc_image_head_encode(blocks->data, &writer->head);
    writer->end.checksum = cc_image_checksum(0, blocks->data, blocks->size);
    cc_image_output_put(&writer->output, blocks);
}

/* Into `packed`, what is worth it: not what takes one block anyway.  0: it is to be stored as it is. */
static size_t pack(struct cc_image_writer *writer, const void *data, size_t size)
{
    if (size + CC_IMAGE_PIECE_HEADER_SIZE <= CC_DISK_BLOCK) {
        return 0;
    }
    if (writer->packed_capacity < size) {
        writer->packed = cc_memory_grow(writer->output.env->memory, writer->packed, size);
        writer->packed_capacity = size;
    }
    return cc_image_pack(writer->packed, data, size);
}

static void put_piece(struct cc_image_writer *writer, const void *data, size_t size)
{
    struct cc_image_end *end = &writer->end;
    size_t packed = pack(writer, data, size);
    struct cc_image_piece piece = {
        .number = (uint32_t)end->pieces,
        .raw_size = (uint32_t)size,
        .stored_size = (uint32_t)(packed > 0 ? packed : size),
        .codec = packed > 0 ? CC_IMAGE_CODEC_ZSTD : CC_IMAGE_CODEC_NONE,
        .offset = writer->output.size,
        .checksum = end->checksum,
    };
    struct cc_image_blocks *blocks =
        cc_image_blocks_create(writer->output.env->memory, cc_image_piece_size(piece.stored_size));

    CC_ASSERT(end->pieces < UINT32_MAX);
    memcpy(
        blocks->data + CC_IMAGE_PIECE_HEADER_SIZE, packed > 0 ? writer->packed : data,
        piece.stored_size);
    cc_image_piece_seal(blocks->data, &piece);
    end->checksum = cc_image_checksum(end->checksum, blocks->data, blocks->size);
    end->pieces++;
    end->raw_size += size;
    cc_image_output_put(&writer->output, blocks);
}

static void put_gathered(struct cc_image_writer *writer)
{
    if (writer->gathered_size > 0) {
        put_piece(writer, writer->gathered, writer->gathered_size);
        writer->gathered_size = 0;
    }
}

static void put_end(struct cc_image_writer *writer)
{
    struct cc_image_blocks *blocks =
        cc_image_blocks_create(writer->output.env->memory, CC_DISK_BLOCK);

    writer->end.size = writer->output.size + CC_DISK_BLOCK;
    cc_image_end_encode(blocks->data, &writer->end);
    cc_image_output_put(&writer->output, blocks);
}

copycat_status cc_image_write_begin(
    struct cc_image_writer **writer_out,
    struct cc_env *env,
    const char *directory,
    const struct cc_image_head *head,
    const struct cc_image_write_callbacks *callbacks,
    void *owner)
{
    struct cc_image_writer *writer = cc_memory_take(env->memory, sizeof *writer);
    copycat_status status;

    writer->output = (struct cc_image_output){.env = env, .on_written = written, .on_over = over};
    writer->callbacks = *callbacks;
    writer->owner = owner;
    writer->head = *head;
    status = cc_image_output_begin(&writer->output, directory, head->group, head->index);
    if (status != COPYCAT_OK) {
        cc_memory_give(env->memory, writer);
        return status;
    }
    writer->gathered = cc_memory_take(env->memory, CC_IMAGE_PIECE_SIZE);
    put_head(writer);
    *writer_out = writer;
    return COPYCAT_OK;
}

bool cc_image_write_add(struct cc_image_writer *writer, copycat_bytes bytes)
{
    CC_ASSERT(bytes.size > 0 && bytes.size <= CC_IMAGE_ADD_SIZE_MAX);
    CC_ASSERT(!writer->output.is_finished);
    if (writer->output.status != COPYCAT_OK || writer->output.waiting >= CC_IMAGE_WAITING_MAX) {
        writer->is_wanting = true;
        return false;
    }
    if (writer->gathered_size + bytes.size > CC_IMAGE_PIECE_SIZE) {
        put_gathered(writer);
    }
    if (bytes.size > CC_IMAGE_PIECE_SIZE) {
        put_piece(writer, bytes.data, bytes.size);
    } else {
        memcpy(writer->gathered + writer->gathered_size, bytes.data, bytes.size);
        writer->gathered_size += bytes.size;
    }
    return true;
}

void cc_image_write_finish(struct cc_image_writer *writer)
{
    put_gathered(writer);
    put_end(writer);
    cc_image_output_finish(&writer->output);
}

void cc_image_write_abandon(struct cc_image_writer *writer)
{
    cc_image_output_abandon(&writer->output, COPYCAT_ERR_CLOSED);
}
