/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history_test -- what is recorded can be read, and what cannot be recorded is not kept silent.
 */
#include "test/unit/sim_check/story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void equal_bytes_have_equal_symbols(void **state)
{
    struct story story;
    char value[16];

    (void)state;
    story_begin(&story);
    for (unsigned i = 0; i < 900; i++) {
        snprintf(value, sizeof value, "v%u", i % 450);
        (void)asks(&story, 1, CC_HISTORY_PUT, "k", value);
    }
    for (unsigned i = 0; i < 450; i++) {
        const struct cc_history_operation *first = cc_history_at(story.history, i);
        const struct cc_history_operation *second = cc_history_at(story.history, i + 450);
        const struct cc_history_operation *other = cc_history_at(story.history, i + 1);
        struct cc_history_bytes bytes = cc_history_symbol(story.history, first->value);

        snprintf(value, sizeof value, "v%u", i);
        assert_int_equal(first->value, second->value);
        assert_int_not_equal(first->value, other->value);
        assert_int_equal(bytes.size, strlen(value));
        assert_memory_equal(bytes.data, value, bytes.size);
    }
    story_end(&story);
}

/* Many of them meet in the table, and each begins like all that are longer. */
static void a_beginning_is_not_the_whole(void **state)
{
    struct story story;
    char value[201];

    (void)state;
    story_begin(&story);
    memset(value, 'a', sizeof value);
    for (size_t size = 200; size > 0; size--) {
        value[size] = '\0';

        size_t put = asks(&story, 1, CC_HISTORY_PUT, "k", value);
        uint32_t symbol = cc_history_at(story.history, put)->value;

        assert_int_equal(cc_history_symbol(story.history, symbol).size, size);
    }
    story_end(&story);
}

static void the_empty_value_is_not_the_absent_one(void **state)
{
    struct story story;
    size_t get;

    (void)state;
    story_begin(&story);
    get = asks(&story, 1, CC_HISTORY_GET, "k", NULL);
    told(&story, get, "");
    assert_int_not_equal(cc_history_at(story.history, get)->result, 0);
    get = asks(&story, 1, CC_HISTORY_GET, "k", NULL);
    told(&story, get, NULL);
    assert_int_equal(cc_history_at(story.history, get)->result, 0);
    assert_null(cc_history_defect(story.history));
    story_end(&story);
}

static void operations_beyond_the_bound_make_it_defective(void **state)
{
    struct story story = {.history = cc_history_create(1, 100)};

    (void)state;
    told(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "a"), NULL);
    assert_null(cc_history_defect(story.history));
    told(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "b"), NULL);
    assert_non_null(cc_history_defect(story.history));
    assert_int_equal(cc_history_count(story.history), 1);
    story_end(&story);
}

static void bytes_beyond_the_bound_make_it_defective(void **state)
{
    struct story story = {.history = cc_history_create(10, 4)};

    (void)state;
    told(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "abc"), "abc");
    assert_null(cc_history_defect(story.history));
    told(&story, asks(&story, 1, CC_HISTORY_PUT, "k", "d"), "abc");
    assert_non_null(cc_history_defect(story.history));
    story_end(&story);
}

static void a_second_completion_makes_it_defective(void **state)
{
    struct story story;
    size_t get;

    (void)state;
    story_begin(&story);
    get = asks(&story, 1, CC_HISTORY_GET, "k", NULL);
    told(&story, get, "a");
    told(&story, get, "b");
    assert_non_null(cc_history_defect(story.history));
    story_end(&story);
}

static void time_that_goes_back_makes_it_defective(void **state)
{
    struct story story;
    size_t get;

    (void)state;
    story_begin(&story);
    get = asks(&story, 1, CC_HISTORY_GET, "k", NULL);
    story.now--;
    told(&story, get, NULL);
    assert_null(cc_history_defect(story.history));
    (void)asks(&story, 1, CC_HISTORY_GET, "k", NULL);
    story.now = 0;
    (void)asks(&story, 1, CC_HISTORY_GET, "k", NULL);
    assert_non_null(cc_history_defect(story.history));
    story_end(&story);
}

static void a_value_that_is_missing_makes_it_defective(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    (void)asks(&story, 1, CC_HISTORY_PUT, "k", "");
    assert_null(cc_history_defect(story.history));
    (void)asks(&story, 1, CC_HISTORY_PUT, "k", NULL);
    assert_non_null(cc_history_defect(story.history));
    story_end(&story);
}

static void the_fingerprint_tells_commands_apart(void **state)
{
    struct cc_history_invocation put = {
        .kind = CC_HISTORY_PUT, .key = text("ab"), .value = text("c")};
    struct cc_history_invocation other = put;

    (void)state;
    other.client = 7;
    other.at = 9;
    other.expected = text("of no concern");
    assert_true(cc_history_fingerprint(&put) == cc_history_fingerprint(&other));
    other.key = text("a");
    other.value = text("bc");
    assert_true(cc_history_fingerprint(&put) != cc_history_fingerprint(&other));
    other = put;
    other.map = 1;
    assert_true(cc_history_fingerprint(&put) != cc_history_fingerprint(&other));
    other = put;
    other.kind = CC_HISTORY_REPLACE;
    assert_true(cc_history_fingerprint(&put) != cc_history_fingerprint(&other));
}

static void an_operation_is_told_in_one_line(void **state)
{
    static const char *const keys[] = {"k", "l"};
    struct story story;
    char line[200];
    size_t id;

    (void)state;
    story_begin(&story);
    id = asks_cas(&story, 3, "k", "\n", "a long value that goes on and on");
    cc_history_number(story.history, id, 4);
    cc_history_describe(story.history, cc_history_at(story.history, id), line, sizeof line);
    assert_string_equal(
        line, "#0 [1 .. pending] client 3 sequence 4: cas(map 1, \"k\", \"\\x0a\", "
              "\"a long value that goes o...\") -> unknown");
    id = asks_at_level(&story, 3, CC_HISTORY_KEYS, CC_HISTORY_SEQUENTIAL, NULL);
    told_keys(&story, id, keys, 2);
    cc_history_describe(story.history, cc_history_at(story.history, id), line, sizeof line);
    assert_string_equal(line, "#1 [2 .. 3] client 3: keys sequential(map 1) -> {\"k\", \"l\"}");
    cc_history_describe(story.history, cc_history_at(story.history, id), line, 8);
    assert_string_equal(line, "#1 [2 .");
    story_end(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_bytes_have_equal_symbols),
        cmocka_unit_test(a_beginning_is_not_the_whole),
        cmocka_unit_test(the_empty_value_is_not_the_absent_one),
        cmocka_unit_test(operations_beyond_the_bound_make_it_defective),
        cmocka_unit_test(bytes_beyond_the_bound_make_it_defective),
        cmocka_unit_test(a_second_completion_makes_it_defective),
        cmocka_unit_test(time_that_goes_back_makes_it_defective),
        cmocka_unit_test(a_value_that_is_missing_makes_it_defective),
        cmocka_unit_test(the_fingerprint_tells_commands_apart),
        cmocka_unit_test(an_operation_is_told_in_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
