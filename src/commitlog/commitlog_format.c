/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commitlog_format -- see commitlog_format.h.
 */
#include "commitlog/commitlog_format.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "wire/bytes.h"

#include <string.h>

#define HEAD_MAGIC 0x484c4343u   /* "CCLH" */
#define RECORD_MAGIC 0x524c4343u /* "CCLR" */
#define FOOTER_MAGIC 0x464c4343u /* "CCLF" */
#define END_MAGIC 0x454c4343u    /* "CCLE" */
#define DIGITS 20u
#define PREFIX "segment-"
#define PREFIX_SIZE (sizeof PREFIX - 1)

/* ---- head ------------------------------------------------------------------------------------ */

void cc_commitlog_head_encode(uint8_t *sector, const struct cc_commitlog_head *head)
{
    memset(sector, 0, CC_COMMITLOG_HEAD_SIZE);
    cc_store_u32(sector, HEAD_MAGIC);
    cc_store_u16(sector + 8, CC_COMMITLOG_VERSION);
    sector[10] = (uint8_t)head->kind;
    sector[11] = head->passes;
    cc_store_u64(sector + 16, head->generation);
    cc_store_u64(sector + 24, head->first);
    cc_store_u64(sector + 32, head->floor);
    cc_store_u64(sector + 40, head->previous_generation);
    cc_store_u64(sector + 48, head->previous_end);
    cc_store_u64(sector + 56, head->given_end);
    cc_store_u32(sector + 4, cc_crc32c(0, sector + 8, CC_COMMITLOG_HEAD_SIZE - 8));
}

copycat_status cc_commitlog_head_decode(const uint8_t *sector, struct cc_commitlog_head *head_out)
{
    if (cc_load_u32(sector) != HEAD_MAGIC ||
        cc_load_u32(sector + 4) != cc_crc32c(0, sector + 8, CC_COMMITLOG_HEAD_SIZE - 8)) {
        return COPYCAT_ERR_DAMAGED;
    }
    if (cc_load_u16(sector + 8) != CC_COMMITLOG_VERSION) {
        return COPYCAT_ERR_NEWER;
    }
    if (sector[10] != CC_COMMITLOG_APPENDED && sector[10] != CC_COMMITLOG_REWRITTEN) {
        return COPYCAT_ERR_DAMAGED;
    }
    *head_out = (struct cc_commitlog_head){
        .kind = (enum cc_commitlog_kind)sector[10],
        .passes = sector[11],
        .generation = cc_load_u64(sector + 16),
        .first = cc_load_u64(sector + 24),
        .floor = cc_load_u64(sector + 32),
        .previous_generation = cc_load_u64(sector + 40),
        .previous_end = cc_load_u64(sector + 48),
        .given_end = cc_load_u64(sector + 56)};
    return head_out->first == 0 || head_out->generation == 0 || head_out->given_end % 8 != 0
               ? COPYCAT_ERR_DAMAGED
               : COPYCAT_OK;
}

/* ---- records --------------------------------------------------------------------------------- */

static uint64_t body_size(const struct cc_commitlog_record *record)
{
    return (uint64_t)record->key_size + record->size;
}

uint64_t cc_commitlog_record_size(const struct cc_commitlog_record *record)
{
    return CC_COMMITLOG_RECORD_SIZE + (body_size(record) + 7) / 8 * 8;
}

/* What lies in another file, or elsewhere in this one, is not what was written here (T-058, T-059). */
static uint32_t place_crc(uint64_t generation, uint64_t offset)
{
    uint8_t place[16];

    cc_store_u64(place, generation);
    cc_store_u64(place + 8, offset);
    return cc_crc32c(0, place, sizeof place);
}

/* Is there a run of CC_COMMITLOG_RUN_MAX bytes of this value?  It would meet one of the samples. */
static bool has_run(copycat_bytes bytes, uint8_t value)
{
    const uint8_t *data = bytes.data;
    size_t half = CC_COMMITLOG_RUN_MAX / 2;

    for (size_t at = half - 1; at < bytes.size; at += half) {
        size_t low = at;
        size_t high = at;

        while (high - low < CC_COMMITLOG_RUN_MAX && data[low] == value && low > 0 &&
               data[low - 1] == value) {
            low--;
        }
        while (data[at] == value && high - low < CC_COMMITLOG_RUN_MAX && high + 1 < bytes.size &&
               data[high + 1] == value) {
            high++;
        }
        if (data[at] == value && high - low + 1 >= CC_COMMITLOG_RUN_MAX) {
            return true;
        }
    }
    return false;
}

