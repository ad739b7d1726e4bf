/* SPDX-License-Identifier: Apache-2.0 */
/*
 * future_test -- the four ways to take a future, and what each promises.
 */
#include "test.h"

#include <poll.h>
#include <stdio.h>

static struct cluster cluster;
static copycat_client *client;
static copycat_map *map;

static int start(void **state)
{
    (void)state;
    cluster_start(&cluster, 1, NULL);
    client = cluster_client(&cluster);
    map = copycat_map_at(client, "/futures");
    copycat_value_free(result_of(copycat_map_put(map, STR("k"), STR("v"), NULL)));
    return 0;
}

static int end(void **state)
{
    (void)state;
    copycat_map_free(map);
    copycat_client_close(client, NULL, NULL);
    cluster_end(&cluster);
    return 0;
}

/* Of a client that reaches nobody: its calls never come to anything by themselves. */
static copycat_client *lonely_client(void)
{
    copycat_client *lonely;

    assert_int_equal(copycat_client_open(&lonely, "local:nobody-listens", NULL, NULL), COPYCAT_OK);
    return lonely;
}

/* ---- await ----------------------------------------------------------------------------------- */

static void await_takes_back_what_was_not_sent_when_its_time_runs_out(void **state)
{
    copycat_client *lonely = lonely_client();
    copycat_map *far = copycat_map_at(lonely, "/far");
    copycat_value *value = (copycat_value *)&value;

    (void)state;
    assert_int_equal(
        copycat_await(copycat_map_put(far, STR("k"), STR("v"), NULL), 0, &value),
        COPYCAT_ERR_TIMEOUT);
    assert_null(value);
    assert_int_equal(
        copycat_await(copycat_map_put(far, STR("k"), STR("v"), NULL), 20, NULL),
        COPYCAT_ERR_TIMEOUT);
    assert_int_equal(
        copycat_await(copycat_map_get(far, STR("k"), NULL), 1, &value), COPYCAT_ERR_TIMEOUT);
    assert_null(value);
    copycat_map_free(far);
    copycat_client_close(lonely, NULL, NULL);
}

/* It waits for its turn behind the first, so nobody can say yet. */
static void await_says_unknown_of_a_command_behind_one_that_is_under_way(void **state)
{
    copycat_client *lonely = lonely_client();
    copycat_map *far = copycat_map_at(lonely, "/far");
    copycat_future *first = copycat_map_put(far, STR("k"), STR("v"), NULL);

    (void)state;
    assert_int_equal(
        copycat_await(copycat_map_put(far, STR("k"), STR("w"), NULL), 1, NULL),
        COPYCAT_ERR_OUTCOME);
    copycat_future_drop(first);
    copycat_map_free(far);
    copycat_client_close(lonely, NULL, NULL);
}

static void await_without_an_end_comes_back_with_the_answer(void **state)
{
    copycat_value *value;

    (void)state;
    assert_int_equal(
        copycat_await(copycat_map_get(map, STR("k"), NULL), COPYCAT_NONE, &value), COPYCAT_OK);
    assert_bytes(copycat_value_bytes(value), "v");
    copycat_value_free(value);
    assert_int_equal(
        copycat_await(copycat_map_get(map, STR("k"), NULL), COPYCAT_NONE - 1, NULL), COPYCAT_OK);
}

/* ---- then ------------------------------------------------------------------------------------ */

struct seen {
    struct bell bell;
    pthread_t thread;
    copycat_status status;
    copycat_status of_await;
    bool is_inside;
    bool was_inside;
    bool is_absent;
};

static void note(copycat_status status, copycat_value *value, void *user)
{
    struct seen *seen = user;

    seen->thread = pthread_self();
    seen->status = status;
    seen->is_absent = copycat_value_is_absent(value);
    seen->was_inside = seen->is_inside;
    copycat_value_free(value);
    bell_ring(&seen->bell);
}

