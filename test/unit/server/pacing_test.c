/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pacing -- how long work that can wait rests, on a clock that the test moves.
 */
#include "server/image/pacing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t now_us;
static uint64_t took_us; /* by each slice */
static uint32_t slice_count;
static bool is_over;
static bool is_waiting;
static uint32_t hurry;
static struct cc_timer *armed;
static struct cc_task *given;
static struct cc_pacing pacing;

static uint64_t env_now(struct cc_env *env)
{
    (void)env;
    return now_us;
}

static void env_arm(struct cc_env *env, struct cc_timer *timer, uint64_t deadline_us)
{
    (void)env;
    timer->deadline_us = deadline_us;
    timer->armed = true;
    armed = timer;
}

static void env_disarm(struct cc_env *env, struct cc_timer *timer)
{
    (void)env;
    timer->armed = false;
    armed = NULL;
}

static void env_later(struct cc_env *env, struct cc_task *task)
{
    (void)env;
    given = task;
}

static void env_task_cancel(struct cc_env *env, struct cc_task *task)
{
    (void)env;
    given = given == task ? NULL : given;
}

static const struct cc_env_table table = {
    .now_us = env_now,
    .timer_arm = env_arm,
    .timer_disarm = env_disarm,
    .later = env_later,
    .task_cancel = env_task_cancel};
static struct cc_env env = {.table = &table};

static void slice(void *owner)
{
    assert_ptr_equal(owner, &slice_count);
    slice_count++;
    if (is_waiting) {
        cc_pacing_begin(&pacing, false);
    }
    now_us += took_us;
    if (!is_over && !cc_pacing_rest(&pacing)) {
        cc_pacing_go_on(&pacing);
    }
}

static uint32_t haste(const void *owner)
{
    assert_ptr_equal(owner, &slice_count);
    return hurry;
}

static int setup(void **state)
{
    (void)state;
    now_us = 1000;
    took_us = 300;
    slice_count = 0;
    is_over = false;
    armed = NULL;
    given = NULL;
    is_waiting = false;
    hurry = 0;
    cc_pacing_init(&pacing, &env, slice, haste, &slice_count);
    return 0;
}

/* Until what was asked for has come. */
static uint64_t waited(void)
{
    uint64_t before = now_us;
    struct cc_timer *timer = armed;
    struct cc_task *task = given;

    assert_true((timer == NULL) != (task == NULL));
    if (task != NULL) {
        given = NULL;
        task->run(task);
        return 0;
    }
    now_us = timer->deadline_us > now_us ? timer->deadline_us : now_us;
    timer->armed = false;
    armed = NULL;
    before = now_us - before;
    timer->fire(timer);
    return before;
}

static void the_first_slice_comes_at_once_but_not_inside_the_call(void **state)
{
    (void)state;
    cc_pacing_go_on(&pacing);
    assert_int_equal(slice_count, 0);
    assert_int_equal(waited(), 0);
    assert_int_equal(slice_count, 1);
}

static void between_two_slices_there_is_twice_the_time_of_one(void **state)
{
    (void)state;
    cc_pacing_go_on(&pacing);
    (void)waited();
    assert_int_equal(waited(), 600);
    took_us = 50;
    assert_int_equal(waited(), 600);
    assert_int_equal(waited(), 100);
}

static void a_slice_that_was_kept_waiting_by_others_is_not_paid_for_in_full(void **state)
{
    (void)state;
    took_us = 1000000;
    cc_pacing_go_on(&pacing);
    (void)waited();
    assert_true(waited() <= 5000);
}

static void the_more_haste_the_less_rest(void **state)
{
    (void)state;
    cc_pacing_go_on(&pacing);
    (void)waited();
    hurry = 1;
    assert_int_equal(waited(), 600);
    hurry = 2;
    assert_int_equal(waited(), 300);
    hurry = 3;
    assert_int_equal(waited(), 0);
    hurry = 0;
    assert_int_equal(waited(), 0);
    assert_int_equal(waited(), 600);
}

static void there_is_no_rest_after_a_slice_that_waited(void **state)
{
    (void)state;
    cc_pacing_go_on(&pacing);
    is_waiting = true;
    (void)waited();
    assert_int_equal(waited(), 0);
    is_waiting = false;
    assert_int_equal(waited(), 0);
    assert_int_equal(waited(), 600);
}

static void whoever_asks_for_more_meanwhile_does_not_end_the_rest(void **state)
{
    (void)state;
    cc_pacing_go_on(&pacing);
    (void)waited();
    cc_pacing_go_on(&pacing);
    assert_int_equal(waited(), 600);
}

static void a_slice_inside_the_call_takes_the_place_of_the_one_that_was_asked_for(void **state)
{
    (void)state;
    cc_pacing_go_on(&pacing);
    is_over = true;
    cc_pacing_run(&pacing);
    assert_int_equal(slice_count, 1);
    assert_null(armed);
    assert_null(given);
}

static void nothing_comes_after_it_was_cancelled(void **state)
{
    (void)state;
    cc_pacing_go_on(&pacing);
    cc_pacing_cancel(&pacing);
    assert_null(given);
    cc_pacing_go_on(&pacing);
    (void)waited();
    assert_non_null(armed);
    cc_pacing_cancel(&pacing);
    assert_null(armed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_slice_comes_at_once_but_not_inside_the_call, setup),
        cmocka_unit_test_setup(between_two_slices_there_is_twice_the_time_of_one, setup),
        cmocka_unit_test_setup(
            a_slice_that_was_kept_waiting_by_others_is_not_paid_for_in_full, setup),
        cmocka_unit_test_setup(the_more_haste_the_less_rest, setup),
        cmocka_unit_test_setup(there_is_no_rest_after_a_slice_that_waited, setup),
        cmocka_unit_test_setup(whoever_asks_for_more_meanwhile_does_not_end_the_rest, setup),
        cmocka_unit_test_setup(
            a_slice_inside_the_call_takes_the_place_of_the_one_that_was_asked_for, setup),
        cmocka_unit_test_setup(nothing_comes_after_it_was_cancelled, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
