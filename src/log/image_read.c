/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_read -- an image is read: head and end first, then piece after piece, each verified before
 * it is given out.  While the caller has one, the next is read.
 *
 * A read takes the first block of what follows with it, which says how large that is: so each block
 * is read once, by requests of the very size.
 *
 * Memory:  two buffers, each of the largest piece it held, which the header bounds before anything
 *          is taken for it.
 */
#include "base/assert.h"
#include "log/image_output.h"

#include <string.h>

enum ahead {
    AHEAD_NOTHING,
    AHEAD_READING,
    AHEAD_PIECE,
    AHEAD_END, /* whole, or for the reason in `status` */
};

struct buffer {
    void *memory;
    uint8_t *data;
    size_t capacity;
};

struct cc_image_reader {
    struct cc_env *env;
    struct cc_image_read_callbacks callbacks;
    void *owner;
    struct cc_image_id id; /* the one expected, then the one that is there */
    struct cc_image_head head;
    struct cc_image_end end;
    struct cc_file *file;
    uint64_t size; /* of the file */
    struct cc_disk_request request;
    struct cc_task task;
    bool is_busy; /* the request is under way */
    bool is_closing;
    bool is_wanted; /* the next piece */
    enum ahead ahead;
    copycat_status status;
    struct cc_image_piece piece; /* ahead, */
    size_t piece_size;           /* its blocks; */
    uint64_t at;                 /* where they begin */
    uint64_t pieces;             /* before it, */
    uint64_t raw_size;           /* of so many bytes */
    uint64_t checksum;           /* of everything before it */
    const uint8_t *next;         /* first block of what comes after what was read */
    struct buffer lent;          /* the caller has it */
    struct buffer spare;         /* for what is ahead */
    char path[CC_IMAGE_PATH_SIZE];
    char text[CC_IMAGE_TEXT_SIZE];
};

/* ---- requests -------------------------------------------------------------------------------- */

static void close_file(struct cc_image_reader *reader);

static void ask(
    struct cc_image_reader *reader,
    enum cc_disk_operation operation,
    void (*done)(struct cc_disk_request *request))
{
    reader->request.operation = operation;
    reader->request.done = done;
    reader->request.owner = reader;
    reader->is_busy = true;
    cc_env_disk(reader->env, &reader->request);
}

static void read_into(
    struct cc_image_reader *reader,
    uint8_t *target,
    uint64_t offset,
    size_t size,
    void (*done)(struct cc_disk_request *request))
{
    reader->request = (struct cc_disk_request){
        .file = reader->file, .data = target, .offset = offset, .size = size};
    ask(reader, CC_DISK_READ, done);
}

/* What is in it is lost. */
static void reserve(struct cc_image_reader *reader, struct buffer *buffer, size_t size)
{
    if (buffer->capacity < size) {
        cc_memory_give(reader->env->memory, buffer->memory);
        buffer->data = cc_image_aligned(reader->env->memory, size, &buffer->memory);
        buffer->capacity = size;
    }
}

/* True if the reader is to go on. */
static bool is_going_on(struct cc_disk_request *request)
{
    struct cc_image_reader *reader = request->owner;

    reader->is_busy = false;
    if (reader->is_closing) {
        close_file(reader);
        return false;
    }
    return true;
}

/* ---- pieces ---------------------------------------------------------------------------------- */

static void deliver(struct cc_image_reader *reader);

static void end_with(
    struct cc_image_reader *reader, copycat_status status, const char *what, uint64_t offset)
{
    reader->ahead = AHEAD_END;
    reader->status = status;
    if (status != COPYCAT_OK) {
        cc_image_describe(reader->text, reader->path, what, offset);
    }
}

static void damaged(struct cc_image_reader *reader, const char *what)
{
    end_with(reader, COPYCAT_ERR_DAMAGED, what, reader->at);
}

static void take_piece(struct cc_image_reader *reader)
{
    const uint8_t *blocks = reader->spare.data;

    if (!cc_image_piece_is_whole(blocks, reader->piece_size)) {
        damaged(reader, "a piece of the image is damaged");
        return;
    }
    reader->ahead = AHEAD_PIECE;
    reader->next = blocks + reader->piece_size;
}

static void piece_read(struct cc_disk_request *request)
{
    struct cc_image_reader *reader = request->owner;

    if (!is_going_on(request)) {
        return;
    }
    if (request->status != COPYCAT_OK) {
        end_with(reader, COPYCAT_ERR_IO, "the image could not be read", request->offset);
    } else {
        take_piece(reader);
    }
    deliver(reader);
}

