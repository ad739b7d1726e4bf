/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_test -- the n-th request for memory inside the library fails, for every n until a story
 * passes unharmed; and so do some that follow it.
 *
 *   R1  a call fails with MEMORY, a command whose answer found no memory with OUTCOME; no call is
 *       lost, none crashes, and NULL is returned only where there is a status beside it
 *   R2  what succeeded has happened once, what failed with MEMORY has not
 *   R3  a server that finds none while it is being opened says so, and can then be opened; one that
 *       runs already tells on_panic before it ends its process
 */
#include "counter_machine.h"
#include "scarce.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUESTS_MAX 5000u
#define LARGE 100000u
#define SLICE_MS 20u

/* ---- a server in a process of its own ---------------------------------------------------------- */

static char root[64];
static char address[128];
static pid_t server_process;
static int lifeline;

static copycat_server *open_server(const char *directory, const char *members)
{
    static const copycat_machine_type *const machines[] = {&counter_machine};
    copycat_server_options options = COPYCAT_SERVER_OPTIONS_INIT;
    copycat_server *server;

    options.id = 1;
    options.members = members;
    options.data_dir = directory;
    options.machines = machines;
    options.machine_count = 1;
    options.journal_file_size = 1u << 20;
    return copycat_server_open(&server, &options, NULL) == COPYCAT_OK ? server : NULL;
}

static void serve(int end)
{
    char directory[96];
    char members[160];
    char nothing;
    copycat_server *server;

    snprintf(directory, sizeof directory, "%s/server", root);
    snprintf(members, sizeof members, "1=%s", address);
    server = open_server(directory, members);
    (void)read(end, &nothing, 1); /* until the test is over */
    copycat_server_close(server);
    _exit(server == NULL);
}

static int start(void **state)
{
    int ends[2];

    (void)state;
    snprintf(address, sizeof address, "unix:%s/socket", root);
    assert_int_equal(pipe(ends), 0);
    server_process = fork();
    assert_true(server_process >= 0);
    if (server_process == 0) {
        close(ends[1]);
        serve(ends[0]);
    }
    close(ends[0]);
    lifeline = ends[1];
    return 0;
}

