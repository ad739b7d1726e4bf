/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log -- a batch that does not read any more: which entries are damaged then, and where they were.
 * No journal: entries come as recovery brings them, so none is in memory.
 */
#include "log/log.h"
#include "unit/log/memory_disk.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct memory_disk disk;
static struct cc_log *group_log;

static struct cc_journal_place place_of(uint32_t file, uint32_t block)
{
    return (struct cc_journal_place){
        .file = file, .batch_block = block, .batch_blocks = 1, .size = 100};
}

static void find(uint64_t first, uint64_t last, uint32_t file, uint32_t block)
{
    struct cc_journal_place place = place_of(file, block);

    for (uint64_t index = first; index <= last; index++) {
        struct cc_entry entry = {.index = index, .term = 2, .time_us = index};

        cc_log_recover_entry(group_log, &entry, &place);
    }
}

/* Entries 1 to 30, ten in each of three batches, the last of another file. */
static int set_up(void **state)
{
    (void)state;
    memory_disk_init(&disk);
    group_log = cc_log_create(&disk.env, 0, 4096);
    find(1, 10, 1, 2);
    find(11, 20, 1, 3);
    find(21, 30, 2, 3);
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

static struct cc_log_loss lose(uint32_t file, uint32_t block)
{
    struct cc_journal_place place = place_of(file, block);

    return cc_log_lose(group_log, &place, COPYCAT_ERR_DAMAGED);
}

static void the_entries_of_that_batch_and_no_others_are_damaged(void **state)
{
    struct cc_log_loss loss = lose(1, 3);
    struct cc_journal_place at;

    (void)state;
    assert_int_equal(loss.first, 11);
    assert_int_equal(loss.lost, 10);
    assert_int_equal(loss.rewritten, 0);
    assert_int_equal(cc_log_damage(group_log)->first, 11);
    assert_int_equal(cc_log_damage(group_log)->last, 20);
    assert_int_equal(cc_log_damage(group_log)->file, 1);
    assert_int_equal(cc_log_damage(group_log)->offset, 3 * CC_DISK_BLOCK);
    assert_int_equal(cc_log_term(group_log, 15), 2);
    assert_false(cc_log_place(group_log, 15, &at));
    assert_true(cc_log_place(group_log, 10, &at));
    assert_true(cc_log_place(group_log, 21, &at));
}

static void what_the_disk_refused_is_not_taken_for_wrong(void **state)
{
    struct cc_journal_place place = place_of(1, 2);

    (void)state;
    (void)lose(1, 3);
    assert_false(cc_log_damage(group_log)->is_refused);
    (void)cc_log_lose(group_log, &place, COPYCAT_ERR_IO);
    assert_int_equal(cc_log_damage(group_log)->first, 1);
    assert_true(cc_log_damage(group_log)->is_refused);
}

static void to_lose_a_batch_twice_is_to_lose_it_once(void **state)
{
    (void)state;
    (void)lose(1, 3);
    assert_int_equal(lose(1, 3).first, 0);
    cc_log_forget(group_log, 20);
    assert_null(cc_log_damage(group_log));
}

static void batches_are_damaged_in_the_order_of_their_entries(void **state)
{
    (void)state;
    (void)lose(2, 3);
    (void)lose(1, 2);
    (void)lose(1, 3);
    assert_int_equal(cc_log_damage(group_log)->first, 1);
    assert_int_equal(cc_log_damage(group_log)->last, 10);
    cc_log_forget(group_log, 10);
    assert_int_equal(cc_log_damage(group_log)->first, 11);
    assert_int_equal(cc_log_damage(group_log)->last, 20);
    cc_log_forget(group_log, 25);
    assert_int_equal(cc_log_damage(group_log)->first, 26);
    assert_int_equal(cc_log_damage(group_log)->file, 2);
}

/* Entry 15 was damaged before, and lies in another batch since. */
static void what_has_been_written_again_is_not_lost_with_its_former_batch(void **state)
{
    struct cc_entry entry = {.index = 15, .term = 2};
    struct cc_journal_place other = place_of(2, 9);

    (void)state;
    assert_true(cc_log_recover_repair(group_log, &entry, &other));
    assert_int_equal(lose(1, 3).lost, 9);
    assert_int_equal(cc_log_damage(group_log)->last, 14);
    assert_false(cc_log_is_damaged(group_log, 15));
    assert_true(cc_log_is_damaged(group_log, 16));
    assert_int_equal(lose(2, 9).first, 15);
    assert_true(cc_log_is_damaged(group_log, 15));
    assert_int_equal(cc_log_damage(group_log)->last, 14);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_entries_of_that_batch_and_no_others_are_damaged),
        TEST(what_the_disk_refused_is_not_taken_for_wrong),
        TEST(to_lose_a_batch_twice_is_to_lose_it_once),
        TEST(batches_are_damaged_in_the_order_of_their_entries),
        TEST(what_has_been_written_again_is_not_lost_with_its_former_batch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
