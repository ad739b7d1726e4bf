/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_read -- an image is read piece by piece, each verified before it is given out.  While the
 * caller has one, what follows is read and verified: a piece, or as many as the caller wants.
 */
#include "base/assert.h"
#include "base/bug.h"
#include "log/image_codec.h"
#include "log/image_reader.h"

#include <string.h>

/* ---- reading --------------------------------------------------------------------------------- */

void cc_image_reader_end(
    struct cc_image_reader *reader, copycat_status status, const char *what, uint64_t offset)
{
    reader->is_ended = true;
    reader->status = status;
    if (status != COPYCAT_OK) {
        cc_image_describe(reader->text, reader->path, what, offset);
    }
}

static void damaged(struct cc_image_reader *reader, const char *what)
{
    cc_image_reader_end(reader, COPYCAT_ERR_DAMAGED, what, reader->at);
}

/* The buffer that is so many behind the one that is lent. */
static struct cc_image_held *held_behind(struct cc_image_reader *reader, uint32_t distance)
{
    return &reader->held[(reader->lent + distance) % reader->held_count];
}

/* Not on the loop's thread: `check` and what it points to are all that this may touch. */
static void check_piece(struct cc_disk_request *request)
{
    struct cc_image_check *check =
        &cc_container_of(request, struct cc_image_reader, request)->check;
    const struct cc_image_piece *piece = check->piece;
    const uint8_t *stored = check->blocks + CC_IMAGE_PIECE_HEADER_SIZE;

    check->is_whole = cc_image_piece_is_whole(check->blocks, check->size);
    check->is_unpacked = check->is_whole &&
                         (piece->codec == CC_IMAGE_CODEC_NONE ||
                          cc_image_unpack(check->raw, piece->raw_size, stored, piece->stored_size));
    check->checksum = cc_image_checksum(check->before, check->blocks, check->size);
}

static bool take_table(struct cc_image_reader *reader, copycat_bytes bytes)
{
    size_t count = bytes.size / CC_IMAGE_SEGMENT_SIZE;
    const uint8_t *data = bytes.data;

    reader->segments = cc_memory_grow(
        reader->env->memory, reader->segments,
        (reader->segment_count + count) * sizeof *reader->segments);
    for (size_t i = 0; i < count; i++) {
        struct cc_image_segment *segment = &reader->segments[reader->segment_count];
        uint64_t before = reader->segment_count == 0 ? 0 : segment[-1].last;

        if (!cc_image_segment_decode(data + i * CC_IMAGE_SEGMENT_SIZE, segment) ||
            segment->first <= before || segment->last > reader->head.index) {
            return false;
        }
        reader->segment_count++;
    }
    return bytes.size % CC_IMAGE_SEGMENT_SIZE == 0;
}

static copycat_bytes content(const struct cc_image_held *held)
{
    const struct cc_image_piece *piece = &held->piece;

    return piece->codec == CC_IMAGE_CODEC_NONE
               ? (copycat_bytes){held->stored.data + CC_IMAGE_PIECE_HEADER_SIZE, piece->stored_size}
               : (copycat_bytes){held->raw.data, piece->raw_size};
}

/* Behind the pieces that are ahead; nobody but the reader is told of a table. */
static void take_piece(struct cc_image_reader *reader)
{
    struct cc_image_held *held = held_behind(reader, reader->ahead + 1);
    size_t size = reader->check.size;

    if (!reader->check.is_whole) {
        damaged(reader, "a piece of the image is damaged");
    } else if (!reader->check.is_unpacked) {
        damaged(reader, "a piece of the image does not unpack");
    } else {
        reader->next = reader->check.blocks + size;
        reader->checksum = reader->check.checksum;
        reader->taken_at = reader->at;
        reader->at += size;
        reader->pieces++;
        if (!held->piece.is_table) {
            reader->raw_size += held->piece.raw_size;
            reader->ahead++;
            reader->ahead_size += size;
        } else if (!take_table(reader, content(held))) {
            damaged(reader, "the table of segments is not one");
        }
    }
}

