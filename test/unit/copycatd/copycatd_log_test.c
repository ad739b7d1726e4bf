/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copycatd_log_test -- a message is one line whatever it holds, and a flood of them is a trickle.
 */
#define _GNU_SOURCE

#include "copycatd/log.h"
#include "copycatd/log_line.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* 2026-11-21T08:14:25.123Z */
#define NOW UINT64_C(1795248865123)

static struct copycatd_log log_under_test;
static char *written;
static size_t written_size;
static FILE *file;

static int close_log(void **state)
{
    (void)state;
    fclose(file);
    free(written);
    return 0;
}

static void open_log(enum copycatd_log_format format, enum copycatd_log_level level)
{
    file = open_memstream(&written, &written_size);
    assert_non_null(file);
    copycatd_log_init(&log_under_test, file, format, level);
    fflush(file);
}

static void say(uint64_t now_ms, const char *kind, const char *text)
{
    copycatd_log_write(
        &log_under_test, now_ms,
        &(struct copycatd_log_message){
            .level = COPYCATD_LOG_WARN, .area = "node", .kind = kind, .text = text});
}

static unsigned lines(void)
{
    unsigned count = 0;

    for (size_t i = 0; i < written_size; i++) {
        count += written[i] == '\n';
    }
    return count;
}

static void a_line_has_time_level_area_text_and_fields(void **state)
{
    const struct copycatd_log_field fields[] = {
        {"term", "4"}, {"members", "1=a 2=b"}, {"why", ""}, {NULL, NULL}};

    (void)state;
    open_log(COPYCATD_LOG_TEXT, COPYCATD_LOG_INFO);
    copycatd_log_write(
        &log_under_test, NOW,
        &(struct copycatd_log_message){
            .level = COPYCATD_LOG_INFO, .area = "node", .text = "leader now", .fields = fields});
    assert_string_equal(
        written,
        "2026-11-21T08:14:25.123Z info  node: leader now term=4 members=\"1=a 2=b\" why=\"\"\n");
}

static void a_line_of_json_has_the_same(void **state)
{
    const struct copycatd_log_field fields[] = {{"term", "4"}, {NULL, NULL}};

    (void)state;
    open_log(COPYCATD_LOG_JSON, COPYCATD_LOG_INFO);
    copycatd_log_write(
        &log_under_test, NOW,
        &(struct copycatd_log_message){
            .level = COPYCATD_LOG_ERROR, .area = "node", .text = "leader now", .fields = fields});
    assert_string_equal(
        written, "{\"time\":\"2026-11-21T08:14:25.123Z\",\"level\":\"error\",\"area\":\"node\","
                 "\"text\":\"leader now\",\"term\":\"4\"}\n");
}

static void what_is_below_the_level_is_not_written(void **state)
{
    (void)state;
    open_log(COPYCATD_LOG_TEXT, COPYCATD_LOG_ERROR);
    say(NOW, NULL, "x");
    assert_int_equal(written_size, 0);
}

static void no_byte_of_a_text_ends_the_line_or_reaches_the_terminal(void **state)
{
    (void)state;
    open_log(COPYCATD_LOG_TEXT, COPYCATD_LOG_INFO);
    say(NOW, NULL,
        "a\nb\tc\033[31m\177\xc2\x9b"
        "d \xc3\xa4 \xff\xe2\x82 \xed\xa0\x80!");
    assert_string_equal(
        written + 37, "a\\nb\\tc\\x1b[31m\\x7f\\x9bd \xc3\xa4 \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd "
                      "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd!\n");
    assert_int_equal(lines(), 1);
}

static void every_line_of_json_is_read_back_as_what_was_said(void **state)
{
    /* All bytes but zero, in runs that make and break sequences of UTF-8. */
    char text[1024];

    (void)state;
    open_log(COPYCATD_LOG_JSON, COPYCATD_LOG_INFO);
    for (unsigned round = 0; round < 200; round++) {
        const struct copycatd_log_field fields[] = {{"k\"e\\y", text}, {NULL, NULL}};
        size_t size = 0;
        json_t *read;

        for (unsigned value = round; size < sizeof text - 1; value = value * 5 + 7) {
            text[size++] = (char)(value % 255 + 1);
        }
        text[size] = '\0';
        fseeko(file, 0, SEEK_SET);
        copycatd_log_write(
            &log_under_test, NOW + 1000 * round,
            &(struct copycatd_log_message){
                .level = COPYCATD_LOG_INFO, .area = "node", .text = text, .fields = fields});
        assert_ptr_equal(strchr(written, '\n'), written + written_size - 1);
        read = json_loadb(written, written_size, 0, NULL);
        assert_non_null(read);
        assert_non_null(json_object_get(read, "k\"e\\y"));
        json_decref(read);
    }
    fseeko(file, 0, SEEK_SET);
    say(NOW + 1000000, NULL, "\"q\" \\ \n \x01 \xc3\xa4");
    json_t *read = json_loadb(written, written_size, 0, NULL);
    assert_string_equal(
        json_string_value(json_object_get(read, "text")), "\"q\" \\ \n \x01 \xc3\xa4");
    json_decref(read);
}

