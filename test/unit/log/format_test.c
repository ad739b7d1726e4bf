/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format -- the vectors of docs/disk-format.md, byte for byte, and what the decoders refuse.
 */
#include "log/format.h"
#include "support/format_vector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t batch[2 * CC_DISK_BLOCK];

static void *resize(void *context, void *block, size_t size)
{
    (void)context;
    if (size == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, size);
}

static const struct cc_memory memory = {resize, NULL};

static void check_vector(const char *name, size_t size)
{
    format_vector_check("disk-format.md", name, batch, size);
}

static struct cc_batch_header seal(uint32_t life, uint32_t number, uint32_t size)
{
    struct cc_batch_header header = {
        .life = life,
        .number = number,
        .blocks = cc_batch_blocks(size),
        .records_size = size,
        .tag = 0x0706050403020100u,
        .durable_life = life,
        .durable_number = number - 1,
    };

    if (number == 0) {
        header.durable_life = 0;
        header.durable_number = 0;
    }
    return header;
}

static uint8_t *records_of(uint32_t blocks)
{
    memset(batch, 0, sizeof batch);
    return batch + cc_batch_records_at(blocks);
}

static void writes_the_first_batch_of_a_file_as_documented(void **state)
{
    struct cc_journal_table table = {.server = 3, .boot = 1, .blocks = 16};
    struct cc_journal_table back;
    struct cc_record record;
    struct cc_writer writer;
    uint8_t payload[1024];
    size_t at = 0;

    (void)state;
    for (uint8_t i = 0; i < CC_INCARNATION_SIZE; i++) {
        table.incarnation[i] = i;
    }
    cc_writer_init_fixed(&writer, payload, sizeof payload);
    cc_table_record_encode(&writer, &table);

    uint32_t size =
        cc_record_write(records_of(1), CC_RECORD_TABLE, (copycat_bytes){payload, writer.size});
    struct cc_batch_header header = seal(1, 0, size);

    cc_batch_seal(batch, &header);
    check_vector("table", CC_DISK_BLOCK);

    assert_int_equal(cc_batch_read_header(batch, &header), CC_HEADER_VALID);
    assert_true(cc_batch_restore(batch, &header));
    assert_true(cc_record_next(
        (copycat_bytes){batch + cc_batch_records_at(1), header.records_size}, &at, &record));
    assert_true(cc_table_record_decode(record.payload, &back));
    assert_int_equal(back.server, 3);
    assert_int_equal(back.blocks, 16);
}

static uint32_t write_records(uint8_t *records)
{
    uint8_t payload[64];
    struct cc_writer writer;
    struct cc_block *entry =
        cc_entry_create(&memory, CC_ENTRY_COMMAND, (copycat_bytes){"hello", 5});
    uint32_t at = 0;

    cc_writer_init_fixed(&writer, payload, sizeof payload);
    cc_state_record_encode(&writer, &(struct cc_state_record){.term = 2, .vote = 3});
    at += cc_record_write(records + at, CC_RECORD_STATE, (copycat_bytes){payload, writer.size});
    cc_entry_stamp(entry, 0, 1, 2, 1000000);
    at += cc_record_write(records + at, CC_RECORD_ENTRY, (copycat_bytes){entry->data, entry->size});
    cc_block_release(entry);
    cc_writer_init_fixed(&writer, payload, sizeof payload);
    cc_truncate_record_encode(&writer, &(struct cc_truncate_record){.from = 1});
    at += cc_record_write(records + at, CC_RECORD_TRUNCATE, (copycat_bytes){payload, writer.size});
    return at;
}

static void writes_records_as_documented(void **state)
{
    uint32_t size = write_records(records_of(1));
    struct cc_batch_header header = seal(1, 1, size);

    (void)state;
    header.previous_blocks = 1;
    header.summary = (struct cc_batch_summary){.vote = 3, .term = 2, .has_group = true};
    cc_summary_append(&header.summary, 1, 2);
    cc_summary_truncate(&header.summary, 1);
    cc_summary_append(&header.summary, 1, 3);
    header.previous = (struct cc_batch_summary){.has_base = true};
    cc_batch_seal(batch, &header);
    check_vector("records", CC_DISK_BLOCK);
}

