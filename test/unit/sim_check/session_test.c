/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_test -- each promise of a session, kept and broken.
 */
#include "sim/check/linear.h"
#include "sim/check/session.h"
#include "test/unit/sim_check/story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LOG_MAX 16u

struct log {
    struct cc_check_applied applied[LOG_MAX];
    size_t count;
};

static struct cc_check_report report;

static void begin(struct story *story, struct log *log)
{
    story_begin(story);
    log->count = 0;
}

static enum cc_check_verdict verdict_of(const struct story *story, const struct log *log)
{
    cc_check_report_init(&report);
    cc_check_session(story->history, log->applied, log->count, &report);
    return report.verdict;
}

static void is_right(struct story *story, const struct log *log)
{
    if (verdict_of(story, log) != CC_CHECK_OK) {
        print_message("%s", report.text);
    }
    assert_int_equal(report.verdict, CC_CHECK_OK);
    assert_int_equal(report.text_size, 0);
    story_end(story);
}

/* The complaint begins with the word for the broken promise. */
static void breaks(struct story *story, const struct log *log, const char *promise)
{
    assert_int_equal(verdict_of(story, log), CC_CHECK_BROKEN);
    if (strncmp(report.text, promise, strlen(promise)) != 0) {
        print_message("%s", report.text);
    }
    assert_int_equal(strncmp(report.text, promise, strlen(promise)), 0);
    story_end(story);
}

static size_t numbered(struct story *story, size_t id, uint64_t sequence)
{
    cc_history_number(story->history, id, sequence);
    return id;
}

static void applies(struct log *log, const struct story *story, size_t id, uint64_t index)
{
    const struct cc_history_operation *operation = cc_history_at(story->history, id);

    log->applied[log->count++] = (struct cc_check_applied){
        .index = index,
        .client = operation->client,
        .sequence = operation->sequence,
        .fingerprint = operation->fingerprint,
        .has_effect = true,
    };
}

static void puts_at(
    struct story *story,
    struct log *log,
    uint64_t client,
    uint64_t sequence,
    const char *value,
    const char *before,
    uint64_t index)
{
    size_t put = numbered(story, asks(story, client, CC_HISTORY_PUT, "k", value), sequence);

    applies(log, story, put, index);
    told_at(story, put, before, index);
}

static void reads_at(
    struct story *story,
    uint64_t client,
    enum cc_history_level level,
    const char *value,
    uint64_t index)
{
    told_at(story, asks_at_level(story, client, CC_HISTORY_GET, level, "k"), value, index);
}

static void a_faithful_run_is_right(void **state)
{
    struct story story;
    struct log log;
    size_t late;

    (void)state;
    begin(&story, &log);
    puts_at(&story, &log, 1, 1, "a", NULL, 10);
    late = numbered(&story, asks(&story, 2, CC_HISTORY_PUT, "k", "late"), 1);
    told_unknown(&story, late);
    puts_at(&story, &log, 1, 2, "b", "a", 12);
    reads_at(&story, 3, CC_HISTORY_LINEARIZABLE, "b", 13);
    applies(&log, &story, late, 20);
    reads_at(&story, 3, CC_HISTORY_SEQUENTIAL, "late", 20);
    reads_at(&story, 4, CC_HISTORY_SEQUENTIAL, "a", 11);
    reads_at(&story, 4, CC_HISTORY_EVENTUAL, NULL, 9);
    reads_at(&story, 4, CC_HISTORY_SEQUENTIAL, "a", 11);
    is_right(&story, &log);
    assert_int_equal(report.judged, 7);
}

static void every_server_may_tell_of_the_same_log(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    begin(&story, &log);
    puts_at(&story, &log, 1, 1, "a", NULL, 10);
    log.applied[log.count++] = log.applied[0];
    is_right(&story, &log);
}

static void servers_that_tell_of_different_logs_are_found(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    begin(&story, &log);
    puts_at(&story, &log, 1, 1, "a", NULL, 10);
    log.applied[log.count] = log.applied[0];
    log.applied[log.count++].fingerprint++;
    breaks(&story, &log, "once: two different");
}

static void a_repeated_command_without_effect_is_right(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    begin(&story, &log);
    puts_at(&story, &log, 1, 1, "a", NULL, 10);
    log.applied[log.count] = log.applied[0];
    log.applied[log.count].index = 11;
    log.applied[log.count++].has_effect = false;
    is_right(&story, &log);
}

static void a_command_applied_twice_is_found(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    begin(&story, &log);
    puts_at(&story, &log, 1, 1, "a", NULL, 10);
    log.applied[log.count] = log.applied[0];
    log.applied[log.count++].index = 11;
    breaks(&story, &log, "once: this command took effect before, and again");
}

