/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_output -- see image_output.h.
 */
#include "log/image_output.h"

#include "base/assert.h"
#include "base/bug.h"

#include <string.h>

uint8_t *cc_image_aligned(const struct cc_memory *memory, size_t size, void **memory_out)
{
    uint8_t *bytes = cc_memory_grow(memory, NULL, size + CC_DISK_BLOCK);
    size_t over = (size_t)((uintptr_t)bytes % CC_DISK_BLOCK);

    *memory_out = bytes;
    return bytes + (over == 0 ? 0 : CC_DISK_BLOCK - over);
}

struct cc_image_blocks *cc_image_blocks_create(const struct cc_memory *memory, size_t size)
{
    struct cc_image_blocks *blocks = cc_memory_take(memory, sizeof *blocks);

    CC_ASSERT(size % CC_DISK_BLOCK == 0);
    blocks->data = cc_image_aligned(memory, size, &blocks->memory);
    blocks->size = size;
    return blocks;
}

void cc_image_blocks_destroy(const struct cc_memory *memory, struct cc_image_blocks *blocks)
{
    if (blocks != NULL) {
        cc_memory_give(memory, blocks->memory);
        cc_memory_give(memory, blocks);
    }
}

/* ---- one request after the other ------------------------------------------------------------- */

static void done(struct cc_disk_request *request);

static void ask(struct cc_image_output *output, enum cc_disk_operation operation)
{
    output->request.operation = operation;
    output->request.done = done;
    output->request.owner = output;
    output->is_busy = true;
    cc_env_disk(output->env, &output->request);
}

static void ask_of_name(
    struct cc_image_output *output, enum cc_disk_operation operation, const char *name)
{
    output->request = (struct cc_disk_request){.name = name, .create = true};
    ask(output, operation);
}

static void ask_of_file(struct cc_image_output *output, enum cc_disk_operation operation)
{
    output->request = (struct cc_disk_request){.file = output->file};
    ask(output, operation);
}

static struct cc_image_blocks *first_blocks(const struct cc_image_output *output)
{
    return cc_container_of(output->blocks.next, struct cc_image_blocks, node);
}

static void drop_first(struct cc_image_output *output)
{
    struct cc_image_blocks *blocks = first_blocks(output);

    cc_list_remove(&blocks->node);
    output->waiting -= blocks->size;
    cc_image_blocks_destroy(output->env->memory, blocks);
}

static void over(struct cc_image_output *output)
{
    while (!cc_list_is_empty(&output->blocks)) {
        drop_first(output);
    }
    output->on_over(output);
}

static void wind_up(struct cc_image_output *output)
{
    output->is_winding_up = true;
    if (output->file != NULL) {
        ask_of_file(output, CC_DISK_CLOSE);
        output->file = NULL;
    } else if (output->is_there && output->status != COPYCAT_ERR_IO) {
        ask_of_name(output, CC_DISK_REMOVE, output->path);
    } else {
        over(output);
    }
}

static void write_next(struct cc_image_output *output)
{
    if (!cc_list_is_empty(&output->blocks)) {
        const struct cc_image_blocks *blocks = first_blocks(output);

        output->request = (struct cc_disk_request){
            .file = output->file,
            .data = blocks->data,
            .offset = output->written,
            .size = blocks->size,
        };
        ask(output, CC_DISK_WRITE);
    } else if (output->is_finished) {
        ask_of_file(output, CC_BUG(T042B) ? CC_DISK_CLOSE : CC_DISK_SYNC);
        output->file = CC_BUG(T042B) ? NULL : output->file;
    }
}

static void opened(struct cc_image_output *output, const struct cc_disk_request *request)
{
    if (request->size == 0) {
        output->is_replacing = false;
        write_next(output);
    } else if (output->keeps_same && request->size == output->size) {
        while (!cc_list_is_empty(&output->blocks)) {
            drop_first(output);
        }
        write_next(output);
    } else if (!output->is_replacing) {
        output->is_replacing = true;
        ask_of_file(output, CC_DISK_CLOSE);
        output->file = NULL;
    } else { /* it was removed, and is there */
        output->status = COPYCAT_ERR_IO;
        wind_up(output);
    }
}

