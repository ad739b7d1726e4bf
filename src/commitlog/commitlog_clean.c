/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commitlog_clean -- rewriting segments without what is cleaned, a bit at a time.
 *
 * What is dropped was cleaned for the sake of something newer, which may not have been flushed: so
 * all is flushed before the sources go.  What is cleaned meanwhile is said by the new footer.  The
 * new file is of a higher generation than whatever was said to be cleaned before, so that none of it
 * is held against what was copied.
 */
#include "base/assert.h"
#include "commitlog/commitlog_internal.h"
#include "wire/bytes.h"

#include <string.h>

#define PASSES_MAX 255u

/* ---- beginning and giving up ----------------------------------------------------------------- */

copycat_status cc_commitlog_abandon(struct cc_commitlog *log)
{
    struct cc_commitlog_segment *target = log->job.target;
    char name[CC_COMMITLOG_NAME_SIZE];
    bool has_file;

    if (target == NULL) {
        return COPYCAT_OK;
    }
    has_file = target->file != NULL;
    cc_commitlog_name(name, target->head.first, target->head.generation);
    cc_commitlog_segment_destroy(log, target);
    log->job.target = NULL;
    log->job.output.size = 0;
    if (has_file && log->files.table->remove(log->files.context, name) != COPYCAT_OK) {
        return cc_commitlog_fail(
            log, COPYCAT_ERR_IO, NULL, log->files.table->reason(log->files.context));
    }
    return COPYCAT_OK;
}

/* The sources are as they were, so the log goes on unless the disk itself has failed. */
static copycat_status give_up(struct cc_commitlog *log, copycat_status status)
{
    copycat_message trouble = log->trouble;
    copycat_status abandoned = log->failed == COPYCAT_OK ? cc_commitlog_abandon(log) : COPYCAT_OK;

    if (abandoned != COPYCAT_OK) {
        return abandoned;
    }
    log->trouble = trouble;
    return status;
}

static copycat_status check_written(struct cc_commitlog *log, copycat_status status)
{
    if (status == COPYCAT_ERR_IO) {
        log->failed = status;
    }
    return status;
}

static copycat_status begin(struct cc_commitlog *log, uint32_t begin_at, uint32_t count)
{
    struct cc_commitlog_head head = {
        .kind = CC_COMMITLOG_REWRITTEN,
        .generation = ++log->generation,
        .first = log->segments[begin_at]->head.first,
        .floor = log->floor_durable,
        .given_end = CC_COMMITLOG_HEAD_SIZE};
    uint8_t sector[CC_COMMITLOG_HEAD_SIZE];
    bool is_dropping = false;
    copycat_status status;

    for (uint32_t i = begin_at; i < begin_at + count; i++) {
        const struct cc_commitlog_segment *source = log->segments[i];

        is_dropping =
            is_dropping || source->cleaned_count > 0 || source->count < source->stored_count;
        head.passes = source->passes > head.passes ? source->passes : head.passes;
    }
    if (is_dropping && head.passes < PASSES_MAX) {
        head.passes++;
    }
    log->job.target = cc_commitlog_segment_create(log->memory, &head);
    log->job.begin = begin_at;
    log->job.count = count;
    log->job.source = 0;
    log->job.slot = 0;
    log->job.note = 0;
    if (log->job.target == NULL) {
        return COPYCAT_ERR_MEMORY;
    }
    status = cc_commitlog_output_begin(log, &log->job.output, log->job.target);
    if (status == COPYCAT_OK) {
        cc_commitlog_head_encode(sector, &head);
        status = log->files.table->write(
            log->files.context, log->job.target->file, 0, sector, sizeof sector);
        if (status != COPYCAT_OK) {
            (void)cc_commitlog_complain(
                log, status, log->job.target, log->files.table->reason(log->files.context), 0);
        }
    }
    return check_written(log, status);
}

/* ---- copying --------------------------------------------------------------------------------- */

