/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commitlog_segment -- what is known of a segment: where its entries are, and which are cleaned.
 */
#include "base/assert.h"
#include "commitlog/commitlog_internal.h"

struct cc_commitlog_segment *cc_commitlog_segment_create(
    const struct cc_memory *memory, const struct cc_commitlog_head *head)
{
    struct cc_commitlog_segment *segment = cc_memory_try(memory, sizeof *segment);

    if (segment != NULL) {
        segment->head = *head;
        segment->passes = head->passes;
        segment->last = head->first - 1;
        segment->time_low_us = UINT64_MAX;
    }
    return segment;
}

void cc_commitlog_segment_shut(struct cc_commitlog *log, struct cc_commitlog_segment *segment)
{
    if (segment->file != NULL) {
        log->files.table->close(log->files.context, segment->file);
        segment->file = NULL;
    }
}

void cc_commitlog_segment_destroy(struct cc_commitlog *log, struct cc_commitlog_segment *segment)
{
    if (segment == NULL) {
        return;
    }
    cc_commitlog_segment_shut(log, segment);
    if (log->window.segment == segment) {
        log->window.segment = NULL;
    }
    if (log->job.window.segment == segment) {
        log->job.window.segment = NULL;
    }
    cc_memory_give(log->memory, segment->slots);
    cc_memory_give(log->memory, segment->cleaned);
    cc_memory_give(log->memory, segment->is_settled);
    cc_memory_give(log->memory, segment->notes);
    cc_memory_give(log->memory, segment);
}

/* The last one and the one that is being written stay open. */
static void shut_oldest(struct cc_commitlog *log)
{
    struct cc_commitlog_segment *oldest = NULL;
    uint32_t count = 0;

    for (uint32_t i = 0; i + 1 < log->segment_count; i++) {
        struct cc_commitlog_segment *segment = log->segments[i];

        if (segment->file == NULL) {
            continue;
        }
        count++;
        if (oldest == NULL || segment->used_at < oldest->used_at) {
            oldest = segment;
        }
    }
    if (count >= CC_COMMITLOG_OPEN_MAX) {
        cc_commitlog_segment_shut(log, oldest);
    }
}

copycat_status cc_commitlog_segment_file(
    struct cc_commitlog *log, struct cc_commitlog_segment *segment)
{
    char name[CC_COMMITLOG_NAME_SIZE];
    uint64_t size;
    copycat_status status;

    segment->used_at = ++log->uses;
    if (segment->file != NULL) {
        return COPYCAT_OK;
    }
    shut_oldest(log);
    cc_commitlog_name(name, segment->head.first, segment->head.generation);
    status = log->files.table->open(log->files.context, name, false, &segment->file, &size);
    if (status == COPYCAT_ERR_INVALID) {
        return cc_commitlog_complain(
            log, COPYCAT_ERR_DAMAGED, segment, "the file is gone", COPYCAT_NONE);
    }
    if (status != COPYCAT_OK) {
        segment->file = NULL;
        return cc_commitlog_complain(
            log, status, segment, log->files.table->reason(log->files.context), COPYCAT_NONE);
    }
    segment->size = segment->size == 0 ? size : segment->size;
    return COPYCAT_OK;
}

/* Both rows of bits have a word for each 64 slots. */
static bool reserve_bits(
    const struct cc_memory *memory, uint64_t **bits, uint32_t old_count, uint32_t new_count)
{
    uint32_t old_words = (old_count + 63) / 64;
    uint32_t new_words = (new_count + 63) / 64;
    uint64_t *grown = memory->resize(memory->context, *bits, new_words * sizeof **bits);

    if (grown == NULL) {
        return false;
    }
    for (uint32_t i = old_words; i < new_words; i++) {
        grown[i] = 0;
    }
    *bits = grown;
    return true;
}

