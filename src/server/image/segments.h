/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segments -- what a server knows of the segments of an image: their names, and how large each commit
 * in them is, so that it can be said what of them is dead.
 *
 * Where it sits:   made by taking and loading; the group has the lists of what it stands on, lending
 *                  those of what it lends.
 * Memory:          about three bytes for each commit in a segment, once, however many lists name it.
 * Ownership:       lists and segments are counted; both never change once they are made.
 */
#ifndef CC_SERVER_IMAGE_SEGMENTS_H
#define CC_SERVER_IMAGE_SEGMENTS_H

#include "base/memory.h"
#include "log/image.h"
#include "wire/bytes.h"

struct cc_apply;

/* One segment. */
struct cc_segment {
    uint32_t users;
    struct cc_image_segment name;
    uint8_t
        *index; /* for each commit: how far it lies above the one before, and the record's size */
    size_t index_size;
};

/* What an index is made of, as the records pass by. */
struct cc_segment_builder {
    struct cc_writer index;
    struct cc_image_segment name; /* size and checksum are 0 */
};

void cc_segment_builder_init(struct cc_segment_builder *builder, const struct cc_memory *memory);
void cc_segment_builder_deinit(struct cc_segment_builder *builder);

/* False if it does not lie above the one before. */
bool cc_segment_builder_add(struct cc_segment_builder *builder, uint64_t index, size_t record_size);

/* The segment of what was added; the builder is as new then.  Partner: cc_segment_release. */
struct cc_segment *cc_segment_builder_finish(
    struct cc_segment_builder *builder, uint64_t size, uint64_t checksum);

void cc_segment_release(const struct cc_memory *memory, struct cc_segment *segment);

/* How many of its commits live in the image that is being taken, and the bytes of their records. */
void cc_segment_weigh(
    const struct cc_segment *segment,
    const struct cc_apply *apply,
    uint64_t *count_out,
    uint64_t *bytes_out);

/* The segments of one image, ascending. */
struct cc_segment_list {
    const struct cc_memory *memory;
    uint32_t users;
    size_t count;
    size_t capacity;
    struct cc_segment **at;
    uint64_t
        live_size; /* about so much of the disk what lives takes, without what blocks round up */
};

/* Partner: cc_segment_list_release, which accepts NULL. */
struct cc_segment_list *cc_segment_list_create(const struct cc_memory *memory);
struct cc_segment_list *cc_segment_list_retain(struct cc_segment_list *list);
void cc_segment_list_release(struct cc_segment_list *list);

/* So many bytes of its records live. */
void cc_segment_list_add(
    struct cc_segment_list *list, struct cc_segment *segment_take, uint64_t live_bytes);

/* One more user of the segment of that name; NULL: the list, which may be NULL, has it not. */
struct cc_segment *cc_segment_list_share(
    const struct cc_segment_list *list, const struct cc_image_segment *name);

/* Bytes of the records in them. */
uint64_t cc_segment_list_bytes(const struct cc_segment_list *list);

/* Bytes of their files. */
uint64_t cc_segment_list_size(const struct cc_segment_list *list);

#endif /* CC_SERVER_IMAGE_SEGMENTS_H */
