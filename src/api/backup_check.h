/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_check -- a backup is read from its beginning to its end.
 */
#ifndef CC_API_BACKUP_CHECK_H
#define CC_API_BACKUP_CHECK_H

#include "api/backup_file.h"
#include "backup/backup_read.h"

#include <copycat/backup.h>

/* `builds_state`: and the state is built from it.  `file->reason` says what is wrong. */
copycat_status cc_backup_check(
    struct cc_backup_file *file,
    bool builds_state,
    copycat_backup_progress *progress,
    void *user,
    copycat_backup_info *info_out);

/* What head, end and records say; `info_out` may be NULL. */
void cc_backup_describe(const struct cc_backup_reader *reader, copycat_backup_info *info_out);

/* Why reading it failed: "PATH: TROUBLE (offset OFFSET)", and what to do. */
void cc_backup_explain(
    const struct cc_backup_reader *reader, copycat_status status, struct cc_backup_file *file);

/* In hexadecimal. */
void cc_backup_print_id(const uint8_t id[CC_CLUSTER_ID_SIZE], char text_out[33]);

#endif /* CC_API_BACKUP_CHECK_H */
