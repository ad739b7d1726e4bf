/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taking_plan -- which segments are written anew: what is asked for is bounded by what the log has
 * brought, and what is left dead by what lives.
 */
#include "server/image/taking_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT 40u
#define RECORDS 100u
#define RECORD_SIZE 1000u
#define SEGMENT_SIZE (RECORDS * RECORD_SIZE)

static struct cc_taking_part parts[COUNT];
static struct cc_taking_plan plan;

/* So many of a hundred commits live in each of them. */
static int set_up(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        parts[i] = (struct cc_taking_part){
            .name = {
                .first = i * RECORDS + 1,
                .last = (i + 1) * RECORDS,
                .count = RECORDS,
                .bytes = SEGMENT_SIZE}};
    }
    plan = (struct cc_taking_plan){
        .rule = CC_CLEANING_BENEFIT,
        .brought_bytes = SEGMENT_SIZE,
        .newest = (COUNT + 1) * RECORDS,
        .segment_bytes = SEGMENT_SIZE,
        .parts = parts,
        .count = COUNT};
    return 0;
}

static void let_live(uint32_t begin, uint32_t count, uint32_t live)
{
    for (uint32_t i = begin; i < begin + count; i++) {
        parts[i].live_count = live;
        parts[i].live_bytes = live * RECORD_SIZE;
    }
}

struct sum {
    uint64_t moved;
    uint64_t dead;
    uint64_t live;
};

static struct sum add_up(void)
{
    struct sum sum = {0};

    for (uint32_t i = 0; i < COUNT; i++) {
        sum.live += parts[i].live_bytes;
        sum.moved += parts[i].is_rewritten ? parts[i].live_bytes : 0;
        if (!parts[i].is_rewritten && parts[i].live_count > 0) {
            sum.dead += parts[i].name.bytes - parts[i].live_bytes;
        }
    }
    return sum;
}

static void moves_nothing_while_little_is_dead(void **state)
{
    (void)state;
    let_live(0, COUNT, 90);
    cc_taking_choose(&plan);
    assert_int_equal(add_up().moved, 0);
}

static void moves_about_as_much_as_the_log_has_brought(void **state)
{
    (void)state;
    let_live(0, 24, 40);
    let_live(24, COUNT - 24, 100);
    cc_taking_choose(&plan);
    assert_true(add_up().moved >= SEGMENT_SIZE / 2);
    assert_true(add_up().moved <= 2 * SEGMENT_SIZE);
}

static void leaves_half_as_much_dead_as_lives_at_most(void **state)
{
    (void)state;
    for (uint32_t live = 1; live < RECORDS; live++) {
        (void)set_up(state);
        let_live(0, COUNT, live);
        cc_taking_choose(&plan);
        assert_true(add_up().dead <= add_up().live / 2 + SEGMENT_SIZE);
    }
}

static void moves_nothing_of_what_is_dead_as_a_whole(void **state)
{
    (void)state;
    let_live(0, COUNT / 2, 0);
    let_live(COUNT / 2, COUNT / 2, 100);
    cc_taking_choose(&plan);
    assert_int_equal(add_up().moved, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(moves_nothing_while_little_is_dead, set_up),
        cmocka_unit_test_setup(moves_about_as_much_as_the_log_has_brought, set_up),
        cmocka_unit_test_setup(leaves_half_as_much_dead_as_lives_at_most, set_up),
        cmocka_unit_test_setup(moves_nothing_of_what_is_dead_as_a_whole, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
