/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_limits -- what a journal refuses to begin with, what it says after it has failed, and
 * what it does when batches are not those it wrote.
 */
#include "unit/log/journal_forger.h"
#include "unit/log/journal_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct memory_disk disk;
static struct stand stand;
static struct forged forged;

static int set_up(void **state)
{
    (void)state;
    stand.options = (struct cc_journal_options){0};
    memory_disk_init(&disk);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stand_end(&stand, &disk);
    return 0;
}

static void open_it(void)
{
    stand_open(&stand, &disk, UINT64_MAX);
    assert_true(stand.is_open);
    stand_settle(&stand);
}

static void add_entry(uint64_t index, uint32_t size)
{
    stand_add(
        &stand,
        &(struct stand_record){.type = STAND_ENTRY, .index = index, .term = 1, .size = size});
}

static void settle(void)
{
    stand_flush(&stand);
    stand_settle(&stand);
}

/* ---- opening --------------------------------------------------------------------------------- */

static struct cc_journal *made;

static void on_closed(void *owner)
{
    (void)owner;
    made = NULL;
}

static copycat_status open_with(const struct cc_journal_options *options)
{
    struct cc_journal_callbacks callbacks = {.on_closed = on_closed};
    copycat_status status = cc_journal_open(&made, &disk.env, options, &callbacks, NULL);

    if (status != COPYCAT_OK) {
        assert_null(made);
        assert_int_equal(disk.request_count, 0);
        assert_int_equal(disk.blocks_out, 0);
        return status;
    }
    cc_journal_close(made);
    while (memory_disk_step(&disk)) {
    }
    assert_null(made);
    return status;
}

static void refuses_options_that_make_no_sense(void **state)
{
    static char directory[1024] = "/";
    struct cc_journal_options good = {.directory = "/data/journal", .server = 1};
    struct cc_journal_options options = good;
    size_t size_max = 0;

    (void)state;
    assert_int_equal(open_with(&options), COPYCAT_OK);
    options.server = 0;
    assert_int_equal(open_with(&options), COPYCAT_ERR_INVALID);
    options = good;
    options.directory = "";
    assert_int_equal(open_with(&options), COPYCAT_ERR_INVALID);
    options = good;
    options.file_size = 65537;
    assert_int_equal(open_with(&options), COPYCAT_ERR_INVALID);
    options = good;
    options.directory = directory;
    for (size_t size = 1; size < sizeof directory - 1; size++) {
        directory[size] = 'd';
        if (open_with(&options) == COPYCAT_OK) {
            assert_int_equal(size_max, size - 1); /* none behind one that was refused */
            size_max = size;
        }
    }
    assert_true(size_max > 256 && size_max < sizeof directory - 2);
}

static void *refuse(void *context, void *block, size_t size)
{
    (void)context;
    (void)block;
    (void)size;
    return NULL;
}

static void says_that_there_is_no_memory_to_open(void **state)
{
    struct cc_memory none = {refuse, NULL};
    struct cc_env env = disk.env;
    struct cc_journal_options options = {.directory = "/data/journal", .server = 1};
    struct cc_journal_callbacks callbacks = {.on_closed = on_closed};

    (void)state;
    env.memory = &none;
    assert_int_equal(cc_journal_open(&made, &env, &options, &callbacks, NULL), COPYCAT_ERR_MEMORY);
    assert_null(made);
    assert_int_equal(disk.request_count, 0);
}

/* A file takes at least its table, and a batch beside it. */
static void makes_files_of_a_size_that_can_be_used(void **state)
{
    (void)state;
    stand.options.file_size = CC_DISK_BLOCK;
    stand.options.seal_delay_us = 5000;
    open_it();
    for (uint64_t index = 1; index <= 8; index++) {
        add_entry(index, 3000);
        settle();
    }
    assert_int_equal(stand.durable, 8);
    assert_int_equal(memory_disk_file(&disk, 0)->size, 4 * CC_DISK_BLOCK);
    stand_close(&stand);
    open_it();
    assert_int_equal(stand.found.last, 8);
}

