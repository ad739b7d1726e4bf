/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_path_test -- what is a path, and which are the same.
 */
#include "catalog/catalog_path.h"
#include "proto/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static bool is_path(const char *text)
{
    copycat_bytes form;

    return cc_catalog_path_form((copycat_bytes){text, strlen(text)}, &form);
}

static void the_first_slash_makes_no_difference(void **state)
{
    copycat_bytes with;
    copycat_bytes without;

    (void)state;
    assert_true(cc_catalog_path_form((copycat_bytes){"/a/b", 4}, &with));
    assert_true(cc_catalog_path_form((copycat_bytes){"a/b", 3}, &without));
    assert_int_equal(with.size, 3);
    assert_int_equal(without.size, 3);
    assert_memory_equal(with.data, without.data, 3);
}

static void no_part_may_be_empty(void **state)
{
    (void)state;
    assert_false(is_path(""));
    assert_false(is_path("/"));
    assert_false(is_path("//"));
    assert_false(is_path("//a"));
    assert_false(is_path("a//b"));
    assert_false(is_path("a/"));
    assert_true(is_path("a"));
    assert_true(is_path("/a/b/c"));
}

static void control_characters_are_refused_and_all_other_bytes_are_not(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char text[3] = {'a', (char)byte, 'b'};
        copycat_bytes form;
        bool is_control = byte < 32 || byte == 127;

        assert_int_equal(cc_catalog_path_form((copycat_bytes){text, 3}, &form), !is_control);
    }
}

static void a_path_has_a_greatest_length(void **state)
{
    char text[CC_PATH_SIZE_MAX + 2];

    (void)state;
    memset(text, 'a', sizeof text);
    text[CC_PATH_SIZE_MAX] = 0;
    assert_true(is_path(text));
    text[CC_PATH_SIZE_MAX] = 'a';
    text[CC_PATH_SIZE_MAX + 1] = 0;
    assert_false(is_path(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_slash_makes_no_difference),
        cmocka_unit_test(no_part_may_be_empty),
        cmocka_unit_test(control_characters_are_refused_and_all_other_bytes_are_not),
        cmocka_unit_test(a_path_has_a_greatest_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
