/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_records -- the records of an image, out of bytes that end anywhere: handed on whole, and
 * checked as far as that goes without building the state.
 *
 * Memory:  the beginning of a record whose end is still to come; less than twice a record and what was
 *          taken at once.
 */
#ifndef CC_BACKUP_BACKUP_RECORDS_H
#define CC_BACKUP_BACKUP_RECORDS_H

#include "apply/image_record.h"

struct cc_backup_records {
    const struct cc_memory *memory;
    /* Whole records, borrowed until more is taken; may be NULL. */
    void (*on_records)(void *owner, copycat_bytes records);
    void *owner;
    uint8_t *kept; /* of a record that is not whole yet */
    size_t kept_size;
    size_t kept_used; /* of it: handed on */
    size_t kept_capacity;
    uint64_t counts[CC_IMAGE_TYPES];
    uint64_t index;      /* as the first record says */
    uint64_t time_us;    /* likewise */
    uint64_t digest;     /* as the one that ends the image says, */
    uint64_t commits;    /* with so many live commits, which follow it */
    bool is_ended;       /* and which has come */
    uint64_t newest;     /* index of the last commit */
    const char *trouble; /* NULL, or what is wrong: a sentence without full stop */
};

/* Partner: cc_backup_records_deinit. */
void cc_backup_records_init(
    struct cc_backup_records *records,
    const struct cc_memory *memory,
    void (*on_records)(void *owner, copycat_bytes records),
    void *owner);
void cc_backup_records_deinit(struct cc_backup_records *records);

/* False, from then on: records->trouble says why. */
bool cc_backup_records_take(struct cc_backup_records *records, copycat_bytes bytes);

/* True if that was all of it: its first record, its end, as many between as that says, and no fewer
 * commits behind. */
bool cc_backup_records_are_whole(struct cc_backup_records *records);

#endif /* CC_BACKUP_BACKUP_RECORDS_H */
