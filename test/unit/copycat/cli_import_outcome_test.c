/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_import_outcome_test -- the first reason is told, the weightiest code is returned.
 */
#include "failure.h"
#include "import_outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void an_import_without_trouble_exits_with_yes(void **state)
{
    struct cli_import_outcome outcome = {.done = 3, .stored = 2, .there = 1};

    (void)state;
    assert_int_equal(cli_import_judge(&outcome), CLI_EXIT_YES);
}

static void conflicts_exit_with_no(void **state)
{
    struct cli_import_outcome outcome = {.done = 3, .conflicts = 1};

    (void)state;
    assert_int_equal(cli_import_judge(&outcome), CLI_EXIT_NO);
}

static void the_first_reason_stays(void **state)
{
    struct cli_import_outcome outcome = {.done = 3};

    (void)state;
    cli_import_stop(&outcome, CLI_EXIT_USAGE, "line %d is bad", 4);
    cli_import_stop(&outcome, CLI_EXIT_RETRY, "line %d is late", 2);
    assert_string_equal(outcome.reason, "line 4 is bad");
    assert_int_equal(cli_import_judge(&outcome), CLI_EXIT_USAGE);
}

static void what_nobody_knows_weighs_most(void **state)
{
    struct cli_import_outcome outcome = {.done = 3, .conflicts = 1, .unknown = 1};

    (void)state;
    cli_import_stop(&outcome, CLI_EXIT_USAGE, "a bad line");
    assert_int_equal(cli_import_judge(&outcome), CLI_EXIT_UNKNOWN);
}

static void the_class_of_a_status_is_the_exit_code(void **state)
{
    (void)state;
    assert_int_equal(cli_exit_of(COPYCAT_OK), CLI_EXIT_YES);
    assert_int_equal(cli_exit_of(COPYCAT_ERR_TOO_LARGE), CLI_EXIT_USAGE);
    assert_int_equal(cli_exit_of(COPYCAT_ERR_TIMEOUT), CLI_EXIT_RETRY);
    assert_int_equal(cli_exit_of(COPYCAT_ERR_OUTCOME), CLI_EXIT_UNKNOWN);
    assert_int_equal(cli_exit_of(COPYCAT_ERR_SESSION), CLI_EXIT_RETRY);
}

static void a_line_that_is_to_be_mended_is_named_with_its_text(void **state)
{
    struct cli_import_outcome outcome = {.done = 2};
    char large[CLI_LINE_SHOWN_MAX + 1];

    (void)state;
    cli_import_stop_at_line(
        &outcome, "colors.txt", 3, "has no tab between key and value", COPYCAT_STR("C:\\x 3\x1b"));
    assert_string_equal(
        outcome.reason, "colors.txt: line 3 has no tab between key and value: C:\\x 3\\x1b");
    assert_true(outcome.is_of_input);
    assert_int_equal(cli_import_judge(&outcome), CLI_EXIT_USAGE);
    outcome = (struct cli_import_outcome){.done = 2};
    memset(large, 'k', sizeof large);
    cli_import_stop_at_line(&outcome, "f", 1, "is bad", (copycat_bytes){large, sizeof large});
    assert_int_equal(strlen(outcome.reason), strlen("f: line 1 is bad: ...") + CLI_LINE_SHOWN_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_import_without_trouble_exits_with_yes),
        cmocka_unit_test(conflicts_exit_with_no),
        cmocka_unit_test(the_first_reason_stays),
        cmocka_unit_test(what_nobody_knows_weighs_most),
        cmocka_unit_test(the_class_of_a_status_is_the_exit_code),
        cmocka_unit_test(a_line_that_is_to_be_mended_is_named_with_its_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
