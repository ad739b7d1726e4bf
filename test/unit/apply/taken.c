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
    if (taken->commits != NULL) {
        free(taken->commits->bytes);
        free(taken->commits);
    }
    free(taken->bytes);
    *taken = (struct taken){0};
}

void taken_begin(struct history *history)
{
    bool is_begun = cc_apply_image_begin(history->apply);

    CC_ASSERT(is_begun);
}

/* One commit; false when there is none left, and the image has its end. */
static bool step_commits(struct taken *taken, struct history *history, struct cc_writer *writer)
{
    uint64_t index = cc_apply_image_next_commit(history->apply, taken->newest);
    struct cc_entry entry;

    if (taken->commits == NULL) {
        taken->commits = calloc(1, sizeof *taken->commits);
        CC_ASSERT(taken->commits != NULL);
    }
    if (index != 0) {
        CC_ASSERT(history_entry_at(history, index, &entry));
        (void)cc_apply_image_commit(history->apply, writer, &entry);
        CC_ASSERT(!writer->failed);
        taken_add(taken->commits, (copycat_bytes){writer->data, writer->size});
        taken->newest = index;
        return true;
    }
    bool is_finished = cc_apply_image_finish(history->apply, writer);

    CC_ASSERT(is_finished && !writer->failed);
    taken_add(taken, (copycat_bytes){writer->data, writer->size});
    taken_add(taken, (copycat_bytes){taken->commits->bytes, taken->commits->size});
    free(taken->commits->bytes);
    free(taken->commits);
    taken->commits = NULL;
    return false;
}

bool taken_step(struct taken *taken, struct history *history, size_t wanted)
{
    struct cc_writer writer;
    bool is_more = true;

    cc_writer_init(&writer, &history->counted.memory, wanted + CC_IMAGE_RECORD_SIZE_MAX);
    if (!cc_apply_image_step(history->apply, &writer, wanted) && writer.size == 0) {
        is_more = step_commits(taken, history, &writer);
    } else {
        CC_ASSERT(!writer.failed && writer.size > 0);
        taken_add(taken, (copycat_bytes){writer.data, writer.size});
    }
    CC_ASSERT(writer.size < wanted + CC_IMAGE_RECORD_SIZE_MAX);
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

/* As a server does it, which goes on meanwhile. */
static void give_up(struct cc_restoring *restoring)
{
    struct cc_apply *apply = cc_restore_give_up(restoring);

    while (apply != NULL && cc_apply_destroy_step(apply)) {
    }
    cc_apply_destroy(apply);
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
    give_up(restoring);
    return end;
}