static size_t largest_file(void)
{
    size_t size = 0;

    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        const struct memory_file *file = memory_disk_file(&disk, i);

        size = file != NULL && file->is_named && file->size > size ? file->size : size;
    }
    return size;
}

static void add_entries(uint64_t first, uint64_t last)
{
    for (uint64_t index = first; index <= last; index++) {
        add_entry(index, 3000);
        settle();
    }
}

/* No image frees a file here, so each is a new one. */
static void makes_files_as_large_as_it_was_told_to_aim(void **state)
{
    (void)state;
    stand.options.file_size = 32 * CC_DISK_BLOCK;
    stand.options.file_size_min = 8 * CC_DISK_BLOCK;
    open_it();
    add_entries(1, 10);
    assert_int_equal(largest_file(), 8 * CC_DISK_BLOCK);
    cc_journal_aim(stand.journal, 20 * CC_DISK_BLOCK - 1);
    add_entries(11, 40);
    assert_int_equal(largest_file(), 16 * CC_DISK_BLOCK);
    cc_journal_aim(stand.journal, UINT64_MAX / 2);
    assert_int_equal(cc_journal_file_size(stand.journal), 32 * CC_DISK_BLOCK);
    cc_journal_aim(stand.journal, 0);
    assert_in_range(cc_journal_file_size(stand.journal), 9 * CC_DISK_BLOCK, 16 * CC_DISK_BLOCK - 1);
    cc_journal_be_sparing(stand.journal, true);
    assert_int_equal(cc_journal_file_size(stand.journal), 8 * CC_DISK_BLOCK);
    stand_close(&stand);
    open_it();
    assert_int_equal(stand.found.last, 40);
    add_entries(41, 50);
    assert_int_equal(stand.durable, stand.added);
}

/* A small file that is used again grows to the size that is aimed at by then. */
static void lets_small_files_grow_when_they_are_used_again(void **state)
{
    (void)state;
    stand.options.file_size = 32 * CC_DISK_BLOCK;
    stand.options.file_size_min = 8 * CC_DISK_BLOCK;
    open_it();
    for (uint64_t index = 1; index <= 200; index++) {
        add_entries(index, index);
        if (index % 10 == 0) {
            stand_add(
                &stand, &(struct stand_record){
                            .type = STAND_SWITCH, .index = index, .term = 1, .keep_tail = true});
            stand_flush(&stand);
            settle();
            cc_journal_aim(stand.journal, 32 * CC_DISK_BLOCK);
        }
    }
    assert_true(cc_journal_counters(stand.journal)->reused > 0);
    assert_true(memory_disk_file(&disk, 0)->size == 32 * CC_DISK_BLOCK);
    stand_close(&stand);
    open_it();
    assert_int_equal(stand.found.last, 200);
}

static void seals_after_the_delay_that_was_asked_for(void **state)
{
    uint64_t before;

    (void)state;
    stand.options.seal_delay_us = 5000;
    open_it();
    add_entry(1, 10);
    settle();
    before = disk.now_us;
    assert_non_null(disk.timer);
    assert_int_equal(disk.timer->deadline_us, before + 5000);
}

/* ---- no room for the next file ------------------------------------------------------------------
 */

/* The disk calls of a first open: lock, list, sync the names, and then the first file is opened. */
static void says_what_to_do_when_its_first_file_cannot_be_made(void **state)
{
    static const struct {
        copycat_status status;
        const char *words;
    } failures[] = {
        {COPYCAT_ERR_BUSY, "ulimit -n"},
        {COPYCAT_ERR_DISK_FULL, "the disk is full"},
        {COPYCAT_ERR_IO, "is the directory writable?"},
    };

    (void)state;
    for (uint32_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        disk.fail_at = 4;
        disk.fail_with = failures[i].status;
        stand_open(&stand, &disk, UINT64_MAX);
        assert_int_equal(stand.opens, 1);
        assert_int_equal(stand.status, failures[i].status);
        assert_non_null(strstr(stand.text, failures[i].words));
        stand_close(&stand);
        memory_disk_deinit(&disk);
        memory_disk_init(&disk);
    }
}

