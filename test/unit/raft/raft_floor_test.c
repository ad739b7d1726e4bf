/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_floor_test -- how much every member that counts has: at the leader by what it has heard, at
 * the others by what the leader says.
 */
#include "raft/raft.h"
#include "support/limited_memory.h"
#include "support/raft_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NOW_US 1000000u
#define KEEP_US 400000u

static struct limited_memory limited;
static struct cc_raft_effects effects;
static struct cc_raft *core;
static uint64_t now_us;

static const struct cc_raft_options plain = {
    RAFT_PLAIN,
    RAFT_THREE_VOTERS_AND_A_LEARNER,
    .keep_us_max = KEEP_US,
};

static copycat_status step(struct cc_raft_event event)
{
    event.now_us = now_us;
    return cc_raft_step(core, &event, &effects);
}

/* Nine entries of term 1. */
static int setup(void **state)
{
    static const struct cc_raft_run runs[] = {{1, 1}};
    struct cc_raft_start start = {.term = 1, .last_index = 9, .runs = runs, .run_count = 1};

    (void)state;
    limited_memory_init(&limited);
    now_us = NOW_US;
    assert_int_equal(cc_raft_create(&core, &limited.memory, &plain, &start), COPYCAT_OK);
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_START});
    return 0;
}

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
    message.to = 1;
    return step((struct cc_raft_event){.kind = CC_RAFT_EVENT_RECEIVE, .message = &message});
}

static void accept(uint32_t from, uint64_t match)
{
    struct cc_raft_message reply = {.term = 2, .is_accepted = true, .match = match};

    assert_int_equal(receive(CC_RAFT_APPEND_REPLY, from, reply), COPYCAT_OK);
}

/* Of term 2, whose first entry is 10. */
static void become_leader(void)
{
    struct cc_raft_message granted = {.is_prevote = true, .is_granted = true, .term = 2};

    for (uint32_t peer = 2; peer <= 4; peer++) {
        (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_PEER_UP, .peer = peer});
    }
    now_us = effects.wake_at_us;
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT});
    (void)receive(CC_RAFT_VOTE_REPLY, 2, granted);
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_STORED, .ticket = effects.ticket});
    granted.is_prevote = false;
    (void)receive(CC_RAFT_VOTE_REPLY, 2, granted);
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_STORED, .ticket = effects.ticket});
    assert_int_equal(cc_raft_role(core), CC_RAFT_LEADER);
}

static void the_slowest_member_holds_the_leader_s_floor(void **state)
{
    (void)state;
    become_leader();
    accept(2, 10);
    assert_int_equal(cc_raft_commit(core), 10);
    assert_int_equal(cc_raft_floor(core), 0); /* 3 and 4 have time to be heard */
    accept(3, 8);
    accept(4, 5); /* a learner counts as well */
    assert_int_equal(cc_raft_floor(core), 5);
    accept(4, 9);
    assert_int_equal(cc_raft_floor(core), 8);
    accept(3, 10);
    accept(4, 10);
    assert_int_equal(cc_raft_floor(core), 10);
    assert_int_equal(step((struct cc_raft_event){CC_RAFT_EVENT_PROPOSE, .count = 1}), COPYCAT_OK);
    accept(4, 11);
    assert_int_equal(cc_raft_floor(core), 10); /* no more than is committed */
}

static void a_member_is_waited_for_as_long_as_the_option_says(void **state)
{
    (void)state;
    become_leader();
    accept(2, 10);
    accept(3, 6);
    accept(4, 10);
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_PEER_DOWN, .peer = 3});
    now_us += KEEP_US - 1;
    accept(2, 10);
    accept(4, 10);
    assert_int_equal(cc_raft_floor(core), 6);
    now_us += 1;
    accept(2, 10);
    accept(4, 10);
    assert_int_equal(cc_raft_floor(core), 10);
}

