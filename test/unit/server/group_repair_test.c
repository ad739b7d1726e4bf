/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_repair -- damaged entries come back from whoever has them, and only what is the very entry
 * that is missing does (docs/decisions/0007).
 */
#include "log/format.h"
#include "log/log_internal.h"
#include "sim/sim_disk_internal.h"
#include "unit/server/server_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAMAGED 0u /* the place of the server that is */

static struct cc_group *group;
static uint64_t first; /* the damaged entry */
static uint64_t last;
static uint64_t term;
static struct cc_block *copies[64]; /* of the entries, by index; another server's */

static struct cc_sim_file *first_file(void)
{
    struct cc_sim_file *file = cluster->world->machines[DAMAGED].disk->files;

    while (file != NULL && strstr(file->name, "journal-00000001") == NULL) {
        file = file->next;
    }
    assert_non_null(file);
    return file;
}

/* The batch with the newest entries does not read any more. */
static void damage_newest(void)
{
    struct cc_sim_file *file = first_file();
    struct cc_batch_header header = {0};
    uint64_t newest = 0;

    for (uint64_t at = 0; at + 4096 <= file->platter_size; at += 4096) {
        if (cc_batch_read_header(file->platter + at, &header) == CC_HEADER_VALID &&
            header.summary.run_count > 0) {
            newest = at;
        }
    }
    assert_true(newest > 0);
    newest += cc_batch_records_at(1);
    file->platter[newest] ^= 1;
    file->seen[newest] ^= 1;
}

static const struct cc_memory *heap(void)
{
    return &cluster->world->machines[CC_CLIENT_MACHINES_FIRST].memory;
}

/* Server 1 is damaged.  The others run only if they are to be asked. */
static void make(bool are_others_up)
{
    struct cc_group *whole;
    const struct cc_log_damage *damage;

    stand_make(3);
    cluster->seats[DAMAGED].is_damaged = true;
    whole = stand_group(1);
    for (uint64_t index = 1; index <= cc_log_last(whole->log) && index < 64; index++) {
        struct cc_entry entry = cc_entry_of(cc_log_peek(whole->log, index));

        copies[index] = cc_entry_copy(heap(), &entry);
    }
    cc_cluster_crash(cluster, DAMAGED);
    damage_newest();
    if (!are_others_up) {
        cc_cluster_crash(cluster, 1);
        cc_cluster_crash(cluster, 2);
    }
    cc_cluster_start(cluster, DAMAGED);
    stand_run(are_others_up ? 5000000 : 100000);
    group = stand_group(DAMAGED);
    damage = cc_log_damage(group->log);
    if (damage != NULL) {
        first = damage->first;
        last = damage->last;
        term = cc_log_term(group->log, first);
    }
    stand_forget();
}

static int set_up_alone(void **state)
{
    (void)state;
    make(false);
    assert_non_null(cc_log_damage(group->log));
    return 0;
}

static int set_up_among_others(void **state)
{
    (void)state;
    make(true);
    assert_null(cc_log_damage(group->log));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (uint32_t index = 0; index < 64; index++) {
        cc_block_release(copies[index]);
        copies[index] = NULL;
    }
    stand_free();
    return 0;
}

static struct cc_writer *begin(uint64_t from, uint8_t outcome, uint32_t count)
{
    struct cc_writer *writer = stand_begin();

    cc_repair_encode_head(
        writer, &(struct cc_repair){.first = from, .outcome = outcome, .entry_count = count});
    return writer;
}

static void write_entry(struct cc_writer *writer, uint32_t of, uint64_t index, uint64_t in_term)
{
    struct cc_block *block = cc_entry_create(heap(), CC_ENTRY_TICK, (copycat_bytes){NULL, 0});

    cc_entry_stamp(block, of, index, in_term, 1);
    cc_write_raw(writer, block->data, block->size);
    cc_block_release(block);
}

static void write_copies(struct cc_writer *writer, uint64_t from, uint64_t through)
{
    for (uint64_t index = from; index <= through; index++) {
        cc_write_raw(writer, copies[index]->data, copies[index]->size);
    }
}

static bool receive(uint32_t peer)
{
    return stand_receive(DAMAGED, peer, CC_MESSAGE_REPAIR, stand_body());
}

static bool is_damaged(void)
{
    return cc_log_is_damaged(group->log, first) && cc_log_damage(group->log)->first == first;
}

/* ---- taking ---------------------------------------------------------------------------------- */

