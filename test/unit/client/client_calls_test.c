/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_calls_test -- paths, deadlines, giving up, closing and callbacks.
 */
#include "calls_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_path_is_resolved_once_for_all_calls_that_wait_for_it(void **state)
{
    (void)state;
    struct test_call *first = calls_put('a');
    struct test_call *second = calls_put('b');

    fake_pass(&fake, 10000);
    assert_int_equal(first->status, COPYCAT_OK);
    assert_int_equal(second->status, COPYCAT_OK);
    assert_string_equal(second->result, "b");
    assert_int_equal(map.instance, 100);
    assert_int_equal(fake_count(&fake, CC_MESSAGE_COMMAND), 3);
    assert_int_equal(fake_newest(&fake, CC_MESSAGE_COMMAND)->number, 3);
    assert_int_equal(fake_newest(&fake, CC_MESSAGE_COMMAND)->instance, 100);
}

static void a_refused_path_refuses_the_calls_on_it_and_stays_refused(void **state)
{
    (void)state;
    fake.catalog_status = COPYCAT_ERR_TYPE;
    struct test_call *first = calls_put('a');

    fake_pass(&fake, 100000);
    assert_int_equal(first->status, COPYCAT_ERR_TYPE);
    struct test_call *second = calls_put('b');

    fake_pass(&fake, 100000);
    assert_int_equal(second->status, COPYCAT_ERR_TYPE);
    assert_int_equal(fake_count(&fake, CC_MESSAGE_COMMAND), 1);
}

/* There may be room again: who calls then has not to be told of what was. */
static void a_path_for_which_there_was_no_room_is_asked_for_again(void **state)
{
    (void)state;
    fake.catalog_status = COPYCAT_ERR_QUOTA;
    struct test_call *first = calls_put('a');
    struct test_call *second = calls_put('b');

    fake_pass(&fake, 100000);
    assert_int_equal(first->status, COPYCAT_ERR_QUOTA);
    assert_int_equal(second->status, COPYCAT_ERR_QUOTA);
    fake.catalog_status = COPYCAT_OK;
    struct test_call *third = calls_put('c');

    fake_pass(&fake, 100000);
    assert_int_equal(third->status, COPYCAT_OK);
    assert_string_equal(third->result, "c");
}

static void a_path_that_is_too_long_is_refused(void **state)
{
    static char path[CC_PATH_SIZE_MAX + 2];

    (void)state;
    memset(path, 'p', sizeof path - 1);
    cc_client_resource_init(client, &other, path, 1);
    struct test_call *call = calls_make(&other, CC_CALL_COMMAND, 0, 'a', 0);

    fake_pass(&fake, 100000);
    assert_int_equal(call->status, COPYCAT_ERR_PATH);
}

static void a_resource_may_go_once_its_calls_are_done(void **state)
{
    struct cc_client_resource *brief = malloc(sizeof *brief);

    (void)state;
    assert_non_null(brief);
    cc_client_resource_init(client, brief, "/brief", 1);
    fake.commands_to_lose = 1;
    struct test_call *call = calls_make(brief, CC_CALL_COMMAND, 0, 'a', 100000);

    fake_pass(&fake, 300000);
    assert_int_equal(call->done_count, 1);
    assert_int_equal(call->status, COPYCAT_ERR_TIMEOUT);
    free(brief);
    fake_pass(&fake, 5000000); /* its path is resolved now, for nobody */
    assert_int_equal(fake.last_sequence, 1);
    calls_warm_up();
}

static void a_deadline_says_whether_it_may_have_happened(void **state)
{
    (void)state;
    calls_reopen(1, 0);
    calls_warm_up();
    fake.commands_to_lose = 1;
    struct test_call *sent = calls_make(&map, CC_CALL_COMMAND, 0, 'a', 50000);
    struct test_call *unsent = calls_make(&map, CC_CALL_COMMAND, 0, 'b', 50000);
    struct test_call *waiting = calls_put('c');

    fake_pass(&fake, 150000);
    assert_int_equal(sent->status, COPYCAT_ERR_OUTCOME);
    assert_int_equal(unsent->status, COPYCAT_ERR_TIMEOUT);
    memset(sent->operation, '!', sizeof sent->operation); /* the caller's bytes are free */
    fake_pass(&fake, 5000000);
    assert_int_equal(waiting->status, COPYCAT_OK);
    assert_memory_equal(
        fake.runs, "xac", 3); /* C1: the number was used, for what it was given to */
}

static void a_call_that_is_given_up_says_at_once_whether_it_may_have_happened(void **state)
{
    (void)state;
    calls_reopen(1, 0);
    calls_warm_up();
    fake.commands_to_lose = 1;
    struct test_call *sent = calls_put('a');
    struct test_call *unsent = calls_put('b');

    fake_settle(&fake);
    cc_client_expire(client, &unsent->call);
    cc_client_expire(client, &sent->call);
    fake_pass(&fake, 1000);
    assert_int_equal(sent->status, COPYCAT_ERR_OUTCOME);
    assert_int_equal(unsent->status, COPYCAT_ERR_TIMEOUT);
    fake_pass(&fake, 5000000);
    assert_memory_equal(fake.runs, "xa", 2); /* C1 */
    assert_int_equal(fake.run_count, 2);
}

