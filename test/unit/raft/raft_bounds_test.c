/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_bounds_test -- numbers beyond their bounds, tables that are full, and news of what is not
 * so any more: each leaves the core as it was.
 */
#include "raft/raft.h"
#include "support/limited_memory.h"
#include "support/raft_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NOW_US UINT64_C(400000)

static struct limited_memory limited;
static struct cc_raft_effects effects;
static struct cc_raft *core;

static const struct cc_raft_options plain = {
    RAFT_PLAIN, RAFT_THREE_VOTERS_AND_A_LEARNER,
    .run_capacity = 1, /* so as few as may be: 64 beyond those at the start */
};

static copycat_status step(struct cc_raft_event event)
{
    event.now_us = event.now_us == 0 ? NOW_US : event.now_us;
    return cc_raft_step(core, &event, &effects);
}

static void create(uint32_t id, const struct cc_raft_start *start)
{
    struct cc_raft_options options = plain;

    options.id = id;
    limited_memory_init(&limited);
    assert_int_equal(cc_raft_create(&core, &limited.memory, &options, start), COPYCAT_OK);
    assert_int_equal(
        step((struct cc_raft_event){.kind = CC_RAFT_EVENT_START, .now_us = 1000}), COPYCAT_OK);
}

/* Entries 1 and 2 of term 1, 3 to 5 of term 3. */
static const struct cc_raft_run runs[] = {{1, 1}, {3, 3}};
static const struct cc_raft_start five = {.term = 3, .last_index = 5, .runs = runs, .run_count = 2};

static int teardown(void **state)
{
    (void)state;
    cc_raft_destroy(core);
    return limited.blocks == 0 ? 0 : -1;
}

static copycat_status receive(
    enum cc_raft_message_kind kind, uint32_t from, struct cc_raft_message message)
{
    message.kind = kind;
    message.from = from;
    message.to = message.to == 0 ? 1 : message.to;
    return step((struct cc_raft_event){.kind = CC_RAFT_EVENT_RECEIVE, .message = &message});
}

static void expect_nothing(void)
{
    assert_int_equal(effects.ticket, 0);
    assert_int_equal(effects.send_count, 0);
    assert_int_equal(effects.commit, 0);
    assert_false(effects.became);
}

static uint64_t stored(void)
{
    uint64_t ticket = effects.ticket;

    assert_int_equal(
        step((struct cc_raft_event){.kind = CC_RAFT_EVENT_STORED, .ticket = ticket}), COPYCAT_OK);
    return ticket;
}

/* Term 4; its log ends with the entry that opens it. */
static void become_leader(void)
{
    struct cc_raft_message granted = {.is_prevote = true, .is_granted = true};

    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT, .now_us = 900000});
    granted.term = cc_raft_term(core) + 1;
    assert_int_equal(receive(CC_RAFT_VOTE_REPLY, 2, granted), COPYCAT_OK);
    (void)stored();
    granted.is_prevote = false;
    assert_int_equal(receive(CC_RAFT_VOTE_REPLY, 2, granted), COPYCAT_OK);
    assert_int_equal(cc_raft_role(core), CC_RAFT_LEADER);
    (void)stored();
}

/* ---- messages -------------------------------------------------------------------------------- */

static void numbers_beyond_their_bounds_are_malformed(void **state)
{
    struct cc_raft_message good = {.term = 4, .prev_index = 5, .prev_term = 3};

    (void)state;
    create(1, &five);
    for (uint32_t field = 0; field < 9; field++) {
        struct cc_raft_message message = good;

        message.to = field == 0 ? 2 : 1;
        message.term = field == 1 ? 0 : field == 2 ? CC_TERM_MAX + 1 : 4;
        message.last_index = field == 3 ? CC_INDEX_MAX + 1 : 0;
        message.prev_index = field == 4 ? CC_INDEX_MAX + 1 : 5;
        message.match = field == 5 ? CC_INDEX_MAX + 1 : 0;
        message.hint_index = field == 6 ? CC_INDEX_MAX + 1 : 0;
        message.commit = field == 7 ? CC_INDEX_MAX + 1 : 0;
        assert_int_equal(
            receive(CC_RAFT_APPEND, 2, message), field < 8 ? COPYCAT_ERR_MALFORMED : COPYCAT_OK);
        assert_int_equal(cc_raft_term(core), field < 8 ? 3 : 4);
    }
}

