/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format_refusal -- numbers that no journal has are refused, though every checksum is right.
 */
#include "base/crc32c.h"
#include "log/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t batch[4 * CC_DISK_BLOCK];
static uint8_t bytes[16384];

/* ---- headers --------------------------------------------------------------------------------- */

static void seal(uint32_t records_size)
{
    struct cc_batch_header header = {
        .life = 4, .number = 2, .blocks = cc_batch_blocks(records_size)};

    header.records_size = records_size;
    memset(batch, 0, sizeof batch);
    cc_batch_seal(batch, &header);
}

static enum cc_header_verdict verdict(void)
{
    struct cc_batch_header header;

    return cc_batch_read_header(batch, &header);
}

/* Another number, and the checksum that goes with it. */
static enum cc_header_verdict with(uint32_t offset, uint32_t value)
{
    seal(16);
    cc_store_u32(batch + offset, value);
    cc_store_u32(batch + 8, cc_crc32c(0, batch + 12, CC_BATCH_HEADER_SIZE - 12));
    return verdict();
}

static void refuses_a_header_with_numbers_that_cannot_be(void **state)
{
    (void)state;
    assert_int_equal(with(12, 5), CC_HEADER_VALID); /* the checksum is the right one */
    assert_int_equal(with(12, 0), CC_HEADER_BAD);   /* a life of 0 */
    assert_int_equal(with(20, 0), CC_HEADER_BAD);   /* no blocks */
    assert_int_equal(with(20, 2), CC_HEADER_BAD);   /* more than the records take */
    assert_int_equal(with(24, 8000), CC_HEADER_BAD);
    assert_int_equal(with(24, UINT32_MAX / 2 + 1), CC_HEADER_BAD);
    assert_int_equal(with(24, UINT32_MAX), CC_HEADER_BAD);
    (void)with(20, cc_batch_blocks(UINT32_MAX / 2 + 1)); /* a batch of two gigabytes */
    cc_store_u32(batch + 24, UINT32_MAX / 2 + 1);
    cc_store_u32(batch + 8, cc_crc32c(0, batch + 12, CC_BATCH_HEADER_SIZE - 12));
    assert_int_equal(verdict(), CC_HEADER_BAD);
}

static void refuses_a_header_of_no_version(void **state)
{
    (void)state;
    seal(16);
    assert_int_equal(verdict(), CC_HEADER_VALID);
    batch[4] = 0;
    assert_int_equal(verdict(), CC_HEADER_BAD);
    seal(16);
    batch[6] = 1; /* what is zero in this version */
    assert_int_equal(verdict(), CC_HEADER_BAD);
}

/* ---- summaries ------------------------------------------------------------------------------- */

static void believes_no_start_that_did_something_else(void **state)
{
    const struct cc_batch_summary start = {.last = 4, .has_group = true, .is_boot = true};
    struct cc_batch_summary summary = start;

    (void)state;
    assert_true(cc_summary_follows(&summary, 4));
    assert_false(cc_summary_follows(&summary, 5));
    cc_summary_append(&summary, 5, 1);
    assert_false(cc_summary_follows(&summary, 4));
    summary = start;
    cc_summary_switch(&summary, &(struct cc_journal_base){.index = 3, .term = 1}, true);
    assert_false(cc_summary_follows(&summary, 4));
    summary = start;
    summary.has_base = true;
    assert_false(cc_summary_follows(&summary, 4));
}

static void says_so_when_a_summary_has_too_many_terms(void **state)
{
    struct cc_batch_header header;
    struct cc_batch_summary summary = {.has_group = true};

    (void)state;
    for (uint64_t index = 1; index <= CC_SUMMARY_RUNS_MAX; index++) {
        cc_summary_append(&summary, index, index);
    }
    assert_int_equal(summary.run_count, CC_SUMMARY_RUNS_MAX);
    assert_true(cc_summary_follows(&summary, 0));
    for (uint64_t index = CC_SUMMARY_RUNS_MAX + 1; index <= 9; index++) {
        cc_summary_append(&summary, index, index);
        assert_int_equal(summary.run_count, CC_SUMMARY_RUNS_UNKNOWN);
        assert_false(cc_summary_follows(&summary, 0));
    }
    cc_summary_truncate(&summary, 1); /* what was lost does not come back */
    assert_int_equal(summary.run_count, CC_SUMMARY_RUNS_UNKNOWN);
    assert_int_equal(summary.last, 0);

    memset(batch, 0, sizeof batch);
    header = (struct cc_batch_header){.life = 1, .blocks = 1, .summary = summary};
    cc_batch_seal(batch, &header);
    header = (struct cc_batch_header){0};
    assert_int_equal(cc_batch_read_header(batch, &header), CC_HEADER_VALID);
    assert_int_equal(header.summary.run_count, CC_SUMMARY_RUNS_UNKNOWN);
}

