/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format_record -- see format.h: what batches are made of.
 */
#include "base/bug.h"
#include "log/format.h"

#include <string.h>

uint32_t cc_record_size(uint32_t payload_size)
{
    return CC_RECORD_HEADER_SIZE + ((payload_size + 7u) & ~7u);
}

uint32_t cc_record_write(uint8_t *target, uint8_t type, copycat_bytes payload)
{
    uint32_t size = cc_record_size((uint32_t)payload.size);

    memset(target, 0, CC_RECORD_HEADER_SIZE);
    target[0] = type;
    cc_store_u32(target + 4, (uint32_t)payload.size);
    if (payload.size > 0) {
        memcpy(target + CC_RECORD_HEADER_SIZE, payload.data, payload.size);
    }
    memset(
        target + CC_RECORD_HEADER_SIZE + payload.size, 0,
        size - CC_RECORD_HEADER_SIZE - payload.size);
    return size;
}

bool cc_record_next(copycat_bytes records, size_t *at, struct cc_record *record_out)
{
    const uint8_t *bytes = (const uint8_t *)records.data + *at;
    size_t left = records.size - *at;

    if (left < CC_RECORD_HEADER_SIZE) {
        return false;
    }

    uint32_t payload_size = cc_load_u32(bytes + 4);

    if (!CC_BUG(T057) &&
        (payload_size > left - CC_RECORD_HEADER_SIZE || cc_record_size(payload_size) > left)) {
        return false;
    }
    record_out->type = bytes[0];
    record_out->payload = (copycat_bytes){bytes + CC_RECORD_HEADER_SIZE, payload_size};
    *at += cc_record_size(payload_size);
    return true;
}

static void write_image(struct cc_writer *writer, const struct cc_journal_base *image)
{
    cc_write_u64(writer, image->index);
    cc_write_u64(writer, image->term);
    cc_write_u64(writer, image->time_us);
    cc_write_u64(writer, image->size);
    cc_write_u64(writer, image->checksum);
}

static struct cc_journal_base read_image(struct cc_reader *reader)
{
    struct cc_journal_base image = {.index = cc_read_u64(reader)};

    image.term = cc_read_u64(reader);
    image.time_us = cc_read_u64(reader);
    image.size = cc_read_u64(reader);
    image.checksum = cc_read_u64(reader);
    return image;
}

/* It counts from 1, and can be counted on. */
static bool is_boot_possible(uint64_t boot)
{
    return boot > 0 && boot <= CC_BOOT_MAX;
}

void cc_table_record_encode(struct cc_writer *writer, const struct cc_journal_table *table)
{
    cc_write_u32(writer, table->server);
    cc_write_u64(writer, table->boot);
    cc_write_raw(writer, table->incarnation, CC_INCARNATION_SIZE);
    cc_write_u32(writer, table->prev_life);
    cc_write_u32(writer, table->prev_batches);
    cc_write_u32(writer, table->blocks);
    cc_write_u8(writer, table->has_base);
    cc_write_u8(writer, (uint8_t)table->group_count);
    for (uint32_t i = 0; i < table->group_count; i++) {
        const struct cc_journal_group *group = &table->groups[i];

        cc_write_u32(writer, group->group);
        cc_write_u64(writer, group->term);
        cc_write_u32(writer, group->vote);
        cc_write_u64(writer, group->first);
        cc_write_u64(writer, group->last);
        write_image(writer, &group->base);
    }
    if (table->has_base) {
        cc_base_encode(writer, &table->base);
    }
}

