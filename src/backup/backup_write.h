/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_write -- a backup becomes a file: blocks, one behind the other, of records that come in
 * bytes that end anywhere.
 *
 * Where it sits:   client/backup -> [backup_write] -> whoever has the file.
 * Memory:          a piece, what it packs to, and one record.
 */
#ifndef CC_BACKUP_BACKUP_WRITE_H
#define CC_BACKUP_BACKUP_WRITE_H

#include "backup/backup_format.h"
#include "backup/backup_records.h"

struct cc_backup_writer {
    const struct cc_memory *memory;
    /* Blocks, behind those before.  False: that failed, and nothing more is written. */
    bool (*put)(void *owner, const void *blocks, size_t size);
    void *owner;
    struct cc_backup_file_head head;
    struct cc_backup_file_end end; /* so far */
    struct cc_backup_records records;
    uint8_t *raw; /* of the piece at hand */
    size_t raw_size;
    uint8_t *blocks; /* of the piece that is written */
    bool has_failed; /* put did, or records.trouble says it */
};

/* Partner: cc_backup_write_end.  Puts the head. */
void cc_backup_write_begin(
    struct cc_backup_writer *writer,
    const struct cc_memory *memory,
    const struct cc_backup_file_head *head,
    bool (*put)(void *owner, const void *blocks, size_t size),
    void *owner);

/* False: it has failed, or the records make no sense. */
bool cc_backup_write_add(struct cc_backup_writer *writer, copycat_bytes bytes);

/* All was added: puts the end.  False: it has failed, or that was not all. */
bool cc_backup_write_finish(struct cc_backup_writer *writer);

/* What it holds is given back; at any time. */
void cc_backup_write_end(struct cc_backup_writer *writer);

#endif /* CC_BACKUP_BACKUP_WRITE_H */
