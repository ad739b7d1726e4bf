/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taking -- an image of the state at the mark that was just applied, written while service goes on.
 *
 * Where it sits:   apply (what the state was) and log (live commits) -> [taking] -> log/image.
 * Memory:          what apply captures at once, two segments, and about 1 MiB that waits for the disk.
 *
 * Live commits of the image before stay in its segments, or move into new ones (taking_plan.c); the
 * others come from the log.  What is complete is read back before anybody relies on it, and waits until
 * a majority is known to have had the same state: one that a fault of this memory has made is nobody's.
 */
#ifndef CC_SERVER_IMAGE_TAKING_H
#define CC_SERVER_IMAGE_TAKING_H

#include "log/image.h"

struct cc_group;
struct cc_segment_list;
struct cc_taking;

/*
 * Begins at the applied index.  `done` comes once, unless it is abandoned: OK with the image's
 * identity and its segments, which are borrowed, or why there is none.  NULL: no memory for it now.
 */
struct cc_taking *cc_taking_begin(
    struct cc_group *group,
    void (*done)(
        struct cc_group *group,
        copycat_status status,
        const struct cc_image_id *id,
        struct cc_segment_list *segments,
        const char *text));

/* A majority had the state of some mark (cc_group_has_agreed): `done` may come now. */
void cc_taking_agreed(struct cc_taking *taking);

/* Gives it up, file and all; the group is not touched any more once this returns. */
void cc_taking_abandon(struct cc_taking *taking);

#endif /* CC_SERVER_IMAGE_TAKING_H */
