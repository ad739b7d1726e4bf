/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_forget_test -- a log that does not begin at 1: what a leader says to a peer that lacks what
 * is forgotten, and when it goes on with entries (R8, R9).
 */
#include "base/assert.h"
#include "raft/raft.h"
#include "support/limited_memory.h"
#include "support/raft_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NOW_US 1000000u

static struct limited_memory limited;
static struct cc_raft_effects effects;
static struct cc_raft *core;

static const struct cc_raft_options plain = {
    RAFT_PLAIN,
    RAFT_THREE_VOTERS,
};

static void step(struct cc_raft_event event)
{
    event.now_us = event.now_us == 0 ? NOW_US : event.now_us;
    assert_int_equal(cc_raft_step(core, &event, &effects), COPYCAT_OK);
}

/* Entries 1 to 4 of term 1, 5 to 9 of term 3; an image at 6; raw entries from 4 on. */
static int setup(void **state)
{
    static const struct cc_raft_run runs[] = {{3, 1}, {5, 3}};
    struct cc_raft_start start = {
        .term = 3,
        .last_index = 9,
        .runs = runs,
        .run_count = 2,
        .first_index = 4,
        .base_index = 6,
    };

    (void)state;
    limited_memory_init(&limited);
    assert_int_equal(cc_raft_create(&core, &limited.memory, &plain, &start), COPYCAT_OK);
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_START, .now_us = 1000});
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cc_raft_destroy(core);
    return limited.blocks == 0 ? 0 : -1;
}

static void receive(enum cc_raft_message_kind kind, uint32_t from, struct cc_raft_message message)
{
    message.kind = kind;
    message.from = from;
    message.to = 1;
    message.term = message.term == 0 ? cc_raft_term(core) : message.term;
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_RECEIVE, .message = &message});
}

static void stored(void)
{
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_STORED, .ticket = effects.ticket});
}

static void forget(uint64_t index)
{
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_FORGOTTEN, .index = index});
}

/* What the step sends to `peer`; NULL if nothing. */
static const struct cc_raft_send *sent_to(uint32_t peer)
{
    for (uint32_t i = 0; i < effects.send_count; i++) {
        if (effects.sends[i].message.to == peer) {
            return &effects.sends[i];
        }
    }
    return NULL;
}

static void connect(uint32_t peer)
{
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_PEER_UP, .peer = peer});
}

/* Leads term 4, whose first entry is 10; 2 has everything, so 10 is committed. */
static void become_leader(void)
{
    struct cc_raft_message granted = {.is_prevote = true, .is_granted = true};

    connect(2);
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT});
    granted.term = cc_raft_term(core) + 1;
    receive(CC_RAFT_VOTE_REPLY, 2, granted);
    stored();
    granted.is_prevote = false;
    receive(CC_RAFT_VOTE_REPLY, 2, granted);
    stored();
    receive(CC_RAFT_APPEND_REPLY, 2, (struct cc_raft_message){.is_accepted = true, .match = 10});
    assert_int_equal(cc_raft_role(core), CC_RAFT_LEADER);
    assert_int_equal(cc_raft_commit(core), 10);
}

static void refuse(uint32_t peer, uint64_t hint_index, uint64_t hint_term)
{
    struct cc_raft_message reply = {
        .hint_index = hint_index, .hint_term = hint_term, .promise_us = 100000};

    reply.sent_at_us = NOW_US;
    receive(CC_RAFT_APPEND_REPLY, peer, reply);
}

static void heartbeat(void)
{
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT, .now_us = effects.wake_at_us});
}

/* ---- a log that begins behind 1 -------------------------------------------------------------- */

static void a_start_from_an_image_has_it_committed(void **state)
{
    (void)state;
    assert_int_equal(cc_raft_commit(core), 6);
    assert_int_equal(cc_raft_first(core), 4);
    assert_int_equal(cc_raft_stable(core), 9);
    assert_int_equal(cc_raft_term_at(core, 3), 1);
    assert_int_equal(cc_raft_term_at(core, 2), 0);
}

static void the_term_before_the_first_entry_stays_known(void **state)
{
    (void)state;
    become_leader();
    forget(4);
    assert_int_equal(cc_raft_first(core), 5);
    assert_int_equal(cc_raft_term_at(core, 4), 1);
    assert_int_equal(cc_raft_term_at(core, 5), 3);
    forget(10);
    assert_int_equal(cc_raft_first(core), 11);
    assert_int_equal(cc_raft_last(core), 10);
    assert_int_equal(cc_raft_term_at(core, 10), 4);
    assert_int_equal(cc_raft_term_at(core, 9), 0);
    forget(7); /* long gone */
    assert_int_equal(cc_raft_first(core), 11);
}

static void votes_are_compared_though_no_entry_is_left(void **state)
{
    struct cc_raft_message vote = {.last_index = 10, .last_term = 4};

    (void)state;
    become_leader();
    forget(10);
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_STALLED}); /* leads no longer */
    vote.term = cc_raft_term(core) + 1;
    vote.last_index = 9;
    receive(CC_RAFT_VOTE, 2, vote);
    assert_false(sent_to(2)->message.is_granted);
    vote.last_index = 10;
    receive(CC_RAFT_VOTE, 2, vote);
    assert_true(sent_to(2)->message.is_granted);
}

static void appends_that_begin_before_the_log_are_answered(void **state)
{
    struct cc_raft_message append = {
        .term = 4,
        .prev_index = 1,
        .prev_term = 1,
        .commit = 9,
        .entry_count = 9,
        .run_count = 3,
        .runs = {{2, 1}, {5, 3}, {10, 4}}};

    (void)state;
    forget(6);
    receive(CC_RAFT_APPEND, 2, append);
    assert_int_equal(effects.append_first, 10); /* the others are there, or were */
    assert_int_equal(effects.append_last, 10);
    assert_int_equal(cc_raft_commit(core), 9);
    stored();
    assert_int_equal(sent_to(2)->message.match, 10);
}

