/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_lines_test -- lines come out whole, however their bytes come in.
 */
#include "lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void add(struct cli_lines *lines, const char *text, size_t size)
{
    while (size > 0) {
        size_t room;
        char *into = cli_lines_room(lines, &room);
        size_t piece = size < room ? size : room;

        assert_true(room > 0);
        memcpy(into, text, piece);
        cli_lines_added(lines, piece);
        text += piece;
        size -= piece;
    }
}

static void expect_line(struct cli_lines *lines, const char *text)
{
    struct cli_line line;

    assert_int_equal(cli_lines_next(lines, &line), CLI_LINES_LINE);
    assert_int_equal(line.size, strlen(text));
    assert_memory_equal(line.text, text, line.size);
}

static void lines_come_whole_and_numbered(void **state)
{
    struct cli_lines lines;
    struct cli_line line;

    (void)state;
    cli_lines_init(&lines);
    assert_int_equal(cli_lines_next(&lines, &line), CLI_LINES_MORE);
    add(&lines, "one\ntwo\n\nfo", 11);
    expect_line(&lines, "one");
    expect_line(&lines, "two");
    expect_line(&lines, "");
    assert_int_equal(lines.number, 3);
    assert_int_equal(cli_lines_next(&lines, &line), CLI_LINES_MORE);
    add(&lines, "ur", 2);
    assert_int_equal(cli_lines_next(&lines, &line), CLI_LINES_MORE);
    cli_lines_added(&lines, 0);
    expect_line(&lines, "four"); /* L1 */
    assert_int_equal(lines.number, 4);
    assert_int_equal(cli_lines_next(&lines, &line), CLI_LINES_END);
    cli_lines_deinit(&lines);
}

static void bytes_may_come_one_by_one(void **state)
{
    static const char text[] = "a\tb\nccc\tdddd\n";
    struct cli_lines lines;
    struct cli_line line;
    unsigned count = 0;

    (void)state;
    cli_lines_init(&lines);
    for (size_t i = 0; i < sizeof text - 1; i++) {
        add(&lines, &text[i], 1);
        count += cli_lines_next(&lines, &line) == CLI_LINES_LINE;
    }
    assert_int_equal(count, 2);
    cli_lines_deinit(&lines);
}

static void a_line_may_be_as_long_as_the_largest_key_and_value_and_no_longer(void **state)
{
    size_t size = CLI_LINE_SIZE_MAX + 2;
    char *text = malloc(size);
    struct cli_lines lines;
    struct cli_line line;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', size);
    text[CLI_LINE_SIZE_MAX] = '\n';
    cli_lines_init(&lines);
    add(&lines, text, CLI_LINE_SIZE_MAX + 1);
    assert_int_equal(cli_lines_next(&lines, &line), CLI_LINES_LINE);
    assert_int_equal(line.size, CLI_LINE_SIZE_MAX);
    text[CLI_LINE_SIZE_MAX] = 'x';
    add(&lines, text, size);
    assert_int_equal(cli_lines_next(&lines, &line), CLI_LINES_LONG); /* L2 */
    assert_int_equal(lines.number, 2);
    cli_lines_deinit(&lines);
    free(text);
}

static const char *split(const char *text, copycat_bytes *key_out, copycat_bytes *value_out)
{
    static char copy[8192];
    struct cli_line line = {copy, strlen(text)};

    assert_true(line.size < sizeof copy);
    memcpy(copy, text, line.size);
    return cli_line_split(&line, key_out, value_out);
}

static void a_line_is_a_key_and_a_value(void **state)
{
    copycat_bytes key;
    copycat_bytes value;

    (void)state;
    assert_null(split("key\\t\tvalue\\x00", &key, &value));
    assert_int_equal(key.size, 4);
    assert_memory_equal(key.data, "key\t", 4);
    assert_int_equal(value.size, 6);
    assert_memory_equal(value.data, "value\0", 6);
    assert_null(split("key\t", &key, &value));
    assert_int_equal(value.size, 0);
}

static void what_is_wrong_with_a_line_is_told(void **state)
{
    static char long_key[CLI_KEY_SIZE_MAX + 3];
    copycat_bytes key;
    copycat_bytes value;

    (void)state;
    assert_string_equal(split("", &key, &value), "has no tab between key and value");
    assert_string_equal(split("key value", &key, &value), "has no tab between key and value");
    assert_non_null(strstr(split("a\tb\tc", &key, &value), "more than one tab"));
    assert_non_null(strstr(split("a\tb\\q", &key, &value), "backslash"));
    assert_non_null(strstr(split("a\\\tb", &key, &value), "backslash"));
    assert_string_equal(split("\tb", &key, &value), "has an empty key");
    memset(long_key, 'k', CLI_KEY_SIZE_MAX + 1);
    long_key[CLI_KEY_SIZE_MAX + 1] = '\t';
    assert_string_equal(split(long_key, &key, &value), "has a key of more than 4 KiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_whole_and_numbered),
        cmocka_unit_test(bytes_may_come_one_by_one),
        cmocka_unit_test(a_line_may_be_as_long_as_the_largest_key_and_value_and_no_longer),
        cmocka_unit_test(a_line_is_a_key_and_a_value),
        cmocka_unit_test(what_is_wrong_with_a_line_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
