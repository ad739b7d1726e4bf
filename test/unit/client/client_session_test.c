/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_session_test -- which server, one session, and its end.
 */
#include "fake_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct fake_cluster fake;
static struct cc_client *client;
static struct cc_client_resource map;
static enum cc_client_state states[64];
static uint32_t state_count;
static uint32_t closed_count;
static copycat_status troubles[FAKE_SERVERS]; /* the last of each */
static uint32_t relief_count;

struct test_call {
    struct cc_call call;
    uint32_t done_count;
    copycat_status status;
};

static void changed(void *owner, enum cc_client_state state)
{
    (void)owner;
    states[state_count++ % 64] = state;
}

static void troubled(void *owner, uint32_t server, copycat_status status, copycat_bytes said)
{
    (void)owner;
    (void)said;
    assert_true(server < FAKE_SERVERS);
    troubles[server] = status;
    relief_count += status == COPYCAT_OK;
}

static void closed(void *owner)
{
    (void)owner;
    closed_count++;
}

static void done(struct cc_call *call)
{
    struct test_call *test = call->owner;

    test->done_count++;
    test->status = call->status;
}

static int setup(void **state)
{
    (void)state;
    fake_init(&fake);
    client = NULL;
    state_count = closed_count = relief_count = 0;
    memset(troubles, 0, sizeof troubles);
    return 0;
}

static void open_with(uint32_t address_count)
{
    struct cc_client_options options = {
        .addresses = fake_addresses,
        .address_count = address_count,
        .seed = 3,
        .troubled = troubled};

    assert_int_equal(cc_client_open(&client, &fake.env, &options, changed, NULL), COPYCAT_OK);
    cc_client_resource_init(client, &map, "/map", 1);
    fake_pass(&fake, 0);
}

static int teardown(void **state)
{
    (void)state;
    if (client != NULL) {
        cc_client_close(client, closed, NULL);
        fake_pass(&fake, 2000000);
        assert_int_equal(closed_count, 1);
    }
    fake_deinit(&fake);
    return 0;
}

static void submit(struct test_call *test, const char *operation)
{
    *test = (struct test_call){
        .call = {
            .kind = CC_CALL_COMMAND, .operation = {operation, strlen(operation)}, .done = done}};
    test->call.owner = test;
    cc_client_call(client, &map, &test->call);
}

static void it_opens_one_session_and_says_so(void **state)
{
    (void)state;
    open_with(3);
    fake_pass(&fake, 100000);
    assert_int_equal(cc_client_state(client), CC_CLIENT_OPEN);
    assert_int_equal(cc_client_session(client), FAKE_SESSION);
    assert_int_equal(fake_count(&fake, CC_MESSAGE_SESSION_OPEN), 1);
    assert_non_null(cc_client_server(client));
    assert_int_equal(states[state_count - 1], CC_CLIENT_OPEN);
}

static void options_that_no_server_would_take_are_refused(void **state)
{
    struct cc_client_options options = {.addresses = fake_addresses};

    (void)state;
    assert_int_equal(cc_client_open(&client, &fake.env, &options, NULL, NULL), COPYCAT_ERR_INVALID);
    options.address_count = 1;
    options.session_timeout_us = CC_SESSION_TIMEOUT_US_MIN - 1;
    assert_int_equal(cc_client_open(&client, &fake.env, &options, NULL, NULL), COPYCAT_ERR_INVALID);
    options.session_timeout_us = CC_SESSION_TIMEOUT_US_MAX + 1;
    assert_int_equal(cc_client_open(&client, &fake.env, &options, NULL, NULL), COPYCAT_ERR_INVALID);
    assert_null(client);
}

static void opening_without_memory_says_so(void **state)
{
    struct cc_client_options options = {.addresses = fake_addresses, .address_count = 3};

    (void)state;
    fake.is_out_of_memory = true;
    assert_int_equal(cc_client_open(&client, &fake.env, &options, NULL, NULL), COPYCAT_ERR_MEMORY);
    assert_null(client);
}