/* A sync that found no room may have lost any of the zeros: all of them are written again. */
static void zeroes_a_file_anew_whose_sync_found_no_room(void **state)
{
    uint64_t calls;

    (void)state;
    stand_open(&stand, &disk, UINT64_MAX); /* the spare is to be made: open, zeros, sync, name */
    calls = disk.calls;
    disk.fail_at = calls + 3;
    disk.fail_with = COPYCAT_ERR_DISK_FULL;
    stand_settle(&stand);
    assert_int_equal(disk.calls, disk.fail_at);
    assert_int_equal(stand.failures, 0);
    assert_non_null(disk.timer);
    while (memory_disk_step_time(&disk)) {
    }
    assert_int_equal(disk.calls, calls + 3 + 3); /* zeros, sync, name */
    for (uint64_t index = 1; index <= 4; index++) {
        add_entry(index, 30000);
        settle();
    }
    assert_int_equal(stand.durable, 4);
    assert_int_equal(stand.failures, 0);
}

/* ---- after a failure ------------------------------------------------------------------------- */

/* Nothing is written, no mark comes, and nobody is told a second time. */
static void is_silent_for_good_once_it_has_failed(void **state)
{
    uint64_t writes;

    (void)state;
    open_it();
    disk.fail_at = disk.calls + 1;
    add_entry(1, 10);
    settle();
    assert_int_equal(stand.failures, 1);
    assert_int_equal(stand.failed, COPYCAT_ERR_IO);
    assert_non_null(strstr(cc_journal_trouble(stand.journal), "a write to the journal failed"));
    writes = disk.durable_writes;
    for (uint64_t index = 2; index <= 4; index++) {
        add_entry(index, 10);
        settle();
    }
    while (memory_disk_step_time(&disk)) {
    }
    assert_int_equal(disk.durable_writes, writes);
    assert_int_equal(stand.durable, 0);
    assert_int_equal(stand.failures, 1);
    assert_int_equal(stand.opens, 1);
}

static uint32_t ended;
static copycat_status entry_status;
static struct cc_journal_place entry_place;

static void done(struct cc_journal_read *read)
{
    struct cc_entry entry;

    ended++;
    entry_status = read->status;
    if (read->status == COPYCAT_OK) {
        entry_status = cc_journal_read_entry(read, &entry_place, &entry);
    }
}

/* The first trouble is the one that is told, also when several reads fail in one pass. */
static void says_nothing_of_a_mark_once_a_read_has_failed(void **state)
{
    struct cc_journal_read reads[2];

    (void)state;
    open_it();
    add_entry(1, 10);
    settle();
    memory_disk_file(&disk, 0)->scar = 1 + stand.places[1].batch_block * CC_DISK_BLOCK;
    for (uint32_t i = 0; i < 2; i++) {
        reads[i] = (struct cc_journal_read){.place = stand.places[1], .done = done};
        cc_journal_read(stand.journal, &reads[i]);
    }
    stand_settle(&stand);
    assert_int_equal(stand.failures, 1);
    assert_int_equal(stand.failed, COPYCAT_ERR_IO);
    stand.durable = 0;
    assert_int_equal(cc_journal_mark(stand.journal), 1);
    stand_settle(&stand);
    assert_int_equal(stand.durable, 0);
    assert_int_equal(stand.failures, 1);
    assert_int_equal(stand.opens, 1);
}

/* ---- reading back ---------------------------------------------------------------------------- */

static copycat_status read_back(const struct cc_journal_place *place, bool is_optional)
{
    struct cc_journal_read read = {.place = *place, .done = done, .is_optional = is_optional};

    ended = 0;
    cc_journal_read(stand.journal, &read);
    while (ended == 0 && memory_disk_step(&disk)) {
    }
    assert_int_equal(ended, 1);
    stand_settle(&stand);
    return entry_status;
}

