/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taken -- an image in memory, to be compared, broken and restored.
 */
#ifndef CC_TEST_UNIT_APPLY_TAKEN_H
#define CC_TEST_UNIT_APPLY_TAKEN_H

#include "apply/image.h"
#include "apply/restore.h"
#include "support/apply_history.h"

#define TAKEN_RECORDS_MAX 20000u

struct taken {
    uint8_t *bytes;
    size_t size;
    struct taken *commits; /* while it is taken: they come last */
    uint64_t newest;       /* of them */
};

/* Begins an image, which must succeed. */
void taken_begin(struct history *history);

/* One slice of the image that is under way, of `wanted` bytes or one commit; false when it has its
 * end too.  Live commits come from the history. */
bool taken_step(struct taken *taken, struct history *history, size_t wanted);

/* A whole image, begun and ended. */
void taken_take(struct taken *taken, struct history *history);

void taken_add(struct taken *taken, copycat_bytes bytes);
void taken_free(struct taken *taken);

/* The records, in order; returns how many.  They borrow the image. */
uint32_t taken_records(const struct taken *taken, struct cc_image_record *records);

/* What becomes of the bytes, handed over in pieces of whole records if they are such, else at once.
 * `apply_out` is set if the answer is OK, the text if it is not NULL. */
copycat_status taken_restore(
    const struct taken *taken,
    const struct cc_apply_options *options,
    const struct cc_memory *memory,
    struct cc_apply **apply_out,
    char text[256]);

#endif /* CC_TEST_UNIT_APPLY_TAKEN_H */
