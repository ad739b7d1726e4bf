/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_read -- the file of a backup is read, and all of it checked: that it is one, of a version
 * that is known, and whole.
 *
 * Threads:  the caller's; each call blocks as long as `read` does.
 * Memory:   a piece, what it unpacks to, and one record.
 */
#ifndef CC_BACKUP_BACKUP_READ_H
#define CC_BACKUP_BACKUP_READ_H

#include "backup/backup_format.h"
#include "backup/backup_records.h"

struct cc_backup_reader {
    const struct cc_memory *memory;
    copycat_status (*read)(void *owner, uint64_t offset, void *data, size_t size);
    void *owner;
    struct cc_backup_file_head head;
    struct cc_backup_file_end end;
    struct cc_backup_records records;
    uint64_t size;   /* of the file */
    uint64_t at;     /* where the next piece begins */
    uint64_t pieces; /* before it, */
    uint64_t raw_size;
    uint64_t checksum;
    uint8_t *blocks;
    size_t blocks_capacity;
    uint8_t *raw;
    size_t raw_capacity;
    const char *trouble; /* what is wrong: a sentence without full stop */
    uint64_t trouble_at; /* where in the file; COPYCAT_NONE: nowhere in particular */
};

/*
 * Reads head and end.  OK; INVALID: it is no backup; NEWER; DAMAGED; or what `read` said.
 * `on_records` (may be NULL) is handed whole records later, which stay until the next read.  Partner: cc_backup_read_end.
 */
copycat_status cc_backup_read_begin(
    struct cc_backup_reader *reader,
    const struct cc_memory *memory,
    uint64_t size,
    copycat_status (*read)(void *owner, uint64_t offset, void *data, size_t size),
    void (*on_records)(void *owner, copycat_bytes records),
    void *owner);

/* The next piece.  Its records are handed on before this returns; `*is_over`: there is none, and all
 * was whole.  Otherwise as above. */
copycat_status cc_backup_read_next(struct cc_backup_reader *reader, bool *is_over);

/* What it holds is given back, whatever came of it. */
void cc_backup_read_end(struct cc_backup_reader *reader);

#endif /* CC_BACKUP_BACKUP_READ_H */
