/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known -- disk images that were recovered from already, and what recovery gave.  Recovery is a
 * function of the image, so an image that comes again only has its finding held to new bounds.
 */
#ifndef CC_TEST_FAULT_KNOWN_H
#define CC_TEST_FAULT_KNOWN_H

#include "fault/story.h"

struct known_image {
    uint64_t hash; /* of the image; 0: free */
    struct story_finding finding;
};

struct known {
    struct known_image *images;
    size_t capacity;
    size_t count;
};

/* Partner: known_deinit. */
void known_init(struct known *known);
void known_deinit(struct known *known);

/* The image's place; a new one gets one, and `is_new_out` says so.  Good until the next call. */
struct known_image *known_image(struct known *known, uint64_t hash, bool *is_new_out);

#endif /* CC_TEST_FAULT_KNOWN_H */
