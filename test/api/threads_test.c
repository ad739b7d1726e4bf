/* SPDX-License-Identifier: Apache-2.0 */
/*
 * threads_test -- many threads of a host, one client; many clients, opened and closed; and forks in
 * between.
 */
#include "test.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8u
#define ROUNDS 60u
#define CLIENTS 12u
#define FORKS 20u

/* A child that hangs is ended, and so is found out. */
#define CHILD_SECONDS 20u

static struct cluster cluster;
static copycat_client *client;
static copycat_map *map;
static copycat_queue *queue;

static int start(void **state)
{
    (void)state;
    cluster_start(&cluster, 1, NULL);
    client = cluster_client(&cluster);
    map = copycat_map_at(client, "/threads");
    return copycat_queue_open(&queue);
}

static int end(void **state)
{
    (void)state;
    copycat_map_free(map);
    copycat_client_close(client, NULL, NULL);
    copycat_queue_close(queue);
    cluster_end(&cluster);
    return 0;
}

static void run_threads(void *(*body)(void *argument), void *results[THREADS])
{
    pthread_t threads[THREADS];

    for (uintptr_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, body, (void *)i), 0);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &results[i]), 0);
    }
}

/* ---- one client ------------------------------------------------------------------------------ */

static struct bell arrived = BELL_INIT;
static atomic_uint stored;

static void count_stored(copycat_status status, copycat_value *value, void *user)
{
    (void)user;
    if (status == COPYCAT_OK && copycat_value_is_absent(value)) {
        atomic_fetch_add(&stored, 1);
    }
    copycat_value_free(value);
    bell_ring(&arrived);
}

/* All threads store the same keys: each key is stored by one of them. */
static void *store_in_three_ways(void *argument)
{
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t key = i;
        copycat_bytes bytes = {&key, sizeof key};
        copycat_future *future = copycat_map_put_if_absent(map, bytes, STR("x"), NULL);
        copycat_value *value = NULL;
        copycat_status status;

        switch ((i + (uintptr_t)argument) % 3) {
        case 0:
            status = copycat_await(future, PATIENCE_MS, &value);
            count_stored(status, value, NULL);
            break;
        case 1:
            copycat_future_then(future, count_stored, NULL);
            break;
        default:
            if (copycat_future_into(future, queue, i) != COPYCAT_OK) {
                return NULL;
            }
        }
    }
    return &stored;
}

static void *drain(void *argument)
{
    copycat_completion completion;
    uint32_t expected = 0;

    for (uint32_t i = 0; i < ROUNDS; i++) {
        for (uint32_t thread = 0; thread < THREADS; thread++) {
            expected += (i + thread) % 3 == 2;
        }
    }
    for (uint32_t i = 0; i < expected; i++) {
        if (copycat_queue_next(queue, PATIENCE_MS, &completion) != COPYCAT_OK) {
            return NULL;
        }
        count_stored(completion.status, completion.value, NULL);
    }
    return argument;
}

static void many_threads_share_a_client(void **state)
{
    void *results[THREADS];
    pthread_t drainer;
    void *drained;

    (void)state;
    assert_int_equal(pthread_create(&drainer, NULL, drain, &arrived), 0);
    run_threads(store_in_three_ways, results);
    assert_int_equal(pthread_join(drainer, &drained), 0);
    assert_non_null(drained);
    for (uint32_t i = 0; i < THREADS; i++) {
        assert_non_null(results[i]);
    }
    assert_true(bell_wait(&arrived, THREADS * ROUNDS));
    assert_int_equal(atomic_load(&stored), ROUNDS);
}

/* ---- taken back ------------------------------------------------------------------------------ */

static copycat_client *narrow; /* one call under way, so that others wait unsent */
static atomic_uint taken_back;