bool cc_table_record_decode(copycat_bytes payload, struct cc_journal_table *table_out)
{
    struct cc_reader reader;

    *table_out = (struct cc_journal_table){0};
    cc_reader_init(&reader, payload.data, payload.size);
    table_out->server = cc_read_u32(&reader);
    table_out->boot = cc_read_u64(&reader);

    const void *incarnation = cc_read_raw(&reader, CC_INCARNATION_SIZE);

    table_out->prev_life = cc_read_u32(&reader);
    table_out->prev_batches = cc_read_u32(&reader);
    table_out->blocks = cc_read_u32(&reader);
    table_out->has_base = cc_read_u8(&reader) == 1;
    table_out->group_count = cc_read_u8(&reader);
    if (reader.failed || table_out->group_count > CC_JOURNAL_GROUPS_MAX ||
        !is_boot_possible(table_out->boot)) {
        return false;
    }
    memcpy(table_out->incarnation, incarnation, CC_INCARNATION_SIZE);
    for (uint32_t i = 0; i < table_out->group_count; i++) {
        struct cc_journal_group *group = &table_out->groups[i];

        group->group = cc_read_u32(&reader);
        group->term = cc_read_u64(&reader);
        group->vote = cc_read_u32(&reader);
        group->first = cc_read_u64(&reader);
        group->last = cc_read_u64(&reader);
        group->base = read_image(&reader);
        if (group->first == 0 || group->first > group->last + 1 || group->last > CC_INDEX_MAX ||
            !(group->base.index == 0 || cc_journal_base_is_possible(&group->base)) ||
            group->base.index > group->last) {
            return false;
        }
    }

    size_t left = cc_reader_left(&reader);

    if (table_out->has_base) {
        return cc_base_decode((copycat_bytes){cc_read_raw(&reader, left), left}, &table_out->base);
    }
    return cc_reader_is_done(&reader);
}

void cc_truncate_record_encode(struct cc_writer *writer, const struct cc_truncate_record *record)
{
    cc_write_u32(writer, record->group);
    cc_write_u64(writer, record->from);
}

bool cc_truncate_record_decode(copycat_bytes payload, struct cc_truncate_record *record_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, payload.data, payload.size);
    record_out->group = cc_read_u32(&reader);
    record_out->from = cc_read_u64(&reader);
    return cc_reader_is_done(&reader) && record_out->from > 0 && record_out->from <= CC_INDEX_MAX;
}

void cc_switch_record_encode(struct cc_writer *writer, const struct cc_switch_record *record)
{
    cc_write_u32(writer, record->group);
    write_image(writer, &record->image);
    cc_write_u8(writer, record->keep_tail);
}

bool cc_switch_record_decode(copycat_bytes payload, struct cc_switch_record *record_out)
{
    struct cc_reader reader;
    uint8_t keep_tail;

    cc_reader_init(&reader, payload.data, payload.size);
    record_out->group = cc_read_u32(&reader);
    record_out->image = read_image(&reader);
    keep_tail = cc_read_u8(&reader);
    record_out->keep_tail = keep_tail == 1;
    return cc_reader_is_done(&reader) && keep_tail <= 1 &&
           cc_journal_base_is_possible(&record_out->image);
}

void cc_state_record_encode(struct cc_writer *writer, const struct cc_state_record *record)
{
    cc_write_u32(writer, record->group);
    cc_write_u32(writer, record->vote);
    cc_write_u64(writer, record->term);
}

bool cc_state_record_decode(copycat_bytes payload, struct cc_state_record *record_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, payload.data, payload.size);
    record_out->group = cc_read_u32(&reader);
    record_out->vote = cc_read_u32(&reader);
    record_out->term = cc_read_u64(&reader);
    return cc_reader_is_done(&reader) && record_out->term <= CC_TERM_MAX;
}

void cc_boot_record_encode(struct cc_writer *writer, uint64_t boot)
{
    cc_write_u64(writer, boot);
}

bool cc_boot_record_decode(copycat_bytes payload, uint64_t *boot_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, payload.data, payload.size);
    *boot_out = cc_read_u64(&reader);
    return cc_reader_is_done(&reader) && is_boot_possible(*boot_out);
}

/* The founding base is the one for index 0: no image, and the tail, which is empty, is kept. */
void cc_base_record_encode(struct cc_writer *writer, const struct cc_base *base)
{
    cc_write_u32(writer, 0); /* group */
    cc_write_u64(writer, 0); /* index H */
    cc_write_u64(writer, 0); /* its term */
    cc_write_u64(writer, 0); /* image */
    cc_write_u8(writer, 1);  /* keep the tail */
    cc_base_encode(writer, base);
}

bool cc_base_record_decode(copycat_bytes payload, struct cc_base *base_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, payload.data, payload.size);

    bool is_founding = cc_read_u32(&reader) == 0 && cc_read_u64(&reader) == 0 &&
                       cc_read_u64(&reader) == 0 && cc_read_u64(&reader) == 0 &&
                       cc_read_u8(&reader) == 1;
    size_t left = cc_reader_left(&reader);

    return is_founding && !reader.failed &&
           cc_base_decode((copycat_bytes){cc_read_raw(&reader, left), left}, base_out);
}
