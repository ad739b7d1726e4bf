/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copycatd_pages_test -- the page and the example are what the table of properties says today.
 */
#define _GNU_SOURCE

#include "copycatd/config_file.h"
#include "copycatd/config_print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char printed[32768];

static void print(void (*print_it)(FILE *out))
{
    FILE *file = fmemopen(printed, sizeof printed, "w");

    assert_non_null(file);
    print_it(file);
    fclose(file);
}

/* `ninja configuration-pages` makes them equal. */
static void assert_file_is_printed(const char *path)
{
    static char kept[sizeof printed];
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    kept[fread(kept, 1, sizeof kept - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(kept, printed);
}

static void the_page_is_what_the_table_says(void **state)
{
    (void)state;
    print(copycatd_print_page);
    assert_file_is_printed(SOURCE_DIR "/docs/configuration.md");
}

static void the_example_is_what_the_table_says(void **state)
{
    (void)state;
    print(copycatd_print_example);
    assert_file_is_printed(SOURCE_DIR "/packaging/copycatd.conf");
}

/* Reads `printed` as a file; how many properties it set. */
static unsigned properties_set(void)
{
    static struct copycatd_values values;
    struct copycatd_problems problems;
    FILE *file = fmemopen(printed, strlen(printed), "r");
    unsigned count = 0;

    assert_non_null(file);
    memset(&values, 0, sizeof values);
    copycatd_problems_init(&problems);
    copycatd_config_file_read(&values, file, "example", &problems);
    fclose(file);
    assert_int_equal(problems.count, 0);
    for (unsigned id = 0; id < COPYCATD_PROPERTY_COUNT; id++) {
        count += values.of[id].origin == COPYCATD_FROM_FILE;
    }
    return count;
}

static void the_example_sets_nothing_and_everything_once_uncommented(void **state)
{
    (void)state;
    print(copycatd_print_example);
    assert_int_equal(properties_set(), 0);
    for (char *at = printed; (at = strstr(at, "\n#")) != NULL; at++) {
        if (at[2] != ' ') {
            memmove(at + 1, at + 2, strlen(at + 2) + 1);
        }
    }
    assert_int_equal(properties_set(), COPYCATD_PROPERTY_COUNT - 1); /* all but config */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_what_the_table_says),
        cmocka_unit_test(the_example_is_what_the_table_says),
        cmocka_unit_test(the_example_sets_nothing_and_everything_once_uncommented),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
