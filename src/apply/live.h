/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live -- the commands that still contribute to some state: applied, and not released.  What is not
 * in here and was applied is R(H) of the design, for H = applied.
 *
 * Where it sits:   written while applying; read by whoever takes an image, cleans the log or judges.
 * Replicated:      yes: a function of the log alone.
 * Memory:          pages of 65536 indexes (live_part.h), and 40 bytes for each page that has any.
 *
 * An image is of one index H and is written while later entries are applied.  From cc_live_freeze on
 * what is removed of the indexes up to H is kept as *late*, so that what was live at H can be walked:
 * live(H) = { i <= H : live now, or late }.  Nothing is copied for it.
 *
 * Invariants
 *   L1  indexes are added in ascending order
 *   L2  what is removed was live: an index is released at most once (A5)
 *   L3  pages ascend by number; those without any index are at most half of them and one
 *   L4  count and digest are of what is live now; while frozen, frozen_count is of live(H)
 */
#ifndef CC_APPLY_LIVE_H
#define CC_APPLY_LIVE_H

#include "apply/live_part.h"

struct cc_live_page {
    uint64_t number; /* index / CC_LIVE_PART_SIZE */
    struct cc_live_part now;
    struct cc_live_part late;
};

struct cc_live {
    const struct cc_memory *memory;
    struct cc_live_page *pages;
    uint32_t page_count;
    uint32_t page_capacity;
    uint32_t empty_count; /* pages without any index */
    bool is_frozen;
    uint64_t newest; /* highest index ever added */
    uint64_t count;
    uint64_t digest;       /* sum over what is live */
    uint64_t frozen_index; /* H */
    uint64_t frozen_count;
};

/* Partner: cc_live_deinit. */
void cc_live_init(struct cc_live *live, const struct cc_memory *memory);
void cc_live_deinit(struct cc_live *live);

/* `index` is above all that were ever added. */
void cc_live_add(struct cc_live *live, uint64_t index);

/* `index` is live. */
void cc_live_remove(struct cc_live *live, uint64_t index);

bool cc_live_has(const struct cc_live *live, uint64_t index);

/* The same for who asks for many indexes in ascending order: `page` is 0 at first and then left alone. */
bool cc_live_has_next(const struct cc_live *live, uint64_t index, uint32_t *page);

/* From now on live(H) can be walked, H being `index`, which is at or above all that were added.
 * Partner: cc_live_thaw; nothing else may be frozen. */
void cc_live_freeze(struct cc_live *live, uint64_t index);
void cc_live_thaw(struct cc_live *live);

/* True if `index` is in live(H).  Only while frozen. */
bool cc_live_frozen_has(const struct cc_live *live, uint64_t index);

/* The lowest index of live(H) above `after`; 0 if there is none.  Only while frozen. */
uint64_t cc_live_frozen_next(const struct cc_live *live, uint64_t after);

#endif /* CC_APPLY_LIVE_H */
