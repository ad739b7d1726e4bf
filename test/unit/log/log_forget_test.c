/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log -- what is left of one group's entries when those that an image covers are forgotten: terms,
 * damage, memory.  No journal: entries come as recovery brings them.
 */
#include "base/prng.h"
#include "log/log.h"
#include "unit/log/memory_disk.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define INDEX_MAX 4096u

static struct memory_disk disk;
static struct cc_log *group_log;

static int set_up(void **state)
{
    (void)state;
    memory_disk_init(&disk);
    group_log = cc_log_create(&disk.env, 0, 4096);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cc_log_destroy(group_log);
    assert_int_equal(disk.blocks_out, 0);
    memory_disk_deinit(&disk);
    return 0;
}

static void find(uint64_t index, uint64_t term)
{
    struct cc_entry entry = {.index = index, .term = term, .time_us = index * 10};
    struct cc_journal_place place = {.file = 1, .batch_blocks = 1, .size = 100};

    cc_log_recover_entry(group_log, &entry, &place);
}

static void find_many(uint64_t first, uint64_t last, uint64_t term)
{
    for (uint64_t index = first; index <= last; index++) {
        find(index, term);
    }
}

static void find_damage(uint64_t first, uint64_t last, uint64_t term)
{
    struct cc_raft_run run = {first, term};

    cc_log_recover_damage(
        group_log, &(struct cc_journal_damage){
                       .first = first, .last = last, .runs = &run, .run_count = 1, .file = 1});
}

static void begins_behind_what_it_has_forgotten(void **state)
{
    uint32_t count;

    (void)state;
    find_many(1, 10, 1);
    find_many(11, 20, 3);
    find_many(21, 30, 4);
    cc_log_forget(group_log, 20);
    assert_int_equal(cc_log_first(group_log), 21);
    assert_int_equal(cc_log_last(group_log), 30);
    assert_int_equal(cc_log_term(group_log, 20), 3);
    assert_int_equal(cc_log_term(group_log, 19), 0);
    assert_int_equal(cc_log_term(group_log, 21), 4);
    assert_null(cc_log_peek(group_log, 20));

    const struct cc_raft_run *runs = cc_log_runs(group_log, &count);

    assert_int_equal(count, 2);
    assert_true(runs[0].first <= 20);
    assert_int_equal(runs[0].term, 3);
    assert_int_equal(cc_log_bytes_above(group_log, 20), 1000);
    assert_int_equal(cc_log_bytes_above(group_log, 0), 1000);
    assert_int_equal(cc_log_bytes_above(group_log, 29), 100);
    cc_log_forget(group_log, 5);
    assert_int_equal(cc_log_first(group_log), 21);
}

static void knows_the_last_term_when_all_is_forgotten(void **state)
{
    (void)state;
    find_many(1, 10, 2);
    cc_log_forget(group_log, 10);
    assert_int_equal(cc_log_first(group_log), 11);
    assert_int_equal(cc_log_last(group_log), 10);
    assert_int_equal(cc_log_term(group_log, 10), 2);
    assert_int_equal(cc_log_bytes_above(group_log, 0), 0);
    find(11, 2);
    find(12, 5);
    cc_log_recover_truncate(group_log, 11);
    assert_int_equal(cc_log_term(group_log, 10), 2);
    assert_int_equal(cc_log_term(group_log, 11), 0);
}

static void is_nothing_but_the_image_when_it_is_reset(void **state)
{
    uint32_t count;

    (void)state;
    find_many(1, 30, 1);
    find_damage(31, 33, 2);
    cc_log_reset(group_log, 20, 7, 12345);
    assert_int_equal(cc_log_first(group_log), 21);
    assert_int_equal(cc_log_last(group_log), 20);
    assert_int_equal(cc_log_term(group_log, 20), 7);
    assert_null(cc_log_damage(group_log));
    assert_int_equal(cc_log_last_time_us(group_log), 12345);
    assert_int_equal(cc_log_runs(group_log, &count)[0].term, 7);
    assert_int_equal(count, 1);
    find(21, 8);
    assert_int_equal(cc_log_term(group_log, 21), 8);
    cc_log_reset(group_log, 5000, 9, 0);
    find(5001, 9);
    assert_int_equal(cc_log_term(group_log, 5000), 9);
    assert_int_equal(cc_log_last(group_log), 5001);
}