static void an_open_that_is_asked_again_elsewhere_bears_the_same_nonce(void **state)
{
    const struct fake_seen *former = NULL;

    (void)state;
    fake.is_mute[0] = fake.is_mute[1] = fake.is_mute[2] = true;
    open_with(3);
    fake_pass(&fake, 10000000);
    fake.is_mute[0] = fake.is_mute[1] = fake.is_mute[2] = false;
    fake_pass(&fake, 5000000);
    assert_true(fake_count(&fake, CC_MESSAGE_SESSION_OPEN) >= 4);
    for (uint32_t i = 0; i < fake.seen_count; i++) {
        if (fake.seen[i].type == CC_MESSAGE_SESSION_OPEN) {
            if (former != NULL) {
                assert_memory_equal(former->nonce, fake.seen[i].nonce, CC_NONCE_SIZE);
            }
            former = &fake.seen[i];
        }
    }
    assert_int_equal(cc_client_state(client), CC_CLIENT_OPEN);
}

static void a_session_that_somebody_else_has_opened_is_not_taken(void **state)
{
    (void)state;
    fake.confuses_nonces = true;
    open_with(3);
    fake_pass(&fake, 3000000);
    assert_int_equal(cc_client_session(client), 0);
    fake.confuses_nonces = false;
    fake_pass(&fake, 3000000);
    assert_int_equal(cc_client_session(client), FAKE_SESSION);
}

static void all_servers_are_tried_before_one_is_tried_again(void **state)
{
    uint32_t round[FAKE_SERVERS] = {0};

    (void)state;
    fake.is_silent[0] = fake.is_silent[1] = fake.is_silent[2] = true;
    open_with(3);
    fake_pass(&fake, 20000000);
    for (uint32_t i = 0; i + 2 < fake.seen_count; i += 3) {
        memset(round, 0, sizeof round);
        for (uint32_t k = 0; k < 3; k++) {
            round[fake.seen[i + k].server]++;
        }
        assert_int_equal(round[0], 1);
        assert_int_equal(round[1], 1);
        assert_int_equal(round[2], 1);
    }
    assert_true(fake.seen_count >= 9);
}

static void a_dead_server_is_passed_over(void **state)
{
    (void)state;
    fake.is_dead[0] = fake.is_dead[2] = true;
    open_with(3);
    fake_pass(&fake, 1000000);
    assert_int_equal(cc_client_state(client), CC_CLIENT_OPEN);
    assert_string_equal(cc_client_server(client), "s1:1");
}

static void a_server_without_progress_is_left(void **state)
{
    struct test_call call;

    (void)state;
    open_with(3);
    fake_pass(&fake, 100000);

    uint32_t former = fake.link.server;

    fake.is_mute[former] = true;
    submit(&call, "a");
    fake_pass(&fake, 3000000);
    assert_int_equal(call.done_count, 1);
    assert_int_equal(call.status, COPYCAT_OK);
    assert_true(fake.link.server != former);
    assert_true(cc_client_counters(client)->switches >= 1);
}

static void a_server_that_has_no_leader_is_left(void **state)
{
    struct test_call call;

    (void)state;
    open_with(3);
    fake_pass(&fake, 100000);

    uint32_t former = fake.link.server;

    fake.is_leaderless[former] = true;
    submit(&call, "a");
    fake_pass(&fake, 3000000);
    assert_int_equal(call.status, COPYCAT_OK);
    assert_int_equal(call.done_count, 1);
    assert_true(fake.link.server != former);
}

static void each_server_that_is_left_is_told_with_its_reason(void **state)
{
    (void)state;
    fake.is_dead[0] = fake.is_silent[1] = fake.is_mute[2] = true;
    open_with(3);
    fake_pass(&fake, 5000000);
    assert_int_equal(troubles[0], COPYCAT_ERR_UNAVAILABLE);
    assert_int_equal(troubles[1], COPYCAT_ERR_TIMEOUT);
    assert_int_equal(troubles[2], COPYCAT_ERR_NO_LEADER);
    assert_int_equal(relief_count, 0);
    fake.is_mute[2] = false;
    fake_pass(&fake, 5000000);
    assert_int_equal(troubles[2], COPYCAT_OK);
    assert_int_equal(relief_count, 1);
    fake_reset(&fake);
    fake_pass(&fake, 0);
    assert_int_equal(troubles[2], COPYCAT_ERR_CLOSED);
}

static void on_a_new_connection_the_keep_alive_goes_first(void **state)
{
    struct test_call call;

    (void)state;
    open_with(3);
    submit(&call, "a");
    fake.holds_answers = true;
    fake_pass(&fake, 100000);

    uint32_t before = fake.seen_count;

    fake_reset(&fake);
    fake.holds_answers = false;
    fake_pass(&fake, 500000);
    assert_int_equal(fake.seen[before].type, CC_MESSAGE_HELLO);
    assert_int_equal(fake.seen[before + 1].type, CC_MESSAGE_KEEP_ALIVE);
    assert_int_equal(fake.seen[before + 2].type, CC_MESSAGE_COMMAND);
    assert_int_equal(call.status, COPYCAT_OK);
    assert_int_equal(fake.run_count, 1);
}

