/* SPDX-License-Identifier: Apache-2.0 */
/* What a log promises its host: order, limits, when what is rewritten, what is forgotten. */
#include "log_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PER_SEGMENT 100u

static struct log_stand stand;

static int set_up(void **state)
{
    (void)state;
    log_stand_init(&stand);
    stand.options.segment_size = 64 << 10;
    stand.options.segment_count = PER_SEGMENT;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    log_stand_deinit(&stand);
    return 0;
}

static void open_with(uint32_t count)
{
    assert_int_equal(log_stand_open(&stand), COPYCAT_OK);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(log_stand_append(&stand, 0), COPYCAT_OK);
    }
}

static copycat_log_status status_now(void)
{
    copycat_log_status status = {.size = sizeof status};

    cc_commitlog_status_of(stand.log, &status);
    return status;
}

static void clean_some(uint64_t first, uint32_t count)
{
    for (uint64_t i = first; count > 0; i++) {
        count -= log_stand_clean(&stand, i) == COPYCAT_OK;
    }
}

/* Does cleaning all that the rule asks for move anything? */
static bool moves(void)
{
    uint64_t before = status_now().moved_bytes;
    bool is_more = true;

    assert_int_equal(cc_commitlog_clean_some(stand.log, UINT64_MAX, &is_more), COPYCAT_OK);
    assert_false(is_more);
    assert_true(log_stand_is_equal(&stand));
    return status_now().moved_bytes > before;
}

/* ---- order and limits ------------------------------------------------------------------------ */

static void an_index_is_given_or_taken_and_never_goes_back(void **state)
{
    copycat_log_entry entry = {.type = 7, .bytes = {"x", 1}};
    uint64_t index;

    (void)state;
    open_with(3);
    entry.index = 3;
    assert_int_equal(cc_commitlog_append(stand.log, &entry, NULL), COPYCAT_ERR_INVALID);
    entry.index = 10;
    assert_int_equal(cc_commitlog_append(stand.log, &entry, &index), COPYCAT_OK);
    assert_int_equal(index, 10);
    assert_int_equal(cc_commitlog_skip(stand.log, 5), COPYCAT_OK);
    entry.index = 0;
    assert_int_equal(cc_commitlog_append(stand.log, &entry, &index), COPYCAT_OK);
    assert_int_equal(index, 16);
    assert_int_equal(cc_commitlog_next(stand.log, 4), 10);
    assert_int_equal(cc_commitlog_next(stand.log, 11), 16);
    assert_int_equal(cc_commitlog_skip(stand.log, UINT64_MAX - 10), COPYCAT_ERR_INVALID);

    /* Further than an offset of 32 bits. */
    entry.index = 1ull << 40;
    assert_int_equal(cc_commitlog_append(stand.log, &entry, &index), COPYCAT_OK);
    assert_int_equal(cc_commitlog_close(stand.log), COPYCAT_OK);
    stand.log = NULL;
    assert_int_equal(log_stand_open(&stand), COPYCAT_OK);
    assert_int_equal(cc_commitlog_next(stand.log, 17), 1ull << 40);
    assert_int_equal(cc_commitlog_read(stand.log, 1ull << 40, &entry), COPYCAT_OK);
    assert_int_equal(entry.type, 7);
}

static void what_is_too_large_is_refused_and_what_is_just_not_is_kept(void **state)
{
    static uint8_t bytes[70000];
    copycat_log_entry entry = {.bytes = {bytes, 3001}};
    uint64_t index;

    (void)state;
    open_with(1);
    assert_int_equal(cc_commitlog_append(stand.log, &entry, NULL), COPYCAT_ERR_TOO_LARGE);
    entry.bytes.size = 3000;
    assert_int_equal(cc_commitlog_append(stand.log, &entry, &index), COPYCAT_OK);
    entry.key = (copycat_bytes){bytes, 1};
    assert_int_equal(cc_commitlog_append(stand.log, &entry, NULL), COPYCAT_ERR_TOO_LARGE);
    entry.bytes.size = SIZE_MAX;
    assert_int_equal(cc_commitlog_append(stand.log, &entry, NULL), COPYCAT_ERR_TOO_LARGE);
    assert_int_equal(cc_commitlog_flush(stand.log), COPYCAT_OK);
    assert_int_equal(cc_commitlog_read(stand.log, index, &entry), COPYCAT_OK);
    assert_int_equal(entry.bytes.size, 3000);
}

