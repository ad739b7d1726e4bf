/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal -- group commit, marks, recovery and reading back, on a disk that is well.
 */
#include "unit/log/journal_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct memory_disk disk;
static struct stand stand;

static int set_up(void **state)
{
    (void)state;
    stand.options = (struct cc_journal_options){0};
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

static void add_entry(uint64_t index, uint64_t term, uint32_t size)
{
    stand_add(
        &stand,
        &(struct stand_record){.type = STAND_ENTRY, .index = index, .term = term, .size = size});
}

static uint64_t writes(void)
{
    return cc_journal_counters(stand.journal)->writes;
}

static void writes_what_gathers_during_one_write_as_one(void **state)
{
    uint64_t before = writes();

    (void)state;
    add_entry(1, 1, 100);
    stand_flush(&stand);
    for (uint64_t index = 2; index <= 50; index++) {
        add_entry(index, 1, 100);
        stand_flush(&stand);
    }
    stand_settle(&stand);
    assert_int_equal(writes() - before, 2);
    assert_int_equal(stand.durable, 50);
    assert_int_equal(cc_journal_pending(stand.journal), 0);
}

static void writes_nothing_before_it_is_asked_to(void **state)
{
    uint64_t before = writes();

    (void)state;
    add_entry(1, 1, 100);
    stand_settle(&stand);
    assert_int_equal(writes(), before);
    assert_int_equal(stand.durable, 0);
    assert_true(cc_journal_pending(stand.journal) >= 100);
}

static void keeps_batches_below_their_limit(void **state)
{
    (void)state;
    stand.options.batch_size_max = 8192;
    reopen();

    uint64_t before = writes();

    for (uint64_t index = 1; index <= 8; index++) {
        add_entry(index, 1, 4000);
    }
    stand_flush(&stand);
    stand_settle(&stand);
    assert_int_equal(writes() - before, 4);
    assert_int_equal(stand.durable, 8);
}

static void reports_a_mark_that_is_durable_already(void **state)
{
    (void)state;
    add_entry(1, 1, 10);
    stand_flush(&stand);
    stand_settle(&stand);
    stand.durable = 0;
    assert_int_equal(cc_journal_mark(stand.journal), 1);
    assert_int_equal(stand.durable, 0);
    stand_settle(&stand);
    assert_int_equal(stand.durable, 1);
}

static void says_since_when_it_writes(void **state)
{
    (void)state;
    assert_int_equal(cc_journal_writing_since_us(stand.journal), 0);
    add_entry(1, 1, 10);
    stand_flush(&stand);
    assert_int_equal(cc_journal_writing_since_us(stand.journal), disk.now_us);
    stand_settle(&stand);
    assert_int_equal(cc_journal_writing_since_us(stand.journal), 0);
}

/* A batch that fits into no file waits for one to be made: a disk that hangs there hangs as well. */
static void says_since_when_what_it_waits_for_is_made(void **state)
{
    (void)state;
    add_entry(1, 1, 200000);
    stand_flush(&stand);
    disk.now_us += 5;
    assert_int_equal(cc_journal_writing_since_us(stand.journal), disk.now_us - 5);
    stand_settle(&stand);
    assert_int_equal(stand.durable, 1);
    assert_int_equal(cc_journal_writing_since_us(stand.journal), 0);
}

static void finds_entries_states_and_truncations_again(void **state)
{
    (void)state;
    stand_add(&stand, &(struct stand_record){.type = STAND_STATE, .term = 4, .vote = 2});
    add_entry(1, 4, 10);
    add_entry(2, 4, 0);
    add_entry(3, 4, 30000);
    stand_add(&stand, &(struct stand_record){.type = STAND_TRUNCATE, .index = 3});
    add_entry(3, 5, 700);
    stand_flush(&stand);
    stand_settle(&stand);
    reopen();
    assert_true(stand.is_open);
    assert_int_equal(stand.found.last, 3);
    assert_int_equal(stand.found.term, 4);
    assert_int_equal(stand.found.vote, 2);
    assert_int_equal(stand.found.terms[2], 4);
    assert_int_equal(stand.found.terms[3], 5);
    assert_int_equal(stand.found.hashes[3], stand_hash(3, 5, 700));
}

static void makes_a_file_large_enough_for_the_largest_entry(void **state)
{
    (void)state;
    add_entry(1, 1, 900000);
    add_entry(2, 1, 5);
    stand_flush(&stand);
    stand_settle(&stand);
    assert_int_equal(stand.durable, 2);
    reopen();
    assert_int_equal(stand.found.last, 2);
    assert_int_equal(stand.found.hashes[1], stand_hash(1, 1, 900000));
}

static void spreads_over_many_files_and_finds_all_of_it(void **state)
{
    (void)state;
    for (uint64_t index = 1; index <= 400; index++) {
        add_entry(index, 1 + index / 50, 1500);
        if (index % 10 == 0) {
            stand_flush(&stand);
            stand_settle(&stand);
        }
    }
    assert_true(cc_journal_counters(stand.journal)->files > 8);
    reopen();
    assert_int_equal(stand.found.last, 400);
    for (uint64_t index = 1; index <= 400; index++) {
        assert_int_equal(stand.found.hashes[index], stand_hash(index, 1 + index / 50, 1500));
    }
}

static void counts_its_boots_and_keeps_its_incarnation(void **state)
{
    uint8_t incarnation[CC_INCARNATION_SIZE];
    uint64_t boot = cc_journal_boot(stand.journal);

    (void)state;
    memcpy(incarnation, cc_journal_incarnation(stand.journal), sizeof incarnation);
    for (uint32_t i = 1; i <= 5; i++) {
        reopen();
        assert_int_equal(cc_journal_boot(stand.journal), boot + i);
        assert_memory_equal(cc_journal_incarnation(stand.journal), incarnation, sizeof incarnation);
    }
}

/* T-012: what has lost its disk is another, whatever it is called. */
static void is_another_where_nothing_is_left_of_it(void **state)
{
    uint8_t incarnation[CC_INCARNATION_SIZE];
    uint64_t entropy = disk.entropy;

    (void)state;
    memcpy(incarnation, cc_journal_incarnation(stand.journal), sizeof incarnation);
    stand_close(&stand);
    memory_disk_deinit(&disk);
    memory_disk_init(&disk);
    disk.entropy = entropy;
    stand_open(&stand, &disk, UINT64_MAX);
    assert_true(stand.is_open);
    assert_null(cc_journal_base(stand.journal));
    assert_memory_not_equal(cc_journal_incarnation(stand.journal), incarnation, sizeof incarnation);
}

static void keeps_the_founding_base(void **state)
{
    struct cc_base base = {.feature_level = 1, .members = {.count = 1}};

    (void)state;
    memset(base.cluster_id, 9, sizeof base.cluster_id);
    base.members.at[0] =
        (struct cc_member){.id = STAND_SERVER, .role = CC_ROLE_VOTER, .address = "local:a"};
    assert_null(cc_journal_base(stand.journal));
    cc_journal_found(stand.journal, &base);
    stand_flush(&stand);
    stand_settle(&stand);
    assert_int_equal(stand.durable, 1);
    for (uint32_t i = 0; i < 2; i++) {
        reopen();
        assert_non_null(cc_journal_base(stand.journal));
        assert_memory_equal(
            cc_journal_base(stand.journal)->cluster_id, base.cluster_id, CC_CLUSTER_ID_SIZE);
    }
}

static void refuses_a_directory_in_use_and_leaves_its_lock(void **state)
{
    static struct stand other;

    (void)state;
    stand_settle(&stand);
    stand_open(&other, &disk, UINT64_MAX);
    assert_int_equal(other.status, COPYCAT_ERR_LOCKED);
    assert_non_null(strstr(other.text, "/data/journal"));
    stand_close(&other);
    assert_true(disk.is_locked);
    stand_close(&stand);
    assert_false(disk.is_locked);
}

static void refuses_the_directory_of_another_server(void **state)
{
    (void)state;
    stand.options.server = STAND_SERVER + 1;
    reopen();
    assert_int_equal(stand.status, COPYCAT_ERR_FOREIGN);
    assert_non_null(strstr(stand.text, "/data/journal"));
}

static void refuses_what_a_newer_version_wrote(void **state)
{
    (void)state;
    stand_close(&stand);
    memory_disk_file(&disk, 0)->seen[4]++;
    stand_open(&stand, &disk, UINT64_MAX);
    assert_int_equal(stand.status, COPYCAT_ERR_NEWER);
}

static void uses_a_spare_again_without_zeroing_it(void **state)
{
    (void)state;
    stand_settle(&stand);
    stand_close(&stand);

    uint64_t calls = disk.calls;

    stand.options.scan_size = STAND_FILE_SIZE;
    stand_open(&stand, &disk, UINT64_MAX);
    stand.options.scan_size = 0;
    assert_true(stand.is_open);
    /* Lock, list, sync; open, sync, read of two files, one of them twice more; open and sync of the
     * last, which is empty; one table. */
    assert_true(disk.calls - calls <= 16);
}

static void seals_its_last_batch_when_it_is_idle_and_only_once(void **state)
{
    uint64_t before;

    (void)state;
    add_entry(1, 1, 10);
    stand_flush(&stand);
    stand_settle(&stand);
    before = writes();
    while (memory_disk_step_time(&disk)) {
    }
    assert_int_equal(writes(), before + 1);
    assert_null(disk.timer);
}

static void gives_no_place_to_an_entry_truncated_meanwhile(void **state)
{
    (void)state;
    stand_settle(&stand);
    add_entry(1, 1, 10);
    add_entry(2, 1, 10);
    stand_flush(&stand);
    stand_add(&stand, &(struct stand_record){.type = STAND_TRUNCATE, .index = 2});
    add_entry(2, 2, 20);
    assert_true(memory_disk_step(&disk));
    assert_int_equal(stand.durable, 2);
    assert_int_not_equal(stand.places[1].file, 0);
    assert_int_equal(stand.places[2].file, 0);
    stand_settle(&stand);
    assert_int_not_equal(stand.places[2].file, 0);
}

/* ---- reading back ---------------------------------------------------------------------------- */

static uint64_t hash_read;
static bool is_done;

static void done(struct cc_journal_read *read)
{
    struct cc_entry entry;

    is_done = true;
    hash_read = 0;
    if (read->status == COPYCAT_OK) {
        assert_int_equal(cc_journal_read_entry(read, &read->place, &entry), COPYCAT_OK);
        hash_read = stand_hash(entry.index, entry.term, (uint32_t)entry.payload.size);
    }
}

static copycat_status read_back(uint64_t index)
{
    struct cc_journal_read read = {.place = stand.places[index], .done = done};

    is_done = false;
    cc_journal_read(stand.journal, &read);
    assert_false(is_done);
    while (!is_done && memory_disk_step(&disk)) {
    }
    assert_true(is_done);
    return read.status;
}

static void reads_entries_back_in_this_life_and_the_next(void **state)
{
    (void)state;
    for (uint64_t index = 1; index <= 40; index++) {
        add_entry(index, 1, (uint32_t)index * 100);
    }
    stand_flush(&stand);
    stand_settle(&stand);
    for (uint32_t life = 0; life < 2; life++) {
        for (uint64_t index = 1; index <= 40; index++) {
            assert_int_equal(read_back(index), COPYCAT_OK);
            assert_int_equal(hash_read, stand_hash(index, 1, (uint32_t)index * 100));
        }
        reopen();
    }
}

/* Files are large and memory is not; a batch that is larger than the window is read whole. */
static void recovers_a_large_file_through_a_small_window(void **state)
{
    (void)state;
    stand_close(&stand);
    memory_disk_deinit(&disk);
    memory_disk_init(&disk);
    stand.options.file_size = 4u << 20;
    stand.options.scan_size = 65536;
    stand_open(&stand, &disk, UINT64_MAX);
    for (uint64_t index = 1; index <= 90; index++) {
        add_entry(index, 1, index == 50 ? 200000 : 30000);
        stand_flush(&stand);
        stand_settle(&stand);
    }
    stand_close(&stand);
    disk.bytes_most = disk.bytes_out;
    stand_open(&stand, &disk, UINT64_MAX);
    assert_int_equal(stand.found.last, 90);
    assert_true(disk.bytes_most < 300000); /* that batch, and a window ahead */
    assert_int_equal(read_back(50), COPYCAT_OK);
    stand.options = (struct cc_journal_options){0};
}

static void check_damage_read_back(uint32_t size)
{
    uint32_t number = 0;

    add_entry(1, 1, size);
    stand_flush(&stand);
    stand_settle(&stand);
    while (memory_disk_file(&disk, number)->size < size) {
        number++; /* a batch that is too large for the first file */
    }
    memory_disk_file(&disk, number)->seen[stand.places[1].batch_block * CC_DISK_BLOCK + 2000] ^= 1;
    assert_int_equal(read_back(1), COPYCAT_ERR_DAMAGED);
    stand_settle(&stand);
    assert_int_equal(stand.failures, 1);
    assert_int_equal(stand.failed, COPYCAT_ERR_DAMAGED);
}

static void stops_when_what_it_reads_back_is_damaged(void **state)
{
    (void)state;
    check_damage_read_back(3000);
}

/* Of this size it is not the loop that checks it. */
static void stops_when_much_that_it_reads_back_is_damaged(void **state)
{
    (void)state;
    check_damage_read_back(100000);
}

static void reads_again_what_the_disk_refuses_once(void **state)
{
    (void)state;
    add_entry(1, 1, 3000);
    stand_flush(&stand);
    stand_settle(&stand);
    disk.fail_at = disk.calls + 1;
    assert_int_equal(read_back(1), COPYCAT_OK);
    assert_int_equal(hash_read, stand_hash(1, 1, 3000));
    assert_true(disk.calls > disk.fail_at);
    assert_int_equal(stand.failures, 0);
}

static void closes_at_any_moment(void **state)
{
    (void)state;
    stand_close(&stand);
    for (uint64_t calls = 0; calls < 30; calls++) {
        memory_disk_deinit(&disk);
        memory_disk_init(&disk);
        stand_open(&stand, &disk, calls);
        if (stand.is_open) {
            add_entry(1, 1, 5000);
            stand_flush(&stand);
            add_entry(2, 1, 5000);
            while (disk.calls < calls && memory_disk_step(&disk)) {
            }
        }
        stand_close(&stand);
        assert_int_equal(disk.blocks_out, 0);
        assert_false(disk.is_locked);
    }
}

static uint32_t reads_closed;

static void read_closed(struct cc_journal_read *read)
{
    reads_closed += read->status == COPYCAT_ERR_CLOSED;
}

/* Closing waits for each: none may come back to a journal that is gone. */
static void closes_at_any_moment_of_recovery_of_reading_and_of_making_files(void **state)
{
    static struct memory_disk written;
    struct cc_journal_read reads[3];
    uint32_t reads_closed_ever = 0;
    bool is_whole = false;

    (void)state;
    for (uint64_t index = 1; index <= 60; index++) {
        add_entry(index, 1, 5000);
        stand_flush(&stand);
        stand_settle(&stand);
    }
    stand_close(&stand);
    memory_disk_clone(&written, &disk);
    for (uint64_t calls = 0; !is_whole; calls++) {
        memory_disk_deinit(&disk);
        memory_disk_clone(&disk, &written);
        stand_open(&stand, &disk, calls);
        if (stand.is_open) {
            reads_closed = 0;
            for (uint32_t i = 0; i < 3; i++) {
                reads[i] = (struct cc_journal_read){
                    .place = stand.places[20 * i + 1], .done = read_closed};
                cc_journal_read(stand.journal, &reads[i]);
            }
            add_entry(stand.found.last + 1, 1, 5000);
            stand_flush(&stand);
            add_entry(stand.found.last + 2, 1, 60000);
            while (disk.calls < calls && memory_disk_step(&disk)) {
            }
            is_whole = disk.calls < calls;
        }
        stand_close(&stand);
        reads_closed_ever += reads_closed;
        assert_int_equal(disk.blocks_out, 0);
        assert_false(disk.is_locked);
    }
    assert_int_equal(reads_closed, 0);
    assert_true(reads_closed_ever > 3);
    memory_disk_deinit(&written);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(writes_what_gathers_during_one_write_as_one),
        TEST(writes_nothing_before_it_is_asked_to),
        TEST(keeps_batches_below_their_limit),
        TEST(reports_a_mark_that_is_durable_already),
        TEST(says_since_when_it_writes),
        TEST(says_since_when_what_it_waits_for_is_made),
        TEST(finds_entries_states_and_truncations_again),
        TEST(makes_a_file_large_enough_for_the_largest_entry),
        TEST(spreads_over_many_files_and_finds_all_of_it),
        TEST(recovers_a_large_file_through_a_small_window),
        TEST(counts_its_boots_and_keeps_its_incarnation),
        TEST(is_another_where_nothing_is_left_of_it),
        TEST(keeps_the_founding_base),
        TEST(refuses_a_directory_in_use_and_leaves_its_lock),
        TEST(refuses_the_directory_of_another_server),
        TEST(refuses_what_a_newer_version_wrote),
        TEST(uses_a_spare_again_without_zeroing_it),
        TEST(seals_its_last_batch_when_it_is_idle_and_only_once),
        TEST(gives_no_place_to_an_entry_truncated_meanwhile),
        TEST(reads_entries_back_in_this_life_and_the_next),
        TEST(stops_when_what_it_reads_back_is_damaged),
        TEST(stops_when_much_that_it_reads_back_is_damaged),
        TEST(reads_again_what_the_disk_refuses_once),
        TEST(closes_at_any_moment),
        TEST(closes_at_any_moment_of_recovery_of_reading_and_of_making_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
