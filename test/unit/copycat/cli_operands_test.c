/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_operands_test -- the one thing that is wrong is named.
 */
#include "operands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char large[(1u << 20) + 1];
static copycat_message message;

static void expect_path(const char *path, const char *fault)
{
    message.text[0] = '\0';
    assert_int_equal(cli_path_check(path, &message), fault == NULL);
    assert_non_null(strstr(message.text, fault == NULL ? "" : fault));
}

static void the_part_of_a_path_that_is_wrong_is_named(void **state)
{
    (void)state;
    expect_path("/colors", NULL);
    expect_path("app/config", NULL);
    expect_path("", "part 1 of the path '' is empty");
    expect_path("/", "part 1 of the path '/' is empty");
    expect_path("not//a/path", "part 2 of the path 'not//a/path' is empty");
    expect_path("/a/b/", "part 3");
    expect_path("/a/b\tc", "part 2 of the path has a control character");
    memset(large, 'p', 1024);
    large[1024] = '\0';
    expect_path(large, NULL);
    memset(large, 'p', 1025);
    large[1025] = '\0';
    expect_path(large, "the path is 1025 bytes long; at most 1024");
}

static void a_key_that_is_empty_or_too_long_says_which(void **state)
{
    (void)state;
    assert_true(cli_key_check((copycat_bytes){large, 1}, &message));
    assert_true(cli_key_check((copycat_bytes){large, 4096}, &message));
    assert_false(cli_key_check((copycat_bytes){large, 0}, &message));
    assert_non_null(strstr(message.text, "the key is empty"));
    assert_false(cli_key_check((copycat_bytes){large, 4097}, &message));
    assert_non_null(strstr(message.text, "the key is 4097 bytes long; at most 4096"));
}

static void a_value_that_is_too_large_says_so(void **state)
{
    (void)state;
    assert_true(cli_value_check((copycat_bytes){large, 0}, &message));
    assert_true(cli_value_check((copycat_bytes){large, 1u << 20}, &message));
    assert_false(cli_value_check((copycat_bytes){large, (1u << 20) + 1}, &message));
    assert_non_null(strstr(message.text, "more than 1048576 bytes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_part_of_a_path_that_is_wrong_is_named),
        cmocka_unit_test(a_key_that_is_empty_or_too_long_says_which),
        cmocka_unit_test(a_value_that_is_too_large_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
