/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_calls_test -- numbers, sending again, order, deadlines.
 */
#include "base/prng.h"
#include "fake_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CALLS_MAX 1200u

struct test_call {
    struct cc_call call;
    char operation[8];
    uint32_t done_count;
    uint32_t done_at; /* which one it was */
    copycat_status status;
    char result[8];
    bool closes;
};

static struct fake_cluster fake;
static struct cc_client *client;
static struct cc_client_resource map;
static struct cc_client_resource other;
static struct test_call calls[CALLS_MAX];
static uint32_t call_count;
static uint32_t done_next;
static uint32_t closed_count;

static void closed(void *owner)
{
    (void)owner;
    closed_count++;
}

static void done(struct cc_call *call)
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
        cc_client_close(client, closed, NULL);
    }
}

static void done_large(struct cc_call *call)
{
    struct test_call *test = call->owner;

    test->done_count++;
    test->status = call->status;
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

static int setup(void **state)
{
    (void)state;
    fake_init(&fake);
    memset(calls, 0, sizeof calls);
    call_count = done_next = closed_count = 0;
    open_client(0, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (client != NULL) {
        cc_client_close(client, closed, NULL);
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

static void reopen(uint32_t window_max, uint32_t waiting_max)
{
    cc_client_close(client, closed, NULL);
    fake_pass(&fake, 1000000);
    closed_count = 0;
    fake.last_sequence = 0;
    fake.seen_count = 0;
    open_client(window_max, waiting_max);
}

static struct test_call *make(
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
        .done = done,
        .owner = test};
    cc_client_call(client, resource, &test->call);
    assert_int_equal(test->done_count, 0); /* never inside the call that made it */
    return test;
}

static struct test_call *put(char letter)
{
    return make(&map, CC_CALL_COMMAND, 0, letter, 0);
}

static struct test_call *get(uint8_t level)
{
    return make(&map, CC_CALL_QUERY, level, 'r', 0);
}

/* The path is known, and "x" has run. */
static void warm_up(void)
{
    (void)put('x');
    fake_pass(&fake, 10000);
    assert_int_equal(calls[call_count - 1].done_count, 1);
}

static void a_path_is_resolved_once_for_all_calls_that_wait_for_it(void **state)
{
    (void)state;
    struct test_call *first = put('a');
    struct test_call *second = put('b');

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
    struct test_call *first = put('a');

    fake_pass(&fake, 100000);
    assert_int_equal(first->status, COPYCAT_ERR_TYPE);
    struct test_call *second = put('b');

    fake_pass(&fake, 100000);
    assert_int_equal(second->status, COPYCAT_ERR_TYPE);
    assert_int_equal(fake_count(&fake, CC_MESSAGE_COMMAND), 1);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
    static char path[CC_PATH_SIZE_MAX + 2];

    (void)state;
    memset(path, 'p', sizeof path - 1);
    cc_client_resource_init(client, &other, path, 1);
    struct test_call *call = make(&other, CC_CALL_COMMAND, 0, 'a', 0);

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
    struct test_call *call = make(brief, CC_CALL_COMMAND, 0, 'a', 100000);

    fake_pass(&fake, 300000);
    assert_int_equal(call->done_count, 1);
    assert_int_equal(call->status, COPYCAT_ERR_TIMEOUT);
    free(brief);
    fake_pass(&fake, 5000000); /* its path is resolved now, for nobody */
    assert_int_equal(fake.last_sequence, 1);
    warm_up();
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
                (void)put((char)('a' + made++ % 26));
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
    warm_up();
    fake.holds_answers = true;
    (void)put('a'); /* 3 */
    (void)put('b'); /* 4 */
    fake_pass(&fake, 10000);
    fake_answer(&fake, 4, COPYCAT_OK, "b");
    fake_pass(&fake, 10000);
    assert_int_equal(calls[2].done_count, 0); /* C3 */
    (void)put('c');
    fake_pass(&fake, 10000);
    assert_int_equal(fake_newest(&fake, CC_MESSAGE_COMMAND)->answered, 2);
    fake_answer(&fake, 3, COPYCAT_OK, "a");
    fake_pass(&fake, 10000);
    assert_string_equal(calls[2].result, "b");
    (void)put('d');
    fake_pass(&fake, 10000);
    assert_int_equal(fake_newest(&fake, CC_MESSAGE_COMMAND)->answered, 4);
    fake.holds_answers = false;
    fake_pass(&fake, 3000000);
}

static void an_answer_that_comes_twice_is_counted_and_dropped(void **state)
{
    (void)state;
    warm_up();
    fake_answer(&fake, 2, COPYCAT_OK, "x");
    fake_answer(&fake, 99, COPYCAT_OK, "x");
    fake_pass(&fake, 10000);
    assert_int_equal(cc_client_counters(client)->repeats, 2);
    assert_non_null(cc_client_server(client));
}

static void a_gap_is_filled_at_once(void **state)
{
    (void)state;
    warm_up();
    fake.commands_to_lose = 2;
    for (char letter = 'a'; letter < 'f'; letter++) {
        (void)put(letter);
    }
    fake_pass(&fake, 1000); /* no timer is needed for it */
    assert_int_equal(calls[5].done_count, 1);
    assert_memory_equal(fake.runs, "xabcde", 6);
}

static void saying_the_same_gap_again_is_heard_once_in_a_while(void **state)
{
    (void)state;
    warm_up();
    fake.holds_answers = true;
    (void)put('a');
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
    warm_up();
    fake.command_status = COPYCAT_ERR_BUSY;
    (void)put('a');
    fake_pass(&fake, 500000);
    assert_int_equal(calls[1].done_count, 0);
    assert_in_range(fake_count(&fake, CC_MESSAGE_COMMAND), 4, 16); /* with growing pauses */
    assert_int_equal(fake_newest(&fake, CC_MESSAGE_COMMAND)->number, 3);
    fake.command_status = COPYCAT_OK;
    (void)put('b');
    fake_pass(&fake, 3000000);
    assert_memory_equal(fake.runs, "xab", 3);
}

static void the_window_bounds_what_is_sent(void **state)
{
    (void)state;
    reopen(4, 0);
    warm_up();
    fake.holds_answers = true;
    for (uint32_t i = 0; i < 20; i++) {
        (void)put('a');
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
    reopen(5000, 5000);
    warm_up();
    fake.holds_answers = true;
    for (uint32_t i = 0; i < CC_SESSION_ANSWERS_MAX + 100; i++) {
        (void)put('a');
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
    reopen(1, 2);
    warm_up();
    fake.holds_answers = true;
    (void)put('a');
    fake_pass(&fake, 1000);
    (void)put('b');
    (void)put('c');
    struct test_call *refused = put('d');

    fake.holds_answers = false;
    fake_pass(&fake, 5000000);
    assert_int_equal(refused->status, COPYCAT_ERR_BUSY);
    assert_memory_equal(fake.runs + fake.run_count - 3, "abc", 3);
}

static void a_deadline_says_whether_it_may_have_happened(void **state)
{
    (void)state;
    reopen(1, 0);
    warm_up();
    fake.commands_to_lose = 1;
    struct test_call *sent = make(&map, CC_CALL_COMMAND, 0, 'a', 50000);
    struct test_call *unsent = make(&map, CC_CALL_COMMAND, 0, 'b', 50000);
    struct test_call *waiting = put('c');

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
    reopen(1, 0);
    warm_up();
    fake.commands_to_lose = 1;
    struct test_call *sent = put('a');
    struct test_call *unsent = put('b');

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

static void a_read_ends_at_its_deadline_without_having_happened(void **state)
{
    (void)state;
    warm_up();
    fake.holds_results = true;
    struct test_call *call = make(&map, CC_CALL_QUERY, CC_READ_LINEARIZABLE, 'r', 50000);

    fake_pass(&fake, 100000);
    assert_int_equal(call->status, COPYCAT_ERR_TIMEOUT);
    fake_result(&fake, fake_newest(&fake, CC_MESSAGE_QUERY)->number, fake.index, "read");
    fake_pass(&fake, 1000);
    assert_int_equal(cc_client_counters(client)->repeats, 1);
}

static void a_read_waits_for_the_commands_of_its_stream(void **state)
{
    (void)state;
    warm_up();
    fake.holds_answers = true;
    struct test_call *write = put('a');
    struct test_call *read = get(CC_READ_SEQUENTIAL);

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
    warm_up();
    fake.holds_answers = true;
    struct test_call *slow = put('a');
    struct test_call *quick = make(&other, CC_CALL_QUERY, CC_READ_EVENTUAL, 'r', 0);

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
    warm_up(); /* at index 12 */
    fake.result_index = 20;
    (void)get(CC_READ_SEQUENTIAL);
    fake_pass(&fake, 10000);
    fake.result_index = 19;
    struct test_call *read = get(CC_READ_SEQUENTIAL);

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
    warm_up();

    uint64_t before = cc_client_counters(client)->switches;

    fake.result_index = 1;
    (void)get(CC_READ_SEQUENTIAL);
    fake_pass(&fake, 100000);
    assert_true(cc_client_counters(client)->switches > before);
    fake.result_index = 0;
    fake_pass(&fake, 3000000);
    assert_int_equal(calls[1].status, COPYCAT_OK);
}

static void a_read_is_not_starved_by_commands_of_other_streams(void **state)
{
    (void)state;
    warm_up();
    fake.holds_results = true;
    struct test_call *read = make(&other, CC_CALL_QUERY, CC_READ_SEQUENTIAL, 'r', 0);

    fake_pass(&fake, 1000);

    uint64_t asked = fake_newest(&fake, CC_MESSAGE_QUERY)->after_index;

    (void)put('a'); /* its answer overtakes the result: newer, but of another stream */
    fake_pass(&fake, 1000);
    fake_result(&fake, fake_newest(&fake, CC_MESSAGE_QUERY)->number, asked, "read");
    fake_pass(&fake, 1000);
    assert_int_equal(read->done_count, 1);
    assert_int_equal(read->status, COPYCAT_OK);
}

static void a_result_that_waited_for_its_turn_may_have_become_too_old(void **state)
{
    (void)state;
    warm_up(); /* at index 12 */
    fake.holds_results = true;
    struct test_call *first = get(CC_READ_SEQUENTIAL);
    struct test_call *second = get(CC_READ_SEQUENTIAL);

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
    warm_up();
    fake.result_index = 1;
    struct test_call *read = get(CC_READ_EVENTUAL);

    fake_pass(&fake, 10000);
    assert_int_equal(read->status, COPYCAT_OK);
    fake.result_index = 0;
    (void)get(CC_READ_SEQUENTIAL);
    fake_pass(&fake, 10000);
    assert_int_equal(fake_newest(&fake, CC_MESSAGE_QUERY)->after_index, 12);
}

static void reads_are_asked_again_on_a_new_connection(void **state)
{
    (void)state;
    warm_up();
    fake.holds_results = true;
    struct test_call *read = get(CC_READ_LINEARIZABLE);

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
    warm_up();
    fake.holds_results = true;
    struct test_call *lost = make(&other, CC_CALL_QUERY, CC_READ_LINEARIZABLE, 'r', 0);

    fake_pass(&fake, 10000);
    fake.holds_results = false;
    for (uint32_t i = 0; i < 60 && lost->done_count == 0; i++) {
        (void)get(CC_READ_LINEARIZABLE);
        fake_pass(&fake, 200000);
    }
    assert_int_equal(lost->done_count, 1);
}

static void a_server_that_puts_reads_off_for_ever_is_left(void **state)
{
    (void)state;
    warm_up();
    fake.is_behind[fake.link.server] = true;

    struct test_call *read = make(&other, CC_CALL_QUERY, CC_READ_SEQUENTIAL, 'r', 0);

    for (uint32_t i = 0; i < 100 && read->done_count == 0; i++) {
        (void)put('p');
        fake_pass(&fake, 200000);
    }
    assert_int_equal(read->done_count, 1);
    assert_int_equal(read->status, COPYCAT_OK);
}

/* The server is well and answers, but the leader that it passed the command on to was not. */
static void a_lost_command_is_sent_again_though_nothing_follows_it(void **state)
{
    (void)state;
    warm_up();
    fake.commands_to_lose = 1;

    struct test_call *lost = put('l');

    for (uint32_t i = 0; i < 30 && lost->done_count == 0; i++) {
        (void)get(CC_READ_LINEARIZABLE);
        fake_pass(&fake, 200000);
    }
    assert_int_equal(lost->done_count, 1);
    assert_int_equal(lost->status, COPYCAT_OK);
}

static void a_call_that_no_server_would_take_is_refused(void **state)
{
    (void)state;
    struct test_call *low = get(0);
    struct test_call *high = get(CC_READ_EVENTUAL + 1);

    fake_pass(&fake, 100000);
    assert_int_equal(low->status, COPYCAT_ERR_INVALID);
    assert_int_equal(high->status, COPYCAT_ERR_INVALID);
    assert_int_equal(fake_count(&fake, CC_MESSAGE_QUERY), 0);
}

static void without_memory_nothing_is_lost(void **state)
{
    (void)state;
    warm_up();
    fake.holds_answers = true;
    (void)put('a');
    (void)put('b');
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
    warm_up();
    fake.holds_answers = true;
    for (uint32_t i = 0; i < 10; i++) {
        put('a')->closes = i == 0;
    }
    (void)get(CC_READ_EVENTUAL);
    (void)make(&other, CC_CALL_COMMAND, 0, 'o', 0);
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
    cc_client_close(client, closed, NULL);
    struct test_call *call = put('a');

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

static void the_number_of_a_command_may_be_read_when_it_is_done(void **state)
{
    (void)state;
    warm_up();
    struct test_call *sent = put('a');

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
    warm_up();
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
    warm_up();
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
    warm_up();
    put_large(1);
    fake_pass(&fake, 10000);
    assert_large_done(1);
    fake.holds_answers = true;
    for (uint32_t i = 0; i < 20; i++) {
        (void)put('a');
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
    warm_up();
    fake.holds_answers = true;
    put_large(10);
    fake_pass(&fake, 10000);
    fake.holds_answers = false;
    fake_reset(&fake);
    fake_pass(&fake, 5000000);
    assert_large_done(10);
    assert_int_equal(fake.run_count, 1 + 10);
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
    call.done = done;
    call.owner = &test;
    cc_client_call(client, &map, &call);
    fake_pass(&fake, 100000);
    assert_int_equal(test.status, COPYCAT_ERR_TOO_LARGE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_path_is_resolved_once_for_all_calls_that_wait_for_it),
        TEST(a_refused_path_refuses_the_calls_on_it_and_stays_refused),
        TEST(a_path_that_is_too_long_is_refused),
        TEST(a_resource_may_go_once_its_calls_are_done),
        TEST(commands_run_once_and_in_order_whatever_is_lost),
        TEST(answers_are_acknowledged_without_gaps),
        TEST(an_answer_that_comes_twice_is_counted_and_dropped),
        TEST(a_gap_is_filled_at_once),
        TEST(saying_the_same_gap_again_is_heard_once_in_a_while),
        TEST(a_busy_leader_gets_the_same_number_again_later),
        TEST(the_window_bounds_what_is_sent),
        TEST(no_window_is_larger_than_the_answers_that_servers_keep),
        TEST(what_waits_beyond_the_limit_is_refused_as_busy),
        TEST(a_deadline_says_whether_it_may_have_happened),
        TEST(a_call_that_is_given_up_says_at_once_whether_it_may_have_happened),
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
        TEST(a_lost_command_is_sent_again_though_nothing_follows_it),
        TEST(a_call_that_no_server_would_take_is_refused),
        TEST(without_memory_nothing_is_lost),
        TEST(closing_inside_a_callback_ends_every_call_once),
        TEST(a_call_after_close_is_closed),
        TEST(a_call_may_be_used_again_in_its_own_callback),
        TEST(the_number_of_a_command_may_be_read_when_it_is_done),
        TEST(a_window_of_large_values_gets_through),
        TEST(no_more_leaves_than_a_session_keeps_answers_for),
        TEST(after_a_large_answer_few_commands_leave_until_one_is_small_again),
        TEST(answers_that_were_lost_hold_nothing_up),
        TEST(the_clients_own_part_of_a_call_need_not_be_zeroed),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
