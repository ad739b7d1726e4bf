/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format -- see format.h: batches and their stamps, and what is left of one.
 */
#include "log/format.h"

#include "base/assert.h"
#include "base/crc32c.h"

#include <string.h>

#define SECTORS_PER_BLOCK (CC_DISK_BLOCK / CC_DISK_SECTOR)
#define CHECKED_FROM 12u
#define LIFE_MASK 0xa5c3963cu
#define NUMBER_MASK 0x5a3c69c3u
#define SUMMARY_SIZE 104u
#define SUMMARY_AT 56u
#define PREVIOUS_AT (SUMMARY_AT + SUMMARY_SIZE)

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
    cc_summary_store(batch + SUMMARY_AT, &header->summary);
    cc_summary_store(batch + PREVIOUS_AT, &header->previous);
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
    cc_summary_load(batch + SUMMARY_AT, &header_out->summary);
    cc_summary_load(batch + PREVIOUS_AT, &header_out->previous);
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
