/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes_test -- numbers there and back, limits, and failures that stick.
 */
#include "base/prng.h"
#include "support/limited_memory.h"
#include "wire/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct limited_memory limited;
static uint8_t bytes[64];
static struct cc_writer writer;
static struct cc_reader reader;

static int setup(void **state)
{
    (void)state;
    limited_memory_init(&limited);
    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    return 0;
}

static void writes_numbers_little_endian(void **state)
{
    static const uint8_t expected[] = {1, 3, 2, 7, 6, 5, 4, 15, 14, 13, 12, 11, 10, 9, 8};

    (void)state;
    cc_write_u8(&writer, 1);
    cc_write_u16(&writer, 0x0203);
    cc_write_u32(&writer, 0x04050607);
    cc_write_u64(&writer, UINT64_C(0x08090a0b0c0d0e0f));
    assert_int_equal(writer.size, sizeof expected);
    assert_memory_equal(bytes, expected, sizeof expected);
    cc_reader_init(&reader, bytes, writer.size);
    assert_int_equal(cc_read_u8(&reader), 1);
    assert_int_equal(cc_read_u16(&reader), 0x0203);
    assert_int_equal(cc_read_u32(&reader), 0x04050607);
    assert_int_equal(cc_reader_left(&reader), 8);
    assert_false(cc_reader_is_done(&reader));
    assert_true(cc_read_u64(&reader) == UINT64_C(0x08090a0b0c0d0e0f));
    assert_true(cc_reader_is_done(&reader));
}

static void check_varint(uint64_t value)
{
    size_t size = 1;

    for (uint64_t rest = value >> 7; rest != 0; rest >>= 7) {
        size++;
    }
    cc_writer_clear(&writer);
    cc_write_varint(&writer, value);
    assert_int_equal(writer.size, size);
    cc_reader_init(&reader, bytes, writer.size);
    assert_true(cc_read_varint(&reader) == value);
    assert_true(cc_reader_is_done(&reader));
    cc_reader_init(&reader, bytes, writer.size - 1);
    assert_true(cc_read_varint(&reader) == 0);
    assert_true(reader.failed);
}

static void reads_back_every_varint_and_no_prefix_of_it(void **state)
{
    struct cc_prng prng = {3};

    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t power = UINT64_C(1) << bit;

        check_varint(power - 1);
        check_varint(power);
        check_varint(power + 1);
    }
    check_varint(UINT64_MAX);
    for (int i = 0; i < 2000; i++) {
        check_varint(cc_prng_next(&prng) >> cc_prng_below(&prng, 64));
    }
}

static bool reads_varint(const void *data, size_t size)
{
    cc_reader_init(&reader, data, size);
    (void)cc_read_varint(&reader);
    return cc_reader_is_done(&reader);
}