static int end(void **state)
{
    int status;

    (void)state;
    close(lifeline);
    assert_int_equal(waitpid(server_process, &status, 0), server_process);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* ---- the story of a client --------------------------------------------------------------------- */

struct story {
    copycat_client *client;
    copycat_queue *queue;
    copycat_map *map;
    copycat_resource *counter;
    struct bell called;
    struct bell closed;
    uint32_t done; /* additions that have succeeded */
    uint32_t open; /* and those of which nobody knows */
};

/* R1 */
static void assert_expected(copycat_status status, bool is_command)
{
    if (status != COPYCAT_OK && status != COPYCAT_ERR_MEMORY &&
        (status != COPYCAT_ERR_OUTCOME || !is_command)) {
        fail_msg("%d: %s", (int)status, copycat_status_text(status));
    }
}

static void await(copycat_future *future, bool is_command)
{
    copycat_value *value = NULL;
    copycat_status status;

    assert_non_null(future);
    status = copycat_await(future, PATIENCE_MS, &value);
    assert_expected(status, is_command);
    assert_true((value != NULL) == (status == COPYCAT_OK));
    copycat_value_free(value);
}

static void count(struct story *story, copycat_status status)
{
    assert_expected(status, true);
    story->done += status == COPYCAT_OK;
    story->open += status == COPYCAT_ERR_OUTCOME;
}

static void called(copycat_status status, copycat_value *value, void *user)
{
    struct story *story = user;

    copycat_value_free(value);
    count(story, status);
    bell_ring(&story->called);
}

static void closed(void *user)
{
    struct story *story = user;

    bell_ring(&story->closed);
}

static copycat_future *add(struct story *story)
{
    return copycat_resource_submit(story->counter, STR("add 1"), NULL);
}

/* Three ways to take an outcome. */
static void add_thrice(struct story *story)
{
    copycat_completion completion;
    copycat_status status;
    copycat_future *future = add(story);

    assert_non_null(future);
    count(story, copycat_await(future, PATIENCE_MS, NULL));
    copycat_future_then(add(story), called, story);
    assert_true(bell_wait(&story->called, 1));
    status = copycat_future_into(add(story), story->queue, 7);
    if (status == COPYCAT_OK) {
        assert_int_equal(copycat_queue_next(story->queue, PATIENCE_MS, &completion), COPYCAT_OK);
        assert_int_equal(completion.tag, 7);
        copycat_value_free(completion.value);
        status = completion.status;
    }
    count(story, status);
}

static void use_the_map(struct story *story)
{
    static char large[LARGE];

    await(copycat_map_put(story->map, STR("small"), STR("value"), NULL), true);
    await(
        copycat_map_put(story->map, STR("large"), (copycat_bytes){large, sizeof large}, NULL),
        true);
    await(copycat_map_get(story->map, STR("large"), NULL), false);
    await(copycat_map_contains(story->map, STR("small"), NULL), false);
    await(copycat_map_size(story->map, NULL), false);
    await(copycat_map_keys(story->map, (copycat_bytes){NULL, 0}, 0, NULL), false);
    await(copycat_map_compare_and_set(story->map, STR("a"), STR("b"), STR("c"), NULL), true);
    await(copycat_map_remove(story->map, STR("large"), NULL), true);
    copycat_future_drop(copycat_map_clear(story->map, NULL));
}

static void probe(void)
{
    static copycat_probe result;
    copycat_message message = {""};
    copycat_status status;

    result = (copycat_probe){.size = sizeof result};
    status = copycat_probe_server(address, PATIENCE_MS, &result, &message);
    if (status != COPYCAT_ERR_UNAVAILABLE) { /* the connection broke off */
        assert_expected(status, false);
    }
    assert_true(message.text[0] != '\0' || status == COPYCAT_OK);
}

static void tell(struct story *story, const char *path)
{
    copycat_message message = {""};
    copycat_status status;

    *story = (struct story){.called = BELL_INIT, .closed = BELL_INIT};
    status = copycat_queue_open(&story->queue);
    if (status != COPYCAT_OK) {
        assert_int_equal(status, COPYCAT_ERR_MEMORY);
        return;
    }
    status = copycat_client_open(&story->client, address, NULL, &message);
    if (status != COPYCAT_OK) {
        assert_expected(status, false);
        assert_null(story->client);
        assert_true(message.text[0] != '\0');
        copycat_queue_close(story->queue);
        return;
    }
    story->map = copycat_map_at(story->client, "/map");
    story->counter = copycat_resource_at(story->client, path, COUNTER_TYPE);
    assert_non_null(story->map);
    assert_non_null(story->counter);
    add_thrice(story);
    use_the_map(story);
    copycat_map_free(story->map);
    copycat_resource_free(story->counter);
    copycat_client_close(story->client, closed, story);
    assert_int_equal(bell_count(&story->closed), 1);
    copycat_queue_close(story->queue);
    probe();
}

/* R2 */
static void assert_happened_once(const struct story *story, const char *path)
{
    copycat_client *client;
    copycat_resource *counter;
    copycat_value *value;
    uint64_t number;

    assert_int_equal(copycat_client_open(&client, address, NULL, NULL), COPYCAT_OK);
    counter = copycat_resource_at(client, path, COUNTER_TYPE);
    value = result_of(copycat_resource_query(counter, (copycat_bytes){NULL, 0}, NULL));
    number = strtoull(copycat_value_bytes(value).data, NULL, 10);
    copycat_value_free(value);
    copycat_resource_free(counter);
    copycat_client_close(client, NULL, NULL);
    assert_in_range(number, story->done, story->done + story->open);
}

static void sweep_client(uint32_t count_of_failures)
{
    uint32_t first = 0;
    bool has_failed;

    do {
        struct story story;
        char path[64];

        snprintf(path, sizeof path, "/counter/%u/%u", count_of_failures, ++first);
        scarce_begin(first, count_of_failures);
        tell(&story, path);
        has_failed = scarce_end();
        assert_happened_once(&story, path);
    } while (has_failed && first < REQUESTS_MAX);
    assert_false(has_failed);
    print_message("client: %u failing points, %u in a row\n", first - 1, count_of_failures);
}

static void each_request_of_a_client_for_memory_may_fail(void **state)
{
    (void)state;
    sweep_client(1);
}

static void each_and_the_next_requests_of_a_client_for_memory_may_fail(void **state)
{
    (void)state;
    sweep_client(5);
}

/* ---- the story of a server ---------------------------------------------------------------------- */

enum ending {
    ENDING_UNHARMED, /* nothing failed */
    ENDING_ON,       /* something did, and it went on */
    ENDING_REFUSED,  /* it was not opened, but the second time */
    ENDING_STOPPED,  /* it was open, and has stopped, or ended its process after its last words */
    ENDING_WRONG,
    ENDINGS
};

static void stop(const char *file, uint32_t line, const char *promise, void *user)
{
    (void)file;
    (void)line;
    (void)promise;
    (void)user;
    _exit(ENDING_STOPPED);
}

/* R3; a disk request that finds no memory is an I/O error like any other. */
static bool says_memory(copycat_status status, const copycat_message *message)
{
    return (status == COPYCAT_ERR_MEMORY && message->text[0] != '\0') ||
           (status == COPYCAT_ERR_IO && strstr(message->text, "not enough memory") != NULL);
}

static bool has_stopped(copycat_server *server)
{
    copycat_server_status status = {.size = sizeof status};

    copycat_server_status_of(server, &status);
    return status.state == COPYCAT_SERVER_FAILED;
}

/* Until the write is answered; false: the server has stopped, and nobody will. */
static bool write_through(copycat_server *server, copycat_client *client, copycat_queue *queue)
{
    copycat_map *map = copycat_map_at(client, "/map");
    copycat_future *future = copycat_map_put(map, STR("key"), STR("value"), NULL);
    copycat_status status = copycat_future_into(future, queue, 0);
    copycat_completion completion;
    bool is_up = true;

    while (status == COPYCAT_OK && is_up &&
           copycat_queue_next(queue, SLICE_MS, &completion) == COPYCAT_ERR_TIMEOUT) {
        is_up = !has_stopped(server);
    }
    if (status == COPYCAT_OK && is_up) {
        copycat_value_free(completion.value);
    }
    copycat_map_free(map);
    return is_up;
}

/* A client of the process's own server, which may find no memory either; false as above. */
static bool use(copycat_server *server, const char *members)
{
    copycat_client *client;
    copycat_queue *queue;
    bool is_up = true;

    if (copycat_queue_open(&queue) != COPYCAT_OK) {
        return true;
    }
    if (copycat_client_open(&client, members, NULL, NULL) == COPYCAT_OK) {
        is_up = write_through(server, client, queue);
        copycat_client_close(client, NULL, NULL);
    }
    copycat_queue_close(queue);
    return is_up;
}

/* In a process of its own: opened, used and closed while the first-th request fails. */
static void live(const char *directory, uint32_t first, bool is_used)
{
    static const copycat_machine_type *const machines[] = {&counter_machine};
    const struct rlimit none = {0, 0};
    copycat_server_options options = COPYCAT_SERVER_OPTIONS_INIT;
    copycat_message message = {""};
    copycat_server *server;
    copycat_status status;
    bool is_up;

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)alarm(60);
    options.id = 1;
    options.members = "1=local:member";
    options.data_dir = directory;
    options.machines = machines;
    options.machine_count = 1;
    options.journal_file_size = 1u << 20;
    options.on_panic = stop;
    scarce_begin(first, 1);
    status = copycat_server_open(&server, &options, &message);
    if (status != COPYCAT_OK) {
        (void)scarce_end();
        if (!says_memory(status, &message) || server != NULL) {
            _exit(ENDING_WRONG);
        }
        status = copycat_server_open(&server, &options, &message);
        is_up = status == COPYCAT_OK && use(server, options.members);
        copycat_server_close(status == COPYCAT_OK ? server : NULL);
        _exit(is_up ? ENDING_REFUSED : ENDING_WRONG);
    }
    is_up = !is_used || use(server, options.members);
    copycat_server_close(server);
    if (!scarce_end()) {
        _exit(is_up ? ENDING_UNHARMED : ENDING_WRONG);
    }
    _exit(is_up ? ENDING_ON : ENDING_STOPPED);
}