static void a_command_that_nobody_gave_is_found(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    begin(&story, &log);
    puts_at(&story, &log, 1, 1, "a", NULL, 10);
    log.applied[log.count] = log.applied[0];
    log.applied[log.count].index = 11;
    log.applied[log.count++].sequence = 2;
    breaks(&story, &log, "once: index 11 has sequence 2");
}

static void a_command_that_changed_on_its_way_is_found(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    begin(&story, &log);
    puts_at(&story, &log, 1, 1, "a", NULL, 10);
    log.applied[0].fingerprint ^= 1;
    breaks(&story, &log, "once: this command is not what was applied");
}

static void a_failure_that_took_effect_is_found(void **state)
{
    struct story story;
    struct log log;
    size_t put;

    (void)state;
    begin(&story, &log);
    put = numbered(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "a"), 1);
    told_failed(&story, put);
    assert_int_equal(verdict_of(&story, &log), CC_CHECK_OK);
    applies(&log, &story, put, 10);
    breaks(&story, &log, "once: this command failed");
}

static void one_sequence_for_two_commands_is_found(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    begin(&story, &log);
    puts_at(&story, &log, 1, 1, "a", NULL, 10);
    (void)numbered(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "b"), 1);
    breaks(&story, &log, "once: two commands have one sequence");
}

static void commands_of_a_session_applied_out_of_order_are_found(void **state)
{
    struct story story;
    struct log log;
    size_t first;
    size_t second;

    (void)state;
    begin(&story, &log);
    first = numbered(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "a"), 1);
    second = numbered(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "b"), 2);
    applies(&log, &story, second, 10);
    applies(&log, &story, first, 11);
    told_at(&story, first, "b", 11);
    told_at(&story, second, NULL, 10);
    breaks(&story, &log, "once: the second took effect before the first");
}

static void answers_out_of_order_are_found(void **state)
{
    struct story story;
    struct log log;
    size_t first;
    size_t second;

    (void)state;
    begin(&story, &log);
    first = numbered(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "a"), 1);
    second = numbered(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "b"), 2);
    applies(&log, &story, first, 10);
    applies(&log, &story, second, 11);
    told_at(&story, second, "a", 11);
    told_at(&story, first, NULL, 10);
    breaks(&story, &log, "order: the second was answered before the first");
}

static void an_answer_behind_which_another_is_missing_is_found(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    begin(&story, &log);
    (void)numbered(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "a"), 1);
    puts_at(&story, &log, 1, 2, "b", NULL, 11);
    breaks(&story, &log, "order: the second was answered before the first");
}

static void sequences_that_overtake_each_other_in_a_stream_are_found(void **state)
{
    struct story story;
    struct log log;
    size_t first;
    size_t second;

    (void)state;
    begin(&story, &log);
    first = numbered(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "a"), 2);
    second = numbered(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "b"), 1);
    applies(&log, &story, second, 10);
    applies(&log, &story, first, 11);
    told_at(&story, first, "b", 11);
    told_at(&story, second, NULL, 10);
    breaks(&story, &log, "order: the second has the lower sequence");
}

static void an_answered_write_that_is_gone_is_found(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    begin(&story, &log);
    puts_at(&story, &log, 1, 1, "a", NULL, 10);
    log.count = 0;
    breaks(&story, &log, "lost: this command was answered and never took effect");
}

static void an_answered_write_that_is_gone_is_found_without_its_index(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    begin(&story, &log);
    told(&story, numbered(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "a"), 1), NULL);
    breaks(&story, &log, "lost: this command was answered and never took effect");
}

static void an_index_that_is_not_the_commands_is_found(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    begin(&story, &log);
    puts_at(&story, &log, 1, 1, "a", NULL, 10);
    log.applied[0].index = 11;
    breaks(&story, &log, "lost: this command took effect at another index");
}

static void a_wrong_answer_of_a_command_is_found(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    begin(&story, &log);
    puts_at(&story, &log, 1, 1, "a", NULL, 10);
    puts_at(&story, &log, 2, 1, "b", NULL, 11);
    breaks(&story, &log, "model: the first has a wrong answer for index 11");
}

static void a_read_of_what_was_never_written_is_found(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    begin(&story, &log);
    puts_at(&story, &log, 1, 1, "a", NULL, 10);
    reads_at(&story, 2, CC_HISTORY_EVENTUAL, "z", 10);
    breaks(&story, &log, "model: the first has a wrong answer for index 10");
}

