/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal -- starts without end: each goes on in the newest file where that is as it was left, so that
 * they do not use up the disk.
 */
#include "log/format.h"
#include "unit/log/journal_stand.h"
#include "wire/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ENTRIES 20u
#define ENTRY_SIZE 3000u
#define LARGE_FILE_SIZE (UINT64_C(2) << 20)

static struct memory_disk disk;
static struct stand stand;
static uint64_t added;

static void open_stand(void)
{
    stand_open(&stand, &disk, UINT64_MAX);
    assert_int_equal(stand.status, COPYCAT_OK);
    assert_true(stand.is_open);
}

static void reopen(void)
{
    stand_close(&stand);
    open_stand();
}

/* What is timed, too: so what was written is sealed. */
static void settle(void)
{
    while (memory_disk_step_time(&disk)) {
    }
}

static void add_entry(void)
{
    added++;
    stand_add(
        &stand,
        &(struct stand_record){
            .type = STAND_ENTRY, .index = added, .term = 1 + added / 8, .size = ENTRY_SIZE});
    stand_flush(&stand);
    stand_settle(&stand);
}

static void begin(uint64_t file_size)
{
    stand.options = (struct cc_journal_options){.batch_size_max = 8192, .file_size = file_size};
    memory_disk_init(&disk);
    added = 0;
    open_stand();
    for (uint32_t i = 0; i < ENTRIES; i++) {
        add_entry();
    }
    settle();
}

static int tear_down(void **state)
{
    (void)state;
    stand_end(&stand, &disk);
    return 0;
}

static void check_found(void)
{
    assert_int_equal(stand.found.last, added);
    assert_int_equal(stand.found.damages, 0);
    for (uint64_t index = 1; index <= added; index++) {
        assert_int_equal(stand.found.hashes[index], stand_hash(index, 1 + index / 8, ENTRY_SIZE));
    }
}

/* ---- files by what is in them ---------------------------------------------------------------- */

static uint32_t newest_life(void)
{
    struct cc_batch_header header;

    assert_int_equal(
        cc_batch_read_header(stand_newest_file(&disk)->seen, &header), CC_HEADER_VALID);
    return header.life;
}

/* The last batch of the newest file which a start went on with; false: there is none. */
static bool find_boot(struct memory_file **file_out, uint64_t *at_out)
{
    struct cc_batch_header header;
    bool is_found = false;
    uint64_t at = 0;

    *file_out = stand_newest_file(&disk);
    while (at < (*file_out)->size &&
           cc_batch_read_header((*file_out)->seen + at, &header) == CC_HEADER_VALID) {
        if (header.summary.is_boot) {
            is_found = true;
            *at_out = at;
        }
        at += (uint64_t)header.blocks * CC_DISK_BLOCK;
    }
    return is_found;
}