static copycat_status copy_entry(
    struct cc_commitlog *log, struct cc_commitlog_segment *source, uint32_t slot, uint64_t *spent)
{
    struct cc_commitlog_job *job = &log->job;
    struct cc_commitlog_record record;
    const uint8_t *bytes;
    uint8_t *room;
    size_t size;
    copycat_status status = cc_commitlog_record_at(
        log, &job->window, source, source->slots[slot].position, CC_COMMITLOG_WINDOW, &record,
        &bytes);

    if (status != COPYCAT_OK) {
        return status;
    }
    if (record.kind != CC_COMMITLOG_ENTRY ||
        record.index != cc_commitlog_segment_index(source, slot)) {
        return cc_commitlog_complain(
            log, COPYCAT_ERR_DAMAGED, source, "a record is damaged", source->slots[slot].position);
    }
    size = (size_t)cc_commitlog_record_size(&record);
    if (!cc_commitlog_segment_reserve(log->memory, job->target)) {
        return COPYCAT_ERR_MEMORY;
    }
    status = cc_commitlog_output_room(log, &job->output, job->target, size, &room);
    if (status != COPYCAT_OK) {
        return check_written(log, status);
    }

    /* The body with its checksum as it is: what was damaged on the way would be seen. */
    memcpy(room, bytes, size);
    cc_commitlog_record_encode(room, &record, job->target->head.generation, job->target->end);
    cc_commitlog_segment_add(job->target, record.index, job->target->end, record.time_us);
    cc_commitlog_output_took(&job->output, job->target, size);
    *spent += 2 * size;
    return COPYCAT_OK;
}

/* Does anybody still need to be told that this one is cleaned? */
static bool is_needed(const struct cc_commitlog *log, uint64_t index, uint64_t generation)
{
    const struct cc_commitlog_job *job = &log->job;
    uint32_t number = cc_commitlog_segment_of(log, index);
    const struct cc_commitlog_segment *segment;
    uint32_t slot;

    if (number >= log->segment_count ||
        (number >= job->begin && number < job->begin + job->count)) {
        return false;
    }
    segment = log->segments[number];
    slot = cc_commitlog_segment_find(segment, index);
    return segment->head.generation <= generation && slot < segment->count &&
           cc_commitlog_segment_index(segment, slot) == index &&
           cc_commitlog_bit(segment->cleaned, slot) && !cc_commitlog_bit(segment->is_settled, slot);
}

static copycat_status copy_note(
    struct cc_commitlog *log, struct cc_commitlog_segment *source, uint32_t note, uint64_t *spent)
{
    struct cc_commitlog_job *job = &log->job;
    uint64_t indexes[CC_COMMITLOG_CLEANED_AT_ONCE];
    struct cc_commitlog_record record;
    const uint8_t *bytes;
    uint32_t count = 0;
    copycat_status status =
        cc_commitlog_record_at(log, &job->window, source, source->notes[note], 0, &record, &bytes);

    if (status != COPYCAT_OK) {
        return status;
    }
    *spent += cc_commitlog_record_size(&record);
    for (uint32_t i = 0; i < record.size / 8 && i < CC_COMMITLOG_CLEANED_AT_ONCE; i++) {
        uint64_t index = cc_load_u64(bytes + CC_COMMITLOG_RECORD_SIZE + 8 * (size_t)i);

        if (is_needed(log, index, record.index)) {
            indexes[count++] = index;
        }
    }
    if (count == 0) {
        return COPYCAT_OK;
    }
    return check_written(
        log,
        cc_commitlog_output_cleaned(log, &job->output, job->target, record.index, indexes, count));
}

/* ---- the swap -------------------------------------------------------------------------------- */

/* What was cleaned since it was copied. */
static void take_cleaned(struct cc_commitlog *log)
{
    struct cc_commitlog_segment *target = log->job.target;

    for (uint32_t slot = 0; slot < target->count; slot++) {
        uint64_t index = cc_commitlog_segment_index(target, slot);
        const struct cc_commitlog_segment *source =
            log->segments[cc_commitlog_segment_of(log, index)];

        if (!cc_commitlog_segment_has(source, index)) {
            cc_commitlog_segment_clean(target, slot);
        }
    }
}