static void then_is_called_on_the_loop_once(void **state)
{
    struct seen seen = {.bell = BELL_INIT};

    (void)state;
    copycat_future_then(copycat_map_get(map, STR("k"), NULL), note, &seen);
    assert_true(bell_wait(&seen.bell, 1));
    assert_int_equal(seen.status, COPYCAT_OK);
    assert_false(seen.is_absent);
    assert_false(pthread_equal(seen.thread, pthread_self()));
    copycat_value_free(result_of(copycat_map_get(map, STR("k"), NULL)));
    assert_int_equal(bell_count(&seen.bell), 1);
}

static void then_comes_on_the_loop_also_for_what_was_refused_at_once(void **state)
{
    struct seen seen = {.bell = BELL_INIT};

    (void)state;
    copycat_future_then(copycat_map_put(map, STR(""), STR("v"), NULL), note, &seen);
    assert_true(bell_wait(&seen.bell, 1));
    assert_int_equal(seen.status, COPYCAT_ERR_INVALID);
    assert_true(seen.is_absent);
    assert_false(pthread_equal(seen.thread, pthread_self()));
}

/* On the loop: a future that is done already is given another callback. */
static void chain(copycat_status status, copycat_value *value, void *user)
{
    struct seen *seen = user;

    (void)status;
    copycat_value_free(value);
    seen->is_inside = true;
    copycat_future_then(copycat_map_put(map, STR(""), STR("v"), NULL), note, seen);
    seen->is_inside = false;
}

static void then_is_never_called_inside_the_call(void **state)
{
    struct seen seen = {.bell = BELL_INIT};

    (void)state;
    copycat_future_then(copycat_map_get(map, STR("k"), NULL), chain, &seen);
    assert_true(bell_wait(&seen.bell, 1));
    assert_int_equal(seen.status, COPYCAT_ERR_INVALID);
    assert_false(seen.was_inside);
}

static void await_there(copycat_status status, copycat_value *value, void *user)
{
    struct seen *seen = user;
    copycat_value *never = value;

    copycat_value_free(value);
    seen->status = status;
    seen->of_await =
        copycat_await(copycat_map_put(map, STR("there"), STR("v"), NULL), COPYCAT_NONE, &never);
    seen->is_absent = never == NULL;
    bell_ring(&seen->bell);
}

static void await_on_the_loop_is_refused(void **state)
{
    struct seen seen = {.bell = BELL_INIT};

    (void)state;
    copycat_future_then(copycat_map_get(map, STR("k"), NULL), await_there, &seen);
    assert_true(bell_wait(&seen.bell, 1));
    assert_int_equal(seen.of_await, COPYCAT_ERR_INVALID);
    assert_true(seen.is_absent);
}

/* ---- drop ------------------------------------------------------------------------------------ */

static void a_dropped_command_is_done_all_the_same(void **state)
{
    copycat_value *value;

    (void)state;
    copycat_future_drop(copycat_map_put(map, STR("dropped"), STR("1"), NULL));
    copycat_future_drop(copycat_map_put(map, STR(""), STR("refused"), NULL));
    value = result_of(copycat_map_get(map, STR("dropped"), NULL)); /* calls keep their order */
    assert_bytes(copycat_value_bytes(value), "1");
    copycat_value_free(value);
}

/* ---- into a queue ---------------------------------------------------------------------------- */

static bool is_readable(const copycat_queue *queue)
{
    struct pollfd wanted = {.fd = copycat_queue_fd(queue), .events = POLLIN};

    return poll(&wanted, 1, 0) == 1;
}

static void an_empty_queue_has_nothing_and_is_not_readable(void **state)
{
    copycat_queue *queue;
    copycat_completion completion;

    (void)state;
    assert_int_equal(copycat_queue_open(&queue), COPYCAT_OK);
    assert_false(is_readable(queue));
    assert_int_equal(copycat_queue_next(queue, 0, &completion), COPYCAT_ERR_TIMEOUT);
    assert_int_equal(copycat_queue_next(queue, 10, &completion), COPYCAT_ERR_TIMEOUT);
    copycat_queue_close(queue);
}

