/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_test -- what each operation answers and leaves, on the plain model.
 */
#include "sim/check/model.h"
#include "test/unit/sim_check/story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct story story;
static struct cc_check_model model;

static int set_up(void **state)
{
    (void)state;
    story_begin(&story);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    story_end(&story);
    cc_check_model_deinit(&model);
    return 0;
}

static bool agrees(size_t id)
{
    return cc_check_model_apply(&model, story.history, cc_history_at(story.history, id));
}

/* Does it; the answer is right. */
static void does(enum cc_history_kind kind, const char *key, const char *value, const char *result)
{
    size_t id = asks(&story, 1, kind, key, value);

    told(&story, id, result);
    assert_true(agrees(id));
}

static void has_size(uint64_t size)
{
    size_t right = asks(&story, 1, CC_HISTORY_SIZE, NULL, NULL);
    size_t wrong = asks(&story, 1, CC_HISTORY_SIZE, NULL, NULL);

    told_count(&story, right, size);
    told_count(&story, wrong, size + 1);
    assert_true(agrees(right));
    assert_false(agrees(wrong));
}

static void put_answers_what_was_there(void **state)
{
    (void)state;
    does(CC_HISTORY_PUT, "k", "a", NULL);
    does(CC_HISTORY_PUT, "k", "b", "a");
    does(CC_HISTORY_GET, "k", NULL, "b");
    does(CC_HISTORY_GET, "l", NULL, NULL);
    has_size(1);
}

static void remove_answers_what_was_there(void **state)
{
    (void)state;
    does(CC_HISTORY_PUT, "k", "a", NULL);
    does(CC_HISTORY_PUT, "l", "b", NULL);
    does(CC_HISTORY_REMOVE, "k", NULL, "a");
    does(CC_HISTORY_REMOVE, "k", NULL, NULL);
    does(CC_HISTORY_GET, "l", NULL, "b");
    has_size(1);
}

static void put_if_absent_stores_only_where_nothing_is(void **state)
{
    (void)state;
    does(CC_HISTORY_PUT_IF_ABSENT, "k", "a", NULL);
    does(CC_HISTORY_PUT_IF_ABSENT, "k", "b", "a");
    does(CC_HISTORY_GET, "k", NULL, "a");
}

static void replace_stores_only_where_something_is(void **state)
{
    (void)state;
    does(CC_HISTORY_REPLACE, "k", "a", NULL);
    does(CC_HISTORY_GET, "k", NULL, NULL);
    does(CC_HISTORY_PUT, "k", "b", NULL);
    does(CC_HISTORY_REPLACE, "k", "c", "b");
    does(CC_HISTORY_GET, "k", NULL, "c");
}

static void cas_stores_only_over_the_expected_value(void **state)
{
    size_t id;

    (void)state;
    id = asks_cas(&story, 1, "k", "a", "b");
    told_flag(&story, id, false);
    assert_true(agrees(id));
    does(CC_HISTORY_PUT, "k", "a", NULL);
    id = asks_cas(&story, 1, "k", "x", "b");
    told_flag(&story, id, false);
    assert_true(agrees(id));
    id = asks_cas(&story, 1, "k", "a", "b");
    told_flag(&story, id, true);
    assert_true(agrees(id));
    does(CC_HISTORY_GET, "k", NULL, "b");
    id = asks_cas(&story, 1, "k", "a", "c");
    told_flag(&story, id, true);
    assert_false(agrees(id));
}

static void contains_tells_whether_something_is_there(void **state)
{
    size_t id;

    (void)state;
    id = asks(&story, 1, CC_HISTORY_CONTAINS, "k", NULL);
    told_flag(&story, id, true);
    assert_false(agrees(id));
    does(CC_HISTORY_PUT, "k", "a", NULL);
    assert_true(agrees(id));
}

static void clear_empties_one_map_only(void **state)
{
    struct cc_history_invocation elsewhere = {
        .kind = CC_HISTORY_PUT, .map = STORY_MAP + 1, .key = text("k"), .value = text("other")};
    size_t id;

    (void)state;
    id = cc_history_invoke(story.history, &elsewhere);
    (void)agrees(id);
    does(CC_HISTORY_PUT, "k", "a", NULL);
    does(CC_HISTORY_PUT, "l", "b", NULL);
    has_size(2);
    does(CC_HISTORY_CLEAR, NULL, NULL, NULL);
    has_size(0);
    does(CC_HISTORY_GET, "k", NULL, NULL);
    assert_int_equal(cc_check_model_size(&model, STORY_MAP + 1), 1);
}

static void keys_are_all_keys_in_any_order(void **state)
{
    static const char *const answers[][2] = {{"k", "l"}, {"l", "k"}, {"k", "k"}, {"k", "m"}};
    size_t id;

    (void)state;
    does(CC_HISTORY_PUT, "k", "a", NULL);
    does(CC_HISTORY_PUT, "l", "b", NULL);
    for (size_t i = 0; i < 4; i++) {
        id = asks(&story, 1, CC_HISTORY_KEYS, NULL, NULL);
        told_keys(&story, id, answers[i], 2);
        assert_int_equal(agrees(id), i < 2);
    }
    id = asks(&story, 1, CC_HISTORY_KEYS, NULL, NULL);
    told_keys(&story, id, answers[0], 1);
    assert_false(agrees(id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(put_answers_what_was_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(remove_answers_what_was_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            put_if_absent_stores_only_where_nothing_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(replace_stores_only_where_something_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cas_stores_only_over_the_expected_value, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            contains_tells_whether_something_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(clear_empties_one_map_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_are_all_keys_in_any_order, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
