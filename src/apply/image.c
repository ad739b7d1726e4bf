/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image -- see image.h.
 */
#include "apply/image.h"

#include "apply/apply_internal.h"
#include "base/assert.h"
#include "base/bug.h"

#define LIVE_RUNS_MAX 4096u /* in a record; it is shorter than 100 KiB */

/* ---- beginning and end ----------------------------------------------------------------------- */

static void freeze(struct cc_apply *apply)
{
    struct cc_image *image = apply->image;

    cc_live_freeze(&apply->live, apply->index);
    for (uint32_t i = 0; i < image->instance_count; i++) {
        const struct cc_instance *instance = apply->instances.at[i];

        if (cc_instance_has_blob(instance)) {
            image->has_blobs = true;
            instance->type->blob_freeze(instance->machine);
        }
    }
}

bool cc_apply_image_begin(struct cc_apply *apply)
{
    struct cc_image *image = cc_memory_try(apply->memory, sizeof *image);

    CC_ASSERT(apply->image == NULL && apply->index > 0); /* M1 */
    if (image == NULL) {
        return false;
    }
    image->index = apply->index;
    image->time_us = apply->time_us;
    image->digest = cc_apply_digest(apply);
    image->instance_count = apply->instances.count;
    cc_list_init(&image->chunks);
    apply->image = image;
    cc_image_sessions_begin(apply);
    if (!cc_image_capture(apply)) {
        cc_image_sessions_end(apply);
        cc_image_capture_drop(apply, &image->chunks);
        cc_memory_give(apply->memory, image);
        apply->image = NULL;
        return false;
    }
    freeze(apply);
    return true;
}

/* The next instance whose blob is not yet written; NULL when there is none. */
static struct cc_instance *next_blob(struct cc_apply *apply)
{
    struct cc_image *image = apply->image;

    while (image->blob_position < image->instance_count) {
        struct cc_instance *instance = apply->instances.at[image->blob_position];

        if (cc_instance_has_blob(instance)) {
            return instance;
        }
        image->blob_position++;
    }
    return NULL;
}

static uint64_t next_live(const struct cc_apply *apply)
{
    return cc_live_frozen_next(&apply->live, apply->image->live_newest);
}

/* Nothing but commits is left. */
static bool is_state_written(struct cc_apply *apply)
{
    return cc_list_is_empty(&apply->image->chunks) && !cc_image_has_sessions(apply->image) &&
           next_blob(apply) == NULL && next_live(apply) == 0;
}

static void end_blob(struct cc_apply *apply, const struct cc_instance *instance)
{
    instance->type->blob_done(instance->machine);
    apply->image->blob_position++;
    apply->image->blob_number = 0;
}

void cc_apply_image_end(struct cc_apply *apply)
{
    const struct cc_instance *instance;

    if (apply->image == NULL) {
        return;
    }
    while ((instance = next_blob(apply)) != NULL) {
        end_blob(apply, instance);
    }
    cc_live_thaw(&apply->live);
    cc_image_sessions_end(apply);
    cc_image_capture_drop(apply, &apply->image->chunks);
    cc_memory_give(apply->memory, apply->image);
    apply->image = NULL;
}

uint64_t cc_apply_image_index(const struct cc_apply *apply)
{
    return apply->image == NULL ? 0 : apply->image->index;
}

uint64_t cc_apply_image_time_us(const struct cc_apply *apply)
{
    return apply->image == NULL ? 0 : apply->image->time_us;
}

uint64_t cc_apply_image_digest(const struct cc_apply *apply)
{
    return apply->image == NULL ? 0 : apply->image->digest;
}

uint64_t cc_apply_image_captured_bytes(const struct cc_apply *apply)
{
    return apply->image == NULL ? 0 : apply->image->captured_bytes;
}

/* ---- blobs ----------------------------------------------------------------------------------- */

/* One piece: what one step of a machine writes. */
struct copycat_blob_writer {
    struct cc_writer *target;
    size_t left;
};

bool copycat_blob_write(copycat_blob_writer *writer, copycat_bytes bytes)
{
    if (bytes.size > writer->left || writer->target->failed) {
        return false;
    }
    if (bytes.size > 0) {
        cc_write_raw(writer->target, bytes.data, bytes.size);
    }
    writer->left -= bytes.size;
    return true;
}

static void write_piece(
    struct cc_apply *apply, const struct cc_instance *instance, struct cc_writer *writer)
{
    struct cc_image *image = apply->image;
    struct copycat_blob_writer piece = {writer, CC_IMAGE_BLOB_PIECE_SIZE_MAX};
    size_t start = cc_image_record_begin(writer, CC_IMAGE_BLOB);

    cc_write_varint(writer, instance->id);
    cc_write_varint(writer, image->blob_number);

    size_t last_at = writer->size;

    cc_write_u8(writer, 0);
    if (writer->failed) {
        return;
    }

    bool is_more = instance->type->blob_step(instance->machine, &piece);

    if (writer->failed) {
        return;
    }
    CC_ASSERT(!is_more || piece.left < CC_IMAGE_BLOB_PIECE_SIZE_MAX); /* or it would never end */
    writer->data[last_at] = !is_more;
    cc_image_record_end(writer, start);
    image->counts[CC_IMAGE_BLOB]++;
    image->blob_number++;
    if (!is_more) {
        end_blob(apply, instance);
    }
}

