/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log -- a commit log as a handle: commitlog with files in a directory, or in memory.
 */
#include "api/api_memory.h"
#include "api/forks.h"
#include "api/log_files.h"
#include "base/options.h"
#include "commitlog/commitlog.h"
#include "commitlog/files_memory.h"

#include <stdio.h>
#include <stdlib.h>

struct copycat_log {
    struct cc_commitlog *core;
    struct cc_log_files *directory; /* NULL: in memory */
    struct cc_files_memory *memory;
    uint32_t forks; /* in a child nothing of it is touched: the files are its parent's */
};

void copycat_log_options_init(copycat_log_options *options, size_t size)
{
    cc_options_init(options, size);
}

static bool is_foreign(const copycat_log *log)
{
    return log->forks != cc_forks();
}

/* ---- opening and closing --------------------------------------------------------------------- */

static void free_log(copycat_log *log)
{
    if (log->directory != NULL) {
        cc_log_files_destroy(log->directory);
    }
    if (log->memory != NULL) {
        cc_files_memory_destroy(log->memory);
    }
    free(log);
}

static copycat_status make_files(
    copycat_log *log, const char *directory, struct cc_files *files_out)
{
    copycat_status status = COPYCAT_OK;

    if (directory != NULL) {
        status = cc_log_files_create(&log->directory, directory);
    } else {
        log->memory = cc_files_memory_create(&cc_api_memory);
        status = log->memory == NULL ? COPYCAT_ERR_MEMORY : COPYCAT_OK;
    }
    if (status == COPYCAT_OK) {
        *files_out = directory != NULL ? cc_log_files_of(log->directory)
                                       : cc_files_memory_files(log->memory);
    }
    return status;
}

copycat_status copycat_log_open(
    copycat_log **log_out, const copycat_log_options *options, copycat_message *message_out)
{
    copycat_log_options known;
    struct cc_files files;
    copycat_log *log = NULL;
    copycat_status status = cc_options_read(&known, sizeof known, options);

    if (message_out != NULL) {
        message_out->text[0] = '\0';
    }
    cc_forks_watch();
    if (status == COPYCAT_OK) {
        log = calloc(1, sizeof *log);
        status = log == NULL ? COPYCAT_ERR_MEMORY : make_files(log, known.directory, &files);
    }
    if (status == COPYCAT_OK) {
        log->forks = cc_forks();
        status = cc_commitlog_open(&log->core, &cc_api_memory, &files, &known, message_out);
    }
    if (status == COPYCAT_OK) {
        *log_out = log;
        return COPYCAT_OK;
    }
    if (message_out != NULL && message_out->text[0] == '\0') {
        (void)snprintf(
            message_out->text, sizeof message_out->text, "%s", copycat_status_text(status));
    }
    if (log != NULL) {
        free_log(log);
    }
    return status;
}

copycat_status copycat_log_close(copycat_log *log)
{
    copycat_status status;

    if (log == NULL) {
        return COPYCAT_OK;
    }
    if (is_foreign(log)) {
        return COPYCAT_ERR_CLOSED;
    }
    status = cc_commitlog_close(log->core);
    free_log(log);
    return status;
}

void copycat_log_trouble(const copycat_log *log, copycat_message *message_out)
{
    cc_commitlog_trouble(log->core, message_out);
}

/* ---- calls ----------------------------------------------------------------------------------- */

copycat_status copycat_log_append(
    copycat_log *log, const copycat_log_entry *entry, uint64_t *index_out)
{
    return is_foreign(log) ? COPYCAT_ERR_CLOSED : cc_commitlog_append(log->core, entry, index_out);
}

copycat_status copycat_log_skip(copycat_log *log, uint64_t count)
{
    return is_foreign(log) ? COPYCAT_ERR_CLOSED : cc_commitlog_skip(log->core, count);
}

copycat_status copycat_log_flush(copycat_log *log)
{
    return is_foreign(log) ? COPYCAT_ERR_CLOSED : cc_commitlog_flush(log->core);
}

