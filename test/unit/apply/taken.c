/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taken -- see taken.h.
 */
#include "taken.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

void taken_add(struct taken *taken, copycat_bytes bytes)
{
    taken->bytes = realloc(taken->bytes, taken->size + bytes.size + 1);
    CC_ASSERT(taken->bytes != NULL);
    if (bytes.size > 0) {
        memcpy(taken->bytes + taken->size, bytes.data, bytes.size);
    }
    taken->size += bytes.size;
}

void taken_free(struct taken *taken)
{
    free(taken->bytes);
    *taken = (struct taken){0};
}

void taken_begin(struct history *history)
{
    bool is_begun = cc_apply_image_begin(history->apply);

    CC_ASSERT(is_begun);
}

/* The index of the last commit in the image; 0: none. */
static uint64_t newest_commit(const struct taken *taken)
{
    copycat_bytes left = {taken->bytes, taken->size};
    struct cc_image_record record;
    uint64_t newest = 0;

    while (cc_image_record_next(&left, &record)) {
        uint64_t index = cc_image_record_index(&record);

        newest = index > newest ? index : newest;
    }
    return newest;
}

bool taken_step(struct taken *taken, struct history *history, size_t wanted)
{
    struct cc_writer writer;
    struct cc_entry entry;
    bool is_more = true;

    cc_writer_init(&writer, &history->counted.memory, wanted + CC_IMAGE_RECORD_SIZE_MAX);
    if (!cc_apply_image_step(history->apply, &writer, wanted) && writer.size == 0) {
        uint64_t index = cc_apply_image_next_commit(history->apply, newest_commit(taken));

        is_more = index != 0;
        if (is_more) {
            CC_ASSERT(history_entry_at(history, index, &entry));
            cc_apply_image_commit(history->apply, &writer, &entry);
        } else {
            cc_apply_image_finish(history->apply, &writer);
        }
    }
    CC_ASSERT(!writer.failed && writer.size > 0);
    CC_ASSERT(writer.size < wanted + CC_IMAGE_RECORD_SIZE_MAX);
    taken_add(taken, (copycat_bytes){writer.data, writer.size});
    cc_writer_deinit(&writer);
    return is_more;
}

void taken_take(struct taken *taken, struct history *history)
{
    taken_begin(history);
    while (taken_step(taken, history, 1000)) {
        continue;
    }
    cc_apply_image_end(history->apply);
}

uint32_t taken_records(const struct taken *taken, struct cc_image_record *records)
{
    copycat_bytes left = {taken->bytes, taken->size};
    uint32_t count = 0;

    while (left.size > 0) {
        bool is_record = cc_image_record_next(&left, &records[count]);

        CC_ASSERT(is_record && count < TAKEN_RECORDS_MAX - 1);
        count++;
    }
    return count;
}

copycat_status taken_restore(
    const struct taken *taken,
    const struct cc_apply_options *options,
    const struct cc_memory *memory,
    struct cc_apply **apply_out,
    char text[256])
{
    struct cc_apply_options own = *options;
    copycat_bytes left = {taken->bytes, taken->size};
    copycat_status status = COPYCAT_OK;
    struct cc_image_record record;
    struct cc_restoring *restoring;

    own.memory = memory;
    restoring = cc_restore_begin(&own);
    while (left.size > 0 && status == COPYCAT_OK) {
        copycat_bytes piece = left;

        if (cc_image_record_next(&left, &record)) {
            piece = record.whole;
        } else {
            left.size = 0;
        }
        status = cc_restore_take(restoring, piece);
    }

    copycat_status end = cc_restore_end(restoring, apply_out);

    CC_ASSERT(status == COPYCAT_OK || end == status);
    CC_ASSERT((end == COPYCAT_OK) == (cc_restore_text(restoring)[0] == 0));
    if (text != NULL) {
        strcpy(text, cc_restore_text(restoring));
    }
    cc_restore_destroy(restoring);
    return end;
}
