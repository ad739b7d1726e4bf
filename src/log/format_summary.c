/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format_summary -- see format.h: what a batch did to the log, for the day on which it does not read.
 */
#include "log/format.h"

#define RUNS_AT 40u
#define HAS_BASE 1u
#define HAS_GROUP 2u
#define IS_SWITCH 4u
#define KEEP_TAIL 8u
#define IS_BOOT 16u

void cc_summary_append(struct cc_batch_summary *summary, uint64_t index, uint64_t term)
{
    uint8_t count = summary->run_count;

    summary->touched = summary->touched == 0 ? index : summary->touched;
    summary->last = index;
    if (count == CC_SUMMARY_RUNS_UNKNOWN || (count > 0 && summary->runs[count - 1].term == term)) {
        return;
    }
    if (count == CC_SUMMARY_RUNS_MAX) {
        summary->run_count = CC_SUMMARY_RUNS_UNKNOWN;
        return;
    }
    summary->runs[summary->run_count++] = (struct cc_raft_run){index, term};
}

void cc_summary_truncate(struct cc_batch_summary *summary, uint64_t from)
{
    if (summary->touched == 0 || from < summary->touched) {
        summary->touched = from;
    }
    if (from <= summary->last) {
        summary->last = from - 1;
    }
    while (summary->run_count != CC_SUMMARY_RUNS_UNKNOWN && summary->run_count > 0 &&
           summary->runs[summary->run_count - 1].first >= from) {
        summary->run_count--;
    }
}

/* What an image says of itself may be; a group without one has index 0 and nothing else. */
bool cc_journal_base_is_possible(const struct cc_journal_base *image)
{
    return image->index > 0 && image->index <= CC_INDEX_MAX && image->term > 0 &&
           image->term <= CC_TERM_MAX;
}

void cc_summary_switch(
    struct cc_batch_summary *summary, const struct cc_journal_base *image, bool keep_tail)
{
    summary->is_switch = true;
    summary->keep_tail = keep_tail;
    summary->image = *image;
    summary->last = keep_tail ? summary->last : image->index;
}

static bool are_runs_whole(const struct cc_batch_summary *summary)
{
    uint64_t next = summary->touched;
    uint64_t term = 0;

    for (uint8_t run = 0; run < summary->run_count; run++) {
        if (summary->runs[run].first < next || summary->runs[run].first > summary->last ||
            (run == 0 && summary->runs[run].first != summary->touched) ||
            summary->runs[run].term <= term) {
            return false;
        }
        next = summary->runs[run].first + 1;
        term = summary->runs[run].term;
    }
    return (summary->run_count > 0) == (summary->last >= summary->touched);
}

bool cc_summary_follows(const struct cc_batch_summary *summary, uint64_t last)
{
    if (summary->is_boot && (summary->touched != 0 || summary->is_switch || summary->has_base)) {
        return false;
    }
    if (!summary->has_group) {
        return last == 0 && summary->last == 0 && summary->touched == 0;
    }
    if (summary->group != 0 || summary->run_count > CC_SUMMARY_RUNS_MAX) {
        return false;
    }
    if (summary->is_switch) {
        return summary->touched == 0 && summary->run_count == 0 && !summary->has_base &&
               cc_journal_base_is_possible(&summary->image) &&
               summary->image.index <= summary->last &&
               summary->last == (summary->keep_tail ? last : summary->image.index);
    }
    return summary->touched == 0
               ? summary->last == last && summary->run_count == 0
               : summary->touched <= last + 1 && summary->last + 1 >= summary->touched &&
                     summary->last <= CC_INDEX_MAX && are_runs_whole(summary);
}

static void store_image(uint8_t *bytes, const struct cc_journal_base *image)
{
    cc_store_u64(bytes, image->index);
    cc_store_u64(bytes + 8, image->term);
    cc_store_u64(bytes + 16, image->time_us);
    cc_store_u64(bytes + 24, image->size);
    cc_store_u64(bytes + 32, image->checksum);
}

static void load_image(const uint8_t *bytes, struct cc_journal_base *image_out)
{
    *image_out = (struct cc_journal_base){
        .index = cc_load_u64(bytes),
        .term = cc_load_u64(bytes + 8),
        .time_us = cc_load_u64(bytes + 16),
        .size = cc_load_u64(bytes + 24),
        .checksum = cc_load_u64(bytes + 32),
    };
}

/* Into bytes that are zero. */
void cc_summary_store(uint8_t *bytes, const struct cc_batch_summary *summary)
{
    uint8_t count = summary->run_count;

    cc_store_u32(bytes, summary->group);
    cc_store_u32(bytes + 4, summary->vote);
    cc_store_u64(bytes + 8, summary->term);
    cc_store_u64(bytes + 16, summary->touched);
    cc_store_u64(bytes + 24, summary->last);
    bytes[32] = count;
    bytes[33] |= summary->has_base ? HAS_BASE : 0;
    bytes[33] |= summary->has_group ? HAS_GROUP : 0;
    bytes[33] |= summary->is_switch ? IS_SWITCH : 0;
    bytes[33] |= summary->keep_tail ? KEEP_TAIL : 0;
    bytes[33] |= summary->is_boot ? IS_BOOT : 0;
    if (summary->is_switch) {
        store_image(bytes + RUNS_AT, &summary->image);
        return;
    }
    if (count > CC_SUMMARY_RUNS_MAX) {
        return; /* too many to say */
    }
    for (uint8_t run = 0; run < count; run++) {
        cc_store_u64(bytes + RUNS_AT + (size_t)run * 16, summary->runs[run].first);
        cc_store_u64(bytes + RUNS_AT + (size_t)run * 16 + 8, summary->runs[run].term);
    }
}

void cc_summary_load(const uint8_t *bytes, struct cc_batch_summary *summary_out)
{
    *summary_out = (struct cc_batch_summary){
        .group = cc_load_u32(bytes),
        .vote = cc_load_u32(bytes + 4),
        .term = cc_load_u64(bytes + 8),
        .touched = cc_load_u64(bytes + 16),
        .last = cc_load_u64(bytes + 24),
        .run_count = bytes[32],
        .has_base = (bytes[33] & HAS_BASE) != 0,
        .has_group = (bytes[33] & HAS_GROUP) != 0,
        .is_switch = (bytes[33] & IS_SWITCH) != 0,
        .keep_tail = (bytes[33] & KEEP_TAIL) != 0,
        .is_boot = (bytes[33] & IS_BOOT) != 0,
    };
    if (summary_out->is_switch) {
        load_image(bytes + RUNS_AT, &summary_out->image);
        return;
    }
    for (uint8_t run = 0; run < CC_SUMMARY_RUNS_MAX; run++) {
        summary_out->runs[run].first = cc_load_u64(bytes + RUNS_AT + (size_t)run * 16);
        summary_out->runs[run].term = cc_load_u64(bytes + RUNS_AT + (size_t)run * 16 + 8);
    }
}
