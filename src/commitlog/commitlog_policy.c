/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commitlog_policy -- what is decided at a position of the log: which entries a predicate of the host
 * is through with, and from where on an age or a size is kept (docs/decisions/0009).
 *
 * Only entries that can be read, up to the position, are looked at, never segments: so two logs that
 * hold the same entries decide the same, however they are cut into files.
 */
#include "commitlog/commitlog_internal.h"

/* One goes through the log from here on, or not any more. */
static void go(struct cc_commitlog *log, bool is_going)
{
    log->ahead = is_going ? CC_COMMITLOG_WINDOW : 0;
}

static copycat_status check_position(const struct cc_commitlog *log, uint64_t index)
{
    if (log->failed != COPYCAT_OK) {
        return log->failed;
    }
    return index > log->last ? COPYCAT_ERR_INVALID : COPYCAT_OK;
}

/* ---- filters --------------------------------------------------------------------------------- */

copycat_status cc_commitlog_clean_where(
    struct cc_commitlog *log,
    uint64_t index,
    int (*predicate)(const copycat_log_entry *entry, void *user),
    void *user,
    uint64_t *cleaned_out)
{
    copycat_status status = predicate == NULL ? COPYCAT_ERR_INVALID : check_position(log, index);
    uint64_t cleaned = 0;
    uint64_t at = status == COPYCAT_OK ? cc_commitlog_next(log, 0) : 0;

    go(log, true);
    while (at != 0 && at <= index && status == COPYCAT_OK) {
        copycat_log_entry entry;

        status = cc_commitlog_read(log, at, &entry);
        if (status == COPYCAT_OK && predicate(&entry, user) != 0) {
            status = cc_commitlog_clean(log, at);
            cleaned += status == COPYCAT_OK;
        }
        at = cc_commitlog_next(log, at + 1);
    }
    go(log, false);
    if (cleaned_out != NULL) {
        *cleaned_out = cleaned;
    }
    return status;
}

/* ---- retention ------------------------------------------------------------------------------- */

/* As it is stored, wherever that is. */
static uint64_t size_of(const copycat_log_entry *entry)
{
    struct cc_commitlog_record record = {
        .key_size = (uint16_t)entry->key.size, .size = (uint32_t)entry->bytes.size};

    return cc_commitlog_record_size(&record);
}

/* The bytes of the entries [from, through] that can be read. */
static copycat_status measure(
    struct cc_commitlog *log, uint64_t from, uint64_t through, uint64_t *bytes_out)
{
    uint64_t at = cc_commitlog_next(log, from);

    *bytes_out = 0;
    while (at != 0 && at <= through) {
        copycat_log_entry entry;
        copycat_status status = cc_commitlog_read(log, at, &entry);

        if (status != COPYCAT_OK) {
            return status;
        }
        *bytes_out += size_of(&entry);
        at = cc_commitlog_next(log, at + 1);
    }
    return COPYCAT_OK;
}

/* Of [from, through], which are `bytes`, the first from which on there are at most `bytes_max`. */
static copycat_status find_small(
    struct cc_commitlog *log,
    uint64_t from,
    uint64_t through,
    uint64_t bytes,
    uint64_t bytes_max,
    uint64_t *first_out)
{
    uint64_t at = cc_commitlog_next(log, from);

    while (at != 0 && at <= through && bytes > bytes_max) {
        copycat_log_entry entry;
        copycat_status status = cc_commitlog_read(log, at, &entry);

        if (status != COPYCAT_OK) {
            return status;
        }
        bytes -= size_of(&entry);
        at = cc_commitlog_next(log, at + 1);
    }
    *first_out = at == 0 || at > through ? through + 1 : at;
    return COPYCAT_OK;
}

/* The newest segments first, for what is kept may be little; within one forwards. */
static copycat_status find_kept(
    struct cc_commitlog *log, uint64_t index, uint64_t bytes_max, uint64_t *first_out)
{
    uint64_t through = index;
    uint64_t left = bytes_max;

    for (uint32_t i = log->segment_count; i > 0; i--) {
        uint64_t from = log->segments[i - 1]->head.first;
        copycat_status status;
        uint64_t bytes;

        if (from > through) {
            continue;
        }
        status = measure(log, from, through, &bytes);
        if (status != COPYCAT_OK || bytes > left) {
            return status == COPYCAT_OK ? find_small(log, from, through, bytes, left, first_out)
                                        : status;
        }
        left -= bytes;
        through = from - 1;
    }
    *first_out = 0;
    return COPYCAT_OK;
}

/* The first entry from there on that is not older, or what follows the position. */
static copycat_status find_young(
    struct cc_commitlog *log, uint64_t from, uint64_t index, uint64_t time_us, uint64_t *first_out)
{
    uint64_t at = cc_commitlog_next(log, from);

    while (at != 0 && at <= index) {
        copycat_log_entry entry;
        copycat_status status = cc_commitlog_read(log, at, &entry);

        if (status != COPYCAT_OK) {
            return status;
        }
        if (entry.time_us >= time_us) {
            *first_out = at;
            return COPYCAT_OK;
        }
        at = cc_commitlog_next(log, at + 1);
    }
    *first_out = index + 1;
    return COPYCAT_OK;
}

/* What is left out, cleaned or forgotten there says nothing, nor does where a segment begins. */
static uint64_t readable(const struct cc_commitlog *log, uint64_t from, uint64_t index)
{
    uint64_t at = cc_commitlog_next(log, from);

    return at != 0 && at <= index ? at : index + 1;
}

copycat_status cc_commitlog_retain_to(
    struct cc_commitlog *log,
    uint64_t index,
    uint64_t time_us,
    uint64_t bytes_max,
    uint64_t *first_out)
{
    copycat_status status = check_position(log, index);
    uint64_t first = 0;

    go(log, true);
    if (status == COPYCAT_OK && bytes_max != 0) {
        status = find_kept(log, index, bytes_max, &first);
    }
    if (status == COPYCAT_OK && time_us != 0) {
        status = find_young(log, first, index, time_us, &first);
    }
    go(log, false);
    if (status != COPYCAT_OK) {
        return status;
    }
    first = readable(log, first, index);
    if (first_out != NULL) {
        *first_out = first;
    }
    return cc_commitlog_forget(log, first);
}
