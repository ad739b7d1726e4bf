/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linear_test -- histories that have an order, and histories that have none.
 */
#include "sim/check/linear.h"
#include "test/unit/sim_check/story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct cc_check_report report;

static enum cc_check_verdict verdict_of(const struct story *story)
{
    cc_check_report_init(&report);
    cc_check_linear(story->history, NULL, &report);
    assert_true((report.verdict == CC_CHECK_OK) == (report.text[0] == '\0'));
    return report.verdict;
}

static void ends_with(struct story *story, enum cc_check_verdict verdict)
{
    if (verdict_of(story) != verdict) {
        print_message("%s", report.text);
    }
    assert_int_equal(report.verdict, verdict);
    story_end(story);
}

static void does(
    struct story *story,
    uint64_t client,
    enum cc_history_kind kind,
    const char *key,
    const char *value,
    const char *result)
{
    told(story, asks(story, client, kind, key, value), result);
}

static void one_client_alone_is_in_order(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    does(&story, 1, CC_HISTORY_PUT, "k", "a", NULL);
    does(&story, 1, CC_HISTORY_GET, "k", NULL, "a");
    does(&story, 1, CC_HISTORY_PUT_IF_ABSENT, "k", "b", "a");
    does(&story, 1, CC_HISTORY_REPLACE, "k", "c", "a");
    told_flag(&story, asks_cas(&story, 1, "k", "c", "d"), true);
    told_flag(&story, asks_cas(&story, 1, "k", "c", "e"), false);
    does(&story, 1, CC_HISTORY_REMOVE, "k", NULL, "d");
    does(&story, 1, CC_HISTORY_REPLACE, "k", "f", NULL);
    told_flag(&story, asks(&story, 1, CC_HISTORY_CONTAINS, "k", NULL), false);
    ends_with(&story, CC_CHECK_OK);
    assert_int_equal(report.judged, 9);
}

static void a_stale_read_is_found(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    does(&story, 1, CC_HISTORY_PUT, "k", "a", NULL);
    does(&story, 1, CC_HISTORY_PUT, "k", "b", "a");
    does(&story, 2, CC_HISTORY_GET, "k", NULL, "a");
    ends_with(&story, CC_CHECK_BROKEN);
}

static void the_same_read_is_right_while_the_write_is_under_way(void **state)
{
    struct story story;
    size_t put;

    (void)state;
    story_begin(&story);
    does(&story, 1, CC_HISTORY_PUT, "k", "a", NULL);
    put = asks(&story, 1, CC_HISTORY_PUT, "k", "b");
    does(&story, 2, CC_HISTORY_GET, "k", NULL, "a");
    told(&story, put, "a");
    ends_with(&story, CC_CHECK_OK);
}

static void a_read_may_not_go_back_while_a_write_is_under_way(void **state)
{
    struct story story;
    size_t put;

    (void)state;
    story_begin(&story);
    put = asks(&story, 1, CC_HISTORY_PUT, "k", "b");
    does(&story, 2, CC_HISTORY_GET, "k", NULL, "b");
    does(&story, 3, CC_HISTORY_GET, "k", NULL, NULL);
    told(&story, put, NULL);
    ends_with(&story, CC_CHECK_BROKEN);
}

static void a_lost_update_is_found(void **state)
{
    struct story story;
    size_t first;
    size_t second;

    (void)state;
    story_begin(&story);
    does(&story, 1, CC_HISTORY_PUT, "k", "a", NULL);
    first = asks_cas(&story, 1, "k", "a", "b");
    second = asks_cas(&story, 2, "k", "a", "c");
    told_flag(&story, first, true);
    told_flag(&story, second, true);
    ends_with(&story, CC_CHECK_BROKEN);
}

static void a_command_applied_twice_is_found(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    does(&story, 1, CC_HISTORY_PUT, "k", "a", "a");
    ends_with(&story, CC_CHECK_BROKEN);
}

static void a_value_that_nobody_wrote_is_found(void **state)
{
    struct story story;
    size_t put;

    (void)state;
    story_begin(&story);
    put = asks(&story, 1, CC_HISTORY_PUT, "k", "a");
    does(&story, 2, CC_HISTORY_GET, "k", NULL, "z");
    told(&story, put, NULL);
    ends_with(&story, CC_CHECK_BROKEN);
}