/* ---- at the leader --------------------------------------------------------------------------- */

static void a_peer_that_lacks_what_is_forgotten_gets_heartbeats_only(void **state)
{
    (void)state;
    become_leader();
    forget(8);
    connect(3);
    assert_non_null(sent_to(3));
    assert_false(cc_raft_needs_image(core, 3)); /* nobody knows yet */

    refuse(3, 7, 3);
    assert_true(cc_raft_needs_image(core, 3));
    assert_false(cc_raft_needs_image(core, 2));
    assert_null(sent_to(3));
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_PROPOSE, .count = 1});
    assert_null(sent_to(3));
    assert_non_null(sent_to(2));

    heartbeat();
    assert_int_equal(sent_to(3)->message.prev_index, 8);
    assert_int_equal(sent_to(3)->message.prev_term, 3);
    assert_int_equal(sent_to(3)->max_index, 8);
    refuse(3, 7, 3);
    assert_true(cc_raft_needs_image(core, 3));
}

static void entries_follow_when_a_peer_has_what_is_forgotten(void **state)
{
    struct cc_raft_message accepted = {.is_accepted = true, .match = 8};

    (void)state;
    become_leader();
    forget(8);
    connect(3);
    refuse(3, 2, 1);
    accepted.match = 7;
    receive(CC_RAFT_APPEND_REPLY, 3, accepted);
    assert_true(cc_raft_needs_image(core, 3));
    accepted.match = 8;
    receive(CC_RAFT_APPEND_REPLY, 3, accepted);
    assert_false(cc_raft_needs_image(core, 3));
    assert_int_equal(sent_to(3)->message.prev_index, 8);
    assert_int_equal(sent_to(3)->max_index, 10);
}

static void a_peer_that_comes_back_is_asked_before_it_is_given_an_image(void **state)
{
    struct cc_raft_message accepted = {.is_accepted = true, .match = 9};

    (void)state;
    become_leader();
    forget(9);
    connect(3);
    refuse(3, 5, 3);
    assert_true(cc_raft_needs_image(core, 3));
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_PEER_DOWN, .peer = 3});
    assert_false(cc_raft_needs_image(core, 3));
    connect(3); /* it may have got one from another leader meanwhile */
    assert_false(cc_raft_needs_image(core, 3));
    assert_int_equal(sent_to(3)->message.prev_index, 9);
    receive(CC_RAFT_APPEND_REPLY, 3, accepted);
    assert_false(cc_raft_needs_image(core, 3));
    assert_int_equal(sent_to(3)->max_index, 10);
}

static void a_refusal_counts_as_contact_and_promise(void **state)
{
    (void)state;
    become_leader();
    forget(8);
    connect(3);
    for (uint32_t i = 0; i < 20; i++) { /* 2 is silent for many timeouts */
        struct cc_raft_message reply = {.hint_index = 2, .hint_term = 1, .promise_us = 100000};

        heartbeat();
        assert_int_equal(cc_raft_role(core), CC_RAFT_LEADER);
        reply.sent_at_us = sent_to(3)->message.sent_at_us;
        reply.round = sent_to(3)->message.round;

        struct cc_raft_event event = {
            .kind = CC_RAFT_EVENT_RECEIVE, .now_us = reply.sent_at_us, .message = &reply};

        reply.kind = CC_RAFT_APPEND_REPLY;
        reply.from = 3;
        reply.to = 1;
        reply.term = 4;
        step(event);
        assert_true(cc_raft_lease_until(core) > reply.sent_at_us);
    }
}

static void what_was_at_hand_for_a_peer_may_be_forgotten(void **state)
{
    struct cc_raft_message accepted = {.is_accepted = true, .match = 10};

    (void)state;
    become_leader();
    connect(3);
    refuse(3, 5, 3);
    assert_int_equal(sent_to(3)->message.prev_index, 5); /* and the driver says nothing more */
    forget(8);
    receive(CC_RAFT_APPEND_REPLY, 3, accepted);
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_PROPOSE, .count = 1});
    assert_int_equal(sent_to(3)->message.prev_index, 10);
    assert_int_equal(sent_to(3)->max_index, 11);
}

/* ---- a driver that breaks its word ----------------------------------------------------------- */

static jmp_buf panicked;

static void panic(const char *file, int line, const char *expression)
{
    (void)file;
    (void)line;
    (void)expression;
    longjmp(panicked, 1);
}

static void only_what_is_committed_is_forgotten(void **state)
{
    (void)state;
    cc_panic_set(panic);
    if (setjmp(panicked) == 0) {
        forget(7);
        fail();
    }
    cc_panic_set(NULL);
    assert_int_equal(cc_raft_first(core), 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_start_from_an_image_has_it_committed),
        TEST(the_term_before_the_first_entry_stays_known),
        TEST(votes_are_compared_though_no_entry_is_left),
        TEST(appends_that_begin_before_the_log_are_answered),
        TEST(a_peer_that_lacks_what_is_forgotten_gets_heartbeats_only),
        TEST(entries_follow_when_a_peer_has_what_is_forgotten),
        TEST(a_peer_that_comes_back_is_asked_before_it_is_given_an_image),
        TEST(a_refusal_counts_as_contact_and_promise),
        TEST(what_was_at_hand_for_a_peer_may_be_forgotten),
        TEST(only_what_is_committed_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
