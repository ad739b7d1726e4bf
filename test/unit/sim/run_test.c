/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_test -- a seed is a run: the same, bit for bit, whenever it is asked for.
 */
#include "sim/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct cc_run_result run_of(uint64_t seed)
{
    struct cc_run_options options = {.seed = seed};
    struct cc_run_result result;

    cc_run(&options, &result);
    return result;
}

static void the_same_seed_is_the_same_run(void **state)
{
    struct cc_run_result first = run_of(3);
    struct cc_run_result second = run_of(3);

    (void)state;
    assert_true(first.has_passed);
    assert_int_equal(first.trace, second.trace);
    assert_int_equal(first.world.events, second.world.events);
}

static void another_seed_is_another_run(void **state)
{
    (void)state;
    assert_int_not_equal(run_of(3).trace, run_of(4).trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_is_the_same_run),
        cmocka_unit_test(another_seed_is_another_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
