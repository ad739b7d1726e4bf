/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal -- switches to images, and files that are used again because of them.
 */
#include "log/format.h"
#include "unit/log/journal_stand.h"
#include "wire/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ENTRY_SIZE 3000u /* some fifteen of them fill a file */

static struct memory_disk disk;
static struct stand stand;

static int set_up(void **state)
{
    (void)state;
    stand.options = (struct cc_journal_options){.batch_size_max = 8192};
    memory_disk_init(&disk);
    stand_open(&stand, &disk, UINT64_MAX);
    return stand.is_open ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    stand_end(&stand, &disk);
    return 0;
}

static void reopen(void)
{
    stand_close(&stand);
    stand_open(&stand, &disk, UINT64_MAX);
}

static void add_entries(uint64_t first, uint64_t last, uint64_t term)
{
    for (uint64_t index = first; index <= last; index++) {
        stand_add(
            &stand, &(struct stand_record){
                        .type = STAND_ENTRY, .index = index, .term = term, .size = ENTRY_SIZE});
        stand_flush(&stand);
        stand_settle(&stand);
    }
}

static void switch_to(uint64_t index, uint64_t term, bool keep_tail)
{
    stand_add(
        &stand, &(struct stand_record){
                    .type = STAND_SWITCH, .index = index, .term = term, .keep_tail = keep_tail});
    stand_flush(&stand);
}

/* The batch behind the switch, without which that is not relied on. */
static void settle_and_seal(void)
{
    while (memory_disk_step_time(&disk)) {
    }
}

static uint64_t reused(void)
{
    return cc_journal_counters(stand.journal)->reused;
}

/* Files that have bytes; `names_out`: all. */
static uint32_t files(uint32_t *names_out)
{
    uint32_t count = 0;

    *names_out = 0;
    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        const struct memory_file *file = memory_disk_file(&disk, i);

        *names_out += file != NULL && file->is_named;
        count += file != NULL && file->is_named && file->size > 0;
    }
    return count;
}

static struct memory_file *file_of_life(uint32_t life)
{
    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        struct memory_file *file = memory_disk_file(&disk, i);
        struct cc_batch_header header;

        if (file != NULL && file->platter_size > 0 &&
            cc_batch_read_header(file->platter, &header) == CC_HEADER_VALID &&
            header.life == life) {
            return file;
        }
    }
    return NULL;
}

static void zero(struct memory_file *file, size_t offset, size_t size)
{
    memset(file->platter + offset, 0, size);
    memset(file->seen + offset, 0, size);
}

static void spoil(struct memory_file *file, size_t offset)
{
    file->platter[offset] ^= 2;
    file->seen[offset] ^= 2;
}

/* ---- switches -------------------------------------------------------------------------------- */

static void stands_on_the_newest_image_with_its_tail(void **state)
{
    struct cc_journal_base expected = stand_image(7, 1);

    (void)state;
    add_entries(1, 10, 1);
    switch_to(4, 1, true);
    switch_to(7, 1, true);
    add_entries(11, 12, 2);
    for (uint32_t life = 0; life < 3; life++) { /* the table of a later file says it, too */
        reopen();
        assert_true(stand.is_open);
        assert_memory_equal(&stand.found.base, &expected, sizeof expected);
        assert_int_equal(stand.found.last, 12);
        assert_int_equal(stand.found.hashes[8], stand_hash(8, 1, ENTRY_SIZE));
    }
}

static void begins_anew_behind_an_image_without_a_tail(void **state)
{
    (void)state;
    add_entries(1, 10, 1);
    switch_to(7, 2, false);
    add_entries(8, 9, 3);
    reopen();
    assert_true(stand.is_open);
    assert_int_equal(stand.found.base.index, 7);
    assert_int_equal(stand.found.first, 8);
    assert_int_equal(stand.found.last, 9);
    assert_int_equal(stand.found.terms[8], 3);
    switch_to(500, 9, false);
    reopen();
    assert_int_equal(stand.found.first, 501);
    assert_int_equal(stand.found.last, 500);
}

static void begins_with_an_image_where_there_was_nothing(void **state)
{
    (void)state;
    switch_to(20, 4, false);
    stand_settle(&stand);
    assert_int_equal(stand.durable, 1);
    reopen();
    assert_true(stand.is_open);
    assert_int_equal(stand.found.base.index, 20);
    assert_int_equal(stand.found.last, 20);
}

