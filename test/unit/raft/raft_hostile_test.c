/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_hostile_test -- what no correct member sends is refused and changes nothing, and the driver
 * is told when to wake the core all the same.
 */
#include "raft/raft.h"
#include "support/limited_memory.h"
#include "support/raft_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define UNSET 77u

static struct limited_memory limited;
static struct cc_raft_effects effects;
static struct cc_raft *core;

static const struct cc_raft_options plain = {
    RAFT_PLAIN,
    RAFT_THREE_VOTERS_AND_A_LEARNER,
};

/* Member 1 of three voters and a learner; entries 1 and 2 of term 1, 3 to 5 of term 3. */
static int setup(void **state)
{
    static const struct cc_raft_run runs[] = {{1, 1}, {3, 3}};
    struct cc_raft_start start = {.term = 3, .last_index = 5, .runs = runs, .run_count = 2};
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

static copycat_status step(struct cc_raft_event event)
{
    copycat_status status;

    event.now_us = event.now_us == 0 ? 400000 : event.now_us;
    effects.wake_at_us = UNSET;
    status = cc_raft_step(core, &event, &effects);
    assert_true(effects.wake_at_us != UNSET);
    return status;
}

static copycat_status receive(
    enum cc_raft_message_kind kind, uint32_t from, struct cc_raft_message message)
{
    message.kind = kind;
    message.from = from;
    message.to = 1;
    return step((struct cc_raft_event){.kind = CC_RAFT_EVENT_RECEIVE, .message = &message});
}

/* Refused, and nothing has come of it. */
static void refuses(enum cc_raft_message_kind kind, uint32_t from, struct cc_raft_message message)
{
    uint64_t term = cc_raft_term(core);
    uint32_t vote = cc_raft_vote(core);
    uint32_t leader = cc_raft_leader(core);
    uint64_t last = cc_raft_last(core);
    uint64_t commit = cc_raft_commit(core);

    assert_int_equal(receive(kind, from, message), COPYCAT_ERR_MALFORMED);
    assert_int_equal(effects.ticket, 0);
    assert_int_equal(effects.send_count, 0);
    assert_false(effects.became);
    assert_true(cc_raft_term(core) == term && cc_raft_vote(core) == vote);
    assert_true(cc_raft_leader(core) == leader && cc_raft_last(core) == last);
    assert_int_equal(cc_raft_commit(core), commit);
}

static const struct cc_raft_message wants_vote = {.term = 4, .last_index = 9, .last_term = 3};
static const struct cc_raft_message heartbeat = {.term = 4, .prev_index = 5, .prev_term = 3};

static void a_step_that_is_refused_says_when_to_wake_too(void **state)
{
    (void)state;
    assert_int_equal(
        step((struct cc_raft_event){.kind = CC_RAFT_EVENT_PROPOSE, .count = 1}),
        COPYCAT_ERR_NO_LEADER);
    assert_int_equal(
        step((struct cc_raft_event){.kind = CC_RAFT_EVENT_READ}), COPYCAT_ERR_NO_LEADER);
    assert_int_equal(
        step((struct cc_raft_event){.kind = CC_RAFT_EVENT_TRANSFER}), COPYCAT_ERR_NO_LEADER);
    refuses(CC_RAFT_VOTE, 9, wants_vote);
}

static void nobody_but_a_member_is_heard(void **state)
{
    (void)state;
    for (int kind = CC_RAFT_VOTE; kind <= CC_RAFT_TIMEOUT_NOW; kind++) {
        refuses((enum cc_raft_message_kind)kind, 0, heartbeat);
        refuses((enum cc_raft_message_kind)kind, 1, heartbeat);
        refuses((enum cc_raft_message_kind)kind, 5, heartbeat);
    }
    refuses((enum cc_raft_message_kind)99, 2, heartbeat);
}

static void a_learner_gets_no_vote_and_leads_nobody(void **state)
{
    struct cc_raft_message wants_prevote = wants_vote;

    (void)state;
    wants_prevote.is_prevote = true;
    refuses(CC_RAFT_VOTE, 4, wants_vote);
    refuses(CC_RAFT_VOTE, 4, wants_prevote);
    refuses(CC_RAFT_APPEND, 4, heartbeat);
    refuses(CC_RAFT_TIMEOUT_NOW, 4, (struct cc_raft_message){.term = 3});
    assert_int_equal(receive(CC_RAFT_VOTE, 3, wants_vote), COPYCAT_OK);
    assert_int_equal(cc_raft_vote(core), 3);
}

static void a_log_that_holds_the_term_it_campaigns_for_is_nobodys(void **state)
{
    (void)state;
    refuses(CC_RAFT_VOTE, 3, (struct cc_raft_message){.term = 4, .last_index = 9, .last_term = 4});
    refuses(CC_RAFT_VOTE, 3, (struct cc_raft_message){.term = 4, .last_index = 9, .last_term = 9});
    assert_int_equal(receive(CC_RAFT_VOTE, 3, wants_vote), COPYCAT_OK);
}

static void a_term_has_one_leader(void **state)
{
    (void)state;
    assert_int_equal(receive(CC_RAFT_APPEND, 2, heartbeat), COPYCAT_OK);
    assert_int_equal(cc_raft_leader(core), 2);
    refuses(CC_RAFT_APPEND, 3, heartbeat);

    /* Nor when the first is not followed any more. */
    assert_int_equal(
        step((struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT, .now_us = 900000}), COPYCAT_OK);
    assert_int_equal(cc_raft_leader(core), 0);
    refuses(CC_RAFT_APPEND, 3, heartbeat);
    assert_int_equal(receive(CC_RAFT_APPEND, 2, heartbeat), COPYCAT_OK);

    struct cc_raft_message later = heartbeat;

    later.term = 5;
    assert_int_equal(receive(CC_RAFT_APPEND, 3, later), COPYCAT_OK);
    assert_int_equal(cc_raft_leader(core), 3);
}

static void a_leader_that_has_stepped_down_follows_nobody_in_its_term(void **state)
{
    struct cc_raft_event due = {.kind = CC_RAFT_EVENT_TIMEOUT, .now_us = 900000};
    struct cc_raft_message granted = {.term = 4, .is_prevote = true, .is_granted = true};

    (void)state;
    assert_int_equal(step(due), COPYCAT_OK);
    assert_int_equal(receive(CC_RAFT_VOTE_REPLY, 2, granted), COPYCAT_OK);
    assert_int_equal(
        step((struct cc_raft_event){.kind = CC_RAFT_EVENT_STORED, .ticket = effects.ticket}),
        COPYCAT_OK);
    granted.is_prevote = false;
    assert_int_equal(receive(CC_RAFT_VOTE_REPLY, 2, granted), COPYCAT_OK);
    assert_int_equal(cc_raft_role(core), CC_RAFT_LEADER);
    refuses(CC_RAFT_APPEND, 2, heartbeat);
    assert_int_equal(step((struct cc_raft_event){.kind = CC_RAFT_EVENT_STALLED}), COPYCAT_OK);
    assert_int_equal(cc_raft_role(core), CC_RAFT_FOLLOWER);
    refuses(CC_RAFT_APPEND, 2, heartbeat);
}

static void runs_that_leave_the_message_are_malformed(void **state)
{
    struct cc_raft_message far = {
        .term = 4, .prev_index = 5, .prev_term = 3, .entry_count = 2, .run_count = 2};

    (void)state;
    far.runs[0] = (struct cc_raft_run){6, 3};
    far.runs[1] = (struct cc_raft_run){8, 4};
    refuses(CC_RAFT_APPEND, 2, far);
    far.runs[1].first = UINT64_MAX;
    refuses(CC_RAFT_APPEND, 2, far);
    far.runs[1].first = 6;
    refuses(CC_RAFT_APPEND, 2, far);
    far.runs[1] = (struct cc_raft_run){7, 3};
    refuses(CC_RAFT_APPEND, 2, far);
    far.runs[1] = (struct cc_raft_run){7, 2};
    refuses(CC_RAFT_APPEND, 2, far);
    far.runs[1] = (struct cc_raft_run){7, 4};
    assert_int_equal(receive(CC_RAFT_APPEND, 2, far), COPYCAT_OK);
    assert_int_equal(cc_raft_last(core), 7);
}

/* Beyond what is legal a promise is not believed, and the numbers do not overflow on the way. */
static void no_reply_makes_a_lease_longer_than_the_longest_promise(void **state)
{
    static const uint64_t odd[] = {0, 1, 150000, 150001, UINT64_MAX / 1000000, UINT64_MAX};
    struct cc_raft_message granted = {.term = 4, .is_prevote = true, .is_granted = true};

    (void)state;
    assert_int_equal(
        step((struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT, .now_us = 900000}), COPYCAT_OK);
    assert_int_equal(receive(CC_RAFT_VOTE_REPLY, 2, granted), COPYCAT_OK);
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_STORED, .ticket = effects.ticket});
    granted.is_prevote = false;
    assert_int_equal(receive(CC_RAFT_VOTE_REPLY, 2, granted), COPYCAT_OK);
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_STORED, .ticket = effects.ticket});
    assert_int_equal(
        receive(
            CC_RAFT_APPEND_REPLY, 2,
            (struct cc_raft_message){.term = 4, .is_accepted = true, .match = 6}),
        COPYCAT_OK);
    assert_int_equal(cc_raft_commit(core), 6);
    for (uint32_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        for (uint32_t j = 0; j < sizeof odd / sizeof odd[0]; j++) {
            assert_int_equal(
                receive(
                    CC_RAFT_APPEND_REPLY, 2,
                    (struct cc_raft_message){
                        .term = 4,
                        .is_accepted = true,
                        .match = 6,
                        .round = odd[i],
                        .sent_at_us = odd[i],
                        .promise_us = odd[j]}),
                COPYCAT_OK);
            assert_true(cc_raft_lease_until(core) <= 400000 + plain.promise_us_max);
            assert_int_equal(cc_raft_round_confirmed(core), 0);
        }
    }
}

static void times_that_could_overflow_are_not_sensible(void **state)
{
    struct cc_raft_start start = {.term = 0};
    struct cc_raft_options options = plain;
    struct cc_raft *other;

    (void)state;
    options.promise_us_max = UINT64_MAX;
    assert_int_equal(
        cc_raft_create(&other, &limited.memory, &options, &start), COPYCAT_ERR_INVALID);
    options = plain;
    options.election_timeout_us = UINT64_MAX;
    assert_int_equal(
        cc_raft_create(&other, &limited.memory, &options, &start), COPYCAT_ERR_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_step_that_is_refused_says_when_to_wake_too),
        TEST(nobody_but_a_member_is_heard),
        TEST(a_learner_gets_no_vote_and_leads_nobody),
        TEST(a_log_that_holds_the_term_it_campaigns_for_is_nobodys),
        TEST(a_term_has_one_leader),
        TEST(a_leader_that_has_stepped_down_follows_nobody_in_its_term),
        TEST(runs_that_leave_the_message_are_malformed),
        TEST(no_reply_makes_a_lease_longer_than_the_longest_promise),
        TEST(times_that_could_overflow_are_not_sensible),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