static void takes_back_the_entries_that_are_missing(void **state)
{
    uint32_t count = (uint32_t)(last - first + 1);

    (void)state;
    write_copies(begin(first, CC_REPAIR_ENTRIES, count), first, last);
    assert_true(receive(2));
    assert_int_not_equal(group->repairing.mark, 0);
    assert_true(cc_raft_stable(group->core) < first); /* nothing counts before it is durable */
    assert_true(receive(3));                          /* late, and harmless */
    stand_run(100000);
    assert_null(cc_log_damage(group->log));
    assert_true(cc_raft_stable(group->core) >= last);
    assert_true(receive(2)); /* nothing is damaged any more */
}

static void takes_no_entry_that_is_another(void **state)
{
    (void)state;
    write_entry(begin(first, CC_REPAIR_ENTRIES, 1), 0, first, term + 1);
    assert_false(receive(2));
    write_entry(begin(first, CC_REPAIR_ENTRIES, 1), 1, first, term);
    assert_false(receive(2));
    write_entry(begin(first, CC_REPAIR_ENTRIES, 1), 0, first + 1, term);
    assert_false(receive(2));
    cc_write_raw(
        begin(first, CC_REPAIR_ENTRIES, 1), "no entry at all, but more than forty bytes", 42);
    assert_false(receive(2));
    assert_true(is_damaged());
    stand_run(100000);
    assert_true(is_damaged());
    assert_int_equal(stand_server(DAMAGED)->failed, COPYCAT_OK);
}

static void takes_no_message_that_is_cut_or_goes_on(void **state)
{
    struct cc_writer *writer;
    copycat_bytes body;

    (void)state;
    write_copies(begin(first, CC_REPAIR_ENTRIES, 1), first, first);
    body = stand_body();
    for (size_t size = 0; size < body.size; size++) {
        assert_false(
            stand_receive(DAMAGED, 2, CC_MESSAGE_REPAIR, (copycat_bytes){body.data, size}));
        assert_true(is_damaged());
        stand_run(1000); /* what was begun for it is durable */
    }
    begin(first, CC_REPAIR_MISSING, 0);
    body = stand_body();
    for (size_t size = 0; size < body.size; size++) {
        assert_false(
            stand_receive(DAMAGED, 2, CC_MESSAGE_REPAIR, (copycat_bytes){body.data, size}));
    }
    writer = begin(first, CC_REPAIR_ENTRIES, 1);
    write_copies(writer, first, first);
    cc_write_u8(writer, 0);
    assert_false(receive(2));
}

static void passes_over_what_nobody_asked_for(void **state)
{
    (void)state;
    assert_true(first > 1);
    write_copies(begin(first - 1, CC_REPAIR_ENTRIES, 1), first - 1, first - 1);
    assert_true(receive(2));
    assert_int_equal(group->repairing.mark, 0);
    assert_true(is_damaged());
    begin(first - 1, CC_REPAIR_MISSING, 0);
    assert_true(receive(2));
    assert_int_equal(group->repairing.outcomes[1], 0);
}

/* ---- nobody has it --------------------------------------------------------------------------- */

/* With a quorum that is whole, what was missing there was never acknowledged. */
static void waits_for_a_leader_when_a_whole_quorum_lacks_the_entry(void **state)
{
    (void)state;
    for (uint32_t peer = 2; peer <= 3; peer++) {
        assert_false(group->repairing.is_told);
        begin(first, CC_REPAIR_MISSING, 0);
        assert_true(receive(peer));
    }
    assert_true(group->repairing.is_told);
    assert_non_null(strstr(stand_server(DAMAGED)->last_notice, "a leader will decide"));
    stand_run(20000000);
    assert_int_equal(stand_server(DAMAGED)->failed, COPYCAT_OK);
    assert_true(is_damaged());
}

static void stops_when_no_quorum_is_whole_and_says_where(void **state)
{
    (void)state;
    begin(first, CC_REPAIR_MISSING, 0);
    assert_true(receive(2));
    begin(first, CC_REPAIR_DAMAGED, 0);
    assert_true(receive(3));
    assert_int_equal(stand_server(DAMAGED)->failed, COPYCAT_OK); /* a leader may come yet */
    stand_run(20 * STAND_TIMEOUT_US);
    assert_int_equal(stand_server(DAMAGED)->failed, COPYCAT_ERR_DAMAGED);
    assert_non_null(
        strstr(stand_server(DAMAGED)->last_notice, "cannot be read, and no other server has it"));
}

/* The next start asks the disk again, and may go on. */
static void stops_as_its_disk_failed_where_that_refused(void **state)
{
    (void)state;
    group->log->damages[0].is_refused = true;
    begin(first, CC_REPAIR_MISSING, 0);
    assert_true(receive(2));
    begin(first, CC_REPAIR_DAMAGED, 0);
    assert_true(receive(3));
    stand_run(20 * STAND_TIMEOUT_US);
    assert_int_equal(stand_server(DAMAGED)->failed, COPYCAT_ERR_IO);
    assert_non_null(
        strstr(stand_server(DAMAGED)->last_notice, "refused by the disk, and no other server"));
}

