/* SPDX-License-Identifier: Apache-2.0 */
/*
 * panic_host -- a program in which a promise of the library is broken, for panic_test to look at.
 * Two ways lead there without touching the library: a machine that releases a commit twice, and a
 * host that closes a descriptor which is not its own and opens a file in its place, here of a client's
 * timer.
 * usage: panic_host STORY DIRECTORY
 */
#include "cluster.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FAULTY_TYPE 2000u

static void must(bool is_so, const char *what)
{
    if (!is_so) {
        printf("panic_host: not so: %s\n", what);
        fflush(stdout);
        _exit(1);
    }
}

/* ---- a machine with a fault ------------------------------------------------------------------ */

static void *create(copycat_memory *memory)
{
    (void)memory;
    return (void *)(uintptr_t) "faulty";
}

static void destroy(void *machine)
{
    (void)machine;
}

static void apply(void *machine, copycat_context *context, const copycat_commit *commit)
{
    (void)machine;
    copycat_context_release(context, commit->index);
    copycat_context_release(context, commit->index);
}

static void query(const void *machine, copycat_reading *reading, copycat_bytes operation)
{
    (void)machine;
    copycat_reading_answer(reading, COPYCAT_OK, operation);
}

static uint64_t digest(const void *machine)
{
    (void)machine;
    return 0;
}

static void restore_commit(void *machine, const copycat_commit *commit)
{
    (void)machine;
    (void)commit;
}

static const copycat_machine_type faulty_machine = {
    .id = FAULTY_TYPE,
    .version = 1,
    .name = "faulty",
    .create = create,
    .destroy = destroy,
    .apply = apply,
    .query = query,
    .digest = digest,
    .restore_commit = restore_commit,
};

/* ---- servers --------------------------------------------------------------------------------- */

static const char *directory;

static void last_words(const char *file, uint32_t line, const char *promise, void *user)
{
    printf("%s: %s:%u: %s\n", (const char *)user, file, line, promise);
    fflush(stdout);
}

static void leave(const char *file, uint32_t line, const char *promise, void *user)
{
    last_words(file, line, promise, user);
    _exit(7);
}

static copycat_server *open_server(
    void (*on_panic)(const char *file, uint32_t line, const char *promise, void *user))
{
    const copycat_machine_type *machines[] = {&faulty_machine};
    copycat_server_options options = COPYCAT_SERVER_OPTIONS_INIT;
    copycat_message message;
    copycat_server *server;

    options.id = 1;
    options.members = "1=local:one";
    options.data_dir = directory;
    options.machines = machines;
    options.machine_count = 1;
    options.on_panic = on_panic;
    options.user = (void *)(uintptr_t) "last words";
    must(copycat_server_open(&server, &options, &message) == COPYCAT_OK, message.text);
    return server;
}

static void break_the_server(
    void (*on_panic)(const char *file, uint32_t line, const char *promise, void *user))
{
    copycat_client *client;
    copycat_resource *resource;

    (void)open_server(on_panic);
    must(copycat_client_open(&client, "local:one", NULL, NULL) == COPYCAT_OK, "a client opens");
    resource = copycat_resource_at(client, "/faulty", FAULTY_TYPE);
    (void)copycat_await(
        copycat_resource_submit(resource, COPYCAT_STR("x"), NULL), PATIENCE_MS, NULL);
    must(false, "nothing comes after a server's end");
}

/* ---- clients --------------------------------------------------------------------------------- */

#define DESCRIPTORS_MAX 256

static bool is_what(int descriptor, const char *kind)
{
    char path[64];
    char target[64] = "";

    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    return readlink(path, target, sizeof target - 1) > 0 && strstr(target, kind) != NULL;
}

static void find_timers(bool timers[DESCRIPTORS_MAX])
{
    for (int descriptor = 0; descriptor < DESCRIPTORS_MAX; descriptor++) {
        timers[descriptor] = is_what(descriptor, "timerfd");
    }
}

struct story {
    copycat_client *client;
    copycat_map *map;
    struct bell ended;
    struct bell called;
    struct bell closed;
    copycat_status status;
    int timer;
};

static void on_changed(uint32_t state, void *user)
{
    struct story *story = user;

    if (state == COPYCAT_CLIENT_ENDED) {
        bell_ring(&story->ended);
    }
}

static void on_called(copycat_status status, copycat_value *value, void *user)
{
    struct story *story = user;

    copycat_value_free(value);
    story->status = status;
    bell_ring(&story->called);
}

static void on_closed(void *user)
{
    struct story *story = user;

    bell_ring(&story->closed);
}

