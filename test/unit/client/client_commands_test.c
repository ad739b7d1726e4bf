/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_commands_test -- numbers, sending again, order, and what bounds what is sent.
 */
#include "base/prng.h"
#include "calls_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void done_large(struct cc_call *call)
{
    struct test_call *test = call->owner;

    test->done_count++;
    test->status = call->status;
}

static void commands_run_once_and_in_order_whatever_is_lost(void **state)
{
    struct cc_prng prng = {.state = 11};
    uint32_t made = 0;

    (void)state;
    for (uint32_t round = 0; round < 400; round++) {
        switch (cc_prng_below(&prng, 8)) {
        case 0:
            fake.commands_to_lose = (uint32_t)cc_prng_below(&prng, 4);
            break;
        case 1:
            fake_reset(&fake);
            break;
        case 2:
            fake.holds_answers = !fake.holds_answers;
            break;
        case 3:
            fake.command_status = fake.command_status == COPYCAT_OK ? COPYCAT_ERR_BUSY : COPYCAT_OK;
            break;
        default:
            if (made < CALLS_MAX) {
                (void)calls_put((char)('a' + made++ % 26));
            }
            break;
        }
        fake_pass(&fake, cc_prng_below(&prng, 200000));
    }
    fake.commands_to_lose = 0;
    fake.holds_answers = false;
    fake.command_status = COPYCAT_OK;
    fake_pass(&fake, 20000000);
    assert_int_equal(fake.run_count, made);
    for (uint32_t i = 0; i < made; i++) {
        assert_int_equal(fake.runs[i], 'a' + (char)(i % 26));
        assert_int_equal(calls[i].status, COPYCAT_OK);
        assert_int_equal(calls[i].done_at, i + 1); /* C3 */
    }
    assert_true(cc_client_counters(client)->resends > 0);
}

static void answers_are_acknowledged_without_gaps(void **state)
{
    (void)state;
    calls_warm_up();
    fake.holds_answers = true;
    (void)calls_put('a'); /* 3 */
    (void)calls_put('b'); /* 4 */
    fake_pass(&fake, 10000);
    fake_answer(&fake, 4, COPYCAT_OK, "b");
    fake_pass(&fake, 10000);
    assert_int_equal(calls[2].done_count, 0); /* C3 */
    (void)calls_put('c');
    fake_pass(&fake, 10000);
    assert_int_equal(fake_newest(&fake, CC_MESSAGE_COMMAND)->answered, 2);
    fake_answer(&fake, 3, COPYCAT_OK, "a");
    fake_pass(&fake, 10000);
    assert_string_equal(calls[2].result, "b");
    (void)calls_put('d');
    fake_pass(&fake, 10000);
    assert_int_equal(fake_newest(&fake, CC_MESSAGE_COMMAND)->answered, 4);
    fake.holds_answers = false;
    fake_pass(&fake, 3000000);
}

static void an_answer_that_comes_twice_is_counted_and_dropped(void **state)
{
    (void)state;
    calls_warm_up();
    fake_answer(&fake, 2, COPYCAT_OK, "x");
    fake_answer(&fake, 99, COPYCAT_OK, "x");
    fake_pass(&fake, 10000);
    assert_int_equal(cc_client_counters(client)->repeats, 2);
    assert_non_null(cc_client_server(client));
}

static void a_gap_is_filled_at_once(void **state)
{
    (void)state;
    calls_warm_up();
    fake.commands_to_lose = 2;
    for (char letter = 'a'; letter < 'f'; letter++) {
        (void)calls_put(letter);
    }
    fake_pass(&fake, 1000); /* no timer is needed for it */
    assert_int_equal(calls[5].done_count, 1);
    assert_memory_equal(fake.runs, "xabcde", 6);
}