static void an_append_that_contradicts_itself_is_malformed(void **state)
{
    struct cc_raft_message good = {
        .term = 4,
        .prev_index = 5,
        .prev_term = 3,
        .entry_count = 1,
        .run_count = 1,
        .runs = {{6, 4}}};
    struct cc_raft_message message = good;

    (void)state;
    create(1, &five);
    message.run_count = CC_RUNS_PER_APPEND_MAX + 1;
    message.entry_count = CC_RUNS_PER_APPEND_MAX + 1;
    assert_int_equal(receive(CC_RAFT_APPEND, 2, message), COPYCAT_ERR_MALFORMED);
    message = good;
    message.run_count = 0;
    assert_int_equal(receive(CC_RAFT_APPEND, 2, message), COPYCAT_ERR_MALFORMED);
    message = good;
    message.entry_count = 0;
    assert_int_equal(receive(CC_RAFT_APPEND, 2, message), COPYCAT_ERR_MALFORMED);
    message = good;
    message.prev_term = 0;
    assert_int_equal(receive(CC_RAFT_APPEND, 2, message), COPYCAT_ERR_MALFORMED);
    message = good;
    message.prev_term = 5;
    message.runs[0].term = 5;
    assert_int_equal(receive(CC_RAFT_APPEND, 2, message), COPYCAT_ERR_MALFORMED);
    message = good;
    message.prev_index = CC_INDEX_MAX;
    message.runs[0].first = CC_INDEX_MAX + 1;
    assert_int_equal(receive(CC_RAFT_APPEND, 2, message), COPYCAT_ERR_MALFORMED);
    assert_int_equal(cc_raft_last(core), 5);
    assert_int_equal(receive(CC_RAFT_APPEND, 2, good), COPYCAT_OK);
    assert_int_equal(cc_raft_last(core), 6);
}

/* Of a log whose oldest terms are forgotten, what is known is compared. */
static void an_append_is_compared_with_what_is_not_forgotten(void **state)
{
    struct cc_raft_start newest = {.term = 3, .last_index = 5, .runs = runs + 1, .run_count = 1};
    struct cc_raft_message heartbeat = {.term = 3, .prev_index = 5, .prev_term = 3, .commit = 5};
    struct cc_raft_message again = {
        .term = 3, .entry_count = 5, .run_count = 2, .runs = {{1, 1}, {3, 3}}};

    (void)state;
    create(1, &newest);
    assert_int_equal(receive(CC_RAFT_APPEND, 2, heartbeat), COPYCAT_OK);
    assert_int_equal(cc_raft_commit(core), 5);
    assert_int_equal(receive(CC_RAFT_APPEND, 2, again), COPYCAT_OK);
    assert_int_equal(effects.truncate_from, 0);
    assert_int_equal(cc_raft_last(core), 5);
    again.runs[1] = (struct cc_raft_run){2, 2};
    assert_int_equal(receive(CC_RAFT_APPEND, 2, again), COPYCAT_ERR_MALFORMED);
    assert_int_equal(cc_raft_term_at(core, 2), 0);
    assert_int_equal(cc_raft_term_at(core, 3), 3);
    assert_int_equal(cc_raft_term_at(core, 6), 0);
}

static void a_reply_about_entries_there_are_not_changes_nothing(void **state)
{
    struct cc_raft_message reply = {.term = 4, .is_accepted = true, .match = 7};

    (void)state;
    create(1, &five);
    become_leader();
    assert_int_equal(cc_raft_last(core), 6);
    assert_int_equal(receive(CC_RAFT_APPEND_REPLY, 2, reply), COPYCAT_OK);
    assert_int_equal(cc_raft_match(core, 2), 0);
    assert_int_equal(cc_raft_commit(core), 0);
    reply.match = 6;
    reply.term = 3; /* of a term that is over */
    assert_int_equal(receive(CC_RAFT_APPEND_REPLY, 2, reply), COPYCAT_OK);
    assert_int_equal(cc_raft_match(core, 2), 0);
    reply.term = 4;
    assert_int_equal(receive(CC_RAFT_APPEND_REPLY, 2, reply), COPYCAT_OK);
    assert_int_equal(cc_raft_match(core, 2), 6);
    assert_int_equal(cc_raft_commit(core), 6);
    assert_int_equal(cc_raft_match(core, 9), 0); /* nobody */
}