static void open_client(struct story *story, uint32_t host_loop)
{
    copycat_client_options options = COPYCAT_CLIENT_OPTIONS_INIT;
    bool before[DESCRIPTORS_MAX];
    bool after[DESCRIPTORS_MAX];

    *story = (struct story){.ended = BELL_INIT, .called = BELL_INIT, .closed = BELL_INIT};
    options.changed = on_changed;
    options.user = story;
    options.host_loop = host_loop;
    find_timers(before);
    must(
        copycat_client_open(&story->client, "local:one", &options, NULL) == COPYCAT_OK,
        "a client opens");
    find_timers(after);
    for (int i = 0; i < DESCRIPTORS_MAX; i++) {
        story->timer = after[i] && !before[i] ? i : story->timer;
    }
    must(story->timer > 0, "a client has a timer");
    story->map = copycat_map_at(story->client, "/map");
}

static copycat_future *put(struct story *story)
{
    return copycat_map_put(story->map, COPYCAT_STR("key"), COPYCAT_STR("value"), NULL);
}

/* Puts another file in the place of the client's timer, and has the alarm set at once. */
static copycat_future *put_without_a_timer(struct story *story)
{
    copycat_call_options options = COPYCAT_CALL_OPTIONS_INIT;
    int other = open("/dev/null", O_RDONLY | O_CLOEXEC);

    must(other >= 0 && dup3(other, story->timer, O_CLOEXEC) >= 0, "a file takes its place");
    close(other);
    options.timeout_ms = 1;
    return copycat_map_put(story->map, COPYCAT_STR("key"), COPYCAT_STR("value"), &options);
}

static void process_until(struct story *story, struct bell *bell, uint32_t count)
{
    struct pollfd wanted = {.fd = copycat_client_fd(story->client), .events = POLLIN};

    while (bell_count(bell) < count) {
        must(poll(&wanted, 1, PATIENCE_MS) == 1, "the descriptor becomes readable");
        copycat_client_process(story->client);
    }
}

/* But for files: the server opens these when it likes. */
static int count_descriptors(void)
{
    int count = 0;

    for (int descriptor = 0; descriptor < DESCRIPTORS_MAX; descriptor++) {
        count += is_what(descriptor, "anon_inode:") || is_what(descriptor, "socket:");
    }
    return count;
}

/* The server's ends of connections go as soon as it notices. */
static void count_down_to(int before)
{
    const struct timespec pause = {0, 2000000};

    for (uint32_t tries = 0; count_descriptors() > before; tries++) {
        must(tries < PATIENCE_MS / 2, "no descriptor is left behind");
        (void)nanosleep(&pause, NULL);
    }
}

/* A client that is well serves as before: it was one handle. */
static void ask_another(void)
{
    struct story other;

    open_client(&other, 0);
    must(
        copycat_await(
            copycat_map_put(other.map, COPYCAT_STR("k"), COPYCAT_STR("v"), NULL), PATIENCE_MS,
            NULL) == COPYCAT_OK,
        "another client goes on");
    copycat_map_free(other.map);
    copycat_client_close(other.client, NULL, NULL);
}

static void break_a_client(void)
{
    copycat_server *server = open_server(NULL);
    int before = count_descriptors();
    copycat_completion completion;
    copycat_queue *queue;
    struct story story;

    open_client(&story, 0);
    must(copycat_await(put(&story), PATIENCE_MS, NULL) != COPYCAT_ERR_BROKEN, "it is well first");
    must(copycat_queue_open(&queue) == COPYCAT_OK, "a queue opens");
    copycat_future_then(put_without_a_timer(&story), on_called, &story);
    must(copycat_future_into(put(&story), queue, 9) == COPYCAT_OK, "into a queue");
    copycat_future_drop(put(&story));
    must(
        copycat_await(put(&story), PATIENCE_MS, NULL) == COPYCAT_ERR_BROKEN,
        "who waits learns of it");
    must(bell_wait(&story.called, 1) && story.status == COPYCAT_ERR_BROKEN, "so do callbacks");
    must(
        copycat_queue_next(queue, PATIENCE_MS, &completion) == COPYCAT_OK &&
            completion.status == COPYCAT_ERR_BROKEN && completion.tag == 9,
        "and queues");
    must(bell_wait(&story.ended, 1), "changed is told");
    must(copycat_client_state(story.client) == COPYCAT_CLIENT_ENDED, "the state says so");
    must(
        copycat_await(put(&story), PATIENCE_MS, NULL) == COPYCAT_ERR_BROKEN,
        "and every later call");
    copycat_future_then(put(&story), on_called, &story);
    must(bell_wait(&story.called, 2), "also later callbacks are called");
    ask_another();
    copycat_map_free(story.map);
    copycat_client_close(story.client, on_closed, &story);
    must(bell_count(&story.closed) == 1, "closing is reported");
    copycat_queue_close(queue);
    count_down_to(before);
    copycat_server_close(server);
}