static void forgets_damage_with_its_entries(void **state)
{
    (void)state;
    find_many(1, 4, 1);
    find_damage(5, 8, 1);
    find_many(9, 10, 1);
    find_damage(11, 12, 2);
    cc_log_forget(group_log, 6);
    assert_int_equal(cc_log_damage(group_log)->first, 7);
    assert_int_equal(cc_log_damage(group_log)->last, 8);
    cc_log_forget(group_log, 9);
    assert_int_equal(cc_log_damage(group_log)->first, 11);
    assert_true(cc_log_is_damaged(group_log, 12));
    cc_log_forget(group_log, 12);
    assert_null(cc_log_damage(group_log));
}

static void gives_its_memory_back(void **state)
{
    (void)state;
    disk.block_largest = 0;
    find_many(1, 100, 1);

    size_t small = disk.block_largest;

    for (uint64_t index = 101; index <= 100000; index++) {
        find(index, 1);
        if (index % 50 == 0) {
            cc_log_forget(group_log, index - 100);
        }
    }
    assert_int_equal(disk.block_largest, small); /* it never grew */
}

/* What is random here is drawn from a fixed seed. */
static void is_what_a_plain_array_of_terms_is(void **state)
{
    static uint64_t terms[INDEX_MAX + 2];
    struct cc_prng prng = {7};
    uint64_t first = 1;
    uint64_t last = 0;
    uint64_t term = 1;

    (void)state;
    while (last < INDEX_MAX) {
        uint64_t draw = cc_prng_below(&prng, 20);

        term += cc_prng_below(&prng, 3) == 0;
        if (draw == 0 && last >= first) {
            last = last - cc_prng_below(&prng, last - first + 1) - 1;
            cc_log_recover_truncate(group_log, last + 1);
            term++;
        } else if (draw == 1 && last >= first) {
            first += 1 + cc_prng_below(&prng, last - first + 1);
            cc_log_forget(group_log, first - 1);
        } else if (draw == 2 && cc_prng_below(&prng, 8) == 0) {
            last += cc_prng_below(&prng, 30);
            last += last == 0;
            last = last < INDEX_MAX ? last : INDEX_MAX;
            first = last + 1;
            terms[last] = term;
            cc_log_reset(group_log, last, term, 0);
        } else {
            last++;
            terms[last] = term;
            find(last, term);
        }
        assert_int_equal(cc_log_first(group_log), first);
        assert_int_equal(cc_log_last(group_log), last);
        for (uint64_t index = first - (first > 1); index <= last; index++) {
            assert_int_equal(cc_log_term(group_log, index), index == 0 ? 0 : terms[index]);
        }
        assert_int_equal(cc_log_term(group_log, last + 1), 0);
    }
}

static void begin_behind(uint64_t last)
{
    cc_log_recover_forgotten(group_log, last + 1);
    assert_int_equal(cc_log_term(group_log, last), 0);
}

static bool switch_to(uint64_t index, uint64_t term)
{
    return cc_log_recover_switch(
        group_log, &(struct cc_journal_base){.index = index, .term = term, .time_us = index * 10},
        true);
}

static void learns_the_term_before_its_first_entry_from_the_image(void **state)
{
    (void)state;
    begin_behind(10);
    find_many(11, 12, 4);
    assert_true(switch_to(10, 3));
    assert_int_equal(cc_log_first(group_log), 11);
    assert_int_equal(cc_log_term(group_log, 10), 3);
    assert_int_equal(cc_log_term(group_log, 12), 4);
    assert_int_equal(cc_log_last_time_us(group_log), 120);
}