static void options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    stand.options.segment_size = 4095;
    assert_int_equal(log_stand_open(&stand), COPYCAT_ERR_INVALID);
    stand.options.segment_size = 4096;
    stand.options.clean_percent = 101;
    assert_int_equal(log_stand_open(&stand), COPYCAT_ERR_INVALID);
    stand.options.clean_percent = 100;
    stand.options.clean_rule = 3;
    assert_int_equal(log_stand_open(&stand), COPYCAT_ERR_UNSUPPORTED);
    assert_true(stand.message.text[0] != '\0');
    stand.options.clean_rule = 2;
    assert_int_equal(log_stand_open(&stand), COPYCAT_OK);
}

/* ---- when what is rewritten ------------------------------------------------------------------ */

static void a_segment_is_rewritten_at_half_then_a_quarter_then_an_eighth(void **state)
{
    (void)state;
    open_with(PER_SEGMENT + 1);
    clean_some(1, 49);
    assert_false(moves());
    clean_some(50, 1);
    assert_true(moves()); /* 50 are left */
    clean_some(51, 12);
    assert_false(moves());
    clean_some(63, 1);
    assert_true(moves()); /* 37 */
    clean_some(64, 4);
    assert_false(moves());
    clean_some(68, 1);
    assert_true(moves());
}

static void by_the_fixed_rule_it_is_always_half(void **state)
{
    (void)state;
    stand.options.clean_rule = COPYCAT_LOG_CLEAN_FIXED;
    open_with(PER_SEGMENT + 1);
    clean_some(1, 50);
    assert_true(moves());
    clean_some(51, 24);
    assert_false(moves());
    clean_some(75, 1);
    assert_true(moves());
}

static void by_default_nothing_is_rewritten_before_enough_of_all_is_dead(void **state)
{
    uint32_t count = 0;

    (void)state;
    stand.options.clean_rule = COPYCAT_LOG_CLEAN_BENEFIT;
    open_with(4 * PER_SEGMENT + 1);
    clean_some(1, PER_SEGMENT - 20);
    assert_false(moves()); /* of one segment much, of all not three tenths */
    do {
        clean_some(PER_SEGMENT + 1, 1);
        assert_true(++count < PER_SEGMENT / 2);
    } while (!moves());
    assert_true(count > 1);
}

static void what_is_appended_to_is_not_rewritten(void **state)
{
    (void)state;
    open_with(PER_SEGMENT);
    clean_some(1, PER_SEGMENT);
    assert_false(moves());
}

static void neighbours_that_fit_become_one_and_the_number_of_files_stays_small(void **state)
{
    (void)state;
    open_with(20 * PER_SEGMENT + 1);
    for (uint64_t i = 1; i < 20 * PER_SEGMENT; i++) {
        if (i % 10 != 0) {
            clean_some(i, 1);
        }
    }
    assert_int_equal(status_now().segments, 21);
    assert_true(moves());
    assert_true(status_now().segments <= 6);
    assert_int_equal(status_now().dead_bytes, 0);
    assert_int_equal(log_stand_close(&stand), COPYCAT_OK);
    assert_int_equal(log_stand_open(&stand), COPYCAT_OK);
    assert_true(log_stand_is_equal(&stand));
}

static void a_budget_is_kept_and_appending_goes_on_meanwhile(void **state)
{
    uint64_t before = 0;
    bool is_more = true;

    (void)state;
    open_with(4 * PER_SEGMENT);
    clean_some(1, 3 * PER_SEGMENT / 2);
    for (uint32_t turn = 0; is_more; turn++) {
        assert_true(turn < 1000);
        before = stand.disk.calls;
        assert_int_equal(cc_commitlog_clean_some(stand.log, 500, &is_more), COPYCAT_OK);
        assert_true(stand.disk.calls - before < 24);
        assert_int_equal(log_stand_append(&stand, 0), COPYCAT_OK);
        (void)log_stand_clean(&stand, stand.now.last - 20);
        assert_true(log_stand_is_equal(&stand));
    }
    assert_true(status_now().moved_bytes > 0);
}

