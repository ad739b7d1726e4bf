/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_records -- the records of a batch, and the tables and entries in them, from memory that ends
 * where they end: no length is believed, and what is taken is coded again to what is taken again as
 * the same.
 *
 * The first byte says whether the rest is a stream of records or the header of a batch.
 */
#include "base/assert.h"
#include "base/crc32c.h"
#include "base/prng.h"
#include "log/format.h"
#include "support/limited_memory.h"
#include "support/mend.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);

/* Taken once, coded, taken again, coded again: both codings are the same. */
#define CHECK_AGAIN(type, name, payload)                                               \
    do {                                                                               \
        struct type first;                                                             \
        struct type second;                                                            \
        struct cc_writer once;                                                         \
        struct cc_writer twice;                                                        \
                                                                                       \
        if (!cc_##name##_decode((payload), &first)) {                                  \
            break;                                                                     \
        }                                                                              \
        cc_writer_init(&once, &limited.memory, SIZE_MAX);                              \
        cc_writer_init(&twice, &limited.memory, SIZE_MAX);                             \
        cc_##name##_encode(&once, &first);                                             \
        CC_ASSERT(once.size <= (payload).size);                                        \
        CC_ASSERT(cc_##name##_decode((copycat_bytes){once.data, once.size}, &second)); \
        cc_##name##_encode(&twice, &second);                                           \
        CC_ASSERT(once.size == twice.size);                                            \
        CC_ASSERT(memcmp(once.data, twice.data, once.size) == 0);                      \
        cc_writer_deinit(&once);                                                       \
        cc_writer_deinit(&twice);                                                      \
    } while (0)

static struct limited_memory limited;

static void check_entry(copycat_bytes payload)
{
    struct cc_entry entry;
    uint32_t size;

    if (cc_entry_decode(payload, &entry, &size) == COPYCAT_OK) {
        struct cc_block *block = cc_entry_copy(&limited.memory, &entry);

        CC_ASSERT(size <= payload.size && block->size == size);
        CC_ASSERT(memcmp(block->data, payload.data, size) == 0);
        cc_block_release(block);
    }
}

static void check_record(const struct cc_record *record)
{
    switch (record->type) {
    case CC_RECORD_TABLE:
        CHECK_AGAIN(cc_journal_table, table_record, record->payload);
        break;
    case CC_RECORD_TRUNCATE:
        CHECK_AGAIN(cc_truncate_record, truncate_record, record->payload);
        break;
    case CC_RECORD_STATE:
        CHECK_AGAIN(cc_state_record, state_record, record->payload);
        break;
    case CC_RECORD_BASE:
        CHECK_AGAIN(cc_base, base_record, record->payload);
        break;
    default:
        check_entry(record->payload);
        break;
    }
}

static void try_records(const uint8_t *bytes, size_t size)
{
    struct cc_record record;
    size_t at = 0;
    size_t before = 0;

    while (at < size && cc_record_next((copycat_bytes){bytes, size}, &at, &record)) {
        const uint8_t *payload = record.payload.data;

        check_record(&record);
        CC_ASSERT(payload == bytes + before + CC_RECORD_HEADER_SIZE);
        CC_ASSERT(record.payload.size <= (size_t)(bytes + size - payload));
        CC_ASSERT(at > before && at <= size);
        before = at;
    }
}

/* A batch is as long as its header says, or it is none. */
static void try_batch(uint8_t *bytes, size_t size)
{
    struct cc_batch_header header;
    struct cc_batch_header again;

    if (size < CC_DISK_BLOCK || cc_batch_read_header(bytes, &header) != CC_HEADER_VALID ||
        (uint64_t)header.blocks * CC_DISK_BLOCK > size) {
        return;
    }
    CC_ASSERT(cc_batch_records_at(header.blocks) + header.records_size <= size);
    if (cc_batch_restore(bytes, &header)) {
        (void)cc_summary_follows(&header.summary, header.summary.touched);
        try_records(bytes + cc_batch_records_at(header.blocks), header.records_size);
    }
    if (header.summary.run_count <= CC_SUMMARY_RUNS_MAX &&
        header.previous.run_count <= CC_SUMMARY_RUNS_MAX) {
        again = header;
        cc_batch_seal(bytes, &again);
        CC_ASSERT(cc_batch_read_header(bytes, &again) == CC_HEADER_VALID);
        CC_ASSERT(again.records_size == header.records_size && again.tag == header.tag);
        CC_ASSERT(again.summary.last == header.summary.last);
    }
}

/* A block of which the input is the header, the records, and nothing else. */
static void make_batch(const uint8_t *data, size_t size, uint8_t *batch)
{
    size_t head = size < CC_BATCH_HEADER_SIZE ? size : CC_BATCH_HEADER_SIZE;
    uint32_t records_at = cc_batch_records_at(1);
    size_t room = CC_DISK_BLOCK - records_at;
    struct cc_batch_header header;

    memset(batch, 0, CC_DISK_BLOCK);
    memcpy(batch, data, head);
    memcpy(batch + records_at, data + head, size - head < room ? size - head : room);
    if (cc_batch_read_header(batch, &header) == CC_HEADER_VALID && header.blocks == 1 &&
        header.summary.run_count <= CC_SUMMARY_RUNS_MAX &&
        header.previous.run_count <= CC_SUMMARY_RUNS_MAX) {
        cc_batch_seal(batch, &header);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *exact;

    if (size == 0) {
        return 0;
    }
    limited_memory_init(&limited);
    if (data[0] % 2 == 0) {
        exact = malloc(size);
        CC_ASSERT(exact != NULL);
        memcpy(exact + 1, data + 1, size - 1); /* up to the end of the memory */
        try_records(exact + 1, size - 1);
    } else {
        exact = malloc(CC_DISK_BLOCK);
        CC_ASSERT(exact != NULL);
        make_batch(data + 1, size - 1, exact);
        try_batch(exact, CC_DISK_BLOCK);
    }
    free(exact);
    CC_ASSERT(limited.blocks == 0);
    return 0;
}

/* ---- mutation: checksums are right afterwards ------------------------------------------------- */

/* Entries in records, and now and then lengths that are not true. */
static void mend_records(uint8_t *bytes, size_t size)
{
    size_t at = 0;

    while (size - at >= CC_RECORD_HEADER_SIZE) {
        size_t left = size - at - CC_RECORD_HEADER_SIZE;
        uint32_t said = cc_load_u32(bytes + at + 4);
        size_t payload = said < left ? said : left;

        if (bytes[at] == CC_RECORD_ENTRY || bytes[at] == CC_RECORD_REPAIR) {
            mend_entry(bytes + at + CC_RECORD_HEADER_SIZE, payload);
        }
        if (said > left || cc_record_size(said) > left + CC_RECORD_HEADER_SIZE) {
            return;
        }
        at += cc_record_size(said);
    }
}

static void mend_header(uint8_t *bytes, size_t size)
{
    if (size >= CC_BATCH_HEADER_SIZE) {
        size_t records = size - CC_BATCH_HEADER_SIZE;

        cc_store_u32(bytes, CC_BATCH_MAGIC);
        cc_store_u32(bytes + 4, CC_JOURNAL_VERSION);
        cc_store_u32(bytes + 20, 1);
        cc_store_u32(bytes + 24, records < 3000 ? (uint32_t)records : 3000);
        mend_records(bytes + CC_BATCH_HEADER_SIZE, records);
        cc_store_u32(bytes + 8, cc_crc32c(0, bytes + 12, CC_BATCH_HEADER_SIZE - 12));
    }
}

/* One more record, with an entry, a state, a truncation or a table as they begin. */
static size_t add_record(uint8_t *bytes, size_t size, size_t room, struct cc_prng *prng)
{
    static const uint32_t sizes[] = {0, 54, 40, 12, 16, 60, 48};
    uint8_t type = (uint8_t)(1 + cc_prng_below(prng, 6));
    uint32_t payload = sizes[type];
    uint8_t *record = bytes + size;

    if (cc_record_size(payload) > room) {
        return size;
    }
    memset(record, 0, cc_record_size(payload));
    record[0] = type;
    cc_store_u32(record + 4, payload);
    if (type == CC_RECORD_ENTRY || type == CC_RECORD_REPAIR) {
        uint8_t *entry = record + CC_RECORD_HEADER_SIZE;

        cc_store_u32(entry + 4, payload - CC_ENTRY_HEADER_SIZE);
        entry[8] = entry[16] = 1;
        entry[22] = CC_ENTRY_COMMAND;
    } else {
        for (uint32_t i = 0; i < payload; i += 4) {
            record[CC_RECORD_HEADER_SIZE + i] = (uint8_t)cc_prng_below(prng, 3);
        }
    }
    return size + cc_record_size(payload);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    struct cc_prng prng = {seed};

    if (size < 2 || cc_prng_below(&prng, 3) == 0) {
        data[0] = size == 0 ? 0 : data[0];
        size = add_record(data, size == 0 ? 1 : size, size_max - (size == 0 ? 1 : size), &prng);
    } else {
        size = LLVMFuzzerMutate(data, size, size_max);
    }
    if (size > 1 && cc_prng_below(&prng, 8) != 0) {
        (data[0] % 2 == 0 ? mend_records : mend_header)(data + 1, size - 1);
    }
    return size;
}
