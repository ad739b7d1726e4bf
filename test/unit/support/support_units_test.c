/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support_units_test -- quantities are read with their units only, and nothing is cut.
 */
#include "support/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint64_t duration(const char *text)
{
    uint64_t number = 0;

    assert_null(cmd_duration_parse(text, &number));
    return number;
}

static uint64_t size(const char *text)
{
    uint64_t number = 0;

    assert_null(cmd_size_parse(text, &number));
    return number;
}

static void a_duration_has_a_unit_from_milliseconds_to_hours(void **state)
{
    (void)state;
    assert_int_equal(duration("100ms"), 100);
    assert_int_equal(duration("5s"), 5000);
    assert_int_equal(duration("5 s"), 5000);
    assert_int_equal(duration("2m"), 120000);
    assert_int_equal(duration("1h"), 3600000);
    assert_int_equal(duration("0ms"), 0);
}

static void a_size_knows_powers_of_1024_and_of_1000(void **state)
{
    (void)state;
    assert_int_equal(size("64MiB"), 64 << 20);
    assert_int_equal(size("1KiB"), 1024);
    assert_int_equal(size("1KB"), 1000);
    assert_int_equal(size("2GB"), 2000000000);
    assert_int_equal(size("7B"), 7);
}

static void a_bare_number_is_refused_with_the_units_named(void **state)
{
    uint64_t number = 77;

    (void)state;
    assert_non_null(strstr(cmd_duration_parse("5", &number), "ms, s, m, h"));
    assert_non_null(strstr(cmd_size_parse("64", &number), "KiB, MiB, GiB"));
    assert_int_equal(number, 77); /* untouched */
}

static void nonsense_is_refused(void **state)
{
    static const char *const texts[] = {"",   " ",    "s",     "-5s",  "+5s", "5ss", "5 seconds",
                                        "5S", "1.5s", "0x10s", "5  s", "5s ", "5MiB"};
    uint64_t number;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_non_null(cmd_duration_parse(texts[i], &number));
    }
    assert_non_null(cmd_size_parse("5kib", &number));
    assert_non_null(cmd_uint_parse("5s", &number));
    assert_non_null(cmd_uint_parse("", &number));
    assert_non_null(cmd_bool_parse("maybe", &number));
}

static void what_does_not_fit_into_64_bits_is_refused_and_not_cut(void **state)
{
    uint64_t number;

    (void)state;
    assert_null(cmd_uint_parse("18446744073709551615", &number));
    assert_true(number == UINT64_MAX);
    assert_non_null(cmd_uint_parse("18446744073709551616", &number));
    assert_non_null(cmd_duration_parse("18446744073709551615s", &number));
    assert_non_null(cmd_size_parse("99999999999GiB", &number));
    assert_true(size("17179869183GiB") == UINT64_C(17179869183) << 30);
}

static void what_is_formatted_is_read_back_as_the_same(void **state)
{
    char text[32];

    (void)state;
    for (uint64_t number = 0; number < UINT64_MAX / 5; number = number * 3 + 1000) {
        cmd_duration_format(number, text, sizeof text);
        assert_true(duration(text) == number);
        cmd_size_format(number, text, sizeof text);
        assert_true(size(text) == number);
    }
    cmd_duration_format(60000, text, sizeof text);
    assert_string_equal(text, "1m");
    cmd_size_format(1536, text, sizeof text);
    assert_string_equal(text, "1536B");
}

static void yes_and_no_have_four_words_each(void **state)
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};
    uint64_t truth;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_null(cmd_bool_parse(yes[i], &truth));
        assert_int_equal(truth, 1);
        assert_null(cmd_bool_parse(no[i], &truth));
        assert_int_equal(truth, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_duration_has_a_unit_from_milliseconds_to_hours),
        cmocka_unit_test(a_size_knows_powers_of_1024_and_of_1000),
        cmocka_unit_test(a_bare_number_is_refused_with_the_units_named),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(what_does_not_fit_into_64_bits_is_refused_and_not_cut),
        cmocka_unit_test(what_is_formatted_is_read_back_as_the_same),
        cmocka_unit_test(yes_and_no_have_four_words_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
