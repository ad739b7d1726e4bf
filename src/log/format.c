/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format -- see format.h.
 */
#include "log/format.h"

#include "base/assert.h"
#include "base/bug.h"
#include "base/crc32c.h"

#include <string.h>

#define SECTORS_PER_BLOCK (CC_DISK_BLOCK / CC_DISK_SECTOR)
#define CHECKED_FROM 12u
#define LIFE_MASK 0xa5c3963cu
#define NUMBER_MASK 0x5a3c69c3u

uint32_t cc_batch_records_at(uint32_t blocks)
{
    return CC_BATCH_HEADER_SIZE + blocks * SECTORS_PER_BLOCK * CC_STAMP_SIZE;
}

uint32_t cc_batch_blocks(uint32_t records_size)
{
    uint32_t blocks = 1 + records_size / CC_DISK_BLOCK;

    while (cc_batch_records_at(blocks) + records_size > blocks * CC_DISK_BLOCK) {
        blocks++;
    }
    return blocks;
}

static uint8_t *stamp_of(uint8_t *batch, uint32_t sector)
{
    return batch + ((size_t)sector + 1) * CC_DISK_SECTOR - CC_STAMP_SIZE;
}

bool cc_batch_stamps_sector(const uint8_t *sector, uint32_t life, uint32_t number)
{
    const uint8_t *stamp = sector + CC_DISK_SECTOR - CC_STAMP_SIZE;

    return cc_load_u32(stamp) == (life ^ LIFE_MASK) &&
           cc_load_u32(stamp + 4) == (number ^ NUMBER_MASK);
}

static uint32_t stamped_life(const uint8_t *sector)
{
    return cc_load_u32(sector + CC_DISK_SECTOR - CC_STAMP_SIZE) ^ LIFE_MASK;
}

static uint8_t *slot_of(uint8_t *batch, uint32_t sector)
{
    return batch + CC_BATCH_HEADER_SIZE + (size_t)sector * CC_STAMP_SIZE;
}

/* ---- summaries ----------------------------------------------------------------------------------
 */

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
static bool is_image_possible(const struct cc_journal_base *image)
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
    if (!summary->has_group) {
        return last == 0 && summary->last == 0 && summary->touched == 0;
    }
    if (summary->group != 0 || summary->run_count > CC_SUMMARY_RUNS_MAX) {
        return false;
    }
    if (summary->is_switch) {
        return summary->touched == 0 && summary->run_count == 0 && !summary->has_base &&
               is_image_possible(&summary->image) && summary->image.index <= summary->last &&
               summary->last == (summary->keep_tail ? last : summary->image.index);
    }
    return summary->touched == 0
               ? summary->last == last && summary->run_count == 0
               : summary->touched <= last + 1 && summary->last + 1 >= summary->touched &&
                     summary->last <= CC_INDEX_MAX && are_runs_whole(summary);
}

#define SUMMARY_SIZE 104u
#define SUMMARY_AT 56u
#define PREVIOUS_AT (SUMMARY_AT + SUMMARY_SIZE)
#define RUNS_AT 40u
#define HAS_BASE 1u
#define HAS_GROUP 2u
#define IS_SWITCH 4u
#define KEEP_TAIL 8u

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
static void store_summary(uint8_t *bytes, const struct cc_batch_summary *summary)
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

static void load_summary(const uint8_t *bytes, struct cc_batch_summary *summary_out)
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

/* ---- batches ------------------------------------------------------------------------------------
 */

