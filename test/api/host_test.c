/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_test -- a client that lives in the host's loop: one descriptor, no thread.
 */
#include "test.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>

static struct cluster cluster;

static int start(void **state)
{
    (void)state;
    cluster_start(&cluster, 1, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    cluster_end(&cluster);
    return 0;
}

struct host {
    copycat_client *client;
    copycat_map *map;
    pthread_t thread;
    uint32_t calls;
    uint32_t closes;
    uint32_t depth;
    copycat_status status;
    bool is_elsewhere;
    bool is_nested;
};

static copycat_client *open_at(const char *servers)
{
    copycat_client_options options = COPYCAT_CLIENT_OPTIONS_INIT;
    copycat_client *client;

    options.host_loop = 1;
    assert_int_equal(copycat_client_open(&client, servers, &options, NULL), COPYCAT_OK);
    assert_true(copycat_client_fd(client) >= 0);
    return client;
}

/* The host's loop: sleeps on the descriptor alone, so that a timer that is not behind it would never
 * fire; until the counter has come that far. */
static void loop_until(copycat_client *client, const uint32_t *counter, uint32_t count)
{
    struct pollfd wanted = {.fd = copycat_client_fd(client), .events = POLLIN};

    while (*counter < count) {
        assert_int_equal(poll(&wanted, 1, PATIENCE_MS), 1);
        copycat_client_process(client);
    }
}

static void note(copycat_status status, copycat_value *value, void *user)
{
    struct host *host = user;

    host->status = status;
    host->is_elsewhere = host->is_elsewhere || !pthread_equal(host->thread, pthread_self());
    host->is_nested = host->is_nested || host->depth > 0;
    host->depth++;
    copycat_client_process(host->client); /* in vain: we are in it */
    host->depth--;
    host->calls++;
    copycat_value_free(value);
}

static void note_close(void *user)
{
    struct host *host = user;

    host->closes++;
}

static void close_host(struct host *host)
{
    copycat_client_close(host->client, note_close, host);
    assert_int_equal(host->closes, 0);
    loop_until(host->client, &host->closes, 1);
}

/* The system's own, which work for io_uring, come and go. */
static bool is_worker_of_the_system(const char *task)
{
    char path[300];
    char name[32] = "";
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/task/%s/comm", task);
    file = fopen(path, "r");
    if (file != NULL) {
        (void)fgets(name, sizeof name, file);
        fclose(file);
    }
    return strncmp(name, "iou-", 4) == 0;
}

static uint32_t threads_of_process(void)
{
    DIR *tasks = opendir("/proc/self/task");
    uint32_t count = 0;

    assert_non_null(tasks);
    for (const struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
        count += task->d_name[0] != '.' && !is_worker_of_the_system(task->d_name);
    }
    closedir(tasks);
    return count;
}

static void write_once(void)
{
    copycat_client *client = cluster_client(&cluster);
    copycat_map *map = copycat_map_at(client, "/host");

    copycat_value_free(result_of(copycat_map_put(map, STR("k"), STR("v"), NULL)));
    copycat_map_free(map);
    copycat_client_close(client, NULL, NULL);
}

static void calls_are_answered_in_the_hosts_thread_and_no_other_is_made(void **state)
{
    struct host host = {.thread = pthread_self()};
    uint32_t threads;

    (void)state;
    write_once(); /* so that the server has made what it needs */
    threads = threads_of_process();
    host.client = open_at(cluster.members);
    host.map = copycat_map_at(host.client, "/host");
    for (uint32_t i = 0; i < 10; i++) {
        copycat_future_then(copycat_map_put(host.map, STR("k"), STR("v"), NULL), note, &host);
    }
    assert_int_equal(host.calls, 0);
    loop_until(host.client, &host.calls, 10);
    assert_int_equal(host.status, COPYCAT_OK);
    assert_false(host.is_elsewhere);
    assert_false(host.is_nested);
    assert_int_equal(threads_of_process(), threads);
    copycat_map_free(host.map);
    close_host(&host);
}

static void timers_are_behind_the_descriptor(void **state)
{
    struct host host = {.thread = pthread_self()};
    copycat_call_options options = COPYCAT_CALL_OPTIONS_INIT;

    (void)state;
    options.timeout_ms = 50;
    host.client = open_at("local:nobody-listens");
    host.map = copycat_map_at(host.client, "/host");
    copycat_future_then(copycat_map_get(host.map, STR("k"), &options), note, &host);
    loop_until(host.client, &host.calls, 1);
    assert_int_equal(host.status, COPYCAT_ERR_TIMEOUT);
    copycat_map_free(host.map);
    close_host(&host);
}

static void await_in_the_hosts_loop_would_wait_for_itself(void **state)
{
    struct host host = {.thread = pthread_self()};

    (void)state;
    host.client = open_at(cluster.members);
    host.map = copycat_map_at(host.client, "/host");
    assert_int_equal(
        copycat_await(copycat_map_get(host.map, STR("k"), NULL), COPYCAT_NONE, NULL),
        COPYCAT_ERR_INVALID);
    copycat_map_free(host.map);
    close_host(&host);
}

static void *await_there(void *argument)
{
    struct host *host = argument;

    host->status =
        copycat_await(copycat_map_put(host->map, STR("k"), STR("v"), NULL), PATIENCE_MS, NULL);
    copycat_future_then(copycat_map_get(host->map, STR("k"), NULL), note, host);
    return NULL;
}

static void another_thread_may_call_and_wait(void **state)
{
    struct host host = {.thread = pthread_self(), .status = COPYCAT_ERR_INVALID};
    pthread_t other;

    (void)state;
    host.client = open_at(cluster.members);
    host.map = copycat_map_at(host.client, "/host");
    assert_int_equal(pthread_create(&other, NULL, await_there, &host), 0);
    loop_until(host.client, &host.calls, 1);
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_int_equal(host.status, COPYCAT_OK);
    assert_false(host.is_elsewhere);
    copycat_map_free(host.map);
    close_host(&host);
}

static void closing_ends_what_is_outstanding_before_it_is_reported(void **state)
{
    struct host host = {.thread = pthread_self()};

    (void)state;
    host.client = open_at("local:nobody-listens");
    host.map = copycat_map_at(host.client, "/host");
    for (uint32_t i = 0; i < 3; i++) {
        copycat_future_then(copycat_map_get(host.map, STR("k"), NULL), note, &host);
    }
    close_host(&host);
    assert_int_equal(host.calls, 3);
    assert_int_equal(host.status, COPYCAT_ERR_CLOSED);
    copycat_map_free(host.map);
}

static void close_here(copycat_status status, copycat_value *value, void *user)
{
    struct host *host = user;

    (void)status;
    copycat_value_free(value);
    copycat_client_close(host->client, note_close, host);
}

static void a_callback_may_close_it(void **state)
{
    struct host host = {.thread = pthread_self()};

    (void)state;
    host.client = open_at(cluster.members);
    host.map = copycat_map_at(host.client, "/host");
    copycat_future_then(copycat_map_get(host.map, STR("k"), NULL), close_here, &host);
    loop_until(host.client, &host.closes, 1);
    copycat_map_free(host.map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_answered_in_the_hosts_thread_and_no_other_is_made),
        cmocka_unit_test(timers_are_behind_the_descriptor),
        cmocka_unit_test(await_in_the_hosts_loop_would_wait_for_itself),
        cmocka_unit_test(another_thread_may_call_and_wait),
        cmocka_unit_test(closing_ends_what_is_outstanding_before_it_is_reported),
        cmocka_unit_test(a_callback_may_close_it),
    };

    return cmocka_run_group_tests(tests, start, end);
}
