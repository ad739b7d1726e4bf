/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record -- entries as they were applied once, for a judge that was not there.
 */
#ifndef CC_TEST_FAULT_RECORD_H
#define CC_TEST_FAULT_RECORD_H

#include "sim/judge.h"

#define RECORD_ENTRIES_MAX 1024u

struct record_entry {
    struct cc_entry entry; /* its payload is ours */
    uint64_t digest;
};

struct record {
    struct record_entry entries[RECORD_ENTRIES_MAX];
    uint64_t last;
};

/* What a trio may tell of each entry that is applied, with the record as its owner. */
void record_applied(void *owner, const struct cc_entry *entry, uint64_t digest);
void record_clear(struct record *record);

/* Those through `last`, into a record that is empty. */
void record_copy(struct record *target, const struct record *source, uint64_t last);

/* Entries through `last` are committed: applied again, each must be what it was, and so must the
 * state that an image gives. */
void record_tell(const struct record *record, struct cc_judge *judge, uint64_t last);

#endif /* CC_TEST_FAULT_RECORD_H */