static void a_queue_gives_each_completion_once_with_its_tag(void **state)
{
    copycat_queue *queue;
    copycat_completion completion;
    uint32_t seen[20] = {0};

    (void)state;
    assert_int_equal(copycat_queue_open(&queue), COPYCAT_OK);
    for (uint64_t tag = 0; tag < 20; tag++) {
        assert_int_equal(
            copycat_future_into(copycat_map_get(map, STR("k"), NULL), queue, tag), COPYCAT_OK);
    }
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(copycat_queue_next(queue, PATIENCE_MS, &completion), COPYCAT_OK);
        assert_int_equal(completion.status, COPYCAT_OK);
        assert_bytes(copycat_value_bytes(completion.value), "v");
        copycat_value_free(completion.value);
        seen[completion.tag]++;
    }
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(seen[i], 1);
    }
    assert_false(is_readable(queue));
    copycat_queue_close(queue);
}

static void a_queue_is_readable_while_something_is_in_it(void **state)
{
    struct pollfd wanted;
    copycat_queue *queue;
    copycat_completion completion;

    (void)state;
    assert_int_equal(copycat_queue_open(&queue), COPYCAT_OK);
    assert_int_equal(
        copycat_future_into(copycat_map_put(map, STR(""), STR("v"), NULL), queue, 1), COPYCAT_OK);
    assert_true(is_readable(queue)); /* refused at once, so it is there at once */
    assert_int_equal(
        copycat_future_into(copycat_map_get(map, STR("k"), NULL), queue, 2), COPYCAT_OK);
    assert_int_equal(copycat_queue_next(queue, 0, &completion), COPYCAT_OK);
    assert_int_equal(completion.tag, 1);
    assert_int_equal(completion.status, COPYCAT_ERR_INVALID);
    assert_null(completion.value);
    wanted = (struct pollfd){.fd = copycat_queue_fd(queue), .events = POLLIN};
    assert_int_equal(poll(&wanted, 1, PATIENCE_MS), 1);
    assert_int_equal(copycat_queue_next(queue, 0, &completion), COPYCAT_OK);
    assert_int_equal(completion.tag, 2);
    copycat_value_free(completion.value);
    assert_false(is_readable(queue));
    copycat_queue_close(queue);
}

