/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_script -- records to be backed up, and a file in memory to back them up to.
 */
#ifndef CC_TEST_BACKUP_SCRIPT_H
#define CC_TEST_BACKUP_SCRIPT_H

#include "backup/backup_read.h"
#include "backup/backup_write.h"

#define SCRIPT_INDEX 7u
#define SCRIPT_TIME_US 1000000u
#define SCRIPT_DIGEST UINT64_C(0x1122334455667788)

extern const struct cc_memory script_memory; /* counts what is out: */
extern int64_t script_blocks;

struct memory_file {
    uint8_t *data;
    size_t size;
    uint64_t full_at; /* a write that goes beyond fails; 0: none does */
};

bool memory_file_put(void *owner, const void *blocks, size_t size);
copycat_status memory_file_read(void *owner, uint64_t offset, void *data, size_t size);
void memory_file_free(struct memory_file *file);

/* HEAD, INSTANCE, a BLOB of each size, END. */
void script_records(struct cc_writer *writer, const size_t *sizes, size_t count);

struct cc_backup_file_head script_head(void);

/* Writes `records` in chunks of `chunk` bytes; false if the writer refused them. */
bool script_write(struct memory_file *file, copycat_bytes records, size_t chunk);

/* Reads a file to its end, and gives its records to `writer` (may be NULL).  The offset and the words
 * of what is wrong are in `reader_out`, which holds no memory any more. */
copycat_status script_read(
    struct memory_file *file, struct cc_writer *writer, struct cc_backup_reader *reader_out);

#endif /* CC_TEST_BACKUP_SCRIPT_H */