static void a_call_that_no_server_would_take_is_refused(void **state)
{
    (void)state;
    struct test_call *low = calls_get(0);
    struct test_call *high = calls_get(CC_READ_EVENTUAL + 1);

    fake_pass(&fake, 100000);
    assert_int_equal(low->status, COPYCAT_ERR_INVALID);
    assert_int_equal(high->status, COPYCAT_ERR_INVALID);
    assert_int_equal(fake_count(&fake, CC_MESSAGE_QUERY), 0);
}

static void without_memory_nothing_is_lost(void **state)
{
    (void)state;
    calls_warm_up();
    fake.holds_answers = true;
    (void)calls_put('a');
    (void)calls_put('b');
    fake_pass(&fake, 1000);
    fake_answer(&fake, 4, COPYCAT_OK, "b"); /* has to wait for its turn, and there is no room */

    struct cc_conn *conn = fake.link.conn;
    uint8_t bytes[256];
    size_t size = fake.link.back.size;

    assert_true(size <= sizeof bytes);
    memcpy(bytes, fake.link.back.data, size);
    cc_writer_clear(&fake.link.back);
    fake.is_out_of_memory = true;
    conn->on_data(conn, bytes, size);
    fake.is_out_of_memory = false;
    fake.holds_answers = false;
    fake_answer(&fake, 3, COPYCAT_OK, "a");
    fake_pass(&fake, 3000000);
    assert_string_equal(calls[2].result, "b");
    assert_memory_equal(fake.runs, "xab", 3);
}

static void closing_inside_a_callback_ends_every_call_once(void **state)
{
    (void)state;
    calls_warm_up();
    fake.holds_answers = true;
    for (uint32_t i = 0; i < 10; i++) {
        calls_put('a')->closes = i == 0;
    }
    (void)calls_get(CC_READ_EVENTUAL);
    (void)calls_make(&other, CC_CALL_COMMAND, 0, 'o', 0);
    fake_pass(&fake, 10000);
    fake_answer(&fake, 3, COPYCAT_OK, "a");
    fake_answer(&fake, 4, COPYCAT_OK, "a");
    fake_pass(&fake, 1000000);
    client = NULL;
    assert_int_equal(calls[1].status, COPYCAT_OK);
    assert_int_equal(calls[10].status, COPYCAT_ERR_CLOSED);
}

static void a_call_after_close_is_closed(void **state)
{
    (void)state;
    cc_client_close(client, calls_closed, NULL);
    struct test_call *call = calls_put('a');

    fake_pass(&fake, 1000000);
    client = NULL;
    assert_int_equal(call->status, COPYCAT_ERR_CLOSED);
}

static struct test_call chained;
static uint32_t chain_left;

static void chain(struct cc_call *call)
{
    assert_int_equal(call->status, COPYCAT_OK);
    if (--chain_left > 0) {
        cc_client_call(client, &map, call);
    }
}

static void a_call_may_be_used_again_in_its_own_callback(void **state)
{
    (void)state;
    chain_left = 50;
    chained.operation[0] = 'z';
    chained.call = (struct cc_call){
        .kind = CC_CALL_COMMAND, .operation = {chained.operation, 1}, .done = chain};
    cc_client_call(client, &map, &chained.call);
    fake_pass(&fake, 100000);
    assert_int_equal(chain_left, 0);
    assert_int_equal(fake.run_count, 50);
}

static void the_clients_own_part_of_a_call_need_not_be_zeroed(void **state)
{
    struct cc_call call;
    struct test_call test = {.operation = "q"};

    (void)state;
    memset(&call, 3, sizeof call);
    call.kind = CC_CALL_COMMAND;
    call.timeout_us = 0;
    call.operation = (copycat_bytes){test.operation, CC_OPERATION_SIZE_MAX + 1u};
    call.done = calls_done;
    call.owner = &test;
    cc_client_call(client, &map, &call);
    fake_pass(&fake, 100000);
    assert_int_equal(test.status, COPYCAT_ERR_TOO_LARGE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, calls_set_up, calls_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_path_is_resolved_once_for_all_calls_that_wait_for_it),
        TEST(a_refused_path_refuses_the_calls_on_it_and_stays_refused),
        TEST(a_path_for_which_there_was_no_room_is_asked_for_again),
        TEST(a_path_that_is_too_long_is_refused),
        TEST(a_resource_may_go_once_its_calls_are_done),
        TEST(a_deadline_says_whether_it_may_have_happened),
        TEST(a_call_that_is_given_up_says_at_once_whether_it_may_have_happened),
        TEST(a_call_that_no_server_would_take_is_refused),
        TEST(without_memory_nothing_is_lost),
        TEST(closing_inside_a_callback_ends_every_call_once),
        TEST(a_call_after_close_is_closed),
        TEST(a_call_may_be_used_again_in_its_own_callback),
        TEST(the_clients_own_part_of_a_call_need_not_be_zeroed),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
