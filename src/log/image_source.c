/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_source -- the file of an image is lent, run by run, as it is.
 *
 * Memory:  one run, whole blocks around it.
 */
#include "base/assert.h"
#include "log/image_output.h"

#include <string.h>

#define BUFFER_SIZE (CC_IMAGE_PART_SIZE_MAX + 2 * CC_DISK_BLOCK)

struct cc_image_source {
    struct cc_env *env;
    struct cc_image_source_callbacks callbacks;
    void *owner;
    struct cc_image_id id;
    struct cc_file *file;
    struct cc_disk_request request;
    struct cc_task task;
    struct cc_list loans; /* that wait, or of which the first is being read */
    copycat_status status;
    bool is_busy; /* the request is under way */
    bool is_open; /* on_open has come */
    bool is_closing;
    void *memory;
    uint8_t *buffer;
    char path[CC_IMAGE_PATH_SIZE];
};

static void go_on(struct cc_image_source *source);

static void ask(
    struct cc_image_source *source,
    enum cc_disk_operation operation,
    void (*done)(struct cc_disk_request *request))
{
    source->request.operation = operation;
    source->request.done = done;
    source->request.owner = source;
    source->is_busy = true;
    cc_env_disk(source->env, &source->request);
}

static void read_blocks(
    struct cc_image_source *source,
    uint64_t offset,
    size_t size,
    void (*done)(struct cc_disk_request *request))
{
    source->request = (struct cc_disk_request){
        .file = source->file, .data = source->buffer, .offset = offset, .size = size};
    ask(source, CC_DISK_READ, done);
}

/* ---- loans ----------------------------------------------------------------------------------- */

static void end_first(struct cc_image_source *source, copycat_status status, copycat_bytes bytes)
{
    struct cc_image_loan *loan = cc_container_of(source->loans.next, struct cc_image_loan, node);

    cc_list_remove(&loan->node);
    loan->status = status;
    loan->bytes = bytes;
    loan->done(loan); /* which may free it */
}

static bool has_bytes(const struct cc_image_source *source, const struct cc_image_loan *loan)
{
    return loan->size > 0 && loan->size <= CC_IMAGE_PART_SIZE_MAX &&
           loan->offset < source->id.size && loan->size <= source->id.size - loan->offset;
}

static void loan_read(struct cc_disk_request *request)
{
    struct cc_image_source *source = request->owner;
    const struct cc_image_loan *loan =
        cc_container_of(source->loans.next, struct cc_image_loan, node);
    copycat_bytes bytes = {source->buffer + loan->offset % CC_DISK_BLOCK, loan->size};

    source->is_busy = false;
    if (request->status != COPYCAT_OK) {
        end_first(source, COPYCAT_ERR_IO, (copycat_bytes){NULL, 0});
    } else {
        end_first(source, COPYCAT_OK, bytes);
    }
    go_on(source);
}

static void lend_next(struct cc_image_source *source)
{
    while (!cc_list_is_empty(&source->loans)) {
        const struct cc_image_loan *loan =
            cc_container_of(source->loans.next, struct cc_image_loan, node);

        if (source->status == COPYCAT_OK && has_bytes(source, loan)) {
            uint64_t first = loan->offset / CC_DISK_BLOCK * CC_DISK_BLOCK;
            uint64_t end = loan->offset + loan->size;

            end = (end + CC_DISK_BLOCK - 1) / CC_DISK_BLOCK * CC_DISK_BLOCK;
            read_blocks(source, first, (size_t)(end - first), loan_read);
            return;
        }
        end_first(
            source, source->status == COPYCAT_OK ? COPYCAT_ERR_INVALID : source->status,
            (copycat_bytes){NULL, 0});
    }
}

/* ---- open and close -------------------------------------------------------------------------- */

static void release(struct cc_image_source *source)
{
    void (*on_closed)(void *owner) = source->callbacks.on_closed;
    const struct cc_memory *memory = source->env->memory;
    void *owner = source->owner;

    cc_env_task_cancel(source->env, &source->task);
    cc_memory_give(memory, source->memory);
    cc_memory_give(memory, source);
    on_closed(owner);
}

static void closed(struct cc_disk_request *request)
{
    release(request->owner);
}

