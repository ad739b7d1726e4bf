/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_files -- images and segments on a memory_disk that hold records, as servers write them.
 */
#ifndef CC_TEST_IMAGE_FILES_H
#define CC_TEST_IMAGE_FILES_H

#include "apply/image_record.h"
#include "unit/log/image_stand.h"

#define IMAGE_RECORDS_SIZE_MAX 65536u

/* Records, one behind the other. */
struct image_records {
    struct memory_disk *disk; /* where their file comes to lie */
    struct cc_writer writer;
    struct cc_image_segment segment; /* of the commits among them */
    uint64_t live_last;
    uint8_t bytes[IMAGE_RECORDS_SIZE_MAX];
};

void image_records_begin(struct image_records *records, struct memory_disk *disk);
void image_records_head(struct image_records *records, uint64_t index);
void image_records_instance(struct image_records *records, uint64_t id, uint32_t type);
void image_records_blob(struct image_records *records, uint64_t instance, uint32_t size);
void image_records_live(struct image_records *records, uint64_t first, uint64_t count);
void image_records_end(struct image_records *records, uint64_t commits);

/* A put into a map, logged at this index. */
void image_records_commit(
    struct image_records *records, uint64_t index, uint64_t instance, const char *key);

/* The file of the image at `index`, which needs these segments. */
struct cc_image_id image_records_write_image(
    struct image_records *records,
    const struct cc_image_head *head,
    const struct cc_image_segment *segments,
    size_t count);

/* The file of a segment; what the table of an image says of it. */
struct cc_image_segment image_records_write_segment(struct image_records *records);

/* The file of that name, which must be there. */
struct memory_file *image_file_named(struct memory_disk *disk, const char *name);

#endif /* CC_TEST_IMAGE_FILES_H */