static void an_unknown_outcome_may_take_effect_late(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    told_unknown(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "late"));
    does(&story, 2, CC_HISTORY_PUT, "k", "a", NULL);
    does(&story, 2, CC_HISTORY_GET, "k", NULL, "a");
    does(&story, 2, CC_HISTORY_GET, "k", NULL, "late");
    ends_with(&story, CC_CHECK_OK);
}

static void an_unknown_outcome_may_never_take_effect(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    told_unknown(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "never"));
    (void)asks(&story, 3, CC_HISTORY_REMOVE, "k", NULL);
    does(&story, 2, CC_HISTORY_GET, "k", NULL, NULL);
    does(&story, 2, CC_HISTORY_PUT_IF_ABSENT, "k", "a", NULL);
    does(&story, 2, CC_HISTORY_GET, "k", NULL, "a");
    ends_with(&story, CC_CHECK_OK);
}

static void an_unknown_outcome_takes_effect_only_once(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    told_unknown(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "late"));
    does(&story, 2, CC_HISTORY_GET, "k", NULL, "late");
    does(&story, 2, CC_HISTORY_PUT, "k", "a", "late");
    does(&story, 2, CC_HISTORY_GET, "k", NULL, "late");
    ends_with(&story, CC_CHECK_BROKEN);
}

static void an_unknown_outcome_has_no_effect_before_its_invocation(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    does(&story, 2, CC_HISTORY_GET, "k", NULL, "early");
    told_unknown(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "early"));
    ends_with(&story, CC_CHECK_BROKEN);
}

static void a_definite_failure_has_no_effect(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    told_failed(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "a"));
    does(&story, 2, CC_HISTORY_GET, "k", NULL, "a");
    ends_with(&story, CC_CHECK_BROKEN);
}

static void weaker_reads_are_judged_by_others(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    does(&story, 1, CC_HISTORY_PUT, "k", "a", NULL);
    told(&story, asks_at_level(&story, 2, CC_HISTORY_GET, CC_HISTORY_SEQUENTIAL, "k"), NULL);
    told(&story, asks_at_level(&story, 2, CC_HISTORY_GET, CC_HISTORY_EVENTUAL, "k"), NULL);
    assert_int_equal(verdict_of(&story), CC_CHECK_OK);
    told(&story, asks_at_level(&story, 2, CC_HISTORY_GET, CC_HISTORY_LEASE, "k"), NULL);
    ends_with(&story, CC_CHECK_BROKEN);
}

static void a_cleared_value_does_not_come_back(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    does(&story, 1, CC_HISTORY_PUT, "k", "a", NULL);
    does(&story, 1, CC_HISTORY_CLEAR, NULL, NULL, NULL);
    does(&story, 2, CC_HISTORY_GET, "k", NULL, "a");
    ends_with(&story, CC_CHECK_BROKEN);
}

/* Each key for itself could be explained, by two different times of the one clear. */
static void a_clear_falls_at_one_time_for_all_keys(void **state)
{
    struct story story;
    struct cc_check_linear_options options = {.whole_map_max = 3};
    size_t clear;

    (void)state;
    story_begin(&story);
    does(&story, 1, CC_HISTORY_PUT, "k", "a", NULL);
    does(&story, 1, CC_HISTORY_PUT, "l", "b", NULL);
    clear = asks(&story, 1, CC_HISTORY_CLEAR, NULL, NULL);
    does(&story, 2, CC_HISTORY_GET, "k", NULL, NULL);
    does(&story, 2, CC_HISTORY_GET, "l", NULL, "b");
    told(&story, clear, NULL);
    cc_check_report_init(&report);
    cc_check_linear(story.history, &options, &report);
    assert_int_equal(report.verdict, CC_CHECK_OK);
    assert_int_equal(report.skipped, 1);
    ends_with(&story, CC_CHECK_BROKEN);
}

static void a_size_that_never_was_is_found(void **state)
{
    struct story story;
    size_t put;

    (void)state;
    story_begin(&story);
    does(&story, 1, CC_HISTORY_PUT, "k", "a", NULL);
    put = asks(&story, 1, CC_HISTORY_PUT, "l", "b");
    told_count(&story, asks(&story, 2, CC_HISTORY_SIZE, NULL, NULL), 2);
    assert_int_equal(verdict_of(&story), CC_CHECK_OK);
    told_count(&story, asks(&story, 2, CC_HISTORY_SIZE, NULL, NULL), 1);
    told(&story, put, NULL);
    ends_with(&story, CC_CHECK_BROKEN);
}