static void reads_an_entry_only_from_the_batch_that_holds_it(void **state)
{
    struct cc_journal_place place;

    (void)state;
    open_it();
    add_entry(1, 100);
    settle();
    add_entry(2, 100);
    settle();
    place = stand.places[1];
    entry_place = place;
    assert_int_equal(read_back(&place, false), COPYCAT_OK);
    entry_place = stand.places[2];
    assert_int_equal(read_back(&place, false), COPYCAT_ERR_INVALID);
    entry_place = place;
    entry_place.file++;
    assert_int_equal(read_back(&place, false), COPYCAT_ERR_INVALID);
    entry_place = place;
    entry_place.offset = CC_DISK_BLOCK + 1;
    assert_int_equal(read_back(&place, false), COPYCAT_ERR_INVALID);
    entry_place = place;
    entry_place.size = CC_DISK_BLOCK - place.offset + 1;
    assert_int_equal(read_back(&place, false), COPYCAT_ERR_INVALID);
    entry_place = place;
    entry_place.offset += 8;
    assert_int_equal(read_back(&place, false), COPYCAT_ERR_MALFORMED);
    assert_int_equal(stand.failures, 0);
}

/* Where another batch lies than the one that was written there, whole as it is. */
static void believes_no_other_batch_in_its_place(void **state)
{
    (void)state;
    for (uint32_t field = 0; field < 4; field++) {
        struct memory_file *file;
        uint64_t offset;

        open_it();
        add_entry(stand.found.last + 1, 100);
        settle();
        entry_place = stand.places[stand.found.last + 1];
        file = memory_disk_file(&disk, entry_place.file - 1);
        offset = entry_place.batch_block * CC_DISK_BLOCK;
        forged.memory = &disk.memory;
        forged_take(&forged, file, offset);
        forged.header.life += field == 1;
        forged.header.tag += field == 2;
        forged.header.records_size = field == 3 ? 5000 : forged.header.records_size;
        (void)forged_put(&forged, file, offset);
        assert_int_equal(
            read_back(&entry_place, true), field == 0 ? COPYCAT_OK : COPYCAT_ERR_DAMAGED);
        assert_int_equal(stand.failures, 0); /* it was optional */
        if (field > 0) {
            assert_int_equal(read_back(&entry_place, false), COPYCAT_ERR_DAMAGED);
            assert_int_equal(stand.failures, 1);
            assert_int_equal(stand.failed, COPYCAT_ERR_DAMAGED);
        }
        stand_close(&stand);
        memory_disk_deinit(&disk);
        memory_disk_init(&disk);
    }
}

/* Who helps another with an entry does not fall for it. */
static void goes_on_after_an_optional_read_that_fails(void **state)
{
    (void)state;
    open_it();
    add_entry(1, 100);
    settle();
    entry_place = stand.places[1];
    memory_disk_file(&disk, 0)->scar = 1 + entry_place.batch_block * CC_DISK_BLOCK;
    assert_int_equal(read_back(&entry_place, true), COPYCAT_ERR_IO);
    assert_int_equal(stand.failures, 0);
    assert_string_equal(cc_journal_trouble(stand.journal), "");
    add_entry(2, 100);
    settle();
    assert_int_equal(stand.durable, 2);
    assert_int_equal(read_back(&entry_place, false), COPYCAT_ERR_IO);
    assert_int_equal(stand.failures, 1);
    assert_int_equal(stand.failed, COPYCAT_ERR_IO);
    assert_non_null(strstr(cc_journal_trouble(stand.journal), "journal-00000001: a journal file"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(refuses_options_that_make_no_sense),
        TEST(says_that_there_is_no_memory_to_open),
        TEST(makes_files_of_a_size_that_can_be_used),
        TEST(makes_files_as_large_as_it_was_told_to_aim),
        TEST(lets_small_files_grow_when_they_are_used_again),
        TEST(seals_after_the_delay_that_was_asked_for),
        TEST(says_what_to_do_when_its_first_file_cannot_be_made),
        TEST(zeroes_a_file_anew_whose_sync_found_no_room),
        TEST(is_silent_for_good_once_it_has_failed),
        TEST(says_nothing_of_a_mark_once_a_read_has_failed),
        TEST(reads_an_entry_only_from_the_batch_that_holds_it),
        TEST(believes_no_other_batch_in_its_place),
        TEST(goes_on_after_an_optional_read_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
