/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_summary -- a batch that does not read is known by a summary, and that is believed only
 * where it fits the log: a false one with right checksums has the directory refused.
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
static struct memory_file *file; /* of the copy: the one with the batches */
static uint64_t at;              /* of the batch that was taken out */

static void add(enum stand_record_type type, uint64_t index, uint64_t term)
{
    stand_add(
        &stand,
        &(struct stand_record){.type = type, .index = index, .term = term, .vote = 1, .size = 60});
}

static void found(void)
{
    static struct cc_base base = {
        .cluster_id = {7},
        .feature_level = 1,
        .members = {
            .count = 1,
            .at[0] = {.id = STAND_SERVER, .role = CC_ROLE_VOTER, .address = "local:a"}}};

    cc_journal_found(stand.journal, &base);
    stand.added++;
}

static void settle(void)
{
    stand_flush(&stand);
    stand_settle(&stand);
}

static void new_life(void)
{
    stand_close(&stand);
    stand_open_anew(&stand, &disk);
    assert_true(stand.is_open);
}

/* Behind the table: 1 the founding alone; 2 a state alone; 3 entries 1 to 3 of term 2; 4 entries 4
 * and 5 of term 3; 5 without entry 5, and entries 5 and 6 of terms 4 and 5; 6 a state. */
static int set_up(void **state)
{
    (void)state;
    memory_disk_init(&disk);
    stand_open(&stand, &disk, UINT64_MAX);
    found();
    settle();
    add(STAND_STATE, 0, 2);
    settle();
    for (uint64_t index = 1; index <= 3; index++) {
        add(STAND_ENTRY, index, 2);
    }
    settle();
    add(STAND_STATE, 0, 3);
    add(STAND_ENTRY, 4, 3);
    add(STAND_ENTRY, 5, 3);
    settle();
    add(STAND_STATE, 0, 5);
    add(STAND_TRUNCATE, 5, 0);
    add(STAND_ENTRY, 5, 4);
    add(STAND_ENTRY, 6, 5);
    settle();
    add(STAND_STATE, 0, 6);
    settle();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (stand.journal != NULL) {
        stand_close(&stand);
    }
    memory_disk_deinit(&disk);
    return 0;
}

/* Takes batch `number` out of a fresh copy. */
static void take(uint32_t number)
{
    at = 0;
    memory_disk_clone(&copy, &disk);
    forged.memory = &copy.memory;
    file = memory_disk_file(&copy, 0);
    forged_take(&forged, file, 0);
    while (forged.header.number < number) {
        at += (uint64_t)forged.header.blocks * CC_DISK_BLOCK;
        forged_take(&forged, file, at);
    }
}

static void open_copy(void)
{
    if (stand.journal != NULL) {
        stand_close(&stand);
    }
    stand_open(&stand, &copy, UINT64_MAX);
}

static void close_copy(void)
{
    stand_close(&stand);
    assert_int_equal(copy.blocks_out, 0);
    memory_disk_deinit(&copy);
}

static void expect_damaged(const char *what)
{
    char words[64];

    open_copy();
    snprintf(words, sizeof words, "damaged, at offset %u", (unsigned)at);
    if (stand.status != COPYCAT_ERR_DAMAGED || strstr(stand.text, words) == NULL) {
        fail_msg("%s: %d, \"%s\", not at %u", what, stand.status, stand.text, (unsigned)at);
    }
    close_copy();
}

static void expect_known(uint32_t damages)
{
    open_copy();
    assert_int_equal(stand.status, COPYCAT_OK);
    assert_int_equal(cc_journal_counters(stand.journal)->damaged, 1);
    assert_int_equal(stand.found.damages, damages);
    assert_int_equal(stand.found.last, 6);
    assert_int_equal(stand.found.terms[3], 2);
    assert_int_equal(stand.found.terms[4], 3);
    assert_int_equal(stand.found.terms[5], 4);
    assert_int_equal(stand.found.terms[6], 5);
    assert_int_equal(stand.found.term, 6);
    close_copy();
}

