/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commitlog_mend -- what a crash has left undone is done: after that disk is as memory.
 *
 * What was read may have been written and never synced, by a process that is no more.  So everything
 * that counts is synced before anything is removed that it replaces.
 */
#include "base/assert.h"
#include "commitlog/commitlog_internal.h"

static copycat_status check(
    struct cc_commitlog *log, copycat_status status, const struct cc_commitlog_segment *segment)
{
    if (status != COPYCAT_OK) {
        return cc_commitlog_complain(
            log, status, segment, log->files.table->reason(log->files.context), COPYCAT_NONE);
    }
    return COPYCAT_OK;
}

/* Cuts off what is behind the records, and syncs. */
static copycat_status cut_and_sync(struct cc_commitlog *log, struct cc_commitlog_segment *segment)
{
    const struct cc_files_table *table = log->files.table;
    copycat_status status = cc_commitlog_segment_file(log, segment);

    if (status != COPYCAT_OK) {
        return status;
    }
    if (!segment->is_sealed && segment->size > segment->end) {
        status =
            check(log, table->resize(log->files.context, segment->file, segment->end), segment);
        segment->size = segment->end;
        log->window.segment = NULL;
    }
    return status == COPYCAT_OK
               ? check(log, table->sync(log->files.context, segment->file), segment)
               : status;
}

static copycat_status seal(struct cc_commitlog *log, struct cc_commitlog_segment *segment)
{
    copycat_status status = cut_and_sync(log, segment);

    if (status != COPYCAT_OK) {
        return status;
    }
    log->output.file = segment->file;
    log->output.offset = segment->end;
    return cc_commitlog_seal(log, &log->output, segment);
}

static copycat_status remove_hidden(
    struct cc_commitlog *log, const struct cc_commitlog_found *found, uint32_t count)
{
    copycat_status status = COPYCAT_OK;
    bool is_any = false;

    for (uint32_t i = 0; i < count && status == COPYCAT_OK; i++) {
        char name[CC_COMMITLOG_NAME_SIZE];

        if (found[i].is_visible) {
            continue;
        }
        cc_commitlog_name(name, found[i].segment->head.first, found[i].segment->head.generation);
        status = check(log, log->files.table->remove(log->files.context, name), found[i].segment);
        is_any = true;
    }
    return status == COPYCAT_OK && is_any
               ? check(log, log->files.table->sync_directory(log->files.context), NULL)
               : status;
}

copycat_status cc_commitlog_mend(
    struct cc_commitlog *log, struct cc_commitlog_found *found, uint32_t count)
{
    copycat_status status = COPYCAT_OK;
    bool is_any_hidden = false;

    for (uint32_t i = 0; i < count; i++) {
        is_any_hidden = is_any_hidden || !found[i].is_visible;
    }
    for (uint32_t i = 0; i < log->segment_count && status == COPYCAT_OK; i++) {
        struct cc_commitlog_segment *segment = log->segments[i];

        if (segment == cc_commitlog_tail(log)) {
            status = cut_and_sync(log, segment);
        } else if (!segment->is_sealed) {
            status = seal(log, segment);
        } else if (is_any_hidden && segment->head.kind == CC_COMMITLOG_REWRITTEN) {
            status = cut_and_sync(log, segment);
        }
    }
    if (status == COPYCAT_OK) {
        status = check(log, log->files.table->sync_directory(log->files.context), NULL);
    }
    if (status == COPYCAT_OK) {
        status = remove_hidden(log, found, count);
    }
    if (status == COPYCAT_OK && log->segment_count == 0) {
        return cc_commitlog_begin_segment(log, 1, 0);
    }
    if (status == COPYCAT_OK) {
        struct cc_commitlog_segment *tail = cc_commitlog_tail(log);

        log->output.file = tail->file;
        log->output.offset = tail->end;
        log->durable_end = tail->end;
        log->floor_durable = log->floor;
    }
    return status;
}
