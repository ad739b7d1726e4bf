/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_install_test -- an image takes the place of a log, or of its beginning: what stays, what
 * counts and when, and what is refused (T-044, T-048).
 */
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

static copycat_status step(struct cc_raft_event event)
{
    event.now_us = event.now_us == 0 ? NOW_US : event.now_us;
    return cc_raft_step(core, &event, &effects);
}

static copycat_status receive(enum cc_raft_message_kind kind, struct cc_raft_message message)
{
    message.kind = kind;
    message.from = 2;
    message.to = 1;
    return step((struct cc_raft_event){.kind = CC_RAFT_EVENT_RECEIVE, .message = &message});
}

/* Entries 1 to 4 of term 1, 5 to 9 of term 3; nothing is known to be committed. */
static void create(uint64_t damaged_from)
{
    static const struct cc_raft_run runs[] = {{1, 1}, {5, 3}};
    struct cc_raft_start start = {
        .term = 4,
        .vote = 3,
        .last_index = 9,
        .runs = runs,
        .run_count = 2,
        .damaged_from = damaged_from,
    };

    limited_memory_init(&limited);
    assert_int_equal(cc_raft_create(&core, &limited.memory, &plain, &start), COPYCAT_OK);
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_START, .now_us = 1000});
}

static int setup(void **state)
{
    (void)state;
    create(0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cc_raft_destroy(core);
    return limited.blocks == 0 ? 0 : -1;
}

static int damaged_setup(void **state)
{
    (void)state;
    create(4);
    return 0;
}

static copycat_status install(uint64_t index, uint64_t term)
{
    return step(
        (struct cc_raft_event){.kind = CC_RAFT_EVENT_INSTALL, .index = index, .term = term});
}

static void stored(uint64_t ticket)
{
    assert_int_equal(
        step((struct cc_raft_event){.kind = CC_RAFT_EVENT_STORED, .ticket = ticket}), COPYCAT_OK);
}

static void append(uint64_t prev_index, uint64_t prev_term, uint64_t count, uint64_t commit)
{
    struct cc_raft_message message = {
        .term = 4,
        .prev_index = prev_index,
        .prev_term = prev_term,
        .commit = commit,
        .entry_count = (uint32_t)count,
        .run_count = count > 0,
        .runs = {{prev_index + 1, 4}},
    };

    assert_int_equal(receive(CC_RAFT_APPEND, message), COPYCAT_OK);
}

static const struct cc_raft_message *reply(void)
{
    assert_int_equal(effects.send_count, 1);
    assert_int_equal(effects.sends[0].message.kind, CC_RAFT_APPEND_REPLY);
    return &effects.sends[0].message;
}

static void expect_nothing(void)
{
    assert_int_equal(effects.install_index, 0);
    assert_int_equal(effects.ticket, 0);
    assert_int_equal(effects.commit, 0);
    assert_int_equal(effects.send_count, 0);
}

/* ---- the tail stays -------------------------------------------------------------------------- */

static void a_log_that_has_the_last_entry_of_the_image_is_kept(void **state)
{
    (void)state;
    assert_int_equal(install(6, 3), COPYCAT_OK);
    assert_int_equal(effects.install_index, 6);
    assert_int_equal(effects.install_term, 3);
    assert_true(effects.keep_tail);
    assert_int_not_equal(effects.ticket, 0);
    assert_int_equal(effects.truncate_from, 0);
    assert_int_equal(effects.commit, 6);
    assert_int_equal(cc_raft_commit(core), 6);
    assert_int_equal(cc_raft_last(core), 9);
    assert_int_equal(cc_raft_first(core), 1);
    assert_int_equal(cc_raft_stable(core), 9);
    assert_int_equal(cc_raft_term(core), 4);
    assert_int_equal(cc_raft_vote(core), 3);
}

static void the_image_s_index_is_acknowledged_with_a_kept_tail(void **state)
{
    (void)state;
    append(4, 1, 0, 4);
    assert_int_equal(reply()->match, 4);
    assert_int_equal(install(6, 3), COPYCAT_OK);
    assert_int_equal(reply()->match, 6); /* it was on the disk all along */
}

static void what_is_committed_beyond_an_image_makes_it_worthless(void **state)
{
    (void)state;
    append(9, 3, 0, 7);
    assert_int_equal(cc_raft_commit(core), 7);
    assert_false(cc_raft_wants_image(core, 7));
    assert_true(cc_raft_wants_image(core, 8));
    assert_int_equal(install(6, 3), COPYCAT_OK);
    expect_nothing();
    assert_int_equal(install(7, 3), COPYCAT_OK);
    expect_nothing();
    assert_int_equal(cc_raft_commit(core), 7);
    assert_int_equal(cc_raft_last(core), 9);
}

/* ---- the log goes ---------------------------------------------------------------------------- */

static void a_log_that_lacks_the_last_entry_of_the_image_is_dropped(void **state)
{
    (void)state;
    append(4, 1, 0, 2);
    assert_int_equal(install(6, 4), COPYCAT_OK); /* here, 6 is of term 3 */
    assert_int_equal(effects.install_index, 6);
    assert_int_equal(effects.install_term, 4);
    assert_false(effects.keep_tail);
    assert_int_equal(effects.truncate_from, 0);
    assert_int_equal(effects.commit, 6);
    assert_int_equal(cc_raft_first(core), 7);
    assert_int_equal(cc_raft_last(core), 6);
    assert_int_equal(cc_raft_commit(core), 6);
    assert_int_equal(cc_raft_term_at(core, 6), 4);
    assert_int_equal(cc_raft_term_at(core, 5), 0);
    assert_int_equal(cc_raft_term_at(core, 7), 0);
    assert_int_equal(cc_raft_term(core), 4);
    assert_int_equal(cc_raft_vote(core), 3);
}

/* T-048 */
static void an_image_counts_when_it_is_durable_and_not_before(void **state)
{
    uint64_t ticket;

    (void)state;
    append(4, 1, 0, 2);
    assert_int_equal(install(20, 4), COPYCAT_OK);
    ticket = effects.ticket;
    assert_int_equal(cc_raft_stable(core), 2); /* as much as a crash would leave in any case */
    append(20, 4, 0, 20);
    assert_int_equal(reply()->match, 2);
    stored(ticket);
    assert_int_equal(cc_raft_stable(core), 20);
    assert_int_equal(reply()->match, 20);
}

static void writes_of_dropped_entries_promise_nothing(void **state)
{
    uint64_t write;
    uint64_t image;

    (void)state;
    append(4, 1, 3, 4); /* 5 to 7 of term 4, in place of the others */
    write = effects.ticket;
    assert_int_equal(install(8, 4), COPYCAT_OK);
    image = effects.ticket;
    assert_true(image > write);
    stored(write);
    assert_int_equal(cc_raft_stable(core), 4);
    stored(image);
    assert_int_equal(cc_raft_stable(core), 8);
}

static void the_log_goes_on_behind_the_image(void **state)
{
    (void)state;
    assert_int_equal(install(20, 4), COPYCAT_OK);
    append(17, 4, 5, 21); /* 18 to 22 */
    assert_int_equal(effects.append_source, CC_RAFT_APPEND_RECEIVED);
    assert_int_equal(effects.append_first, 21);
    assert_int_equal(effects.append_last, 22);
    assert_int_equal(cc_raft_commit(core), 21);
    stored(effects.ticket);
    assert_int_equal(cc_raft_stable(core), 22);
    assert_int_equal(reply()->match, 22);
    append(12, 3, 0, 22); /* long known to match */
    assert_int_equal(reply()->match, 22);
}

static void votes_are_compared_with_the_image_s_last_entry(void **state)
{
    struct cc_raft_message vote = {.term = 5, .last_index = 9, .last_term = 3};

    (void)state;
    assert_int_equal(install(6, 4), COPYCAT_OK);
    assert_int_equal(receive(CC_RAFT_VOTE, vote), COPYCAT_OK);
    assert_false(effects.sends[0].message.is_granted);
    vote.last_index = 6;
    vote.last_term = 4;
    assert_int_equal(receive(CC_RAFT_VOTE, vote), COPYCAT_OK);
    assert_true(effects.sends[0].message.is_granted);
}

/* ---- damage ---------------------------------------------------------------------------------- */

static void an_image_takes_damage_with_the_log_that_goes(void **state)
{
    (void)state;
    assert_int_equal(install(20, 4), COPYCAT_OK);
    assert_int_equal(cc_raft_stable(core), 0);
    stored(effects.ticket);
    assert_int_equal(cc_raft_stable(core), 20);
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT, .now_us = 5000000});
    assert_int_equal(cc_raft_role(core), CC_RAFT_PRECANDIDATE);
}