static void break_a_guest(void)
{
    copycat_server *server = open_server(NULL);
    int before = count_descriptors();
    struct pollfd silent = {.events = POLLIN};
    struct story story;

    open_client(&story, 1);
    copycat_future_then(put(&story), on_called, &story);
    process_until(&story, &story.called, 1);
    must(story.status != COPYCAT_ERR_BROKEN, "it is well first");
    copycat_future_then(put_without_a_timer(&story), on_called, &story);
    process_until(&story, &story.called, 2);
    must(story.status == COPYCAT_ERR_BROKEN, "callbacks learn of it");
    must(bell_count(&story.ended) == 1, "changed is told");
    silent.fd = copycat_client_fd(story.client);
    must(poll(&silent, 1, 50) == 0, "the descriptor keeps nobody awake");
    copycat_client_process(story.client);
    must(
        copycat_await(put(&story), PATIENCE_MS, NULL) != COPYCAT_OK,
        "later calls fail and do not wait");
    ask_another();
    copycat_map_free(story.map);
    copycat_client_close(story.client, on_closed, &story);
    must(bell_count(&story.closed) == 1, "closing is reported at once");
    count_down_to(before);
    copycat_server_close(server);
}

/* Closed from the callback that tells of the end, on the thread that ends. */
static void close_at_once(uint32_t state, void *user)
{
    struct story *story = user;

    if (state == COPYCAT_CLIENT_ENDED) {
        copycat_map_free(story->map);
        copycat_client_close(story->client, on_closed, story);
    }
}

static void close_in_the_callback(void)
{
    copycat_server *server = open_server(NULL);
    copycat_client_options options = COPYCAT_CLIENT_OPTIONS_INIT;
    struct story story;
    copycat_client *first;

    open_client(&story, 0); /* for its timer's number only */
    first = story.client;
    copycat_map_free(story.map);
    copycat_client_close(first, NULL, NULL);
    options.changed = close_at_once;
    options.user = &story;
    must(
        copycat_client_open(&story.client, "local:one", &options, NULL) == COPYCAT_OK,
        "a client opens");
    story.map = copycat_map_at(story.client, "/map");
    (void)copycat_await(put(&story), PATIENCE_MS, NULL);
    copycat_future_then(put_without_a_timer(&story), on_called, &story);
    must(bell_wait(&story.called, 1) && story.status == COPYCAT_ERR_BROKEN, "callbacks learn");
    must(bell_wait(&story.closed, 1), "closing is reported");
    copycat_server_close(server);
}

/* ---- in a callback of the host ---------------------------------------------------------------- */

/* The host breaks its own promise, in its own frames: nothing may jump over these. */
static void take_twice(copycat_status status, copycat_value *value, void *user)
{
    struct story *story = user;
    copycat_future *future = put(story);

    (void)status;
    copycat_value_free(value);
    copycat_future_then(future, on_called, story);
    copycat_future_then(future, on_called, story);
    must(false, "a future is taken once");
}

static void misuse(void)
{
    struct story story;

    (void)open_server(NULL);
    open_client(&story, 0);
    copycat_future_then(put(&story), take_twice, &story);
    (void)bell_wait(&story.called, 1);
}

int main(int argc, char **argv)
{
    const char *story = argc == 3 ? argv[1] : "";

    directory = argc == 3 ? argv[2] : "";
    if (strcmp(story, "server") == 0) {
        break_the_server(last_words);
    } else if (strcmp(story, "server-leaves") == 0) {
        break_the_server(leave);
    } else if (strcmp(story, "server-silent") == 0) {
        break_the_server(NULL);
    } else if (strcmp(story, "client") == 0) {
        break_a_client();
    } else if (strcmp(story, "guest") == 0) {
        break_a_guest();
    } else if (strcmp(story, "closed-in-callback") == 0) {
        close_in_the_callback();
    } else if (strcmp(story, "misuse") == 0) {
        misuse();
    } else {
        return 2;
    }
    printf("well\n");
    fflush(stdout);
    _exit(0); /* what a broken client had taken is not given back: not a leak to look for */
}
