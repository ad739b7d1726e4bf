/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_file_test -- a backup is read as it was written; whatever else is there is refused.
 */
#include "base/crc32c.h"
#include "support/format_vector.h"
#include "unit/backup/backup_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct memory_file file;
static struct cc_writer records;
static struct cc_writer found;
static struct cc_backup_reader reader;

static int set_up(void **state)
{
    (void)state;
    cc_writer_init(&records, &script_memory, 64u << 20);
    cc_writer_init(&found, &script_memory, 64u << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    memory_file_free(&file);
    cc_writer_deinit(&records);
    cc_writer_deinit(&found);
    assert_int_equal(script_blocks, 0);
    return 0;
}

static copycat_bytes written(void)
{
    assert_false(records.failed);
    return (copycat_bytes){records.data, records.size};
}

static void make_small(void)
{
    static const size_t sizes[] = {10, 5000};

    script_records(&records, sizes, 2);
    assert_true(script_write(&file, written(), SIZE_MAX));
}

/* The file is refused with this status, in these words. */
static void expect(copycat_status status, const char *words)
{
    assert_int_equal(script_read(&file, NULL, &reader), status);
    if (strstr(reader.trouble, words) == NULL) {
        fail_msg("no \"%s\" in \"%s\"", words, reader.trouble);
    }
}

static void a_backup_is_read_as_it_was_written(void **state)
{
    static const size_t sizes[] = {0, 300000, 1000000, 5, 2000000, 4091};
    static const size_t chunks[] = {7, 4096, 262144, 262145, SIZE_MAX};

    (void)state;
    script_records(&records, sizes, 6);
    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        memory_file_free(&file);
        cc_writer_clear(&found);
        assert_true(script_write(&file, written(), chunks[i]));
        assert_int_equal(script_read(&file, &found, &reader), COPYCAT_OK);
        assert_int_equal(found.size, records.size);
        assert_memory_equal(found.data, records.data, records.size);
        assert_int_equal(reader.head.index, SCRIPT_INDEX);
        assert_int_equal(reader.head.made_us, 2000000);
        assert_int_equal(reader.end.digest, SCRIPT_DIGEST);
        assert_int_equal(reader.end.size, file.size);
        assert_int_equal(reader.records.counts[CC_IMAGE_BLOB], 6);
    }
}

static void where_bytes_end_does_not_show_in_the_file(void **state)
{
    static const size_t sizes[] = {300000, 5, 400000};
    struct memory_file other = {0};

    (void)state;
    script_records(&records, sizes, 3);
    assert_true(script_write(&file, written(), SIZE_MAX));
    assert_true(script_write(&other, written(), 1000));
    assert_int_equal(other.size, file.size);
    assert_memory_equal(other.data, file.data, file.size);
    memory_file_free(&other);
}

static void each_byte_that_changes_is_seen(void **state)
{
    (void)state;
    make_small();
    for (size_t at = 0; at < file.size; at++) {
        copycat_status status;

        file.data[at] ^= (uint8_t)(1u << at % 8);
        status = script_read(&file, NULL, &reader);
        file.data[at] ^= (uint8_t)(1u << at % 8);
        /* In the magic it is something else; nowhere it is another version, for the CRC tells. */
        assert_int_equal(status, at < 4 ? COPYCAT_ERR_INVALID : COPYCAT_ERR_DAMAGED);
    }
    assert_int_equal(script_read(&file, NULL, &reader), COPYCAT_OK);
}

static void no_other_length_is_accepted(void **state)
{
    static const uint8_t more[CC_DISK_BLOCK];
    size_t size;

    (void)state;
    make_small();
    size = file.size;
    for (file.size = 0; file.size < size; file.size++) {
        assert_int_not_equal(script_read(&file, NULL, &reader), COPYCAT_OK);
    }
    file.size = CC_DISK_BLOCK;
    expect(COPYCAT_ERR_DAMAGED, "cut short");
    file.size = size;
    assert_true(memory_file_put(&file, more, sizeof more));
    expect(COPYCAT_ERR_DAMAGED, "cut short");
}

