/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copycatd_property_test -- the table is whole, and a wrong word finds the one that was meant.
 */
#include "copycatd/property.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_property_has_a_name_a_help_and_a_default(void **state)
{
    (void)state;
    for (unsigned id = 0; id < COPYCATD_PROPERTY_COUNT; id++) {
        const struct copycatd_property *property = &copycatd_properties[id];

        assert_non_null(property->name);
        assert_int_equal(
            strspn(property->name, "abcdefghijklmnopqrstuvwxyz-"), strlen(property->name));
        assert_non_null(property->help);
        assert_true((property->initial == NULL) == (property->derived != NULL));
        assert_true(property->not_in_file || property->section != NULL);
        assert_true(property->initial != NULL || property->not_in_file || property->sample != NULL);
        assert_int_equal(copycatd_property_find(property->name, strlen(property->name)), id);
        for (unsigned other = 0; other < id; other++) {
            assert_string_not_equal(copycatd_properties[other].name, property->name);
        }
    }
}

static void a_variable_is_the_name_in_capitals_behind_COPYCAT(void **state)
{
    char name[COPYCATD_VARIABLE_SIZE];

    (void)state;
    copycatd_property_variable(&copycatd_properties[COPYCATD_DATA_DIR], name);
    assert_string_equal(name, "COPYCAT_DATA_DIR");
}

static void a_wrong_word_finds_the_property_that_was_meant(void **state)
{
    char too_long[200] = {0};

    (void)state;
    assert_string_equal(copycatd_property_suggest("lisen", true), "listen");
    assert_string_equal(copycatd_property_suggest("DataDir", true), "data-dir");
    assert_string_equal(copycatd_property_suggest("elect", true), "election-timeout");
    assert_string_equal(copycatd_property_suggest("log_levle", true), "log-level");
    assert_string_equal(copycatd_property_suggest("ids", true), "id");
    assert_null(copycatd_property_suggest("tls", true));
    assert_null(
        copycatd_property_suggest("xy", true)); /* two changes of two letters: no likeness */
    assert_string_equal(copycatd_property_suggest("confg", false), "config");
    assert_null(copycatd_property_suggest("confg", true)); /* a file may not hold it */
    memset(too_long, 'x', sizeof too_long - 1);
    assert_null(copycatd_property_suggest(too_long, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_property_has_a_name_a_help_and_a_default),
        cmocka_unit_test(a_variable_is_the_name_in_capitals_behind_COPYCAT),
        cmocka_unit_test(a_wrong_word_finds_the_property_that_was_meant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
