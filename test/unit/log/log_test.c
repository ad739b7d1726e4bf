/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log -- one group's entries: what is in memory, what comes back from disk, and what recovery
 * finds.
 */
#include "log/format.h"
#include "log/log.h"
#include "unit/log/journal_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define CACHE 4096u

static struct memory_disk disk;
static struct cc_journal *journal;
static struct cc_log *group_log;
static bool is_open;

static void on_entry(
    void *owner, const struct cc_entry *entry, const struct cc_journal_place *place)
{
    (void)owner;
    cc_log_recover_entry(group_log, entry, place);
}

static void on_truncate(void *owner, uint32_t group, uint64_t from)
{
    (void)owner;
    (void)group;
    cc_log_recover_truncate(group_log, from);
}

static void on_state(void *owner, uint32_t group, uint64_t term, uint32_t vote)
{
    (void)owner;
    (void)group;
    (void)term;
    (void)vote;
}

static bool on_switch(
    void *owner, uint32_t group, const struct cc_journal_base *base, bool keep_tail)
{
    (void)owner;
    (void)group;
    return cc_log_recover_switch(group_log, base, keep_tail);
}

static void on_forgotten(void *owner, uint32_t group, uint64_t first)
{
    (void)owner;
    (void)group;
    if (is_open) {
        cc_log_forget(group_log, first - 1);
    } else {
        cc_log_recover_forgotten(group_log, first);
    }
}

static void on_damage(void *owner, const struct cc_journal_damage *damage)
{
    (void)owner;
    cc_log_recover_damage(group_log, damage);
}

static bool on_repair(
    void *owner, const struct cc_entry *entry, const struct cc_journal_place *place)
{
    (void)owner;
    return cc_log_recover_repair(group_log, entry, place);
}

static void on_open(void *owner, copycat_status status, const char *text)
{
    (void)owner;
    assert_string_equal(text, "");
    is_open = status == COPYCAT_OK;
}

static void on_durable(void *owner, uint64_t mark)
{
    (void)owner;
    (void)mark;
}

static void on_placed(
    void *owner, uint32_t group, uint64_t index, const struct cc_journal_place *place)
{
    (void)owner;
    (void)group;
    cc_log_placed(group_log, index, place);
}

static void on_failed(void *owner, copycat_status status, const char *text)
{
    (void)owner;
    (void)status;
    fail_msg("%s", text);
}

static void on_closed(void *owner)
{
    (void)owner;
    journal = NULL;
}

static const struct cc_journal_callbacks callbacks = {
    .on_entry = on_entry,
    .on_truncate = on_truncate,
    .on_damage = on_damage,
    .on_switch = on_switch,
    .on_forgotten = on_forgotten,
    .on_repair = on_repair,
    .on_state = on_state,
    .on_open = on_open,
    .on_durable = on_durable,
    .on_placed = on_placed,
    .on_failed = on_failed,
    .on_closed = on_closed,
};

static void settle(void)
{
    while (memory_disk_step(&disk)) {
    }
}

static void open_all(void)
{
    struct cc_journal_options options = {
        .directory = "/data/journal", .server = 1, .file_size = 65536, .batch_size_max = 8192};

    group_log = cc_log_create(&disk.env, 0, CACHE);
    is_open = false;
    assert_int_equal(cc_journal_open(&journal, &disk.env, &options, &callbacks, NULL), COPYCAT_OK);
    settle();
    assert_true(is_open);
    cc_log_attach(group_log, journal);
}

static void close_all(void)
{
    cc_log_destroy(group_log);
    cc_journal_close(journal);
    settle();
    assert_null(journal);
}

static int set_up(void **state)
{
    (void)state;
    memory_disk_init(&disk);
    open_all();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close_all();
    assert_int_equal(disk.blocks_out, 0);
    memory_disk_deinit(&disk);
    return 0;
}

static void append(uint64_t index, uint64_t term, uint32_t size)
{
    static uint8_t payload[65536];
    struct cc_block *block;

    memset(payload, (int)(index * 7 + term), size);
    block = cc_entry_create(&disk.memory, CC_ENTRY_COMMAND, (copycat_bytes){payload, size});
    cc_entry_stamp(block, 0, index, term, index * 10);
    cc_log_append(group_log, block);
    cc_block_release(block);
}