/* One run; how many indexes it has. */
static uint64_t write_run(struct cc_apply *apply, struct cc_writer *writer, uint64_t count_max)
{
    uint64_t before = apply->image->live_newest;
    uint64_t first = next_live(apply);
    uint64_t count = 1;

    while (count < count_max && cc_live_frozen_has(&apply->live, first + count)) {
        count++;
    }
    cc_write_varint(writer, first - before);
    cc_write_varint(writer, count);
    apply->image->live_newest = first + count - 1;
    return count;
}

static void write_live(struct cc_apply *apply, struct cc_writer *writer)
{
    size_t start = cc_image_record_begin(writer, CC_IMAGE_LIVE);
    uint64_t left = CC_IMAGE_LIVE_MAX;
    uint32_t runs = 0;

    while (left > 0 && runs < LIVE_RUNS_MAX && !writer->failed && next_live(apply) != 0) {
        left -= write_run(apply, writer, left);
        runs++;
    }
    cc_image_record_end(writer, start);
    apply->image->counts[CC_IMAGE_LIVE]++;
}

static void capture_sessions(struct cc_apply *apply, struct cc_writer *writer)
{
    if (!cc_image_capture_sessions(apply)) {
        writer->failed = true; /* part of a session is lost, so the image is */
        writer->is_short = true;
    }
}

bool cc_apply_image_step(struct cc_apply *apply, struct cc_writer *writer, size_t wanted)
{
    struct cc_image *image = apply->image;
    size_t start = writer->size;

    CC_ASSERT(image != NULL && wanted > 0);
    while (writer->size - start < wanted && !writer->failed) {
        if (!cc_list_is_empty(&image->chunks)) {
            cc_image_capture_write(apply, writer);
        } else if (cc_image_has_sessions(image)) {
            capture_sessions(apply, writer);
        } else if (next_blob(apply) != NULL) {
            write_piece(apply, next_blob(apply), writer);
        } else if (next_live(apply) != 0) {
            write_live(apply, writer);
        } else {
            break;
        }
    }
    return writer->failed || !is_state_written(apply);
}

/* ---- live commits ---------------------------------------------------------------------------- */

uint64_t cc_apply_image_commit_count(const struct cc_apply *apply)
{
    CC_ASSERT(apply->image != NULL);
    return apply->live.frozen_count;
}

uint64_t cc_apply_image_next_commit(const struct cc_apply *apply, uint64_t after)
{
    CC_ASSERT(apply->image != NULL);
    return cc_live_frozen_next(&apply->live, after);
}

bool cc_apply_image_has_commit(const struct cc_apply *apply, uint64_t index)
{
    CC_ASSERT(apply->image != NULL);
    return cc_live_frozen_has(&apply->live, index);
}

static bool is_next(const struct cc_apply *apply, uint64_t index)
{
    const struct cc_image *image = apply->image;

    return index > image->commit_newest && cc_live_frozen_has(&apply->live, index);
}

static void note_commit(struct cc_apply *apply, uint64_t index)
{
    CC_ASSERT(is_state_written(apply));
    apply->image->commit_newest = index;
    apply->image->commit_count++;
}

/* Where the machine writes a blob, all that is still wanted of its commits is that they live. */
static bool is_in_blob(const struct cc_apply *apply, const struct cc_entry *entry)
{
    struct cc_command command;
    bool is_command = cc_command_decode(entry->payload, &command);

    CC_ASSERT(is_command); /* what does not decode is released at once */

    const struct cc_instance *instance = cc_instance_find(apply, command.instance);

    CC_ASSERT(instance != NULL);
    return cc_instance_has_blob(instance);
}

bool cc_apply_image_commit(
    struct cc_apply *apply, struct cc_writer *writer, const struct cc_entry *entry)
{
    const uint8_t *payload = entry->payload.data;
    size_t start;

    CC_ASSERT(is_next(apply, entry->index) || CC_BUG(T034)); /* M3 */
    if (is_in_blob(apply, entry)) {
        return false;
    }
    start = cc_image_record_begin(writer, CC_IMAGE_COMMIT);
    cc_write_raw(
        writer, payload - CC_ENTRY_HEADER_SIZE, cc_entry_size((uint32_t)entry->payload.size));
    cc_image_record_end(writer, start);
    note_commit(apply, entry->index);
    return true;
}

bool cc_apply_image_commit_again(
    struct cc_apply *apply, struct cc_writer *writer, const struct cc_image_record *record)
{
    uint64_t index = cc_image_record_index(record);

    if (index == 0 || !is_next(apply, index)) {
        return false;
    }
    cc_write_raw(writer, record->whole.data, record->whole.size);
    note_commit(apply, index);
    return true;
}

void cc_apply_image_keep(struct cc_apply *apply, uint64_t last, uint64_t count)
{
    CC_ASSERT(last > apply->image->commit_newest && last <= apply->image->index);
    CC_ASSERT(is_state_written(apply));
    apply->image->commit_newest = last;
    apply->image->commit_count += count;
}

bool cc_apply_image_finish(struct cc_apply *apply, struct cc_writer *writer)
{
    const struct cc_image *image = apply->image;

    size_t start;

    if (!image->has_blobs && image->commit_count != apply->live.frozen_count && !CC_BUG(T034) &&
        !CC_BUG(T034C)) {
        return false; /* M3 */
    }
    start = cc_image_record_begin(writer, CC_IMAGE_END);

    for (int type = CC_IMAGE_INSTANCE; type <= CC_IMAGE_BLOB; type++) {
        cc_write_varint(writer, image->counts[type]);
    }
    cc_write_varint(writer, image->counts[CC_IMAGE_LIVE]);
    cc_write_varint(writer, image->commit_count);
    cc_write_u64(writer, image->digest);
    cc_image_record_end(writer, start);
    return true;
}
