/* SPDX-License-Identifier: Apache-2.0 */
/* What the map's proxy promises: what it encodes the machine's side understands, or it says why not. */
#include "resource/map/map_proxy.h"
#include "support/limited_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct limited_memory limited;
static struct cc_writer writer;

static int setup(void **state)
{
    (void)state;
    limited_memory_init(&limited);
    cc_writer_init(&writer, &limited.memory, CC_OPERATION_SIZE_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cc_writer_deinit(&writer);
    return 0;
}

static void what_it_encodes_is_decoded_again(void **state)
{
    struct cc_map_operation said = {
        .code = CC_MAP_CAS,
        .key = copycat_str("sky"),
        .expected = copycat_str("blue"),
        .value = copycat_str("grey")};
    struct cc_map_operation heard;

    (void)state;
    assert_int_equal(cc_map_encode(&writer, &said), COPYCAT_OK);
    assert_int_equal(
        cc_map_operation_decode((copycat_bytes){writer.data, writer.size}, &heard), COPYCAT_OK);
    assert_int_equal(heard.code, CC_MAP_CAS);
    assert_memory_equal(heard.key.data, "sky", 3);
    assert_memory_equal(heard.expected.data, "blue", 4);
    assert_memory_equal(heard.value.data, "grey", 4);
}

static void what_is_too_large_is_not_encoded(void **state)
{
    static const uint8_t large[CC_VALUE_SIZE_MAX + 1];
    struct cc_map_operation put = {
        .code = CC_MAP_PUT, .key = copycat_str("k"), .value = {large, sizeof large}};
    struct cc_map_operation get = {.code = CC_MAP_GET, .key = {large, CC_KEY_SIZE_MAX + 1}};

    (void)state;
    assert_int_equal(cc_map_encode(&writer, &put), COPYCAT_ERR_TOO_LARGE);
    assert_int_equal(cc_map_encode(&writer, &get), COPYCAT_ERR_TOO_LARGE);
    assert_int_equal(writer.size, 0);
}

static void an_empty_key_is_refused_where_one_is_needed(void **state)
{
    struct cc_map_operation get = {.code = CC_MAP_GET};
    struct cc_map_operation size = {.code = CC_MAP_SIZE};

    (void)state;
    assert_int_equal(cc_map_encode(&writer, &get), COPYCAT_ERR_INVALID);
    assert_int_equal(cc_map_encode(&writer, &size), COPYCAT_OK);
}

static void no_memory_is_said_as_such(void **state)
{
    struct cc_map_operation put = {
        .code = CC_MAP_PUT, .key = copycat_str("k"), .value = copycat_str("v")};

    (void)state;
    limited.bytes_max = 0;
    assert_int_equal(cc_map_encode(&writer, &put), COPYCAT_ERR_MEMORY);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_it_encodes_is_decoded_again),
        TEST(what_is_too_large_is_not_encoded),
        TEST(an_empty_key_is_refused_where_one_is_needed),
        TEST(no_memory_is_said_as_such),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