static void writes_a_switch_alone(void **state)
{
    uint64_t before;

    (void)state;
    add_entries(1, 3, 1);
    before = cc_journal_counters(stand.journal)->writes;
    stand_add(&stand, &(struct stand_record){.type = STAND_STATE, .term = 2, .vote = 1});
    stand_add(
        &stand,
        &(struct stand_record){.type = STAND_SWITCH, .index = 2, .term = 1, .keep_tail = true});
    stand_add(&stand, &(struct stand_record){.type = STAND_STATE, .term = 3, .vote = 2});
    stand_flush(&stand);
    stand_settle(&stand);
    assert_int_equal(stand.durable, stand.added);
    assert_int_equal(cc_journal_counters(stand.journal)->writes, before + 3);
}

static void gives_no_place_to_what_an_image_took_the_place_of(void **state)
{
    (void)state;
    stand_settle(&stand);
    for (uint64_t index = 1; index <= 3; index++) {
        stand_add(
            &stand,
            &(struct stand_record){.type = STAND_ENTRY, .index = index, .term = 1, .size = 9});
    }
    stand_flush(&stand);
    switch_to(1, 2, false);
    stand_add(
        &stand, &(struct stand_record){.type = STAND_ENTRY, .index = 2, .term = 2, .size = 9});
    assert_true(memory_disk_step(&disk));
    assert_int_equal(stand.durable, 3);
    assert_int_equal(stand.places[2].file, 0);
    stand_settle(&stand);
    stand_flush(&stand);
    stand_settle(&stand);
    assert_int_not_equal(stand.places[2].file, 0);
    assert_int_equal(stand.places[3].file, 0);
}

/* Its header, or its records: both are known from the summaries. */
static void knows_a_damaged_switch(void **state)
{
    (void)state;
    for (uint32_t kind = 0; kind < 4; kind++) {
        bool keep_tail = kind % 2 == 0;
        struct memory_file *file;
        struct cc_batch_header header;
        size_t at = 0;

        stand_close(&stand);
        memory_disk_deinit(&disk);
        memory_disk_init(&disk);
        stand_open(&stand, &disk, UINT64_MAX);
        add_entries(1, 5, 1);
        switch_to(keep_tail ? 3 : 9, keep_tail ? 1 : 7, keep_tail);
        stand_settle(&stand);
        add_entries(keep_tail ? 6 : 10, 11, 8);
        stand_close(&stand);
        file = file_of_life(1);
        do {
            assert_int_equal(cc_batch_read_header(file->platter + at, &header), CC_HEADER_VALID);
            at += (size_t)header.blocks * CC_DISK_BLOCK;
        } while (!header.summary.is_switch);
        file->platter[at - CC_DISK_BLOCK + (kind < 2 ? 20 : 350)] ^= 1;
        file->seen[at - CC_DISK_BLOCK + (kind < 2 ? 20 : 350)] ^= 1;
        stand_open(&stand, &disk, UINT64_MAX);
        assert_true(stand.is_open);
        assert_int_equal(cc_journal_counters(stand.journal)->damaged, 1);
        assert_int_equal(stand.found.base.index, keep_tail ? 3 : 9);
        assert_int_equal(
            stand.found.base.checksum, stand_image(keep_tail ? 3 : 9, keep_tail ? 1 : 7).checksum);
        assert_int_equal(stand.found.last, 11);
        assert_int_equal(stand.found.damages, 0);
    }
}

/* ---- files used again ------------------------------------------------------------------------ */

static void uses_files_again_for_ever(void **state)
{
    uint32_t names;

    (void)state;
    for (uint64_t index = 1; index <= 600; index++) {
        add_entries(index, index, 1);
        if (index % 20 == 0) {
            switch_to(index - 5, 1, true);
            stand_settle(&stand);
        }
    }
    assert_true(reused() >= 30);
    assert_true(files(&names) <= 5);
    assert_true(names <= 6);
    assert_true(stand.forgotten > 550 && stand.forgotten <= 596);
    assert_true(cc_journal_disk_bytes(stand.journal) <= 5 * STAND_FILE_SIZE);

    uint64_t first = stand.forgotten;

    reopen();
    assert_true(stand.is_open);
    assert_int_equal(stand.found.first, first);
    assert_int_equal(stand.found.last, 600);
    assert_int_equal(stand.found.hashes[600], stand_hash(600, 1, ENTRY_SIZE));
}