static void keeps_a_summary_when_nothing_is_dropped(void **state)
{
    struct cc_batch_summary summary = {.has_group = true, .last = 6};

    (void)state;
    cc_summary_append(&summary, 7, 2);
    cc_summary_truncate(&summary, 8); /* the log ends with 7 */
    assert_int_equal(summary.touched, 7);
    assert_int_equal(summary.last, 7);
    assert_int_equal(summary.run_count, 1);
    assert_true(cc_summary_follows(&summary, 6));
    assert_false(cc_summary_follows(&summary, 5));
}

static void believes_no_summary_beyond_the_last_index(void **state)
{
    struct cc_batch_summary summary = {
        .has_group = true,
        .touched = CC_INDEX_MAX,
        .last = CC_INDEX_MAX,
        .run_count = 1,
        .runs = {{CC_INDEX_MAX, 3}}};

    (void)state;
    assert_true(cc_summary_follows(&summary, CC_INDEX_MAX - 1));
    summary.last++;
    assert_false(cc_summary_follows(&summary, CC_INDEX_MAX - 1));
}

/* ---- what remains ---------------------------------------------------------------------------- */

/* Of this very batch, by its stamp, and behind the end that its header names. */
static void takes_a_sector_behind_the_end_of_a_batch_for_damage(void **state)
{
    struct cc_batch_header header = {.life = 4, .number = 2, .blocks = 1};
    struct cc_remains_judge judge;

    (void)state;
    memset(batch, 0, sizeof batch);
    cc_batch_seal(batch, &header);
    memset(batch + CC_DISK_SECTOR, 0, CC_DISK_SECTOR);
    for (uint32_t is_behind = 0; is_behind < 2; is_behind++) {
        if (is_behind) {
            memcpy(batch + CC_DISK_BLOCK, batch + 2 * CC_DISK_SECTOR, CC_DISK_SECTOR);
        }
        cc_remains_begin(&judge, sizeof batch, 4, 2, &header);
        cc_remains_take(&judge, batch, sizeof batch);
        assert_int_equal(
            cc_remains_verdict(&judge), is_behind ? CC_REMAINS_WRONG : CC_REMAINS_INCOMPLETE);
    }
}

/* Its last block has been begun, and no more: the rest was never written. */
static void takes_a_batch_that_ends_within_a_block_for_incomplete(void **state)
{
    struct cc_batch_header header = {.life = 4, .number = 2, .blocks = 1};
    struct cc_remains_judge judge;

    (void)state;
    for (uint32_t sectors = 1; sectors <= 8; sectors++) {
        memset(batch, 0, sizeof batch);
        cc_batch_seal(batch, &header);
        memset(batch + sectors * CC_DISK_SECTOR, 0, (8 - sectors) * CC_DISK_SECTOR);
        cc_remains_begin(&judge, sizeof batch, 4, 2, NULL);
        cc_remains_take(&judge, batch, sizeof batch);
        assert_int_equal(
            cc_remains_verdict(&judge), sectors < 8 ? CC_REMAINS_INCOMPLETE : CC_REMAINS_WRONG);
    }
}

/* ---- records --------------------------------------------------------------------------------- */

static void reads_no_record_that_does_not_fit(void **state)
{
    struct cc_record record;
    size_t at = 0;
    uint32_t size = cc_record_write(bytes, CC_RECORD_STATE, (copycat_bytes){"four", 4});

    (void)state;
    assert_int_equal(size, 16);
    for (size_t left = 0; left <= size; left++) {
        at = 0;
        assert_int_equal(cc_record_next((copycat_bytes){bytes, left}, &at, &record), left == size);
        assert_int_equal(at, left == size ? size : 0);
    }
    assert_int_equal(record.payload.size, 4);
    size = cc_record_write(bytes, CC_RECORD_STATE, (copycat_bytes){NULL, 0});
    at = 0;
    assert_true(cc_record_next((copycat_bytes){bytes, size}, &at, &record));
    assert_int_equal(record.payload.size, 0);
    for (uint32_t payload = UINT32_MAX; payload > UINT32_MAX - 20; payload--) {
        cc_store_u32(bytes + 4, payload);
        at = 0;
        assert_false(cc_record_next((copycat_bytes){bytes, sizeof bytes}, &at, &record));
    }
}

static struct cc_writer writer;

static struct cc_writer *begin(void)
{
    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    return &writer;
}

static copycat_bytes written(void)
{
    assert_false(writer.failed);
    return (copycat_bytes){bytes, writer.size};
}