/* Who asks for what we lack ourselves lacks it too. */
static void counts_a_question_for_its_own_damage_as_an_answer(void **state)
{
    struct cc_repair_ask ask = {.first = first, .last = last, .term = term};

    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct cc_repair_ask other = ask;

        other.term += i == 0;
        other.first += i == 1 ? 10 : 0;
        other.last += i == 1 ? 10 : 0;
        other.first -= i == 2;
        other.last = i == 2 ? first - 1 : other.last;
        cc_repair_ask_encode(stand_begin(), &other);
        assert_true(stand_receive(DAMAGED, 2, CC_MESSAGE_REPAIR_ASK, stand_body()));
        assert_int_equal(group->repairing.outcomes[1], 0);
    }
    cc_repair_ask_encode(stand_begin(), &ask);
    assert_true(stand_receive(DAMAGED, 2, CC_MESSAGE_REPAIR_ASK, stand_body()));
    assert_int_equal(group->repairing.outcomes[1], CC_REPAIR_DAMAGED);
    cc_group_repair_peer_up(group, 2); /* behind it may be another disk */
    assert_int_equal(group->repairing.outcomes[1], 0);
}

/* ---- helping --------------------------------------------------------------------------------- */

static void answer_of(const struct cc_repair_ask *ask, struct cc_repair *repair_out)
{
    stand_forget();
    cc_repair_ask_encode(stand_begin(), ask);
    assert_true(stand_receive(DAMAGED, 2, CC_MESSAGE_REPAIR_ASK, stand_body()));
    stand_run(100000);
    assert_true(cc_repair_decode(stand_said(DAMAGED, CC_MESSAGE_REPAIR), repair_out));
    assert_int_equal(repair_out->first, ask->first);
}

static void gives_what_it_has_and_says_what_it_has_not(void **state)
{
    uint64_t end = cc_log_last(group->log);
    struct cc_repair_ask ask = {.first = 1, .last = 1, .term = cc_log_term(group->log, 1)};
    struct cc_repair repair;
    struct cc_entry entry;
    uint32_t size;

    (void)state;
    answer_of(&ask, &repair);
    assert_int_equal(repair.outcome, CC_REPAIR_ENTRIES);
    assert_int_equal(repair.entry_count, 1);
    assert_int_equal(cc_entry_decode(repair.entries, &entry, &size), COPYCAT_OK);
    assert_int_equal(entry.index, 1);
    assert_int_equal(size, repair.entries.size);
    ask.term++; /* of another log */
    answer_of(&ask, &repair);
    assert_int_equal(repair.outcome, CC_REPAIR_MISSING);
    ask = (struct cc_repair_ask){.first = end + 1, .last = end + 3, .term = 1};
    answer_of(&ask, &repair);
    assert_int_equal(repair.outcome, CC_REPAIR_MISSING);
    ask =
        (struct cc_repair_ask){.first = end, .last = end + 3, .term = cc_log_term(group->log, end)};
    answer_of(&ask, &repair);
    assert_int_equal(repair.outcome, CC_REPAIR_ENTRIES);
    assert_int_equal(repair.entry_count, 1); /* no more than there is */
}

static void takes_questions_whole_or_not_at_all(void **state)
{
    copycat_bytes body;

    (void)state;
    cc_repair_ask_encode(
        stand_begin(),
        &(struct cc_repair_ask){.first = 1, .last = 1, .term = cc_log_term(group->log, 1)});
    body = stand_body();
    for (size_t size = 0; size <= body.size + 1; size++) {
        assert_int_equal(
            stand_receive(DAMAGED, 2, CC_MESSAGE_REPAIR_ASK, (copycat_bytes){body.data, size}),
            size == body.size);
    }
}

#define ALONE(name) cmocka_unit_test_setup_teardown(name, set_up_alone, tear_down)
#define AMONG(name) cmocka_unit_test_setup_teardown(name, set_up_among_others, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(takes_back_the_entries_that_are_missing),
        ALONE(takes_no_entry_that_is_another),
        ALONE(takes_no_message_that_is_cut_or_goes_on),
        ALONE(passes_over_what_nobody_asked_for),
        ALONE(waits_for_a_leader_when_a_whole_quorum_lacks_the_entry),
        ALONE(stops_when_no_quorum_is_whole_and_says_where),
        ALONE(stops_as_its_disk_failed_where_that_refused),
        ALONE(counts_a_question_for_its_own_damage_as_an_answer),
        AMONG(gives_what_it_has_and_says_what_it_has_not),
        AMONG(takes_questions_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