/* ---- learners -------------------------------------------------------------------------------- */

static void a_learner_neither_votes_nor_campaigns(void **state)
{
    struct cc_raft_message vote = {.term = 4, .last_index = 9, .last_term = 3, .to = 4};
    struct cc_raft_message heartbeat = {.term = 5, .prev_index = 5, .prev_term = 3, .to = 4};

    (void)state;
    create(4, &five);
    assert_int_equal(receive(CC_RAFT_VOTE, 2, vote), COPYCAT_OK);
    expect_nothing();
    assert_int_equal(cc_raft_term(core), 3);
    assert_int_equal(
        step((struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT, .now_us = 9000000}), COPYCAT_OK);
    assert_int_equal(cc_raft_role(core), CC_RAFT_FOLLOWER);
    assert_int_equal(receive(CC_RAFT_APPEND, 2, heartbeat), COPYCAT_OK);
    assert_int_equal(
        receive(CC_RAFT_TIMEOUT_NOW, 2, (struct cc_raft_message){.term = 5, .to = 4}), COPYCAT_OK);
    assert_int_equal(cc_raft_role(core), CC_RAFT_FOLLOWER);
}

static void what_a_learner_grants_elects_nobody(void **state)
{
    struct cc_raft_message granted = {.term = 4, .is_prevote = true, .is_granted = true};

    (void)state;
    create(1, &five);
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT, .now_us = 900000});
    assert_int_equal(cc_raft_role(core), CC_RAFT_PRECANDIDATE);
    assert_int_equal(receive(CC_RAFT_VOTE_REPLY, 4, granted), COPYCAT_OK);
    assert_int_equal(cc_raft_role(core), CC_RAFT_PRECANDIDATE);
    assert_int_equal(receive(CC_RAFT_VOTE_REPLY, 2, granted), COPYCAT_OK);
    assert_int_equal(cc_raft_role(core), CC_RAFT_CANDIDATE);
}

/* ---- transfers ------------------------------------------------------------------------------- */

static void only_its_own_leader_makes_a_member_campaign(void **state)
{
    struct cc_raft_message now = {.term = 4};
    struct cc_raft_message heartbeat = {.term = 4, .prev_index = 5, .prev_term = 3};

    (void)state;
    create(1, &five);
    assert_int_equal(receive(CC_RAFT_APPEND, 2, heartbeat), COPYCAT_OK);
    (void)stored();
    assert_int_equal(receive(CC_RAFT_TIMEOUT_NOW, 3, now), COPYCAT_OK);
    expect_nothing();
    now.term = 3;
    assert_int_equal(receive(CC_RAFT_TIMEOUT_NOW, 2, now), COPYCAT_OK);
    expect_nothing();
    now.term = 4;
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_STALLED}); /* it could not write */
    assert_int_equal(receive(CC_RAFT_TIMEOUT_NOW, 2, now), COPYCAT_OK);
    expect_nothing();
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_UNSTALLED});
    assert_int_equal(receive(CC_RAFT_TIMEOUT_NOW, 2, now), COPYCAT_OK);
    assert_int_equal(cc_raft_role(core), CC_RAFT_CANDIDATE);
}

static void a_member_in_the_last_term_there_is_does_not_campaign(void **state)
{
    struct cc_raft_start end = {.term = CC_TERM_MAX, .last_index = 5, .runs = runs, .run_count = 2};
    struct cc_raft_message heartbeat = {.term = CC_TERM_MAX, .prev_index = 5, .prev_term = 3};

    (void)state;
    create(1, &end);
    for (uint64_t now = 900000; now < 3000000; now = effects.wake_at_us) {
        assert_int_equal(
            step((struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT, .now_us = now}), COPYCAT_OK);
        assert_true(effects.wake_at_us > now);
        expect_nothing();
    }
    assert_int_equal(receive(CC_RAFT_APPEND, 2, heartbeat), COPYCAT_OK);
    assert_int_equal(
        receive(CC_RAFT_TIMEOUT_NOW, 2, (struct cc_raft_message){.term = CC_TERM_MAX}), COPYCAT_OK);
    assert_int_equal(cc_raft_role(core), CC_RAFT_FOLLOWER);
    assert_int_equal(cc_raft_term(core), CC_TERM_MAX);
}