static void gives_up_nothing_that_is_still_wanted(void **state)
{
    struct cc_journal_base image = stand_image(60, 1);

    (void)state;
    add_entries(1, 60, 1);
    cc_journal_switch(stand.journal, 0, &image, true);
    stand_flush(&stand);
    settle_and_seal();
    assert_int_equal(reused(), 0); /* nobody said that they are not wanted */
    cc_journal_keep(stand.journal, 0, 20);
    settle_and_seal();
    assert_int_equal(reused(), 1);
    assert_true(stand.forgotten > 5 && stand.forgotten <= 21);
    cc_journal_keep(stand.journal, 0, 60);
    settle_and_seal();
    assert_true(reused() >= 3);
}

/* T-039: the image has to be stood on durably, and known from a batch behind that as well. */
static void gives_up_nothing_before_an_image_is_known_twice(void **state)
{
    (void)state;
    add_entries(1, 60, 1);
    cc_journal_keep(stand.journal, 0, 60);
    settle_and_seal();
    assert_int_equal(reused(), 0);
    switch_to(60, 1, true);
    stand_settle(&stand);
    assert_int_equal(stand.durable, stand.added);
    assert_int_equal(reused(), 0);
    settle_and_seal();
    assert_true(reused() >= 3);
}

/* T-041: reads go on where entries are forgotten. */
static uint32_t reads_done;

static void read_done(struct cc_journal_read *read)
{
    struct cc_entry entry;

    reads_done++;
    assert_int_equal(read->status, COPYCAT_OK);
    assert_int_equal(cc_journal_read_entry(read, &read->place, &entry), COPYCAT_OK);
    assert_int_equal(entry.index, 1);
}

static void waits_for_a_read_before_it_gives_up_its_file(void **state)
{
    struct cc_journal_read read;

    (void)state;
    add_entries(1, 60, 1);
    read = (struct cc_journal_read){.place = stand.places[1], .done = read_done};
    reads_done = 0;
    switch_to(60, 1, true);
    stand_settle(&stand);
    assert_true(memory_disk_step_time(&disk));
    assert_int_equal(disk.request_count, 1); /* the seal, after which the file could go */
    cc_journal_read(stand.journal, &read);
    assert_true(memory_disk_step(&disk));
    assert_int_equal(stand.forgotten, 0);
    assert_int_equal(disk.request_count, 1);
    settle_and_seal();
    assert_int_equal(reads_done, 1);
    assert_true(reused() >= 3);
}

static void removes_files_that_are_too_many(void **state)
{
    uint32_t before;
    uint32_t after;
    uint32_t names;

    (void)state;
    add_entries(1, 200, 1);
    before = files(&names);
    assert_true(before >= 12);
    for (uint64_t index = 200; index <= 320; index += 20) {
        switch_to(index, 1, true);
        settle_and_seal();
        add_entries(index + 1, index + 20, 1);
    }
    after = files(&names);
    assert_true(cc_journal_counters(stand.journal)->removed > 0);
    assert_true(after <= 6);
    reopen();
    assert_true(stand.is_open);
    assert_int_equal(stand.found.last, 340);
}

static void takes_a_file_that_was_given_up_while_the_disk_is_full(void **state)
{
    (void)state;
    add_entries(1, 40, 1);
    disk.fail_with = COPYCAT_ERR_DISK_FULL;
    for (uint64_t index = 41; reused() == 0; index++) {
        assert_true(index < 80);
        stand_add(
            &stand, &(struct stand_record){
                        .type = STAND_ENTRY, .index = index, .term = 1, .size = ENTRY_SIZE});
        stand_flush(&stand);
        while (disk.request_count > 0) {
            bool is_growing = disk.requests[0]->operation == CC_DISK_WRITE &&
                              !disk.requests[0]->durable && index < 60;

            disk.fail_at = is_growing ? disk.calls + 1 : 0;
            memory_disk_step(&disk);
        }
        if (index == 50) {
            switch_to(40, 1, true);
            stand_settle(&stand);
        }
    }
    disk.fail_at = 0;
    assert_int_equal(stand.failures, 0);
    settle_and_seal();
    assert_int_equal(stand.durable, stand.added);
}

/* ---- what recovery finds of it --------------------------------------------------------------- */

