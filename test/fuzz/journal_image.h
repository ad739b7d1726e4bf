/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_image -- directories of a journal as servers leave them, and what is known of them: what
 * was written, and what each sector that is still in its place proves.
 */
#ifndef CC_TEST_JOURNAL_IMAGE_H
#define CC_TEST_JOURNAL_IMAGE_H

#include "unit/log/journal_stand.h"

#define IMAGE_RECORDS 60u
#define IMAGE_BATCHES_MAX 64u

enum image_kind {
    IMAGE_CLOSED,   /* two lives, each closed in order */
    IMAGE_SEALED,   /* the second was idle before */
    IMAGE_TORN,     /* the first was cut off in a write */
    IMAGE_REPAIRED, /* a batch was damaged after the first, and refilled in the second */
    IMAGE_BEGUN,    /* a third was begun, and power was lost before it said anything */
    /* With switches to images, which are not there: files were given up and used again. */
    IMAGE_SWITCHED,       /* two lives, each closed in order */
    IMAGE_SWITCHED_BEGUN, /* a third was begun likewise */
    IMAGE_KINDS
};

/* A batch, be it whole, torn or damaged. */
struct image_batch {
    uint32_t file; /* place in the disk */
    uint64_t offset;
    uint32_t blocks;
    uint32_t before; /* records of the script that lie in batches before it */
};

struct image {
    struct memory_disk disk;
    struct image_batch batches[IMAGE_BATCHES_MAX];
    uint32_t batch_count;
};

/* Small files and batches, so that there are several of each. */
extern const struct cc_journal_options image_options;

/* Made at the first call.  What is asked below is about the one that was asked for last. */
const struct image *image_of(enum image_kind kind);

/*
 * Records that somebody was told are durable, for all that `disk`, which once was a clone of the
 * image, still shows: one write is in flight at a time, so that a sector in its place proves
 * everything that was written before its batch.
 */
uint32_t image_floor(const struct image *image, struct memory_disk *disk);

/* The state after so many records of the script. */
const struct stand_state *image_state(uint32_t count);

/* True if an entry with this payload was written at this index in this term. */
bool image_has_entry(uint64_t index, uint64_t term, uint64_t hash);

/* The size of its payload. */
uint32_t image_entry_size(uint64_t index, uint64_t term);

#endif /* CC_TEST_JOURNAL_IMAGE_H */
