/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crc32c_test -- the vectors of RFC 3720 B.4, and a checksum taken in pieces.
 */
#include "base/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void gives_what_the_standard_gives(void **state)
{
    uint8_t bytes[32];
    static const uint8_t command[48] = {
        0x01, 0xc0, [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02};

    (void)state;
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(cc_crc32c(0, bytes, sizeof bytes), 0x8a9136aau);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(cc_crc32c(0, bytes, sizeof bytes), 0x62a8ab43u);
    for (uint8_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = i;
    }
    assert_int_equal(cc_crc32c(0, bytes, sizeof bytes), 0x46dd794eu);
    for (uint8_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(31 - i);
    }
    assert_int_equal(cc_crc32c(0, bytes, sizeof bytes), 0x113fdb5cu);
    assert_int_equal(cc_crc32c(0, command, sizeof command), 0xd9963a56u);
    assert_int_equal(cc_crc32c(0, "123456789", 9), 0xe3069283u);
}

static void of_nothing_is_zero(void **state)
{
    (void)state;
    assert_int_equal(cc_crc32c(0, NULL, 0), 0);
}

static void may_be_taken_in_pieces_split_anywhere(void **state)
{
    uint8_t bytes[67];

    (void)state;
    for (uint8_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 37u + 11u);
    }

    uint32_t whole = cc_crc32c(0, bytes, sizeof bytes);

    for (size_t at = 0; at <= sizeof bytes; at++) {
        uint32_t first = cc_crc32c(0, bytes, at);

        assert_int_equal(cc_crc32c(first, bytes + at, sizeof bytes - at), whole);
    }
}

static void agrees_with_the_polynomial_at_every_size_and_alignment(void **state)
{
    uint8_t bytes[80];

    (void)state;
    for (uint8_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 151u + 3u);
    }
    for (size_t start = 0; start < 8; start++) {
        uint32_t crc = ~0u;

        for (size_t size = 0; start + size < sizeof bytes; size++) {
            assert_int_equal(cc_crc32c(0, bytes + start, size), ~crc);
            crc ^= bytes[start + size];
            for (int bit = 0; bit < 8; bit++) {
                crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0x82f63b78u : 0);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_what_the_standard_gives),
        cmocka_unit_test(of_nothing_is_zero),
        cmocka_unit_test(may_be_taken_in_pieces_split_anywhere),
        cmocka_unit_test(agrees_with_the_polynomial_at_every_size_and_alignment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
