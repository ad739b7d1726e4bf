/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_operation_test -- what is said to a map, in bytes and back.
 */
#include "base/prng.h"
#include "resource/map/map_operation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static copycat_bytes text(const char *string)
{
    return (copycat_bytes){string, strlen(string)};
}

static copycat_status decode_text(const void *bytes, size_t size)
{
    struct cc_map_operation operation;

    return cc_map_operation_decode((copycat_bytes){bytes, size}, &operation);
}

static bool is_same(copycat_bytes left, copycat_bytes right)
{
    return left.size == right.size &&
           (left.size == 0 || memcmp(left.data, right.data, left.size) == 0);
}

static void every_operation_comes_back_as_it_was_said(void **state)
{
    (void)state;
    for (uint8_t code = CC_MAP_PUT; code <= CC_MAP_CAS; code++) {
        uint8_t bytes[64];
        struct cc_writer writer;
        struct cc_map_operation said = {
            .code = code,
            .key = text("key"),
            .value = text("value"),
            .expected = text("expected"),
            .limit = 17};
        struct cc_map_operation heard;

        cc_writer_init_fixed(&writer, bytes, sizeof bytes);
        cc_map_operation_encode(&writer, &said);
        assert_false(writer.failed);
        assert_int_equal(
            cc_map_operation_decode((copycat_bytes){writer.data, writer.size}, &heard), COPYCAT_OK);
        assert_int_equal(heard.code, code);
        assert_true(heard.key.size == 0 || is_same(heard.key, said.key));
        assert_true(heard.value.size == 0 || is_same(heard.value, said.value));
        assert_int_equal(heard.expected.size != 0, code == CC_MAP_CAS);
        assert_int_equal(heard.limit, code == CC_MAP_KEYS ? 17 : 0);
    }
}

static void each_fault_has_its_own_status(void **state)
{
    static const uint8_t key[CC_KEY_SIZE_MAX + 1];
    static uint8_t large[CC_KEY_SIZE_MAX + 64];
    struct cc_writer writer;

    (void)state;
    assert_int_equal(decode_text("", 0), COPYCAT_ERR_MALFORMED);
    assert_int_equal(decode_text("\0", 1), COPYCAT_ERR_UNKNOWN_OPERATION);
    assert_int_equal(decode_text("\13", 1), COPYCAT_ERR_UNKNOWN_OPERATION);
    assert_int_equal(decode_text("\5x", 2), COPYCAT_ERR_MALFORMED);    /* SIZE and more */
    assert_int_equal(decode_text("\2\0", 2), COPYCAT_ERR_INVALID);     /* GET of an empty key */
    assert_int_equal(decode_text("\2\5ab", 4), COPYCAT_ERR_MALFORMED); /* cut off */
    assert_int_equal(decode_text("\6\1\0", 3), COPYCAT_ERR_INVALID);   /* KEYS, limit 0 */
    assert_int_equal(decode_text("\6\2\1", 3), COPYCAT_ERR_MALFORMED); /* neither first nor not */
    cc_writer_init_fixed(&writer, large, sizeof large);
    cc_map_operation_encode(
        &writer, &(struct cc_map_operation){.code = CC_MAP_GET, .key = {key, sizeof key}});
    assert_int_equal(decode_text(writer.data, writer.size), COPYCAT_ERR_TOO_LARGE);
}

static void a_value_is_as_large_as_allowed_and_no_larger(void **state)
{
    uint8_t *value = calloc(1, CC_VALUE_SIZE_MAX + 1);
    uint8_t *bytes = calloc(1, CC_OPERATION_SIZE_MAX);

    (void)state;
    assert_non_null(value);
    assert_non_null(bytes);
    for (size_t size = CC_VALUE_SIZE_MAX; size <= CC_VALUE_SIZE_MAX + 1; size++) {
        struct cc_writer writer;

        cc_writer_init_fixed(&writer, bytes, CC_OPERATION_SIZE_MAX);
        cc_map_operation_encode(
            &writer, &(struct cc_map_operation){
                         .code = CC_MAP_PUT, .key = text("k"), .value = {value, size}});
        assert_int_equal(
            decode_text(writer.data, writer.size),
            size <= CC_VALUE_SIZE_MAX ? COPYCAT_OK : COPYCAT_ERR_TOO_LARGE);
    }
    free(value);
    free(bytes);
}

