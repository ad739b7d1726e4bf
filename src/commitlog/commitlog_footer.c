/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commitlog_footer -- sealing a segment, and reading what was sealed.
 */
#include "base/assert.h"
#include "base/crc32c.h"
#include "commitlog/commitlog_internal.h"
#include "wire/bytes.h"

#include <string.h>

/* A footer that can be made again from the records, since it was not whole, cannot be the only one
 * that knows what is cleaned. */
static bool is_final(const struct cc_commitlog_segment *segment)
{
    return segment->head.kind == CC_COMMITLOG_REWRITTEN;
}

/* ---- writing --------------------------------------------------------------------------------- */

struct sink {
    struct cc_commitlog *log;
    struct cc_commitlog_output *output;
    struct cc_commitlog_segment *segment;
    uint32_t crc;
    copycat_status status;
};

static void put(struct sink *sink, const void *bytes, size_t size)
{
    uint8_t *room;

    if (sink->status == COPYCAT_OK) {
        sink->status =
            cc_commitlog_output_room(sink->log, sink->output, sink->segment, size, &room);
    }
    if (sink->status == COPYCAT_OK) {
        memcpy(room, bytes, size);
        sink->crc = cc_crc32c(sink->crc, bytes, size);
        sink->output->size += size;
    }
}

static void put_pair(struct sink *sink, uint32_t low, uint32_t high)
{
    uint8_t pair[8];

    cc_store_u32(pair, low);
    cc_store_u32(pair + 4, high);
    put(sink, pair, sizeof pair);
}

static void put_tables(struct sink *sink)
{
    const struct cc_commitlog_segment *segment = sink->segment;

    for (uint32_t i = 0; i < segment->count; i++) {
        put_pair(sink, segment->slots[i].offset, segment->slots[i].position);
    }
    for (uint32_t i = 0; i < cc_commitlog_bits_size(segment->count) / 8; i++) {
        uint64_t word = segment->cleaned[i];
        uint32_t used = segment->count - i * 64;

        /* Those that were truncated away have no slot in it. */
        word = used < 64 ? word & (((uint64_t)1 << used) - 1) : word;
        put_pair(sink, (uint32_t)word, (uint32_t)(word >> 32));
    }
    for (uint32_t i = 0; i < segment->note_count; i += 2) {
        put_pair(sink, segment->notes[i], i + 1 < segment->note_count ? segment->notes[i + 1] : 0);
    }
}

copycat_status cc_commitlog_seal(
    struct cc_commitlog *log,
    struct cc_commitlog_output *output,
    struct cc_commitlog_segment *segment)
{
    struct sink sink = {.log = log, .output = output, .segment = segment};
    struct cc_commitlog_footer footer = {
        .passes = segment->passes,
        .offset = segment->end,
        .base = segment->base,
        .last = segment->last,
        .time_low_us = segment->time_low_us,
        .time_high_us = segment->time_high_us,
        .count = segment->count,
        .cleaned_count = segment->note_count,
        .records_crc = segment->records_crc};
    uint8_t bytes[CC_COMMITLOG_FOOTER_SIZE];
    uint32_t crc;