static void a_stale_linearizable_read_is_found(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    begin(&story, &log);
    puts_at(&story, &log, 1, 1, "a", NULL, 10);
    puts_at(&story, &log, 1, 2, "b", "a", 12);
    reads_at(&story, 2, CC_HISTORY_SEQUENTIAL, "a", 11);
    assert_int_equal(verdict_of(&story, &log), CC_CHECK_OK);
    reads_at(&story, 3, CC_HISTORY_LEASE, "a", 11);
    breaks(&story, &log, "time: the second read an older state");
}

static void a_command_before_what_was_already_answered_is_found(void **state)
{
    struct story story;
    struct log log;
    size_t put;

    (void)state;
    begin(&story, &log);
    puts_at(&story, &log, 1, 1, "a", NULL, 10);
    put = numbered(&story, asks(&story, 2, CC_HISTORY_PUT, "l", "b"), 1);
    applies(&log, &story, put, 9);
    told_unknown(&story, put);
    breaks(&story, &log, "time: the second took effect no later");
}

static void an_answer_from_the_future_is_found(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    begin(&story, &log);
    reads_at(&story, 2, CC_HISTORY_EVENTUAL, "a", 10);
    puts_at(&story, &log, 1, 1, "a", NULL, 10);
    breaks(&story, &log, "time: the second took effect no later");
}

static void a_command_that_is_answered_before_its_cause_was_asked_is_found(void **state)
{
    struct story story;
    struct log log;
    size_t early;
    size_t cause;

    (void)state;
    begin(&story, &log);
    early = numbered(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "b"), 1);
    told(&story, early, "a");
    cause = numbered(&story, asks(&story, 2, CC_HISTORY_PUT, "k", "a"), 1);
    applies(&log, &story, cause, 10);
    applies(&log, &story, early, 11);
    told_at(&story, cause, NULL, 10);
    breaks(&story, &log, "time: the second took effect no later");
}

static void a_session_whose_reads_go_back_is_found(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    begin(&story, &log);
    puts_at(&story, &log, 1, 1, "a", NULL, 10);
    puts_at(&story, &log, 1, 2, "b", "a", 12);
    reads_at(&story, 2, CC_HISTORY_SEQUENTIAL, "b", 12);
    reads_at(&story, 2, CC_HISTORY_SEQUENTIAL, "a", 11);
    breaks(&story, &log, "back: the second read an older state");
}

/* Whoever has seen the second write of a session has to see the first, also under another key. */
static void two_keys_are_seen_in_the_order_of_their_writes(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    for (unsigned lies = 0; lies < 2; lies++) {
        begin(&story, &log);
        for (unsigned i = 0; i < 2; i++) {
            size_t put = asks(&story, 1, CC_HISTORY_PUT, i == 0 ? "first" : "second", "v");

            numbered(&story, put, 1 + i);
            applies(&log, &story, put, 10 + i);
            told_at(&story, put, NULL, 10 + i);
        }

        size_t new = asks_at_level(&story, 2, CC_HISTORY_GET, CC_HISTORY_SEQUENTIAL, "second");

        told_at(&story, new, "v", 11);

        size_t old = asks_at_level(&story, 2, CC_HISTORY_GET, CC_HISTORY_SEQUENTIAL, "first");

        /* It says from where it read, or lies about that too. */
        told_at(&story, old, NULL, lies == 0 ? 9 : 11);
        breaks(&story, &log, lies == 0 ? "back:" : "model:");
    }
}

static void an_unknown_outcome_that_took_effect_twice_is_found(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    begin(&story, &log);

    size_t put = numbered(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "v"), 1);

    applies(&log, &story, put, 10);
    applies(&log, &story, put, 12);
    told_unknown(&story, put);
    breaks(&story, &log, "once: this command took effect before, and again");
}

static void a_session_that_misses_its_own_write_is_found(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    begin(&story, &log);
    puts_at(&story, &log, 1, 1, "a", NULL, 10);
    reads_at(&story, 1, CC_HISTORY_SEQUENTIAL, NULL, 9);
    breaks(&story, &log, "back: the second read an older state");
}

static void an_own_write_still_under_way_is_seen_by_a_read_behind_it(void **state)
{
    struct story story;
    struct log log;
    size_t put;
    size_t get;

    (void)state;
    begin(&story, &log);
    put = numbered(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "a"), 1);
    get = asks_at_level(&story, 1, CC_HISTORY_GET, CC_HISTORY_SEQUENTIAL, "k");
    applies(&log, &story, put, 10);
    told_at(&story, put, NULL, 10);
    told_at(&story, get, NULL, 9);
    breaks(&story, &log, "back: the second read an older state than the first, which was asked");
}

