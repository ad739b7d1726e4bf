/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_image -- an image, or a segment, is read as a server reads it when it starts, from begin to
 * end, and taken apart into records.
 */
#include "base/assert.h"
#include "inspect/inspect.h"
#include "log/image_format.h"

#include <stdio.h>
#include <string.h>

struct reading {
    copycat_inspection *inspection;
    struct cc_inspect_image *image;
    const struct cc_inspect_taker *taker; /* NULL: nobody wants them */
    struct cc_image_reader *reader;
    const struct cc_image_id *expected;
    uint64_t live_last; /* highest index that was said to live */
    bool is_read;
    bool is_closed;
};

static void end(struct reading *reading, copycat_status status, const char *text)
{
    struct cc_inspect_image *image = reading->image;

    image->status = status;
    snprintf(image->text, sizeof image->text, "%s", text);
    reading->is_read = true;
}

/* What the reader takes for right and is not: in its words. */
static void refuse(struct reading *reading, const char *what)
{
    char path[CC_IMAGE_PATH_SIZE];
    char text[CC_IMAGE_TEXT_SIZE];
    bool has_path = cc_image_path(path, reading->inspection->path, reading->expected);

    CC_ASSERT(has_path); /* it was opened by it */
    cc_image_describe(text, path, what, cc_image_read_offset(reading->reader));
    end(reading, COPYCAT_ERR_DAMAGED, text);
}

static void on_open(
    void *owner,
    copycat_status status,
    const struct cc_image_id *id,
    const struct cc_image_head *head,
    const char *text)
{
    struct reading *reading = owner;

    if (status != COPYCAT_OK) {
        end(reading, status, text);
        return;
    }
    reading->image->id = *id;
    reading->image->head = *head;
    cc_image_read_next(reading->reader);
}

/* ---- records --------------------------------------------------------------------------------- */

static bool add_run(void *owner, uint64_t first, uint64_t last)
{
    struct reading *reading = owner;
    struct cc_inspect_image *image = reading->image;

    if (image->run_count == image->run_capacity) {
        image->run_capacity = image->run_capacity == 0 ? 64 : image->run_capacity * 2;
        image->runs = cc_memory_grow(
            reading->inspection->memory, image->runs, image->run_capacity * sizeof *image->runs);
    }
    image->runs[image->run_count++] = (struct cc_inspect_run){first, last};
    image->live_count += last - first + 1;
    return true;
}

static const char *take_record(struct reading *reading, const struct cc_image_record *record)
{
    bool is_commit = record->type == CC_IMAGE_COMMIT;

    if (is_commit != reading->image->head.is_segment) {
        return is_commit ? "an image has no commits of its own"
                         : "a segment has other records than commits";
    }
    if (record->type == CC_IMAGE_LIVE &&
        !cc_inspect_each_run(record->payload, &reading->live_last, add_run, reading)) {
        return CC_INSPECT_NO_SENSE;
    }
    return reading->taker == NULL
               ? NULL
               : reading->taker->on_record(
                     reading->taker->owner, cc_image_read_offset(reading->reader), record);
}

static void on_piece(void *owner, copycat_bytes bytes)
{
    struct reading *reading = owner;
    const char *wrong = NULL;

    while (wrong == NULL && bytes.size > 0) {
        struct cc_image_record record;

        wrong = cc_image_record_next(&bytes, &record) ? take_record(reading, &record)
                                                      : CC_INSPECT_NO_SENSE;
    }
    if (wrong == NULL) {
        cc_image_read_next(reading->reader);
    } else {
        refuse(reading, wrong);
    }
}

static void keep_segments(struct reading *reading)
{
    struct cc_inspect_image *image = reading->image;
    const struct cc_image_segment *segments =
        cc_image_read_segments(reading->reader, &image->segment_count);

    if (image->segment_count > 0) {
        image->segments =
            cc_memory_take(reading->inspection->memory, image->segment_count * sizeof *segments);
        memcpy(image->segments, segments, image->segment_count * sizeof *segments);
    }
    image->table_offset = cc_image_read_offset(reading->reader);
}

static void on_end(void *owner, copycat_status status, const char *text)
{
    if (status == COPYCAT_OK) {
        keep_segments(owner);
    }
    end(owner, status, text);
}

static void on_closed(void *owner)
{
    struct reading *reading = owner;

    reading->is_closed = true;
}

static const struct cc_image_read_callbacks callbacks = {
    .on_open = on_open,
    .on_piece = on_piece,
    .on_end = on_end,
    .on_closed = on_closed,
};

copycat_status cc_inspect_read_image(
    copycat_inspection *inspection,
    const struct cc_image_id *expected,
    const struct cc_inspect_taker *taker,
    struct cc_inspect_image *image_out)
{
    struct reading reading = {
        .inspection = inspection, .image = image_out, .taker = taker, .expected = expected};
    copycat_status status;

    *image_out = (struct cc_inspect_image){.id = *expected};
    status = cc_image_read_begin(
        &reading.reader, &inspection->view.env, inspection->path, expected, &callbacks, &reading);
    if (status != COPYCAT_OK) {
        return status;
    }
    cc_view_run(&inspection->view, &reading.is_read);
    CC_ASSERT(reading.is_read);
    cc_image_read_close(reading.reader);
    cc_view_run(&inspection->view, &reading.is_closed);
    CC_ASSERT(reading.is_closed);
    return COPYCAT_OK;
}

void cc_inspect_image_deinit(const copycat_inspection *inspection, struct cc_inspect_image *image)
{
    cc_memory_give(inspection->memory, image->segments);
    cc_memory_give(inspection->memory, image->runs);
    image->segments = NULL;
    image->runs = NULL;
}
