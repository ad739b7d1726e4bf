/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_forger -- see journal_forger.h.
 */
#include "unit/log/journal_forger.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define PAYLOAD_MAX 4096u

void forged_take(struct forged *forged, struct memory_file *file, uint64_t offset)
{
    static uint8_t batch[FORGED_BATCH_MAX];
    struct cc_batch_header *header = &forged->header;

    CC_ASSERT(cc_batch_read_header(file->platter + offset, header) == CC_HEADER_VALID);
    CC_ASSERT(header->blocks * CC_DISK_BLOCK <= sizeof batch);
    CC_ASSERT(header->records_size <= sizeof forged->records);
    memcpy(batch, file->platter + offset, header->blocks * CC_DISK_BLOCK);
    CC_ASSERT(cc_batch_restore(batch, header));
    memcpy(forged->records, batch + cc_batch_records_at(header->blocks), header->records_size);
}

static void extend(uint8_t **bytes, size_t *size, size_t needed)
{
    if (needed > *size) {
        *bytes = realloc(*bytes, needed);
        CC_ASSERT(*bytes != NULL);
        memset(*bytes + *size, 0, needed - *size);
        *size = needed;
    }
}

static uint64_t put(
    struct forged *forged, struct memory_file *file, uint64_t offset, uint8_t change)
{
    static uint8_t batch[FORGED_BATCH_MAX];
    struct cc_batch_header *header = &forged->header;
    uint64_t end;

    header->blocks = cc_batch_blocks(header->records_size);
    end = offset + (uint64_t)header->blocks * CC_DISK_BLOCK;
    CC_ASSERT(end - offset <= sizeof batch);
    memset(batch, 0, sizeof batch);
    memcpy(batch + cc_batch_records_at(header->blocks), forged->records, header->records_size);
    cc_batch_seal(batch, header);
    batch[cc_batch_records_at(header->blocks)] ^= change;
    extend(&file->seen, &file->size, end);
    extend(&file->platter, &file->platter_size, end);
    memcpy(file->seen + offset, batch, end - offset);
    memcpy(file->platter + offset, batch, end - offset);
    return end;
}

uint64_t forged_put(struct forged *forged, struct memory_file *file, uint64_t offset)
{
    return put(forged, file, offset, 0);
}

uint64_t forged_put_damaged(struct forged *forged, struct memory_file *file, uint64_t offset)
{
    return put(forged, file, offset, 0x40);
}

void forged_follow(struct forged *forged)
{
    struct cc_batch_header *header = &forged->header;

    header->durable_life = header->life;
    header->durable_number = header->number;
    header->number++;
    header->previous_blocks = header->blocks;
    header->previous = header->summary;
    header->summary.touched = 0;
    header->summary.run_count = 0;
    header->summary.has_base = false;
    header->records_size = 0;
}

void forged_add(struct forged *forged, uint8_t type, copycat_bytes payload)
{
    uint32_t *size = &forged->header.records_size;

    CC_ASSERT(*size + cc_record_size((uint32_t)payload.size) <= sizeof forged->records);
    *size += cc_record_write(forged->records + *size, type, payload);
}

static void add_encoded(struct forged *forged, uint8_t type, const struct cc_writer *encoded)
{
    CC_ASSERT(!encoded->failed);
    forged_add(forged, type, (copycat_bytes){encoded->data, encoded->size});
}

void forged_add_entry(
    struct forged *forged, uint8_t type, uint32_t group, uint64_t index, uint64_t term)
{
    struct cc_block *block =
        cc_entry_create(forged->memory, CC_ENTRY_COMMAND, (copycat_bytes){"forged", 6});

    cc_entry_stamp(block, group, index, term, 1000 * index);
    forged_add(forged, type, (copycat_bytes){block->data, block->size});
    cc_block_release(block);
}

void forged_add_truncate(struct forged *forged, uint32_t group, uint64_t from)
{
    uint8_t bytes[PAYLOAD_MAX];
    struct cc_writer writer;

    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_truncate_record_encode(&writer, &(struct cc_truncate_record){group, from});
    add_encoded(forged, CC_RECORD_TRUNCATE, &writer);
}

void forged_add_state(struct forged *forged, uint32_t group, uint64_t term, uint32_t vote)
{
    uint8_t bytes[PAYLOAD_MAX];
    struct cc_writer writer;

    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_state_record_encode(&writer, &(struct cc_state_record){group, term, vote});
    add_encoded(forged, CC_RECORD_STATE, &writer);
}

void forged_add_base(struct forged *forged, const struct cc_base *base)
{
    uint8_t bytes[PAYLOAD_MAX];
    struct cc_writer writer;

    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_base_record_encode(&writer, base);
    add_encoded(forged, CC_RECORD_BASE, &writer);
}

void forged_table(const struct forged *forged, struct cc_journal_table *table_out)
{
    copycat_bytes records = {forged->records, forged->header.records_size};
    struct cc_record record;
    size_t at = 0;

    CC_ASSERT(forged->header.number == 0);
    CC_ASSERT(cc_record_next(records, &at, &record));
    CC_ASSERT(record.type == CC_RECORD_TABLE);
    CC_ASSERT(cc_table_record_decode(record.payload, table_out));
}

void forged_set_table(struct forged *forged, const struct cc_journal_table *table)
{
    uint8_t bytes[PAYLOAD_MAX];
    struct cc_writer writer;

    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_table_record_encode(&writer, table);
    forged->header.records_size = 0;
    add_encoded(forged, CC_RECORD_TABLE, &writer);
}
