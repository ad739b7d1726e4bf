/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls_stand -- see calls_stand.h.
 */
#include "calls_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct fake_cluster fake;
struct cc_client *client;
struct cc_client_resource map;
struct cc_client_resource other;
struct test_call calls[CALLS_MAX];
uint32_t call_count;
uint32_t closed_count;

static uint32_t done_next;

void calls_closed(void *owner)
{
    (void)owner;
    closed_count++;
}

void calls_done(struct cc_call *call)
{
    struct test_call *test = call->owner;

    assert_int_equal(test->done_count, 0); /* C2 */
    test->done_count++;
    test->done_at = ++done_next;
    test->status = call->status;
    assert_true(call->result.size < sizeof test->result || call->status != COPYCAT_OK);
    if (call->status == COPYCAT_OK && call->result.size > 0) {
        memcpy(test->result, call->result.data, call->result.size);
    }
    if (test->closes) {
        cc_client_close(client, calls_closed, NULL);
    }
}

static void open_client(uint32_t window_max, uint32_t waiting_max)
{
    struct cc_client_options options = {
        .addresses = fake_addresses,
        .address_count = FAKE_SERVERS,
        .window_max = window_max,
        .waiting_max = waiting_max,
        .seed = 5};

    assert_int_equal(cc_client_open(&client, &fake.env, &options, NULL, NULL), COPYCAT_OK);
    cc_client_resource_init(client, &map, "/map", 1);
    cc_client_resource_init(client, &other, "/other", 1);
    fake_pass(&fake, 100000);
    assert_int_equal(cc_client_state(client), CC_CLIENT_OPEN);
}

int calls_set_up(void **state)
{
    (void)state;
    fake_init(&fake);
    memset(calls, 0, sizeof calls);
    call_count = done_next = closed_count = 0;
    open_client(0, 0);
    return 0;
}

int calls_tear_down(void **state)
{
    (void)state;
    if (client != NULL) {
        cc_client_close(client, calls_closed, NULL);
        fake_pass(&fake, 2000000);
        client = NULL;
    }
    assert_int_equal(closed_count, 1);
    for (uint32_t i = 0; i < call_count; i++) {
        assert_int_equal(calls[i].done_count, 1); /* C2 */
    }
    fake_deinit(&fake);
    return 0;
}

void calls_reopen(uint32_t window_max, uint32_t waiting_max)
{
    cc_client_close(client, calls_closed, NULL);
    fake_pass(&fake, 1000000);
    closed_count = 0;
    fake.last_sequence = 0;
    fake.seen_count = 0;
    open_client(window_max, waiting_max);
}

struct test_call *calls_make(
    struct cc_client_resource *resource,
    enum cc_call_kind kind,
    uint8_t level,
    char letter,
    uint64_t timeout_us)
{
    struct test_call *test = &calls[call_count++];

    assert_true(call_count <= CALLS_MAX);
    test->operation[0] = letter;
    test->call = (struct cc_call){
        .kind = kind,
        .level = level,
        .timeout_us = timeout_us,
        .operation = {test->operation, 1},
        .done = calls_done,
        .owner = test};
    cc_client_call(client, resource, &test->call);
    assert_int_equal(test->done_count, 0); /* never inside the call that made it */
    return test;
}

struct test_call *calls_put(char letter)
{
    return calls_make(&map, CC_CALL_COMMAND, 0, letter, 0);
}

struct test_call *calls_get(uint8_t level)
{
    return calls_make(&map, CC_CALL_QUERY, level, 'r', 0);
}

void calls_warm_up(void)
{
    (void)calls_put('x');
    fake_pass(&fake, 10000);
    assert_int_equal(calls[call_count - 1].done_count, 1);
}
