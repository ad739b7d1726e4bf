/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commitlog_forget -- dropping the newest (truncating) and the oldest (forgetting, retention).
 */
#include "base/assert.h"
#include "commitlog/commitlog_internal.h"

#include <string.h>

copycat_status cc_commitlog_remove(struct cc_commitlog *log, uint32_t begin, uint32_t count)
{
    copycat_status status = COPYCAT_OK;

    CC_ASSERT(begin + count < log->segment_count);
    for (uint32_t i = begin; i < begin + count && status == COPYCAT_OK; i++) {
        char name[CC_COMMITLOG_NAME_SIZE];

        cc_commitlog_name(name, log->segments[i]->head.first, log->segments[i]->head.generation);
        cc_commitlog_segment_shut(log, log->segments[i]);
        status = log->files.table->remove(log->files.context, name);
    }
    if (status == COPYCAT_OK) {
        status = log->files.table->sync_directory(log->files.context);
    }
    if (status != COPYCAT_OK) {
        return cc_commitlog_fail(
            log, status == COPYCAT_ERR_INVALID ? COPYCAT_ERR_IO : status, log->segments[begin],
            log->files.table->reason(log->files.context));
    }
    for (uint32_t i = begin; i < begin + count; i++) {
        cc_commitlog_segment_destroy(log, log->segments[i]);
    }
    log->segment_count -= count;
    memmove(
        log->segments + begin, log->segments + begin + count,
        (log->segment_count - begin) * sizeof(struct cc_commitlog_segment *));
    if (log->job.target != NULL && begin < log->job.begin) {
        log->job.begin -= count;
    }
    return COPYCAT_OK;
}

/* ---- the newest ------------------------------------------------------------------------------ */

/* The new segment is the truncation: it is about all indexes from its first on, so from the moment
 * its head is durable what was there does not count. */
copycat_status cc_commitlog_truncate(struct cc_commitlog *log, uint64_t index)
{
    struct cc_commitlog_segment *tail = cc_commitlog_tail(log);
    uint32_t kept = 0;
    copycat_status status = log->failed;

    if (status != COPYCAT_OK) {
        return status;
    }
    if (index > log->last || index + 1 < log->floor) {
        return COPYCAT_ERR_INVALID;
    }
    if (index == log->last) {
        return cc_commitlog_flush(log);
    }
    while (kept < log->segment_count && log->segments[kept]->head.first <= index) {
        kept++;
    }
    if (log->job.target != NULL && log->job.begin + log->job.count >= kept) {
        status = cc_commitlog_abandon(log);
    }
    if (status == COPYCAT_OK) {
        status = cc_commitlog_settle(log);
    }
    if (status == COPYCAT_OK) {
        status = cc_commitlog_begin_segment(log, index + 1, kept);
    }
    if (status != COPYCAT_OK) {
        return status;
    }
    log->last = index;
    if (kept > 0) {
        cc_commitlog_segment_cut(log->segments[kept - 1], index);
    }
    if (kept > 0 && log->segments[kept - 1] == tail) {
        return cc_commitlog_seal_previous(log);
    }
    return cc_commitlog_remove(log, kept, log->segment_count - 1 - kept);
}

/* ---- the oldest ------------------------------------------------------------------------------ */

copycat_status cc_commitlog_remove_forgotten(struct cc_commitlog *log)
{
    uint32_t count = 0;
    copycat_status status = COPYCAT_OK;

    while (count + 1 < log->segment_count && log->segments[count]->last < log->floor_durable) {
        count++;
    }
    if (count == 0) {
        return COPYCAT_OK;
    }
    if (log->job.target != NULL && log->job.begin < count) {
        status = cc_commitlog_abandon(log);
    }
    return status == COPYCAT_OK ? cc_commitlog_remove(log, 0, count) : status;
}

copycat_status cc_commitlog_forget(struct cc_commitlog *log, uint64_t index)
{
    if (log->failed != COPYCAT_OK) {
        return log->failed;
    }
    if (index > log->last + 1) {
        return COPYCAT_ERR_INVALID;
    }
    if (index > log->floor) {
        log->floor = index;
        log->is_dirty = true;
    }
    return COPYCAT_OK;
}

copycat_status cc_commitlog_retain(struct cc_commitlog *log, uint64_t time_us, uint64_t bytes_max)
{
    uint64_t floor = 0;
    uint64_t bytes = 0;

    if (log->failed != COPYCAT_OK) {
        return log->failed;
    }
    for (uint32_t i = 0; i < log->segment_count; i++) {
        bytes += log->segments[i]->is_sealed ? log->segments[i]->size : log->segments[i]->end;
    }
    for (uint32_t i = 0; i + 1 < log->segment_count; i++) {
        const struct cc_commitlog_segment *segment = log->segments[i];
        bool is_old = time_us != 0 && segment->time_high_us < time_us;
        bool is_much = bytes_max != 0 && bytes > bytes_max;

        if (!is_old && !is_much) {
            break;
        }
        floor = segment->last + 1;
        bytes -= segment->size;
    }
    return cc_commitlog_forget(log, floor);
}