static void deliver(struct cc_image_reader *reader);

static void piece_read(struct cc_disk_request *request)
{
    struct cc_image_reader *reader = request->owner;

    if (!cc_image_reader_is_going_on(reader)) {
        return;
    }
    if (request->status != COPYCAT_OK) {
        cc_image_reader_end(reader, COPYCAT_ERR_IO, "the image could not be read", request->offset);
    } else {
        take_piece(reader);
    }
    cc_image_reader_read_ahead(reader);
    deliver(reader);
}

/* The end was seen already: now it is known that everything before it is what it speaks of. */
static void take_end(struct cc_image_reader *reader)
{
    const struct cc_image_end *end = &reader->end;

    if (reader->pieces != end->pieces || reader->raw_size != end->raw_size ||
        (reader->checksum != end->checksum && !CC_BUG(T046B))) {
        damaged(reader, "the pieces of the image are not those its end speaks of");
    } else {
        cc_image_reader_end(reader, COPYCAT_OK, NULL, COPYCAT_NONE);
    }
}

/* The header is believed as to sizes, which are within bounds, until all of the piece is there. */
static void read_piece(struct cc_image_reader *reader, struct cc_image_held *held)
{
    const struct cc_image_piece *piece = &held->piece;
    size_t size = cc_image_piece_size(piece->stored_size);

    cc_image_reader_reserve(reader, &held->stored, size + CC_DISK_BLOCK);
    if (piece->codec != CC_IMAGE_CODEC_NONE) {
        cc_image_reader_reserve(reader, &held->raw, piece->raw_size);
    }
    memcpy(held->stored.data, reader->next, CC_DISK_BLOCK);
    held->at = reader->at;
    reader->check = (struct cc_image_check){
        .piece = piece,
        .blocks = held->stored.data,
        .size = size,
        .before = reader->checksum,
        .raw = held->raw.data};
    cc_image_reader_read(
        reader, held->stored.data + CC_DISK_BLOCK, reader->at + CC_DISK_BLOCK, size, check_piece,
        piece_read);
}

static void begin_piece(struct cc_image_reader *reader, struct cc_image_held *held)
{
    struct cc_image_piece *piece = &held->piece;
    uint64_t end_at = reader->size - CC_DISK_BLOCK;

    if (reader->at == end_at) {
        take_end(reader);
        return;
    }
    if (!cc_image_piece_decode(reader->next, piece)) {
        damaged(reader, "a piece of the image has no header");
        return;
    }
    if (piece->number != reader->pieces || piece->offset != reader->at ||
        (piece->checksum != reader->checksum && !CC_BUG(T046B)) ||
        cc_image_piece_size(piece->stored_size) > end_at - reader->at ||
        (piece->is_table ? reader->head.is_segment : reader->segment_count > 0)) {
        damaged(reader, "a piece of the image does not belong where it lies");
        return;
    }
    read_piece(reader, held);
}

/* `next` lies in what was read last, which is lent or ahead, so the buffer behind it is free. */
void cc_image_reader_read_ahead(struct cc_image_reader *reader)
{
    bool is_enough = reader->ahead > 0 && (reader->ahead_size >= reader->ahead_wanted ||
                                           reader->ahead + 2 >= CC_IMAGE_HELD);

    if (!reader->is_ended && !reader->is_busy && !is_enough) {
        begin_piece(reader, held_behind(reader, reader->ahead + 1));
    }
}

/* ---- giving out ------------------------------------------------------------------------------- */

static void release_held(const struct cc_memory *memory, struct cc_image_held *held)
{
    cc_memory_give(memory, held->stored.memory);
    cc_memory_give(memory, held->raw.memory);
    held->stored = (struct cc_image_buffer){.memory = NULL};
    held->raw = (struct cc_image_buffer){.memory = NULL};
}

