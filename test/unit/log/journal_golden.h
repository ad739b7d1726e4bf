/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_golden -- the life of a server whose directory is kept in test/golden: its records, and
 * what has to be found of them for ever.
 *
 * The directory was written once, by make_golden_journal.  It is never written again: what a
 * released version has left on disks has to be read by those that come after it.
 */
#ifndef CC_TEST_JOURNAL_GOLDEN_H
#define CC_TEST_JOURNAL_GOLDEN_H

#include "unit/log/journal_stand.h"

#define GOLDEN_BASE 14u /* the image that it stands on */
#define GOLDEN_LAST 20u /* its last entry */
#define GOLDEN_TERM 5u
#define GOLDEN_VOTE 2u

/* Lives it on a disk that is empty. */
void golden_live(struct stand *stand, struct memory_disk *disk);

/* The term and the size of an entry behind the image. */
uint64_t golden_term_of(uint64_t index);
uint32_t golden_size_of(uint64_t index);

#endif /* CC_TEST_JOURNAL_GOLDEN_H */
