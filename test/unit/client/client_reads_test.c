/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_reads_test -- reads: whom they wait for, what they may see, and when they are asked again.
 */
#include "calls_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_read_ends_at_its_deadline_without_having_happened(void **state)
{
    (void)state;
    calls_warm_up();
    fake.holds_results = true;
    struct test_call *call = calls_make(&map, CC_CALL_QUERY, CC_READ_LINEARIZABLE, 'r', 50000);

    fake_pass(&fake, 100000);
    assert_int_equal(call->status, COPYCAT_ERR_TIMEOUT);
    fake_result(&fake, fake_newest(&fake, CC_MESSAGE_QUERY)->number, fake.index, "read");
    fake_pass(&fake, 1000);
    assert_int_equal(cc_client_counters(client)->repeats, 1);
}

static void a_read_waits_for_the_commands_of_its_stream(void **state)
{
    (void)state;
    calls_warm_up();
    fake.holds_answers = true;
    struct test_call *write = calls_put('a');
    struct test_call *read = calls_get(CC_READ_SEQUENTIAL);

    fake_pass(&fake, 10000);
    assert_int_equal(fake_newest(&fake, CC_MESSAGE_QUERY)->after_sequence, 3);
    assert_int_equal(read->done_count, 0); /* C3: its result is there */
    fake_answer(&fake, 3, COPYCAT_OK, "a");
    fake_pass(&fake, 10000);
    assert_true(write->done_at < read->done_at);
    assert_string_equal(read->result, "read");
    fake.holds_answers = false;
}

static void another_stream_does_not_wait(void **state)
{
    (void)state;
    calls_warm_up();
    fake.holds_answers = true;
    struct test_call *slow = calls_put('a');
    struct test_call *quick = calls_make(&other, CC_CALL_QUERY, CC_READ_EVENTUAL, 'r', 0);

    fake_pass(&fake, 10000);
    assert_int_equal(slow->done_count, 0);
    assert_int_equal(quick->status, COPYCAT_OK);
    assert_int_equal(quick->done_count, 1);
    fake.holds_answers = false;
    fake_answer(&fake, 3, COPYCAT_OK, "a");
    fake_pass(&fake, 10000);
}

static void a_read_asks_for_what_has_been_seen_and_never_goes_back(void **state)
{
    (void)state;
    calls_warm_up(); /* at index 12 */
    fake.result_index = 20;
    (void)calls_get(CC_READ_SEQUENTIAL);
    fake_pass(&fake, 10000);
    fake.result_index = 19;
    struct test_call *read = calls_get(CC_READ_SEQUENTIAL);

    fake_pass(&fake, 100000);
    assert_int_equal(fake_newest(&fake, CC_MESSAGE_QUERY)->after_index, 20);
    assert_int_equal(read->done_count, 0);
    fake.result_index = 20;
    fake_pass(&fake, 3000000);
    assert_int_equal(read->status, COPYCAT_OK);
}

static void a_server_that_reads_from_the_past_is_left(void **state)
{
    (void)state;
    calls_warm_up();

    uint64_t before = cc_client_counters(client)->switches;

    fake.result_index = 1;
    (void)calls_get(CC_READ_SEQUENTIAL);
    fake_pass(&fake, 100000);
    assert_true(cc_client_counters(client)->switches > before);
    fake.result_index = 0;
    fake_pass(&fake, 3000000);
    assert_int_equal(calls[1].status, COPYCAT_OK);
}

static void a_read_is_not_starved_by_commands_of_other_streams(void **state)
{
    (void)state;
    calls_warm_up();
    fake.holds_results = true;
    struct test_call *read = calls_make(&other, CC_CALL_QUERY, CC_READ_SEQUENTIAL, 'r', 0);

    fake_pass(&fake, 1000);

    uint64_t asked = fake_newest(&fake, CC_MESSAGE_QUERY)->after_index;

    (void)calls_put('a'); /* its answer overtakes the result: newer, but of another stream */
    fake_pass(&fake, 1000);
    fake_result(&fake, fake_newest(&fake, CC_MESSAGE_QUERY)->number, asked, "read");
    fake_pass(&fake, 1000);
    assert_int_equal(read->done_count, 1);
    assert_int_equal(read->status, COPYCAT_OK);
}