static void a_closed_queue_frees_what_nobody_took(void **state)
{
    struct pollfd wanted;
    copycat_queue *queue;

    (void)state;
    assert_int_equal(copycat_queue_open(&queue), COPYCAT_OK);
    assert_int_equal(
        copycat_future_into(copycat_map_get(map, STR("k"), NULL), queue, 1), COPYCAT_OK);
    wanted = (struct pollfd){.fd = copycat_queue_fd(queue), .events = POLLIN};
    assert_int_equal(poll(&wanted, 1, PATIENCE_MS), 1);
    copycat_queue_close(queue);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void beyond_window_and_waiting_calls_are_busy(void **state)
{
    copycat_client_options options = COPYCAT_CLIENT_OPTIONS_INIT;
    copycat_client *small;
    copycat_map *far;

    (void)state;
    options.window = 1;
    options.waiting = 2;
    assert_int_equal(
        copycat_client_open(&small, "local:nobody-listens", &options, NULL), COPYCAT_OK);
    far = copycat_map_at(small, "/far");
    for (uint32_t i = 0; i < 3; i++) {
        copycat_future_drop(copycat_map_put(far, STR("k"), STR("v"), NULL));
    }
    assert_int_equal(
        copycat_await(copycat_map_put(far, STR("k"), STR("v"), NULL), PATIENCE_MS, NULL),
        COPYCAT_ERR_BUSY);
    copycat_map_free(far);
    copycat_client_close(small, NULL, NULL);
}

static void place_comes_back_when_calls_end(void **state)
{
    copycat_client_options options = COPYCAT_CLIENT_OPTIONS_INIT;
    copycat_client *small;
    copycat_map *near;

    (void)state;
    options.window = 1;
    options.waiting = 1;
    assert_int_equal(copycat_client_open(&small, cluster.members, &options, NULL), COPYCAT_OK);
    near = copycat_map_at(small, "/near");
    for (uint32_t i = 0; i < 10; i++) {
        copycat_value_free(result_of(copycat_map_put(near, STR("k"), STR("v"), NULL)));
    }
    copycat_map_free(near);
    copycat_client_close(small, NULL, NULL);
}

static void what_was_not_sent_in_time_did_not_happen(void **state)
{
    copycat_call_options options = COPYCAT_CALL_OPTIONS_INIT;
    copycat_client *lonely = lonely_client();
    copycat_map *far = copycat_map_at(lonely, "/far");

    (void)state;
    options.timeout_ms = 20;
    assert_int_equal(
        copycat_await(copycat_map_put(far, STR("k"), STR("v"), &options), COPYCAT_NONE, NULL),
        COPYCAT_ERR_TIMEOUT);
    assert_int_equal(
        copycat_await(copycat_map_get(far, STR("k"), &options), COPYCAT_NONE, NULL),
        COPYCAT_ERR_TIMEOUT);
    copycat_map_free(far);
    copycat_client_close(lonely, NULL, NULL);
}

static void what_was_sent_and_not_answered_has_an_unknown_outcome(void **state)
{
    copycat_call_options options = COPYCAT_CALL_OPTIONS_INIT;
    struct cluster two;
    char first[64];
    copycat_client *other;
    copycat_map *there;

    (void)state;
    cluster_start(&two, 2, NULL);
    snprintf(first, sizeof first, "%.*s", (int)strcspn(two.members, ","), two.members);
    assert_int_equal(copycat_client_open(&other, first, NULL, NULL), COPYCAT_OK);
    there = copycat_map_at(other, "/there");
    copycat_value_free(result_of(copycat_map_put(there, STR("k"), STR("v"), NULL)));
    copycat_server_close(two.servers[1]);
    two.servers[1] = NULL;
    options.timeout_ms = 2000;

    /* Both leave at once, while the connection still stands. */
    copycat_future *with_deadline = copycat_map_put(there, STR("k"), STR("w"), &options);
    copycat_future *without = copycat_map_put(there, STR("k"), STR("x"), NULL);

    assert_int_equal(copycat_await(without, 1500, NULL), COPYCAT_ERR_OUTCOME);
    assert_int_equal(copycat_await(with_deadline, COPYCAT_NONE, NULL), COPYCAT_ERR_OUTCOME);
    copycat_map_free(there);
    copycat_client_close(other, NULL, NULL);
    cluster_end(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(await_takes_back_what_was_not_sent_when_its_time_runs_out),
        cmocka_unit_test(await_says_unknown_of_a_command_behind_one_that_is_under_way),
        cmocka_unit_test(await_without_an_end_comes_back_with_the_answer),
        cmocka_unit_test(then_is_called_on_the_loop_once),
        cmocka_unit_test(then_comes_on_the_loop_also_for_what_was_refused_at_once),
        cmocka_unit_test(then_is_never_called_inside_the_call),
        cmocka_unit_test(await_on_the_loop_is_refused),
        cmocka_unit_test(a_dropped_command_is_done_all_the_same),
        cmocka_unit_test(an_empty_queue_has_nothing_and_is_not_readable),
        cmocka_unit_test(a_queue_gives_each_completion_once_with_its_tag),
        cmocka_unit_test(a_queue_is_readable_while_something_is_in_it),
        cmocka_unit_test(a_closed_queue_frees_what_nobody_took),
        cmocka_unit_test(beyond_window_and_waiting_calls_are_busy),
        cmocka_unit_test(place_comes_back_when_calls_end),
        cmocka_unit_test(what_was_not_sent_in_time_did_not_happen),
        cmocka_unit_test(what_was_sent_and_not_answered_has_an_unknown_outcome),
    };

    return cmocka_run_group_tests(tests, start, end);
}
