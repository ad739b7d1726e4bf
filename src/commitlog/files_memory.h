/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files_memory -- files that are nowhere but in memory: of a log that lasts as long as its handle.
 */
#ifndef CC_COMMITLOG_FILES_MEMORY_H
#define CC_COMMITLOG_FILES_MEMORY_H

#include "base/memory.h"
#include "commitlog/files.h"

struct cc_files_memory;

/* NULL: no memory.  Partner: cc_files_memory_destroy, which all files go with. */
struct cc_files_memory *cc_files_memory_create(const struct cc_memory *memory);
void cc_files_memory_destroy(struct cc_files_memory *files);

struct cc_files cc_files_memory_files(struct cc_files_memory *files);

#endif /* CC_COMMITLOG_FILES_MEMORY_H */