/* What is damaged may be forgotten everywhere else by now: then only an image has it. */
static void an_image_repairs_what_is_committed_and_cannot_be_read(void **state)
{
    (void)state;
    append(9, 3, 0, 9);
    assert_int_equal(cc_raft_commit(core), 9);
    assert_int_equal(cc_raft_stable(core), 3);
    assert_false(cc_raft_wants_image(core, 3));
    assert_true(cc_raft_wants_image(core, 4));
    assert_int_equal(install(3, 1), COPYCAT_OK);
    expect_nothing(); /* all damage is behind it */
    assert_int_equal(install(6, 3), COPYCAT_OK);
    assert_int_equal(effects.install_index, 6);
    assert_true(effects.keep_tail);
    assert_int_equal(effects.commit, 0);
    assert_int_equal(cc_raft_first(core), 7);
    assert_int_equal(cc_raft_stable(core), 3);
    stored(effects.ticket);
    assert_int_equal(cc_raft_stable(core), 3);
    assert_int_equal(
        step((struct cc_raft_event){.kind = CC_RAFT_EVENT_REPAIRED, .index = 8}), COPYCAT_OK);
    assert_int_equal(reply()->match, 7);
}

/* ---- refused --------------------------------------------------------------------------------- */

static void an_image_that_cannot_be_is_malformed(void **state)
{
    (void)state;
    append(9, 3, 0, 6);
    assert_int_equal(install(0, 1), COPYCAT_ERR_MALFORMED);
    assert_int_equal(install(7, 0), COPYCAT_ERR_MALFORMED);
    assert_int_equal(
        install(7, 5), COPYCAT_ERR_MALFORMED); /* nobody led that term, as far as we know */
    assert_int_equal(install(CC_INDEX_MAX + 1, 4), COPYCAT_ERR_MALFORMED);
    assert_int_equal(install(6, 4), COPYCAT_ERR_MALFORMED); /* 6 is committed, of term 3 */
    assert_int_equal(install(2, 3), COPYCAT_ERR_MALFORMED);
    expect_nothing();
    assert_int_equal(cc_raft_commit(core), 6);
    assert_int_equal(cc_raft_last(core), 9);
}

