/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_open -- an image is opened to be read: its head and its end are there, and are those of the
 * image that was meant.
 */
#include "log/image_reader.h"

#include <string.h>

/* ---- requests -------------------------------------------------------------------------------- */

void cc_image_reader_ask(
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

void cc_image_reader_read(
    struct cc_image_reader *reader,
    uint8_t *target,
    uint64_t offset,
    size_t size,
    void (*work)(struct cc_disk_request *request),
    void (*done)(struct cc_disk_request *request))
{
    reader->request = (struct cc_disk_request){
        .file = reader->file, .data = target, .offset = offset, .size = size, .work = work};
    cc_image_reader_ask(reader, CC_DISK_READ, done);
}

void cc_image_reader_reserve(
    struct cc_image_reader *reader, struct cc_image_buffer *buffer, size_t size)
{
    if (buffer->capacity < size) {
        cc_memory_give(reader->env->memory, buffer->memory);
        buffer->data = cc_image_aligned(reader->env->memory, size, &buffer->memory);
        buffer->capacity = size;
    }
}

bool cc_image_reader_is_going_on(struct cc_image_reader *reader)
{
    reader->is_busy = false;
    if (reader->is_closing) {
        cc_image_reader_wind_up(reader);
        return false;
    }
    return true;
}

/* ---- opening --------------------------------------------------------------------------------- */

static void refuse(
    struct cc_image_reader *reader, copycat_status status, const char *what, uint64_t offset)
{
    cc_image_reader_end(reader, status, what, offset);
    reader->callbacks.on_open(reader->owner, status, &reader->id, &reader->head, reader->text);
}

static bool is_expected(const struct cc_image_id *expected, const struct cc_image_id *found)
{
    return expected->size == 0 ? cc_image_has_name_of(expected, found)
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
        .is_segment = reader->head.is_segment,
    };

    if (!cc_image_reader_is_going_on(reader)) {
        return;
    }
    if (request->status != COPYCAT_OK) {
        refuse(reader, COPYCAT_ERR_IO, "the end of the image could not be read", request->offset);
        return;
    }
    if (!cc_image_end_decode(reader->held[1].stored.data, &reader->end) ||
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
    cc_image_reader_read_ahead(reader);
    reader->callbacks.on_open(reader->owner, COPYCAT_OK, &reader->id, &reader->head, "");
}

static void head_read(struct cc_disk_request *request)
{
    struct cc_image_reader *reader = request->owner;
    const uint8_t *head = reader->held[0].stored.data;
    copycat_status status;

    if (!cc_image_reader_is_going_on(reader)) {
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
    cc_image_reader_reserve(reader, &reader->held[1].stored, CC_DISK_BLOCK);
    cc_image_reader_read(
        reader, reader->held[1].stored.data, reader->size - CC_DISK_BLOCK, CC_DISK_BLOCK, NULL,
        end_read);
}

static void opened(struct cc_disk_request *request)
{
    struct cc_image_reader *reader = request->owner;
    copycat_status status = request->status;

    if (status == COPYCAT_OK) {
        reader->file = request->file;
        reader->size = request->size;
    }
    if (!cc_image_reader_is_going_on(reader)) {
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
    cc_image_reader_reserve(reader, &reader->held[0].stored, CC_IMAGE_SIZE_MIN);
    cc_image_reader_read(
        reader, reader->held[0].stored.data, 0, CC_IMAGE_SIZE_MIN, NULL, head_read);
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

    if (!cc_image_path(reader->path, directory, id)) {
        cc_memory_give(env->memory, reader);
        return COPYCAT_ERR_INVALID;
    }
    reader->env = env;
    reader->callbacks = *callbacks;
    reader->owner = owner;
    reader->id = *id;
    reader->held_count = CC_IMAGE_HELD_NEAR;
    reader->task = (struct cc_task){.run = cc_image_reader_run, .owner = reader};
    reader->request = (struct cc_disk_request){.name = reader->path};
    cc_image_reader_ask(reader, CC_DISK_OPEN, opened);
    *reader_out = reader;
    return COPYCAT_OK;
}
