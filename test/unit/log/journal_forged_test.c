/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_forged -- records whose checksums are right and which make no sense: the directory is
 * refused, and the words say which file and where in it.
 */
#include "unit/log/journal_forger.h"
#include "unit/log/journal_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct memory_disk disk; /* the journal as it was written */
static struct memory_disk copy; /* the one that is forged */
static struct stand stand;
static struct forged forged;
static struct memory_file *file; /* of the copy: where the forgery goes */
static uint64_t end;             /* of its batches */

static struct cc_base base = {
    .feature_level = 1,
    .members = {
        .count = 1, .at[0] = {.id = STAND_SERVER, .role = CC_ROLE_VOTER, .address = "local:a"}}};

static void add(enum stand_record_type type, uint64_t index, uint64_t term)
{
    stand_add(
        &stand,
        &(struct stand_record){.type = type, .index = index, .term = term, .vote = 1, .size = 60});
}

static void settle(void)
{
    stand_flush(&stand);
    stand_settle(&stand);
}

/* File 0: a table, a batch with the founding and entries 1 to 3 of term 2, one with 4 of term 3.
 * File 1: a second life's table. */
static int set_up(void **state)
{
    (void)state;
    memset(base.cluster_id, 9, sizeof base.cluster_id);
    memory_disk_init(&disk);
    stand_open(&stand, &disk, UINT64_MAX);
    cc_journal_found(stand.journal, &base);
    stand.added++;
    add(STAND_STATE, 0, 2);
    add(STAND_ENTRY, 1, 2);
    add(STAND_ENTRY, 2, 2);
    add(STAND_ENTRY, 3, 2);
    settle();
    add(STAND_STATE, 0, 3);
    add(STAND_ENTRY, 4, 3);
    settle();
    stand_close(&stand);
    stand_open_anew(&stand, &disk);
    stand_settle(&stand);
    stand_close(&stand);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    memory_disk_deinit(&disk);
    return 0;
}

/* Takes out batch `number` of a file of a fresh copy; a batch put at `end` takes its place. */
static void take(uint32_t file_number, uint32_t number)
{
    end = 0;
    memory_disk_clone(&copy, &disk);
    forged.memory = &copy.memory;
    file = memory_disk_file(&copy, file_number);
    forged_take(&forged, file, 0);
    while (forged.header.number < number) {
        end += (uint64_t)forged.header.blocks * CC_DISK_BLOCK;
        forged_take(&forged, file, end);
    }
}

/* Begins a batch behind all others. */
static void begin(void)
{
    take(1, 0);
    end += (uint64_t)forged.header.blocks * CC_DISK_BLOCK;
    forged_follow(&forged);
}

static void open_copy(void)
{
    stand_open(&stand, &copy, UINT64_MAX);
}

static void close_copy(void)
{
    stand_close(&stand);
    assert_int_equal(copy.blocks_out, 0);
    memory_disk_deinit(&copy);
}

static void expect(copycat_status status, const char *words)
{
    char path[96];

    open_copy();
    snprintf(path, sizeof path, "/data/journal/%s: ", file->name);
    if (stand.status != status || strstr(stand.text, words) == NULL ||
        strstr(stand.text, path) == NULL) {
        fail_msg("wanted %d and \"%s\", came %d: %s", status, words, stand.status, stand.text);
    }
    close_copy();
}

static void expect_senseless(void)
{
    char words[64];

    (void)forged_put(&forged, file, end);
    snprintf(words, sizeof words, "records make no sense, at offset %u", (unsigned)end);
    expect(COPYCAT_ERR_DAMAGED, words);
}

static void takes_a_forged_batch_that_makes_sense(void **state)
{
    (void)state;
    begin();
    forged_add_state(&forged, 0, 5, 2);
    forged_add_truncate(&forged, 0, 4);
    forged_add_entry(&forged, CC_RECORD_ENTRY, 0, 4, 5);
    forged_add_entry(&forged, CC_RECORD_REPAIR, 0, 2, 2);
    forged_add_base(&forged, &base);
    (void)forged_put(&forged, file, end);
    open_copy();
    assert_int_equal(stand.status, COPYCAT_OK);
    assert_int_equal(stand.found.last, 4);
    assert_int_equal(stand.found.terms[4], 5);
    assert_int_equal(stand.found.term, 5);
    assert_int_equal(stand.found.vote, 2);
    assert_int_equal(cc_journal_counters(stand.journal)->damaged, 0);
    close_copy();
}

static const uint8_t noise[48] = {1, 2, 3};
static const copycat_bytes malformed = {noise, sizeof noise};

static void refuses_an_entry_that_does_not_go_on_from_the_last(void **state)
{
    (void)state;
    for (uint64_t index = 1; index <= 7; index += index == 4 ? 2 : 1) {
        begin();
        forged_add_entry(&forged, CC_RECORD_ENTRY, 0, index, 3);
        expect_senseless();
    }
    begin();
    forged_add_entry(&forged, CC_RECORD_ENTRY, 1, 5, 3); /* of a group that does not exist */
    expect_senseless();
    begin();
    forged_add(&forged, CC_RECORD_ENTRY, malformed);
    expect_senseless();
}