    CC_ASSERT(output->size == 0 && output->offset == segment->end && !segment->is_sealed);
    cc_commitlog_footer_encode(bytes, &footer);
    put(&sink, bytes, CC_COMMITLOG_FOOTER_SIZE);
    put_tables(&sink);
    crc = sink.crc;
    cc_commitlog_end_encode(
        bytes, segment->head.generation, output->offset + output->size, segment->end, crc);
    put(&sink, bytes, CC_COMMITLOG_END_SIZE);
    if (sink.status == COPYCAT_OK) {
        sink.status = cc_commitlog_output_drain(log, output, segment);
    }
    if (sink.status != COPYCAT_OK) {
        return sink.status;
    }
    sink.status = log->files.table->sync(log->files.context, output->file);
    if (sink.status != COPYCAT_OK) {
        return cc_commitlog_complain(
            log, sink.status, segment, log->files.table->reason(log->files.context), COPYCAT_NONE);
    }
    segment->size = output->offset;
    segment->is_sealed = true;
    segment->stored_count = segment->count;
    for (uint32_t i = 0; i < cc_commitlog_bits_size(segment->count) / 8; i++) {
        segment->is_settled[i] = is_final(segment) ? segment->cleaned[i] : 0;
    }
    return COPYCAT_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct source {
    struct cc_commitlog *log;
    struct cc_commitlog_segment *segment;
    uint64_t offset;
    uint32_t crc;
    copycat_status status;
};

/* NULL: it could not be read, or is not there; see the status. */
static const uint8_t *take(struct source *source, size_t size)
{
    const uint8_t *bytes = NULL;

    if (source->status == COPYCAT_OK) {
        source->status = cc_commitlog_window_at(
            source->log, &source->log->window, source->segment, source->offset, size,
            CC_COMMITLOG_WINDOW, &bytes);
    }
    if (source->status != COPYCAT_OK) {
        return NULL;
    }
    source->crc = cc_crc32c(source->crc, bytes, size);
    source->offset += size;
    return bytes;
}

/* The rows, for `footer->count` entries and so many notes; false: no memory. */
static bool make_rows(
    const struct cc_memory *memory,
    struct cc_commitlog_segment *segment,
    const struct cc_commitlog_footer *footer)
{
    size_t bits = cc_commitlog_bits_size(footer->count);

    if (footer->count > 0) {
        segment->slots = cc_memory_try(memory, (size_t)footer->count * sizeof *segment->slots);
        segment->cleaned = cc_memory_try(memory, bits);
        segment->is_settled = cc_memory_try(memory, bits);
        if (segment->slots == NULL || segment->cleaned == NULL || segment->is_settled == NULL) {
            return false;
        }
    }
    segment->slot_capacity = footer->count;
    return cc_commitlog_reserve(
        memory, &segment->notes, &segment->note_capacity, footer->cleaned_count,
        sizeof *segment->notes);
}

/* Entries ascend, in number and place, and lie within the records. */
static bool is_ordered(const struct cc_commitlog_segment *segment)
{
    for (uint32_t i = 0; i < segment->stored_count; i++) {
        const struct cc_commitlog_slot *slot = &segment->slots[i];

        if (slot->position < CC_COMMITLOG_HEAD_SIZE ||
            (uint64_t)slot->position + CC_COMMITLOG_RECORD_SIZE > segment->end ||
            (i > 0 && (slot->offset <= slot[-1].offset || slot->position <= slot[-1].position))) {
            return false;
        }
    }
    for (uint32_t i = 0; i < segment->note_count; i++) {
        if (segment->notes[i] < CC_COMMITLOG_HEAD_SIZE ||
            (uint64_t)segment->notes[i] + CC_COMMITLOG_RECORD_SIZE > segment->end) {
            return false;
        }
    }
    return segment->count == 0 ||
           (segment->base >= segment->head.first && segment->slots[0].offset == 0 &&
            cc_commitlog_segment_index(segment, segment->count - 1) <= segment->last);
}

static void take_tables(struct source *source, const struct cc_commitlog_footer *footer)
{
    struct cc_commitlog_segment *segment = source->segment;
    const uint8_t *bytes;

    for (uint32_t i = 0; i < footer->count && (bytes = take(source, 8)) != NULL; i++) {
        segment->slots[i] = (struct cc_commitlog_slot){cc_load_u32(bytes), cc_load_u32(bytes + 4)};
    }
    for (uint32_t i = 0;
         i < cc_commitlog_bits_size(footer->count) / 8 && (bytes = take(source, 8)) != NULL; i++) {
        segment->cleaned[i] = cc_load_u64(bytes);
        segment->is_settled[i] = is_final(segment) ? segment->cleaned[i] : 0;
    }
    for (uint32_t i = 0; i < footer->cleaned_count && (bytes = take(source, 8)) != NULL; i += 2) {
        segment->notes[i] = cc_load_u32(bytes);
        if (i + 1 < footer->cleaned_count) {
            segment->notes[i + 1] = cc_load_u32(bytes + 4);
        }
    }
}

static void count_cleaned(struct cc_commitlog_segment *segment)
{
    segment->cleaned_count = 0;
    segment->dead_bytes = 0;
    for (uint32_t i = 0; i < segment->count; i++) {
        if (cc_commitlog_bit(segment->cleaned, i)) {
            segment->cleaned_count++;
            segment->dead_bytes += cc_commitlog_segment_span(segment, i);
        }
    }
}

/* Gives back what a footer that is no good has said. */
static copycat_status refuse(struct cc_commitlog *log, struct cc_commitlog_segment *segment)
{
    cc_memory_give(log->memory, segment->slots);
    cc_memory_give(log->memory, segment->cleaned);
    cc_memory_give(log->memory, segment->is_settled);
    segment->slots = NULL;
    segment->cleaned = NULL;
    segment->is_settled = NULL;
    segment->slot_capacity = 0;
    segment->count = 0;
    segment->stored_count = 0;
    segment->note_count = 0;
    segment->cleaned_count = 0;
    segment->passes = segment->head.passes;
    segment->end = CC_COMMITLOG_HEAD_SIZE;
    segment->last = segment->head.first - 1;
    segment->base = 0;
    segment->time_low_us = UINT64_MAX;
    segment->time_high_us = 0;
    segment->records_crc = 0;
    return COPYCAT_ERR_DAMAGED;
}

static void believe(struct cc_commitlog_segment *segment, const struct cc_commitlog_footer *footer)
{
    segment->passes = footer->passes;
    segment->base = footer->base;
    segment->last = footer->last;
    segment->end = footer->offset;
    segment->time_low_us = footer->time_low_us;
    segment->time_high_us = footer->time_high_us;
    segment->records_crc = footer->records_crc;
    segment->count = footer->count;
    segment->stored_count = footer->count;
    segment->note_count = footer->cleaned_count;
}

copycat_status cc_commitlog_footer_read(
    struct cc_commitlog *log, struct cc_commitlog_segment *segment)
{
    struct source source = {.log = log, .segment = segment};
    struct cc_commitlog_footer footer;
    const uint8_t *bytes;
    uint64_t offset = 0;
    uint32_t crc = 0;
    uint64_t end = segment->size - CC_COMMITLOG_END_SIZE;

