/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table_test -- against an array that holds the same, in thousands of random steps.
 */
#include "base/prng.h"
#include "base/table.h"
#include "support/limited_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

#define KEYS 200u

static struct limited_memory limited;
static struct cc_table table;
static int values[KEYS];
static bool is_in[KEYS];

static int setup(void **state)
{
    (void)state;
    limited_memory_init(&limited);
    cc_table_init(&table, &limited.memory);
    for (uint32_t i = 0; i < KEYS; i++) {
        is_in[i] = false;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cc_table_deinit(&table);
    return limited.blocks == 0 ? 0 : -1;
}

/* Half of the keys follow one another, half are spread. */
static uint64_t key_of(uint32_t place)
{
    struct cc_prng prng = {place};

    return place % 2 == 0 ? place + 1u : cc_prng_next(&prng) | 1u << 20;
}

static void check(void)
{
    uint32_t cursor = 0;
    uint32_t walked = 0;
    uint32_t expected = 0;

    for (uint32_t i = 0; i < KEYS; i++) {
        assert_ptr_equal(cc_table_get(&table, key_of(i)), is_in[i] ? &values[i] : NULL);
        expected += is_in[i];
    }
    for (const int *value; (value = cc_table_next(&table, &cursor)) != NULL; walked++) {
        assert_true(is_in[value - values]);
    }
    assert_int_equal(walked, expected);
    assert_int_equal(table.count, expected);
}

static void holds_what_was_put_and_not_removed(void **state)
{
    struct cc_prng prng = {42};

    (void)state;
    for (uint32_t step = 0; step < 20000; step++) {
        uint32_t place = (uint32_t)cc_prng_below(&prng, KEYS);
        bool grows = cc_prng_below(&prng, 100) < (step / 2000 % 2 == 0 ? 70u : 30u);

        if (!is_in[place] && grows) {
            cc_table_put(&table, key_of(place), &values[place]);
            is_in[place] = true;
        } else if (!grows) {
            assert_ptr_equal(
                cc_table_remove(&table, key_of(place)), is_in[place] ? &values[place] : NULL);
            is_in[place] = false;
        }
        if (step % 50 == 0) {
            check();
        }
    }
    check();
}

static void is_empty_without_memory(void **state)
{
    uint32_t cursor = 0;

    (void)state;
    assert_int_equal(limited.blocks, 0);
    assert_null(cc_table_get(&table, 1));
    assert_null(cc_table_remove(&table, 1));
    assert_null(cc_table_next(&table, &cursor));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(holds_what_was_put_and_not_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(is_empty_without_memory, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