/* ---- tables that are full -------------------------------------------------------------------- */

/* One more entry, each of a term of its own. */
static uint64_t append_of_next_term(uint64_t commit)
{
    uint64_t last = cc_raft_last(core);
    struct cc_raft_message append = {
        .term = last + 1,
        .prev_index = last,
        .prev_term = last,
        .commit = commit,
        .entry_count = 1,
        .run_count = 1,
        .runs = {{last + 1, last + 1}}};

    assert_int_equal(receive(CC_RAFT_APPEND, 2, append), COPYCAT_OK);
    (void)stored();
    return cc_raft_last(core) - last;
}

/* Terms that are not committed are compared one day, so their places are not given away. */
static void a_table_full_of_terms_takes_no_more_until_some_are_committed(void **state)
{
    struct cc_raft_start nothing = {0};
    uint64_t full;

    (void)state;
    create(1, &nothing);
    while (append_of_next_term(0) == 1) {
    }
    full = cc_raft_last(core);
    assert_int_equal(full, 64);
    assert_int_equal(cc_raft_stable(core), full);
    for (uint64_t now = 9000000; now < 12000000; now = effects.wake_at_us) {
        (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT, .now_us = now});
        assert_int_equal(cc_raft_role(core), CC_RAFT_FOLLOWER); /* nor would its own term fit */
        assert_int_equal(effects.send_count, 0);
    }
    assert_int_equal(append_of_next_term(2), 0); /* that commits, and then there is room */
    assert_int_equal(cc_raft_commit(core), 2);
    assert_int_equal(append_of_next_term(2), 1);
    assert_int_equal(cc_raft_term_at(core, 1), 0);
    assert_int_equal(cc_raft_term_at(core, 2), 2);
    assert_int_equal(cc_raft_term_at(core, full + 1), full + 1);
}

static void a_leader_takes_no_entry_beyond_the_last_index(void **state)
{
    struct cc_raft_start end = {
        .term = 3, .last_index = CC_INDEX_MAX - 2, .runs = runs, .run_count = 2};
    struct cc_raft_event propose = {.kind = CC_RAFT_EVENT_PROPOSE, .count = 2};

    (void)state;
    create(1, &end);
    become_leader();
    assert_int_equal(
        receive(
            CC_RAFT_APPEND_REPLY, 2,
            (struct cc_raft_message){.term = 4, .is_accepted = true, .match = CC_INDEX_MAX - 1}),
        COPYCAT_OK);
    assert_int_equal(cc_raft_commit(core), CC_INDEX_MAX - 1);
    assert_int_equal(step(propose), COPYCAT_ERR_BUSY);
    propose.count = 0;
    assert_int_equal(step(propose), COPYCAT_ERR_BUSY);
    propose.count = 1;
    assert_int_equal(step(propose), COPYCAT_OK);
    assert_int_equal(cc_raft_last(core), CC_INDEX_MAX);
    assert_int_equal(step(propose), COPYCAT_ERR_BUSY);
}

/* ---- news that are old ----------------------------------------------------------------------- */

static void tickets_that_are_not_under_way_say_nothing(void **state)
{
    struct cc_raft_event durable = {.kind = CC_RAFT_EVENT_STORED};
    uint64_t ticket;

    (void)state;
    create(1, &(struct cc_raft_start){0});
    assert_int_equal(append_of_next_term(0), 1);
    assert_int_equal(
        receive(
            CC_RAFT_APPEND, 2,
            (struct cc_raft_message){
                .term = 2,
                .prev_index = 1,
                .prev_term = 1,
                .entry_count = 1,
                .run_count = 1,
                .runs = {{2, 2}}}),
        COPYCAT_OK);
    ticket = effects.ticket;
    assert_true(ticket > 1);
    durable.ticket = ticket + 1; /* not given out yet */
    assert_int_equal(step(durable), COPYCAT_OK);
    assert_int_equal(cc_raft_stable(core), 1);
    durable.ticket = ticket - 1; /* durable before */
    assert_int_equal(step(durable), COPYCAT_OK);
    assert_int_equal(cc_raft_stable(core), 1);
    durable.ticket = ticket;
    assert_int_equal(step(durable), COPYCAT_OK);
    assert_int_equal(cc_raft_stable(core), 2);
}

