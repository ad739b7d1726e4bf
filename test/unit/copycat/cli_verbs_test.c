/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_verbs_test -- the tables are whole, and a wrong word finds the right one.
 */
#include "verbs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void every_verb_is_told_about_and_does_something(void **state)
{
    (void)state;
    assert_true(cli_verb_count >= 13);
    for (size_t i = 0; i < cli_verb_count; i++) {
        const struct cli_verb *verb = &cli_verbs[i];

        assert_true((verb->run == NULL) != (verb->main == NULL));
        assert_true(verb->summary[0] != '\0');
        assert_true(verb->operands_min <= verb->operands_max);
        assert_true(verb->main != NULL || verb->help[0] != '\0');
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(verb->name, cli_verbs[j].name);
        }
    }
}

static void lines_of_help_fit_a_terminal(void **state)
{
    (void)state;
    for (size_t i = 0; i < cli_verb_count; i++) {
        for (const char *line = cli_verbs[i].help; *line != '\0';) {
            size_t size = strcspn(line, "\n");

            assert_true(size <= 80);
            line += size + (line[size] == '\n');
        }
    }
}

static void a_synopsis_has_as_many_words_as_the_verb_takes(void **state)
{
    (void)state;
    for (size_t i = 0; i < cli_verb_count; i++) {
        uint32_t words = cli_verbs[i].synopsis[0] != '\0';

        for (const char *at = cli_verbs[i].synopsis; *at != '\0'; at++) {
            words += *at == ' ';
        }
        if (cli_verbs[i].run != NULL) {
            assert_int_equal(words, cli_verbs[i].operands_max);
        }
    }
}

static void every_flag_is_taken_by_some_verb(void **state)
{
    (void)state;
    for (int flag = 0; flag < CLI_FLAG_COUNT; flag++) {
        bool is_taken = false;

        assert_non_null(cli_flags[flag].help);
        for (size_t i = 0; i < cli_verb_count; i++) {
            is_taken = is_taken || cli_verb_takes(&cli_verbs[i], (enum cli_flag)flag);
        }
        assert_true(is_taken);
        assert_int_equal(cli_flag_find(cli_flags[flag].name, strlen(cli_flags[flag].name)), flag);
    }
}

static void verbs_are_found_by_their_words(void **state)
{
    (void)state;
    assert_string_equal(cli_verb_find("map", "put")->name, "map put");
    assert_string_equal(cli_verb_find("map", "put-if-absent")->name, "map put-if-absent");
    assert_string_equal(cli_verb_find("status", "put")->name, "status");
    assert_null(cli_verb_find("map", NULL));
    assert_null(cli_verb_find("map", "pu"));
    assert_null(cli_verb_find("ma", "put"));
    assert_null(cli_verb_find("", NULL));
    assert_true(cli_verb_is_group("map"));
    assert_false(cli_verb_is_group("status"));
    assert_false(cli_verb_is_group(""));
}

static const char *nearest_of(const char *first, const char *second)
{
    static char name[CLI_VERB_SIZE];

    return cli_verb_nearest(first, second, name) ? name : "none";
}

static void a_wrong_first_word_names_the_nearest(void **state)
{
    (void)state;
    assert_string_equal(nearest_of("statsu", NULL), "status");
    assert_string_equal(nearest_of("bnech", "put"), "bench");
    assert_string_equal(nearest_of("mpa", NULL), "map");
    assert_string_equal(nearest_of("maps", "/a"), "map");
    assert_string_equal(nearest_of("mpa", "get"), "map get");
    assert_string_equal(nearest_of("mpa", "ptu"), "map put");
    assert_string_equal(nearest_of("frobnicate", NULL), "none");
    assert_string_equal(nearest_of("frobnicate", "put"), "none");
}

static void a_second_word_without_its_first_names_both(void **state)
{
    (void)state;
    assert_string_equal(nearest_of("export", NULL), "map export");
    assert_string_equal(nearest_of("get", "/a"), "map get");
    assert_string_equal(nearest_of("clera", "/a"), "map clear");
}

static void a_wrong_word_of_a_group_names_the_nearest_of_that_group(void **state)
{
    (void)state;
    assert_string_equal(nearest_of("map", "gett"), "map get");
    assert_string_equal(nearest_of("map", "ptu"), "map put");
    assert_string_equal(nearest_of("map", "compare"), "none");
    assert_string_equal(nearest_of("map", "status"), "none");
    assert_string_equal(nearest_of("map", "/a"), "none"); /* a path is no verb */
}

static void a_wrong_flag_names_the_nearest(void **state)
{
    (void)state;
    assert_int_equal(cli_flag_nearest("jsn", NULL), CLI_FLAG_JSON);
    assert_int_equal(cli_flag_nearest("progres", NULL), CLI_FLAG_PROGRESS);
    assert_int_equal(cli_flag_nearest("xyzzy", NULL), CLI_FLAG_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_is_told_about_and_does_something),
        cmocka_unit_test(lines_of_help_fit_a_terminal),
        cmocka_unit_test(a_synopsis_has_as_many_words_as_the_verb_takes),
        cmocka_unit_test(every_flag_is_taken_by_some_verb),
        cmocka_unit_test(verbs_are_found_by_their_words),
        cmocka_unit_test(a_wrong_first_word_names_the_nearest),
        cmocka_unit_test(a_second_word_without_its_first_names_both),
        cmocka_unit_test(a_wrong_word_of_a_group_names_the_nearest_of_that_group),
        cmocka_unit_test(a_wrong_flag_names_the_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