void cc_batch_seal(uint8_t *batch, struct cc_batch_header *header)
{
    uint32_t sectors = header->blocks * SECTORS_PER_BLOCK;

    header->records_crc =
        cc_crc32c(0, batch + cc_batch_records_at(header->blocks), header->records_size);
    memset(batch, 0, CC_BATCH_HEADER_SIZE);
    cc_store_u32(batch, CC_BATCH_MAGIC);
    cc_store_u16(batch + 4, CC_JOURNAL_VERSION);
    cc_store_u32(batch + 12, header->life);
    cc_store_u32(batch + 16, header->number);
    cc_store_u32(batch + 20, header->blocks);
    cc_store_u32(batch + 24, header->records_size);
    cc_store_u32(batch + 28, header->records_crc);
    cc_store_u64(batch + 32, header->tag);
    cc_store_u32(batch + 40, header->durable_life);
    cc_store_u32(batch + 44, header->durable_number);
    cc_store_u32(batch + 48, header->previous_blocks);
    store_summary(batch + SUMMARY_AT, &header->summary);
    store_summary(batch + PREVIOUS_AT, &header->previous);
    cc_store_u32(
        batch + 8, cc_crc32c(0, batch + CHECKED_FROM, CC_BATCH_HEADER_SIZE - CHECKED_FROM));
    for (uint32_t sector = sectors; sector-- > 0;) {
        memcpy(slot_of(batch, sector), stamp_of(batch, sector), CC_STAMP_SIZE);
        cc_store_u32(stamp_of(batch, sector), header->life ^ LIFE_MASK);
        cc_store_u32(stamp_of(batch, sector) + 4, header->number ^ NUMBER_MASK);
    }
}

enum cc_header_verdict cc_batch_read_header(
    const uint8_t *batch, struct cc_batch_header *header_out)
{
    if (cc_load_u32(batch) != CC_BATCH_MAGIC) {
        return CC_HEADER_BAD;
    }
    if (cc_load_u16(batch + 4) > CC_JOURNAL_VERSION) {
        return CC_HEADER_NEWER;
    }
    if (cc_load_u16(batch + 4) != CC_JOURNAL_VERSION || cc_load_u16(batch + 6) != 0 ||
        cc_load_u32(batch + 8) !=
            cc_crc32c(0, batch + CHECKED_FROM, CC_BATCH_HEADER_SIZE - CHECKED_FROM)) {
        return CC_HEADER_BAD;
    }
    *header_out = (struct cc_batch_header){
        .life = cc_load_u32(batch + 12),
        .number = cc_load_u32(batch + 16),
        .blocks = cc_load_u32(batch + 20),
        .records_size = cc_load_u32(batch + 24),
        .records_crc = cc_load_u32(batch + 28),
        .tag = cc_load_u64(batch + 32),
        .durable_life = cc_load_u32(batch + 40),
        .durable_number = cc_load_u32(batch + 44),
        .previous_blocks = cc_load_u32(batch + 48),
    };
    load_summary(batch + SUMMARY_AT, &header_out->summary);
    load_summary(batch + PREVIOUS_AT, &header_out->previous);
    return header_out->life > 0 && header_out->blocks > 0 &&
                   header_out->records_size <= UINT32_MAX / 2 &&
                   header_out->blocks == cc_batch_blocks(header_out->records_size)
               ? CC_HEADER_VALID
               : CC_HEADER_BAD;
}

bool cc_batch_restore(uint8_t *batch, const struct cc_batch_header *header)
{
    uint32_t sectors = header->blocks * SECTORS_PER_BLOCK;

    for (uint32_t sector = 0; sector < sectors; sector++) {
        if (!cc_batch_stamps_sector(
                batch + (size_t)sector * CC_DISK_SECTOR, header->life, header->number)) {
            return false;
        }
    }
    for (uint32_t sector = 0; sector < sectors; sector++) {
        memcpy(stamp_of(batch, sector), slot_of(batch, sector), CC_STAMP_SIZE);
    }
    return header->records_crc ==
           cc_crc32c(0, batch + cc_batch_records_at(header->blocks), header->records_size);
}