/* At most 15 zeros end a header, 191 key, 191 bytes and 7 the body: less than a sector. */
uint8_t cc_commitlog_mask(copycat_bytes key, copycat_bytes bytes)
{
    for (uint32_t mask = 0; mask < 256; mask++) {
        if (!has_run(key, (uint8_t)mask) && !has_run(bytes, (uint8_t)mask)) {
            return (uint8_t)mask;
        }
    }
    return 0; /* somebody has taken great pains; a torn end may then be taken for damage or back */
}

static void mask_into(uint8_t *target, uint8_t mask, copycat_bytes bytes)
{
    const uint8_t *source = bytes.data;

    if (bytes.size == 0) {
        return;
    }
    if (mask == 0) {
        memmove(target, source, bytes.size);
        return;
    }
    for (size_t i = 0; i < bytes.size; i++) {
        target[i] = source[i] ^ mask;
    }
}

void cc_commitlog_body_encode(uint8_t *target, uint8_t mask, copycat_bytes key, copycat_bytes bytes)
{
    mask_into(target, mask, key);
    mask_into(target + key.size, mask, bytes);
}

void cc_commitlog_record_encode(
    uint8_t *target, const struct cc_commitlog_record *record, uint64_t generation, uint64_t offset)
{
    cc_store_u32(target, RECORD_MAGIC);
    target[8] = (uint8_t)record->kind;
    target[9] = record->mask;
    cc_store_u16(target + 10, record->key_size);
    cc_store_u32(target + 12, record->type);
    cc_store_u32(target + 16, record->size);
    cc_store_u32(target + 20, record->body_crc);
    cc_store_u64(target + 24, record->index);
    cc_store_u64(target + 32, record->time_us);
    cc_store_u32(
        target + 4,
        cc_crc32c(place_crc(generation, offset), target + 8, CC_COMMITLOG_RECORD_SIZE - 8));
}

bool cc_commitlog_record_decode(
    const uint8_t *source,
    uint64_t generation,
    uint64_t offset,
    struct cc_commitlog_record *record_out)
{
    if (cc_load_u32(source) != RECORD_MAGIC ||
        cc_load_u32(source + 4) !=
            cc_crc32c(place_crc(generation, offset), source + 8, CC_COMMITLOG_RECORD_SIZE - 8) ||
        source[8] < CC_COMMITLOG_ENTRY || source[8] > CC_COMMITLOG_MARK) {
        return false;
    }
    *record_out = (struct cc_commitlog_record){
        .kind = (enum cc_commitlog_record_kind)source[8],
        .mask = source[9],
        .key_size = cc_load_u16(source + 10),
        .type = cc_load_u32(source + 12),
        .size = cc_load_u32(source + 16),
        .body_crc = cc_load_u32(source + 20),
        .index = cc_load_u64(source + 24),
        .time_us = cc_load_u64(source + 32)};
    return true;
}

bool cc_commitlog_body_is_whole(const uint8_t *source, const struct cc_commitlog_record *record)
{
    const uint8_t *body = source + CC_COMMITLOG_RECORD_SIZE;
    uint64_t size = body_size(record);
    uint64_t whole = cc_commitlog_record_size(record) - CC_COMMITLOG_RECORD_SIZE;

    for (uint64_t i = size; i < whole; i++) {
        if (body[i] != 0) {
            return false;
        }
    }
    return cc_crc32c(0, body, (size_t)size) == record->body_crc;
}

/* ---- footer ---------------------------------------------------------------------------------- */

size_t cc_commitlog_bits_size(uint32_t count)
{
    return ((size_t)count + 63) / 64 * 8;
}

uint64_t cc_commitlog_footer_size(uint32_t count, uint32_t cleaned_count)
{
    return CC_COMMITLOG_FOOTER_SIZE + 8 * (uint64_t)count + cc_commitlog_bits_size(count) +
           ((uint64_t)cleaned_count + 1) / 2 * 8 + CC_COMMITLOG_END_SIZE;
}