static void the_largest_operation_fits_its_limit(void **state)
{
    uint8_t *value = calloc(1, CC_VALUE_SIZE_MAX);
    uint8_t *bytes = calloc(1, CC_OPERATION_SIZE_MAX);
    struct cc_writer writer;

    (void)state;
    assert_non_null(value);
    assert_non_null(bytes);
    cc_writer_init_fixed(&writer, bytes, CC_OPERATION_SIZE_MAX);
    cc_map_operation_encode(
        &writer, &(struct cc_map_operation){
                     .code = CC_MAP_CAS,
                     .key = {value, CC_KEY_SIZE_MAX},
                     .expected = {value, CC_VALUE_SIZE_MAX},
                     .value = {value, CC_VALUE_SIZE_MAX}});
    assert_false(writer.failed);
    assert_int_equal(decode_text(writer.data, writer.size), COPYCAT_OK);
    free(value);
    free(bytes);
}

static void an_empty_value_is_not_the_absence_of_one(void **state)
{
    copycat_bytes value;

    (void)state;
    assert_true(cc_map_value_decode((copycat_bytes){"\1", 1}, &value));
    assert_non_null(value.data);
    assert_int_equal(value.size, 0);
    assert_true(cc_map_value_decode((copycat_bytes){"\0", 1}, &value));
    assert_null(value.data);
    assert_false(cc_map_value_decode((copycat_bytes){"", 0}, &value));
    assert_false(cc_map_value_decode((copycat_bytes){"\0x", 2}, &value));
    assert_false(cc_map_value_decode((copycat_bytes){"\2x", 2}, &value));
}

static void results_that_make_no_sense_are_refused(void **state)
{
    bool flag;
    uint64_t number;
    struct cc_reader keys;
    copycat_bytes key;

    (void)state;
    assert_true(cc_map_flag_decode((copycat_bytes){"\1", 1}, &flag));
    assert_false(cc_map_flag_decode((copycat_bytes){"\2", 1}, &flag));
    assert_false(cc_map_flag_decode((copycat_bytes){"", 0}, &flag));
    assert_true(cc_map_number_decode((copycat_bytes){"\5", 1}, &number));
    assert_false(cc_map_number_decode((copycat_bytes){"\5\5", 2}, &number));
    assert_false(cc_map_page_decode((copycat_bytes){"\3", 1}, &keys, &flag));
    assert_true(cc_map_page_decode((copycat_bytes){"\1\1a\2bc", 6}, &keys, &flag));
    assert_true(cc_map_page_next(&keys, &key) && is_same(key, text("a")));
    assert_true(cc_map_page_next(&keys, &key) && is_same(key, text("bc")));
    assert_false(cc_map_page_next(&keys, &key));
    assert_true(cc_reader_is_done(&keys));
    assert_true(cc_map_page_decode((copycat_bytes){"\1\5a", 3}, &keys, &flag));
    assert_false(cc_map_page_next(&keys, &key));
    assert_false(cc_reader_is_done(&keys));
}

/* Accepted means canonical: said again, it is the same bytes. */
static void random_bytes_are_refused_or_come_back_as_the_same_bytes(void **state)
{
    struct cc_prng prng = {3};
    int accepted = 0;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        uint8_t bytes[10];
        uint8_t again[32];
        size_t size = cc_prng_below(&prng, sizeof bytes);
        struct cc_map_operation operation;
        struct cc_writer writer;

        for (size_t j = 0; j < size; j++) {
            bytes[j] = (uint8_t)cc_prng_below(&prng, j == 0 ? 12 : 5);
        }
        if (cc_map_operation_decode((copycat_bytes){bytes, size}, &operation) != COPYCAT_OK) {
            continue;
        }
        accepted++;
        cc_writer_init_fixed(&writer, again, sizeof again);
        cc_map_operation_encode(&writer, &operation);
        assert_int_equal(writer.size, size);
        assert_memory_equal(again, bytes, size);
    }
    assert_true(accepted > 1000);
}

static void only_what_changes_nothing_is_a_query(void **state)
{
    (void)state;
    for (uint8_t code = CC_MAP_PUT; code <= CC_MAP_CAS; code++) {
        assert_int_equal(
            cc_map_operation_is_query(code), code == CC_MAP_GET || code == CC_MAP_CONTAINS ||
                                                 code == CC_MAP_SIZE || code == CC_MAP_KEYS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_comes_back_as_it_was_said),
        cmocka_unit_test(each_fault_has_its_own_status),
        cmocka_unit_test(a_value_is_as_large_as_allowed_and_no_larger),
        cmocka_unit_test(the_largest_operation_fits_its_limit),
        cmocka_unit_test(an_empty_value_is_not_the_absence_of_one),
        cmocka_unit_test(results_that_make_no_sense_are_refused),
        cmocka_unit_test(random_bytes_are_refused_or_come_back_as_the_same_bytes),
        cmocka_unit_test(only_what_changes_nothing_is_a_query),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
