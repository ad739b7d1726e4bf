/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_files -- the commit log's files in a real directory.
 */
#ifndef CC_API_LOG_FILES_H
#define CC_API_LOG_FILES_H

#include "commitlog/files.h"

struct cc_log_files;

/* MEMORY, or INVALID: the name is too long.  Partner: cc_log_files_destroy. */
copycat_status cc_log_files_create(struct cc_log_files **files_out, const char *directory);
void cc_log_files_destroy(struct cc_log_files *files);

struct cc_files cc_log_files_of(struct cc_log_files *files);

#endif /* CC_API_LOG_FILES_H */
