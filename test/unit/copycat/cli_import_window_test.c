/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_import_window_test -- lines on their way keep their order and their places.
 */
#include "import_window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct cli_window window;

static int begin(void **state)
{
    (void)state;
    cli_window_init(&window);
    return 0;
}

static int end(void **state)
{
    (void)state;
    cli_window_deinit(&window);
    return 0;
}

static struct cli_slot *add(uint64_t line)
{
    char key[32];

    snprintf(key, sizeof key, "key %u", (unsigned)line);
    return cli_window_add(&window, line, copycat_str(key), COPYCAT_STR("value"));
}

static struct cli_slot *send_next(void)
{
    struct cli_slot *slot = cli_window_due(&window, 0);

    assert_non_null(slot);
    cli_window_sent(&window, slot);
    return slot;
}

static void a_line_is_held_until_it_is_done(void **state)
{
    struct cli_slot *slot = add(1);

    (void)state;
    assert_true(cli_window_holds(&window, COPYCAT_STR("key 1")));
    assert_false(cli_window_holds(&window, COPYCAT_STR("key")));
    assert_memory_equal(cli_slot_key(slot).data, "key 1", 5);
    assert_memory_equal(cli_slot_value(slot).data, "value", 5);
    assert_ptr_equal(send_next(), slot);
    assert_null(cli_window_due(&window, 0));
    assert_true(cli_window_holds(&window, COPYCAT_STR("key 1")));
    cli_window_done(&window, slot);
    assert_false(cli_window_holds(&window, COPYCAT_STR("key 1")));
    assert_true(cli_window_is_empty(&window));
}

static void a_line_that_is_done_early_keeps_its_place(void **state)
{
    struct cli_slot *first;
    struct cli_slot *second;

    (void)state;
    add(1);
    add(2);
    first = send_next();
    second = send_next();
    cli_window_done(&window, second);
    assert_false(cli_window_is_empty(&window));
    assert_false(cli_window_holds(&window, COPYCAT_STR("key 2")));
    cli_window_done(&window, first);
    assert_true(cli_window_is_empty(&window)); /* W2 */
}

static void what_is_sent_again_goes_in_the_order_of_the_file(void **state)
{
    struct cli_slot *slots[3];

    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        add(i + 1);
        slots[i] = send_next();
    }
    cli_window_again(&window, slots[2], 100);
    cli_window_again(&window, slots[0], 200);
    assert_null(cli_window_due(&window, 99));
    assert_ptr_equal(cli_window_due(&window, 100), slots[2]);
    assert_ptr_equal(cli_window_due(&window, 200), slots[0]);
}

static void it_is_full_and_goes_round(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < CLI_WINDOW_MAX; i++) {
        assert_false(cli_window_is_full(&window));
        add(i);
        (void)send_next();
    }
    assert_true(cli_window_is_full(&window));
    for (uint64_t i = 0; i < 3 * CLI_WINDOW_MAX; i++) {
        struct cli_slot *oldest = &window.slots[window.first % CLI_WINDOW_MAX];
        struct cli_slot *added;

        assert_int_equal(oldest->line, i);
        assert_ptr_equal(cli_window_slot(&window, cli_window_tag(&window, oldest)), oldest);
        cli_window_done(&window, oldest);
        added = add(i + CLI_WINDOW_MAX);
        assert_ptr_equal(send_next(), added);
    }
    assert_true(cli_window_is_full(&window));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_is_held_until_it_is_done, begin, end),
        cmocka_unit_test_setup_teardown(a_line_that_is_done_early_keeps_its_place, begin, end),
        cmocka_unit_test_setup_teardown(
            what_is_sent_again_goes_in_the_order_of_the_file, begin, end),
        cmocka_unit_test_setup_teardown(it_is_full_and_goes_round, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
