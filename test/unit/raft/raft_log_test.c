/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_log_test -- the table of runs and the tickets; and appends that no correct leader sends.
 */
#include "raft/raft_internal.h"
#include "support/raft_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void *resize(void *context, void *block, size_t size)
{
    (void)context;
    if (size == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, size);
}

static const struct cc_memory heap = {resize, NULL};
static struct cc_raft_effects effects;

/* Member 1 of three; entries 1 and 2 of term 1, 3 to 5 of term 3. */
static struct cc_raft *core_create(void)
{
    static const struct cc_raft_run runs[] = {{1, 1}, {3, 3}};
    struct cc_raft_options options = {
        RAFT_PLAIN,
        RAFT_THREE_VOTERS,
    };
    struct cc_raft_start start = {.term = 3, .last_index = 5, .runs = runs, .run_count = 2};
    struct cc_raft *core;

    assert_int_equal(cc_raft_create(&core, &heap, &options, &start), COPYCAT_OK);
    core->effects = &effects;
    memset(&effects, 0, sizeof effects);
    return core;
}

/* As if a step of its own had begun. */
static void next_step(void)
{
    memset(&effects, 0, sizeof effects);
}

static void a_term_is_found_by_its_index(void **state)
{
    struct cc_raft *core = core_create();

    (void)state;
    assert_int_equal(cc_raft_log_term(core, 0), 0);
    assert_int_equal(cc_raft_log_term(core, 2), 1);
    assert_int_equal(cc_raft_log_term(core, 3), 3);
    assert_int_equal(cc_raft_log_term(core, 5), 3);
    assert_int_equal(cc_raft_log_term(core, 6), 0);
    assert_int_equal(cc_raft_log_run_end(core, 1), 2);
    assert_int_equal(cc_raft_log_run_end(core, 4), 5);
    cc_raft_log_extend(core, 7, 3);
    cc_raft_log_extend(core, 8, 4);
    assert_int_equal(cc_raft_log_run_end(core, 3), 7);
    assert_int_equal(cc_raft_log_term(core, 8), 4);
    cc_raft_destroy(core);
}

static void a_hint_skips_every_entry_of_a_later_term(void **state)
{
    struct cc_raft *core = core_create();

    (void)state;
    assert_int_equal(cc_raft_log_find(core, 5, 3), 5);
    assert_int_equal(cc_raft_log_find(core, 9, 3), 5);
    assert_int_equal(cc_raft_log_find(core, 5, 2), 2);
    assert_int_equal(cc_raft_log_find(core, 4, 1), 2);
    assert_int_equal(cc_raft_log_find(core, 4, 0), 0);
    cc_raft_destroy(core);
}

static void only_committed_runs_are_forgotten(void **state)
{
    struct cc_raft *core = core_create();

    (void)state;
    while (core->run_count < core->run_capacity) {
        cc_raft_log_extend(core, core->last + 1, core->runs[core->run_count - 1].term + 1);
    }
    assert_false(cc_raft_log_has_room(core));
    core->commit = 2;
    assert_false(cc_raft_log_has_room(core)); /* entry 2 may become the last again */
    core->commit = 3;
    assert_true(cc_raft_log_has_room(core));
    assert_int_equal(cc_raft_log_term(core, 2), 0);
    assert_int_equal(cc_raft_log_term(core, 3), 3);
    cc_raft_destroy(core);
}

static void an_entry_is_stable_when_its_ticket_is_durable(void **state)
{
    struct cc_raft *core = core_create();

    (void)state;
    cc_raft_log_extend(core, 6, 3);
    cc_raft_log_note_append(core);
    next_step();
    cc_raft_log_extend(core, 8, 3);
    cc_raft_log_note_append(core);
    assert_int_equal(core->stable, 5);
    cc_raft_log_stored(core, 1);
    assert_int_equal(core->stable, 6);
    cc_raft_log_stored(core, 2);
    assert_int_equal(core->stable, 8);
    cc_raft_destroy(core);
}

static void a_late_write_says_nothing_about_what_took_its_place(void **state)
{
    struct cc_raft *core = core_create();

    (void)state;
    cc_raft_log_extend(core, 7, 3);
    cc_raft_log_note_append(core);
    next_step();
    cc_raft_log_truncate(core, 6);
    cc_raft_log_extend(core, 7, 4);
    cc_raft_log_note_append(core);
    cc_raft_log_stored(core, 1);
    assert_int_equal(core->stable, 5);
    cc_raft_log_stored(core, 2);
    assert_int_equal(core->stable, 7);
    cc_raft_destroy(core);
}

