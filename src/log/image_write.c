/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_write -- an image is written: what is added gathers in pieces, which follow one another to
 * the disk while more is added.
 *
 * Memory:  one piece that gathers, one that is packed, CC_IMAGE_WAITING_MAX that wait for the disk,
 *          and the addition that went beyond that.  A whole segment, until it is finished.
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
    char *directory; /* of a segment that has no name yet */
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

static struct cc_image_id id_of(const struct cc_image_writer *writer)
{
    return (struct cc_image_id){
        .group = writer->head.group,
        .index = writer->head.index,
        .term = writer->head.term,
        .time_us = writer->head.time_us,
        .size = writer->end.size,
        .checksum = writer->end.checksum,
        .is_segment = writer->head.is_segment,
    };
}

static void over(struct cc_image_output *output)
{
    struct cc_image_writer *writer = cc_container_of(output, struct cc_image_writer, output);
    struct cc_image_write_callbacks callbacks = writer->callbacks;
    const struct cc_memory *memory = output->env->memory;
    copycat_status status = output->status;
    void *owner = writer->owner;
    char text[CC_IMAGE_TEXT_SIZE];
    struct cc_image_id id = id_of(writer);

    cc_image_output_describe(output, text);
    cc_memory_give(memory, writer->gathered);
    cc_memory_give(memory, writer->packed);
    cc_memory_give(memory, writer->directory);
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

static void put_piece(struct cc_image_writer *writer, const void *data, size_t size, bool is_table)
{
    struct cc_image_end *end = &writer->end;
    size_t packed = pack(writer, data, size);
    struct cc_image_piece piece = {
        .number = (uint32_t)end->pieces,
        .raw_size = (uint32_t)size,
        .stored_size = (uint32_t)(packed > 0 ? packed : size),
        .codec = packed > 0 ? CC_IMAGE_CODEC_ZSTD : CC_IMAGE_CODEC_NONE,
        .is_table = is_table,
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
    end->raw_size += is_table ? 0 : size;
    cc_image_output_put(&writer->output, blocks);
}

static void put_gathered(struct cc_image_writer *writer)
{
    if (writer->gathered_size > 0) {
        put_piece(writer, writer->gathered, writer->gathered_size, false);
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

/* A segment gets its name last; here it is only seen that there is room for one. */
static copycat_status begin(struct cc_image_writer *writer, const char *directory)
{
    struct cc_image_id id = id_of(writer);
    size_t size = strlen(directory) + 1;
    char path[CC_IMAGE_PATH_SIZE];

    if (!writer->head.is_segment) {
        return cc_image_output_begin(&writer->output, directory, &id);
    }
    if (!cc_image_path(path, directory, &id)) {
        return COPYCAT_ERR_INVALID;
    }
    writer->directory = cc_memory_take(writer->output.env->memory, size);
    memcpy(writer->directory, directory, size);
    return COPYCAT_OK;
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
    cc_image_output_init(&writer->output);
    status = begin(writer, directory);
    if (status != COPYCAT_OK) {
        cc_memory_give(env->memory, writer);
        return status;
    }
    writer->gathered = cc_memory_grow(env->memory, NULL, CC_IMAGE_PIECE_SIZE);
    put_head(writer);
    *writer_out = writer;
    return COPYCAT_OK;
}

bool cc_image_write_add(struct cc_image_writer *writer, copycat_bytes bytes)
{
    CC_ASSERT(bytes.size > 0 && bytes.size <= CC_IMAGE_ADD_SIZE_MAX);
    CC_ASSERT(!writer->output.is_finished);
    if (writer->output.status != COPYCAT_OK ||
        (writer->output.waiting >= CC_IMAGE_WAITING_MAX && !writer->head.is_segment)) {
        writer->is_wanting = true;
        return false;
    }
    if (writer->gathered_size + bytes.size > CC_IMAGE_PIECE_SIZE) {
        put_gathered(writer);
    }
    if (bytes.size > CC_IMAGE_PIECE_SIZE) {
        put_piece(writer, bytes.data, bytes.size, false);
    } else {
        memcpy(writer->gathered + writer->gathered_size, bytes.data, bytes.size);
        writer->gathered_size += bytes.size;
    }
    return true;
}

void cc_image_write_segments(
    struct cc_image_writer *writer, const struct cc_image_segment *segments, size_t count)
{
    const struct cc_memory *memory = writer->output.env->memory;

    CC_ASSERT(!writer->head.is_segment);
    put_gathered(writer);
    while (count > 0) {
        size_t part = count < CC_IMAGE_TABLE_MAX ? count : CC_IMAGE_TABLE_MAX;
        uint8_t *bytes = cc_memory_take(memory, part * CC_IMAGE_SEGMENT_SIZE);

        for (size_t i = 0; i < part; i++) {
            cc_image_segment_encode(bytes + i * CC_IMAGE_SEGMENT_SIZE, &segments[i]);
        }
        put_piece(writer, bytes, part * CC_IMAGE_SEGMENT_SIZE, true);
        cc_memory_give(memory, bytes);
        segments += part;
        count -= part;
    }
}

void cc_image_write_finish(struct cc_image_writer *writer)
{
    put_gathered(writer);
    put_end(writer);
    if (writer->head.is_segment && writer->output.status == COPYCAT_OK) {
        struct cc_image_id id = id_of(writer);
        copycat_status status;

        writer->output.keeps_same = true;
        status = cc_image_output_begin(&writer->output, writer->directory, &id);
        CC_ASSERT(status == COPYCAT_OK); /* there was room */
    }
    cc_image_output_finish(&writer->output);
}

void cc_image_write_abandon(struct cc_image_writer *writer)
{
    cc_image_output_abandon(&writer->output, COPYCAT_ERR_CLOSED);
}
