/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commitlog_pick -- which segments are worth being rewritten, and with which neighbours.
 */
#include "commitlog/commitlog_internal.h"

#define HALVINGS_MAX 6u         /* below that a segment would be rewritten for one entry of it */
#define DEAD_PERCENT_OF_ALL 30u /* of the benefit rule */
#define APART_MAX 4u /* neighbours are joined if one is at most so many times the other */

static uint64_t live_bytes(const struct cc_commitlog_segment *segment)
{
    uint64_t bytes = segment->end - CC_COMMITLOG_HEAD_SIZE;

    return bytes > segment->dead_bytes ? bytes - segment->dead_bytes : 0;
}

static uint32_t dead_count(const struct cc_commitlog_segment *segment)
{
    return segment->cleaned_count + segment->stored_count - segment->count;
}

/* ---- the rules ------------------------------------------------------------------------------- */

/* 0: it is not worth it; otherwise the more the better. */
static double worth_by_count(
    const struct cc_commitlog *log, const struct cc_commitlog_segment *segment)
{
    uint32_t halvings = segment->passes < HALVINGS_MAX ? segment->passes : HALVINGS_MAX;
    double dead = dead_count(segment);
    double percent = log->options.clean_percent;

    if (log->options.clean_rule == COPYCAT_LOG_CLEAN_HALVING) {
        percent /= 1u << halvings;
    }
    if (dead <= 0 || dead * 100 < percent * segment->stored_count) {
        return 0;
    }
    return dead / segment->stored_count;
}

static double worth_by_benefit(
    const struct cc_commitlog *log, const struct cc_commitlog_segment *segment)
{
    double live = (double)live_bytes(segment);
    double dead = (double)segment->dead_bytes;
    double age = (double)(log->last - segment->last + 1);

    if (dead <= 0 || dead * 100 < (dead + live) * log->options.clean_percent) {
        return 0;
    }
    return dead * age / (dead + 2 * live);
}

static bool is_enough_dead(const struct cc_commitlog *log)
{
    uint64_t dead = 0;
    uint64_t all = 0;

    for (uint32_t i = 0; i + 1 < log->segment_count; i++) {
        dead += log->segments[i]->dead_bytes;
        all += log->segments[i]->dead_bytes + live_bytes(log->segments[i]);
    }
    return dead * 100 >= all * DEAD_PERCENT_OF_ALL;
}

/* The best one; segment_count: none. */
static uint32_t find_best(const struct cc_commitlog *log)
{
    bool is_benefit = log->options.clean_rule == COPYCAT_LOG_CLEAN_BENEFIT;
    uint32_t best = log->segment_count;
    double most = 0;

    if (is_benefit && !is_enough_dead(log)) {
        return best;
    }
    for (uint32_t i = 0; i + 1 < log->segment_count; i++) {
        double worth = is_benefit ? worth_by_benefit(log, log->segments[i])
                                  : worth_by_count(log, log->segments[i]);

        if (worth > most) {
            most = worth;
            best = i;
        }
    }
    return best;
}

/* ---- neighbours ------------------------------------------------------------------------------ */

/* What was never rewritten and is as large as it should be will be, in its time. */
static bool is_small(const struct cc_commitlog *log, const struct cc_commitlog_segment *segment)
{
    return segment->passes > 0 || segment->end <= log->options.segment_size / 2;
}

/* Would these be one segment, without the larger part being moved for the sake of the smaller? */
static bool fits(const struct cc_commitlog *log, uint32_t begin, uint32_t count, uint32_t added)
{
    const struct cc_commitlog_segment *first = log->segments[added < begin ? added : begin];
    uint32_t end = added < begin ? begin + count - 1 : added;
    uint64_t bytes = 0;
    uint64_t entries = log->segments[added]->count - log->segments[added]->cleaned_count;
    uint64_t others = live_bytes(log->segments[added]);

    for (uint32_t i = begin; i < begin + count; i++) {
        bytes += live_bytes(log->segments[i]);
        entries += log->segments[i]->count - log->segments[i]->cleaned_count;
    }
    return CC_COMMITLOG_HEAD_SIZE + bytes + others <= log->options.segment_size &&
           entries <= log->options.segment_count && bytes <= others * APART_MAX + CC_FILES_SECTOR &&
           others <= bytes * APART_MAX + CC_FILES_SECTOR &&
           log->segments[end]->last - first->head.first <= UINT32_MAX;
}

static void extend(const struct cc_commitlog *log, uint32_t *begin, uint32_t *count)
{
    while (*begin + *count + 1 < log->segment_count &&
           is_small(log, log->segments[*begin + *count]) &&
           fits(log, *begin, *count, *begin + *count)) {
        ++*count;
    }
    while (*begin > 0 && is_small(log, log->segments[*begin - 1]) &&
           fits(log, *begin, *count, *begin - 1)) {
        --*begin;
        ++*count;
    }
}

bool cc_commitlog_pick(const struct cc_commitlog *log, uint32_t *begin_out, uint32_t *count_out)
{
    *begin_out = find_best(log);
    *count_out = 1;
    if (*begin_out < log->segment_count) {
        extend(log, begin_out, count_out);
        return true;
    }
    for (uint32_t i = 0; i + 2 < log->segment_count; i++) {
        if (is_small(log, log->segments[i]) && is_small(log, log->segments[i + 1]) &&
            fits(log, i, 1, i + 1)) {
            *begin_out = i;
            extend(log, begin_out, count_out);
            return true;
        }
    }
    return false;
}