static void append_many(uint64_t first, uint64_t last, uint64_t term, uint32_t size)
{
    for (uint64_t index = first; index <= last; index++) {
        append(index, term, size);
    }
    cc_journal_flush(journal);
    settle();
}

static uint64_t in_memory(void)
{
    uint64_t count = 0;

    for (uint64_t index = 1; index <= cc_log_last(group_log); index++) {
        count += cc_log_peek(group_log, index) != NULL;
    }
    return count;
}

static struct cc_log_load load;
static uint32_t loads_done;
static bool is_forgotten; /* what is loaded */

static void on_load(struct cc_log_load *loaded)
{
    loads_done++;
    if (loaded->status == COPYCAT_OK && !is_forgotten) {
        assert_non_null(cc_log_peek(group_log, loaded->index));
    }
}

static void start_load(uint64_t index)
{
    load = (struct cc_log_load){.index = index, .done = on_load};
    loads_done = 0;
    cc_log_load(group_log, &load);
    assert_int_equal(loads_done, 0);
}

static void keeps_in_memory_what_is_above_the_keep_index(void **state)
{
    (void)state;
    append_many(1, 50, 1, 1000);
    assert_int_equal(in_memory(), 50);
    cc_log_keep(group_log, 30);
    settle();
    for (uint64_t index = 31; index <= 50; index++) {
        assert_non_null(cc_log_peek(group_log, index));
    }
    assert_int_equal(in_memory(), 20);
    cc_log_keep(group_log, 50);
    settle();
    assert_true(in_memory() <= 3);
}

static void keeps_in_memory_what_has_no_place_yet(void **state)
{
    (void)state;
    for (uint64_t index = 1; index <= 20; index++) {
        append(index, 1, 1000);
    }
    cc_log_keep(group_log, 20);
    settle();
    assert_int_equal(in_memory(), 20);
    cc_journal_flush(journal);
    settle();
    append_many(21, 21, 1, 1000);
    assert_true(in_memory() < 20);
}

static void brings_entries_back_from_disk(void **state)
{
    (void)state;
    append_many(1, 50, 1, 1000);
    cc_log_keep(group_log, 50);
    settle();
    for (uint64_t index = 1; index <= 40; index++) {
        if (cc_log_peek(group_log, index) == NULL) {
            start_load(index);
            settle();
            assert_int_equal(loads_done, 1);
            assert_int_equal(load.status, COPYCAT_OK);
        }
    }
}

static void finds_itself_again_with_all_its_runs(void **state)
{
    uint32_t count;

    (void)state;
    append_many(1, 10, 1, 100);
    append_many(11, 20, 3, 100);
    cc_log_truncate(group_log, 16);
    append_many(16, 25, 4, 100);

    uint64_t bytes = cc_log_bytes_above(group_log, 0);

    close_all();
    open_all();
    assert_int_equal(cc_log_first(group_log), 1);
    assert_int_equal(cc_log_last(group_log), 25);
    assert_int_equal(cc_log_bytes_above(group_log, 0), bytes);
    assert_int_equal(cc_log_bytes_above(group_log, 25), 0);

    const struct cc_raft_run *runs = cc_log_runs(group_log, &count);

    assert_int_equal(count, 3);
    assert_int_equal(runs[1].first, 11);
    assert_int_equal(runs[2].first, 16);
    assert_int_equal(runs[2].term, 4);
    assert_int_equal(cc_log_last_time_us(group_log), 250);
    start_load(17);
    settle();
    assert_int_equal(load.status, COPYCAT_OK);
    assert_int_equal(cc_entry_of(cc_log_peek(group_log, 17)).term, 4);
}

static void ends_a_load_that_is_under_way_when_it_is_destroyed(void **state)
{
    (void)state;
    append_many(1, 50, 1, 1000);
    cc_log_keep(group_log, 50);
    settle();
    start_load(1);
    cc_log_destroy(group_log);
    assert_int_equal(loads_done, 1);
    assert_int_equal(load.status, COPYCAT_ERR_CLOSED);
    settle();
    assert_int_equal(loads_done, 1);
    group_log = cc_log_create(&disk.env, 0, CACHE);
}

