/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prng_test -- a seed says everything: seeds of old failures must replay.
 */
#include "base/prng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The first numbers of SplitMix64 from 1234567, as its author publishes them. */
static void gives_the_known_numbers_for_a_seed(void **state)
{
    struct cc_prng prng = {1234567};

    (void)state;
    assert_true(cc_prng_next(&prng) == UINT64_C(6457827717110365317));
    assert_true(cc_prng_next(&prng) == UINT64_C(3203168211198807973));
    assert_true(cc_prng_next(&prng) == UINT64_C(9817491932198370423));
    assert_true(cc_prng_next(&prng) == UINT64_C(4593380528125082431));
    assert_true(cc_prng_next(&prng) == UINT64_C(16408922859458223821));
}

static void stays_below_its_bound_and_reaches_all_of_it(void **state)
{
    struct cc_prng prng = {1};
    unsigned seen = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t drawn = cc_prng_below(&prng, 10);

        assert_true(drawn < 10);
        seen |= 1u << drawn;
    }
    assert_int_equal(seen, 0x3ff);
    assert_true(cc_prng_below(&prng, 0) == 0);
    assert_true(cc_prng_below(&prng, 1) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_known_numbers_for_a_seed),
        cmocka_unit_test(stays_below_its_bound_and_reaches_all_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
