/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_session_test -- how sessions open and end.
 */
#include "catalog/catalog_machine.h"
#include "support/apply_history.h"
#include "support/probe_machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const copycat_machine_type *const types[] = {&probe_machine_type, NULL};
static const struct cc_apply_options options = {
    .types = types, .catalog = &cc_catalog_machine_type, .sessions_max = 3};

static struct history history;

static int setup(void **state)
{
    (void)state;
    history_init(&history, &options);
    probe_reset();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    history_deinit(&history);
    return 0;
}

static struct cc_session_view view_of(uint64_t session)
{
    struct cc_session_view view;

    assert_true(cc_apply_session(history.apply, session, &view));
    return view;
}

static bool is_alive(uint64_t session)
{
    struct cc_session_view view;

    return cc_apply_session(history.apply, session, &view);
}

static void send_nothing(uint64_t session, uint64_t sequence)
{
    (void)history_command(
        &history,
        &(struct cc_command){
            .session = session, .sequence = sequence, .instance = 500, .operation = {"", 0}});
}

static void a_session_is_named_by_the_index_of_its_opening(void **state)
{
    uint8_t nonce[CC_NONCE_SIZE];

    (void)state;
    (void)history_add(&history, CC_ENTRY_NOOP, (copycat_bytes){NULL, 0});
    assert_int_equal(history_open(&history, 7), 2);
    assert_int_equal(history.outcome.timeout_us, 5000000);
    assert_int_equal(view_of(2).touched, 2);
    assert_int_equal(view_of(2).last_sequence, 0);
    memset(nonce, 7, sizeof nonce);
    assert_memory_equal(history.outcome.nonce, nonce, sizeof nonce);
    assert_int_equal(cc_apply_session_of_nonce(history.apply, nonce), 2);
}

static void an_opening_that_is_repeated_gives_the_same_session(void **state)
{
    (void)state;

    uint64_t first = history_open(&history, 7);

    assert_int_equal(history_open(&history, 7), first);
    assert_int_equal(history.outcome.timeout_us, 5000000);
    assert_int_equal(cc_apply_session_after(history.apply, first), 0);
    assert_int_equal(view_of(first).touched, 2);
}

static void a_nonce_whose_session_has_ended_opens_another(void **state)
{
    (void)state;

    uint64_t first = history_open(&history, 7);

    history_close(&history, first);
    assert_int_equal(history_open(&history, 7), 3);
}

static void more_sessions_than_the_quota_are_not_opened(void **state)
{
    (void)state;
    for (uint8_t i = 1; i <= 3; i++) {
        assert_int_equal(history_open(&history, i), i);
    }
    assert_int_equal(history_open(&history, 4), 0);
    assert_int_equal(history_open(&history, 2), 2);
    history_close(&history, 1);
    assert_int_equal(history_open(&history, 4), 7);
}

static void a_timeout_is_granted_within_its_limits(void **state)
{
    uint8_t short_open[CC_NONCE_SIZE + 1] = {1};

    (void)state;
    (void)history_add(
        &history, CC_ENTRY_SESSION_OPEN, (copycat_bytes){short_open, sizeof short_open});
    assert_int_equal(history.outcome.timeout_us, CC_SESSION_TIMEOUT_US_MIN);
}

static void a_malformed_opening_opens_nothing(void **state)
{
    (void)state;
    (void)history_add(&history, CC_ENTRY_SESSION_OPEN, (copycat_bytes){"short", 5});
    assert_int_equal(history.outcome.session, 0);
    (void)history_add(&history, CC_ENTRY_SESSION_CLOSE, (copycat_bytes){"", 0});
    assert_false(history.outcome.is_ended);
    (void)history_add(&history, CC_ENTRY_SESSION_EXPIRE, (copycat_bytes){"\1", 1});
    assert_false(history.outcome.is_ended);
}

static void a_closed_session_is_gone_and_closing_it_again_does_nothing(void **state)
{
    uint64_t session = history_open(&history, 7);

    (void)state;
    history_close(&history, session);
    assert_true(history.outcome.is_ended);
    assert_int_equal(history.outcome.session, session);
    assert_false(is_alive(session));
    history_close(&history, session);
    assert_false(history.outcome.is_ended);
}