/* True if the map has what the status says: taken back is absent, done is there. */
static bool is_as_told(copycat_map *own, copycat_bytes key, copycat_status status)
{
    copycat_value *value = NULL;
    bool is_absent;

    if (copycat_await(copycat_map_get(own, key, NULL), PATIENCE_MS, &value) != COPYCAT_OK) {
        return false;
    }
    is_absent = copycat_value_is_absent(value) != 0;
    copycat_value_free(value);
    return status == COPYCAT_OK            ? !is_absent
           : status == COPYCAT_ERR_OUTCOME ? true
                                           : status == COPYCAT_ERR_TIMEOUT && is_absent;
}

static void *wait_too_short(void *argument)
{
    copycat_status statuses[ROUNDS];
    bool is_well = true;
    copycat_map *own;
    char path[32];

    snprintf(path, sizeof path, "/late/%u", (unsigned)(uintptr_t)argument);
    own = copycat_map_at(narrow, path);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        copycat_bytes key = {&i, sizeof i};

        statuses[i] = copycat_await(copycat_map_put(own, key, STR("x"), NULL), i % 3, NULL);
        atomic_fetch_add(&taken_back, statuses[i] == COPYCAT_ERR_TIMEOUT);
    }
    for (uint32_t i = 0; i < ROUNDS; i++) {
        is_well = is_as_told(own, (copycat_bytes){&i, sizeof i}, statuses[i]) && is_well;
    }
    copycat_map_free(own);
    return is_well ? &taken_back : NULL;
}

static void what_await_took_back_did_not_happen(void **state)
{
    copycat_client_options options = COPYCAT_CLIENT_OPTIONS_INIT;
    void *results[THREADS];

    (void)state;
    options.window = 1;
    assert_int_equal(copycat_client_open(&narrow, cluster.members, &options, NULL), COPYCAT_OK);
    run_threads(wait_too_short, results);
    for (uint32_t i = 0; i < THREADS; i++) {
        assert_non_null(results[i]);
    }
    assert_true(atomic_load(&taken_back) > 0);
    copycat_client_close(narrow, NULL, NULL);
}

/* ---- many clients ---------------------------------------------------------------------------- */

static void *open_use_close(void *argument)
{
    void *result = &cluster;

    for (uint32_t i = 0; i < CLIENTS; i++) {
        copycat_client *own = cluster_client(&cluster);
        copycat_map *there = copycat_map_at(own, "/clients");

        if (i % 3 == 0) {
            copycat_future_drop(copycat_map_put(there, STR("k"), STR("v"), NULL));
        } else if (
            copycat_await(copycat_map_put(there, STR("k"), STR("v"), NULL), PATIENCE_MS, NULL) !=
            COPYCAT_OK) {
            result = NULL;
        }
        copycat_map_free(there);
        copycat_client_close(own, NULL, NULL);
    }
    return argument == NULL || result == NULL ? result : argument;
}

static void threads_open_and_close_clients_of_their_own(void **state)
{
    void *results[THREADS];

    (void)state;
    run_threads(open_use_close, results);
    for (uint32_t i = 0; i < THREADS; i++) {
        assert_non_null(results[i]);
    }
}

/* ---- calls against the close ----------------------------------------------------------------- */

struct race {
    copycat_map *map;
    struct bell begun;
    uint32_t closed;
    uint32_t wrong;
};

static void *call_until_closed(void *argument)
{
    struct race *race = argument;
    copycat_status status = COPYCAT_OK;

    while (status == COPYCAT_OK) {
        status = copycat_await(copycat_map_get(race->map, STR("k"), NULL), PATIENCE_MS, NULL);
        bell_ring(&race->begun);
    }
    race->closed = status == COPYCAT_ERR_CLOSED;
    return NULL;
}

static void calls_may_race_with_the_close(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 10; i++) {
        copycat_client *own = cluster_client(&cluster);
        struct race races[3] = {{.begun = BELL_INIT}, {.begun = BELL_INIT}, {.begun = BELL_INIT}};
        pthread_t threads[3];
        copycat_map *shared = copycat_map_at(own, "/race");

        for (uint32_t k = 0; k < 3; k++) {
            races[k].map = shared;
            assert_int_equal(pthread_create(&threads[k], NULL, call_until_closed, &races[k]), 0);
        }
        assert_true(bell_wait(&races[i % 3].begun, 1 + i));
        copycat_client_close(own, NULL, NULL);
        for (uint32_t k = 0; k < 3; k++) {
            assert_int_equal(pthread_join(threads[k], NULL), 0);
            assert_int_equal(races[k].closed, 1);
        }
        copycat_map_free(shared);
    }
}