/* Each of the two is whole: they are of two backups. */
static void the_end_of_another_backup_is_not_taken(void **state)
{
    static const size_t sizes[] = {10, 5001};
    struct memory_file other = {0};

    (void)state;
    make_small();
    cc_writer_clear(&records);
    script_records(&records, sizes, 2);
    assert_true(script_write(&other, written(), SIZE_MAX));
    assert_int_equal(other.size, file.size);
    memcpy(
        file.data + file.size - CC_DISK_BLOCK, other.data + other.size - CC_DISK_BLOCK,
        CC_DISK_BLOCK);
    expect(COPYCAT_ERR_DAMAGED, "end does not belong");
    memory_file_free(&other);
}

static void what_is_no_backup_or_newer_is_told_so(void **state)
{
    (void)state;
    make_small();
    file.data[8] = 2;
    expect(COPYCAT_ERR_DAMAGED, "head is damaged");
    cc_store_u32(file.data + 4, cc_crc32c(0, file.data + 8, CC_DISK_BLOCK - 8));
    expect(COPYCAT_ERR_NEWER, "newer version");
    file.data[8] = 0;
    cc_store_u32(file.data + 4, cc_crc32c(0, file.data + 8, CC_DISK_BLOCK - 8));
    expect(COPYCAT_ERR_DAMAGED, "head is damaged");
    memcpy(file.data, "CCIM", 4);
    expect(COPYCAT_ERR_INVALID, "no backup");
    file.size = 100;
    expect(COPYCAT_ERR_INVALID, "too short");
}

static void what_is_not_whole_gets_no_end(void **state)
{
    static const size_t sizes[] = {10, 50};

    (void)state;
    script_records(&records, sizes, 2);
    for (size_t size = 0; size < records.size; size++) {
        memory_file_free(&file);
        assert_false(script_write(&file, (copycat_bytes){records.data, size}, 16));
    }
    memory_file_free(&file);
    assert_true(script_write(&file, written(), 16));
}

static void records_that_are_missing_or_too_many_are_seen(void **state)
{
    static const size_t sizes[] = {10, 50};
    size_t second;

    (void)state;
    script_records(&records, sizes, 2);
    second = records.size;
    cc_write_raw(&records, records.data, 1);
    assert_false(script_write(&file, written(), 16)); /* something follows */
    records.size = second;
    /* The BLOB of ten bytes, which is the third record, is taken out. */
    for (size_t at = 0, number = 0; at < records.size; number++) {
        size_t size = CC_IMAGE_RECORD_HEADER_SIZE + cc_load_u32(records.data + at);

        if (number == 2) {
            memmove(records.data + at, records.data + at + size, records.size - at - size);
            records.size -= size;
            break;
        }
        at += size;
    }
    memory_file_free(&file);
    assert_false(script_write(&file, written(), 16));
}

static void a_disk_that_is_full_ends_it(void **state)
{
    static const size_t sizes[] = {300000, 300001};

    (void)state;
    script_records(&records, sizes, 2);
    file.full_at = 100000;
    assert_false(script_write(&file, written(), 4096));
    assert_true(file.size <= 100000);
}

/* ---- the document ------------------------------------------------------------------------------ */

static void is_written_as_documented(void **state)
{
    (void)state;
    script_records(&records, NULL, 0);
    assert_true(script_write(&file, written(), SIZE_MAX));
    format_vector_check("backup-format.md", "backup", file.data, file.size);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_backup_is_read_as_it_was_written),
        TEST(where_bytes_end_does_not_show_in_the_file),
        TEST(each_byte_that_changes_is_seen),
        TEST(no_other_length_is_accepted),
        TEST(the_end_of_another_backup_is_not_taken),
        TEST(what_is_no_backup_or_newer_is_told_so),
        TEST(what_is_not_whole_gets_no_end),
        TEST(records_that_are_missing_or_too_many_are_seen),
        TEST(a_disk_that_is_full_ends_it),
        TEST(is_written_as_documented),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