static bool truncates(uint64_t from)
{
    struct cc_truncate_record record;

    cc_truncate_record_encode(begin(), &(struct cc_truncate_record){0, from});
    return cc_truncate_record_decode(written(), &record);
}

static bool has_state(uint64_t term)
{
    struct cc_state_record record;

    cc_state_record_encode(begin(), &(struct cc_state_record){0, term, 1});
    return cc_state_record_decode(written(), &record);
}

static void refuses_indices_and_terms_beyond_their_bounds(void **state)
{
    (void)state;
    assert_true(truncates(1));
    assert_true(truncates(CC_INDEX_MAX));
    assert_false(truncates(0));
    assert_false(truncates(CC_INDEX_MAX + 1));
    assert_true(has_state(0));
    assert_true(has_state(CC_TERM_MAX));
    assert_false(has_state(CC_TERM_MAX + 1));
}

static const struct cc_base base = {
    .cluster_id = {3},
    .feature_level = 1,
    .members = {.count = 1, .at[0] = {.id = 1, .role = CC_ROLE_VOTER, .address = "local:a"}}};

static const struct cc_switch_record switch_record = {
    0, {.index = 7, .term = 2, .time_us = 3, .size = 4, .checksum = 5}, true};

/* Every one of them, cut short at each byte, and with one byte more. */
static void refuses_records_that_are_shorter_or_longer(void **state)
{
    struct cc_journal_table table = {
        .server = 3, .boot = 1, .blocks = 16, .group_count = 1, .groups[0].first = 1};
    struct cc_journal_table table_back;
    struct cc_switch_record switched;
    struct cc_truncate_record truncate;
    struct cc_state_record saved;
    struct cc_base base_back;

    (void)state;
    for (uint32_t kind = 0; kind < 6; kind++) {
        begin();
        switch (kind) {
        case 0:
            cc_truncate_record_encode(&writer, &(struct cc_truncate_record){0, 7});
            break;
        case 1:
            cc_state_record_encode(&writer, &(struct cc_state_record){0, 7, 1});
            break;
        case 2:
            cc_base_record_encode(&writer, &base);
            break;
        case 3:
            cc_switch_record_encode(&writer, &switch_record);
            break;
        default:
            table.has_base = kind == 5;
            table.base = base;
            cc_table_record_encode(&writer, &table);
        }
        for (size_t size = 0; size <= writer.size + 1; size++) {
            copycat_bytes part = {bytes, size};
            bool is_taken = kind == 0   ? cc_truncate_record_decode(part, &truncate)
                            : kind == 1 ? cc_state_record_decode(part, &saved)
                            : kind == 2 ? cc_base_record_decode(part, &base_back)
                            : kind == 3 ? cc_switch_record_decode(part, &switched)
                                        : cc_table_record_decode(part, &table_back);

            assert_int_equal(is_taken, size == writer.size);
        }
    }
}

static bool switches(uint64_t index, uint64_t term)
{
    struct cc_switch_record record = switch_record;

    record.image.index = index;
    record.image.term = term;
    cc_switch_record_encode(begin(), &record);
    return cc_switch_record_decode(written(), &record);
}

static void refuses_a_switch_to_what_is_no_image(void **state)
{
    (void)state;
    assert_true(switches(1, 1));
    assert_true(switches(CC_INDEX_MAX, CC_TERM_MAX));
    assert_false(switches(0, 1));
    assert_false(switches(1, 0));
    assert_false(switches(CC_INDEX_MAX + 1, 1));
    assert_false(switches(1, CC_TERM_MAX + 1));
    cc_switch_record_encode(begin(), &switch_record);
    bytes[writer.size - 1] = 2; /* neither with its tail nor without */

    struct cc_switch_record record;

    assert_false(cc_switch_record_decode(written(), &record));
}

static bool has_group(uint64_t first, uint64_t last, uint64_t base_index)
{
    struct cc_journal_table table = {
        .server = 3,
        .boot = 1,
        .blocks = 16,
        .group_count = 1,
        .groups[0] = {.first = first, .last = last, .base = {.index = base_index, .term = 1}}};

    cc_table_record_encode(begin(), &table);
    return cc_table_record_decode(written(), &table);
}

static void refuses_a_table_of_a_group_that_cannot_be(void **state)
{
    (void)state;
    assert_true(has_group(1, 0, 0));
    assert_true(has_group(8, 7, 7));
    assert_true(has_group(3, 7, 5));
    assert_false(has_group(0, 7, 0));
    assert_false(has_group(9, 7, 7));
    assert_false(has_group(8, 7, 8));
    assert_false(has_group(1, CC_INDEX_MAX + 1, 1));
}

