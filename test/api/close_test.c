/* SPDX-License-Identifier: Apache-2.0 */
/*
 * close_test -- closing is legal anywhere, completes everything, and is reported last.
 */
#include "gate_machine.h"
#include "test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define CALLS 5u

static struct cluster cluster;

static int start(void **state)
{
    (void)state;
    cluster_start(&cluster, 1, &gate_machine);
    return 0;
}

static int end(void **state)
{
    (void)state;
    cluster_end(&cluster);
    return 0;
}

/* What the callbacks of one client have seen; written on its loop alone until the bell rings. */
struct story {
    struct bell bell; /* rung by `closed` */
    struct bell reached;
    copycat_client *client;
    copycat_map *map;
    uint32_t ended; /* calls that have come to CLOSED */
    uint32_t others;
    uint32_t ended_at_close;
    bool is_on_loop;
    bool is_inside;
    bool was_inside;
    pthread_t thread;
};

static void closed(void *user)
{
    struct story *story = user;

    story->ended_at_close = story->ended;
    story->thread = pthread_self();
    story->was_inside = story->is_inside;
    bell_ring(&story->bell);
}

static void count(copycat_status status, copycat_value *value, void *user)
{
    struct story *story = user;

    copycat_value_free(value);
    if (status == COPYCAT_ERR_CLOSED) {
        story->ended++;
    } else {
        story->others++;
    }
}

/* ---- from outside ---------------------------------------------------------------------------- */

static void closing_ends_all_that_is_outstanding_and_then_reports(void **state)
{
    struct story story = {.bell = BELL_INIT};
    copycat_client *client = cluster_client(&cluster);
    copycat_resource *gate = copycat_resource_at(client, "/gate", GATE_TYPE);

    (void)state;
    gate_shut();
    for (uint32_t i = 0; i < CALLS; i++) {
        copycat_future_then(copycat_resource_submit(gate, STR("x"), NULL), count, &story);
    }
    gate_await();
    copycat_client_close(client, closed, &story);
    assert_int_equal(bell_count(&story.bell), 1); /* it has returned: all is over */
    gate_open();
    assert_int_equal(story.ended_at_close, CALLS);
    assert_int_equal(story.ended, CALLS);
    assert_int_equal(story.others, 0);
    assert_false(pthread_equal(story.thread, pthread_self()));
    copycat_resource_free(gate);
}

static void futures_outlive_their_client(void **state)
{
    struct story story = {.bell = BELL_INIT};
    copycat_client *client = cluster_client(&cluster);
    copycat_resource *gate = copycat_resource_at(client, "/gate", GATE_TYPE);
    copycat_future *futures[4];
    copycat_queue *queue;
    copycat_completion completion;
    copycat_value *value;

    (void)state;
    assert_int_equal(copycat_queue_open(&queue), COPYCAT_OK);
    gate_shut();
    for (uint32_t i = 0; i < 4; i++) {
        futures[i] = copycat_resource_submit(gate, STR("x"), NULL);
    }
    gate_await();
    copycat_client_close(client, NULL, NULL);
    gate_open();
    copycat_resource_free(gate);
    assert_int_equal(copycat_await(futures[0], COPYCAT_NONE, &value), COPYCAT_ERR_CLOSED);
    assert_null(value);
    copycat_future_then(futures[1], count, &story);
    assert_int_equal(story.ended, 1);
    assert_int_equal(copycat_future_into(futures[2], queue, 2), COPYCAT_OK);
    assert_int_equal(copycat_queue_next(queue, 0, &completion), COPYCAT_OK);
    assert_int_equal(completion.status, COPYCAT_ERR_CLOSED);
    copycat_future_drop(futures[3]);
    copycat_queue_close(queue);
}

static void an_answer_that_came_in_time_outlives_its_client(void **state)
{
    copycat_client *client = cluster_client(&cluster);
    copycat_map *map = copycat_map_at(client, "/outlives");
    copycat_future *future = copycat_map_put_if_absent(map, STR("k"), STR("v"), NULL);
    copycat_value *value;

    (void)state;
    copycat_value_free(result_of(copycat_map_get(map, STR("k"), NULL))); /* comes after it */
    copycat_client_close(client, NULL, NULL);
    value = result_of(future);
    assert_true(copycat_value_is_absent(value));
    copycat_value_free(value);
    copycat_map_free(map);
}

static void maps_outlive_their_client_and_say_closed(void **state)
{
    copycat_client *client = cluster_client(&cluster);
    copycat_map *map = copycat_map_at(client, "/map");

    (void)state;
    copycat_value_free(result_of(copycat_map_put(map, STR("k"), STR("v"), NULL)));
    copycat_client_close(client, NULL, NULL);
    assert_int_equal(
        copycat_await(copycat_map_get(map, STR("k"), NULL), COPYCAT_NONE, NULL),
        COPYCAT_ERR_CLOSED);
    copycat_map_free(map);
}