static void a_message_too_long_is_cut_and_still_a_line(void **state)
{
    static char text[20000];
    json_t *read;

    (void)state;
    memset(text, '\001', sizeof text - 1);
    for (unsigned front = 0; front < 12; front++) {
        const struct copycatd_log_field fields[] = {{"more", text}, {"last", "x"}, {NULL, NULL}};

        memset(text, 'x', front);
        open_log(COPYCATD_LOG_JSON, COPYCATD_LOG_INFO);
        copycatd_log_write(
            &log_under_test, NOW,
            &(struct copycatd_log_message){
                .level = COPYCATD_LOG_INFO, .area = "node", .text = text, .fields = fields});
        assert_true(written_size > COPYCATD_LOG_LINE_MAX - 64);
        assert_true(written_size <= COPYCATD_LOG_LINE_MAX);
        assert_int_equal(lines(), 1);
        read = json_loadb(written, written_size, 0, NULL);
        assert_non_null(read);
        json_decref(read);
        if (front < 11) {
            close_log(NULL);
        }
    }
}

static void ten_lines_of_a_kind_come_at_once_and_then_one_a_second(void **state)
{
    (void)state;
    open_log(COPYCATD_LOG_TEXT, COPYCATD_LOG_INFO);
    for (unsigned i = 0; i < 322; i++) {
        say(NOW + i, "refused", "too many connections");
    }
    assert_int_equal(lines(), 10);
    say(NOW + 999, "other", "is not held back");
    assert_int_equal(lines(), 11);
    say(NOW + 1000, "refused", "again");
    assert_int_equal(lines(), 13);
    assert_non_null(strstr(
        written, ".123Z warn  node: suppressed 312 like this kind=refused\n"
                 "2026-11-21T08:14:26.123Z warn  node: again\n"));
    say(NOW + 1001, "refused", "and again");
    assert_int_equal(lines(), 13);
    for (unsigned i = 0; i < 20; i++) {
        say(NOW + 1000000, "refused", "after a long silence");
    }
    assert_int_equal(lines(), 13 + 1 + 10);
}

static void what_was_left_out_is_told_at_the_end(void **state)
{
    (void)state;
    open_log(COPYCATD_LOG_TEXT, COPYCATD_LOG_INFO);
    for (unsigned i = 0; i < 13; i++) {
        say(NOW, "refused", "too many connections");
    }
    copycatd_log_flush(&log_under_test, NOW + 10);
    assert_non_null(strstr(written, "suppressed 3 like this"));
    copycatd_log_flush(&log_under_test, NOW + 20);
    assert_int_equal(lines(), 11); /* once */
}

static void a_clock_that_is_set_back_silences_nothing_for_long(void **state)
{
    (void)state;
    open_log(COPYCATD_LOG_TEXT, COPYCATD_LOG_INFO);
    for (unsigned i = 0; i < 10; i++) {
        say(NOW, "k", "x");
    }
    say(NOW - 3600000, "k", "x");
    assert_int_equal(lines(), 10);
    say(NOW - 3600000 + 1000, "k", "x");
    assert_int_equal(lines(), 12); /* with the word about the one left out */
}

static void more_kinds_than_there_is_room_for_share_the_last(void **state)
{
    static char kinds[100][8];

    (void)state;
    open_log(COPYCATD_LOG_TEXT, COPYCATD_LOG_INFO);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(kinds[i], sizeof kinds[i], "k%u", i);
        say(NOW, kinds[i], "x");
    }
    assert_int_equal(lines(), 63 + 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_line_has_time_level_area_text_and_fields, close_log),
        cmocka_unit_test_teardown(a_line_of_json_has_the_same, close_log),
        cmocka_unit_test_teardown(what_is_below_the_level_is_not_written, close_log),
        cmocka_unit_test_teardown(
            no_byte_of_a_text_ends_the_line_or_reaches_the_terminal, close_log),
        cmocka_unit_test_teardown(every_line_of_json_is_read_back_as_what_was_said, close_log),
        cmocka_unit_test_teardown(a_message_too_long_is_cut_and_still_a_line, close_log),
        cmocka_unit_test_teardown(
            ten_lines_of_a_kind_come_at_once_and_then_one_a_second, close_log),
        cmocka_unit_test_teardown(what_was_left_out_is_told_at_the_end, close_log),
        cmocka_unit_test_teardown(a_clock_that_is_set_back_silences_nothing_for_long, close_log),
        cmocka_unit_test_teardown(more_kinds_than_there_is_room_for_share_the_last, close_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