static void ends_a_load_of_what_is_forgotten_meanwhile(void **state)
{
    (void)state;
    append_many(1, 50, 1, 1000);
    cc_log_keep(group_log, 50);
    settle();
    is_forgotten = true;
    start_load(1);
    cc_log_forget(group_log, 20);
    settle();
    is_forgotten = false;
    assert_int_equal(loads_done, 1);
    assert_int_equal(load.status, COPYCAT_OK);
    assert_null(cc_log_peek(group_log, 1));
    start_load(21);
    settle();
    assert_int_equal(load.status, COPYCAT_OK);
    append_many(51, 60, 2, 1000);
    assert_int_equal(cc_log_first(group_log), 21);
}

static void keeps_the_newer_of_two_entries_that_had_one_index(void **state)
{
    (void)state;
    append(1, 1, 100);
    append(2, 1, 3000);
    cc_journal_flush(journal);
    cc_log_truncate(group_log, 2);
    append(2, 2, 200);
    append_many(3, 20, 2, 1000);
    cc_log_keep(group_log, 20);
    settle();
    if (cc_log_peek(group_log, 2) == NULL) {
        start_load(2);
        settle();
        assert_int_equal(load.status, COPYCAT_OK);
    }
    assert_int_equal(cc_log_last(group_log), 20);
    close_all();
    open_all();
    start_load(2);
    settle();
    assert_int_equal(cc_entry_of(cc_log_peek(group_log, 2)).term, 2);
}

/* Spoils the batch that brought an entry, while the journal is closed. */
static void spoil(uint64_t index)
{
    struct memory_file *file = memory_disk_file(&disk, 0);
    struct cc_batch_header header = {0};

    for (uint64_t at = 0; at < file->platter_size; at += CC_DISK_BLOCK) {
        if (cc_batch_read_header(file->platter + at, &header) == CC_HEADER_VALID &&
            header.summary.run_count > 0 && header.summary.touched <= index &&
            header.summary.last >= index) {
            file->platter[at + cc_batch_records_at(header.blocks)] ^= 1;
            file->seen[at + cc_batch_records_at(header.blocks)] ^= 1;
            return;
        }
    }
    fail_msg("entry %u is in no batch of the first file", (unsigned)index);
}

static void give_back(uint64_t index, uint64_t term, uint32_t size)
{
    static uint8_t payload[65536];
    struct cc_block *block;

    memset(payload, (int)(index * 7 + term), size);
    block = cc_entry_create(&disk.memory, CC_ENTRY_COMMAND, (copycat_bytes){payload, size});
    cc_entry_stamp(block, 0, index, term, index * 10);
    cc_log_repair(group_log, block);
    cc_block_release(block);
}

/* Entries 1-4 of term 1, 5-6 of term 1 and 7-8 of term 2, 9-10 of term 2: the middle is spoilt. */
static void make_damage(void)
{
    append_many(1, 4, 1, 100);
    append(5, 1, 100);
    append(6, 1, 100);
    append_many(7, 8, 2, 100);
    append_many(9, 10, 2, 100);
    close_all();
    spoil(6);
    open_all();
}

static void knows_the_terms_of_what_it_cannot_read(void **state)
{
    (void)state;
    make_damage();
    assert_int_equal(cc_log_last(group_log), 10);
    assert_int_equal(cc_log_damage(group_log)->first, 5);
    assert_int_equal(cc_log_damage(group_log)->last, 8);
    assert_int_equal(cc_log_term(group_log, 4), 1);
    assert_int_equal(cc_log_term(group_log, 6), 1);
    assert_int_equal(cc_log_term(group_log, 7), 2);
    assert_int_equal(cc_log_term(group_log, 11), 0);
    assert_false(cc_log_is_damaged(group_log, 4));
    assert_true(cc_log_is_damaged(group_log, 8));
    assert_false(cc_log_is_damaged(group_log, 9));
    assert_int_equal(cc_log_last_time_us(group_log), 100);
}

