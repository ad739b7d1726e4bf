/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_capture -- what an image encodes at once, when it begins: all of the state but machines.
 *
 * Chunks, and not one large block: no block has to be moved while it grows, and each is given back
 * as soon as it is written.
 */
#include "apply/apply_internal.h"
#include "base/assert.h"
#include "base/bug.h"

#define CHUNK_SIZE (64u << 10)
#define SMALL_SIZE_MAX \
    128u /* any record here but an answer is smaller; an answer without its result */

/* The chunk that the next record goes to; NULL if there is no memory for one. */
static struct cc_image_chunk *chunk_for(struct cc_apply *apply, size_t size)
{
    struct cc_image *image = apply->image;

    if (!cc_list_is_empty(&image->chunks)) {
        struct cc_image_chunk *last =
            cc_container_of(image->chunks.prev, struct cc_image_chunk, node);

        if (last->bytes.size + size <= CHUNK_SIZE) {
            return last;
        }
    }

    struct cc_image_chunk *chunk = cc_memory_try(apply->memory, sizeof *chunk);

    if (chunk != NULL) {
        cc_writer_init(&chunk->bytes, apply->memory, CHUNK_SIZE + CC_IMAGE_RECORD_SIZE_MAX);
        cc_list_append(&image->chunks, &chunk->node);
    }
    return chunk;
}

/* A record that is being encoded. */
struct capture {
    struct cc_image *image;
    struct cc_writer *writer;
    size_t start;
    uint8_t type;
};

/* `size` is of its parts of any length; false if there is no memory. */
static bool begin(struct capture *capture, struct cc_apply *apply, uint8_t type, size_t size)
{
    struct cc_image_chunk *chunk = chunk_for(apply, SMALL_SIZE_MAX + size);

    if (chunk == NULL) {
        return false;
    }
    capture->image = apply->image;
    capture->writer = &chunk->bytes;
    capture->type = type;
    capture->start = cc_image_record_begin(capture->writer, type);
    return true;
}

static bool end(struct capture *capture)
{
    cc_image_record_end(capture->writer, capture->start);
    capture->image->counts[capture->type]++;
    capture->image->captured_bytes += capture->writer->size - capture->start;
    return !capture->writer->failed;
}

static bool capture_head(struct cc_apply *apply)
{
    struct capture capture;

    if (!begin(&capture, apply, CC_IMAGE_HEAD, 0)) {
        return false;
    }
    cc_write_varint(capture.writer, CC_IMAGE_VERSION);
    cc_write_varint(capture.writer, apply->index);
    cc_write_varint(capture.writer, apply->time_us);
    cc_write_varint(capture.writer, apply->timers.order);
    return end(&capture);
}

static bool capture_instance(struct cc_apply *apply, const struct cc_instance *instance)
{
    struct capture capture;

    if (!begin(&capture, apply, CC_IMAGE_INSTANCE, 0)) {
        return false;
    }
    cc_write_varint(capture.writer, instance->id);
    cc_write_varint(capture.writer, instance->type->id);
    cc_write_varint(capture.writer, instance->type->version);
    return end(&capture);
}

static bool capture_answer(struct cc_apply *apply, const struct cc_reply_slot *slot)
{
    copycat_bytes result = cc_reply_result(slot);
    struct capture capture;

    if (!begin(&capture, apply, CC_IMAGE_ANSWER, result.size)) {
        return false;
    }
    cc_write_varint(capture.writer, slot->index);
    cc_write_varint(capture.writer, (uint64_t) - (int64_t)slot->status);
    if (result.size > 0) {
        cc_write_raw(capture.writer, result.data, result.size);
    }
    return end(&capture);
}

static bool capture_session(struct cc_apply *apply, const struct cc_session *session)
{
    const struct cc_session_replies *replies = &session->replies;
    struct capture capture;

    if (!begin(&capture, apply, CC_IMAGE_SESSION, 0)) {
        return false;
    }
    cc_write_varint(capture.writer, session->id);
    cc_write_varint(capture.writer, session->timeout_us);
    cc_write_varint(capture.writer, session->touched);
    cc_write_varint(capture.writer, replies->applied);
    cc_write_varint(capture.writer, replies->acked);
    cc_write_raw(capture.writer, session->nonce, CC_NONCE_SIZE);
    if (!end(&capture)) {
        return false;
    }
    for (uint64_t sequence = replies->acked + 1; sequence <= replies->applied; sequence++) {
        if (!capture_answer(apply, cc_session_replies_find(replies, sequence))) {
            return false;
        }
    }
    return true;
}

static bool capture_deadline(struct cc_apply *apply, struct cc_deadline_view deadline)
{
    struct capture capture;

    if (!begin(&capture, apply, CC_IMAGE_DEADLINE, 0)) {
        return false;
    }
    cc_write_varint(capture.writer, deadline.deadline_us);
    cc_write_varint(capture.writer, deadline.order);
    cc_write_varint(capture.writer, deadline.instance);
    cc_write_varint(capture.writer, deadline.key);
    return end(&capture);
}

static bool capture_deadlines(struct cc_apply *apply)
{
    cc_timers_arrange(&apply->timers);
    for (uint32_t i = 0; i < apply->timers.count; i++) {
        if (!capture_deadline(apply, cc_timers_at(&apply->timers, i))) {
            return false;
        }
    }
    return true;
}

bool cc_image_capture(struct cc_apply *apply)
{
    if (!capture_head(apply)) {
        return false;
    }
    for (uint32_t i = 0; i < apply->instances.count; i++) {
        if (!capture_instance(apply, apply->instances.at[i])) {
            return false;
        }
    }
    for (const struct cc_session *session = cc_session_table_after(&apply->sessions, 0);
         session != NULL; session = cc_session_table_after(&apply->sessions, session->id)) {
        if (!capture_session(apply, session)) {
            return false;
        }
    }
    return CC_BUG(T045) || capture_deadlines(apply);
}

static void drop(struct cc_apply *apply, struct cc_image_chunk *chunk)
{
    cc_list_remove(&chunk->node);
    cc_writer_deinit(&chunk->bytes);
    cc_memory_give(apply->memory, chunk);
}

void cc_image_capture_drop(struct cc_apply *apply)
{
    cc_list_each_safe(node, following, &apply->image->chunks) {
        drop(apply, cc_container_of(node, struct cc_image_chunk, node));
    }
}

void cc_image_capture_write(struct cc_apply *apply, struct cc_writer *writer)
{
    struct cc_image *image = apply->image;
    struct cc_image_chunk *chunk = cc_container_of(image->chunks.next, struct cc_image_chunk, node);
    copycat_bytes left = {chunk->bytes.data + chunk->written, chunk->bytes.size - chunk->written};
    struct cc_image_record record;
    bool is_record = cc_image_record_next(&left, &record);

    CC_ASSERT(is_record);
    cc_write_raw(writer, record.whole.data, record.whole.size);
    image->captured_bytes -= record.whole.size;
    chunk->written += record.whole.size;
    if (chunk->written == chunk->bytes.size) {
        drop(apply, chunk);
    }
}