bool cc_batch_is_zero(const uint8_t *bytes, size_t size)
{
    /* Each byte equals the one before it; libc compares many at once, and recovery asks this of
     * every sector behind the last batch. */
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

void cc_remains_begin(
    struct cc_remains_judge *judge,
    uint64_t size,
    uint32_t life,
    uint32_t number,
    const struct cc_batch_header *header)
{
    *judge = (struct cc_remains_judge){
        .life = life, .number = number, .size = size, .has_header = header != NULL};
    judge->extent = header != NULL ? (uint64_t)header->blocks * CC_DISK_BLOCK : 0;
    judge->is_wrong = judge->extent > size; /* batches are begun only where they fit */
}

/* Boyer and Moore's vote: what leads by so much is the life of most. */
static void count_life(struct cc_remains_judge *judge, uint32_t life)
{
    judge->written++;
    if (judge->lead == 0) {
        judge->common = life;
    }
    if (life == judge->common) {
        judge->lead++;
    } else {
        judge->lead--;
    }
}

/* A batch stamps each of its sectors. */
static bool is_unstamped(const uint8_t *sector)
{
    return cc_batch_is_zero(sector + CC_DISK_SECTOR - CC_STAMP_SIZE, CC_STAMP_SIZE);
}

/* Zeros that have changed: where no batch has written a sector of the block, nothing was lost with them,
 * and nobody should have to come for that. */
static void take_rot(struct cc_remains_judge *judge)
{
    judge->rot_block = judge->at / CC_DISK_BLOCK + 1;
    judge->is_wrong = judge->is_wrong || judge->rot_block == judge->written_block ||
                      (judge->has_header && judge->at < judge->extent);
}

static void take_sector(struct cc_remains_judge *judge, const uint8_t *sector)
{
    if (is_unstamped(sector)) {
        if (!cc_batch_is_zero(sector, CC_DISK_SECTOR)) {
            take_rot(judge);
        }
        judge->holes += judge->at < judge->extent;
        judge->unknown++;
        return;
    }
    if (judge->life == 0) {
        judge->life = stamped_life(sector);
    }
    count_life(judge, stamped_life(sector));
    judge->written_block = judge->at / CC_DISK_BLOCK + 1;
    if (judge->rot_block == judge->written_block ||
        !cc_batch_stamps_sector(sector, judge->life, judge->number) ||
        (judge->has_header && judge->at >= judge->extent)) {
        judge->is_wrong = true; /* of a later batch, for which this one must have been whole */
    }
    if (!judge->has_header) {
        judge->holes += judge->unknown;
        judge->extent = judge->at + CC_DISK_SECTOR;
    }
    judge->unknown = 0;
}

void cc_remains_take(struct cc_remains_judge *judge, const uint8_t *bytes, size_t size)
{
    CC_ASSERT(size <= judge->size - judge->at);
    for (size_t at = 0; at < size; at += CC_DISK_SECTOR) {
        take_sector(judge, bytes + at);
        judge->at += CC_DISK_SECTOR;
    }
}

enum cc_remains cc_remains_verdict(const struct cc_remains_judge *judge)
{
    CC_ASSERT(judge->at == judge->size);
    if (judge->is_wrong) {
        return CC_REMAINS_WRONG;
    }
    if (judge->extent == 0) {
        return CC_REMAINS_NONE;
    }
    /* Batches end with a block: with an unknown end, the rest of its last block is missing too. */
    return judge->holes > 0 || judge->extent % CC_DISK_BLOCK != 0 ? CC_REMAINS_INCOMPLETE
                                                                  : CC_REMAINS_WRONG;
}

uint32_t cc_remains_life(const struct cc_remains_judge *judge)
{
    return judge->lead > judge->written / 2 ? judge->common : 0;
}

/* ---- records ------------------------------------------------------------------------------------
 */

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
    if (reader.failed || table_out->group_count > CC_JOURNAL_GROUPS_MAX) {
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
            !(group->base.index == 0 || is_image_possible(&group->base)) ||
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
    return cc_reader_is_done(&reader) && keep_tail <= 1 && is_image_possible(&record_out->image);
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