static void an_idle_session_is_kept_alive_at_a_third_of_its_timeout(void **state)
{
    (void)state;
    open_with(1);
    fake_pass(&fake, 50000000);

    uint32_t count = fake_count(&fake, CC_MESSAGE_KEEP_ALIVE);

    assert_in_range(count, 26, 34); /* 50 s, 5 s / 3, give or take a tenth */
    assert_int_equal(cc_client_state(client), CC_CLIENT_OPEN);
}

static void silence_makes_a_session_doubtful_but_never_ends_it(void **state)
{
    (void)state;
    open_with(3);
    fake_pass(&fake, 100000);
    fake.is_mute[0] = fake.is_mute[1] = fake.is_mute[2] = true;
    fake_pass(&fake, 60000000);
    assert_int_equal(cc_client_state(client), CC_CLIENT_SUSPENDED);
    fake.is_mute[0] = fake.is_mute[1] = fake.is_mute[2] = false;
    fake_pass(&fake, 5000000);
    assert_int_equal(cc_client_state(client), CC_CLIENT_OPEN);
    assert_int_equal(fake_count(&fake, CC_MESSAGE_SESSION_OPEN), 1);
}

static void doubt_counts_from_when_the_confirmed_message_was_sent(void **state)
{
    (void)state;
    open_with(1);
    fake_pass(&fake, 100000);
    fake.keeps_no_one_alive = true;

    /* The opening left at the start; two thirds of 5 s after it the session is in doubt. */
    fake_pass(&fake, 3150000);
    assert_int_equal(cc_client_state(client), CC_CLIENT_OPEN);
    fake_pass(&fake, 200000);
    assert_int_equal(cc_client_state(client), CC_CLIENT_SUSPENDED);
}

static void a_session_is_as_old_as_its_first_opening(void **state)
{
    (void)state;
    fake.open_status = COPYCAT_ERR_BUSY;
    open_with(1);
    fake_pass(&fake, 4000000); /* the first open may have been logged all the same */
    fake.open_status = COPYCAT_OK;
    fake.keeps_no_one_alive = true;
    fake_pass(&fake, 1100000);
    assert_int_equal(cc_client_session(client), FAKE_SESSION);
    assert_true(cc_client_state(client) != CC_CLIENT_OPEN);
    fake.keeps_no_one_alive = false;
    fake_pass(&fake, 3000000);
    assert_int_equal(cc_client_state(client), CC_CLIENT_OPEN);
}

static void a_command_that_was_sent_twice_confirms_no_more_than_its_first_sending(void **state)
{
    struct test_call call;

    (void)state;
    open_with(1);
    fake_pass(&fake, 100000);
    fake.keeps_no_one_alive = true;
    fake.holds_answers = true;
    submit(&call, "a");
    fake_pass(&fake, 3100000); /* the client has changed connections and sent it again */
    assert_true(fake_count(&fake, CC_MESSAGE_COMMAND) >= 3);
    fake_answer(&fake, 2, COPYCAT_OK, "a");
    fake_pass(&fake, 300000);
    assert_int_equal(call.done_count, 1);
    fake_pass(&fake, 400000);
    assert_int_equal(cc_client_state(client), CC_CLIENT_SUSPENDED);
}

static void a_refused_opening_ends_the_client(void **state)
{
    struct test_call call;

    (void)state;
    fake.open_status = COPYCAT_ERR_QUOTA;
    open_with(3);
    submit(&call, "a");
    fake_pass(&fake, 1000000);
    assert_int_equal(call.done_count, 1);
    assert_int_equal(call.status, COPYCAT_ERR_QUOTA);
    assert_int_equal(cc_client_state(client), CC_CLIENT_ENDED);
}

static void another_cluster_is_refused_once_there_is_a_session(void **state)
{
    (void)state;
    open_with(3);
    fake_pass(&fake, 100000);
    for (uint32_t i = 0; i < FAKE_SERVERS; i++) {
        fake.cluster_of[i] = (uint8_t)(i == fake.link.server ? 0 : 9);
    }

    uint32_t home = fake.link.server;
    uint32_t before = fake.seen_count;

    fake_reset(&fake);
    fake_pass(&fake, 3000000);
    assert_int_equal(fake.link.server, home);
    for (uint32_t i = before; i < fake.seen_count; i++) {
        if (fake.seen[i].server != home) {
            assert_int_equal(fake.seen[i].type, CC_MESSAGE_HELLO);
        }
    }
}

