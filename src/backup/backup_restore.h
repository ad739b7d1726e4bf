/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_restore -- the directory of a server is made of a backup: the image, under the id of a new
 * cluster, and a journal that stands on it and knows no cluster yet.
 *
 * Where it sits:   backup_read -> [backup_restore] -> log.
 * The directory is there, empty, and nobody's but ours; what is in it after a failure is worthless.
 * Whoever wants all or nothing makes it beside its place, and renames it (docs/decisions/0012).
 */
#ifndef CC_BACKUP_BACKUP_RESTORE_H
#define CC_BACKUP_BACKUP_RESTORE_H

#include "backup/backup_format.h"
#include "backup/backup_segments.h"
#include "log/image.h"
#include "log/journal.h"

#define CC_BACKUP_TEXT_SIZE 1024u

struct cc_backup_restore_options {
    const char *directory;
    uint32_t server; /* whose directory it will be */
    uint8_t cluster_id[CC_CLUSTER_ID_SIZE];
    const struct cc_backup_file_head *head; /* of the backup */
};

struct cc_backup_restore {
    struct cc_env *env;
    struct cc_backup_restore_options options;
    /* The next whole records, valid until the next call; `*is_over`: there are no more. */
    copycat_status (*pull)(void *owner, copycat_bytes *records_out, bool *is_over);
    void (*done)(struct cc_backup_restore *restore);
    void *owner;
    struct cc_task task;
    struct cc_image_writer *writer; /* of the image; NULL: its file is closed */
    struct cc_backup_segments segments;
    copycat_bytes records; /* not yet added */
    bool is_over;          /* there are no more */
    struct cc_image_id id;
    struct cc_journal *journal;
    uint64_t mark; /* of what was written there */
    copycat_status status;
    char text[CC_BACKUP_TEXT_SIZE]; /* why not; empty: `pull` knows */
};

/* INVALID: the name of the directory is too long.  Otherwise `done` comes once, later. */
copycat_status cc_backup_restore_begin(
    struct cc_backup_restore *restore,
    struct cc_env *env,
    const struct cc_backup_restore_options *options,
    copycat_status (*pull)(void *owner, copycat_bytes *records_out, bool *is_over),
    void (*done)(struct cc_backup_restore *restore),
    void *owner);

#endif /* CC_BACKUP_BACKUP_RESTORE_H */
