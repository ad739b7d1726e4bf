/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_capture -- all of the state but machines, encoded into lists of chunks.
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
static struct cc_image_chunk *chunk_for(
    const struct cc_memory *memory, struct cc_list *chunks, size_t size)
{
    if (!cc_list_is_empty(chunks)) {
        struct cc_image_chunk *last = cc_container_of(chunks->prev, struct cc_image_chunk, node);

        if (last->bytes.size + size <= CHUNK_SIZE) {
            return last;
        }
    }

    struct cc_image_chunk *chunk = cc_memory_try(memory, sizeof *chunk);

    if (chunk != NULL) {
        cc_writer_init(&chunk->bytes, memory, CHUNK_SIZE + CC_IMAGE_RECORD_SIZE_MAX);
        cc_list_append(chunks, &chunk->node);
    }
    return chunk;
}

/* A record that is being encoded, and where to. */
struct capture {
    struct cc_apply *apply;
    struct cc_list *chunks;
    struct cc_writer *writer;
    size_t start;
    uint8_t type;
};

/* `size` is of its parts of any length; false if there is no memory. */
static bool begin(struct capture *capture, uint8_t type, size_t size)
{
    struct cc_image_chunk *chunk =
        chunk_for(capture->apply->memory, capture->chunks, SMALL_SIZE_MAX + size);

    if (chunk == NULL) {
        return false;
    }
    capture->writer = &chunk->bytes;
    capture->type = type;
    capture->start = cc_image_record_begin(capture->writer, type);
    return true;
}

static bool end(struct capture *capture)
{
    struct cc_image *image = capture->apply->image;

    cc_image_record_end(capture->writer, capture->start);
    image->counts[capture->type]++;
    image->captured_bytes += capture->writer->size - capture->start;
    return !capture->writer->failed;
}

static bool capture_head(struct capture *capture)
{
    const struct cc_apply *apply = capture->apply;

    if (!begin(capture, CC_IMAGE_HEAD, 0)) {
        return false;
    }
    cc_write_varint(capture->writer, CC_IMAGE_VERSION);
    cc_write_varint(capture->writer, apply->index);
    cc_write_varint(capture->writer, apply->time_us);
    cc_write_varint(capture->writer, apply->timers.order);
    return end(capture);
}

static bool capture_instance(struct capture *capture, const struct cc_instance *instance)
{
    if (!begin(capture, CC_IMAGE_INSTANCE, 0)) {
        return false;
    }
    cc_write_varint(capture->writer, instance->id);
    cc_write_varint(capture->writer, instance->type->id);
    cc_write_varint(capture->writer, instance->type->version);
    return end(capture);
}

static bool capture_answer(struct capture *capture, const struct cc_reply_slot *slot)
{
    copycat_bytes result = cc_reply_result(slot);
    if (!begin(capture, CC_IMAGE_ANSWER, result.size)) {
        return false;
    }
    cc_write_varint(capture->writer, slot->index);
    cc_write_varint(capture->writer, (uint64_t) - (int64_t)slot->status);
    if (result.size > 0) {
        cc_write_raw(capture->writer, result.data, result.size);
    }
    return end(capture);
}

static bool capture_session(struct capture *capture, const struct cc_session *session)
{
    const struct cc_session_replies *replies = &session->replies;
    if (!begin(capture, CC_IMAGE_SESSION, 0)) {
        return false;
    }
    cc_write_varint(capture->writer, session->id);
    cc_write_varint(capture->writer, session->timeout_us);
    cc_write_varint(capture->writer, session->touched);
    cc_write_varint(capture->writer, replies->applied);
    cc_write_varint(capture->writer, replies->acked);
    cc_write_raw(capture->writer, session->nonce, CC_NONCE_SIZE);
    if (!end(capture)) {
        return false;
    }
    for (uint64_t sequence = replies->acked + 1; sequence <= replies->applied; sequence++) {
        if (!capture_answer(capture, cc_session_replies_find(replies, sequence))) {
            return false;
        }
    }
    return true;
}

static bool capture_deadline(struct capture *capture, struct cc_deadline_view deadline)
{
    if (!begin(capture, CC_IMAGE_DEADLINE, 0)) {
        return false;
    }
    cc_write_varint(capture->writer, deadline.deadline_us);
    cc_write_varint(capture->writer, deadline.order);
    cc_write_varint(capture->writer, deadline.instance);
    cc_write_varint(capture->writer, deadline.key);
    return end(capture);
}

static bool capture_deadlines(struct capture *capture)
{
    struct cc_apply *apply = capture->apply;

    cc_timers_arrange(&apply->timers);
    for (uint32_t i = 0; i < apply->timers.count; i++) {
        if (!capture_deadline(capture, cc_timers_at(&apply->timers, i))) {
            return false;
        }
    }
    return true;
}

bool cc_image_capture(struct cc_apply *apply)
{
    struct capture capture = {.apply = apply, .chunks = &apply->image->chunks};

    if (!capture_head(&capture)) {
        return false;
    }
    for (uint32_t i = 0; i < apply->instances.count; i++) {
        if (!capture_instance(&capture, apply->instances.at[i])) {
            return false;
        }
    }
    return CC_BUG(T045) || capture_deadlines(&capture);
}

bool cc_image_capture_session(
    struct cc_apply *apply, const struct cc_session *session, struct cc_list *chunks)
{
    struct capture capture = {.apply = apply, .chunks = chunks};

    return capture_session(&capture, session);
}

static void drop(struct cc_apply *apply, struct cc_image_chunk *chunk)
{
    cc_list_remove(&chunk->node);
    cc_writer_deinit(&chunk->bytes);
    cc_memory_give(apply->memory, chunk);
}

void cc_image_capture_drop(struct cc_apply *apply, struct cc_list *chunks)
{
    cc_list_each_safe(node, following, chunks) {
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