static void keys_are_a_set_at_one_time(void **state)
{
    static const char *const both[] = {"l", "k"};
    static const char *const twice[] = {"k", "k"};
    struct story story;

    (void)state;
    story_begin(&story);
    does(&story, 1, CC_HISTORY_PUT, "k", "a", NULL);
    does(&story, 1, CC_HISTORY_PUT, "l", "b", NULL);
    told_keys(&story, asks(&story, 2, CC_HISTORY_KEYS, NULL, NULL), both, 2);
    assert_int_equal(verdict_of(&story), CC_CHECK_OK);
    told_keys(&story, asks(&story, 2, CC_HISTORY_KEYS, NULL, NULL), twice, 2);
    ends_with(&story, CC_CHECK_BROKEN);
}

static void the_explanation_ends_with_the_first_wrong_answer(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    does(&story, 1, CC_HISTORY_PUT, "key of interest", "a", NULL);
    does(&story, 2, CC_HISTORY_GET, "key of interest", NULL, NULL);
    does(&story, 3, CC_HISTORY_PUT, "key of interest", "unconcerned", "a");
    does(&story, 3, CC_HISTORY_PUT, "other key", "b", NULL);
    for (size_t i = 0; i < 5; i++) {
        does(&story, 3, CC_HISTORY_GET, "key of interest", NULL, "unconcerned");
    }
    assert_int_equal(verdict_of(&story), CC_CHECK_BROKEN);
    assert_non_null(strstr(report.text, "key \"key of interest\""));
    assert_non_null(strstr(report.text, "these 2 operations"));
    assert_non_null(strstr(report.text, "that of #1;"));
    assert_non_null(strstr(report.text, "get(map 1, \"key of interest\") -> absent"));
    assert_null(strstr(report.text, "unconcerned"));
    story_end(&story);
}

static void giving_up_is_no_success(void **state)
{
    struct cc_check_linear_options options = {.steps_max = 10};
    struct story story;
    size_t puts[16];
    char value[16];

    (void)state;
    story_begin(&story);
    for (size_t i = 0; i < 16; i++) {
        snprintf(value, sizeof value, "v%zu", i);
        puts[i] = asks(&story, i, CC_HISTORY_PUT, "k", value);
    }
    for (size_t i = 0; i < 16; i++) {
        snprintf(value, sizeof value, "v%zu", (i + 15) % 16);
        told(&story, puts[i], value);
    }
    cc_check_report_init(&report);
    cc_check_linear(story.history, &options, &report);
    assert_int_equal(report.verdict, CC_CHECK_UNKNOWN);
    ends_with(&story, CC_CHECK_BROKEN);
}

static void an_incomplete_history_is_no_success(void **state)
{
    struct story story = {.history = cc_history_create(1, 100)};

    (void)state;
    does(&story, 1, CC_HISTORY_PUT, "k", "a", NULL);
    assert_int_equal(verdict_of(&story), CC_CHECK_OK);
    does(&story, 1, CC_HISTORY_PUT, "k", "b", "a");
    ends_with(&story, CC_CHECK_UNKNOWN);
}

/* The size that simulated runs have: it has to stay far from the budget. */
static void long_histories_with_many_unknown_outcomes_are_judged(void **state)
{
    struct story story;
    char value[16];
    char before[16] = "";
    size_t round = 0;

    (void)state;
    story_begin(&story);
    for (; round < 150; round++) {
        size_t put;

        snprintf(value, sizeof value, "v%zu", round);
        put = asks(&story, 1, CC_HISTORY_PUT, "k", value);
        if (round % 10 == 9) {
            snprintf(value, sizeof value, "u%zu", round);
            told_unknown(&story, asks(&story, 2, CC_HISTORY_PUT, "k", value));
        }
        does(&story, 3, CC_HISTORY_GET, "k", NULL, round == 0 ? NULL : before);
        told(&story, put, round == 0 ? NULL : before);
        snprintf(before, sizeof before, "v%zu", round);
    }
    assert_int_equal(verdict_of(&story), CC_CHECK_OK);
    assert_true(report.steps < 100000);
    does(&story, 3, CC_HISTORY_GET, "k", NULL, "v20");
    ends_with(&story, CC_CHECK_BROKEN);
    print_message("%llu steps\n", (unsigned long long)report.steps);
}

