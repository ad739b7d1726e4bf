/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support_suggest_test -- how unlike a wrong word and a known one are.
 */
#include "support/suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void distance_counts_letters_more_less_other_and_swapped(void **state)
{
    (void)state;
    assert_int_equal(cmd_word_distance("listen", "listen"), 0);
    assert_int_equal(cmd_word_distance("lisen", "listen"), 1);
    assert_int_equal(cmd_word_distance("listeen", "listen"), 1);
    assert_int_equal(cmd_word_distance("lizten", "listen"), 1);
    assert_int_equal(cmd_word_distance("lsiten", "listen"), 1);
    assert_int_equal(cmd_word_distance("", "id"), 2);
    assert_int_equal(cmd_word_distance("kitten", "sitting"), 3);
    assert_int_equal(cmd_word_distance("DATA_DIR", "data-dir"), 0);
}

static void a_word_too_long_is_like_none(void **state)
{
    char word[200];

    (void)state;
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    assert_true(cmd_word_distance(word, "listen") == SIZE_MAX);
    assert_int_equal(cmd_word_misfit(word, "listen"), CMD_WORD_UNLIKE);
}

static void up_to_two_changes_or_a_common_beginning_are_a_likeness(void **state)
{
    (void)state;
    assert_int_equal(cmd_word_misfit("put", "put"), 0);
    assert_int_equal(cmd_word_misfit("ptu", "put"), 1);
    assert_int_equal(cmd_word_misfit("elect", "election-timeout"), 3);
    assert_int_equal(cmd_word_misfit("el", "election-timeout"), CMD_WORD_UNLIKE);
    assert_int_equal(cmd_word_misfit("xy", "id"), CMD_WORD_UNLIKE); /* nothing of it is left */
    assert_int_equal(cmd_word_misfit("frobnicate", "put"), CMD_WORD_UNLIKE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distance_counts_letters_more_less_other_and_swapped),
        cmocka_unit_test(a_word_too_long_is_like_none),
        cmocka_unit_test(up_to_two_changes_or_a_common_beginning_are_a_likeness),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
