/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commitlog -- entries by ascending index, in segment files; any one can be cleaned away.
 *
 * Where it sits:   a host -> api/log -> [commitlog] -> files.  Nothing of Raft is in it, nor of a
 *                  loop: a call returns when it is done.
 * Contract:        <copycat/sys/log.h>; these are its functions, without what a handle is.
 * Memory:          refused memory is COPYCAT_ERR_MEMORY and changes nothing.
 *
 * Invariants
 *   L1  segments follow one another without a hole: each begins behind the last index of the one
 *       before; the last one is appended to, the others never change
 *   L2  a file's head is written when all it says is durable; a new file is there, durably, before
 *       the one before it is sealed, so that one that is sealed has one behind it
 *   L3  a file goes when what replaces it is durable, and its going is durable before anything is
 *       forgotten that it would be needed for to be understood
 *   L4  a write holds whole records, and nothing is written twice at one place (F2): below a mark
 *       everything is durable, above it a record that is not whole has a sector that was not written
 */
#ifndef CC_COMMITLOG_COMMITLOG_H
#define CC_COMMITLOG_COMMITLOG_H

#include "base/memory.h"
#include "commitlog/files.h"

#include <copycat/sys/log.h>

struct cc_commitlog;

/* `options` are those of the host, read and checked here; its directory is the files' business. */
copycat_status cc_commitlog_open(
    struct cc_commitlog **log_out,
    const struct cc_memory *memory,
    const struct cc_files *files,
    const copycat_log_options *options,
    copycat_message *message_out);

copycat_status cc_commitlog_close(struct cc_commitlog *log);
void cc_commitlog_trouble(const struct cc_commitlog *log, copycat_message *message_out);

copycat_status cc_commitlog_append(
    struct cc_commitlog *log, const copycat_log_entry *entry, uint64_t *index_out);
copycat_status cc_commitlog_skip(struct cc_commitlog *log, uint64_t count);
copycat_status cc_commitlog_flush(struct cc_commitlog *log);
copycat_status cc_commitlog_truncate(struct cc_commitlog *log, uint64_t index);

copycat_status cc_commitlog_read(
    struct cc_commitlog *log, uint64_t index, copycat_log_entry *entry_out);
bool cc_commitlog_contains(const struct cc_commitlog *log, uint64_t index);
uint64_t cc_commitlog_next(const struct cc_commitlog *log, uint64_t index);
uint64_t cc_commitlog_last(const struct cc_commitlog *log);
void cc_commitlog_status_of(const struct cc_commitlog *log, copycat_log_status *status_out);
copycat_status cc_commitlog_verify(struct cc_commitlog *log);

copycat_status cc_commitlog_clean(struct cc_commitlog *log, uint64_t index);
copycat_status cc_commitlog_clean_keys(struct cc_commitlog *log, uint64_t *cleaned_out);
copycat_status cc_commitlog_clean_keys_to(
    struct cc_commitlog *log, uint64_t index, uint64_t *cleaned_out);
copycat_status cc_commitlog_clean_where(
    struct cc_commitlog *log,
    uint64_t index,
    int (*predicate)(const copycat_log_entry *entry, void *user),
    void *user,
    uint64_t *cleaned_out);
copycat_status cc_commitlog_clean_some(
    struct cc_commitlog *log, uint64_t bytes_max, bool *is_more_out);

copycat_status cc_commitlog_forget(struct cc_commitlog *log, uint64_t index);
copycat_status cc_commitlog_retain(struct cc_commitlog *log, uint64_t time_us, uint64_t bytes_max);
copycat_status cc_commitlog_retain_to(
    struct cc_commitlog *log,
    uint64_t index,
    uint64_t time_us,
    uint64_t bytes_max,
    uint64_t *first_out);

#endif /* CC_COMMITLOG_COMMITLOG_H */
