/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_damage_test -- a member that cannot read some of its entries votes as if it held them all,
 * and neither leads nor acknowledges what lies behind them (R7, T-051).
 */
#include "raft/raft.h"
#include "support/limited_memory.h"
#include "support/raft_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct limited_memory limited;
static struct cc_raft_effects effects;
static struct cc_raft *core;

static const struct cc_raft_options plain = {
    RAFT_PLAIN,
    RAFT_THREE_VOTERS,
};

/* Entries 1 and 2 of term 1, 3 to 9 of term 3; those from 4 on cannot be read. */
static int setup(void **state)
{
    static const struct cc_raft_run runs[] = {{1, 1}, {3, 3}};
    struct cc_raft_start start = {
        .term = 3, .last_index = 9, .runs = runs, .run_count = 2, .damaged_from = 4};
    struct cc_raft_event event = {.kind = CC_RAFT_EVENT_START, .now_us = 1000};

    (void)state;
    limited_memory_init(&limited);
    assert_int_equal(cc_raft_create(&core, &limited.memory, &plain, &start), COPYCAT_OK);
    assert_int_equal(cc_raft_step(core, &event, &effects), COPYCAT_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cc_raft_destroy(core);
    return limited.blocks == 0 ? 0 : -1;
}

static void step(struct cc_raft_event event)
{
    event.now_us = event.now_us == 0 ? 400000 : event.now_us;
    assert_int_equal(cc_raft_step(core, &event, &effects), COPYCAT_OK);
}

static void receive(enum cc_raft_message_kind kind, struct cc_raft_message message)
{
    message.kind = kind;
    message.from = 2;
    message.to = 1;
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_RECEIVE, .message = &message});
}

static void stored(void)
{
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_STORED, .ticket = effects.ticket});
}

/* The last of the step's replies. */
static const struct cc_raft_message *reply(enum cc_raft_message_kind kind)
{
    assert_true(effects.send_count > 0);
    assert_int_equal(effects.sends[effects.send_count - 1].message.kind, kind);
    return &effects.sends[effects.send_count - 1].message;
}

static bool is_voted_for(uint64_t last_index, uint64_t last_term)
{
    struct cc_raft_message vote = {
        .term = cc_raft_term(core) + 1, .last_index = last_index, .last_term = last_term};

    receive(CC_RAFT_VOTE, vote);
    return reply(CC_RAFT_VOTE_REPLY)->is_granted;
}

static void votes_as_if_it_held_what_it_cannot_read(void **state)
{
    (void)state;
    assert_false(is_voted_for(3, 3)); /* as far as it can read */
    assert_false(is_voted_for(8, 3));
    assert_true(is_voted_for(9, 3));
}

static void acknowledges_nothing_from_the_damage_on(void **state)
{
    struct cc_raft_message append = {
        .term = 3,
        .prev_index = 9,
        .prev_term = 3,
        .commit = 9,
        .entry_count = 1,
        .run_count = 1,
        .runs = {{10, 3}}};

    (void)state;
    assert_int_equal(cc_raft_stable(core), 3);
    receive(CC_RAFT_APPEND, append);
    assert_int_equal(cc_raft_last(core), 10);
    stored();
    assert_int_equal(cc_raft_stable(core), 3);
    assert_int_equal(reply(CC_RAFT_APPEND_REPLY)->match, 3);

    /* Some of it has come back. */
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_REPAIRED, .index = 6});
    assert_int_equal(reply(CC_RAFT_APPEND_REPLY)->match, 5);

    /* All of it has: what was stored meanwhile counts at once. */
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_REPAIRED, .index = 0});
    assert_int_equal(reply(CC_RAFT_APPEND_REPLY)->match, 10);
}

static void does_not_campaign_until_it_can_read_again(void **state)
{
    (void)state;
    for (uint64_t now = 1000000; now < 5000000; now = effects.wake_at_us) {
        step((struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT, .now_us = now});
        assert_int_equal(cc_raft_role(core), CC_RAFT_FOLLOWER);
        assert_int_equal(effects.send_count, 0);
    }
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_REPAIRED, .now_us = 5000000});
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT, .now_us = effects.wake_at_us});
    assert_int_equal(cc_raft_role(core), CC_RAFT_PRECANDIDATE);
}

static void is_not_made_leader_by_a_transfer(void **state)
{
    (void)state;
    receive(CC_RAFT_APPEND, (struct cc_raft_message){.term = 3, .prev_index = 9, .prev_term = 3});
    receive(CC_RAFT_TIMEOUT_NOW, (struct cc_raft_message){.term = 3});
    assert_int_equal(cc_raft_role(core), CC_RAFT_FOLLOWER);
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_REPAIRED});
    receive(CC_RAFT_TIMEOUT_NOW, (struct cc_raft_message){.term = 3});
    assert_int_equal(cc_raft_role(core), CC_RAFT_CANDIDATE);
}