static void a_disk_without_room_for_a_rewrite_is_no_end(void **state)
{
    bool is_more;

    (void)state;
    open_with(2 * PER_SEGMENT);
    clean_some(1, 60);
    assert_int_equal(log_stand_flush(&stand), COPYCAT_OK);
    stand.disk.fail_with = COPYCAT_ERR_DISK_FULL;
    stand.disk.fail_at = stand.disk.calls + 1;
    assert_int_equal(
        cc_commitlog_clean_some(stand.log, UINT64_MAX, &is_more), COPYCAT_ERR_DISK_FULL);
    stand.disk.has_failed = false;
    assert_true(log_stand_is_equal(&stand));
    assert_true(moves());
}

static void nothing_goes_before_what_it_was_cleaned_for_is_durable(void **state)
{
    (void)state;
    open_with(PER_SEGMENT + 1);
    assert_int_equal(log_stand_flush(&stand), COPYCAT_OK);
    assert_int_equal(log_stand_append(&stand, 0), COPYCAT_OK); /* replaces the first 60 */
    clean_some(1, 60);
    assert_true(moves());
    log_stand_crash(&stand, CRASH_NOTHING, 1);
    assert_int_equal(log_stand_open(&stand), COPYCAT_OK);
    assert_false(cc_commitlog_contains(stand.log, 1));
    assert_true(cc_commitlog_contains(stand.log, PER_SEGMENT + 2));
    assert_true(log_stand_is_survivor(&stand));
}

/* ---- keys, retention, forgetting ------------------------------------------------------------- */

static void of_each_key_the_latest_entry_stays(void **state)
{
    copycat_log_entry entry = {.type = 1};
    uint64_t cleaned = 0;
    uint64_t index;

    (void)state;
    assert_int_equal(log_stand_open(&stand), COPYCAT_OK);
    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t key = i % 7 == 0 ? 5000 + i : i * i % 500;

        entry.key = (copycat_bytes){&key, i % 11 == 0 ? 0 : sizeof key};
        entry.bytes = (copycat_bytes){&i, sizeof i};
        assert_int_equal(cc_commitlog_append(stand.log, &entry, &index), COPYCAT_OK);
    }
    assert_int_equal(cc_commitlog_clean_keys(stand.log, &cleaned), COPYCAT_OK);
    assert_true(cleaned > 1500);
    for (uint32_t i = 0; i < 3000; i++) {
        bool is_latest = true;

        for (uint32_t later = i + 1; later < 3000; later++) {
            is_latest = is_latest && (i % 7 == 0 || later % 7 == 0 || later % 11 == 0 ||
                                      i * i % 500 != later * later % 500);
        }
        assert_int_equal(
            cc_commitlog_contains(stand.log, i + 1), is_latest || i % 7 == 0 || i % 11 == 0);
    }
    assert_int_equal(cc_commitlog_clean_keys(stand.log, &cleaned), COPYCAT_OK);
    assert_int_equal(cleaned, 0);
}

static void retention_drops_whole_segments_by_time_and_by_size(void **state)
{
    uint64_t first;

    (void)state;
    open_with(10 * PER_SEGMENT); /* the time of each is ten times its index */
    assert_int_equal(cc_commitlog_retain(stand.log, 10 * 250, 0), COPYCAT_OK);
    assert_int_equal(cc_commitlog_next(stand.log, 0), 2 * PER_SEGMENT + 1);
    assert_int_equal(status_now().segments, 10);
    assert_int_equal(cc_commitlog_flush(stand.log), COPYCAT_OK);
    assert_int_equal(status_now().segments, 8);
    assert_int_equal(cc_commitlog_retain(stand.log, 0, status_now().bytes / 2), COPYCAT_OK);
    first = cc_commitlog_next(stand.log, 0);
    assert_int_equal(first % PER_SEGMENT, 1);
    assert_true(first > 400 && first < 900);
    assert_int_equal(cc_commitlog_retain(stand.log, UINT64_MAX, 1), COPYCAT_OK);
    assert_int_equal(cc_commitlog_flush(stand.log), COPYCAT_OK);
    assert_int_equal(status_now().segments, 1);
    assert_int_equal(status_now().last, 10 * PER_SEGMENT);
}

