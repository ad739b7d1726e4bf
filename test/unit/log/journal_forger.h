/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_forger -- batches whose checksums and stamps are right and whose contents are not: what a
 * defect of ours, or a hand, may have left on a disk.
 */
#ifndef CC_TEST_JOURNAL_FORGER_H
#define CC_TEST_JOURNAL_FORGER_H

#include "log/format.h"
#include "unit/log/memory_disk.h"

#define FORGED_BATCH_MAX 131072u
#define FORGED_RECORDS_MAX 65536u

struct forged {
    const struct cc_memory *memory;
    struct cc_batch_header header;
    uint8_t records[FORGED_RECORDS_MAX]; /* header.records_size of them */
};

/* Takes the batch out that begins there; it must read. */
void forged_take(struct forged *forged, struct memory_file *file, uint64_t offset);

/* Seals it and writes it there; the file grows if it has to.  Returns where it ends. */
uint64_t forged_put(struct forged *forged, struct memory_file *file, uint64_t offset);

/* As if it had been written, and then a byte of its records had changed. */
uint64_t forged_put_damaged(struct forged *forged, struct memory_file *file, uint64_t offset);

/* An empty batch behind that one. */
void forged_follow(struct forged *forged);

void forged_add(struct forged *forged, uint8_t type, copycat_bytes payload);

/* An entry in a record of that type, ENTRY or REPAIR. */
void forged_add_entry(
    struct forged *forged, uint8_t type, uint32_t group, uint64_t index, uint64_t term);
void forged_add_truncate(struct forged *forged, uint32_t group, uint64_t from);
void forged_add_state(struct forged *forged, uint32_t group, uint64_t term, uint32_t vote);
void forged_add_base(struct forged *forged, const struct cc_base *base);

/* The table of a file's first batch, taken out of it and put in its place. */
void forged_table(const struct forged *forged, struct cc_journal_table *table_out);
void forged_set_table(struct forged *forged, const struct cc_journal_table *table);

#endif /* CC_TEST_JOURNAL_FORGER_H */
