/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cleaning -- which parts of a log that is kept in pieces are worth being rewritten without what is
 * dead in them, and with which neighbours.
 *
 * Where it sits:   used by the commit log and by the images of a group; both speak of their segments.
 */
#ifndef CC_BASE_CLEANING_H
#define CC_BASE_CLEANING_H

#include <stdbool.h>
#include <stdint.h>

enum cc_cleaning_rule {
    CC_CLEANING_BENEFIT, /* what gives back most for each byte that is moved, the old before the young */
    CC_CLEANING_FIXED,   /* `percent` of the entries are dead */
    CC_CLEANING_HALVING, /* the same, and half as much after each time that it was rewritten */
};

/* One part, as it is now. */
struct cc_cleaning_part {
    uint64_t first; /* indexes */
    uint64_t last;
    uint64_t stored_count; /* entries, dead or not */
    uint64_t live_count;
    uint64_t live_bytes;
    uint64_t dead_bytes;
    uint32_t passes; /* how often what is in it was rewritten */
    bool is_small;   /* it may be joined with a neighbour */
    bool is_taken;   /* it is out of the question */
};

struct cc_cleaning {
    enum cc_cleaning_rule rule;
    uint32_t percent;
    uint64_t newest; /* index of the log */
    uint64_t part_bytes_max;
    uint64_t part_count_max;
    uint32_t slack_bytes; /* differences that do not matter */
    uint32_t part_count;
    void (*part)(const void *owner, uint32_t position, struct cc_cleaning_part *part_out);
    const void *owner;
};

/* True: the `*count_out` parts from `*begin_out` on are worth being rewritten as one. */
bool cc_cleaning_pick(const struct cc_cleaning *cleaning, uint32_t *begin_out, uint32_t *count_out);

#endif /* CC_BASE_CLEANING_H */
