/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_file -- the file of a backup on a real machine: made beside its place, and named when it is
 * whole; or only read.
 *
 * Threads:  the caller's, who waits.
 * Errors:   nothing is tried again after a write or a sync that failed (T-053); `reason` says what.
 */
#ifndef CC_API_BACKUP_FILE_H
#define CC_API_BACKUP_FILE_H

#include <copycat/base.h>

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct cc_backup_file {
    int descriptor; /* -1: none */
    char path[PATH_MAX];
    char part[PATH_MAX]; /* what it is called until it is whole; empty: it is only read */
    bool replaces;
    uint64_t size;
    char reason[sizeof(copycat_message)];
};

/* Partner: cc_backup_file_close, also where this fails.  INVALID, LOCKED, IO, DISK_FULL. */
copycat_status cc_backup_file_create(struct cc_backup_file *file, const char *path, bool replaces);
copycat_status cc_backup_file_open(struct cc_backup_file *file, const char *path);

/* From its beginning again. */
copycat_status cc_backup_file_clear(struct cc_backup_file *file);

/* Behind what was written. */
copycat_status cc_backup_file_write(struct cc_backup_file *file, const void *data, size_t size);
copycat_status cc_backup_file_sync(struct cc_backup_file *file);

/* cc_backup_reader's `read`. */
copycat_status cc_backup_file_read(
    struct cc_backup_file *file, uint64_t offset, void *data, size_t size);

/* It gets its name, durably.  INVALID: by now there is another one. */
copycat_status cc_backup_file_name(struct cc_backup_file *file);

/* What has not got its name is removed. */
void cc_backup_file_close(struct cc_backup_file *file);

/* Syncs the directory that `path` is in. */
copycat_status cc_backup_sync_parent(const char *path);

#endif /* CC_API_BACKUP_FILE_H */