static void refuses_varints_that_are_too_long_or_too_large(void **state)
{
    (void)state;
    assert_true(reads_varint("\x00", 1));
    assert_false(reads_varint("\x80\x00", 2));
    assert_false(reads_varint("\xff\x80\x00", 3));
    assert_true(reads_varint("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10));
    assert_false(reads_varint("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10));
    assert_false(reads_varint("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01", 11));
    assert_false(reads_varint("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11));
}

static void gives_nothing_after_a_failure(void **state)
{
    static const uint8_t source[] = {1, 2, 3, 4};

    (void)state;
    cc_reader_init(&reader, source, sizeof source);
    assert_int_equal(cc_read_u8(&reader), 1);
    assert_true(cc_read_u64(&reader) == 0);
    assert_int_equal(cc_read_u8(&reader), 0);
    assert_int_equal(cc_read_u16(&reader), 0);
    assert_int_equal(cc_read_u32(&reader), 0);
    assert_null(cc_read_raw(&reader, 0));
    assert_int_equal(cc_read_counted(&reader, 100).size, 0);
    assert_int_equal(cc_reader_left(&reader), 0);
    assert_false(cc_reader_is_done(&reader));
}

static void reads_counted_bytes_up_to_the_limit(void **state)
{
    copycat_bytes read;

    (void)state;
    cc_write_counted(&writer, (copycat_bytes){"hello", 5});
    cc_write_counted(&writer, (copycat_bytes){NULL, 0});
    cc_reader_init(&reader, bytes, writer.size);
    read = cc_read_counted(&reader, 5);
    assert_int_equal(read.size, 5);
    assert_memory_equal(read.data, "hello", 5);
    assert_int_equal(cc_read_counted(&reader, 0).size, 0);
    assert_true(cc_reader_is_done(&reader));
    cc_reader_init(&reader, bytes, writer.size);
    assert_int_equal(cc_read_counted(&reader, 4).size, 0);
    assert_true(reader.failed);
    cc_reader_init(&reader, bytes, 5);
    assert_int_equal(cc_read_counted(&reader, 5).size, 0);
    assert_true(reader.failed);
}

static void does_not_believe_a_length_beyond_all_memory(void **state)
{
    (void)state;
    cc_write_varint(&writer, UINT64_MAX);
    cc_reader_init(&reader, bytes, writer.size);
    assert_int_equal(cc_read_counted(&reader, SIZE_MAX).size, 0);
    assert_true(reader.failed);
}

static void reads_nothing_from_nothing(void **state)
{
    (void)state;
    cc_reader_init(&reader, NULL, 0);
    assert_true(cc_reader_is_done(&reader));
    assert_non_null(cc_read_raw(&reader, 0));
    assert_true(cc_reader_is_done(&reader));
    assert_int_equal(cc_read_u8(&reader), 0);
    assert_true(reader.failed);
}

static void grows_up_to_its_limit_and_not_beyond(void **state)
{
    struct cc_writer growing;

    (void)state;
    cc_writer_init(&growing, &limited.memory, 1000);
    for (uint32_t i = 0; i < 1000; i++) {
        cc_write_u8(&growing, (uint8_t)i);
    }
    assert_false(growing.failed);
    assert_int_equal(growing.size, 1000);
    assert_true(limited.bytes <= 1000);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(growing.data[i], (uint8_t)i);
    }
    cc_write_u8(&growing, 1);
    assert_true(growing.failed);
    assert_int_equal(growing.size, 1000);
    cc_writer_clear(&growing);
    cc_write_u8(&growing, 7);
    assert_false(growing.failed);
    assert_int_equal(growing.size, 1);
    cc_writer_deinit(&growing);
    assert_int_equal(limited.blocks, 0);
}

static void fails_for_good_where_memory_is_refused(void **state)
{
    struct cc_writer growing;

    (void)state;
    limited.bytes_max = 300;
    cc_writer_init(&growing, &limited.memory, 10000);
    cc_write_raw(&growing, bytes, 50);
    assert_null(cc_writer_room(&growing, 400));
    cc_write_u8(&growing, 1);
    assert_true(growing.failed && growing.is_short);
    assert_int_equal(growing.size, 50);
    cc_writer_clear(&growing);
    assert_null(cc_writer_room(&growing, 10001));
    assert_true(growing.failed && !growing.is_short);
    cc_writer_deinit(&growing);
    assert_int_equal(limited.blocks, 0);
}

static void does_not_wrap_round_at_a_limit_without_end(void **state)
{
    struct cc_writer growing;

    (void)state;
    limited.bytes_max = 300;
    cc_writer_init(&growing, &limited.memory, SIZE_MAX);
    cc_write_u8(&growing, 1);
    assert_null(cc_writer_room(&growing, SIZE_MAX / 2 + 100));
    cc_writer_clear(&growing);
    cc_write_u8(&growing, 1);
    assert_null(cc_writer_room(&growing, SIZE_MAX));
    cc_writer_deinit(&growing);
}

static void stays_within_memory_that_is_not_its_own(void **state)
{
    (void)state;
    cc_writer_init_fixed(&writer, bytes, 3);
    bytes[3] = 0x77;
    cc_write_u16(&writer, 1);
    cc_write_u16(&writer, 2);
    assert_true(writer.failed);
    assert_int_equal(writer.size, 2);
    cc_write_u8(&writer, 9);
    assert_int_equal(writer.size, 2);
    assert_int_equal(bytes[3], 0x77);
    cc_writer_deinit(&writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(writes_numbers_little_endian, setup),
        cmocka_unit_test_setup(reads_back_every_varint_and_no_prefix_of_it, setup),
        cmocka_unit_test_setup(refuses_varints_that_are_too_long_or_too_large, setup),
        cmocka_unit_test_setup(gives_nothing_after_a_failure, setup),
        cmocka_unit_test_setup(reads_counted_bytes_up_to_the_limit, setup),
        cmocka_unit_test_setup(does_not_believe_a_length_beyond_all_memory, setup),
        cmocka_unit_test_setup(reads_nothing_from_nothing, setup),
        cmocka_unit_test_setup(grows_up_to_its_limit_and_not_beyond, setup),
        cmocka_unit_test_setup(fails_for_good_where_memory_is_refused, setup),
        cmocka_unit_test_setup(does_not_wrap_round_at_a_limit_without_end, setup),
        cmocka_unit_test_setup(stays_within_memory_that_is_not_its_own, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