bool cc_commitlog_segment_reserve(
    const struct cc_memory *memory, struct cc_commitlog_segment *segment)
{
    uint32_t capacity = segment->slot_capacity;
    struct cc_commitlog_slot *grown;

    if (segment->stored_count < capacity) {
        return true;
    }
    capacity = capacity == 0 ? 64 : capacity * 2;
    if (!reserve_bits(memory, &segment->cleaned, segment->slot_capacity, capacity) ||
        !reserve_bits(memory, &segment->is_settled, segment->slot_capacity, capacity)) {
        return false;
    }
    grown = memory->resize(memory->context, segment->slots, capacity * sizeof *segment->slots);
    if (grown == NULL) {
        return false;
    }
    segment->slots = grown;
    segment->slot_capacity = capacity;
    return true;
}

bool cc_commitlog_segment_reserve_note(
    const struct cc_memory *memory, struct cc_commitlog_segment *segment)
{
    return cc_commitlog_reserve(
        memory, &segment->notes, &segment->note_capacity, (uint64_t)segment->note_count + 1,
        sizeof *segment->notes);
}

void cc_commitlog_segment_add(
    struct cc_commitlog_segment *segment, uint64_t index, uint64_t position, uint64_t time_us)
{
    CC_ASSERT(segment->stored_count < segment->slot_capacity);
    CC_ASSERT(segment->count == segment->stored_count && index > segment->last);
    if (segment->count == 0) {
        segment->base = index;
    }
    CC_ASSERT(index - segment->base <= UINT32_MAX && position <= UINT32_MAX);
    segment->slots[segment->count] =
        (struct cc_commitlog_slot){(uint32_t)(index - segment->base), (uint32_t)position};
    segment->count++;
    segment->stored_count++;
    segment->last = index;
    if (time_us < segment->time_low_us) {
        segment->time_low_us = time_us;
    }
    if (time_us > segment->time_high_us) {
        segment->time_high_us = time_us;
    }
}

uint64_t cc_commitlog_segment_index(const struct cc_commitlog_segment *segment, uint32_t slot)
{
    CC_ASSERT(slot < segment->stored_count);
    return segment->base + segment->slots[slot].offset;
}

uint32_t cc_commitlog_segment_find(const struct cc_commitlog_segment *segment, uint64_t index)
{
    uint32_t low = 0;
    uint32_t high = segment->count;
    uint64_t offset;

    if (segment->count == 0 || index <= segment->base) {
        return 0;
    }
    offset = index - segment->base;

    /* Where nothing is missing the index says the slot. */
    if (offset < segment->count && segment->slots[offset].offset == offset) {
        return (uint32_t)offset;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (segment->slots[middle].offset < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool cc_commitlog_segment_has(const struct cc_commitlog_segment *segment, uint64_t index)
{
    uint32_t slot = cc_commitlog_segment_find(segment, index);

    return slot < segment->count && cc_commitlog_segment_index(segment, slot) == index &&
           !cc_commitlog_bit(segment->cleaned, slot);
}

uint64_t cc_commitlog_segment_span(const struct cc_commitlog_segment *segment, uint32_t slot)
{
    uint64_t next =
        slot + 1 < segment->stored_count ? segment->slots[slot + 1].position : segment->end;

    return next - segment->slots[slot].position;
}

void cc_commitlog_segment_clean(struct cc_commitlog_segment *segment, uint32_t slot)
{
    CC_ASSERT(slot < segment->count && !cc_commitlog_bit(segment->cleaned, slot));
    cc_commitlog_bit_set(segment->cleaned, slot);
    segment->cleaned_count++;
    segment->dead_bytes += cc_commitlog_segment_span(segment, slot);
}

void cc_commitlog_segment_cut(struct cc_commitlog_segment *segment, uint64_t last)
{
    while (segment->count > 0 && cc_commitlog_segment_index(segment, segment->count - 1) > last) {
        segment->count--;
        if (cc_commitlog_bit(segment->cleaned, segment->count)) {
            segment->cleaned_count--;
        } else {
            segment->dead_bytes += cc_commitlog_segment_span(segment, segment->count);
        }
    }
    segment->last = last;
}

uint32_t cc_commitlog_segment_of(const struct cc_commitlog *log, uint64_t index)
{
    uint32_t low = 0;
    uint32_t high = log->segment_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (log->segments[middle]->last < index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < log->segment_count && log->segments[low]->head.first > index) {
        return log->segment_count;
    }
    return low;
}
