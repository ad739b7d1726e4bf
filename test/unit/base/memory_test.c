/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_test -- who can say no gets NULL, who cannot panics.
 */
#include "base/assert.h"
#include "base/memory.h"
#include "support/limited_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static struct limited_memory limited;

/* Ends the call that broke a promise, as the real one ends the process. */
static void panicked(const char *file, int line, const char *expression)
{
    mock_assert(0, expression, file, line);
}

static int setup(void **state)
{
    (void)state;
    limited_memory_init(&limited);
    cc_panic_set(panicked);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cc_panic_set(NULL);
    return limited.blocks == 0 ? 0 : -1;
}

static void gives_zeroed_memory(void **state)
{
    unsigned char *tried = cc_memory_try(&limited.memory, 100);
    unsigned char *taken = cc_memory_take(&limited.memory, 100);

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(tried[i], 0);
        assert_int_equal(taken[i], 0);
    }
    cc_memory_give(&limited.memory, tried);
    cc_memory_give(&limited.memory, taken);
    assert_int_equal(limited.blocks, 0);
}

static void gives_null_to_who_tries_when_there_is_none(void **state)
{
    (void)state;
    limited.bytes_max = 99;
    assert_null(cc_memory_try(&limited.memory, 100));
    assert_null(cc_memory_try(&limited.memory, 0));
}

static void panics_where_replicated_state_gets_none(void **state)
{
    unsigned char *block = cc_memory_take(&limited.memory, 50);

    (void)state;
    limited.bytes_max = 99;
    expect_assert_failure((void)cc_memory_take(&limited.memory, 100));
    expect_assert_failure((void)cc_memory_grow(&limited.memory, block, 100));
    expect_assert_failure((void)cc_memory_take(&limited.memory, 0));
    cc_memory_give(&limited.memory, block);
}

static void keeps_what_was_there_when_it_grows(void **state)
{
    unsigned char *block = cc_memory_take(&limited.memory, 3);

    (void)state;
    block[0] = 1;
    block[2] = 3;
    block = cc_memory_grow(&limited.memory, block, 1000);
    assert_int_equal(block[0], 1);
    assert_int_equal(block[1], 0);
    assert_int_equal(block[2], 3);
    cc_memory_give(&limited.memory, block);
}

static void takes_null_back(void **state)
{
    (void)state;
    cc_memory_give(&limited.memory, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gives_zeroed_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(
            gives_null_to_who_tries_when_there_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(panics_where_replicated_state_gets_none, setup, teardown),
        cmocka_unit_test_setup_teardown(keeps_what_was_there_when_it_grows, setup, teardown),
        cmocka_unit_test_setup_teardown(takes_null_back, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