static void learns_a_term_that_goes_on(void **state)
{
    uint32_t count;

    (void)state;
    begin_behind(10);
    find_many(11, 12, 4);
    assert_true(switch_to(10, 4));
    assert_int_equal(cc_log_term(group_log, 10), 4);
    (void)cc_log_runs(group_log, &count);
    assert_int_equal(count, 1);
}

static void does_without_an_entry_to_know_the_term_before_its_first(void **state)
{
    (void)state;
    begin_behind(10);
    find_many(11, 20, 4);
    assert_true(switch_to(15, 4));
    assert_int_equal(cc_log_first(group_log), 12);
    assert_int_equal(cc_log_term(group_log, 11), 4);
}

static void goes_on_below_its_beginning_when_that_is_dropped(void **state)
{
    (void)state;
    begin_behind(10);
    find_many(11, 12, 4);
    cc_log_recover_truncate(group_log, 6);
    assert_int_equal(cc_log_first(group_log), 6);
    assert_int_equal(cc_log_last(group_log), 5);
    find_many(6, 20, 5);
    assert_true(switch_to(11, 5));
    assert_int_equal(cc_log_first(group_log), 7);
    assert_int_equal(cc_log_term(group_log, 6), 5);
    assert_int_equal(cc_log_last(group_log), 20);
}

/* The file of 8..10 was given up, for those were dropped: what says so lies in the file behind it. */
static void goes_on_right_behind_its_image_when_all_else_is_dropped(void **state)
{
    (void)state;
    begin_behind(10);
    assert_true(switch_to(7, 3));
    cc_log_recover_truncate(group_log, 8);
    assert_int_equal(cc_log_first(group_log), 8);
    assert_int_equal(cc_log_term(group_log, 7), 3);
    find_many(8, 9, 5);
    assert_int_equal(cc_log_term(group_log, 7), 3);
    assert_int_equal(cc_log_term(group_log, 8), 5);
}

static void has_no_damage_that_an_image_covers(void **state)
{
    (void)state;
    find_many(1, 4, 1);
    find_damage(5, 6, 1);
    find_many(7, 8, 1);
    find_damage(9, 12, 1);
    find_many(13, 15, 1);
    assert_true(switch_to(7, 1));
    assert_int_equal(cc_log_first(group_log), 7);
    assert_int_equal(cc_log_damage(group_log)->first, 9);
    assert_true(switch_to(10, 1));
    assert_int_equal(cc_log_first(group_log), 11);
    assert_int_equal(cc_log_damage(group_log)->first, 11);
    assert_true(switch_to(14, 1));
    assert_null(cc_log_damage(group_log));
    assert_int_equal(cc_log_first(group_log), 13);
}

static void refuses_an_image_of_another_entry(void **state)
{
    (void)state;
    find_many(1, 4, 2);
    assert_false(switch_to(3, 1));
    assert_true(switch_to(3, 2));
}

static void has_no_use_for_repairs_of_what_is_forgotten(void **state)
{
    struct cc_entry entry = {.index = 3, .term = 1};
    struct cc_journal_place place = {.file = 2};

    (void)state;
    begin_behind(10);
    assert_true(cc_log_recover_repair(group_log, &entry, &place));
    assert_int_equal(cc_log_first(group_log), 11);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(begins_behind_what_it_has_forgotten),
        TEST(knows_the_last_term_when_all_is_forgotten),
        TEST(is_nothing_but_the_image_when_it_is_reset),
        TEST(forgets_damage_with_its_entries),
        TEST(gives_its_memory_back),
        TEST(is_what_a_plain_array_of_terms_is),
        TEST(learns_the_term_before_its_first_entry_from_the_image),
        TEST(learns_a_term_that_goes_on),
        TEST(does_without_an_entry_to_know_the_term_before_its_first),
        TEST(goes_on_below_its_beginning_when_that_is_dropped),
        TEST(goes_on_right_behind_its_image_when_all_else_is_dropped),
        TEST(has_no_damage_that_an_image_covers),
        TEST(refuses_an_image_of_another_entry),
        TEST(has_no_use_for_repairs_of_what_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