/* What a request that went well leads to. */
static void go_on(struct cc_image_output *output, const struct cc_disk_request *request)
{
    switch (request->operation) {
    case CC_DISK_REMOVE:
        output->is_there = false;
        ask_of_name(output, CC_DISK_OPEN, output->path);
        break;
    case CC_DISK_OPEN:
        opened(output, request);
        break;
    case CC_DISK_WRITE:
        output->written += request->size;
        drop_first(output);
        write_next(output);
        output->on_written(output);
        break;
    case CC_DISK_SYNC:
        ask_of_file(output, CC_DISK_CLOSE);
        output->file = NULL;
        break;
    case CC_DISK_CLOSE:
        if (output->is_replacing) {
            ask_of_name(output, CC_DISK_REMOVE, output->path);
        } else {
            ask_of_name(output, CC_DISK_SYNC_DIR, output->directory);
        }
        break;
    default:
        over(output);
        break;
    }
}

static bool is_good(const struct cc_disk_request *request)
{
    /* What is closed was synced, or is removed. */
    return request->status == COPYCAT_OK || request->operation == CC_DISK_CLOSE;
}

static void done(struct cc_disk_request *request)
{
    struct cc_image_output *output = request->owner;

    output->is_busy = false;
    if (request->operation == CC_DISK_OPEN && request->status == COPYCAT_OK) {
        output->file = request->file;
        /* Whoever made the same one may need it, whatever becomes of us. */
        output->is_there = request->size == 0 || !output->keeps_same;
    }
    if (output->is_winding_up && request->operation == CC_DISK_REMOVE) {
        over(output); /* if it could not be removed, the next sweep meets it */
        return;
    }
    if (!output->is_winding_up && output->status == COPYCAT_OK && !is_good(request)) {
        output->status = request->status;
    }
    if (output->status != COPYCAT_OK) {
        wind_up(output);
    } else {
        go_on(output, request);
    }
}

/* ---- called ---------------------------------------------------------------------------------- */

static void run(struct cc_task *task)
{
    wind_up(task->owner);
}

void cc_image_output_init(struct cc_image_output *output)
{
    output->task = (struct cc_task){.run = run, .owner = output};
    cc_list_init(&output->blocks);
}

copycat_status cc_image_output_begin(
    struct cc_image_output *output, const char *directory, const struct cc_image_id *id)
{
    CC_ASSERT(!output->is_named);
    if (!cc_image_path(output->path, directory, id)) {
        return COPYCAT_ERR_INVALID;
    }
    memcpy(output->directory, directory, strlen(directory) + 1);
    output->is_named = true;
    ask_of_name(output, CC_DISK_OPEN, output->path);
    return COPYCAT_OK;
}

void cc_image_output_put(struct cc_image_output *output, struct cc_image_blocks *blocks_take)
{
    CC_ASSERT(!output->is_finished);
    cc_list_append(&output->blocks, &blocks_take->node);
    output->waiting += blocks_take->size;
    output->size += blocks_take->size;
    if (output->is_named && !output->is_busy) {
        write_next(output);
    }
}

void cc_image_output_finish(struct cc_image_output *output)
{
    CC_ASSERT(!output->is_finished);
    output->is_finished = true;
    if (!output->is_busy) {
        write_next(output);
    }
}

void cc_image_output_abandon(struct cc_image_output *output, copycat_status status)
{
    output->status = output->status == COPYCAT_OK ? status : output->status;
    if (!output->is_named) {
        cc_env_later(output->env, &output->task);
    } else if (!output->is_busy && !output->is_winding_up) {
        wind_up(output);
    }
}

void cc_image_output_describe(
    const struct cc_image_output *output, char text_out[CC_IMAGE_TEXT_SIZE])
{
    const char *what = "the image could not be written";

    if (output->status == COPYCAT_ERR_DISK_FULL) {
        what = "the disk is full: the image was given up";
    } else if (output->status == COPYCAT_ERR_BUSY) {
        what = "too many files are open: the image was given up";
    } else if (output->status == COPYCAT_ERR_CLOSED) {
        what = "the image was abandoned";
    }
    text_out[0] = '\0';
    if (output->status != COPYCAT_OK) {
        cc_image_describe(text_out, output->path, what, COPYCAT_NONE);
    }
}