copycat_status copycat_log_truncate(copycat_log *log, uint64_t index)
{
    return is_foreign(log) ? COPYCAT_ERR_CLOSED : cc_commitlog_truncate(log->core, index);
}

copycat_status copycat_log_read(copycat_log *log, uint64_t index, copycat_log_entry *entry_out)
{
    return is_foreign(log) ? COPYCAT_ERR_CLOSED : cc_commitlog_read(log->core, index, entry_out);
}

int copycat_log_contains(const copycat_log *log, uint64_t index)
{
    return cc_commitlog_contains(log->core, index);
}

uint64_t copycat_log_next(const copycat_log *log, uint64_t index)
{
    return cc_commitlog_next(log->core, index);
}

uint64_t copycat_log_first(const copycat_log *log)
{
    return cc_commitlog_next(log->core, 0);
}

uint64_t copycat_log_last(const copycat_log *log)
{
    return cc_commitlog_last(log->core);
}

uint64_t copycat_log_count(const copycat_log *log)
{
    copycat_log_status status = {.size = sizeof status};

    cc_commitlog_status_of(log->core, &status);
    return status.count;
}

void copycat_log_status_of(const copycat_log *log, copycat_log_status *status_out)
{
    cc_commitlog_status_of(log->core, status_out);
}

copycat_status copycat_log_verify(copycat_log *log)
{
    return is_foreign(log) ? COPYCAT_ERR_CLOSED : cc_commitlog_verify(log->core);
}

copycat_status copycat_log_clean(copycat_log *log, uint64_t index)
{
    return is_foreign(log) ? COPYCAT_ERR_CLOSED : cc_commitlog_clean(log->core, index);
}

copycat_status copycat_log_clean_keys(copycat_log *log, uint64_t *cleaned_out)
{
    return is_foreign(log) ? COPYCAT_ERR_CLOSED : cc_commitlog_clean_keys(log->core, cleaned_out);
}

copycat_status copycat_log_clean_keys_to(copycat_log *log, uint64_t index, uint64_t *cleaned_out)
{
    return is_foreign(log) ? COPYCAT_ERR_CLOSED
                           : cc_commitlog_clean_keys_to(log->core, index, cleaned_out);
}

copycat_status copycat_log_clean_where(
    copycat_log *log,
    uint64_t index,
    int (*predicate)(const copycat_log_entry *entry, void *user),
    void *user,
    uint64_t *cleaned_out)
{
    return is_foreign(log)
               ? COPYCAT_ERR_CLOSED
               : cc_commitlog_clean_where(log->core, index, predicate, user, cleaned_out);
}

copycat_status copycat_log_clean_some(copycat_log *log, uint64_t bytes_max, int *is_more_out)
{
    bool is_more = false;
    copycat_status status = is_foreign(log)
                                ? COPYCAT_ERR_CLOSED
                                : cc_commitlog_clean_some(log->core, bytes_max, &is_more);

    if (is_more_out != NULL) {
        *is_more_out = is_more;
    }
    return status;
}

copycat_status copycat_log_clean_now(copycat_log *log)
{
    return copycat_log_clean_some(log, UINT64_MAX, NULL);
}

copycat_status copycat_log_forget(copycat_log *log, uint64_t index)
{
    return is_foreign(log) ? COPYCAT_ERR_CLOSED : cc_commitlog_forget(log->core, index);
}

copycat_status copycat_log_retain(copycat_log *log, uint64_t time_us, uint64_t bytes_max)
{
    return is_foreign(log) ? COPYCAT_ERR_CLOSED
                           : cc_commitlog_retain(log->core, time_us, bytes_max);
}

copycat_status copycat_log_retain_to(
    copycat_log *log, uint64_t index, uint64_t time_us, uint64_t bytes_max, uint64_t *first_out)
{
    return is_foreign(log)
               ? COPYCAT_ERR_CLOSED
               : cc_commitlog_retain_to(log->core, index, time_us, bytes_max, first_out);
}