static void follows_a_log_only_as_a_switch_can(void **state)
{
    struct cc_batch_summary summary = {.has_group = true, .term = 3, .last = 9};

    (void)state;
    cc_summary_switch(&summary, &switch_record.image, true);
    assert_int_equal(summary.last, 9);
    assert_true(cc_summary_follows(&summary, 9));
    assert_false(cc_summary_follows(&summary, 8));
    summary.last = 6;
    assert_false(cc_summary_follows(&summary, 6)); /* it has not got the image's entry */
    cc_summary_switch(&summary, &switch_record.image, false);
    assert_int_equal(summary.last, switch_record.image.index);
    assert_true(cc_summary_follows(&summary, 2));
    assert_true(cc_summary_follows(&summary, 900));
    summary.has_base = true;
    assert_false(cc_summary_follows(&summary, 2));
}

static void refuses_a_table_of_more_groups_than_there_are(void **state)
{
    struct cc_journal_table table = {.server = 3, .boot = 1, .blocks = 16};
    struct cc_journal_table back;
    size_t groups_at = 4 + 8 + CC_INCARNATION_SIZE + 4 + 4 + 4 + 1;

    (void)state;
    cc_table_record_encode(begin(), &table);
    assert_true(cc_table_record_decode(written(), &back));
    for (uint32_t count = CC_JOURNAL_GROUPS_MAX + 1; count <= UINT8_MAX; count++) {
        bytes[groups_at] = (uint8_t)count;
        assert_false(cc_table_record_decode((copycat_bytes){bytes, sizeof bytes}, &back));
    }
}

/* What has begun counts from 1; and whatever a disk says, another start can be counted. */
static void refuses_a_counter_of_starts_that_cannot_be(void **state)
{
    static const uint64_t counters[] = {0, CC_BOOT_MAX + 1, UINT64_MAX};
    struct cc_journal_table table = {.server = 3, .boot = CC_BOOT_MAX, .blocks = 16};
    struct cc_journal_table back;
    uint64_t boot;

    (void)state;
    cc_table_record_encode(begin(), &table);
    assert_true(cc_table_record_decode(written(), &back));
    cc_boot_record_encode(begin(), 1);
    assert_true(cc_boot_record_decode(written(), &boot));
    for (uint32_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        table.boot = counters[i];
        cc_table_record_encode(begin(), &table);
        assert_false(cc_table_record_decode(written(), &back));
        cc_boot_record_encode(begin(), counters[i]);
        assert_false(cc_boot_record_decode(written(), &boot));
    }
}

/* An image is switched to by another record: this one is the founding. */
static void refuses_a_base_that_is_not_the_founding(void **state)
{
    static const uint8_t places[] = {0, 4, 12, 20, 28}; /* group, H, term, image, tail */
    struct cc_base back;

    (void)state;
    cc_base_record_encode(begin(), &base);
    assert_true(cc_base_record_decode(written(), &back));
    assert_int_equal(back.cluster_id[0], 3);
    for (uint32_t i = 0; i < sizeof places; i++) {
        bytes[places[i]] ^= 1;
        assert_false(cc_base_record_decode(written(), &back));
        bytes[places[i]] ^= 1;
    }
    memset(bytes + writer.size, 0, sizeof bytes - writer.size);
    assert_false(cc_base_record_decode((copycat_bytes){bytes, sizeof bytes}, &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_a_header_with_numbers_that_cannot_be),
        cmocka_unit_test(refuses_a_header_of_no_version),
        cmocka_unit_test(believes_no_start_that_did_something_else),
        cmocka_unit_test(says_so_when_a_summary_has_too_many_terms),
        cmocka_unit_test(keeps_a_summary_when_nothing_is_dropped),
        cmocka_unit_test(believes_no_summary_beyond_the_last_index),
        cmocka_unit_test(takes_a_sector_behind_the_end_of_a_batch_for_damage),
        cmocka_unit_test(takes_a_batch_that_ends_within_a_block_for_incomplete),
        cmocka_unit_test(reads_no_record_that_does_not_fit),
        cmocka_unit_test(refuses_indices_and_terms_beyond_their_bounds),
        cmocka_unit_test(refuses_records_that_are_shorter_or_longer),
        cmocka_unit_test(refuses_a_switch_to_what_is_no_image),
        cmocka_unit_test(refuses_a_table_of_a_group_that_cannot_be),
        cmocka_unit_test(follows_a_log_only_as_a_switch_can),
        cmocka_unit_test(refuses_a_table_of_more_groups_than_there_are),
        cmocka_unit_test(refuses_a_counter_of_starts_that_cannot_be),
        cmocka_unit_test(refuses_a_base_that_is_not_the_founding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