static void knows_each_batch_by_its_own_summary(void **state)
{
    (void)state;
    new_life();
    for (uint32_t number = 1; number <= 6; number++) {
        take(number);
        (void)forged_put_damaged(&forged, file, at);
        expect_known(number >= 3 && number <= 5);
    }
}

typedef void change(struct cc_batch_summary *summary);

static void of_another_group(struct cc_batch_summary *summary)
{
    summary->group = 1;
}

static void of_no_group(struct cc_batch_summary *summary)
{
    summary->has_group = false;
}

static void of_an_older_term(struct cc_batch_summary *summary)
{
    summary->term = 2;
}

static void begins_too_late(struct cc_batch_summary *summary)
{
    summary->touched = 7;
    summary->last = 8;
    summary->runs[0].first = 7;
    summary->runs[1].first = 8;
}

static void drops_more_than_there_is(struct cc_batch_summary *summary)
{
    summary->last = 3; /* and begins with 5 */
    summary->run_count = 0;
}

static void touches_nothing_and_ends_elsewhere(struct cc_batch_summary *summary)
{
    summary->touched = 0;
    summary->run_count = 0;
}

static void touches_nothing_and_has_runs(struct cc_batch_summary *summary)
{
    summary->touched = 0;
    summary->last = 5;
}

static void holds_more_than_it_has_room_for(struct cc_batch_summary *summary)
{
    summary->last = 6000;
}

static void has_too_many_runs(struct cc_batch_summary *summary)
{
    summary->run_count = CC_SUMMARY_RUNS_MAX + 1;
}

static void has_unknown_runs(struct cc_batch_summary *summary)
{
    summary->run_count = CC_SUMMARY_RUNS_UNKNOWN;
}

static void has_entries_and_no_runs(struct cc_batch_summary *summary)
{
    summary->run_count = 0;
}

static void has_runs_and_no_entries(struct cc_batch_summary *summary)
{
    summary->last = 4;
}

static void begins_before_its_first_run(struct cc_batch_summary *summary)
{
    summary->touched = 4;
}

static void has_a_run_behind_its_end(struct cc_batch_summary *summary)
{
    summary->runs[1].first = 7;
}

static void has_two_runs_at_one_place(struct cc_batch_summary *summary)
{
    summary->runs[1].first = 5;
}

static void has_terms_that_fall(struct cc_batch_summary *summary)
{
    summary->runs[1].term = 4;
}

static void has_a_term_of_zero(struct cc_batch_summary *summary)
{
    summary->runs[0].term = 0;
}

#define CHANGE(name) \
    {                \
#        name, name  \
    }

/* Batch 5: it drops entry 5, and has two runs of terms. */
static const struct {
    const char *name;
    change *make;
} changes[] = {
    CHANGE(of_another_group),
    CHANGE(of_no_group),
    CHANGE(of_an_older_term),
    CHANGE(begins_too_late),
    CHANGE(drops_more_than_there_is),
    CHANGE(touches_nothing_and_ends_elsewhere),
    CHANGE(touches_nothing_and_has_runs),
    CHANGE(holds_more_than_it_has_room_for),
    CHANGE(has_too_many_runs),
    CHANGE(has_unknown_runs),
    CHANGE(has_entries_and_no_runs),
    CHANGE(has_runs_and_no_entries),
    CHANGE(begins_before_its_first_run),
    CHANGE(has_a_run_behind_its_end),
    CHANGE(has_two_runs_at_one_place),
    CHANGE(has_terms_that_fall),
    CHANGE(has_a_term_of_zero),
};

static void refuses_a_batch_whose_summary_cannot_be(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        take(5);
        assert_int_equal(forged.header.summary.run_count, 2);
        assert_int_equal(forged.header.summary.touched, 5);
        changes[i].make(&forged.header.summary);
        (void)forged_put_damaged(&forged, file, at);
        expect_damaged(changes[i].name);
    }
}