static void what_is_forgotten_stays_forgotten_and_a_log_may_be_forgotten_whole(void **state)
{
    (void)state;
    open_with(250);
    assert_int_equal(log_stand_forget(&stand, 252), COPYCAT_ERR_INVALID);
    assert_int_equal(log_stand_forget(&stand, 131), COPYCAT_OK);
    assert_true(log_stand_is_equal(&stand));
    assert_int_equal(log_stand_close(&stand), COPYCAT_OK);
    assert_int_equal(log_stand_open(&stand), COPYCAT_OK);
    assert_true(log_stand_is_equal(&stand));
    assert_int_equal(log_stand_truncate(&stand, 120), COPYCAT_ERR_INVALID);
    assert_int_equal(log_stand_forget(&stand, 251), COPYCAT_OK);
    assert_int_equal(log_stand_close(&stand), COPYCAT_OK);
    assert_int_equal(log_stand_open(&stand), COPYCAT_OK);
    assert_int_equal(status_now().count, 0);
    assert_int_equal(log_stand_append(&stand, 0), COPYCAT_OK);
    assert_int_equal(stand.now.last, 251);
    assert_true(log_stand_is_equal(&stand));
}

static void a_cleaned_entry_is_not_cleaned_for_the_one_that_takes_its_index(void **state)
{
    (void)state;
    open_with(30);
    clean_some(25, 1);
    assert_int_equal(log_stand_flush(&stand), COPYCAT_OK);
    assert_int_equal(log_stand_truncate(&stand, 20), COPYCAT_OK);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(log_stand_append(&stand, 0), COPYCAT_OK);
    }
    assert_int_equal(log_stand_close(&stand), COPYCAT_OK);
    assert_int_equal(log_stand_open(&stand), COPYCAT_OK);
    assert_true(cc_commitlog_contains(stand.log, 25));
    assert_true(log_stand_is_equal(&stand));
}

/* ---- in memory ------------------------------------------------------------------------------- */

static void in_memory_it_is_the_same_log(void **state)
{
    struct cc_files_memory *memory = cc_files_memory_create(&stand.memory.memory);

    (void)state;
    stand.files = cc_files_memory_files(memory);
    open_with(5 * PER_SEGMENT);
    clean_some(1, 2 * PER_SEGMENT);
    assert_true(moves());
    assert_int_equal(log_stand_truncate(&stand, 333), COPYCAT_OK);
    assert_int_equal(log_stand_append(&stand, 3), COPYCAT_OK);
    assert_int_equal(log_stand_forget(&stand, 250), COPYCAT_OK);
    assert_int_equal(log_stand_flush(&stand), COPYCAT_OK);
    assert_true(log_stand_is_equal(&stand));
    assert_int_equal(cc_commitlog_verify(stand.log), COPYCAT_OK);
    assert_int_equal(log_stand_close(&stand), COPYCAT_OK);
    assert_int_equal(log_stand_open(&stand), COPYCAT_OK);
    assert_true(log_stand_is_equal(&stand));
    assert_int_equal(log_stand_close(&stand), COPYCAT_OK);
    cc_files_memory_destroy(memory);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_index_is_given_or_taken_and_never_goes_back),
        TEST(what_is_too_large_is_refused_and_what_is_just_not_is_kept),
        TEST(options_that_make_no_sense_are_refused),
        TEST(a_segment_is_rewritten_at_half_then_a_quarter_then_an_eighth),
        TEST(by_the_fixed_rule_it_is_always_half),
        TEST(by_default_nothing_is_rewritten_before_enough_of_all_is_dead),
        TEST(what_is_appended_to_is_not_rewritten),
        TEST(neighbours_that_fit_become_one_and_the_number_of_files_stays_small),
        TEST(a_budget_is_kept_and_appending_goes_on_meanwhile),
        TEST(a_disk_without_room_for_a_rewrite_is_no_end),
        TEST(nothing_goes_before_what_it_was_cleaned_for_is_durable),
        TEST(of_each_key_the_latest_entry_stays),
        TEST(retention_drops_whole_segments_by_time_and_by_size),
        TEST(what_is_forgotten_stays_forgotten_and_a_log_may_be_forgotten_whole),
        TEST(a_cleaned_entry_is_not_cleaned_for_the_one_that_takes_its_index),
        TEST(in_memory_it_is_the_same_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