void cc_commitlog_footer_encode(uint8_t *target, const struct cc_commitlog_footer *footer)
{
    memset(target, 0, CC_COMMITLOG_FOOTER_SIZE);
    cc_store_u32(target, FOOTER_MAGIC);
    target[4] = footer->passes;
    cc_store_u64(target + 8, footer->offset);
    cc_store_u64(target + 24, footer->base);
    cc_store_u64(target + 32, footer->last);
    cc_store_u64(target + 40, footer->time_low_us);
    cc_store_u64(target + 48, footer->time_high_us);
    cc_store_u32(target + 56, footer->count);
    cc_store_u32(target + 60, footer->cleaned_count);
    cc_store_u32(target + 64, footer->records_crc);
}

bool cc_commitlog_footer_decode(const uint8_t *source, struct cc_commitlog_footer *footer_out)
{
    *footer_out = (struct cc_commitlog_footer){
        .passes = source[4],
        .offset = cc_load_u64(source + 8),
        .base = cc_load_u64(source + 24),
        .last = cc_load_u64(source + 32),
        .time_low_us = cc_load_u64(source + 40),
        .time_high_us = cc_load_u64(source + 48),
        .count = cc_load_u32(source + 56),
        .cleaned_count = cc_load_u32(source + 60),
        .records_crc = cc_load_u32(source + 64)};
    return cc_load_u32(source) == FOOTER_MAGIC;
}

void cc_commitlog_end_encode(
    uint8_t *target, uint64_t generation, uint64_t offset, uint64_t footer, uint32_t crc)
{
    cc_store_u32(target, END_MAGIC);
    cc_store_u64(target + 8, footer);
    cc_store_u32(target + 16, crc);
    cc_store_u32(target + 20, 0);
    cc_store_u32(
        target + 4,
        cc_crc32c(place_crc(generation, offset), target + 8, CC_COMMITLOG_END_SIZE - 8));
}

bool cc_commitlog_end_decode(
    const uint8_t *source,
    uint64_t generation,
    uint64_t offset,
    uint64_t *footer_out,
    uint32_t *crc_out)
{
    *footer_out = cc_load_u64(source + 8);
    *crc_out = cc_load_u32(source + 16);
    return cc_load_u32(source) == END_MAGIC &&
           cc_load_u32(source + 4) ==
               cc_crc32c(place_crc(generation, offset), source + 8, CC_COMMITLOG_END_SIZE - 8) &&
           *footer_out >= CC_COMMITLOG_HEAD_SIZE && *footer_out < offset;
}

/* ---- names ----------------------------------------------------------------------------------- */

static void print_digits(char *target, uint64_t number)
{
    for (uint32_t i = DIGITS; i > 0; i--) {
        target[i - 1] = (char)('0' + number % 10);
        number /= 10;
    }
}

void cc_commitlog_name(char name_out[CC_COMMITLOG_NAME_SIZE], uint64_t first, uint64_t generation)
{
    CC_STATIC_ASSERT(PREFIX_SIZE + 2 * DIGITS + 2 == CC_COMMITLOG_NAME_SIZE, "with its end");
    memcpy(name_out, PREFIX, PREFIX_SIZE);
    print_digits(name_out + PREFIX_SIZE, first);
    name_out[PREFIX_SIZE + DIGITS] = '-';
    print_digits(name_out + PREFIX_SIZE + DIGITS + 1, generation);
    name_out[CC_COMMITLOG_NAME_SIZE - 1] = '\0';
}

static bool read_digits(const char *source, uint64_t *number_out)
{
    uint64_t number = 0;

    for (uint32_t i = 0; i < DIGITS; i++) {
        uint64_t digit = (uint64_t)(source[i] - '0');

        if (source[i] < '0' || source[i] > '9' || number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *number_out = number;
    return true;
}

bool cc_commitlog_name_decode(const char *name, uint64_t *first_out, uint64_t *generation_out)
{
    return strlen(name) == CC_COMMITLOG_NAME_SIZE - 1 && memcmp(name, PREFIX, PREFIX_SIZE) == 0 &&
           name[PREFIX_SIZE + DIGITS] == '-' && read_digits(name + PREFIX_SIZE, first_out) &&
           read_digits(name + PREFIX_SIZE + DIGITS + 1, generation_out);
}