static void refuses_a_repair_of_what_the_log_does_not_have(void **state)
{
    (void)state;
    begin();
    forged_add_entry(&forged, CC_RECORD_REPAIR, 0, 5, 3);
    expect_senseless();
    begin();
    forged_add_entry(&forged, CC_RECORD_REPAIR, 0, 2, 3); /* of another term */
    expect_senseless();
    begin();
    forged_add_entry(&forged, CC_RECORD_REPAIR, 1, 2, 2);
    expect_senseless();
    begin();
    forged_add(&forged, CC_RECORD_REPAIR, malformed);
    expect_senseless();
}

static void refuses_a_truncation_of_what_the_log_does_not_have(void **state)
{
    (void)state;
    begin();
    forged_add_truncate(&forged, 0, 6);
    expect_senseless();
    begin();
    forged_add_truncate(&forged, 0, 0);
    expect_senseless();
    begin();
    forged_add_truncate(&forged, 1, 4);
    expect_senseless();
    begin();
    forged_add(&forged, CC_RECORD_TRUNCATE, malformed);
    expect_senseless();
}

static void refuses_a_truncation_of_what_an_image_stands_for(void **state)
{
    (void)state;
    stand_open_anew(&stand, &disk);
    stand_add(
        &stand,
        &(struct stand_record){.type = STAND_SWITCH, .index = 3, .term = 2, .keep_tail = true});
    settle();
    stand_close(&stand);
    for (uint64_t from = 4; from >= 3; from--) {
        take(2, 1);
        end += (uint64_t)forged.header.blocks * CC_DISK_BLOCK;
        forged_follow(&forged);
        forged_add_truncate(&forged, 0, from);
        if (from <= 3) {
            expect_senseless();
            continue;
        }
        (void)forged_put(&forged, file, end);
        open_copy();
        assert_true(stand.is_open);
        close_copy();
    }
}

static void refuses_states_bases_and_records_it_does_not_know(void **state)
{
    (void)state;
    begin();
    forged_add_state(&forged, 1, 5, 2);
    expect_senseless();
    begin();
    forged_add_state(&forged, 0, CC_TERM_MAX + 1, 2);
    expect_senseless();
    begin();
    forged_add(&forged, CC_RECORD_STATE, malformed);
    expect_senseless();
    begin();
    forged_add(&forged, CC_RECORD_BASE, malformed);
    expect_senseless();
    for (uint32_t type = 0; type <= UINT8_MAX; type++) {
        if (type < CC_RECORD_ENTRY || type > CC_RECORD_REPAIR) {
            begin();
            forged_add(&forged, (uint8_t)type, malformed);
            expect_senseless();
        }
    }
}

/* T-057: their sizes are checked before anybody believes them. */
static void refuses_records_that_do_not_fit_their_batch(void **state)
{
    static const uint32_t sizes[] = {9, 17, 4096, UINT32_MAX - 8, UINT32_MAX};

    (void)state;
    for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        begin();
        forged_add(&forged, CC_RECORD_STATE, (copycat_bytes){noise, 8});
        cc_store_u32(forged.records + 4, sizes[i]);
        expect_senseless();
    }
    begin();
    forged_add_state(&forged, 0, 5, 2);
    forged.header.records_size += 7; /* less than any record begins with */
    expect_senseless();
}

static void refuses_a_batch_that_calls_itself_durable(void **state)
{
    (void)state;
    begin();
    forged.header.durable_number = forged.header.number;
    expect_senseless();
    begin();
    forged.header.durable_life++;
    expect_senseless();
}

/* The tag alone tells them apart: everything else of it would fit. */
static void refuses_a_batch_of_another_server(void **state)
{
    (void)state;
    begin();
    forged.header.tag++;
    (void)forged_put(&forged, file, end);
    expect(COPYCAT_ERR_FOREIGN, "holds a batch of another server");
}

/* ---- tables ---------------------------------------------------------------------------------- */

static void expect_bad_head(void)
{
    (void)forged_put(&forged, file, 0);
    expect(COPYCAT_ERR_DAMAGED, "the head of this file is damaged");
}

static void refuses_a_head_that_is_no_table(void **state)
{
    struct cc_journal_table table;

    (void)state;
    take(1, 0);
    forged.header.records_size = 0;
    expect_bad_head();
    take(1, 0);
    forged.records[0] = CC_RECORD_STATE;
    expect_bad_head();
    take(1, 0);
    forged.header.records_size = 0;
    forged_add(&forged, CC_RECORD_TABLE, malformed);
    expect_bad_head();
    take(1, 0);
    forged_table(&forged, &table);
    table.prev_life = 0; /* the life itself is 2 */
    forged_set_table(&forged, &table);
    expect_bad_head();
}

