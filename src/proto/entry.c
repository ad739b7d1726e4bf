/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry -- see entry.h: the 40 bytes before a payload.
 */
#include "proto/entry.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "proto/limits.h"

#include <string.h>

#define CHECKED_FROM 4u
#define INDEX_AT 8u
#define KIND_AT 22u
#define ZERO_AT 23u

uint32_t cc_entry_size(uint32_t payload_size)
{
    return CC_ENTRY_HEADER_SIZE + ((payload_size + 7u) & ~7u);
}

struct cc_block *cc_entry_create(
    const struct cc_memory *memory, uint8_t kind, copycat_bytes payload)
{
    CC_ASSERT(kind >= CC_ENTRY_NOOP && kind <= CC_ENTRY_REFUSAL);
    CC_ASSERT(payload.size <= CC_ENTRY_PAYLOAD_SIZE_MAX);

    uint32_t payload_size = (uint32_t)payload.size;
    struct cc_block *block = cc_block_create(memory, cc_entry_size(payload_size));
    uint8_t *data = block->data;

    memset(data, 0, CC_ENTRY_HEADER_SIZE);
    cc_store_u32(data + 4, payload_size);
    data[KIND_AT] = kind;
    cc_store_u32(data + 32, cc_crc32c(0, payload.data, payload.size));
    if (payload_size > 0) {
        cc_store_u64(data + block->size - 8, 0); /* the padding is in these */
        memcpy(data + CC_ENTRY_HEADER_SIZE, payload.data, payload_size);
    }
    return block;
}

static void store_term(uint8_t *target, uint64_t term)
{
    cc_store_u32(target, (uint32_t)term);
    cc_store_u16(target + 4, (uint16_t)(term >> 32));
}

static uint64_t load_term(const uint8_t *source)
{
    return cc_load_u32(source) | (uint64_t)cc_load_u16(source + 4) << 32;
}

void cc_entry_stamp(
    struct cc_block *block, uint32_t group, uint64_t index, uint64_t term, uint64_t time_us)
{
    uint8_t *data = block->data;

    CC_ASSERT(index > 0 && index <= CC_INDEX_MAX);
    CC_ASSERT(term > 0 && term <= CC_TERM_MAX);
    cc_store_u64(data + INDEX_AT, index);
    store_term(data + 16, term);
    cc_store_u64(data + 24, time_us < CC_TIME_US_MAX ? time_us : CC_TIME_US_MAX);
    cc_store_u32(data + 36, group);
    cc_store_u32(data, cc_crc32c(0, data + CHECKED_FROM, CC_ENTRY_HEADER_SIZE - CHECKED_FROM));
}

static struct cc_entry view(const uint8_t *data)
{
    return (struct cc_entry){
        .index = cc_load_u64(data + INDEX_AT),
        .term = load_term(data + 16),
        .time_us = cc_load_u64(data + 24),
        .group = cc_load_u32(data + 36),
        .kind = data[KIND_AT],
        .payload = {data + CC_ENTRY_HEADER_SIZE, cc_load_u32(data + 4)},
    };
}

struct cc_entry cc_entry_of(struct cc_block *block)
{
    struct cc_entry entry = view(block->data);

    CC_ASSERT(cc_entry_size((uint32_t)entry.payload.size) == block->size);
    entry.block = block;
    return entry;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

copycat_status cc_entry_decode(copycat_bytes bytes, struct cc_entry *entry_out, uint32_t *size_out)
{
    const uint8_t *data = bytes.data;

    if (bytes.size < CC_ENTRY_HEADER_SIZE ||
        cc_load_u32(data) !=
            cc_crc32c(0, data + CHECKED_FROM, CC_ENTRY_HEADER_SIZE - CHECKED_FROM)) {
        return COPYCAT_ERR_MALFORMED;
    }

    struct cc_entry entry = view(data);
    uint32_t payload_size = cc_load_u32(data + 4);

    if (payload_size > CC_ENTRY_PAYLOAD_SIZE_MAX || entry.index == 0 ||
        entry.index > CC_INDEX_MAX || entry.term == 0 || entry.term > CC_TERM_MAX ||
        entry.kind < CC_ENTRY_NOOP || entry.kind > CC_ENTRY_REFUSAL || data[ZERO_AT] != 0 ||
        entry.time_us > CC_TIME_US_MAX) {
        return COPYCAT_ERR_MALFORMED;
    }

    uint32_t size = cc_entry_size(payload_size);

    if (size > bytes.size ||
        cc_load_u32(data + 32) != cc_crc32c(0, entry.payload.data, payload_size) ||
        !is_zero(
            data + CC_ENTRY_HEADER_SIZE + payload_size,
            size - CC_ENTRY_HEADER_SIZE - payload_size)) {
        return COPYCAT_ERR_MALFORMED;
    }
    *entry_out = entry;
    *size_out = size;
    return COPYCAT_OK;
}

uint64_t cc_entry_index_said(copycat_bytes bytes)
{
    const uint8_t *data = bytes.data;

    return bytes.size < CC_ENTRY_HEADER_SIZE ? 0 : cc_load_u64(data + INDEX_AT);
}

struct cc_block *cc_entry_copy(const struct cc_memory *memory, const struct cc_entry *entry)
{
    const uint8_t *data = (const uint8_t *)entry->payload.data - CC_ENTRY_HEADER_SIZE;
    struct cc_block *block = cc_block_create(memory, cc_entry_size((uint32_t)entry->payload.size));

    memcpy(block->data, data, block->size);
    return block;
}