/* ---- with the log as a proposal --------------------------------------------------------------- */

static enum cc_check_verdict verdict_with(
    const struct story *story, const uint64_t *places, uint64_t steps_max)
{
    struct cc_check_linear_options options = {.places = places, .steps_max = steps_max};

    cc_check_report_init(&report);
    cc_check_linear(story->history, &options, &report);
    return report.verdict;
}

static void an_order_that_holds_needs_no_search(void **state)
{
    struct story story;
    size_t first;
    size_t second;

    (void)state;
    story_begin(&story);
    first = asks(&story, 1, CC_HISTORY_PUT, "k", "a");
    second = asks(&story, 2, CC_HISTORY_PUT, "k", "b");
    told(&story, second, "a");
    told(&story, first, NULL);
    assert_int_equal(verdict_with(&story, (const uint64_t[]){7, 8}, 1), CC_CHECK_OK);
    assert_int_equal(report.steps, 0);
    assert_int_equal(report.judged, 2);
    story_end(&story);
}

static void an_order_that_does_not_hold_is_not_believed(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    does(&story, 1, CC_HISTORY_PUT, "k", "a", NULL);
    does(&story, 2, CC_HISTORY_PUT, "k", "b", "a");
    assert_int_equal(verdict_with(&story, (const uint64_t[]){8, 7}, 100), CC_CHECK_OK);
    assert_true(report.steps > 0); /* the search has found another */
    assert_int_equal(verdict_with(&story, (const uint64_t[]){7, 0}, 100), CC_CHECK_OK);
    assert_true(report.steps > 0);
    story_end(&story);
}

static void no_order_makes_a_stale_read_right(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    does(&story, 1, CC_HISTORY_PUT, "k", "a", NULL);
    does(&story, 1, CC_HISTORY_PUT, "k", "b", "a");
    does(&story, 2, CC_HISTORY_GET, "k", NULL, "a");

    /* It is what the log had at 7, but 8 was answered before the read began. */
    assert_int_equal(verdict_with(&story, (const uint64_t[]){7, 8, 7}, 100), CC_CHECK_BROKEN);
    story_end(&story);
}

static void an_unanswered_write_stands_where_the_log_has_it(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    told_unknown(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "a"));
    does(&story, 2, CC_HISTORY_GET, "k", NULL, NULL);
    does(&story, 2, CC_HISTORY_GET, "k", NULL, "a");
    assert_int_equal(verdict_with(&story, (const uint64_t[]){9, 8, 9}, 1), CC_CHECK_OK);
    assert_int_equal(report.steps, 0);
    story_end(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_client_alone_is_in_order),
        cmocka_unit_test(a_stale_read_is_found),
        cmocka_unit_test(the_same_read_is_right_while_the_write_is_under_way),
        cmocka_unit_test(a_read_may_not_go_back_while_a_write_is_under_way),
        cmocka_unit_test(a_lost_update_is_found),
        cmocka_unit_test(a_command_applied_twice_is_found),
        cmocka_unit_test(a_value_that_nobody_wrote_is_found),
        cmocka_unit_test(an_unknown_outcome_may_take_effect_late),
        cmocka_unit_test(an_unknown_outcome_may_never_take_effect),
        cmocka_unit_test(an_unknown_outcome_takes_effect_only_once),
        cmocka_unit_test(an_unknown_outcome_has_no_effect_before_its_invocation),
        cmocka_unit_test(a_definite_failure_has_no_effect),
        cmocka_unit_test(weaker_reads_are_judged_by_others),
        cmocka_unit_test(a_cleared_value_does_not_come_back),
        cmocka_unit_test(a_clear_falls_at_one_time_for_all_keys),
        cmocka_unit_test(a_size_that_never_was_is_found),
        cmocka_unit_test(keys_are_a_set_at_one_time),
        cmocka_unit_test(the_explanation_ends_with_the_first_wrong_answer),
        cmocka_unit_test(giving_up_is_no_success),
        cmocka_unit_test(an_incomplete_history_is_no_success),
        cmocka_unit_test(long_histories_with_many_unknown_outcomes_are_judged),
        cmocka_unit_test(an_order_that_holds_needs_no_search),
        cmocka_unit_test(an_order_that_does_not_hold_is_not_believed),
        cmocka_unit_test(no_order_makes_a_stale_read_right),
        cmocka_unit_test(an_unanswered_write_stands_where_the_log_has_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