static void a_client_may_be_closed_before_it_has_reached_anybody(void **state)
{
    copycat_client *client;

    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(
            copycat_client_open(&client, i % 2 == 0 ? "local:nobody" : cluster.members, NULL, NULL),
            COPYCAT_OK);
        copycat_client_close(client, NULL, NULL);
    }
}

static void *await_closed(void *argument)
{
    copycat_future *future = argument;

    return copycat_await(future, COPYCAT_NONE, NULL) == COPYCAT_ERR_CLOSED ? argument : NULL;
}

static void who_waits_in_another_thread_is_told(void **state)
{
    copycat_client *client;
    copycat_map *map;
    copycat_future *future;
    pthread_t waiter;
    void *result;

    (void)state;
    assert_int_equal(copycat_client_open(&client, "local:nobody", NULL, NULL), COPYCAT_OK);
    map = copycat_map_at(client, "/map");
    future = copycat_map_put(map, STR("k"), STR("v"), NULL);
    assert_int_equal(pthread_create(&waiter, NULL, await_closed, future), 0);
    copycat_client_close(client, NULL, NULL);
    assert_int_equal(pthread_join(waiter, &result), 0);
    assert_ptr_equal(result, future);
    copycat_map_free(map);
}

/* ---- from a callback ------------------------------------------------------------------------- */

static void close_here(copycat_status status, copycat_value *value, void *user)
{
    struct story *story = user;

    (void)status;
    copycat_value_free(value);
    story->is_inside = true;
    copycat_client_close(story->client, closed, story);
    story->is_inside = false;
}

static void a_callback_may_close_its_client(void **state)
{
    struct story story = {.bell = BELL_INIT};
    copycat_map *map;

    (void)state;
    story.client = cluster_client(&cluster);
    map = copycat_map_at(story.client, "/map");
    copycat_future_then(copycat_map_get(map, STR("k"), NULL), close_here, &story);
    assert_true(bell_wait(&story.bell, 1));
    assert_false(story.was_inside);
    copycat_map_free(map);
}

static void close_when_open(uint32_t state, void *user)
{
    struct story *story = user;

    if (state == COPYCAT_CLIENT_OPEN) {
        bell_wait(&story->reached, 1); /* the opener has noted the handle */
        copycat_client_close(story->client, closed, story);
    }
}

static void a_callback_about_the_state_may_close_its_client(void **state)
{
    struct story story = {.bell = BELL_INIT, .reached = BELL_INIT};
    copycat_client_options options = COPYCAT_CLIENT_OPTIONS_INIT;

    (void)state;
    options.changed = close_when_open;
    options.user = &story;
    assert_int_equal(
        copycat_client_open(&story.client, cluster.members, &options, NULL), COPYCAT_OK);
    bell_ring(&story.reached);
    assert_true(bell_wait(&story.bell, 1));
}

/* Each call that ends makes another, for as long as it can: the last ones after the close began. */
static void go_on(copycat_status status, copycat_value *value, void *user)
{
    struct story *story = user;

    copycat_value_free(value);
    if (status == COPYCAT_OK) {
        copycat_future_then(copycat_map_get(story->map, STR("k"), NULL), go_on, story);
        story->others++;
        bell_ring(&story->reached);
    } else if (story->ended++ == 0) {
        copycat_future_then(copycat_map_get(story->map, STR("k"), NULL), go_on, story);
    }
}

static void calls_made_while_it_closes_end_before_the_report(void **state)
{
    struct story story = {.bell = BELL_INIT, .reached = BELL_INIT};

    (void)state;
    story.client = cluster_client(&cluster);
    story.map = copycat_map_at(story.client, "/map");
    copycat_future_then(copycat_map_get(story.map, STR("k"), NULL), go_on, &story);
    assert_true(bell_wait(&story.reached, 3));
    copycat_client_close(story.client, closed, &story);
    assert_int_equal(story.ended, 2);
    assert_int_equal(story.ended_at_close, 2);
    copycat_map_free(story.map);
}

/* ---- states ---------------------------------------------------------------------------------- */

struct states {
    struct bell open;
    uint32_t last;
};

static void note_state(uint32_t state, void *user)
{
    struct states *states = user;

    states->last = state;
    if (state == COPYCAT_CLIENT_OPEN) {
        bell_ring(&states->open);
    }
}

static void a_client_tells_its_states_and_its_session(void **state)
{
    struct states states = {.open = BELL_INIT};
    copycat_client_options options = COPYCAT_CLIENT_OPTIONS_INIT;
    copycat_client *client;

    (void)state;
    options.changed = note_state;
    options.user = &states;
    assert_int_equal(copycat_client_open(&client, cluster.members, &options, NULL), COPYCAT_OK);
    assert_int_equal(copycat_client_fd(client), -1);
    assert_true(bell_wait(&states.open, 1));
    assert_int_equal(copycat_client_state(client), COPYCAT_CLIENT_OPEN);
    assert_int_not_equal(copycat_client_session(client), 0);
    copycat_client_close(client, NULL, NULL);
    assert_int_equal(states.last, COPYCAT_CLIENT_CLOSED);
}