/* Entries 1 to 60 in some four files, and an image at 60 that nobody has made room for yet. */
static void fill(bool with_image)
{
    struct cc_journal_base image = stand_image(60, 1);

    add_entries(1, 60, 1);
    if (with_image) {
        cc_journal_switch(stand.journal, 0, &image, true);
        stand_flush(&stand);
        settle_and_seal();
    }
    stand_close(&stand);
}

static void takes_what_is_left_of_a_file_that_was_being_given_up(void **state)
{
    (void)state;
    fill(true);
    for (size_t sectors = 1; sectors <= 8; sectors++) {
        struct memory_disk whole;

        memory_disk_clone(&whole, &disk);
        spoil(file_of_life(1), 20480 + CC_DISK_SECTOR - 6); /* a stamp: of no life there is */
        zero(file_of_life(1), 0, sectors * CC_DISK_SECTOR);
        stand_open(&stand, &disk, UINT64_MAX);
        assert_true(stand.is_open);
        assert_true(stand.found.first > 1 && stand.found.first <= 61);
        assert_int_equal(stand.found.last, 60);
        assert_int_equal(stand.found.base.index, 60);
        stand_close(&stand);
        memory_disk_deinit(&disk);
        memory_disk_clone(&disk, &whole);
        memory_disk_deinit(&whole);
    }
    stand_open(&stand, &disk, UINT64_MAX);
    assert_int_equal(stand.found.first, 1);
}

static void refuses_to_begin_behind_what_no_image_covers(void **state)
{
    (void)state;
    fill(false);
    zero(file_of_life(1), 0, CC_DISK_SECTOR);
    stand_open(&stand, &disk, UINT64_MAX);
    assert_int_equal(stand.status, COPYCAT_ERR_DAMAGED);
    assert_non_null(strstr(stand.text, "the head of this file is damaged, at offset 0"));
    stand_close(&stand);
    zero(memory_disk_file(&disk, 0), 0, STAND_FILE_SIZE); /* as a spare looks */
    stand_open(&stand, &disk, UINT64_MAX);
    assert_int_equal(stand.status, COPYCAT_ERR_DAMAGED);
    assert_non_null(strstr(stand.text, "no image covers"));
}

/* What is older than all that reads may be what it likes, in the middle nothing may be missing. */
static void refuses_a_gap_between_lives(void **state)
{
    (void)state;
    fill(true);
    zero(file_of_life(2), 0, STAND_FILE_SIZE);
    stand_open(&stand, &disk, UINT64_MAX);
    assert_int_equal(stand.status, COPYCAT_ERR_DAMAGED);
}

static void misses_its_newest_file_whichever_number_that_has(void **state)
{
    (void)state;
    for (uint64_t index = 1; index <= 200; index++) {
        add_entries(index, index, 1);
        if (index % 10 != 0) {
            continue;
        }
        switch_to(index, 1, true);
        settle_and_seal();

        uint32_t life = 200;
        struct memory_disk whole;

        memory_disk_clone(&whole, &disk);
        stand_crash(&stand, MEMORY_CRASH_NOTHING, 1);
        while (file_of_life(life) == NULL) {
            life--;
        }
        file_of_life(life)->is_named = false;
        stand_open(&stand, &disk, UINT64_MAX);
        assert_int_equal(stand.status, COPYCAT_ERR_DAMAGED);
        stand_close(&stand);
        memory_disk_deinit(&disk);
        memory_disk_clone(&disk, &whole);
        memory_disk_deinit(&whole);
        stand_open(&stand, &disk, UINT64_MAX);
        assert_true(stand.is_open);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stands_on_the_newest_image_with_its_tail),
        TEST(begins_anew_behind_an_image_without_a_tail),
        TEST(begins_with_an_image_where_there_was_nothing),
        TEST(writes_a_switch_alone),
        TEST(gives_no_place_to_what_an_image_took_the_place_of),
        TEST(knows_a_damaged_switch),
        TEST(uses_files_again_for_ever),
        TEST(gives_up_nothing_that_is_still_wanted),
        TEST(gives_up_nothing_before_an_image_is_known_twice),
        TEST(waits_for_a_read_before_it_gives_up_its_file),
        TEST(removes_files_that_are_too_many),
        TEST(takes_a_file_that_was_given_up_while_the_disk_is_full),
        TEST(takes_what_is_left_of_a_file_that_was_being_given_up),
        TEST(refuses_to_begin_behind_what_no_image_covers),
        TEST(refuses_a_gap_between_lives),
        TEST(misses_its_newest_file_whichever_number_that_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