static void spoil(struct memory_file *file, uint64_t at)
{
    file->seen[at] ^= 2;
    file->platter[at] ^= 2;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void a_hundred_starts_need_no_more_room(void **state)
{
    uint64_t bytes;
    uint64_t boot;

    (void)state;
    begin(LARGE_FILE_SIZE);
    reopen();
    settle();
    bytes = cc_journal_disk_bytes(stand.journal);
    boot = cc_journal_boot(stand.journal);
    for (uint32_t i = 1; i <= 100; i++) {
        reopen();
        settle();
        assert_int_equal(cc_journal_disk_bytes(stand.journal), bytes);
        assert_int_equal(cc_journal_boot(stand.journal), boot + i);
    }
    check_found();
}

static void a_hundred_lost_powers_need_no_more_room(void **state)
{
    uint64_t bytes;

    (void)state;
    begin(LARGE_FILE_SIZE);
    bytes = cc_journal_disk_bytes(stand.journal);
    for (uint32_t i = 1; i <= 100; i++) {
        stand_crash(&stand, MEMORY_CRASH_NOTHING, i);
        open_stand();
        stand_settle(&stand);
        assert_int_equal(cc_journal_disk_bytes(stand.journal), bytes);
    }
    check_found();
}

static void goes_on_with_entries_and_finds_all_of_them(void **state)
{
    (void)state;
    begin(0);
    for (uint32_t i = 0; i < 30; i++) {
        reopen();
        check_found();
        add_entry();
        add_entry();
    }
    reopen();
    check_found();
}

/* Sixteen blocks are few for thirty starts. */
static void begins_a_file_where_the_newest_is_full(void **state)
{
    uint32_t life;

    (void)state;
    begin(0);
    life = newest_life();
    for (uint32_t i = 0; i < 30; i++) {
        reopen();
        settle();
        check_found();
    }
    assert_in_range(newest_life(), life + 1, life + 30u * 2 / 16 + 1);
}

static void begins_a_file_behind_what_was_torn_and_goes_on_in_that(void **state)
{
    uint32_t life;

    (void)state;
    begin(LARGE_FILE_SIZE);
    life = newest_life();
    stand_add(
        &stand,
        &(struct stand_record){.type = STAND_ENTRY, .index = added + 1, .term = 9, .size = 3000});
    stand_flush(&stand);
    stand_crash(&stand, MEMORY_CRASH_SUBSET, 3);
    open_stand();
    assert_int_equal(cc_journal_counters(stand.journal)->torn_tails, 1);
    check_found();
    assert_int_equal(newest_life(), life + 1);
    for (uint32_t i = 0; i < 10; i++) {
        reopen();
        check_found();
    }
    assert_int_equal(newest_life(), life + 1);
}

static void begins_a_file_behind_zeros_that_have_changed(void **state)
{
    struct memory_file *file;
    uint32_t life;

    (void)state;
    begin(LARGE_FILE_SIZE);
    life = newest_life();
    file = stand_newest_file(&disk);
    spoil(file, file->size - 100);
    reopen();
    check_found();
    assert_int_equal(newest_life(), life + 1);
}

/* A sealed start: its records do not read, but its header, or the batch behind it, says what it was. */
static void counts_a_start_that_does_not_read_any_more(void **state)
{
    (void)state;
    for (uint32_t place = 0; place < 2; place++) {
        struct memory_file *file = NULL;
        uint64_t at = 0;
        uint32_t life;
        uint64_t boot;

        begin(LARGE_FILE_SIZE);
        life = newest_life();
        reopen();
        settle();
        assert_int_equal(newest_life(), life);
        boot = cc_journal_boot(stand.journal);
        stand_close(&stand);
        assert_true(find_boot(&file, &at));
        spoil(file, at + (place == 0 ? cc_batch_records_at(1) + CC_RECORD_HEADER_SIZE : 20));
        open_stand();
        assert_int_equal(cc_journal_counters(stand.journal)->damaged, 1);
        assert_int_equal(cc_journal_boot(stand.journal), boot + 1);
        assert_int_equal(newest_life(), life + 1); /* not behind what was damaged */
        check_found();
        assert_int_equal(tear_down(NULL), 0);
    }
    begin(0);
}

static void never_takes_a_counter_twice_wherever_power_is_lost(void **state)
{
    (void)state;
    for (uint64_t call = 1; call < 24; call++) {
        for (enum memory_crash crash = MEMORY_CRASH_NOTHING; crash <= MEMORY_CRASH_SUBSET;
             crash++) {
            uint64_t boot;

            begin(0);
            stand_close(&stand);
            stand_open(&stand, &disk, disk.calls + call);
            boot = stand.is_open ? cc_journal_boot(stand.journal) : 0;
            stand_crash(&stand, crash, call * 31);
            open_stand();
            check_found();
            assert_true(cc_journal_boot(stand.journal) > boot);
            assert_int_equal(tear_down(NULL), 0);
        }
    }
    begin(0);
}

/* What it said of a start has to be what it does. */
static void refuses_a_start_that_says_another_counter(void **state)
{
    struct memory_file *file = NULL;
    struct cc_batch_header header;
    uint64_t at = 0;
    uint8_t *batch;

    (void)state;
    begin(LARGE_FILE_SIZE);
    reopen();
    settle();
    stand_close(&stand);
    assert_true(find_boot(&file, &at));
    batch = file->seen + at;
    assert_int_equal(cc_batch_read_header(batch, &header), CC_HEADER_VALID);
    assert_true(cc_batch_restore(batch, &header));
    batch[cc_batch_records_at(1) + CC_RECORD_HEADER_SIZE]++;
    cc_batch_seal(batch, &header);
    memcpy(file->platter + at, batch, CC_DISK_BLOCK);
    stand_open(&stand, &disk, UINT64_MAX);
    assert_int_equal(stand.status, COPYCAT_ERR_DAMAGED);
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_hundred_starts_need_no_more_room),
        TEST(a_hundred_lost_powers_need_no_more_room),
        TEST(goes_on_with_entries_and_finds_all_of_them),
        TEST(begins_a_file_where_the_newest_is_full),
        TEST(begins_a_file_behind_what_was_torn_and_goes_on_in_that),
        TEST(begins_a_file_behind_zeros_that_have_changed),
        TEST(counts_a_start_that_does_not_read_any_more),
        TEST(never_takes_a_counter_twice_wherever_power_is_lost),
        TEST(refuses_a_start_that_says_another_counter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
