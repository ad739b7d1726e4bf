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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_import_without_trouble_exits_with_yes),
        cmocka_unit_test(conflicts_exit_with_no),
        cmocka_unit_test(the_first_reason_stays),
        cmocka_unit_test(what_nobody_knows_weighs_most),
        cmocka_unit_test(the_class_of_a_status_is_the_exit_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