static void saying_the_same_gap_again_is_heard_once_in_a_while(void **state)
{
    (void)state;
    calls_warm_up();
    fake.holds_answers = true;
    (void)calls_put('a');
    fake_pass(&fake, 1000);

    uint32_t before = fake_count(&fake, CC_MESSAGE_COMMAND);

    for (uint32_t i = 0; i < 10; i++) {
        fake_resend(&fake, 2);
        fake_settle(&fake);
    }
    assert_int_equal(fake_count(&fake, CC_MESSAGE_COMMAND), before + 1);
    fake_pass(&fake, 200000); /* but it is heard: the second may have meant another loss */
    assert_int_equal(fake_count(&fake, CC_MESSAGE_COMMAND), before + 2);
    fake.holds_answers = false;
    fake_answer(&fake, 3, COPYCAT_OK, "a");
    fake_pass(&fake, 1000);
}

static void a_busy_leader_gets_the_same_number_again_later(void **state)
{
    (void)state;
    calls_warm_up();
    fake.command_status = COPYCAT_ERR_BUSY;
    (void)calls_put('a');
    fake_pass(&fake, 500000);
    assert_int_equal(calls[1].done_count, 0);
    assert_in_range(fake_count(&fake, CC_MESSAGE_COMMAND), 4, 16); /* with growing pauses */
    assert_int_equal(fake_newest(&fake, CC_MESSAGE_COMMAND)->number, 3);
    fake.command_status = COPYCAT_OK;
    (void)calls_put('b');
    fake_pass(&fake, 3000000);
    assert_memory_equal(fake.runs, "xab", 3);
}

static void the_window_bounds_what_is_sent(void **state)
{
    (void)state;
    calls_reopen(4, 0);
    calls_warm_up();
    fake.holds_answers = true;
    for (uint32_t i = 0; i < 20; i++) {
        (void)calls_put('a');
    }
    fake_pass(&fake, 10000);
    assert_int_equal(fake.run_count, 5);
    fake.holds_answers = false;
    fake_answer(&fake, 3, COPYCAT_OK, "a");
    fake_pass(&fake, 5000000);
    assert_int_equal(fake.run_count, 21);
}

static void no_window_is_larger_than_the_answers_that_servers_keep(void **state)
{
    (void)state;
    calls_reopen(5000, 5000);
    calls_warm_up();
    fake.holds_answers = true;
    for (uint32_t i = 0; i < CC_SESSION_ANSWERS_MAX + 100; i++) {
        (void)calls_put('a');
    }
    fake_pass(&fake, 10000);
    assert_int_equal(fake.run_count, CC_SESSION_ANSWERS_MAX + 1);
    fake.holds_answers = false;
    fake_pass(&fake, 5000000);
    assert_int_equal(fake.run_count, CC_SESSION_ANSWERS_MAX + 101);
}

static void what_waits_beyond_the_limit_is_refused_as_busy(void **state)
{
    (void)state;
    calls_reopen(1, 2);
    calls_warm_up();
    fake.holds_answers = true;
    (void)calls_put('a');
    fake_pass(&fake, 1000);
    (void)calls_put('b');
    (void)calls_put('c');
    struct test_call *refused = calls_put('d');

    fake.holds_answers = false;
    fake_pass(&fake, 5000000);
    assert_int_equal(refused->status, COPYCAT_ERR_BUSY);
    assert_memory_equal(fake.runs + fake.run_count - 3, "abc", 3);
}

/* The server is well and answers, but the leader that it passed the command on to was not. */
static void a_lost_command_is_sent_again_though_nothing_follows_it(void **state)
{
    (void)state;
    calls_warm_up();
    fake.commands_to_lose = 1;

    struct test_call *lost = calls_put('l');

    for (uint32_t i = 0; i < 30 && lost->done_count == 0; i++) {
        (void)calls_get(CC_READ_LINEARIZABLE);
        fake_pass(&fake, 200000);
    }
    assert_int_equal(lost->done_count, 1);
    assert_int_equal(lost->status, COPYCAT_OK);
}

static void the_number_of_a_command_may_be_read_when_it_is_done(void **state)
{
    (void)state;
    calls_warm_up();
    struct test_call *sent = calls_put('a');

    fake_pass(&fake, 10000);
    assert_int_equal(sent->call.sequence, 3);
}

static struct test_call large_calls[64];

