/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files -- the commit log's seam: the few things it asks of a directory, one after the other.
 *
 * Where it sits:   below [commitlog]; implemented by api/log_files.c (a real directory),
 *                  files_memory.c (none at all) and the tests (one that crashes).
 * Form:            a table of functions that return when they are done.  A name has no slash and
 *                  at most CC_FILES_NAME_MAX bytes.
 *
 * Invariants
 *   F1  what was written to a file before a sync of it that returned OK survives a crash, if its name
 *       does: that is so once sync_directory has returned OK
 *   F2  without that, any of a file's sectors may be as they were written last, or as at any write
 *       before, back to the last sync; beyond the size it had then, that begins with zeros
 */
#ifndef CC_COMMITLOG_FILES_H
#define CC_COMMITLOG_FILES_H

#include <copycat/base.h>

#include <stdbool.h>

#define CC_FILES_NAME_MAX 63u
#define CC_FILES_SECTOR 512u

struct cc_files_file; /* an open file; the implementation's own */

/* IO, DISK_FULL, MEMORY; of lock LOCKED too, of whatever needs a descriptor BUSY. */
struct cc_files_table {
    /* Makes the directory if it is not there, and keeps others out. */
    copycat_status (*lock)(void *context);
    void (*unlock)(void *context);
    copycat_status (*list)(
        void *context, void (*on_name)(void *owner, const char *name), void *owner);
    /* INVALID: there is no such file, or with `is_new` there is one. */
    copycat_status (*open)(
        void *context,
        const char *name,
        bool is_new,
        struct cc_files_file **file_out,
        uint64_t *size_out);
    void (*close)(void *context, struct cc_files_file *file);
    /* Exactly so many bytes; what is not there is IO. */
    copycat_status (*read)(
        void *context, struct cc_files_file *file, uint64_t offset, void *data, size_t size);
    copycat_status (*write)(
        void *context, struct cc_files_file *file, uint64_t offset, const void *data, size_t size);
    copycat_status (*resize)(void *context, struct cc_files_file *file, uint64_t size);
    copycat_status (*sync)(void *context, struct cc_files_file *file);
    copycat_status (*sync_directory)(void *context);
    copycat_status (*remove)(void *context, const char *name);
    /* What was wrong the last time, for people; never NULL. */
    const char *(*reason)(void *context);
};

struct cc_files {
    const struct cc_files_table *table;
    void *context;
};

#endif /* CC_COMMITLOG_FILES_H */