/* The end was seen already: now it is known that everything before it is what it speaks of. */
static void take_end(struct cc_image_reader *reader)
{
    const struct cc_image_end *end = &reader->end;

    if (reader->pieces != end->pieces || reader->raw_size != end->raw_size ||
        reader->checksum != end->checksum) {
        damaged(reader, "the pieces of the image are not those its end speaks of");
    } else {
        end_with(reader, COPYCAT_OK, NULL, COPYCAT_NONE);
    }
}

/* `next` lies in what is lent or was read before, so the other buffer is free for what follows. */
static void read_ahead(struct cc_image_reader *reader)
{
    struct cc_image_piece *piece = &reader->piece;
    uint64_t end_at = reader->size - CC_DISK_BLOCK;

    if (reader->at == end_at) {
        take_end(reader);
        return;
    }
    if (!cc_image_piece_decode(reader->next, piece)) {
        damaged(reader, "a piece of the image has no header");
        return;
    }
    reader->piece_size = cc_image_piece_size(piece->stored_size);
    if (piece->number != reader->pieces || piece->offset != reader->at ||
        piece->checksum != reader->checksum || reader->piece_size > end_at - reader->at) {
        damaged(reader, "a piece of the image does not belong where it lies");
        return;
    }
    reserve(reader, &reader->spare, reader->piece_size + CC_DISK_BLOCK);
    memcpy(reader->spare.data, reader->next, CC_DISK_BLOCK);
    reader->ahead = AHEAD_READING;
    read_into(
        reader, reader->spare.data + CC_DISK_BLOCK, reader->at + CC_DISK_BLOCK, reader->piece_size,
        piece_read);
}

static void deliver_piece(struct cc_image_reader *reader)
{
    struct buffer buffer = reader->lent;
    copycat_bytes bytes = {
        reader->spare.data + CC_IMAGE_PIECE_HEADER_SIZE, reader->piece.stored_size};

    reader->lent = reader->spare;
    reader->spare = buffer;
    reader->checksum = cc_image_checksum(reader->checksum, reader->lent.data, reader->piece_size);
    reader->at += reader->piece_size;
    reader->raw_size += reader->piece.raw_size;
    reader->pieces++;
    reader->ahead = AHEAD_NOTHING;
    read_ahead(reader);
    reader->callbacks.on_piece(reader->owner, bytes);
}

/* Gives out what is there and wanted; the last thing that is done, for the owner may close. */
static void deliver(struct cc_image_reader *reader)
{
    if (!reader->is_wanted || reader->ahead == AHEAD_NOTHING || reader->ahead == AHEAD_READING) {
        return;
    }
    reader->is_wanted = false;
    if (reader->ahead == AHEAD_PIECE) {
        deliver_piece(reader);
    } else {
        reader->callbacks.on_end(reader->owner, reader->status, reader->text);
    }
}

/* ---- opening --------------------------------------------------------------------------------- */

static void refuse(
    struct cc_image_reader *reader, copycat_status status, const char *what, uint64_t offset)
{
    end_with(reader, status, what, offset);
    reader->callbacks.on_open(reader->owner, status, &reader->id, &reader->head, reader->text);
}

static bool is_expected(const struct cc_image_id *expected, const struct cc_image_id *found)
{
    return expected->size == 0 ? expected->group == found->group && expected->index == found->index
                               : cc_image_id_equals(expected, found);
}

static void end_read(struct cc_disk_request *request)
{
    struct cc_image_reader *reader = request->owner;
    struct cc_image_id found = {
        .group = reader->head.group,
        .index = reader->head.index,
        .term = reader->head.term,
        .time_us = reader->head.time_us,
        .size = reader->size,
    };

    if (!is_going_on(request)) {
        return;
    }
    if (request->status != COPYCAT_OK) {
        refuse(reader, COPYCAT_ERR_IO, "the end of the image could not be read", request->offset);
        return;
    }
    if (!cc_image_end_decode(reader->spare.data, &reader->end) ||
        reader->end.size != reader->size) {
        refuse(
            reader, COPYCAT_ERR_DAMAGED, "the image is not complete: it has no end",
            request->offset);
        return;
    }
    found.checksum = reader->end.checksum;
    if (!is_expected(&reader->id, &found)) {
        refuse(reader, COPYCAT_ERR_DAMAGED, "this is another image than was expected", 0);
        return;
    }
    reader->id = found;
    read_ahead(reader);
    reader->callbacks.on_open(reader->owner, COPYCAT_OK, &reader->id, &reader->head, "");
}