/* Nothing listens there: the port is taken and not listened on. */
static int taken_port(char address[64])
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    int taken = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(taken, (struct sockaddr *)&here, size), 0);
    assert_int_equal(getsockname(taken, (struct sockaddr *)&here, &size), 0);
    snprintf(address, 64, "127.0.0.1:%u", (unsigned)ntohs(here.sin_port));
    return taken;
}

static void who_reaches_nobody_can_say_why(void **state)
{
    copycat_client *client;
    copycat_message trouble;
    char address[64];
    char expected[128];
    int taken = taken_port(address);
    copycat_map *map;

    (void)state;
    assert_int_equal(copycat_client_open(&client, address, NULL, NULL), COPYCAT_OK);
    map = copycat_map_at(client, "/trouble");
    assert_int_equal(
        copycat_await(copycat_map_put(map, STR("k"), STR("v"), NULL), 300, NULL),
        COPYCAT_ERR_TIMEOUT);
    assert_int_equal(copycat_client_trouble(client, &trouble), 1);
    snprintf(expected, sizeof expected, "%s: connection refused", address);
    assert_string_equal(trouble.text, expected);
    copycat_map_free(map);
    copycat_client_close(client, NULL, NULL);
    close(taken);
}

static void trouble_is_over_when_a_server_gets_the_client_on(void **state)
{
    copycat_client *client;
    copycat_message trouble = {"something"};
    copycat_map *map;
    char servers[400];

    (void)state;
    snprintf(servers, sizeof servers, "local:nobody-listens,%s", cluster.members);
    assert_int_equal(copycat_client_open(&client, servers, NULL, NULL), COPYCAT_OK);
    map = copycat_map_at(client, "/trouble");
    copycat_value_free(result_of(copycat_map_put(map, STR("k"), STR("v"), NULL)));
    assert_int_equal(copycat_client_trouble(client, &trouble), 0);
    assert_string_equal(trouble.text, "");
    copycat_map_free(map);
    copycat_client_close(client, NULL, NULL);
}

static void faults_in_what_a_client_is_given_are_sentences(void **state)
{
    static const char *const lists[] = {
        "",        "nowhere", ",",   "a:1,,b:2", ":1",
        "a:",      "a:65536", "a:0", "a:http",   "a:1,127.0.0.1:99999",
        "::1:7458"};
    copycat_client_options options = COPYCAT_CLIENT_OPTIONS_INIT;
    copycat_client *client = (copycat_client *)&client;
    copycat_message message;

    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        assert_int_equal(
            copycat_client_open(&client, lists[i], NULL, &message), COPYCAT_ERR_INVALID);
        assert_null(client);
        assert_non_null(strstr(message.text, "host:port"));
    }
    assert_int_equal(copycat_client_open(&client, NULL, NULL, NULL), COPYCAT_ERR_INVALID);
    options.session_timeout_ms = 5;
    assert_int_equal(copycat_client_open(&client, "a:1", &options, &message), COPYCAT_ERR_INVALID);
    assert_non_null(strstr(message.text, "session_timeout_ms"));
    options.session_timeout_ms = 0;
    options.waiting = UINT32_MAX;
    assert_int_equal(copycat_client_open(&client, "a:1", &options, &message), COPYCAT_ERR_INVALID);
    assert_non_null(strstr(message.text, "waiting"));
    options.size = 3;
    assert_int_equal(copycat_client_open(&client, "a:1", &options, &message), COPYCAT_ERR_INVALID);
    assert_true(strlen(message.text) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closing_ends_all_that_is_outstanding_and_then_reports),
        cmocka_unit_test(futures_outlive_their_client),
        cmocka_unit_test(an_answer_that_came_in_time_outlives_its_client),
        cmocka_unit_test(maps_outlive_their_client_and_say_closed),
        cmocka_unit_test(a_client_may_be_closed_before_it_has_reached_anybody),
        cmocka_unit_test(who_waits_in_another_thread_is_told),
        cmocka_unit_test(a_callback_may_close_its_client),
        cmocka_unit_test(a_callback_about_the_state_may_close_its_client),
        cmocka_unit_test(calls_made_while_it_closes_end_before_the_report),
        cmocka_unit_test(a_client_tells_its_states_and_its_session),
        cmocka_unit_test(who_reaches_nobody_can_say_why),
        cmocka_unit_test(trouble_is_over_when_a_server_gets_the_client_on),
        cmocka_unit_test(faults_in_what_a_client_is_given_are_sentences),
    };

    return cmocka_run_group_tests(tests, start, end);
}