/* A leader that has other entries there overrules them, damaged or not. */
static void damage_that_a_leader_truncates_is_gone(void **state)
{
    struct cc_raft_message append = {
        .term = 5,
        .prev_index = 3,
        .prev_term = 3,
        .entry_count = 1,
        .run_count = 1,
        .runs = {{4, 5}}};

    (void)state;
    receive(CC_RAFT_APPEND, append);
    assert_int_equal(effects.truncate_from, 4);
    stored();
    assert_int_equal(cc_raft_stable(core), 4);
    assert_int_equal(reply(CC_RAFT_APPEND_REPLY)->match, 4);
}

static void damage_before_what_a_leader_truncates_stays(void **state)
{
    struct cc_raft_message append = {
        .term = 5,
        .prev_index = 6,
        .prev_term = 3,
        .entry_count = 1,
        .run_count = 1,
        .runs = {{7, 5}}};

    (void)state;
    receive(CC_RAFT_APPEND, append);
    assert_int_equal(effects.truncate_from, 7);
    stored();
    assert_int_equal(cc_raft_stable(core), 3);
}

/* ---- found while it runs ---------------------------------------------------------------------- */

static int setup_whole(void **state)
{
    int status = setup(state);

    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_REPAIRED});
    return status;
}

/* Leads term 4, of which 10 is the first entry. */
static void lead(void)
{
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT, .now_us = 1000000});
    receive(
        CC_RAFT_VOTE_REPLY,
        (struct cc_raft_message){.term = 4, .is_prevote = true, .is_granted = true});
    stored();
    receive(CC_RAFT_VOTE_REPLY, (struct cc_raft_message){.term = 4, .is_granted = true});
    assert_int_equal(cc_raft_role(core), CC_RAFT_LEADER);
    stored();
}

static void a_leader_gives_way_when_it_cannot_read_any_more(void **state)
{
    (void)state;
    lead();
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_DAMAGED, .index = 5});
    assert_int_equal(cc_raft_role(core), CC_RAFT_FOLLOWER);
    assert_int_equal(cc_raft_leader(core), 0);
    assert_int_equal(cc_raft_stable(core), 4);
    assert_false(is_voted_for(9, 3)); /* what it cannot read it has, and more */
    assert_true(is_voted_for(10, 4));
}

static void who_campaigns_gives_up_when_it_cannot_read_any_more(void **state)
{
    (void)state;
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT, .now_us = 1000000});
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_DAMAGED, .index = 9});
    assert_int_equal(cc_raft_role(core), CC_RAFT_FOLLOWER);
    receive(
        CC_RAFT_VOTE_REPLY,
        (struct cc_raft_message){.term = 4, .is_prevote = true, .is_granted = true});
    assert_int_equal(cc_raft_role(core), CC_RAFT_FOLLOWER);
}

static void a_follower_acknowledges_no_more_than_what_it_can_read(void **state)
{
    struct cc_raft_message append = {.term = 3, .prev_index = 9, .prev_term = 3, .commit = 9};

    (void)state;
    receive(CC_RAFT_APPEND, append);
    assert_int_equal(reply(CC_RAFT_APPEND_REPLY)->match, 9);
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_DAMAGED, .index = 6});
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_DAMAGED, .index = 8}); /* more, behind it */
    assert_int_equal(cc_raft_commit(core), 9);
    receive(CC_RAFT_APPEND, append);
    assert_int_equal(reply(CC_RAFT_APPEND_REPLY)->match, 5);
    step((struct cc_raft_event){.kind = CC_RAFT_EVENT_REPAIRED, .index = 0});
    assert_int_equal(reply(CC_RAFT_APPEND_REPLY)->match, 9);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(votes_as_if_it_held_what_it_cannot_read),
        TEST(acknowledges_nothing_from_the_damage_on),
        TEST(does_not_campaign_until_it_can_read_again),
        TEST(is_not_made_leader_by_a_transfer),
        TEST(damage_that_a_leader_truncates_is_gone),
        TEST(damage_before_what_a_leader_truncates_stays),
        cmocka_unit_test_setup_teardown(
            a_leader_gives_way_when_it_cannot_read_any_more, setup_whole, teardown),
        cmocka_unit_test_setup_teardown(
            who_campaigns_gives_up_when_it_cannot_read_any_more, setup_whole, teardown),
        cmocka_unit_test_setup_teardown(
            a_follower_acknowledges_no_more_than_what_it_can_read, setup_whole, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