static copycat_status swap(struct cc_commitlog *log)
{
    struct cc_commitlog_job *job = &log->job;
    struct cc_commitlog_segment *target = job->target;
    copycat_status status = log->is_dirty ? cc_commitlog_settle(log) : COPYCAT_OK;

    if (status == COPYCAT_OK) {
        status = check_written(log, cc_commitlog_output_drain(log, &job->output, target));
    }

    /* A footer vouches for what is before it, so that must be there first. */
    if (status == COPYCAT_OK) {
        status = log->files.table->sync(log->files.context, target->file);
        if (status != COPYCAT_OK) {
            return cc_commitlog_fail(
                log, status, target, log->files.table->reason(log->files.context));
        }
    }
    if (status == COPYCAT_OK &&
        !cc_commitlog_reserve(
            log->memory, &log->segments, &log->segment_capacity, (uint64_t)log->segment_count + 1,
            sizeof(struct cc_commitlog_segment *))) {
        status = COPYCAT_ERR_MEMORY;
    }
    if (status != COPYCAT_OK) {
        return status;
    }
    take_cleaned(log);
    target->last = log->segments[job->begin + job->count - 1]->last;
    status = check_written(log, cc_commitlog_seal(log, &job->output, target));
    if (status == COPYCAT_OK) {
        status = log->files.table->sync_directory(log->files.context);
        if (status != COPYCAT_OK) {
            return cc_commitlog_fail(
                log, status, target, log->files.table->reason(log->files.context));
        }
    }
    if (status != COPYCAT_OK) {
        return status;
    }
    log->moved_bytes += target->size;
    job->target = NULL;
    status = cc_commitlog_insert(log, job->begin + job->count, target);
    CC_ASSERT(status == COPYCAT_OK);
    return cc_commitlog_remove(log, job->begin, job->count);
}

/* ---- a step ---------------------------------------------------------------------------------- */

/* The next entry or note, or the swap. */
static copycat_status step(struct cc_commitlog *log, uint64_t *spent)
{
    struct cc_commitlog_job *job = &log->job;
    struct cc_commitlog_segment *source;

    if (job->source == job->count) {
        *spent += cc_commitlog_footer_size(job->target->count, job->target->note_count);
        return swap(log);
    }
    source = log->segments[job->begin + job->source];
    if (job->slot < source->count) {
        uint32_t slot = job->slot++;

        *spent += 1; /* so that many that are cleaned are work as well */
        return cc_commitlog_bit(source->cleaned, slot) ||
                       cc_commitlog_segment_index(source, slot) < log->floor
                   ? COPYCAT_OK
                   : copy_entry(log, source, slot, spent);
    }
    if (job->note < source->note_count) {
        return copy_note(log, source, job->note++, spent);
    }
    job->source++;
    job->slot = 0;
    job->note = 0;
    return COPYCAT_OK;
}

copycat_status cc_commitlog_clean_some(
    struct cc_commitlog *log, uint64_t bytes_max, bool *is_more_out)
{
    copycat_status status = log->failed;
    uint64_t spent = 0;
    uint32_t begin_at;
    uint32_t count;

    while (status == COPYCAT_OK && spent < bytes_max) {
        if (log->job.target == NULL) {
            if (!cc_commitlog_pick(log, &begin_at, &count)) {
                break;
            }
            status = begin(log, begin_at, count);
        }
        if (status == COPYCAT_OK) {
            status = step(log, &spent);
        }
    }
    if (status != COPYCAT_OK) {
        return give_up(log, status);
    }
    *is_more_out = log->job.target != NULL || cc_commitlog_pick(log, &begin_at, &count);
    return COPYCAT_OK;
}