static void a_candidate_gives_up_its_campaign_for_an_image(void **state)
{
    struct cc_raft_message granted = {.is_prevote = true, .is_granted = true, .term = 5};

    (void)state;
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT});
    (void)receive(CC_RAFT_VOTE_REPLY, granted);
    assert_int_equal(cc_raft_role(core), CC_RAFT_CANDIDATE);
    stored(effects.ticket);
    assert_int_equal(install(9, 3), COPYCAT_OK);
    assert_int_equal(effects.install_index, 9);
    assert_true(effects.became);
    assert_int_equal(cc_raft_role(core), CC_RAFT_FOLLOWER);
    assert_int_equal(cc_raft_commit(core), 9);
    granted.is_prevote = false; /* votes that are still on their way elect nobody */
    (void)receive(CC_RAFT_VOTE_REPLY, granted);
    assert_int_equal(cc_raft_role(core), CC_RAFT_FOLLOWER);
    assert_int_equal(cc_raft_term(core), 5);
}

static void a_precandidate_gives_up_its_campaign_for_an_image(void **state)
{
    (void)state;
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT});
    assert_int_equal(cc_raft_role(core), CC_RAFT_PRECANDIDATE);
    assert_int_equal(install(9, 3), COPYCAT_OK);
    assert_int_equal(effects.install_index, 9);
    assert_int_equal(cc_raft_role(core), CC_RAFT_FOLLOWER);
}

static void a_campaign_goes_on_where_an_image_brings_nothing(void **state)
{
    (void)state;
    assert_int_equal(install(9, 3), COPYCAT_OK);
    stored(effects.ticket);
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT, .now_us = effects.wake_at_us});
    assert_int_equal(cc_raft_role(core), CC_RAFT_PRECANDIDATE);
    assert_int_equal(install(9, 3), COPYCAT_OK);
    expect_nothing();
    assert_int_equal(cc_raft_role(core), CC_RAFT_PRECANDIDATE);
}

static void a_leader_does_not_install(void **state)
{
    struct cc_raft_message granted = {.is_prevote = true, .is_granted = true, .term = 5};

    (void)state;
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT});
    assert_int_equal(cc_raft_role(core), CC_RAFT_PRECANDIDATE);
    (void)receive(CC_RAFT_VOTE_REPLY, granted);
    assert_int_equal(cc_raft_role(core), CC_RAFT_CANDIDATE);
    stored(effects.ticket);
    granted.is_prevote = false;
    (void)receive(CC_RAFT_VOTE_REPLY, granted);
    assert_int_equal(cc_raft_role(core), CC_RAFT_LEADER);
    assert_int_equal(install(9, 3), COPYCAT_ERR_BUSY);
    expect_nothing();
    assert_int_equal(cc_raft_commit(core), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define DAMAGED(name) cmocka_unit_test_setup_teardown(name, damaged_setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_log_that_has_the_last_entry_of_the_image_is_kept),
        TEST(the_image_s_index_is_acknowledged_with_a_kept_tail),
        TEST(what_is_committed_beyond_an_image_makes_it_worthless),
        TEST(a_log_that_lacks_the_last_entry_of_the_image_is_dropped),
        TEST(an_image_counts_when_it_is_durable_and_not_before),
        TEST(writes_of_dropped_entries_promise_nothing),
        TEST(the_log_goes_on_behind_the_image),
        TEST(votes_are_compared_with_the_image_s_last_entry),
        DAMAGED(an_image_takes_damage_with_the_log_that_goes),
        DAMAGED(an_image_repairs_what_is_committed_and_cannot_be_read),
        TEST(an_image_that_cannot_be_is_malformed),
        TEST(a_candidate_gives_up_its_campaign_for_an_image),
        TEST(a_precandidate_gives_up_its_campaign_for_an_image),
        TEST(a_campaign_goes_on_where_an_image_brings_nothing),
        TEST(a_leader_does_not_install),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