    if (segment->size < CC_COMMITLOG_HEAD_SIZE + cc_commitlog_footer_size(0, 0)) {
        return COPYCAT_ERR_DAMAGED;
    }
    source.offset = end;
    bytes = take(&source, CC_COMMITLOG_END_SIZE);
    if (bytes == NULL ||
        !cc_commitlog_end_decode(bytes, segment->head.generation, end, &offset, &crc)) {
        return source.status == COPYCAT_OK ? COPYCAT_ERR_DAMAGED : source.status;
    }
    source = (struct source){.log = log, .segment = segment, .offset = offset};
    bytes = take(&source, CC_COMMITLOG_FOOTER_SIZE);
    if (bytes == NULL || !cc_commitlog_footer_decode(bytes, &footer) || footer.offset != offset ||
        footer.last < segment->head.first - 1 ||
        offset + cc_commitlog_footer_size(footer.count, footer.cleaned_count) != segment->size) {
        return source.status == COPYCAT_OK ? COPYCAT_ERR_DAMAGED : source.status;
    }
    if (!make_rows(log->memory, segment, &footer)) {
        (void)refuse(log, segment);
        return COPYCAT_ERR_MEMORY;
    }
    take_tables(&source, &footer);
    if (source.status != COPYCAT_OK) {
        (void)refuse(log, segment);
        return source.status;
    }
    believe(segment, &footer);
    if (source.crc != crc || !is_ordered(segment)) {
        return refuse(log, segment);
    }
    count_cleaned(segment);
    segment->is_sealed = true;
    return COPYCAT_OK;
}
