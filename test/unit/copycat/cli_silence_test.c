/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_silence_test -- when who waits is told; the servers are none, so that nobody is asked.
 */
#include "silence.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct cli_arguments arguments;
static struct cli_silence silence;

static int begin(void **state)
{
    (void)state;
    arguments = (struct cli_arguments){.servers = "none"};
    cli_silence_begin(&silence, &arguments, 1000);
    return 0;
}

/* Watches as whoever waits does: whenever something is due. */
static void watch_until(uint64_t now_ms)
{
    for (uint64_t at_ms = silence.since_ms; at_ms <= now_ms; at_ms += 50) {
        if (cli_silence_due_ms(&silence, at_ms) == 0) {
            cli_silence_watch(&silence, at_ms);
        }
    }
}

static void the_servers_are_asked_after_600_ms_and_who_waits_is_told_at_the_next_look(void **state)
{
    (void)state;
    assert_int_equal(cli_silence_due_ms(&silence, 1000), 600);
    cli_silence_watch(&silence, 1599);
    assert_int_equal(silence.state, CLI_SILENCE_LISTENING);
    assert_int_equal(cli_silence_due_ms(&silence, 1599), 1);
    cli_silence_watch(&silence, 1600);
    assert_int_equal(silence.state, CLI_SILENCE_ASKED);
    assert_int_equal(cli_silence_due_ms(&silence, 2100), 0);
    cli_silence_watch(&silence, 2100);
    assert_int_equal(silence.state, CLI_SILENCE_TOLD);
}

static void it_is_told_once(void **state)
{
    (void)state;
    watch_until(3000);
    assert_int_equal(silence.state, CLI_SILENCE_TOLD);
    assert_true(cli_silence_due_ms(&silence, 1000000) == COPYCAT_NONE);
}

static void an_answer_that_comes_while_the_servers_are_asked_saves_the_words(void **state)
{
    (void)state;
    cli_silence_watch(&silence, 1600);
    assert_int_equal(silence.state, CLI_SILENCE_ASKED);
    cli_silence_break(&silence, 2000);
    assert_int_equal(cli_silence_due_ms(&silence, 2000), 600);
}

static void the_next_silence_is_told_again(void **state)
{
    (void)state;
    watch_until(3000);
    cli_silence_break(&silence, 5000);
    assert_int_equal(silence.state, CLI_SILENCE_LISTENING);
    watch_until(7000);
    assert_int_equal(silence.state, CLI_SILENCE_TOLD);
}

static void a_wait_that_is_over_soon_needs_no_words(void **state)
{
    (void)state;
    arguments.timeout_ms = 1499;
    assert_true(cli_silence_due_ms(&silence, 2499) == COPYCAT_NONE);
    arguments.timeout_ms = 1500;
    assert_int_equal(cli_silence_due_ms(&silence, 2499), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(
            the_servers_are_asked_after_600_ms_and_who_waits_is_told_at_the_next_look, begin),
        cmocka_unit_test_setup(it_is_told_once, begin),
        cmocka_unit_test_setup(
            an_answer_that_comes_while_the_servers_are_asked_saves_the_words, begin),
        cmocka_unit_test_setup(the_next_silence_is_told_again, begin),
        cmocka_unit_test_setup(a_wait_that_is_over_soon_needs_no_words, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
