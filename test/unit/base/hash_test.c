/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash_test -- digests are compared between members and versions, so the numbers may never change.
 */
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void gives_the_same_numbers_in_every_build(void **state)
{
    (void)state;
    assert_true(cc_hash_bytes("", 0, 0) == UINT64_C(0x2d06800538d394c2));
    assert_true(cc_hash_bytes("copycat", 7, 0) == UINT64_C(0xc102a28cc467b351));
    assert_true(cc_hash_bytes("copycat", 7, 1) == UINT64_C(0x98fc939efa5ceb53));
    assert_true(cc_hash_words(1, 2) == UINT64_C(0x07ee86c281446bef));
}

static void depends_on_every_byte_and_on_the_seed(void **state)
{
    unsigned char bytes[300] = {0};
    uint64_t plain = cc_hash_bytes(bytes, sizeof bytes, 7);

    (void)state;
    assert_true(cc_hash_bytes(bytes, sizeof bytes, 8) != plain);
    assert_true(cc_hash_bytes(bytes, sizeof bytes - 1, 7) != plain);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = 1;
        assert_true(cc_hash_bytes(bytes, sizeof bytes, 7) != plain);
        bytes[i] = 0;
    }
}

static void tells_the_order_of_two_words(void **state)
{
    (void)state;
    assert_true(cc_hash_words(1, 2) != cc_hash_words(2, 1));
    assert_true(cc_hash_words(0, 0) != cc_hash_words(0, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_same_numbers_in_every_build),
        cmocka_unit_test(depends_on_every_byte_and_on_the_seed),
        cmocka_unit_test(tells_the_order_of_two_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
