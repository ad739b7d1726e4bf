/* SPDX-License-Identifier: Apache-2.0 */
/*
 * salvage -- the segments that a fetching which came to nothing had received whole: the next one, of
 * whichever image, does without them if it needs the same.
 *
 * Where it sits:   told by the group when a fetching ends; its sweep leaves these files alone.
 * Trust:           none.  They are names; who needs such a segment reads it from begin to end first,
 *                  for a name has the checksum of what lies under it (docs/decisions/0010).
 * Memory, disk:    never more than the segments of one image: the one that was fetched last.
 */
#ifndef CC_SERVER_IMAGE_SALVAGE_H
#define CC_SERVER_IMAGE_SALVAGE_H

#include "base/memory.h"
#include "log/image.h"

struct cc_salvage {
    const struct cc_memory *memory;
    struct cc_image_segment *at;
    size_t count;
    uint64_t used; /* segments that were not fetched again, in all */
};

void cc_salvage_init(struct cc_salvage *salvage, const struct cc_memory *memory);
void cc_salvage_deinit(struct cc_salvage *salvage);

/* A fetching of an image with this table broke off when the first `whole_count` of it lay here.  Of
 * what was known before only those stay that are in the table, too. */
void cc_salvage_keep(
    struct cc_salvage *salvage,
    const struct cc_image_segment *table,
    size_t table_count,
    size_t whole_count);

/* Nobody needs them any more: the next sweep removes them. */
void cc_salvage_drop(struct cc_salvage *salvage);

bool cc_salvage_has(const struct cc_salvage *salvage, const struct cc_image_segment *segment);

#endif /* CC_SERVER_IMAGE_SALVAGE_H */
