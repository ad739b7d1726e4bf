/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_sink -- an image is received: its bytes come in order and go to the disk as they are.
 *
 * Memory:  what waits for the disk, CC_IMAGE_WAITING_MAX, and the blocks that are being filled.
 */
#include "base/assert.h"
#include "log/image_output.h"

#include <string.h>

#define FILL_SIZE (256u << 10) /* bytes to a write */

struct cc_image_sink {
    struct cc_image_output output;
    struct cc_image_sink_callbacks callbacks;
    void *owner;
    uint64_t size;                   /* of the image */
    uint64_t next;                   /* offset of the next byte to come */
    struct cc_image_blocks *filling; /* NULL: none are */
    size_t filled;
    bool is_wanting; /* bytes were not taken */
};

static void written(struct cc_image_output *output)
{
    struct cc_image_sink *sink = cc_container_of(output, struct cc_image_sink, output);

    if (sink->is_wanting && !output->is_finished && output->waiting <= CC_IMAGE_WAITING_MAX / 2) {
        sink->is_wanting = false;
        sink->callbacks.on_room(sink->owner);
    }
}

static void over(struct cc_image_output *output)
{
    struct cc_image_sink *sink = cc_container_of(output, struct cc_image_sink, output);
    struct cc_image_sink_callbacks callbacks = sink->callbacks;
    const struct cc_memory *memory = output->env->memory;
    copycat_status status = output->status;
    void *owner = sink->owner;
    char text[CC_IMAGE_TEXT_SIZE];

    cc_image_output_describe(output, text);
    cc_image_blocks_destroy(memory, sink->filling);
    cc_memory_give(memory, sink);
    callbacks.on_done(owner, status, text);
}

copycat_status cc_image_sink_begin(
    struct cc_image_sink **sink_out,
    struct cc_env *env,
    const char *directory,
    const struct cc_image_id *id,
    const struct cc_image_sink_callbacks *callbacks,
    void *owner)
{
    struct cc_image_sink *sink = cc_memory_take(env->memory, sizeof *sink);
    copycat_status status = COPYCAT_ERR_INVALID;

    sink->output = (struct cc_image_output){.env = env, .on_written = written, .on_over = over};
    sink->callbacks = *callbacks;
    sink->owner = owner;
    sink->size = id->size;
    cc_image_output_init(&sink->output);
    if (cc_image_is_size(id->size)) {
        status = cc_image_output_begin(&sink->output, directory, id);
    }
    if (status != COPYCAT_OK) {
        cc_memory_give(env->memory, sink);
        return status;
    }
    *sink_out = sink;
    return COPYCAT_OK;
}

/* As many bytes as have room in the blocks at hand; how many. */
static size_t fill(struct cc_image_sink *sink, const uint8_t *data, size_t size)
{
    size_t room;

    if (sink->filling == NULL) {
        uint64_t left = sink->size - sink->next;

        sink->filling = cc_image_blocks_create(
            sink->output.env->memory, left < FILL_SIZE ? (size_t)left : FILL_SIZE);
        sink->filled = 0;
    }
    room = sink->filling->size - sink->filled;
    size = size < room ? size : room;
    memcpy(sink->filling->data + sink->filled, data, size);
    sink->filled += size;
    sink->next += size;
    if (sink->filled == sink->filling->size) {
        cc_image_output_put(&sink->output, sink->filling);
        sink->filling = NULL;
    }
    return size;
}

copycat_status cc_image_sink_add(struct cc_image_sink *sink, uint64_t offset, copycat_bytes bytes)
{
    CC_ASSERT(!sink->output.is_finished);
    if (bytes.size == 0 || offset != sink->next || bytes.size > sink->size - sink->next) {
        return COPYCAT_ERR_INVALID;
    }
    if (sink->output.status != COPYCAT_OK || sink->output.waiting >= CC_IMAGE_WAITING_MAX) {
        sink->is_wanting = true;
        return COPYCAT_ERR_BUSY;
    }
    for (size_t at = 0; at < bytes.size;) {
        at += fill(sink, (const uint8_t *)bytes.data + at, bytes.size - at);
    }
    return COPYCAT_OK;
}

uint64_t cc_image_sink_next(const struct cc_image_sink *sink)
{
    return sink->next;
}

void cc_image_sink_finish(struct cc_image_sink *sink)
{
    CC_ASSERT(sink->next == sink->size);
    cc_image_output_finish(&sink->output);
}

void cc_image_sink_abandon(struct cc_image_sink *sink)
{
    cc_image_output_abandon(&sink->output, COPYCAT_ERR_CLOSED);
}