static void a_send_that_is_not_under_way_changes_nothing(void **state)
{
    struct cc_raft_event sent = {.kind = CC_RAFT_EVENT_SENT, .peer = 9, .index = 6, .bytes = 100};

    (void)state;
    create(1, &five);
    assert_int_equal(step(sent), COPYCAT_OK); /* it does not lead */
    expect_nothing();
    become_leader();
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_PEER_UP, .peer = 2});
    assert_int_equal(effects.sends[0].message.to, 2);
    assert_int_equal(effects.sends[0].message.prev_index, 5);
    for (uint32_t i = 0; i < 4; i++) {
        sent.peer = i == 0 ? 9 : i == 1 ? 3 : 2;  /* nobody; one that is down */
        sent.index = i == 2 ? 5 : i == 3 ? 7 : 6; /* before it, behind the log */
        assert_int_equal(step(sent), COPYCAT_OK);
        expect_nothing();
    }
    sent = (struct cc_raft_event){.kind = CC_RAFT_EVENT_SENT, .peer = 2, .index = 6, .bytes = 100};
    assert_int_equal(step(sent), COPYCAT_OK);
    assert_int_equal(effects.send_count, 0); /* it waits for the answer now */

    /* From the answer on appends follow one another, and each says where the next begins. */
    assert_int_equal(
        receive(
            CC_RAFT_APPEND_REPLY, 2,
            (struct cc_raft_message){.term = 4, .is_accepted = true, .match = 6}),
        COPYCAT_OK);
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_PROPOSE, .count = 1});
    assert_int_equal(effects.send_count, 1);
    assert_int_equal(effects.sends[0].message.prev_index, 6);
    for (sent.index = 6; sent.index <= 8; sent.index += 2) {
        assert_int_equal(step(sent), COPYCAT_OK);
        expect_nothing();
    }
    sent.index = 7;
    assert_int_equal(step(sent), COPYCAT_OK);
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_PROPOSE, .count = 1});
    assert_int_equal(effects.send_count, 1);
    assert_int_equal(effects.sends[0].message.prev_index, 7);
}

static void a_connection_to_nobody_changes_nothing(void **state)
{
    (void)state;
    create(1, &five);
    for (uint32_t peer = 0; peer < 9; peer += peer == 1 ? 4 : 1) { /* 0, 1 itself, 5 and above */
        assert_int_equal(
            step((struct cc_raft_event){.kind = CC_RAFT_EVENT_PEER_UP, .peer = peer}), COPYCAT_OK);
        expect_nothing();
        assert_int_equal(
            step((struct cc_raft_event){.kind = CC_RAFT_EVENT_PEER_DOWN, .peer = peer}),
            COPYCAT_OK);
        expect_nothing();
    }
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(numbers_beyond_their_bounds_are_malformed),
        TEST(an_append_that_contradicts_itself_is_malformed),
        TEST(an_append_is_compared_with_what_is_not_forgotten),
        TEST(a_reply_about_entries_there_are_not_changes_nothing),
        TEST(a_learner_neither_votes_nor_campaigns),
        TEST(what_a_learner_grants_elects_nobody),
        TEST(only_its_own_leader_makes_a_member_campaign),
        TEST(a_member_in_the_last_term_there_is_does_not_campaign),
        TEST(a_table_full_of_terms_takes_no_more_until_some_are_committed),
        TEST(a_leader_takes_no_entry_beyond_the_last_index),
        TEST(tickets_that_are_not_under_way_say_nothing),
        TEST(a_send_that_is_not_under_way_changes_nothing),
        TEST(a_connection_to_nobody_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
