/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_test -- the set of live indexes: what is in it, and what was in it when it was frozen.
 */
#include "apply/live.h"
#include "base/prng.h"
#include "support/apply_history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void an_index_is_live_from_adding_to_removing(void **state)
{
    struct counted_memory counted;
    struct cc_live live;

    (void)state;
    counted_memory_init(&counted, 0xff);
    cc_live_init(&live, &counted.memory);
    assert_false(cc_live_has(&live, 1));
    for (uint64_t index = 3; index < 200000; index += 3) {
        cc_live_add(&live, index);
    }
    for (uint64_t index = 6; index < 200000; index += 6) {
        cc_live_remove(&live, index);
    }
    for (uint64_t index = 0; index < 300000; index++) {
        assert_int_equal(cc_live_has(&live, index), index % 6 == 3 && index < 200000);
    }
    assert_int_equal(live.count, 33333);
    cc_live_deinit(&live);
    assert_int_equal(counted.blocks, 0);
}

static void the_digest_is_of_what_is_live_whatever_was_before(void **state)
{
    struct counted_memory counted;
    struct cc_live up;
    struct cc_live down;

    (void)state;
    counted_memory_init(&counted, 0xff);
    cc_live_init(&up, &counted.memory);
    cc_live_init(&down, &counted.memory);
    for (uint64_t index = 1; index <= 5000; index++) {
        cc_live_add(&up, index);
        if (index % 2 == 0) {
            cc_live_add(&down, index);
        }
    }
    assert_true(up.digest != down.digest);
    for (uint64_t index = 1; index <= 5000; index += 2) {
        cc_live_remove(&up, 5000 - index);
        cc_live_add(&up, 5000 + index);
        cc_live_remove(&up, 5000 + index);
        cc_live_remove(&down, 5000 - index + 1);
        cc_live_add(&down, 5000 + index);
        cc_live_remove(&down, 5000 + index);
    }
    assert_int_equal(down.count, 0);
    assert_int_equal(down.digest, 0);
    assert_int_equal(up.count, 2500);
    cc_live_deinit(&up);
    cc_live_deinit(&down);
}

/* ---- against a set that is too simple to be wrong -------------------------------------------- */

#define SPACE 400000u

struct model {
    bool now[SPACE + 1];
    bool frozen[SPACE + 1];
};

static void check_frozen(const struct cc_live *live, const struct model *model)
{
    uint64_t count = 0;
    uint64_t at = 0;

    for (uint64_t index = 1; index <= SPACE; index++) {
        if (model->frozen[index]) {
            at = cc_live_frozen_next(live, at);
            assert_int_equal(at, index);
            count++;
        }
    }
    assert_int_equal(cc_live_frozen_next(live, at), 0);
    assert_int_equal(count, live->frozen_count);
}

static void check_now(const struct cc_live *live, const struct model *model)
{
    uint64_t count = 0;
    uint32_t page = 0;
    uint32_t far = 0;

    for (uint64_t index = 0; index <= SPACE; index++) {
        assert_int_equal(cc_live_has(live, index), model->now[index]);
        assert_int_equal(cc_live_has_next(live, index, &page), model->now[index]);
        count += model->now[index];
    }
    for (uint64_t index = 0; index <= SPACE; index += 90001) {
        assert_int_equal(cc_live_has_next(live, index, &far), model->now[index]);
    }
    assert_int_equal(count, live->count);
}

/* Adds up to `size` indexes with gaps, so that pages of all densities come about. */
static uint64_t add_some(
    struct cc_live *live, struct model *model, struct cc_prng *prng, uint64_t newest, uint64_t size)
{
    static const uint64_t gaps[] = {1, 1, 3, 100, 9000};
    uint64_t gap = gaps[cc_prng_below(prng, 5)];

    for (uint64_t i = 0; i < size; i++) {
        newest += 1 + cc_prng_below(prng, gap);
        if (newest > SPACE) {
            return SPACE;
        }
        cc_live_add(live, newest);
        model->now[newest] = true;
    }
    return newest;
}

static void remove_some(
    struct cc_live *live, struct model *model, struct cc_prng *prng, uint64_t newest)
{
    uint64_t low = cc_prng_below(prng, newest + 1);
    uint64_t size = cc_prng_below(prng, 70000);
    uint64_t one_of = 1 + cc_prng_below(prng, 3);

    for (uint64_t index = low; index < low + size && index <= newest; index++) {
        if (model->now[index] && cc_prng_below(prng, one_of) == 0) {
            cc_live_remove(live, index);
            model->now[index] = false;
        }
    }
}

static void what_was_live_when_it_was_frozen_is_walked_whatever_is_removed_meanwhile(void **state)
{
    struct model *model = calloc(1, sizeof *model);

    (void)state;
    assert_non_null(model);
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct cc_prng prng = {seed};
        struct counted_memory counted;
        struct cc_live live;
        uint64_t newest = 0;

        memset(model, 0, sizeof *model);
        counted_memory_init(&counted, 0xff);
        cc_live_init(&live, &counted.memory);
        for (int round = 0; round < 4; round++) {
            newest = add_some(&live, model, &prng, newest, 40000);
            remove_some(&live, model, &prng, newest);
            memcpy(model->frozen, model->now, sizeof model->now);
            cc_live_freeze(&live, newest + cc_prng_below(&prng, 2));
            for (int i = 0; i < 5; i++) {
                newest = add_some(&live, model, &prng, newest + 1, 4000);
                remove_some(&live, model, &prng, newest);
            }
            check_frozen(&live, model);
            check_now(&live, model);
            cc_live_thaw(&live);
            check_now(&live, model);
        }
        cc_live_deinit(&live);
        assert_int_equal(counted.blocks, 0);
    }
    free(model);
}

static void pages_without_any_index_cost_nothing_for_long(void **state)
{
    struct counted_memory counted;
    struct cc_live live;

    (void)state;
    counted_memory_init(&counted, 0xff);
    cc_live_init(&live, &counted.memory);
    cc_live_add(&live, 1);
    for (uint64_t index = 2; index < 20000000; index += 1000) {
        cc_live_add(&live, index);
        if (index > 3000) {
            cc_live_remove(&live, index - 3000);
        }
        assert_in_range(live.page_count, 1, 8);
        assert_in_range(counted.blocks, 1, 5);
    }
    assert_true(cc_live_has(&live, 1));
    cc_live_deinit(&live);
    assert_int_equal(counted.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_is_live_from_adding_to_removing),
        cmocka_unit_test(the_digest_is_of_what_is_live_whatever_was_before),
        cmocka_unit_test(what_was_live_when_it_was_frozen_is_walked_whatever_is_removed_meanwhile),
        cmocka_unit_test(pages_without_any_index_cost_nothing_for_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