static void an_expiry_ends_a_session_that_has_said_nothing_since(void **state)
{
    uint64_t session = history_open(&history, 7);

    (void)state;
    send_nothing(session, 1);
    history_expire(&history, session, view_of(session).touched);
    assert_true(history.outcome.is_ended);
    assert_false(is_alive(session));
}

static void an_expiry_does_nothing_if_the_session_has_spoken_since(void **state)
{
    uint64_t session = history_open(&history, 7);
    uint64_t touched = view_of(session).touched;

    (void)state;
    send_nothing(session, 1);
    history_expire(&history, session, touched);
    assert_false(history.outcome.is_ended);
    assert_int_equal(history.outcome.session, session);
    assert_true(is_alive(session));
}

/* Even a command that does not run is a sign of life. */
static void a_repeated_command_and_a_repeated_opening_are_signs_of_life(void **state)
{
    uint64_t session = history_open(&history, 7);

    (void)state;
    send_nothing(session, 1);

    uint64_t touched = view_of(session).touched;

    send_nothing(session, 1);
    history_expire(&history, session, touched);
    assert_true(is_alive(session));
    touched = view_of(session).touched;
    (void)history_open(&history, 7);
    history_expire(&history, session, touched);
    assert_true(is_alive(session));
}

static void machines_hear_of_an_end_in_order_of_their_instances(void **state)
{
    uint64_t session = history_open(&history, 7);
    uint64_t witness = history_open(&history, 8);
    uint64_t probes[3];

    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        char path[] = {(char)('z' - i), 0};

        assert_int_equal(
            history_create(&history, witness, i + 1, path, PROBE_TYPE_ID, &probes[i]), COPYCAT_OK);
    }
    for (uint64_t i = 0; i < 3; i++) {
        (void)history_command(
            &history, &(struct cc_command){
                          .session = witness,
                          .sequence = 4 + i,
                          .instance = probes[i],
                          .operation = probe_operation('n', 0, 0)});
    }
    history_close(&history, session);
    assert_int_equal(probe_note_count, 6);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(probe_notes[3 + i].kind, PROBE_SESSION_ENDED);
        assert_int_equal(probe_notes[3 + i].value, session);
        assert_int_equal(probe_notes[3 + i].index, history.count);
        assert_ptr_equal(probe_notes[3 + i].machine, probe_notes[i].machine);
    }
}

static void a_machine_can_ask_whether_a_session_lives(void **state)
{
    uint64_t session = history_open(&history, 7);
    uint64_t probe;
    struct cc_command ask = {.session = session, .sequence = 2};

    (void)state;
    assert_int_equal(history_create(&history, session, 1, "p", PROBE_TYPE_ID, &probe), COPYCAT_OK);
    ask.instance = probe;
    ask.operation = probe_operation('a', session, 0);
    assert_int_equal(*(const uint8_t *)history_command(&history, &ask).result.data, 1);
    ask.sequence = 3;
    ask.operation = probe_operation('a', session + 50, 0);
    assert_int_equal(*(const uint8_t *)history_command(&history, &ask).result.data, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session_is_named_by_the_index_of_its_opening),
        TEST(an_opening_that_is_repeated_gives_the_same_session),
        TEST(a_nonce_whose_session_has_ended_opens_another),
        TEST(more_sessions_than_the_quota_are_not_opened),
        TEST(a_timeout_is_granted_within_its_limits),
        TEST(a_malformed_opening_opens_nothing),
        TEST(a_closed_session_is_gone_and_closing_it_again_does_nothing),
        TEST(an_expiry_ends_a_session_that_has_said_nothing_since),
        TEST(an_expiry_does_nothing_if_the_session_has_spoken_since),
        TEST(a_repeated_command_and_a_repeated_opening_are_signs_of_life),
        TEST(machines_hear_of_an_end_in_order_of_their_instances),
        TEST(a_machine_can_ask_whether_a_session_lives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
