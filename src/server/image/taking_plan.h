/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taking_plan -- which segments of the image before are kept as they are, and which are written anew
 * without what is dead in them (docs/decisions/0010).
 *
 * Where it sits:   asked by taking, once it knows what lives of each; it touches nothing else, so that
 *                  bench/segment_rewrites can ask it as well.
 */
#ifndef CC_SERVER_IMAGE_TAKING_PLAN_H
#define CC_SERVER_IMAGE_TAKING_PLAN_H

#include "base/cleaning.h"
#include "log/image.h"

#define CC_TAKING_COUNT_MAX 65536u /* commits in a segment */

/* What becomes of a segment of the image before. */
struct cc_taking_part {
    struct cc_image_segment name;
    uint64_t live_count;
    uint64_t live_bytes;
    uint32_t passes; /* how often what is in it was written anew, for rules that ask */
    bool is_rewritten;
};

struct cc_taking_plan {
    enum cc_cleaning_rule rule;
    uint64_t brought_bytes; /* by the log, since the image before */
    uint64_t newest;        /* index of the log */
    uint64_t segment_bytes;
    struct cc_taking_part *parts;
    size_t count;
};

/* Sets `is_rewritten` of some more parts. */
void cc_taking_choose(const struct cc_taking_plan *plan);

#endif /* CC_SERVER_IMAGE_TAKING_PLAN_H */