static void the_end_of_a_session_leaves_outcomes_open_and_sends_nothing_again(void **state)
{
    struct test_call sent;
    struct test_call later_call;
    uint32_t before;

    (void)state;
    open_with(3);
    fake_pass(&fake, 100000);
    fake.holds_answers = true;
    submit(&sent, "a");
    fake_pass(&fake, 10000);
    fake_end_session(&fake);
    fake_settle(&fake);
    before = fake.seen_count;
    fake_pass(&fake, 30000000);
    assert_int_equal(sent.done_count, 1);
    assert_int_equal(sent.status, COPYCAT_ERR_OUTCOME);
    assert_int_equal(cc_client_state(client), CC_CLIENT_ENDED);
    submit(&later_call, "b");
    assert_int_equal(later_call.done_count, 0);
    fake_pass(&fake, 100000);
    assert_int_equal(later_call.status, COPYCAT_ERR_SESSION);
    assert_int_equal(fake.seen_count, before);
}

static void what_was_not_sent_when_the_session_ends_has_not_happened(void **state)
{
    struct test_call unsent;

    (void)state;
    open_with(3);
    fake_pass(&fake, 100000);
    fake_end_session(&fake);
    submit(&unsent, "a");
    fake.link.conn->on_data(fake.link.conn, fake.link.back.data, fake.link.back.size);
    fake_pass(&fake, 100000);
    assert_int_equal(unsent.done_count, 1);
    assert_int_equal(unsent.status, COPYCAT_ERR_SESSION);
    assert_int_equal(fake_count(&fake, CC_MESSAGE_COMMAND), 0);
}

static void closing_ends_the_session_at_the_server(void **state)
{
    (void)state;
    open_with(3);
    fake_pass(&fake, 100000);
    cc_client_close(client, closed, NULL);
    client = NULL;
    assert_int_equal(closed_count, 0);
    fake_pass(&fake, 10000);
    assert_int_equal(closed_count, 1);
    assert_int_equal(fake_count(&fake, CC_MESSAGE_SESSION_CLOSE), 1);
    assert_int_equal(states[state_count - 1], CC_CLIENT_CLOSED);
}

static void closing_does_not_wait_long_for_a_server_that_is_silent(void **state)
{
    (void)state;
    open_with(3);
    fake_pass(&fake, 100000);
    fake.is_mute[0] = fake.is_mute[1] = fake.is_mute[2] = true;
    cc_client_close(client, closed, NULL);
    client = NULL;
    fake_pass(&fake, 1000000);
    assert_int_equal(closed_count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(it_opens_one_session_and_says_so),
        TEST(options_that_no_server_would_take_are_refused),
        TEST(opening_without_memory_says_so),
        TEST(an_open_that_is_asked_again_elsewhere_bears_the_same_nonce),
        TEST(a_session_that_somebody_else_has_opened_is_not_taken),
        TEST(all_servers_are_tried_before_one_is_tried_again),
        TEST(a_dead_server_is_passed_over),
        TEST(a_server_without_progress_is_left),
        TEST(a_server_that_has_no_leader_is_left),
        TEST(each_server_that_is_left_is_told_with_its_reason),
        TEST(on_a_new_connection_the_keep_alive_goes_first),
        TEST(an_idle_session_is_kept_alive_at_a_third_of_its_timeout),
        TEST(silence_makes_a_session_doubtful_but_never_ends_it),
        TEST(doubt_counts_from_when_the_confirmed_message_was_sent),
        TEST(a_session_is_as_old_as_its_first_opening),
        TEST(a_command_that_was_sent_twice_confirms_no_more_than_its_first_sending),
        TEST(a_refused_opening_ends_the_client),
        TEST(another_cluster_is_refused_once_there_is_a_session),
        TEST(the_end_of_a_session_leaves_outcomes_open_and_sends_nothing_again),
        TEST(what_was_not_sent_when_the_session_ends_has_not_happened),
        TEST(closing_ends_the_session_at_the_server),
        TEST(closing_does_not_wait_long_for_a_server_that_is_silent),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