static void put_large(uint32_t count)
{
    static uint8_t large[CC_VALUE_SIZE_MAX];

    memset(large, 'L', sizeof large);
    for (uint32_t i = 0; i < count; i++) {
        large_calls[i] = (struct test_call){0};
        large_calls[i].call = (struct cc_call){
            .kind = CC_CALL_COMMAND,
            .operation = {large, sizeof large},
            .done = done_large,
            .owner = &large_calls[i]};
        cc_client_call(client, &map, &large_calls[i].call);
    }
}

static void assert_large_done(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(large_calls[i].done_count, 1);
        assert_int_equal(large_calls[i].status, COPYCAT_OK);
    }
}

static void a_window_of_large_values_gets_through(void **state)
{
    (void)state;
    calls_warm_up();
    fake.largest_write = 0;
    put_large(64);
    fake_pass(&fake, 5000000);
    assert_large_done(64);
    assert_int_equal(fake.run_count, 65);
    assert_true(fake.largest_write <= 6u << 20); /* what gathers is bounded */
    assert_int_equal(cc_client_counters(client)->switches, 0);
}

/* Beyond that a session refuses what comes, and each command would be logged for nothing. */
static void no_more_leaves_than_a_session_keeps_answers_for(void **state)
{
    (void)state;
    calls_warm_up();
    fake.holds_answers = true;
    put_large(10);
    fake_pass(&fake, 10000);
    assert_int_equal(fake.run_count, 1 + 4);
    fake_answer(&fake, 3, COPYCAT_OK, "a");
    fake_pass(&fake, 10000);
    assert_int_equal(fake.run_count, 1 + 5);
    assert_int_equal(cc_client_counters(client)->resends, 0);
    fake.holds_answers = false;
    fake_pass(&fake, 5000000);
    assert_large_done(10);
}

static void after_a_large_answer_few_commands_leave_until_one_is_small_again(void **state)
{
    (void)state;
    calls_warm_up();
    put_large(1);
    fake_pass(&fake, 10000);
    assert_large_done(1);
    fake.holds_answers = true;
    for (uint32_t i = 0; i < 20; i++) {
        (void)calls_put('a');
    }
    fake_pass(&fake, 10000);
    assert_int_equal(fake.run_count, 2 + 4);
    fake.holds_answers = false;
    fake_answer(&fake, 4, COPYCAT_OK, "a");
    fake_pass(&fake, 10000);
    assert_int_equal(fake.run_count, 2 + 20);
    assert_int_equal(cc_client_counters(client)->resends, 0);
    fake_pass(&fake, 5000000);
}

static void answers_that_were_lost_hold_nothing_up(void **state)
{
    (void)state;
    calls_warm_up();
    fake.holds_answers = true;
    put_large(10);
    fake_pass(&fake, 10000);
    fake.holds_answers = false;
    fake_reset(&fake);
    fake_pass(&fake, 5000000);
    assert_large_done(10);
    assert_int_equal(fake.run_count, 1 + 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, calls_set_up, calls_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(commands_run_once_and_in_order_whatever_is_lost),
        TEST(answers_are_acknowledged_without_gaps),
        TEST(an_answer_that_comes_twice_is_counted_and_dropped),
        TEST(a_gap_is_filled_at_once),
        TEST(saying_the_same_gap_again_is_heard_once_in_a_while),
        TEST(a_busy_leader_gets_the_same_number_again_later),
        TEST(the_window_bounds_what_is_sent),
        TEST(no_window_is_larger_than_the_answers_that_servers_keep),
        TEST(what_waits_beyond_the_limit_is_refused_as_busy),
        TEST(a_lost_command_is_sent_again_though_nothing_follows_it),
        TEST(the_number_of_a_command_may_be_read_when_it_is_done),
        TEST(a_window_of_large_values_gets_through),
        TEST(no_more_leaves_than_a_session_keeps_answers_for),
        TEST(after_a_large_answer_few_commands_leave_until_one_is_small_again),
        TEST(answers_that_were_lost_hold_nothing_up),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
