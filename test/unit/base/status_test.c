/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status_test -- every status answers "did it happen?" by its class, and has a sentence of its own.
 */
#include <copycat/base.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const copycat_status all[] = {
#define NUMBER(name, value, text) name,
    COPYCAT_STATUS_TABLE(NUMBER)
#undef NUMBER
};

static const size_t count = sizeof all / sizeof all[0];

static void has_one_of_four_classes_unless_it_is_ok(void **state)
{
    (void)state;
    assert_int_equal(copycat_status_class(COPYCAT_OK), COPYCAT_CLASS_OK);
    for (size_t i = 1; i < count; i++) {
        assert_in_range(
            copycat_status_class(all[i]), COPYCAT_CLASS_REFUSED, COPYCAT_CLASS_FINISHED);
        assert_int_equal(copycat_status_class(all[i]), -all[i] / 100);
    }
}

static void says_what_a_caller_may_do(void **state)
{
    (void)state;
    assert_int_equal(copycat_status_class(COPYCAT_ERR_INVALID), COPYCAT_CLASS_REFUSED);
    assert_int_equal(copycat_status_class(COPYCAT_ERR_NO_LEADER), COPYCAT_CLASS_RETRY);
    assert_int_equal(copycat_status_class(COPYCAT_ERR_OUTCOME), COPYCAT_CLASS_UNKNOWN);
    assert_int_equal(copycat_status_class(COPYCAT_ERR_SESSION), COPYCAT_CLASS_FINISHED);
}

static void has_a_number_and_a_text_that_no_other_has(void **state)
{
    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_true(strlen(copycat_status_text(all[i])) > 0);
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(all[i], all[j]);
            assert_string_not_equal(copycat_status_text(all[i]), copycat_status_text(all[j]));
        }
    }
}

static void of_a_newer_version_still_has_class_and_text(void **state)
{
    (void)state;
    assert_int_equal(copycat_status_class(-299), COPYCAT_CLASS_RETRY);
    assert_int_equal(copycat_status_class(INT32_MIN), 21474836); /* and does not overflow */
    assert_string_equal(copycat_status_text(-299), "unknown status");
    assert_string_equal(copycat_status_text(7), "unknown status");
    assert_string_equal(copycat_status_text(INT32_MIN), "unknown status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_one_of_four_classes_unless_it_is_ok),
        cmocka_unit_test(says_what_a_caller_may_do),
        cmocka_unit_test(has_a_number_and_a_text_that_no_other_has),
        cmocka_unit_test(of_a_newer_version_still_has_class_and_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