/* Without a group there is nothing to drop, to write or to end with. */
static void refuses_a_summary_of_no_group_that_says_more(void **state)
{
    (void)state;
    for (uint32_t field = 0; field < 2; field++) {
        take(1);
        assert_false(forged.header.summary.has_group);
        forged.header.summary.last += field == 0;
        forged.header.summary.touched += field == 1;
        (void)forged_put_damaged(&forged, file, at);
        expect_damaged("a summary of no group");
    }
    take(3); /* with the state of a group before it, and no entries */
    forged.header.summary = (struct cc_batch_summary){0};
    (void)forged_put_damaged(&forged, file, at);
    expect_damaged("a summary that forgets the group");
}

static void refuses_a_batch_that_goes_on_behind_its_file(void **state)
{
    (void)state;
    take(6);
    forged.header.records_size = STAND_FILE_SIZE;
    (void)forged_put(&forged, file, at);
    file->size = STAND_FILE_SIZE;
    expect_damaged("a batch without its end");
}

/* ---- where the header does not read either --------------------------------------------------- */

static void wreck(uint64_t offset)
{
    file->seen[offset] ^= 0xff;
}

static void knows_a_batch_by_the_one_behind_it(void **state)
{
    (void)state;
    new_life();
    for (uint32_t number = 1; number <= 6; number++) {
        take(number);
        wreck(at);
        expect_known(number >= 3 && number <= 5);
    }
}

/* Puts it back as it was changed, under the stamp that its first sector had. */
static void put_under_its_old_stamp(uint64_t offset)
{
    uint8_t stamp[CC_STAMP_SIZE];
    uint8_t *place = file->seen + offset + CC_DISK_SECTOR - CC_STAMP_SIZE;

    memcpy(stamp, place, sizeof stamp);
    (void)forged_put(&forged, file, offset);
    memcpy(place, stamp, sizeof stamp);
}

static void does_not_believe_a_batch_that_is_not_the_next(void **state)
{
    (void)state;
    for (uint32_t field = 0; field < 5; field++) {
        take(5);
        forged.header.life += field == 0;
        forged.header.number += field == 1;
        forged.header.tag += field == 2;
        forged.header.previous_blocks += field == 3;
        forged.header.previous.group += field == 4;
        put_under_its_old_stamp(at);
        at -= CC_DISK_BLOCK;
        wreck(at);
        expect_damaged("a batch behind that is another");
    }
}

/* ---- the founding ---------------------------------------------------------------------------- */

static void knows_a_damaged_founding_from_the_next_table(void **state)
{
    (void)state;
    new_life();
    take(1);
    (void)forged_put_damaged(&forged, file, at);
    open_copy();
    assert_int_equal(stand.status, COPYCAT_OK);
    assert_int_equal(stand.found.last, 6);
    assert_non_null(cc_journal_base(stand.journal));
    assert_int_equal(cc_journal_base(stand.journal)->cluster_id[0], 7);
    close_copy();
}

static void knows_a_damaged_founding_from_a_record_of_it_behind(void **state)
{
    (void)state;
    found();
    settle();
    take(1);
    (void)forged_put_damaged(&forged, file, at);
    open_copy();
    assert_int_equal(stand.status, COPYCAT_OK);
    assert_non_null(cc_journal_base(stand.journal));
    close_copy();
}

/* Without it this server would found another cluster. */
static void refuses_to_forget_a_founding(void **state)
{
    (void)state;
    take(1);
    (void)forged_put_damaged(&forged, file, at);
    open_copy();
    assert_int_equal(stand.status, COPYCAT_ERR_DAMAGED);
    assert_non_null(strstr(stand.text, "the record of the cluster's founding is damaged"));
    close_copy();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(knows_each_batch_by_its_own_summary),
        TEST(refuses_a_batch_whose_summary_cannot_be),
        TEST(refuses_a_summary_of_no_group_that_says_more),
        TEST(refuses_a_batch_that_goes_on_behind_its_file),
        TEST(knows_a_batch_by_the_one_behind_it),
        TEST(does_not_believe_a_batch_that_is_not_the_next),
        TEST(knows_a_damaged_founding_from_the_next_table),
        TEST(knows_a_damaged_founding_from_a_record_of_it_behind),
        TEST(refuses_to_forget_a_founding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