static void a_member_that_needs_an_image_holds_no_floor(void **state)
{
    struct cc_raft_message refusal = {.term = 2, .hint_index = 3, .hint_term = 1};

    (void)state;
    become_leader();
    accept(2, 10);
    accept(3, 10);
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_FORGOTTEN, .index = 7});
    assert_int_equal(receive(CC_RAFT_APPEND_REPLY, 4, refusal), COPYCAT_OK);
    assert_true(cc_raft_needs_image(core, 4));
    assert_int_equal(cc_raft_floor(core), 10);
    accept(4, 9); /* the image was at 9 */
    assert_int_equal(cc_raft_floor(core), 9);
}

static void what_comes_behind_an_image_is_kept_for_who_gets_it(void **state)
{
    struct cc_raft_message refusal = {.term = 2, .hint_index = 3, .hint_term = 1};
    struct cc_raft_event fetching = {.kind = CC_RAFT_EVENT_FETCHING, .peer = 4, .index = 8};

    (void)state;
    become_leader();
    accept(2, 10);
    accept(3, 10);
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_FORGOTTEN, .index = 7});
    assert_int_equal(receive(CC_RAFT_APPEND_REPLY, 4, refusal), COPYCAT_OK);
    assert_int_equal(step(fetching), COPYCAT_OK);
    assert_int_equal(cc_raft_floor(core), 8);
    fetching.index = 0; /* it has given up */
    (void)step(fetching);
    assert_int_equal(cc_raft_floor(core), 10);
    fetching.index = 6; /* behind which there is a hole already */
    (void)step(fetching);
    assert_int_equal(cc_raft_floor(core), 10);
    fetching.index = 7;
    (void)step(fetching);
    assert_int_equal(cc_raft_floor(core), 7);
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_FORGOTTEN, .index = 8});
    assert_int_equal(cc_raft_floor(core), 10);
    fetching.index = 8;
    (void)step(fetching);
    assert_int_equal(cc_raft_floor(core), 8);
    accept(4, 9); /* it has the image, and more */
    assert_int_equal(cc_raft_floor(core), 9);
    accept(4, 10);
    assert_int_equal(cc_raft_floor(core), 10);
}

static void appends_tell_the_floor(void **state)
{
    (void)state;
    become_leader();
    accept(2, 10);
    accept(3, 8);
    accept(4, 7);
    now_us = effects.wake_at_us;
    (void)step((struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT});
    assert_int_equal(effects.send_count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(effects.sends[i].message.floor, 7);
    }
}

static void a_follower_knows_what_the_leader_of_its_term_said_last(void **state)
{
    struct cc_raft_message append = {
        .term = 2, .prev_index = 9, .prev_term = 1, .commit = 8, .floor = 6};

    (void)state;
    assert_int_equal(cc_raft_floor(core), 0);
    assert_int_equal(receive(CC_RAFT_APPEND, 2, append), COPYCAT_OK);
    assert_int_equal(cc_raft_floor(core), 6);
    append.floor = 4; /* somebody is back */
    assert_int_equal(receive(CC_RAFT_APPEND, 2, append), COPYCAT_OK);
    assert_int_equal(cc_raft_floor(core), 4);

    append.floor = 9; /* more than is committed */
    assert_int_equal(receive(CC_RAFT_APPEND, 2, append), COPYCAT_ERR_MALFORMED);
    append.commit = 20;
    append.floor = 20; /* more than is committed here, as yet */
    assert_int_equal(receive(CC_RAFT_APPEND, 2, append), COPYCAT_OK);
    assert_int_equal(cc_raft_commit(core), 9);
    assert_int_equal(cc_raft_floor(core), 9);

    /* Another leader may count others. */
    struct cc_raft_message vote = {.term = 3, .last_index = 20, .last_term = 2};

    now_us += 1000000;
    assert_int_equal(receive(CC_RAFT_VOTE, 3, vote), COPYCAT_OK);
    assert_int_equal(cc_raft_term(core), 3);
    assert_int_equal(cc_raft_floor(core), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_slowest_member_holds_the_leader_s_floor),
        TEST(a_member_is_waited_for_as_long_as_the_option_says),
        TEST(a_member_that_needs_an_image_holds_no_floor),
        TEST(what_comes_behind_an_image_is_kept_for_who_gets_it),
        TEST(appends_tell_the_floor),
        TEST(a_follower_knows_what_the_leader_of_its_term_said_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
