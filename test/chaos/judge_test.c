/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_test -- histories that three honest servers cannot have told, and some that they can.
 *
 * One client's session asks of one map; each step is told in the order in which it happened.
 */
#include "judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct cc_history *history;
static uint64_t now;

static int set_up(void **state)
{
    (void)state;
    now = 0;
    history = cc_history_create(100, 10000);
    return history == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    cc_history_destroy(history);
    return 0;
}

static struct cc_history_bytes bytes(const char *text)
{
    return (struct cc_history_bytes){text, text == NULL ? 0 : strlen(text)};
}

static size_t put(const char *key, const char *value)
{
    struct cc_history_invocation invocation = {
        .client = 1,
        .stream = 1,
        .at = ++now,
        .kind = CC_HISTORY_PUT,
        .map = 1,
        .key = bytes(key),
        .value = bytes(value),
    };

    return cc_history_invoke(history, &invocation);
}

static size_t get(const char *key, enum cc_history_level level)
{
    struct cc_history_invocation invocation = {
        .client = 1,
        .stream = 1,
        .at = ++now,
        .kind = CC_HISTORY_GET,
        .level = level,
        .map = 1,
        .key = bytes(key),
    };

    return cc_history_invoke(history, &invocation);
}

static void answer(size_t id, enum cc_history_outcome outcome, const char *value, uint64_t index)
{
    struct cc_history_answer told = {
        .at = ++now, .outcome = outcome, .index = index, .value = bytes(value)};

    cc_history_complete(history, id, &told);
}

static void write_down(const char *key, const char *value, const char *before, uint64_t index)
{
    answer(put(key, value), CC_HISTORY_OK, before, index);
}

static void read_back(
    const char *key, enum cc_history_level level, const char *value, uint64_t index)
{
    answer(get(key, level), CC_HISTORY_OK, value, index);
}

static void give_up(const char *key, const char *value)
{
    answer(put(key, value), CC_HISTORY_UNKNOWN, NULL, 0);
}

static enum cc_check_verdict verdict(void)
{
    static struct cc_check_report report;

    cc_check_report_init(&report);
    chaos_judge(history, &report);
    return report.verdict;
}

static void what_an_honest_cluster_says_is_accepted(void **state)
{
    (void)state;
    write_down("a", "1", NULL, 10);
    write_down("a", "2", "1", 11);
    read_back("a", CC_HISTORY_LINEARIZABLE, "2", 11);
    read_back("a", CC_HISTORY_EVENTUAL, "1", 10);
    read_back("a", CC_HISTORY_SEQUENTIAL, "2", 12);
    assert_int_equal(verdict(), CC_CHECK_OK);
}

static void a_lost_write_is_found(void **state)
{
    (void)state;
    write_down("a", "1", NULL, 10);
    read_back("a", CC_HISTORY_LINEARIZABLE, NULL, 12);
    assert_int_equal(verdict(), CC_CHECK_BROKEN);
}

static void a_write_that_took_effect_twice_is_found(void **state)
{
    (void)state;
    write_down("a", "1", "1", 11);
    assert_int_equal(verdict(), CC_CHECK_BROKEN);
}

static void a_session_that_goes_back_is_found(void **state)
{
    (void)state;
    write_down("a", "1", NULL, 10);
    read_back("a", CC_HISTORY_SEQUENTIAL, NULL, 9);
    assert_int_equal(verdict(), CC_CHECK_BROKEN);
}

static void a_read_that_is_not_of_its_index_is_found(void **state)
{
    (void)state;
    write_down("a", "1", NULL, 10);
    write_down("a", "2", "1", 12);
    read_back("a", CC_HISTORY_EVENTUAL, "2", 11);
    assert_int_equal(verdict(), CC_CHECK_BROKEN);
}

static void two_commands_at_one_index_are_found(void **state)
{
    (void)state;
    write_down("a", "1", NULL, 10);
    write_down("b", "2", NULL, 10);
    assert_int_equal(verdict(), CC_CHECK_BROKEN);
}

static void what_became_of_an_unknown_command_is_left_open(void **state)
{
    (void)state;
    write_down("a", "1", NULL, 10);
    give_up("a", "2");
    read_back("a", CC_HISTORY_SEQUENTIAL, "1", 10);
    read_back("a", CC_HISTORY_SEQUENTIAL, "2", 12);
    write_down("b", "3", NULL, 13);
    assert_int_equal(verdict(), CC_CHECK_OK);
}

static void order_counts_also_where_values_are_masked(void **state)
{
    (void)state;
    give_up("a", "1");
    write_down("b", "2", NULL, 13);
    read_back("a", CC_HISTORY_SEQUENTIAL, NULL, 12);
    assert_int_equal(verdict(), CC_CHECK_BROKEN);
}

static void a_command_that_is_said_to_have_failed_and_is_seen_is_found(void **state)
{
    (void)state;
    answer(put("a", "1"), CC_HISTORY_FAILED, NULL, 0);
    read_back("a", CC_HISTORY_LINEARIZABLE, "1", 12);
    assert_int_equal(verdict(), CC_CHECK_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_an_honest_cluster_says_is_accepted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lost_write_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_write_that_took_effect_twice_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_session_that_goes_back_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_read_that_is_not_of_its_index_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_commands_at_one_index_are_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            what_became_of_an_unknown_command_is_left_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            order_counts_also_where_values_are_masked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_command_that_is_said_to_have_failed_and_is_seen_is_found, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
