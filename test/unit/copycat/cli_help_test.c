/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_help_test -- help names everything that is in the tables.
 */
#include "help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char text[65536];

static FILE *open_text(void)
{
    FILE *file = fmemopen(text, sizeof text, "w");

    assert_non_null(file);
    return file;
}

static void help_names_every_verb_every_flag_and_every_exit_code(void **state)
{
    FILE *file = open_text();

    (void)state;
    cli_help_print(file);
    fclose(file);
    for (size_t i = 0; i < cli_verb_count; i++) {
        assert_non_null(strstr(text, cli_verbs[i].name));
        assert_non_null(strstr(text, cli_verbs[i].summary));
    }
    assert_non_null(strstr(text, "--servers=LIST"));
    assert_non_null(strstr(text, "  4  nobody can say"));
}

static void help_of_a_verb_has_its_own_flags_only(void **state)
{
    FILE *file = open_text();

    (void)state;
    cli_help_print_verb(file, cli_verb_find("map", "export"));
    fclose(file);
    assert_non_null(strstr(text, "usage: copycat [FLAGS] map export PATH [FILE]"));
    assert_non_null(strstr(text, "--sort"));
    assert_non_null(strstr(text, "--consistency=LEVEL"));
    assert_null(strstr(text, "--if-absent"));
}

static void help_of_the_maps_has_an_example_and_the_exit_codes(void **state)
{
    FILE *file = open_text();

    (void)state;
    cli_help_print_group(file, "map");
    fclose(file);
    assert_non_null(strstr(text, "copycat map put /colors sky blue"));
    assert_non_null(strstr(text, "  4  nobody can say"));
    assert_non_null(strstr(text, "A map comes to be when its path is first used"));
}

static void help_says_how_backslashes_and_dashes_are_written(void **state)
{
    FILE *file = open_text();

    (void)state;
    cli_help_print_verb(file, cli_verb_find("map", "put"));
    fclose(file);
    assert_non_null(strstr(text, "write \\\\ for a backslash"));
    assert_non_null(strstr(text, "is written \\x2d"));
}

static void lines_of_help_fit_into_a_hundred_columns(void **state)
{
    FILE *file = open_text();

    (void)state;
    cli_help_print(file);
    cli_help_print_group(file, "map");
    for (size_t i = 0; i < cli_verb_count; i++) {
        cli_help_print_verb(file, &cli_verbs[i]);
    }
    fclose(file);
    for (const char *line = text; *line != '\0';) {
        size_t size = strcspn(line, "\n");

        assert_true(size <= 100);
        line += size + (line[size] == '\n');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_names_every_verb_every_flag_and_every_exit_code),
        cmocka_unit_test(help_of_a_verb_has_its_own_flags_only),
        cmocka_unit_test(help_of_the_maps_has_an_example_and_the_exit_codes),
        cmocka_unit_test(help_says_how_backslashes_and_dashes_are_written),
        cmocka_unit_test(lines_of_help_fit_into_a_hundred_columns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