/* Nothing is under way. */
static void wind_up(struct cc_image_source *source)
{
    source->status = COPYCAT_ERR_CLOSED;
    lend_next(source);
    if (source->file != NULL) {
        source->request = (struct cc_disk_request){.file = source->file};
        source->file = NULL;
        ask(source, CC_DISK_CLOSE, closed);
    } else {
        release(source);
    }
}

static void go_on(struct cc_image_source *source)
{
    if (source->is_busy) {
        return;
    }
    if (source->is_closing) {
        wind_up(source);
    } else if (source->is_open) {
        lend_next(source);
    }
}

/* What may not be done inside a call is done at the end of the pass. */
static void run(struct cc_task *task)
{
    go_on(task->owner);
}

static void tell_open(
    struct cc_image_source *source, copycat_status status, const char *what, uint64_t offset)
{
    char text[CC_IMAGE_TEXT_SIZE] = "";

    source->status = status;
    source->is_open = true;
    if (status != COPYCAT_OK) {
        cc_image_describe(text, source->path, what, offset);
    }
    source->callbacks.on_open(source->owner, status, text);
    go_on(source);
}

/* True if opening is to go on. */
static bool is_going_on(struct cc_image_source *source)
{
    source->is_busy = false;
    if (source->is_closing) {
        wind_up(source);
        return false;
    }
    return true;
}

static void end_read(struct cc_disk_request *request)
{
    struct cc_image_source *source = request->owner;
    struct cc_image_end end;

    if (!is_going_on(source)) {
        return;
    }
    if (request->status != COPYCAT_OK) {
        tell_open(
            source, COPYCAT_ERR_IO, "the end of the image could not be read", request->offset);
    } else if (
        !cc_image_end_decode(source->buffer, &end) || end.size != source->id.size ||
        end.checksum != source->id.checksum) {
        tell_open(
            source, COPYCAT_ERR_DAMAGED, "the end is not of the image that was expected",
            request->offset);
    } else {
        tell_open(source, COPYCAT_OK, "", COPYCAT_NONE);
    }
}

static void opened(struct cc_disk_request *request)
{
    struct cc_image_source *source = request->owner;
    copycat_status status = request->status;
    uint64_t size = request->size;

    source->file = status == COPYCAT_OK ? request->file : NULL;
    if (!is_going_on(source)) {
        return;
    }
    if (status != COPYCAT_OK) {
        tell_open(
            source, status == COPYCAT_ERR_INVALID ? COPYCAT_ERR_DAMAGED : status,
            status == COPYCAT_ERR_INVALID ? "the image is missing"
            : status == COPYCAT_ERR_BUSY  ? "the image could not be opened: too many files are open"
                                          : "the image could not be opened",
            COPYCAT_NONE);
    } else if (size != source->id.size) {
        tell_open(
            source, COPYCAT_ERR_DAMAGED, "this is another image than was expected: the file ends",
            size);
    } else {
        read_blocks(source, size - CC_DISK_BLOCK, CC_DISK_BLOCK, end_read);
    }
}

copycat_status cc_image_source_open(
    struct cc_image_source **source_out,
    struct cc_env *env,
    const char *directory,
    const struct cc_image_id *id,
    const struct cc_image_source_callbacks *callbacks,
    void *owner)
{
    struct cc_image_source *source = cc_memory_take(env->memory, sizeof *source);

    if (!cc_image_is_size(id->size) || !cc_image_path(source->path, directory, id)) {
        cc_memory_give(env->memory, source);
        return COPYCAT_ERR_INVALID;
    }
    source->env = env;
    source->callbacks = *callbacks;
    source->owner = owner;
    source->id = *id;
    source->buffer = cc_image_aligned(env->memory, BUFFER_SIZE, &source->memory);
    source->task = (struct cc_task){.run = run, .owner = source};
    cc_list_init(&source->loans);
    source->request = (struct cc_disk_request){.name = source->path};
    ask(source, CC_DISK_OPEN, opened);
    *source_out = source;
    return COPYCAT_OK;
}

void cc_image_source_lend(struct cc_image_source *source, struct cc_image_loan *loan)
{
    CC_ASSERT(!source->is_closing);
    cc_list_append(&source->loans, &loan->node);
    cc_env_later(source->env, &source->task);
}

void cc_image_source_close(struct cc_image_source *source)
{
    CC_ASSERT(!source->is_closing);
    source->is_closing = true;
    cc_env_later(source->env, &source->task);
}
