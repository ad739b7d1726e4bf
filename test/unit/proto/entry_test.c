/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry_test -- an entry is read as it was written or not at all.
 */
#include "base/crc32c.h"
#include "proto/entry.h"
#include "proto/limits.h"
#include "support/limited_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct limited_memory limited;

static int setup(void **state)
{
    (void)state;
    limited_memory_init(&limited);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return limited.blocks == 0 ? 0 : -1;
}

static struct cc_block *make(const char *payload, size_t size)
{
    struct cc_block *block =
        cc_entry_create(&limited.memory, CC_ENTRY_COMMAND, (copycat_bytes){payload, size});

    cc_entry_stamp(block, 3, 17, 5, 1000);
    return block;
}

static copycat_status decode(const struct cc_block *block, struct cc_entry *entry_out)
{
    uint32_t size = 0;
    copycat_status status =
        cc_entry_decode((copycat_bytes){block->data, block->size}, entry_out, &size);

    assert_true(status != COPYCAT_OK || size == block->size);
    return status;
}

static void is_read_back_with_payloads_of_every_size(void **state)
{
    static const char text[] = "a payload that is longer than a few words";

    (void)state;
    for (size_t size = 0; size < sizeof text; size++) {
        struct cc_block *block = make(text, size);
        struct cc_entry entry;

        assert_int_equal(block->size, CC_ENTRY_HEADER_SIZE + (size + 7) / 8 * 8);
        assert_int_equal(decode(block, &entry), COPYCAT_OK);
        assert_true(entry.index == 17 && entry.term == 5 && entry.time_us == 1000);
        assert_int_equal(entry.group, 3);
        assert_int_equal(entry.kind, CC_ENTRY_COMMAND);
        assert_null(entry.block);
        assert_int_equal(entry.payload.size, size);
        assert_memory_equal(entry.payload.data, text, size);
        cc_block_release(block);
    }
}

static void keeps_the_largest_numbers(void **state)
{
    struct cc_block *block =
        cc_entry_create(&limited.memory, CC_ENTRY_NOOP, (copycat_bytes){NULL, 0});
    struct cc_entry entry;

    (void)state;
    cc_entry_stamp(block, UINT32_MAX, CC_INDEX_MAX, CC_TERM_MAX, CC_TIME_US_MAX);
    assert_int_equal(decode(block, &entry), COPYCAT_OK);
    assert_true(entry.index == CC_INDEX_MAX && entry.term == CC_TERM_MAX);
    assert_true(entry.time_us == CC_TIME_US_MAX && entry.group == UINT32_MAX);
    cc_block_release(block);
}

static void log_time_stops_at_its_end_instead_of_starting_again(void **state)
{
    struct cc_block *block = make("x", 1);
    struct cc_entry entry;

    (void)state;
    cc_entry_stamp(block, 0, 18, 6, UINT64_MAX);
    assert_int_equal(decode(block, &entry), COPYCAT_OK);
    assert_true(entry.time_us == CC_TIME_US_MAX);
    cc_block_release(block);
}

static void can_be_stamped_anew(void **state)
{
    struct cc_block *block = make("x", 1);
    struct cc_entry entry;

    (void)state;
    cc_entry_stamp(block, 0, 18, 6, 2000);
    assert_int_equal(decode(block, &entry), COPYCAT_OK);
    assert_true(entry.index == 18 && entry.term == 6 && entry.time_us == 2000);
    cc_block_release(block);
}

