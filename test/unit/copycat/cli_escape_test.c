/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_escape_test -- any bytes become text and come back.
 */
#include "escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *written(const char *bytes, size_t size)
{
    static char text[256];

    text[cli_escape_write((copycat_bytes){bytes, size}, text)] = '\0';
    return text;
}

static const char *refusal(const char *text)
{
    char bytes[64];
    size_t size;

    return cli_escape_read(copycat_str(text), bytes, &size);
}

static void every_byte_and_every_pair_come_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 65536; i++) {
        char bytes[2] = {(char)(i >> 8), (char)(i & 255)};
        char text[8];
        char back[8];
        size_t back_size = 0;
        size_t size = cli_escape_write((copycat_bytes){bytes, 2}, text);

        assert_true(size <= sizeof text);
        assert_null(cli_escape_read((copycat_bytes){text, size}, back, &back_size)); /* E1 */
        assert_int_equal(back_size, 2);
        assert_memory_equal(back, bytes, 2);
        for (size_t j = 0; j < size; j++) {
            assert_true((unsigned char)text[j] >= 0x20 && text[j] != 0x7f); /* E2 */
        }
    }
}

static void what_is_text_stays_as_it_is(void **state)
{
    static const char text[] = "gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x90\x88";

    (void)state;
    assert_string_equal(written("blue sky", 8), "blue sky");
    assert_string_equal(written(text, sizeof text - 1), text);
}

static void control_characters_and_backslashes_are_escaped(void **state)
{
    (void)state;
    assert_string_equal(
        written("a\tb\nc\rd\\e\0f\x1b\x7f", 13), "a\\tb\\nc\\rd\\\\e\\0f\\x1b\\x7f");
    assert_string_equal(written("\xc2\x9b", 2), "\\xc2\\x9b");
}

static void what_is_no_utf8_is_escaped(void **state)
{
    (void)state;
    assert_string_equal(written("\xff", 1), "\\xff");
    assert_string_equal(written("\xc3", 1), "\\xc3");
    assert_string_equal(written("\xc0\xaf", 2), "\\xc0\\xaf");
    assert_string_equal(written("\xed\xa0\x80", 3), "\\xed\\xa0\\x80");
    assert_string_equal(written("\xf4\x90\x80\x80", 4), "\\xf4\\x90\\x80\\x80");
    assert_string_equal(written("\xe2\x82z", 3), "\\xe2\\x82z");
}

static void an_unknown_escape_is_refused(void **state)
{
    (void)state;
    assert_non_null(refusal("a\\"));
    assert_non_null(refusal("\\q"));
    assert_non_null(refusal("\\x1"));
    assert_non_null(refusal("\\xg1"));
    assert_non_null(refusal("\\X41"));
    assert_null(refusal("\\x4A\\x4a\\\\"));
}

static void a_zero_is_followed_by_whatever_follows_it(void **state)
{
    char bytes[8];
    size_t size;

    (void)state;
    assert_null(cli_escape_read(COPYCAT_STR("\\012"), bytes, &size));
    assert_int_equal(size, 3);
    assert_memory_equal(
        bytes,
        "\0"
        "12",
        3);
    assert_string_equal(
        written(
            "\0"
            "12",
            3),
        "\\012");
}

static void text_can_be_read_in_its_place(void **state)
{
    char text[] = "\\x41\\tb";
    size_t size;

    (void)state;
    assert_null(cli_escape_read(copycat_str(text), text, &size));
    assert_int_equal(size, 3);
    assert_memory_equal(text, "A\tb", 3);
}

static void only_utf8_without_zeros_is_a_string(void **state)
{
    (void)state;
    assert_true(cli_escape_is_text(COPYCAT_STR("")));
    assert_true(cli_escape_is_text(COPYCAT_STR("a\tb\xc3\xbc")));
    assert_false(cli_escape_is_text((copycat_bytes){"a\0b", 3}));
    assert_false(cli_escape_is_text(COPYCAT_STR("a\xff")));
}

static void what_is_shown_keeps_its_backslashes_and_no_control_characters(void **state)
{
    char text[64];
    size_t size = cli_escape_show((copycat_bytes){"C:\\x\t\x1b[m", 8}, text);

    (void)state;
    assert_int_equal(size, strlen("C:\\x\\t\\x1b[m"));
    assert_memory_equal(text, "C:\\x\\t\\x1b[m", size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_and_every_pair_come_back),
        cmocka_unit_test(what_is_text_stays_as_it_is),
        cmocka_unit_test(what_is_shown_keeps_its_backslashes_and_no_control_characters),
        cmocka_unit_test(control_characters_and_backslashes_are_escaped),
        cmocka_unit_test(what_is_no_utf8_is_escaped),
        cmocka_unit_test(an_unknown_escape_is_refused),
        cmocka_unit_test(a_zero_is_followed_by_whatever_follows_it),
        cmocka_unit_test(text_can_be_read_in_its_place),
        cmocka_unit_test(only_utf8_without_zeros_is_a_string),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
