/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_histogram_test -- quantiles of what is known.
 */
#include "bench_histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct bench_histogram histogram;

static int clear(void **state)
{
    (void)state;
    memset(&histogram, 0, sizeof histogram);
    return 0;
}

static void has_no_quantile_without_values(void **state)
{
    (void)state;
    assert_int_equal(bench_histogram_quantile(&histogram, 500), 0);
}

static void keeps_small_values_as_they_are(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < 100; value++) {
        bench_histogram_add(&histogram, value);
    }
    for (uint32_t thousandths = 0; thousandths < 1000; thousandths += 10) {
        assert_int_equal(bench_histogram_quantile(&histogram, thousandths), thousandths / 10);
    }
}

static void is_at_most_a_64th_too_low(void **state)
{
    (void)state;
    for (uint64_t value = 1; value < UINT64_MAX / 7; value = value * 3 + 1) {
        uint64_t told;

        memset(&histogram, 0, sizeof histogram);
        bench_histogram_add(&histogram, value);
        told = bench_histogram_quantile(&histogram, 500);
        assert_true(told <= value);
        assert_true(value - told <= value / 64);
    }
}

static void tells_the_rare_from_the_usual(void **state)
{
    (void)state;
    for (int i = 0; i < 9980; i++) {
        bench_histogram_add(&histogram, 64);
    }
    for (int i = 0; i < 20; i++) {
        bench_histogram_add(&histogram, 1 << 20);
    }
    assert_int_equal(bench_histogram_quantile(&histogram, 990), 64);
    assert_int_equal(bench_histogram_quantile(&histogram, 999), 1 << 20);
    assert_int_equal(histogram.max, 1 << 20);
}

static void has_room_for_the_greatest(void **state)
{
    (void)state;
    bench_histogram_add(&histogram, UINT64_MAX);
    assert_true(bench_histogram_quantile(&histogram, 500) > UINT64_MAX / 64 * 63);
    assert_true(histogram.max == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(has_no_quantile_without_values, clear),
        cmocka_unit_test_setup(keeps_small_values_as_they_are, clear),
        cmocka_unit_test_setup(is_at_most_a_64th_too_low, clear),
        cmocka_unit_test_setup(tells_the_rare_from_the_usual, clear),
        cmocka_unit_test_setup(has_room_for_the_greatest, clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
