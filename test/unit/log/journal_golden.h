/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_golden -- the lives of servers whose directories are kept in test/golden: their records, and
 * what has to be found of them for ever.
 *
 * A directory was written once, by make_golden_journal.  It is never written again: what a
 * released version has left on disks has to be read by those that come after it.
 */
#ifndef CC_TEST_JOURNAL_GOLDEN_H
#define CC_TEST_JOURNAL_GOLDEN_H

#include "unit/log/journal_stand.h"

#define GOLDEN_BASE 14u /* the image that it stands on */
#define GOLDEN_LAST 20u /* its last entry */
#define GOLDEN_TERM 5u
#define GOLDEN_VOTE 2u

#define GOLDEN_LOST 5u          /* the entry in the batch that has changed ... */
#define GOLDEN_DAMAGED_LAST 10u /* ... of so many */

/* What has become of a disk. */
enum golden_damage {
    GOLDEN_DAMAGED,  /* the header of one batch does not read: its neighbour knows what was in it */
    GOLDEN_REPAIRED, /* and its entry has been given back since */
    GOLDEN_REFUSED,  /* nor does its neighbour's: nobody knows */
};

/* Lives it on a disk that is empty. */
void golden_live(struct stand *stand, struct memory_disk *disk);

/* Another, shorter life, without images; then that happens to the disk. */
void golden_live_with_damage(
    struct stand *stand, struct memory_disk *disk, enum golden_damage damage);

/* The term and the size of an entry behind the image. */
uint64_t golden_term_of(uint64_t index);
uint32_t golden_size_of(uint64_t index);

#endif /* CC_TEST_JOURNAL_GOLDEN_H */
