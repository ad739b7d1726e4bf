/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_progress_test -- how far it is, how fast, and for how long nothing has come.
 */
#include "progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static char text[160];

static const char *formatted(const struct cli_progress *progress, uint64_t now_ms)
{
    cli_progress_format(progress, now_ms, text, sizeof text);
    return text;
}

static void the_bar_grows_with_what_is_done(void **state)
{
    struct cli_progress progress;

    (void)state;
    cli_progress_init(&progress, 1000, NULL, false);
    progress.total = 200;
    assert_string_equal(formatted(&progress, 1000), "[........................]   0%  0/200  0/s");
    cli_progress_note(&progress, 1500, 100, true);
    assert_string_equal(
        formatted(&progress, 2000 - 500), "[############............]  50%  100/200  200/s");
    cli_progress_note(&progress, 2000, 200, false);
    assert_string_equal(
        formatted(&progress, 2000), "[########################] 100%  200/200  200/s");
}

static void without_a_total_lines_are_counted(void **state)
{
    struct cli_progress progress;

    (void)state;
    cli_progress_init(&progress, 0, NULL, false);
    cli_progress_note(&progress, 500, 20, false);
    assert_string_equal(formatted(&progress, 1000), "20 lines  20/s");
}

static void more_than_the_total_is_no_more_than_all(void **state)
{
    struct cli_progress progress;

    (void)state;
    cli_progress_init(&progress, 0, NULL, false);
    progress.total = 10; /* the file has grown since it was counted */
    cli_progress_note(&progress, 1000, 20, false);
    assert_string_equal(formatted(&progress, 1000), "[########################] 100%  20/20  20/s");
}

static void an_outage_is_told_while_something_is_waited_for(void **state)
{
    struct cli_progress progress;

    (void)state;
    cli_progress_init(&progress, 0, NULL, false);
    cli_progress_note(&progress, 1000, 10, true);
    assert_null(strstr(formatted(&progress, 1200), "waiting"));
    assert_non_null(strstr(formatted(&progress, 2250), "waiting 1.2 s"));
    cli_progress_note(&progress, 2300, 11, true);
    assert_null(strstr(formatted(&progress, 2300), "waiting"));
    assert_int_equal(progress.longest_pause_ms, 1300);
}

static void waiting_for_input_is_no_outage(void **state)
{
    struct cli_progress progress;

    (void)state;
    cli_progress_init(&progress, 0, NULL, false);
    cli_progress_note(&progress, 100, 10, false);
    cli_progress_note(&progress, 9000, 10, true);
    cli_progress_note(&progress, 9100, 11, false);
    assert_null(strstr(formatted(&progress, 20000), "waiting"));
    assert_int_equal(progress.longest_pause_ms, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bar_grows_with_what_is_done),
        cmocka_unit_test(without_a_total_lines_are_counted),
        cmocka_unit_test(more_than_the_total_is_no_more_than_all),
        cmocka_unit_test(an_outage_is_told_while_something_is_waited_for),
        cmocka_unit_test(waiting_for_input_is_no_outage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
