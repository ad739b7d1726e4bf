/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story -- a storage workload in four lives of one journal, told one disk call at a time.
 *
 *     first life     an empty disk; power is lost while much is under way
 *     second life    recovery from that, goes on where the first is found to have ended; closed
 *     third life     recovery, goes on to the end of the script; closed, and then one batch of
 *                    entries is damaged on the disk
 *     fourth life    recovery passes that over; the entries are given back one by one
 *
 * The script is a series of records: the founding base, entries, truncations, terms and votes.  The
 * model is its prefixes: whatever a crash leaves, recovery must give the state after the first k
 * records for some k, durable <= k <= added.  An entry that is damaged counts as what it was; how
 * many there may be is a bound of its own.  Small files, so that there are changes of file; idle
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
    uint64_t incarnation;   /* its hash */
    uint64_t first_damaged; /* entry; 0: none */
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
    uint32_t origin;                     /* records before those of this life */
    uint32_t at;                         /* the next record */
    uint64_t damaged[STORY_RECORDS_MAX]; /* entries of the fourth life, ascending */
    uint32_t damaged_count;
    struct story_finding said; /* what others were told last; boot 0: nothing */
    uint32_t files;            /* begun in all lives */
    uint32_t writes;
    uint32_t torn_tails;
    uint32_t reused;  /* files given up, */
    uint32_t removed; /* and taken away */
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

/* Of the entries that were damaged, the last that must not be any more; 0: none. */
uint64_t story_repaired(const struct story *story);

/* What a journal that has recovered gives; the state alone. */
struct story_finding story_found(const struct story *story, const struct stand *stand);
uint64_t story_digest(
    const struct story *story, const struct stand_state *state, const struct cc_base *base);

/* ---- between story.c and story_repair.c ------------------------------------------------------ */

#define STORY_LIVES 3u /* before the one of damage */

/* One disk call.  False if there was none to make; `with_time`: a timer may fire instead. */
bool story_step(struct story *story, bool with_time);

/* NULL, or what went wrong. */
const char *story_open(struct story *story);
const char *story_close(struct story *story);

/* The record by which the script adds an entry; NULL: none does. */
const struct stand_record *story_entry(const struct story *story, uint64_t index, uint64_t term);

/* The fourth life; NULL, or what went wrong. */
const char *story_repair(struct story *story);

#endif /* CC_TEST_FAULT_STORY_H */