static void deliver_piece(struct cc_image_reader *reader)
{
    struct cc_image_held *held = held_behind(reader, 1);

    /* Whoever reads far ahead builds something of the pieces: of the memory they lay in, which has
     * been touched, and not by the loop, when it is given back. */
    if (reader->held_count > CC_IMAGE_HELD_NEAR) {
        release_held(reader->env->memory, held_behind(reader, 0));
    }
    reader->lent = (reader->lent + 1) % reader->held_count;
    reader->lent_at = held->at;
    reader->ahead--;
    reader->ahead_size -= cc_image_piece_size(held->piece.stored_size);
    cc_image_reader_read_ahead(reader);
    reader->callbacks.on_piece(reader->owner, content(held));
}

/* Gives out what is there and wanted; the last thing that is done, for the owner may close. */
static void deliver(struct cc_image_reader *reader)
{
    if (!reader->is_wanted || !cc_image_read_is_ready(reader)) {
        return;
    }
    reader->is_wanted = false;
    if (reader->ahead > 0) {
        deliver_piece(reader);
    } else {
        reader->lent_at = reader->taken_at;
        reader->callbacks.on_end(reader->owner, reader->status, reader->text);
    }
}

/* ---- called ---------------------------------------------------------------------------------- */

static void release(struct cc_image_reader *reader)
{
    void (*on_closed)(void *owner) = reader->callbacks.on_closed;
    const struct cc_memory *memory = reader->env->memory;
    void *owner = reader->owner;

    cc_env_task_cancel(reader->env, &reader->task);
    for (uint32_t i = 0; i < CC_IMAGE_HELD; i++) {
        release_held(memory, &reader->held[i]);
    }
    cc_memory_give(memory, reader->segments);
    cc_memory_give(memory, reader);
    on_closed(owner);
}

static void closed(struct cc_disk_request *request)
{
    release(request->owner);
}

void cc_image_reader_wind_up(struct cc_image_reader *reader)
{
    if (reader->file != NULL) {
        reader->request = (struct cc_disk_request){.file = reader->file};
        reader->file = NULL;
        cc_image_reader_ask(reader, CC_DISK_CLOSE, closed);
    } else {
        cc_env_later(reader->env, &reader->task);
    }
}

/* What may not be done inside a call is done at the end of the pass. */
void cc_image_reader_run(struct cc_task *task)
{
    struct cc_image_reader *reader = task->owner;

    if (!reader->is_closing) {
        deliver(reader);
    } else if (!reader->is_busy && reader->file == NULL) {
        release(reader);
    }
}

bool cc_image_read_is_ready(const struct cc_image_reader *reader)
{
    return reader->ahead > 0 || reader->is_ended;
}

void cc_image_read_ahead(struct cc_image_reader *reader, size_t size)
{
    reader->held_count = CC_IMAGE_HELD;
    reader->ahead_wanted = size;
}

void cc_image_read_next(struct cc_image_reader *reader)
{
    CC_ASSERT(!reader->is_wanted && !reader->is_closing);
    reader->is_wanted = true;
    cc_env_later(reader->env, &reader->task);
}

const struct cc_image_segment *cc_image_read_segments(
    const struct cc_image_reader *reader, size_t *count_out)
{
    CC_ASSERT(reader->is_ended && reader->ahead == 0 && reader->status == COPYCAT_OK);
    *count_out = reader->segment_count;
    return reader->segments;
}

void cc_image_read_close(struct cc_image_reader *reader)
{
    CC_ASSERT(!reader->is_closing);
    reader->is_closing = true;
    if (!reader->is_busy) {
        cc_image_reader_wind_up(reader);
    }
}

uint64_t cc_image_read_raw_size(const struct cc_image_reader *reader)
{
    return reader->end.raw_size;
}

uint64_t cc_image_read_offset(const struct cc_image_reader *reader)
{
    return reader->lent_at;
}