static void keeps_what_was_given_back_piece_by_piece(void **state)
{
    (void)state;
    make_damage();
    give_back(6, 1, 100); /* from the middle: two ranges are left */
    assert_int_equal(cc_log_damage(group_log)->last, 5);
    give_back(5, 1, 100);
    assert_int_equal(cc_log_damage(group_log)->first, 7);
    cc_journal_flush(journal);
    settle();
    close_all();
    open_all();
    assert_int_equal(cc_log_damage(group_log)->first, 7);
    assert_int_equal(cc_log_damage(group_log)->last, 8);
    give_back(7, 2, 100);
    give_back(8, 2, 100);
    cc_journal_flush(journal);
    settle();
    close_all();
    open_all();
    assert_null(cc_log_damage(group_log));
    start_load(5);
    settle();
    assert_int_equal(load.status, COPYCAT_OK);
    assert_int_equal(cc_entry_of(cc_log_peek(group_log, 6)).term, 1);
}

static void forgets_damage_that_is_truncated(void **state)
{
    (void)state;
    make_damage();
    cc_log_truncate(group_log, 7);
    assert_int_equal(cc_log_damage(group_log)->last, 6);
    append_many(7, 7, 3, 100);
    assert_false(cc_log_is_damaged(group_log, 7));
    close_all();
    open_all();
    assert_int_equal(cc_log_last(group_log), 7);
    assert_int_equal(cc_log_damage(group_log)->last, 6);
    cc_log_truncate(group_log, 5);
    assert_null(cc_log_damage(group_log));
}

/* However many terms there are: a batch ends before it has more than its summary can say. */
static void knows_many_terms_that_were_written_at_once(void **state)
{
    (void)state;
    for (uint64_t index = 1; index <= 12; index++) {
        append(index, index, 100);
    }
    cc_journal_flush(journal);
    settle();
    close_all();
    spoil(1);
    spoil(7);
    open_all();
    assert_int_equal(cc_log_last(group_log), 12);
    for (uint64_t index = 1; index <= 12; index++) {
        assert_int_equal(cc_log_term(group_log, index), index);
    }
    assert_true(cc_log_is_damaged(group_log, 1));
    assert_true(cc_log_is_damaged(group_log, 7));
    assert_false(cc_log_is_damaged(group_log, 10));
}

static void zero_sectors(struct memory_file *file, uint64_t first, uint64_t count)
{
    memset(file->platter + first * CC_DISK_SECTOR, 0, count * CC_DISK_SECTOR);
    memset(file->seen + first * CC_DISK_SECTOR, 0, count * CC_DISK_SECTOR);
}

/* The file that was being begun says that the batch was durable: it is not cut as torn. */
static void believes_a_torn_head_about_what_was_durable(void **state)
{
    struct cc_batch_header header;
    struct memory_file *first = memory_disk_file(&disk, 0);
    struct memory_file *second = memory_disk_file(&disk, 1);

    (void)state;
    append_many(1, 4, 1, 100);
    close_all();
    stand_change_end(first);
    open_all();
    stand_change_end(first);
    close_all();
    assert_int_equal(cc_batch_read_header(second->platter, &header), CC_HEADER_VALID);
    assert_int_equal(header.life, 2);
    zero_sectors(second, 1, 7);
    for (uint64_t at = 0; at < first->platter_size; at += CC_DISK_BLOCK) {
        if (cc_batch_read_header(first->platter + at, &header) == CC_HEADER_VALID &&
            header.summary.last == 4) {
            zero_sectors(first, at / CC_DISK_SECTOR + 2, 1);
        }
    }
    open_all();
    assert_int_equal(cc_log_last(group_log), 4);
    assert_int_equal(cc_log_damage(group_log)->last, 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keeps_in_memory_what_is_above_the_keep_index),
        TEST(keeps_in_memory_what_has_no_place_yet),
        TEST(brings_entries_back_from_disk),
        TEST(finds_itself_again_with_all_its_runs),
        TEST(ends_a_load_that_is_under_way_when_it_is_destroyed),
        TEST(ends_a_load_of_what_is_forgotten_meanwhile),
        TEST(keeps_the_newer_of_two_entries_that_had_one_index),
        TEST(knows_the_terms_of_what_it_cannot_read),
        TEST(keeps_what_was_given_back_piece_by_piece),
        TEST(forgets_damage_that_is_truncated),
        TEST(knows_many_terms_that_were_written_at_once),
        TEST(believes_a_torn_head_about_what_was_durable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