static void more_tickets_than_fit_are_told_late_and_not_wrongly(void **state)
{
    struct cc_raft *core = core_create();
    uint64_t count = CC_RAFT_TICKETS_MAX + 10;

    (void)state;
    for (uint64_t i = 0; i < count; i++) {
        next_step();
        cc_raft_log_extend(core, core->last + 1, 3);
        cc_raft_log_note_append(core);
    }
    for (uint64_t ticket = 1; ticket <= count; ticket++) {
        cc_raft_log_stored(core, ticket);
        assert_true(core->stable <= 5 + ticket);
    }
    assert_int_equal(core->stable, core->last);
    cc_raft_destroy(core);
}

static copycat_status receive(struct cc_raft *core, struct cc_raft_message message)
{
    struct cc_raft_event event = {.kind = CC_RAFT_EVENT_RECEIVE, .message = &message};

    message.kind = CC_RAFT_APPEND;
    message.from = 2;
    message.to = 1;
    message.term = message.term == 0 ? 6 : message.term;
    return cc_raft_step(core, &event, &effects);
}

static void appends_that_contradict_themselves_are_malformed(void **state)
{
    struct cc_raft *core = core_create();
    struct cc_raft_event start = {.kind = CC_RAFT_EVENT_START};

    (void)state;
    assert_int_equal(cc_raft_step(core, &start, &effects), COPYCAT_OK);

    /* Terms fall from the previous entry to the first, or are newer than the message. */
    struct cc_raft_message falling = {
        .prev_index = 5, .prev_term = 3, .entry_count = 1, .run_count = 1, .runs = {{6, 2}}};
    struct cc_raft_message newer = {
        .prev_index = 5, .prev_term = 3, .entry_count = 1, .run_count = 1, .runs = {{6, 7}}};
    struct cc_raft_message gap = {
        .prev_index = 5, .prev_term = 3, .entry_count = 1, .run_count = 1, .runs = {{7, 3}}};
    struct cc_raft_message baseless = {.prev_index = 5, .prev_term = 0};

    assert_int_equal(receive(core, falling), COPYCAT_ERR_MALFORMED);
    assert_int_equal(receive(core, newer), COPYCAT_ERR_MALFORMED);
    assert_int_equal(receive(core, gap), COPYCAT_ERR_MALFORMED);
    assert_int_equal(receive(core, baseless), COPYCAT_ERR_MALFORMED);
    assert_int_equal(cc_raft_term(core), 3);
    assert_int_equal(cc_raft_leader(core), 0);
    cc_raft_destroy(core);
}

static void appends_that_contradict_what_is_committed_are_malformed(void **state)
{
    struct cc_raft *core = core_create();
    struct cc_raft_event start = {.kind = CC_RAFT_EVENT_START};
    struct cc_raft_message good = {.prev_index = 5, .prev_term = 3, .commit = 5};
    struct cc_raft_message entries = {
        .prev_index = 2, .prev_term = 1, .entry_count = 5, .run_count = 1, .runs = {{3, 2}}};
    struct cc_raft_message prev = {.prev_index = 4, .prev_term = 2};

    (void)state;
    assert_int_equal(cc_raft_step(core, &start, &effects), COPYCAT_OK);
    assert_int_equal(receive(core, good), COPYCAT_OK);
    assert_int_equal(cc_raft_commit(core), 5);
    assert_int_equal(receive(core, entries), COPYCAT_ERR_MALFORMED);
    assert_int_equal(receive(core, prev), COPYCAT_ERR_MALFORMED);
    assert_int_equal(cc_raft_last(core), 5);
    assert_int_equal(cc_raft_term_at(core, 5), 3);
    cc_raft_destroy(core);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_term_is_found_by_its_index),
        cmocka_unit_test(a_hint_skips_every_entry_of_a_later_term),
        cmocka_unit_test(only_committed_runs_are_forgotten),
        cmocka_unit_test(an_entry_is_stable_when_its_ticket_is_durable),
        cmocka_unit_test(a_late_write_says_nothing_about_what_took_its_place),
        cmocka_unit_test(more_tickets_than_fit_are_told_late_and_not_wrongly),
        cmocka_unit_test(appends_that_contradict_themselves_are_malformed),
        cmocka_unit_test(appends_that_contradict_what_is_committed_are_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
