/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commitlog -- opening, closing, and what went wrong.
 */
#include "base/assert.h"
#include "base/options.h"
#include "commitlog/commitlog_internal.h"

#include <string.h>

#define SEGMENT_SIZE_MIN 4096u
#define SEGMENT_SIZE_MAX (1u << 30)
#define SEGMENT_SIZE (32u << 20)
#define SEGMENT_COUNT (1u << 20)
#define ENTRY_SIZE_MAX (64u << 20)
#define ENTRY_SIZE (1u << 20)
#define CLEAN_PERCENT 50u
#define ARRAY_MIN 16u

/* ---- words ----------------------------------------------------------------------------------- */

static void add_text(copycat_message *message, const char *text)
{
    size_t used = strlen(message->text);
    size_t size = strlen(text);
    size_t room = sizeof message->text - 1 - used;

    size = size < room ? size : room;
    memcpy(message->text + used, text, size);
    message->text[used + size] = '\0';
}

static void add_number(copycat_message *message, uint64_t number)
{
    char digits[21];
    size_t at = sizeof digits - 1;

    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    add_text(message, digits + at);
}

copycat_status cc_commitlog_complain(
    struct cc_commitlog *log,
    copycat_status status,
    const struct cc_commitlog_segment *segment,
    const char *what,
    uint64_t offset)
{
    char name[CC_COMMITLOG_NAME_SIZE];

    log->trouble.text[0] = '\0';
    if (segment != NULL) {
        cc_commitlog_name(name, segment->head.first, segment->head.generation);
        add_text(&log->trouble, name);
        add_text(&log->trouble, ": ");
    }
    add_text(&log->trouble, what);
    if (offset != COPYCAT_NONE) {
        add_text(&log->trouble, ", at offset ");
        add_number(&log->trouble, offset);
    }
    return status;
}

copycat_status cc_commitlog_fail(
    struct cc_commitlog *log,
    copycat_status status,
    const struct cc_commitlog_segment *segment,
    const char *what)
{
    log->failed = status;
    return cc_commitlog_complain(log, status, segment, what, COPYCAT_NONE);
}

void cc_commitlog_trouble(const struct cc_commitlog *log, copycat_message *message_out)
{
    *message_out = log->trouble;
}

/* ---- memory ---------------------------------------------------------------------------------- */

bool cc_commitlog_reserve(
    const struct cc_memory *memory, void *array, uint32_t *capacity, uint64_t count, size_t size)
{
    uint64_t wanted = *capacity == 0 ? ARRAY_MIN : *capacity;
    void *block;
    void *grown;

    if (count <= *capacity) {
        return true;
    }
    while (wanted < count) {
        wanted *= 2;
    }
    if (wanted > UINT32_MAX || wanted > SIZE_MAX / size) {
        return false;
    }
    memcpy(&block, array, sizeof block); /* the caller's pointer, whatever it points to */
    grown = memory->resize(memory->context, block, (size_t)wanted * size);
    if (grown == NULL) {
        return false;
    }
    memcpy(array, &grown, sizeof grown);
    *capacity = (uint32_t)wanted;
    return true;
}

static void destroy(struct cc_commitlog *log)
{
    const struct cc_memory *memory = log->memory;

    for (uint32_t i = 0; i < log->segment_count; i++) {
        cc_commitlog_segment_destroy(log, log->segments[i]);
    }
    cc_commitlog_segment_destroy(log, log->job.target);
    cc_commitlog_window_deinit(memory, &log->window);
    cc_commitlog_window_deinit(memory, &log->job.window);
    cc_memory_give(memory, log->segments);
    cc_memory_give(memory, log->output.data);
    cc_memory_give(memory, log->job.output.data);
    cc_memory_give(memory, log->plain);
    log->files.table->unlock(log->files.context);
    cc_memory_give(memory, log);
}

/* ---- opening and closing --------------------------------------------------------------------- */

static uint32_t or_default(uint32_t value, uint32_t instead)
{
    return value == 0 ? instead : value;
}