static enum ending life_of_a_server(const char *directory, uint32_t first, bool is_used)
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        live(directory, first, is_used);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) >= ENDING_WRONG) {
        print_message("request %u: status %x\n", first, (unsigned)status);
        return ENDING_WRONG;
    }
    return (enum ending)WEXITSTATUS(status);
}

/* `has_past`: each finds what another life has left behind; else no directory. */
static void sweep_server(bool has_past, bool is_used)
{
    uint32_t endings[ENDINGS] = {0};
    char directory[96];
    uint32_t first = 0;
    enum ending ending;

    snprintf(directory, sizeof directory, "%s/swept", root);
    do {
        if (has_past) {
            assert_int_equal(life_of_a_server(directory, REQUESTS_MAX, true), ENDING_UNHARMED);
        }
        ending = life_of_a_server(directory, ++first, is_used);
        endings[ending]++;
        directory_remove(directory);
    } while (ending != ENDING_UNHARMED && first < REQUESTS_MAX);
    print_message(
        "server: %u failing points: %u refused, %u stopped, %u went on, %u wrong\n", first - 1,
        endings[ENDING_REFUSED], endings[ENDING_STOPPED], endings[ENDING_ON],
        endings[ENDING_WRONG]);
    assert_int_equal(endings[ENDING_WRONG], 0);
    assert_int_equal(ending, ENDING_UNHARMED);
    assert_true(endings[ENDING_REFUSED] > 0);
}

static void each_request_for_memory_may_fail_where_a_server_is_opened_for_the_first_time(
    void **state)
{
    (void)state;
    sweep_server(false, false);
}

static void each_request_for_memory_may_fail_where_a_server_recovers_and_serves(void **state)
{
    (void)state;
    sweep_server(true, true);
}

static int make_root(void **state)
{
    (void)state;
    directory_make(root);
    return 0;
}

static int remove_root(void **state)
{
    (void)state;
    directory_remove(root);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            each_request_for_memory_may_fail_where_a_server_is_opened_for_the_first_time),
        cmocka_unit_test(each_request_for_memory_may_fail_where_a_server_recovers_and_serves),
        cmocka_unit_test_setup_teardown(each_request_of_a_client_for_memory_may_fail, start, end),
        cmocka_unit_test_setup_teardown(
            each_and_the_next_requests_of_a_client_for_memory_may_fail, start, end),
    };
    cmocka_set_test_filter(argc == 2 ? argv[1] : NULL);
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