static void a_result_that_waited_for_its_turn_may_have_become_too_old(void **state)
{
    (void)state;
    calls_warm_up(); /* at index 12 */
    fake.holds_results = true;
    struct test_call *first = calls_get(CC_READ_SEQUENTIAL);
    struct test_call *second = calls_get(CC_READ_SEQUENTIAL);

    fake_pass(&fake, 1000);

    uint64_t number = fake_newest(&fake, CC_MESSAGE_QUERY)->number;

    fake_result(&fake, number, 15, "old");
    fake_result(&fake, number - 1, 20, "new");
    fake_pass(&fake, 1000);
    assert_string_equal(first->result, "new");
    assert_int_equal(second->done_count, 0);
    assert_int_equal(fake_newest(&fake, CC_MESSAGE_QUERY)->number, number + 1);
    assert_int_equal(fake_newest(&fake, CC_MESSAGE_QUERY)->after_index, 20);
    fake_result(&fake, number + 1, 21, "newer");
    fake_pass(&fake, 1000);
    assert_string_equal(second->result, "newer");
}

static void an_eventual_read_may_go_back(void **state)
{
    (void)state;
    calls_warm_up();
    fake.result_index = 1;
    struct test_call *read = calls_get(CC_READ_EVENTUAL);

    fake_pass(&fake, 10000);
    assert_int_equal(read->status, COPYCAT_OK);
    fake.result_index = 0;
    (void)calls_get(CC_READ_SEQUENTIAL);
    fake_pass(&fake, 10000);
    assert_int_equal(fake_newest(&fake, CC_MESSAGE_QUERY)->after_index, 12);
}

static void reads_are_asked_again_on_a_new_connection(void **state)
{
    (void)state;
    calls_warm_up();
    fake.holds_results = true;
    struct test_call *read = calls_get(CC_READ_LINEARIZABLE);

    fake_pass(&fake, 10000);

    uint64_t number = fake_newest(&fake, CC_MESSAGE_QUERY)->number;

    fake.holds_results = false;
    fake_reset(&fake);
    fake_pass(&fake, 1000000);
    assert_int_equal(read->status, COPYCAT_OK);
    assert_true(fake_newest(&fake, CC_MESSAGE_QUERY)->number > number);
}

static void a_lost_read_does_not_hang_while_others_are_answered(void **state)
{
    (void)state;
    calls_warm_up();
    fake.holds_results = true;
    struct test_call *lost = calls_make(&other, CC_CALL_QUERY, CC_READ_LINEARIZABLE, 'r', 0);

    fake_pass(&fake, 10000);
    fake.holds_results = false;
    for (uint32_t i = 0; i < 60 && lost->done_count == 0; i++) {
        (void)calls_get(CC_READ_LINEARIZABLE);
        fake_pass(&fake, 200000);
    }
    assert_int_equal(lost->done_count, 1);
}

static void a_server_that_puts_reads_off_for_ever_is_left(void **state)
{
    (void)state;
    calls_warm_up();
    fake.is_behind[fake.link.server] = true;

    struct test_call *read = calls_make(&other, CC_CALL_QUERY, CC_READ_SEQUENTIAL, 'r', 0);

    for (uint32_t i = 0; i < 100 && read->done_count == 0; i++) {
        (void)calls_put('p');
        fake_pass(&fake, 200000);
    }
    assert_int_equal(read->done_count, 1);
    assert_int_equal(read->status, COPYCAT_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, calls_set_up, calls_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_read_ends_at_its_deadline_without_having_happened),
        TEST(a_read_waits_for_the_commands_of_its_stream),
        TEST(another_stream_does_not_wait),
        TEST(a_read_asks_for_what_has_been_seen_and_never_goes_back),
        TEST(a_server_that_reads_from_the_past_is_left),
        TEST(a_read_is_not_starved_by_commands_of_other_streams),
        TEST(a_result_that_waited_for_its_turn_may_have_become_too_old),
        TEST(an_eventual_read_may_go_back),
        TEST(reads_are_asked_again_on_a_new_connection),
        TEST(a_lost_read_does_not_hang_while_others_are_answered),
        TEST(a_server_that_puts_reads_off_for_ever_is_left),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