static copycat_status read_options(copycat_log_options *options, const copycat_log_options *source)
{
    copycat_status status = cc_options_read(options, sizeof *options, source);

    if (status != COPYCAT_OK) {
        return status;
    }
    options->segment_size = options->segment_size == 0 ? SEGMENT_SIZE : options->segment_size;
    options->segment_count = or_default(options->segment_count, SEGMENT_COUNT);
    options->entry_size_max = or_default(options->entry_size_max, ENTRY_SIZE);
    options->clean_percent = or_default(options->clean_percent, CLEAN_PERCENT);
    if (options->clean_rule > COPYCAT_LOG_CLEAN_HALVING) {
        return COPYCAT_ERR_UNSUPPORTED;
    }
    return options->segment_size < SEGMENT_SIZE_MIN || options->segment_size > SEGMENT_SIZE_MAX ||
                   options->entry_size_max > ENTRY_SIZE_MAX || options->clean_percent > 100
               ? COPYCAT_ERR_INVALID
               : COPYCAT_OK;
}

static void tell(copycat_message *message_out, const copycat_message *message)
{
    if (message_out != NULL) {
        *message_out = *message;
    }
}

copycat_status cc_commitlog_open(
    struct cc_commitlog **log_out,
    const struct cc_memory *memory,
    const struct cc_files *files,
    const copycat_log_options *options,
    copycat_message *message_out)
{
    copycat_message message = {{0}};
    struct cc_commitlog *log = cc_memory_try(memory, sizeof *log);
    copycat_status status;

    if (log == NULL) {
        add_text(&message, copycat_status_text(COPYCAT_ERR_MEMORY));
        tell(message_out, &message);
        return COPYCAT_ERR_MEMORY;
    }
    log->memory = memory;
    log->files = *files;
    log->floor = 1;
    status = read_options(&log->options, options);
    if (status == COPYCAT_OK) {
        status = files->table->lock(files->context);
        if (status != COPYCAT_OK) {
            add_text(&log->trouble, files->table->reason(files->context));
        }
    }
    if (status != COPYCAT_OK) {
        if (log->trouble.text[0] == '\0') {
            add_text(&log->trouble, copycat_status_text(status));
        }
        tell(message_out, &log->trouble);
        cc_memory_give(memory, log);
        return status;
    }
    status = cc_commitlog_load(log);
    if (status != COPYCAT_OK) {
        if (log->trouble.text[0] == '\0') {
            add_text(&log->trouble, copycat_status_text(status));
        }
        tell(message_out, &log->trouble);
        destroy(log);
        return status;
    }
    tell(message_out, &message);
    *log_out = log;
    return COPYCAT_OK;
}

/* The last mark says that all is durable, so that at the next start nothing is in doubt. */
copycat_status cc_commitlog_close(struct cc_commitlog *log)
{
    copycat_status status = log->failed;

    if (status == COPYCAT_OK) {
        status = cc_commitlog_abandon(log);
    }
    if (status == COPYCAT_OK) {
        status = cc_commitlog_flush(log);
    }
    if (status == COPYCAT_OK &&
        cc_commitlog_tail(log)->end - log->marked_end > CC_COMMITLOG_MARK_SIZE) {
        status = cc_commitlog_settle(log);
    }
    destroy(log);
    return status;
}

/* ---- standing -------------------------------------------------------------------------------- */

uint64_t cc_commitlog_last(const struct cc_commitlog *log)
{
    return log->last;
}

/* Entries of the first segment that are below the floor and not cleaned. */
static uint64_t count_forgotten(const struct cc_commitlog *log)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < log->segment_count; i++) {
        const struct cc_commitlog_segment *segment = log->segments[i];
        uint32_t below = cc_commitlog_segment_find(segment, log->floor);

        for (uint32_t slot = 0; slot < below; slot++) {
            count += !cc_commitlog_bit(segment->cleaned, slot);
        }
        if (segment->last >= log->floor) {
            break;
        }
    }
    return count;
}

void cc_commitlog_status_of(const struct cc_commitlog *log, copycat_log_status *status_out)
{
    copycat_log_status status = {
        .size = sizeof status,
        .first = cc_commitlog_next(log, 0),
        .last = log->last,
        .appended_bytes = log->appended_bytes,
        .moved_bytes = log->moved_bytes,
        .segments = log->segment_count};
    size_t size = status_out->size < sizeof status ? status_out->size : sizeof status;

    for (uint32_t i = 0; i < log->segment_count; i++) {
        const struct cc_commitlog_segment *segment = log->segments[i];

        status.count += segment->count - segment->cleaned_count;
        status.bytes += segment->is_sealed ? segment->size : segment->end;
        status.dead_bytes += segment->dead_bytes;
    }
    status.count -= count_forgotten(log);
    status.size = size;
    memcpy(status_out, &status, size);
}
