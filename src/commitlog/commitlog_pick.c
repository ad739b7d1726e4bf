/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commitlog_pick -- which segments are worth being rewritten, and with which neighbours: asks
 * base/cleaning.h.
 */
#include "base/cleaning.h"
#include "commitlog/commitlog_internal.h"

static uint64_t live_bytes(const struct cc_commitlog_segment *segment)
{
    uint64_t bytes = segment->end - CC_COMMITLOG_HEAD_SIZE;

    return bytes > segment->dead_bytes ? bytes - segment->dead_bytes : 0;
}

static void describe(const void *owner, uint32_t position, struct cc_cleaning_part *part_out)
{
    const struct cc_commitlog *log = owner;
    const struct cc_commitlog_segment *segment = log->segments[position];

    *part_out = (struct cc_cleaning_part){
        .first = segment->head.first,
        .last = segment->last,
        .stored_count = segment->stored_count,
        .live_count = segment->count - segment->cleaned_count,
        .live_bytes = live_bytes(segment),
        .dead_bytes = segment->dead_bytes,
        .passes = segment->passes,
        /* What was never rewritten and is as large as it should be will be, in its time. */
        .is_small = segment->passes > 0 || segment->end <= log->options.segment_size / 2};
}

bool cc_commitlog_pick(const struct cc_commitlog *log, uint32_t *begin_out, uint32_t *count_out)
{
    static const enum cc_cleaning_rule rules[] = {
        [COPYCAT_LOG_CLEAN_BENEFIT] = CC_CLEANING_BENEFIT,
        [COPYCAT_LOG_CLEAN_FIXED] = CC_CLEANING_FIXED,
        [COPYCAT_LOG_CLEAN_HALVING] = CC_CLEANING_HALVING};
    const struct cc_cleaning cleaning = {
        .rule = rules[log->options.clean_rule],
        .percent = log->options.clean_percent,
        .newest = log->last,
        .part_bytes_max = log->options.segment_size - CC_COMMITLOG_HEAD_SIZE,
        .part_count_max = log->options.segment_count,
        .slack_bytes = CC_FILES_SECTOR,
        .part_count =
            log->segment_count == 0 ? 0 : log->segment_count - 1, /* it is still written */
        .part = describe,
        .owner = log};

    return cc_cleaning_pick(&cleaning, begin_out, count_out);
}