static void writes_a_switch_as_documented(void **state)
{
    const struct cc_switch_record record = {
        .image =
            {.index = 9,
             .term = 2,
             .time_us = 3000000,
             .size = 8192,
             .checksum = UINT64_C(0x1122334455667788)},
        .keep_tail = true};
    uint8_t bytes[64];
    struct cc_writer writer;
    struct cc_batch_header header;

    (void)state;
    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_switch_record_encode(&writer, &record);
    header = seal(
        1, 3,
        cc_record_write(
            records_of(1), CC_RECORD_SWITCH, (copycat_bytes){writer.data, writer.size}));
    header.previous_blocks = 1;
    header.summary = (struct cc_batch_summary){.vote = 3, .term = 2, .last = 12, .has_group = true};
    cc_summary_switch(&header.summary, &record.image, true);
    cc_batch_seal(batch, &header);
    check_vector("switch", CC_DISK_BLOCK);
}

static void writes_a_start_that_goes_on_as_documented(void **state)
{
    struct cc_batch_header header;
    struct cc_writer writer;
    struct cc_record record;
    uint8_t bytes[CC_BOOT_RECORD_SIZE];
    uint64_t boot = 0;
    size_t at = 0;

    (void)state;
    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_boot_record_encode(&writer, 2);
    header = seal(
        1, 4,
        cc_record_write(records_of(1), CC_RECORD_BOOT, (copycat_bytes){writer.data, writer.size}));
    header.previous_blocks = 1;
    header.summary = (struct cc_batch_summary){
        .vote = 3, .term = 2, .last = 12, .has_group = true, .is_boot = true};
    cc_batch_seal(batch, &header);
    check_vector("boot", CC_DISK_BLOCK);

    assert_int_equal(cc_batch_read_header(batch, &header), CC_HEADER_VALID);
    assert_true(header.summary.is_boot);
    assert_true(cc_batch_restore(batch, &header));
    assert_true(cc_record_next(
        (copycat_bytes){batch + cc_batch_records_at(1), header.records_size}, &at, &record));
    assert_true(cc_boot_record_decode(record.payload, &boot));
    assert_int_equal(boot, 2);
}

static void writes_an_idle_seal_as_documented(void **state)
{
    struct cc_batch_header header = seal(1, 2, 0);

    (void)state;
    (void)records_of(1);
    cc_batch_seal(batch, &header);
    check_vector("seal", CC_DISK_BLOCK);
}

static void refuses_a_header_with_any_byte_changed(void **state)
{
    struct cc_batch_header header = seal(1, 1, 0);

    (void)state;
    (void)records_of(1);
    cc_batch_seal(batch, &header);
    for (uint32_t i = 0; i < CC_BATCH_HEADER_SIZE; i++) {
        batch[i] ^= 0x10;
        assert_int_not_equal(cc_batch_read_header(batch, &header), CC_HEADER_VALID);
        batch[i] ^= 0x10;
    }
    assert_int_equal(cc_batch_read_header(batch, &header), CC_HEADER_VALID);
}

static void knows_a_later_version(void **state)
{
    struct cc_batch_header header = seal(1, 1, 0);

    (void)state;
    (void)records_of(1);
    cc_batch_seal(batch, &header);
    batch[4] = CC_JOURNAL_VERSION + 1;
    assert_int_equal(cc_batch_read_header(batch, &header), CC_HEADER_NEWER);
}

/* However the bytes come in, the verdict is one. */
static enum cc_remains judge(uint32_t life, uint32_t number, const struct cc_batch_header *known)
{
    struct cc_remains_judge judge;
    enum cc_remains verdict;