static void what_another_stream_saw_counts_from_its_answer_on(void **state)
{
    struct story story;
    struct log log;
    struct cc_history_invocation other = {
        .client = 2,
        .stream = 7,
        .kind = CC_HISTORY_GET,
        .level = CC_HISTORY_SEQUENTIAL,
        .map = STORY_MAP,
        .key = text("k")};
    size_t early;

    (void)state;
    begin(&story, &log);
    puts_at(&story, &log, 1, 1, "a", NULL, 10);
    other.at = story.now;
    early = cc_history_invoke(story.history, &other);
    reads_at(&story, 2, CC_HISTORY_SEQUENTIAL, "a", 10);
    told_at(&story, early, NULL, 9);
    assert_int_equal(verdict_of(&story, &log), CC_CHECK_OK);
    other.at = story.now;
    told_at(&story, cc_history_invoke(story.history, &other), NULL, 9);
    breaks(&story, &log, "back: the second read an older state than its session had seen");
}

/* What the session breaks is no matter of linearizability, so only the sum of both can tell. */
static void a_second_checker_does_not_wipe_out_what_the_first_has_found(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    begin(&story, &log);
    puts_at(&story, &log, 1, 1, "a", NULL, 10);
    reads_at(&story, 1, CC_HISTORY_SEQUENTIAL, NULL, 9);
    cc_check_report_init(&report);
    cc_check_linear(story.history, NULL, &report);
    assert_int_equal(report.verdict, CC_CHECK_OK);
    cc_check_session(story.history, log.applied, log.count, &report);
    cc_check_linear(story.history, NULL, &report);
    assert_int_equal(report.verdict, CC_CHECK_BROKEN);
    story_end(&story);
}

static void an_answer_without_a_sequence_is_no_success(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    begin(&story, &log);
    told_at(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "a"), NULL, 10);
    assert_int_equal(verdict_of(&story, &log), CC_CHECK_UNKNOWN);
    story_end(&story);
}

static void reads_without_an_index_are_counted_as_skipped(void **state)
{
    struct story story;
    struct log log;

    (void)state;
    begin(&story, &log);
    reads_at(&story, 1, CC_HISTORY_SEQUENTIAL, NULL, 0);
    assert_int_equal(verdict_of(&story, &log), CC_CHECK_OK);
    assert_int_equal(report.skipped, 1);
    assert_int_equal(report.judged, 0);
    story_end(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_faithful_run_is_right),
        cmocka_unit_test(every_server_may_tell_of_the_same_log),
        cmocka_unit_test(servers_that_tell_of_different_logs_are_found),
        cmocka_unit_test(a_repeated_command_without_effect_is_right),
        cmocka_unit_test(a_command_applied_twice_is_found),
        cmocka_unit_test(a_command_that_nobody_gave_is_found),
        cmocka_unit_test(a_command_that_changed_on_its_way_is_found),
        cmocka_unit_test(a_failure_that_took_effect_is_found),
        cmocka_unit_test(one_sequence_for_two_commands_is_found),
        cmocka_unit_test(commands_of_a_session_applied_out_of_order_are_found),
        cmocka_unit_test(answers_out_of_order_are_found),
        cmocka_unit_test(an_answer_behind_which_another_is_missing_is_found),
        cmocka_unit_test(sequences_that_overtake_each_other_in_a_stream_are_found),
        cmocka_unit_test(an_answered_write_that_is_gone_is_found),
        cmocka_unit_test(an_answered_write_that_is_gone_is_found_without_its_index),
        cmocka_unit_test(an_index_that_is_not_the_commands_is_found),
        cmocka_unit_test(a_wrong_answer_of_a_command_is_found),
        cmocka_unit_test(a_read_of_what_was_never_written_is_found),
        cmocka_unit_test(a_stale_linearizable_read_is_found),
        cmocka_unit_test(a_command_before_what_was_already_answered_is_found),
        cmocka_unit_test(an_answer_from_the_future_is_found),
        cmocka_unit_test(a_command_that_is_answered_before_its_cause_was_asked_is_found),
        cmocka_unit_test(a_session_whose_reads_go_back_is_found),
        cmocka_unit_test(two_keys_are_seen_in_the_order_of_their_writes),
        cmocka_unit_test(an_unknown_outcome_that_took_effect_twice_is_found),
        cmocka_unit_test(a_session_that_misses_its_own_write_is_found),
        cmocka_unit_test(an_own_write_still_under_way_is_seen_by_a_read_behind_it),
        cmocka_unit_test(what_another_stream_saw_counts_from_its_answer_on),
        cmocka_unit_test(a_second_checker_does_not_wipe_out_what_the_first_has_found),
        cmocka_unit_test(an_answer_without_a_sequence_is_no_success),
        cmocka_unit_test(reads_without_an_index_are_counted_as_skipped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