static void head_read(struct cc_disk_request *request)
{
    struct cc_image_reader *reader = request->owner;
    const uint8_t *head = reader->lent.data;
    copycat_status status;

    if (!is_going_on(request)) {
        return;
    }
    if (request->status != COPYCAT_OK) {
        refuse(reader, COPYCAT_ERR_IO, "the head of the image could not be read", 0);
        return;
    }
    status = cc_image_head_decode(head, &reader->head);
    if (status != COPYCAT_OK) {
        refuse(
            reader, status,
            status == COPYCAT_ERR_NEWER ? "the image was written by a newer version"
                                        : "the head of the image is damaged",
            0);
        return;
    }
    reader->checksum = cc_image_checksum(0, head, CC_DISK_BLOCK);
    reader->at = CC_DISK_BLOCK;
    reader->next = head + CC_DISK_BLOCK;
    reserve(reader, &reader->spare, CC_DISK_BLOCK);
    read_into(reader, reader->spare.data, reader->size - CC_DISK_BLOCK, CC_DISK_BLOCK, end_read);
}

static void opened(struct cc_disk_request *request)
{
    struct cc_image_reader *reader = request->owner;
    copycat_status status = request->status;

    if (status == COPYCAT_OK) {
        reader->file = request->file;
        reader->size = request->size;
    }
    if (!is_going_on(request)) {
        return;
    }
    if (status != COPYCAT_OK) {
        refuse(
            reader, status == COPYCAT_ERR_INVALID ? COPYCAT_ERR_DAMAGED : status,
            status == COPYCAT_ERR_INVALID ? "the image is missing"
            : status == COPYCAT_ERR_BUSY  ? "the image could not be opened: too many files are open"
                                          : "the image could not be opened",
            COPYCAT_NONE);
        return;
    }
    if (!cc_image_is_size(reader->size) ||
        (reader->id.size != 0 && reader->id.size != reader->size)) {
        refuse(
            reader, COPYCAT_ERR_DAMAGED, "the image has another size than it should: the file ends",
            reader->size);
        return;
    }
    reserve(reader, &reader->lent, CC_IMAGE_SIZE_MIN);
    read_into(reader, reader->lent.data, 0, CC_IMAGE_SIZE_MIN, head_read);
}

/* ---- called ---------------------------------------------------------------------------------- */

static void release(struct cc_image_reader *reader)
{
    void (*on_closed)(void *owner) = reader->callbacks.on_closed;
    const struct cc_memory *memory = reader->env->memory;
    void *owner = reader->owner;

    cc_env_task_cancel(reader->env, &reader->task);
    cc_memory_give(memory, reader->lent.memory);
    cc_memory_give(memory, reader->spare.memory);
    cc_memory_give(memory, reader);
    on_closed(owner);
}

static void closed(struct cc_disk_request *request)
{
    release(request->owner);
}

static void close_file(struct cc_image_reader *reader)
{
    if (reader->file != NULL) {
        reader->request = (struct cc_disk_request){.file = reader->file};
        reader->file = NULL;
        ask(reader, CC_DISK_CLOSE, closed);
    } else {
        cc_env_later(reader->env, &reader->task);
    }
}

/* What may not be done inside a call is done at the end of the pass. */
static void run(struct cc_task *task)
{
    struct cc_image_reader *reader = task->owner;

    if (!reader->is_closing) {
        deliver(reader);
    } else if (!reader->is_busy && reader->file == NULL) {
        release(reader);
    }
}

copycat_status cc_image_read_begin(
    struct cc_image_reader **reader_out,
    struct cc_env *env,
    const char *directory,
    const struct cc_image_id *id,
    const struct cc_image_read_callbacks *callbacks,
    void *owner)
{
    struct cc_image_reader *reader = cc_memory_take(env->memory, sizeof *reader);

    if (!cc_image_path(reader->path, directory, id->group, id->index)) {
        cc_memory_give(env->memory, reader);
        return COPYCAT_ERR_INVALID;
    }
    reader->env = env;
    reader->callbacks = *callbacks;
    reader->owner = owner;
    reader->id = *id;
    reader->task = (struct cc_task){.run = run, .owner = reader};
    reader->request = (struct cc_disk_request){.name = reader->path};
    ask(reader, CC_DISK_OPEN, opened);
    *reader_out = reader;
    return COPYCAT_OK;
}

void cc_image_read_next(struct cc_image_reader *reader)
{
    CC_ASSERT(!reader->is_wanted && !reader->is_closing);
    reader->is_wanted = true;
    cc_env_later(reader->env, &reader->task);
}

void cc_image_read_close(struct cc_image_reader *reader)
{
    CC_ASSERT(!reader->is_closing);
    reader->is_closing = true;
    if (!reader->is_busy) {
        close_file(reader);
    }
}