/* ---- forks ----------------------------------------------------------------------------------- */

static uint32_t thens;

static void count_closed(copycat_status status, copycat_value *value, void *user)
{
    (void)user;
    copycat_value_free(value);
    thens += status == COPYCAT_ERR_CLOSED;
}

/* 0 if all that the parent has opened is dead here, else which step was not so. */
static int look_around(copycat_future *of_parent)
{
    copycat_server_status status = {.size = sizeof status};
    copycat_completion completion;
    copycat_value *value;

    if (copycat_await(of_parent, COPYCAT_NONE, &value) != COPYCAT_ERR_CLOSED ||
        copycat_await(copycat_map_get(map, STR("k"), NULL), COPYCAT_NONE, &value) !=
            COPYCAT_ERR_CLOSED) {
        return 1;
    }
    copycat_future_then(copycat_map_get(map, STR("k"), NULL), count_closed, NULL);
    if (thens != 1) {
        return 2;
    }
    if (copycat_future_into(copycat_map_get(map, STR("k"), NULL), queue, 0) != COPYCAT_ERR_CLOSED ||
        copycat_queue_next(queue, COPYCAT_NONE, &completion) != COPYCAT_ERR_CLOSED) {
        return 3;
    }
    copycat_future_drop(copycat_map_get(map, STR("k"), NULL));
    if (copycat_client_state(client) != COPYCAT_CLIENT_CLOSED) {
        return 4;
    }
    copycat_server_status_of(cluster.servers[0], &status);
    if (status.state != COPYCAT_SERVER_FAILED || status.failure != COPYCAT_ERR_CLOSED ||
        copycat_server_hand_over(cluster.servers[0], COPYCAT_NONE) != COPYCAT_ERR_CLOSED) {
        return 5;
    }
    copycat_map_free(copycat_map_at(client, "/other"));
    copycat_map_free(map);
    copycat_client_close(client, NULL, NULL);
    copycat_queue_close(queue);
    copycat_server_close(cluster.servers[0]);
    return 0;
}

static void assert_child_is_content(copycat_future *of_parent)
{
    pid_t child;
    int status;

    (void)fflush(NULL);
    child = fork();
    if (child == 0) {
        (void)alarm(CHILD_SECONDS);
        _exit(look_around(of_parent));
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static atomic_bool is_enough;

static void *keep_busy(void *argument)
{
    while (!atomic_load(&is_enough)) {
        copycat_status status =
            copycat_await(copycat_map_put(map, STR("busy"), STR("v"), NULL), PATIENCE_MS, NULL);

        if (status != COPYCAT_OK) {
            return NULL;
        }
    }
    return argument;
}

static void in_a_child_everything_is_closed_and_the_parent_goes_on(void **state)
{
    pthread_t busy;
    void *result;

    (void)state;
    assert_int_equal(pthread_create(&busy, NULL, keep_busy, &cluster), 0);
    for (uint32_t i = 0; i < FORKS; i++) {
        copycat_future *future = copycat_map_get(map, STR("k"), NULL);

        assert_child_is_content(future);
        assert_int_equal(copycat_await(future, PATIENCE_MS, NULL), COPYCAT_OK);
    }
    atomic_store(&is_enough, true);
    assert_int_equal(pthread_join(busy, &result), 0);
    assert_non_null(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_threads_share_a_client),
        cmocka_unit_test(what_await_took_back_did_not_happen),
        cmocka_unit_test(threads_open_and_close_clients_of_their_own),
        cmocka_unit_test(calls_may_race_with_the_close),
        cmocka_unit_test(in_a_child_everything_is_closed_and_the_parent_goes_on),
    };

    return cmocka_run_group_tests(tests, start, end);
}
