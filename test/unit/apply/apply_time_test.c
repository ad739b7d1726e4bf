/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_time_test -- log time, and the timers that go by it.
 */
#include "catalog/catalog_machine.h"
#include "support/apply_history.h"
#include "support/probe_machine.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const copycat_machine_type *const types[] = {&probe_machine_type, NULL};
static const struct cc_apply_options options = {
    .types = types, .catalog = &cc_catalog_machine_type};

static struct history history;
static uint64_t session;
static uint64_t sequence;
static uint64_t probe;

static int setup(void **state)
{
    (void)state;
    history_init(&history, &options);
    session = history_open(&history, 1);
    sequence = 1;
    assert_int_equal(
        history_create(&history, session, sequence, "p", PROBE_TYPE_ID, &probe), COPYCAT_OK);
    probe_reset();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    history_deinit(&history);
    return 0;
}

static void schedule(uint64_t key, uint64_t deadline_us)
{
    sequence++;
    (void)history_command(
        &history, &(struct cc_command){
                      .session = session,
                      .sequence = sequence,
                      .answered = sequence - 1,
                      .instance = probe,
                      .operation = probe_operation('t', key, deadline_us)});
}

static void tick_at(uint64_t time_us)
{
    history.now_us = time_us;
    (void)history_add(&history, CC_ENTRY_TICK, (copycat_bytes){NULL, 0});
}

/* A new leader's clock may be far behind. */
static void log_time_never_goes_back(void **state)
{
    (void)state;
    tick_at(5000);
    assert_int_equal(cc_apply_time_us(history.apply), 5000);
    tick_at(10);
    assert_int_equal(cc_apply_time_us(history.apply), 5000);
    tick_at(5001);
    assert_int_equal(cc_apply_time_us(history.apply), 5001);
}

static void log_time_has_an_end_and_timers_do_not_spin_there(void **state)
{
    (void)state;
    schedule(PROBE_KEY_AGAIN, 2000);
    probe_reset();
    tick_at(UINT64_MAX);
    tick_at(UINT64_MAX);
    assert_int_equal(probe_note_count, 1);
    assert_int_equal(cc_apply_time_us(history.apply), UINT64_C(1) << 62);
}

static void a_timer_fires_at_the_first_entry_that_reaches_its_deadline(void **state)
{
    (void)state;
    schedule(7, 2000);
    assert_int_equal(cc_apply_next_deadline_us(history.apply), 2000);
    tick_at(1999);
    assert_int_equal(probe_note_count, 1);
    tick_at(2000);
    assert_int_equal(probe_note_count, 2);
    assert_int_equal(probe_notes[1].kind, PROBE_TIMER);
    assert_int_equal(probe_notes[1].value, 7);
    assert_int_equal(probe_notes[1].index, history.count);
    assert_int_equal(probe_notes[1].time_us, 2000);
    assert_true(cc_apply_next_deadline_us(history.apply) == COPYCAT_NONE);
}

static void timers_fire_before_the_entry_that_moved_time(void **state)
{
    (void)state;
    schedule(7, 2000);
    history.now_us = 3000;
    schedule(8, 9000);
    assert_int_equal(probe_note_count, 3);
    assert_int_equal(probe_notes[1].kind, PROBE_TIMER);
    assert_int_equal(probe_notes[2].kind, PROBE_APPLIED);
    assert_int_equal(history.outcome.answer.result.size, 0); /* a timer answers nobody */
}

static void timers_fire_in_order_of_deadline_and_then_of_being_set(void **state)
{
    static const uint64_t expected[] = {4, 2, 1, 3};

    (void)state;
    schedule(1, 3000);
    schedule(2, 2000);
    schedule(3, 3000);
    schedule(4, 1500);
    probe_reset();
    tick_at(10000);
    assert_int_equal(probe_note_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(probe_notes[i].value, expected[i]);
    }
}

static void a_new_deadline_replaces_the_old_and_none_cancels(void **state)
{
    (void)state;
    schedule(1, 2000);
    schedule(1, 4000);
    schedule(2, 2000);
    schedule(2, COPYCAT_NONE);
    probe_reset();
    tick_at(3000);
    assert_int_equal(probe_note_count, 0);
    tick_at(4000);
    assert_int_equal(probe_note_count, 1);
}

static void a_timer_that_sets_itself_to_now_does_not_hold_the_log_up(void **state)
{
    (void)state;
    schedule(PROBE_KEY_AGAIN, 1);
    assert_int_equal(cc_apply_next_deadline_us(history.apply), 1001);
    probe_reset();
    tick_at(2000);
    assert_int_equal(probe_note_count, 1);
    assert_int_equal(cc_apply_next_deadline_us(history.apply), 2001);
    tick_at(2000);
    assert_int_equal(probe_note_count, 1);
    tick_at(2001);
    assert_int_equal(probe_note_count, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(log_time_never_goes_back),
        TEST(log_time_has_an_end_and_timers_do_not_spin_there),
        TEST(a_timer_fires_at_the_first_entry_that_reaches_its_deadline),
        TEST(timers_fire_before_the_entry_that_moved_time),
        TEST(timers_fire_in_order_of_deadline_and_then_of_being_set),
        TEST(a_new_deadline_replaces_the_old_and_none_cancels),
        TEST(a_timer_that_sets_itself_to_now_does_not_hold_the_log_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
