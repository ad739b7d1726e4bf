/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timers_test -- deadlines and the order in which they are taken.
 */
#include "apply/timers.h"
#include "base/prng.h"
#include "support/apply_history.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct counted_memory counted;

static void take_and_check(
    struct cc_timers *timers, uint64_t now_us, uint64_t instance, uint64_t key)
{
    uint64_t taken_instance;
    uint64_t taken_key;

    assert_true(cc_timers_take(timers, now_us, &taken_instance, &taken_key));
    assert_int_equal(taken_instance, instance);
    assert_int_equal(taken_key, key);
}

static void equal_deadlines_are_taken_in_the_order_they_were_set(void **state)
{
    struct cc_timers timers;
    uint64_t instance;
    uint64_t key;

    (void)state;
    cc_timers_init(&timers, &counted.memory);
    for (uint64_t i = 0; i < 50; i++) {
        cc_timers_set(&timers, 1, 49 - i, 100);
    }
    assert_false(cc_timers_take(&timers, 99, &instance, &key));
    for (uint64_t i = 0; i < 50; i++) {
        take_and_check(&timers, 100, 1, 49 - i);
    }
    assert_false(cc_timers_take(&timers, 100, &instance, &key));
    cc_timers_deinit(&timers);
}

static void a_new_deadline_replaces_the_one_of_the_same_key(void **state)
{
    struct cc_timers timers;
    uint64_t instance;
    uint64_t key;

    (void)state;
    cc_timers_init(&timers, &counted.memory);
    cc_timers_set(&timers, 1, 7, 100);
    cc_timers_set(&timers, 2, 7, 150);
    cc_timers_set(&timers, 1, 7, 200);
    assert_int_equal(timers.count, 2);
    assert_int_equal(cc_timers_next_us(&timers), 150);
    take_and_check(&timers, 1000, 2, 7);
    take_and_check(&timers, 1000, 1, 7);
    assert_false(cc_timers_take(&timers, 1000, &instance, &key));
    cc_timers_deinit(&timers);
}

static void a_cancelled_deadline_never_comes(void **state)
{
    struct cc_timers timers;

    (void)state;
    cc_timers_init(&timers, &counted.memory);
    cc_timers_set(&timers, 1, 7, 100);
    cc_timers_cancel(&timers, 1, 7);
    cc_timers_cancel(&timers, 1, 8);
    assert_int_equal(cc_timers_next_us(&timers), UINT64_MAX);
    assert_int_equal(timers.digest, 0);
    cc_timers_deinit(&timers);
}

/* Against an array that is searched from end to end. */
static void random_deadlines_are_taken_as_an_array_gives_them(void **state)
{
    enum {
        KEYS = 200
    };

    struct {
        uint64_t deadline_us; /* 0: none */
        uint64_t order;
    } model[KEYS] = {{0, 0}};
    struct cc_prng prng = {11};
    struct cc_timers timers;
    uint64_t now_us = 0;
    uint64_t order = 0;

    (void)state;
    cc_timers_init(&timers, &counted.memory);
    for (int step = 0; step < 30000; step++) {
        uint64_t name = cc_prng_below(&prng, KEYS);

        if (cc_prng_below(&prng, 4) == 0) {
            cc_timers_cancel(&timers, name % 3, name);
            model[name].deadline_us = 0;
        } else {
            model[name].deadline_us = now_us + 1 + cc_prng_below(&prng, 50);
            model[name].order = ++order;
            cc_timers_set(&timers, name % 3, name, model[name].deadline_us);
        }
        if (cc_prng_below(&prng, 20) == 0) {
            cc_timers_arrange(&timers); /* nothing of it shows */
        }
        if (cc_prng_below(&prng, 8) != 0) {
            continue;
        }
        now_us += cc_prng_below(&prng, 10);
        for (;;) {
            int first = -1;
            uint64_t instance;
            uint64_t key;

            for (int i = 0; i < KEYS; i++) {
                if (model[i].deadline_us == 0 || model[i].deadline_us > now_us) {
                    continue;
                }
                if (first < 0 || model[i].deadline_us < model[first].deadline_us ||
                    (model[i].deadline_us == model[first].deadline_us &&
                     model[i].order < model[first].order)) {
                    first = i;
                }
            }
            if (first < 0) {
                assert_false(cc_timers_take(&timers, now_us, &instance, &key));
                break;
            }
            take_and_check(&timers, now_us, (uint64_t)first % 3, (uint64_t)first);
            model[first].deadline_us = 0;
        }
    }
    cc_timers_deinit(&timers);
    assert_int_equal(counted.blocks, 0);
}

/* Whatever was cancelled or taken before, and in the order that images are written in. */
static void arranged_deadlines_come_in_order_and_can_be_set_again_as_they_were(void **state)
{
    struct cc_prng prng = {12};

    (void)state;
    for (uint32_t size = 0; size < 300; size++) {
        struct cc_timers timers;
        struct cc_timers again;
        uint64_t instance;
        uint64_t key;

        cc_timers_init(&timers, &counted.memory);
        cc_timers_init(&again, &counted.memory);
        for (uint32_t i = 0; i < size; i++) {
            cc_timers_set(&timers, 1, cc_prng_below(&prng, size), 1 + cc_prng_below(&prng, size));
            if (cc_prng_below(&prng, 3) == 0) {
                cc_timers_cancel(&timers, 1, cc_prng_below(&prng, size));
            }
        }
        cc_timers_arrange(&timers);
        again.order = timers.order;
        for (uint32_t i = 0; i < timers.count; i++) {
            struct cc_deadline_view view = cc_timers_at(&timers, i);

            assert_true(cc_timers_restore(&again, &view));
            assert_false(cc_timers_restore(&again, &view));
        }
        assert_true(again.digest == timers.digest);
        while (cc_timers_take(&timers, UINT64_MAX, &instance, &key)) {
            take_and_check(&again, UINT64_MAX, instance, key);
        }
        assert_int_equal(again.count, 0);
        cc_timers_deinit(&timers);
        cc_timers_deinit(&again);
    }
    assert_int_equal(counted.blocks, 0);
}

/* An order that nobody gave out would be given out once more. */
static void a_deadline_with_an_order_that_was_not_yet_is_refused(void **state)
{
    struct cc_timers timers;
    struct cc_deadline_view view = {.deadline_us = 5, .instance = 1, .key = 1};

    (void)state;
    cc_timers_init(&timers, &counted.memory);
    timers.order = 3;
    assert_false(cc_timers_restore(&timers, &view));
    view.order = 4;
    assert_false(cc_timers_restore(&timers, &view));
    view.order = 3;
    assert_true(cc_timers_restore(&timers, &view));
    cc_timers_deinit(&timers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_deadlines_are_taken_in_the_order_they_were_set),
        cmocka_unit_test(a_new_deadline_replaces_the_one_of_the_same_key),
        cmocka_unit_test(a_cancelled_deadline_never_comes),
        cmocka_unit_test(random_deadlines_are_taken_as_an_array_gives_them),
        cmocka_unit_test(arranged_deadlines_come_in_order_and_can_be_set_again_as_they_were),
        cmocka_unit_test(a_deadline_with_an_order_that_was_not_yet_is_refused),
    };

    counted_memory_init(&counted, 0xff);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
