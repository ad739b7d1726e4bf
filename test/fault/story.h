/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story -- a storage workload in three lives of one journal, told one disk call at a time.
 *
 *     first life     an empty disk; power is lost while much is under way
 *     second life    recovery from that, goes on where the first is found to have ended; closed
 *     third life     recovery, goes on to the end of the script
 *
 * The script is a series of records: the founding base, entries, truncations, terms and votes.  The
 * model is its prefixes: whatever a crash leaves, recovery must give the state after the first k
 * records for some k, durable <= k <= added.  Small files, so that there are changes of file; idle
 * moments, so that there are seals.
 */
#ifndef CC_TEST_FAULT_STORY_H
#define CC_TEST_FAULT_STORY_H

#include "unit/log/journal_stand.h"

#define STORY_RECORDS_MAX 256u

/* What recovery has to give: a digest of the state, and who the server is. */
struct story_finding {
    uint64_t digest;
    uint64_t boot;
    uint64_t incarnation; /* its hash */
};

struct story {
    uint64_t seed;
    struct cc_journal_options options;
    struct stand_script script; /* of what follows the base, which is the first record */
    uint32_t record_count;
    uint64_t digests[STORY_RECORDS_MAX + 1]; /* of the state after so many records */
    struct memory_disk disk;
    struct stand stand;
    struct cc_prng prng;
    uint32_t life;
    uint32_t origin;           /* records before those of this life */
    uint32_t at;               /* the next record */
    struct story_finding said; /* what others were told last; boot 0: nothing */
    uint32_t files;            /* begun in all lives */
    uint32_t writes;
    uint32_t torn_tails;
    /* Before each disk call. */
    void (*at_point)(void *owner, struct story *story);
    void *owner;
};

/* Draws a workload and the states of its model. */
void story_init(struct story *story, uint64_t seed);

/* From the first call to the last.  NULL, or what went wrong. */
const char *story_run(struct story *story);

void story_deinit(struct story *story);

/* The records that must be found, and those that may be. */
uint32_t story_durable(const struct story *story);
uint32_t story_added(const struct story *story);

/* What a journal that has recovered gives; the state alone. */
struct story_finding story_found(const struct stand *stand);
uint64_t story_digest(const struct stand_state *state, const struct cc_base *base);

#endif /* CC_TEST_FAULT_STORY_H */