static void is_refused_with_any_bit_changed(void **state)
{
    struct cc_block *block = make("hello", 5);
    struct cc_entry entry;

    (void)state;
    for (uint32_t bit = 0; bit < block->size * 8; bit++) {
        block->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(decode(block, &entry), COPYCAT_ERR_MALFORMED);
        block->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(decode(block, &entry), COPYCAT_OK);
    cc_block_release(block);
}

static void is_refused_when_it_is_cut_anywhere(void **state)
{
    struct cc_block *block = make("hello", 5);

    (void)state;
    for (uint32_t size = 0; size < block->size; size++) {
        unsigned char *exact = cc_memory_take(&limited.memory, size + 1);
        struct cc_entry entry;
        uint32_t taken;

        memcpy(exact, block->data, size);
        assert_int_equal(
            cc_entry_decode((copycat_bytes){exact, size}, &entry, &taken), COPYCAT_ERR_MALFORMED);
        cc_memory_give(&limited.memory, exact);
    }
    cc_block_release(block);
}

/* Writes `size` bytes at `at` and makes the header's checksum right again. */
static copycat_status with(struct cc_block *block, uint32_t at, const void *bytes, size_t size)
{
    uint8_t kept[CC_ENTRY_HEADER_SIZE];
    struct cc_entry entry;
    copycat_status status;

    memcpy(kept, block->data, sizeof kept);
    memcpy(block->data + at, bytes, size);
    cc_store_u32(block->data, cc_crc32c(0, block->data + 4, CC_ENTRY_HEADER_SIZE - 4));
    status = decode(block, &entry);
    memcpy(block->data, kept, sizeof kept);
    return status;
}

static copycat_status with_u64(struct cc_block *block, uint32_t at, uint64_t value, size_t size)
{
    uint8_t bytes[8];

    cc_store_u64(bytes, value);
    return with(block, at, bytes, size);
}

static void is_refused_beyond_its_bounds_though_its_checksum_is_right(void **state)
{
    struct cc_block *block = make("hello", 5);

    (void)state;
    assert_int_equal(with_u64(block, 8, CC_INDEX_MAX, 8), COPYCAT_OK);
    assert_int_equal(with_u64(block, 8, CC_INDEX_MAX + 1, 8), COPYCAT_ERR_MALFORMED);
    assert_int_equal(with_u64(block, 8, 0, 8), COPYCAT_ERR_MALFORMED);
    assert_int_equal(with_u64(block, 16, CC_TERM_MAX, 6), COPYCAT_OK);
    assert_int_equal(with_u64(block, 16, CC_TERM_MAX + 1, 6), COPYCAT_ERR_MALFORMED);
    assert_int_equal(with_u64(block, 16, 0, 6), COPYCAT_ERR_MALFORMED);
    assert_int_equal(with_u64(block, 22, 0, 1), COPYCAT_ERR_MALFORMED);
    assert_int_equal(with_u64(block, 22, CC_ENTRY_REFUSAL + 1, 1), COPYCAT_ERR_MALFORMED);
    assert_int_equal(with_u64(block, 23, 1, 1), COPYCAT_ERR_MALFORMED);
    assert_int_equal(with_u64(block, 24, CC_TIME_US_MAX, 8), COPYCAT_OK);
    assert_int_equal(with_u64(block, 24, CC_TIME_US_MAX + 1, 8), COPYCAT_ERR_MALFORMED);
    assert_int_equal(with_u64(block, 4, 6, 4), COPYCAT_ERR_MALFORMED);
    assert_int_equal(with_u64(block, 4, CC_ENTRY_PAYLOAD_SIZE_MAX + 1, 4), COPYCAT_ERR_MALFORMED);
    assert_int_equal(with_u64(block, 4, UINT32_MAX, 4), COPYCAT_ERR_MALFORMED);
    cc_block_release(block);
}

static void is_read_from_the_front_of_several(void **state)
{
    struct cc_block *first = make("one", 3);
    struct cc_block *second = make("two and more", 12);
    uint8_t both[256];
    copycat_bytes left = {both, first->size + second->size};
    struct cc_entry entry;
    uint32_t size;

    (void)state;
    memcpy(both, first->data, first->size);
    memcpy(both + first->size, second->data, second->size);
    assert_int_equal(cc_entry_decode(left, &entry, &size), COPYCAT_OK);
    assert_int_equal(size, first->size);
    assert_memory_equal(entry.payload.data, "one", 3);
    left = (copycat_bytes){both + size, left.size - size};
    assert_int_equal(cc_entry_decode(left, &entry, &size), COPYCAT_OK);
    assert_memory_equal(entry.payload.data, "two and more", 12);
    assert_int_equal(size, second->size);
    cc_block_release(first);
    cc_block_release(second);
}

static void outlives_the_bytes_it_was_copied_from(void **state)
{
    struct cc_block *block = make("hello", 5);
    struct cc_entry entry = cc_entry_of(block);
    struct cc_block *copy = cc_entry_copy(&limited.memory, &entry);

    (void)state;
    assert_ptr_equal(entry.block, block);
    assert_int_equal(copy->size, block->size);
    assert_memory_equal(copy->data, block->data, block->size);
    memset(block->data, 0, block->size);
    cc_block_release(block);
    entry = cc_entry_of(copy);
    assert_memory_equal(entry.payload.data, "hello", 5);
    cc_block_release(copy);
}

static void holds_the_largest_operation_a_client_may_send(void **state)
{
    uint8_t *operation = cc_memory_take(&limited.memory, CC_OPERATION_SIZE_MAX);
    struct cc_command command = {
        .session = CC_INDEX_MAX,
        .sequence = CC_INDEX_MAX,
        .answered = CC_INDEX_MAX,
        .events = CC_INDEX_MAX,
        .stream = UINT64_MAX,
        .instance = CC_INDEX_MAX,
        .operation = {operation, CC_OPERATION_SIZE_MAX}};
    struct cc_writer writer;
    struct cc_entry entry;

    (void)state;
    cc_writer_init(&writer, &limited.memory, CC_ENTRY_PAYLOAD_SIZE_MAX);
    cc_command_encode(&writer, &command);
    assert_false(writer.failed);

    struct cc_block *block = make((const char *)writer.data, writer.size);

    assert_int_equal(decode(block, &entry), COPYCAT_OK);
    assert_true(cc_command_decode(entry.payload, &command));
    assert_int_equal(command.operation.size, CC_OPERATION_SIZE_MAX);
    cc_block_release(block);
    cc_writer_deinit(&writer);
    cc_memory_give(&limited.memory, operation);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(is_read_back_with_payloads_of_every_size),
        TEST(keeps_the_largest_numbers),
        TEST(log_time_stops_at_its_end_instead_of_starting_again),
        TEST(can_be_stamped_anew),
        TEST(is_refused_with_any_bit_changed),
        TEST(is_refused_when_it_is_cut_anywhere),
        TEST(is_refused_beyond_its_bounds_though_its_checksum_is_right),
        TEST(is_read_from_the_front_of_several),
        TEST(outlives_the_bytes_it_was_copied_from),
        TEST(holds_the_largest_operation_a_client_may_send),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
