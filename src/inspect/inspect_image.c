/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_image -- an image, or a segment, is read as a server reads it when it starts.
 */
#include "base/assert.h"
#include "inspect/inspect.h"

#include <string.h>

struct reading {
    copycat_inspection *inspection;
    struct cc_inspect_image *image;
    struct cc_image_reader *reader;
    bool is_whole; /* all of it is wanted */
    bool is_read;
    bool is_closed;
};

static void end(struct reading *reading, copycat_status status, const char *text)
{
    struct cc_inspect_image *image = reading->image;
    size_t size = strlen(text);

    size = size < sizeof image->text ? size : sizeof image->text - 1;
    image->status = status;
    memcpy(image->text, text, size);
    image->text[size] = '\0';
    reading->is_read = true;
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
    if (reading->is_whole) {
        cc_image_read_next(reading->reader);
    } else {
        end(reading, COPYCAT_OK, "");
    }
}

static void on_piece(void *owner, copycat_bytes bytes)
{
    struct reading *reading = owner;

    (void)bytes;
    cc_image_read_next(reading->reader);
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
    bool is_whole,
    struct cc_inspect_image *image_out)
{
    struct reading reading = {.inspection = inspection, .image = image_out, .is_whole = is_whole};
    copycat_status status;

    *image_out = (struct cc_inspect_image){0};
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
    image->segments = NULL;
}

const struct cc_image_segment *cc_inspect_image_segment(
    const struct cc_inspect_image *image, const struct cc_image_id *name)
{
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct cc_image_segment *segment = &image->segments[i];

        if (segment->first == name->index && segment->checksum == name->checksum) {
            return segment;
        }
    }
    return NULL;
}