    cc_remains_begin(&judge, sizeof batch, life, number, known);
    cc_remains_take(&judge, batch, sizeof batch);
    verdict = cc_remains_verdict(&judge);
    cc_remains_begin(&judge, sizeof batch, life, number, known);
    for (size_t at = 0; at < sizeof batch; at += CC_DISK_SECTOR) {
        cc_remains_take(&judge, batch + at, CC_DISK_SECTOR);
    }
    assert_int_equal(cc_remains_verdict(&judge), verdict);
    return verdict;
}

static void takes_only_a_batch_with_missing_sectors_for_incomplete(void **state)
{
    struct cc_batch_header header = seal(4, 1, 3000);

    (void)state;
    memset(records_of(1), 7, 3000);
    cc_batch_seal(batch, &header);
    assert_int_equal(judge(4, 1, &header), CC_REMAINS_WRONG);
    memset(batch + 3 * CC_DISK_SECTOR, 0, CC_DISK_SECTOR);
    assert_int_equal(judge(4, 1, &header), CC_REMAINS_INCOMPLETE);
    assert_int_equal(judge(4, 1, NULL), CC_REMAINS_INCOMPLETE);
    assert_int_equal(judge(4, 2, NULL), CC_REMAINS_WRONG);
    assert_int_equal(judge(0, 1, NULL), CC_REMAINS_INCOMPLETE); /* of whatever life */
    assert_int_equal(judge(5, 1, NULL), CC_REMAINS_WRONG);
    memset(batch, 0, sizeof batch);
    assert_int_equal(judge(4, 1, NULL), CC_REMAINS_NONE);
    memset(batch + CC_DISK_BLOCK, 7, CC_DISK_SECTOR);
    assert_int_equal(judge(4, 1, NULL), CC_REMAINS_WRONG);
}

static void takes_a_changed_byte_for_nothing_where_no_batch_wrote(void **state)
{
    struct cc_batch_header header = seal(4, 1, 3000);

    (void)state;
    memset(batch, 0, sizeof batch);
    batch[CC_DISK_BLOCK + 5] = 1;
    assert_int_equal(judge(4, 1, NULL), CC_REMAINS_NONE);
    assert_int_equal(judge(0, 0, NULL), CC_REMAINS_NONE);
    assert_int_equal(judge(4, 1, &header), CC_REMAINS_INCOMPLETE); /* behind all it would have */
    batch[CC_DISK_BLOCK + CC_DISK_SECTOR - 1] = 1;                 /* it may be a stamp */
    assert_int_equal(judge(4, 1, NULL), CC_REMAINS_WRONG);

    memset(batch, 0, sizeof batch);
    memset(records_of(1), 7, 3000);
    cc_batch_seal(batch, &header);
    memset(batch + 3 * CC_DISK_SECTOR, 0, CC_DISK_SECTOR);
    batch[3 * CC_DISK_SECTOR + 5] = 1; /* beside sectors of a batch */
    assert_int_equal(judge(4, 1, &header), CC_REMAINS_WRONG);
    assert_int_equal(judge(4, 1, NULL), CC_REMAINS_WRONG);
}

static void fits_every_size_of_records_into_its_blocks(void **state)
{
    (void)state;
    for (uint32_t size = 0; size < 70000; size += 8) {
        uint32_t blocks = cc_batch_blocks(size);

        assert_true(cc_batch_records_at(blocks) + size <= blocks * CC_DISK_BLOCK);
        assert_true(
            blocks == 1 || cc_batch_records_at(blocks - 1) + size > (blocks - 1) * CC_DISK_BLOCK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_the_first_batch_of_a_file_as_documented),
        cmocka_unit_test(writes_records_as_documented),
        cmocka_unit_test(writes_a_switch_as_documented),
        cmocka_unit_test(writes_a_start_that_goes_on_as_documented),
        cmocka_unit_test(writes_an_idle_seal_as_documented),
        cmocka_unit_test(refuses_a_header_with_any_byte_changed),
        cmocka_unit_test(knows_a_later_version),
        cmocka_unit_test(takes_only_a_batch_with_missing_sectors_for_incomplete),
        cmocka_unit_test(takes_a_changed_byte_for_nothing_where_no_batch_wrote),
        cmocka_unit_test(fits_every_size_of_records_into_its_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