static void refuses_two_files_of_one_life(void **state)
{
    (void)state;
    take(0, 0);
    file = memory_disk_file(&copy, 2);
    assert_non_null(file);
    (void)forged_put(&forged, file, 0);
    expect(COPYCAT_ERR_DAMAGED, "two files claim the same place");
}

/* What the files before it say, a table says again: each word of it that differs is found. */
static void refuses_a_table_that_contradicts_the_file_before(void **state)
{
    struct cc_journal_table table;

    (void)state;
    for (uint32_t field = 0; field < 6; field++) {
        take(1, 0);
        forged_table(&forged, &table);
        assert_int_equal(table.groups[0].last, 4);
        table.groups[0].last += field == 0;
        table.groups[0].term += field == 1;
        table.groups[0].vote += field == 2;
        table.group_count -= field == 3;
        table.incarnation[CC_INCARNATION_SIZE - 1] ^= field == 4; /* behind the tag */
        forged_set_table(&forged, &table);
        if (field == 5) {
            forged_add(&forged, CC_RECORD_TABLE, malformed);
        }
        expect_senseless();
    }
}

static void refuses_a_life_that_nothing_leads_to(void **state)
{
    struct cc_journal_table table;

    (void)state;
    take(1, 0);
    forged_table(&forged, &table);
    table.prev_life = 2;
    forged.header.life = 3;
    forged_set_table(&forged, &table);
    (void)forged_put(&forged, file, 0);
    open_copy();
    assert_int_equal(stand.status, COPYCAT_ERR_DAMAGED);
    assert_non_null(strstr(stand.text, "a journal file is missing"));
    close_copy();
}

/* A torn head is believed to be torn only where the next life would begin. */
static void refuses_a_torn_head_of_a_life_that_is_not_next(void **state)
{
    (void)state;
    for (uint32_t life = 2; life <= 5; life++) {
        take(1, 0);
        file = memory_disk_file(&copy, 2);
        forged.header.life = life;
        forged.header.durable_life = life - 1;
        forged.header.durable_number = 0;
        (void)forged_put(&forged, file, 0);
        memset(file->seen + 2 * CC_DISK_SECTOR, 0, CC_DISK_SECTOR);
        open_copy();
        assert_int_equal(stand.status, life == 3 ? COPYCAT_OK : COPYCAT_ERR_DAMAGED);
        close_copy();
    }
}

/* What it says was durable before it was so, though it is torn itself (J3). */
static void refuses_to_lose_what_a_torn_head_vouches_for(void **state)
{
    (void)state;
    take(1, 0);
    file = memory_disk_file(&copy, 2);
    forged.header.life = 3;
    forged.header.durable_life = 2;
    forged.header.durable_number = 2; /* of life 2, which has one batch only */
    (void)forged_put(&forged, file, 0);
    memset(file->seen + 2 * CC_DISK_SECTOR, 0, CC_DISK_SECTOR);
    file = memory_disk_file(&copy, 1);
    expect(COPYCAT_ERR_DAMAGED, "damaged, at offset 4096");
}

static void leaves_files_alone_that_are_not_its_own(void **state)
{
    static const char *const names[] = {"journal-0000001",  "journal-000000001", "journal-0000000a",
                                        "journal-0000000:", "journal-+0000001",  "journal-backup.",
                                        "Journal-00000009", "journal",           "notes"};
    uint32_t before = 0;

    (void)state;
    while (memory_disk_file(&disk, before) != NULL) {
        before++;
    }
    memory_disk_clone(&copy, &disk);
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        memory_disk_put(&copy, names[i], noise, sizeof noise);
    }
    open_copy();
    assert_int_equal(stand.status, COPYCAT_OK);
    assert_int_equal(stand.found.last, 4);
    stand_settle(&stand);
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(memory_disk_file(&copy, before + i)->size, sizeof noise);
        assert_memory_equal(memory_disk_file(&copy, before + i)->seen, noise, sizeof noise);
    }
    close_copy();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(takes_a_forged_batch_that_makes_sense),
        TEST(refuses_an_entry_that_does_not_go_on_from_the_last),
        TEST(refuses_a_repair_of_what_the_log_does_not_have),
        TEST(refuses_a_truncation_of_what_the_log_does_not_have),
        TEST(refuses_a_truncation_of_what_an_image_stands_for),
        TEST(refuses_states_bases_and_records_it_does_not_know),
        TEST(refuses_records_that_do_not_fit_their_batch),
        TEST(refuses_a_batch_that_calls_itself_durable),
        TEST(refuses_a_batch_of_another_server),
        TEST(refuses_a_head_that_is_no_table),
        TEST(refuses_two_files_of_one_life),
        TEST(refuses_a_table_that_contradicts_the_file_before),
        TEST(refuses_a_life_that_nothing_leads_to),
        TEST(refuses_a_torn_head_of_a_life_that_is_not_next),
        TEST(refuses_to_lose_what_a_torn_head_vouches_for),
        TEST(leaves_files_alone_that_are_not_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
