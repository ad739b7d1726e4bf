/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What copycatd promises to whoever runs it: it says what is wrong and what to do, loses nothing and
 * goes on, whatever is thrown at it.
 */
#include "daemon.h"

#include <copycat.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define CALL_MS 20000
#define FILE_FLAG "--journal-file-size=4MiB" /* so that starting is quick */

static struct daemon daemons[3];
static char listen_flag[64];
static char data_flag[128];
static char address[32];
static uint16_t port;

static int setup(void **state)
{
    (void)state;
    memset(daemons, 0, sizeof daemons);
    daemon_make_root();
    port = daemon_free_port();
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    snprintf(listen_flag, sizeof listen_flag, "--listen=%s", address);
    snprintf(data_flag, sizeof data_flag, "--data-dir=%s/data", daemon_root);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        daemon_end(&daemons[i]);
    }
    daemon_clean();
    return 0;
}

static void start_one(struct daemon *daemon)
{
    const char *const arguments[] = {listen_flag, data_flag, FILE_FLAG, NULL};

    daemon_start(daemon, arguments);
}

static copycat_client *connect_to(const char *servers)
{
    copycat_client *client;

    assert_int_equal(copycat_client_open(&client, servers, NULL, NULL), COPYCAT_OK);
    return client;
}

/* Puts, and reads it back. */
static void assert_serves(const char *servers, const char *key)
{
    copycat_client *client = connect_to(servers);
    copycat_map *map = copycat_map_at(client, "/m");
    copycat_value *value = NULL;

    assert_int_equal(
        copycat_await(
            copycat_map_put(map, copycat_str(key), copycat_str(key), NULL), CALL_MS, NULL),
        COPYCAT_OK);
    assert_int_equal(
        copycat_await(copycat_map_get(map, copycat_str(key), NULL), CALL_MS, &value), COPYCAT_OK);
    assert_string_equal(copycat_value_bytes(value).data, key);
    copycat_value_free(value);
    copycat_map_free(map);
    copycat_client_close(client, NULL, NULL);
}

static bool has_key(const char *servers, const char *key)
{
    copycat_client *client = connect_to(servers);
    copycat_map *map = copycat_map_at(client, "/m");
    copycat_value *value = NULL;
    copycat_status status =
        copycat_await(copycat_map_contains(map, copycat_str(key), NULL), CALL_MS, &value);
    bool is_there = copycat_value_bool(value) != 0;

    copycat_value_free(value);
    copycat_map_free(map);
    copycat_client_close(client, NULL, NULL);
    assert_int_equal(status, COPYCAT_OK);
    return is_there;
}

/* ---- starting and stopping -------------------------------------------------------------------- */

static void says_in_four_lines_what_it_is_and_stops_when_asked(void **state)
{
    (void)state;
    start_one(&daemons[0]);
    assert_true(daemon_says(&daemons[0], "copycatd: member 1, a cluster of one, listening on "));
    assert_true(daemon_says(&daemons[0], "\ndata: "));
    assert_true(daemon_says(&daemons[0], "\ntalk: "));
    assert_true(daemon_says(&daemons[0], "\nthree: "));
    assert_true(daemon_says(&daemons[0], "takes part"));
    assert_serves(address, "sky");
    daemon_kill(&daemons[0], SIGTERM);
    assert_int_equal(daemon_wait(&daemons[0]), 0);
    start_one(&daemons[0]);
    assert_true(has_key(address, "sky"));
}

static void an_occupied_port_is_named(void **state)
{
    char other[128];
    const char *const others[] = {listen_flag, other, FILE_FLAG, NULL};

    (void)state;
    snprintf(other, sizeof other, "--data-dir=%s/other", daemon_root);
    start_one(&daemons[0]);
    assert_true(daemon_says(&daemons[0], "ready"));
    daemon_start(&daemons[1], others);
    assert_int_equal(daemon_wait(&daemons[1]), 1);
    assert_true(daemon_says(&daemons[1], "in use"));
    assert_true(daemon_says(&daemons[1], address));
}

static void two_processes_do_not_share_a_directory(void **state)
{
    char other[64];
    const char *const arguments[] = {other, data_flag, FILE_FLAG, NULL};

    (void)state;
    snprintf(other, sizeof other, "--listen=127.0.0.1:%u", daemon_free_port());
    start_one(&daemons[0]);
    assert_true(daemon_says(&daemons[0], "ready"));
    daemon_start(&daemons[1], arguments);
    assert_int_equal(daemon_wait(&daemons[1]), 1);
    assert_true(daemon_says(&daemons[1], "another process"));
    assert_serves(address, "sky");
}

static void a_directory_of_another_server_is_refused(void **state)
{
    char members[128];
    const char *const arguments[] = {"--id=2", members, data_flag, FILE_FLAG, NULL};

    (void)state;
    start_one(&daemons[0]);
    assert_true(daemon_says(&daemons[0], "takes part"));
    daemon_kill(&daemons[0], SIGTERM);
    assert_int_equal(daemon_wait(&daemons[0]), 0);
    snprintf(members, sizeof members, "--members=2=%s", address);
    daemon_start(&daemons[1], arguments);
    assert_int_equal(daemon_wait(&daemons[1]), 2);
    assert_true(daemon_says(&daemons[1], "another server"));
}

static void a_directory_that_cannot_be_made_is_named(void **state)
{
    const char *const arguments[] = {listen_flag, "--data-dir=/dev/null/data", FILE_FLAG, NULL};

    (void)state;
    daemon_start(&daemons[0], arguments);
    assert_int_equal(daemon_wait(&daemons[0]), 1);
    assert_true(daemon_says(&daemons[0], "/dev/null/data"));
}

/* Killed at every step of a first start, it starts the next time as if nothing had been. */
static void a_first_start_may_be_killed_at_any_step(void **state)
{
    (void)state;
    for (unsigned at_us = 0; at_us < 60000; at_us += at_us < 10000 ? 900 : 4700) {
        const struct timespec wait = {0, (long)at_us * 1000};

        start_one(&daemons[0]);
        (void)nanosleep(&wait, NULL);
        daemon_end(&daemons[0]);
        if (at_us % 3 == 0) { /* now and then the next one is to begin anew */
            start_one(&daemons[0]);
            assert_true(daemon_says(&daemons[0], "takes part"));
            assert_serves(address, "sky");
            daemon_end(&daemons[0]);
            daemon_clean();
            (void)mkdir(daemon_root, 0700);
        }
    }
    start_one(&daemons[0]);
    assert_serves(address, "sea");
}

static void different_member_lists_are_told_on_both_sides(void **state)
{
    char listed[2][128];
    char data[2][128];
    uint16_t other = daemon_free_port();

    (void)state;
    snprintf(listed[0], sizeof listed[0], "--members=1=%s,2=127.0.0.1:%u", address, other);
    snprintf(
        listed[1], sizeof listed[1], "--members=1=%s,2=127.0.0.1:%u,3=127.0.0.1:1", address, other);
    for (int i = 0; i < 2; i++) {
        const char *const arguments[] = {
            i == 0 ? "--id=1" : "--id=2", listed[i], data[i], FILE_FLAG, NULL};

        snprintf(data[i], sizeof data[i], "--data-dir=%s/%d", daemon_root, i);
        daemon_start(&daemons[i], arguments);
    }
    assert_true(daemon_says(&daemons[0], "member lists differ"));
    assert_true(daemon_says(&daemons[1], "member lists differ"));
    daemon_kill(&daemons[0], SIGTERM);
    daemon_kill(&daemons[1], SIGTERM);
    assert_int_equal(daemon_wait(&daemons[0]), 0);
    assert_int_equal(daemon_wait(&daemons[1]), 0);
}

/* ---- what comes from outside ------------------------------------------------------------------ */

static int dial(void)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void garbage_on_the_port_harms_nobody(void **state)
{
    unsigned char bytes[4096];

    (void)state;
    start_one(&daemons[0]);
    assert_true(daemon_says(&daemons[0], "takes part"));
    srand(7);
    for (int round = 0; round < 200; round++) {
        int fd = dial();
        size_t size = (size_t)rand() % sizeof bytes;

        assert_true(fd >= 0);
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (unsigned char)(round % 4 == 0 ? "GET / HTTP/1.1\r\n"[i % 16] : rand());
        }
        (void)send(fd, bytes, size, MSG_NOSIGNAL);
        close(fd);
    }
    assert_serves(address, "sky");
}

static void ten_thousand_idle_connections_leave_room_to_work(void **state)
{
    enum {
        COUNT = 9000
    }; /* of the 10000 that it takes by default */
    struct rlimit limit;
    static int idle[COUNT];
    int count = 0;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < COUNT + 500) {
        skip();
    }
    limit.rlim_cur = limit.rlim_max < 20000 ? limit.rlim_max : 20000;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0); /* the daemon inherits it */
    start_one(&daemons[0]);
    assert_true(daemon_says(&daemons[0], "takes part"));
    assert_serves(address, "sky");

    size_t before = daemon_resident(&daemons[0]);

    while (count < COUNT && (idle[count] = dial()) >= 0) {
        count++;
    }
    assert_serves(address, "sea");

    size_t after = daemon_resident(&daemons[0]);

    printf("%d idle connections, %zu KiB more memory\n", count, after - before);
    for (int i = 0; i < count; i++) {
        close(idle[i]);
    }
    assert_int_equal(count, COUNT);
    assert_true(after - before < 100 * 1024);
    assert_serves(address, "land");
}

/* Puts that fill a journal file each seventeen, and have images taken; all are acknowledged. */
static void assert_journal_goes_on(copycat_client *client, int puts)
{
    static char value[60000];
    copycat_map *map = copycat_map_at(client, "/big");

    for (int i = 0; i < puts; i++) {
        assert_int_equal(
            copycat_await(
                copycat_map_put(
                    map, COPYCAT_STR("big"), (copycat_bytes){value, sizeof value}, NULL),
                CALL_MS, NULL),
            COPYCAT_OK);
    }
    copycat_map_free(map);
}

/* They take every descriptor that they are given, and the journal needs some more. */
static void strangers_do_not_take_the_descriptors_of_the_disk(void **state)
{
    enum {
        COUNT = 200
    };

    const char *const arguments[] = {listen_flag, data_flag, "--journal-file-size=1MiB", NULL};
    copycat_client *client;
    int idle[COUNT];

    (void)state;
    daemons[0].files_max = 40;
    daemon_start(&daemons[0], arguments);
    assert_true(daemon_says(&daemons[0], "takes part"));
    assert_serves(address, "sky");
    for (int i = 0; i < COUNT; i++) {
        idle[i] = dial();
        assert_true(idle[i] >= 0);
    }
    client = connect_to(address);
    assert_journal_goes_on(client, 80);
    copycat_client_close(client, NULL, NULL);
    assert_serves(address, "sea");
    assert_true(daemon_says(&daemons[0], "turned away: this process may open 40 files"));
    for (int i = 0; i < COUNT; i++) {
        close(idle[i]);
    }
    assert_serves(address, "land");
    assert_int_equal(kill(daemons[0].pid, 0), 0);
    daemon_kill(&daemons[0], SIGTERM);
    assert_int_equal(daemon_wait(&daemons[0]), 0);
}

/* Who has said hello stays where there is room, and leaves enough for files and images. */
static void clients_do_not_take_the_descriptors_of_the_disk(void **state)
{
    enum {
        COUNT = 8
    };

    const char *const arguments[] = {listen_flag, data_flag, "--journal-file-size=1MiB", NULL};
    copycat_client *clients[COUNT];

    (void)state;
    daemons[0].files_max = 40;
    daemon_start(&daemons[0], arguments);
    assert_true(daemon_says(&daemons[0], "fewer connections are taken than max-connections=10000"));
    assert_true(daemon_says(&daemons[0], "takes part"));
    for (int i = 0; i < COUNT; i++) {
        clients[i] = connect_to(address);

        copycat_map *map = copycat_map_at(clients[i], "/m");

        assert_int_equal(
            copycat_await(
                copycat_map_put(map, COPYCAT_STR("sky"), COPYCAT_STR("blue"), NULL), CALL_MS, NULL),
            COPYCAT_OK);
        copycat_map_free(map);
    }
    assert_journal_goes_on(clients[0], 125);
    for (int i = 0; i < COUNT; i++) {
        copycat_client_close(clients[i], NULL, NULL);
    }
    assert_serves(address, "land");
}

static void it_may_open_as_many_files_as_the_system_allows(void **state)
{
    struct rlimit before;
    struct rlimit lower;
    unsigned long long most[2] = {0, 1};
    char path[64];
    char line[256];

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    lower = (struct rlimit){.rlim_cur = 200, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &lower), 0);
    start_one(&daemons[0]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(daemon_says(&daemons[0], "takes part"));
    snprintf(path, sizeof path, "/proc/%d/limits", (int)daemons[0].pid);

    FILE *file = fopen(path, "r");

    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        (void)sscanf(line, "Max open files %llu %llu", &most[0], &most[1]);
    }
    (void)fclose(file);
    assert_int_equal(most[0], most[1]);
}

static void count_ok(copycat_status status, copycat_value *value, void *user)
{
    int *count = user;

    assert_int_equal(status, COPYCAT_OK);
    (*count)++;
    copycat_value_free(value);
}

/* Processes until so many answers have come, 20 s at most. */
static void process_until(copycat_client *client, const int *count, int wanted)
{
    struct pollfd ready = {.fd = copycat_client_fd(client), .events = POLLIN};

    for (int rounds = 0; rounds < 20000 && *count < wanted; rounds++) {
        (void)poll(&ready, 1, 1);
        copycat_client_process(client);
    }
    assert_int_equal(*count, wanted);
}

static void set_flag(void *user)
{
    *(bool *)user = true;
}

static void a_client_that_does_not_read_holds_up_nobody(void **state)
{
    enum {
        GETS = 100
    };

    static char value[1 << 20];
    copycat_client_options options = COPYCAT_CLIENT_OPTIONS_INIT;
    copycat_client *idle;
    bool is_closed = false;
    int count = 0;

    (void)state;
    start_one(&daemons[0]);
    assert_true(daemon_says(&daemons[0], "takes part"));
    options.host_loop = 1;
    assert_int_equal(copycat_client_open(&idle, address, &options, NULL), COPYCAT_OK);

    copycat_map *map = copycat_map_at(idle, "/m");
    copycat_bytes big = {value, sizeof value};

    copycat_future_then(copycat_map_put(map, COPYCAT_STR("big"), big, NULL), count_ok, &count);
    process_until(idle, &count, 1);

    size_t before = daemon_resident(&daemons[0]);

    for (int i = 0; i < GETS; i++) {
        copycat_future_then(copycat_map_get(map, COPYCAT_STR("big"), NULL), count_ok, &count);
    }
    copycat_client_process(idle); /* asks, and from here on does not read */
    for (int i = 0; i < 20; i++) {
        assert_serves(address, "sky");
    }
    assert_true(daemon_resident(&daemons[0]) < before + 48 * 1024);

    process_until(idle, &count, 1 + GETS); /* it lost its connection at most, not its session */
    copycat_map_free(map);
    copycat_client_close(idle, set_flag, &is_closed);
    while (!is_closed) {
        copycat_client_process(idle);
    }
}

static void a_full_disk_is_waited_out(void **state)
{
    char mounted[128];
    char filler[160];
    char data[160];
    const char *const arguments[] = {listen_flag, data, "--journal-file-size=1MiB", NULL};
    char value[60000];
    copycat_call_options quick = COPYCAT_CALL_OPTIONS_INIT;
    copycat_status status = COPYCAT_OK;
    int acknowledged = 0;

    (void)state;
    snprintf(mounted, sizeof mounted, "%s/small", daemon_root);
    (void)mkdir(mounted, 0700);
    if (mount("tmpfs", mounted, "tmpfs", 0, "size=12m") != 0) {
        skip();
    }
    snprintf(data, sizeof data, "--data-dir=%s/data", mounted);
    snprintf(filler, sizeof filler, "%s/filler", mounted);
    daemon_start(&daemons[0], arguments);
    assert_true(daemon_says(&daemons[0], "takes part"));
    assert_serves(address, "sky");

    /* Fill the rest, then put until what would store more is refused. */
    FILE *file = fopen(filler, "w");

    assert_non_null(file);
    memset(value, 'x', sizeof value);
    while (fwrite(value, sizeof value, 1, file) == 1) {
    }
    (void)fclose(file);
    quick.timeout_ms = 3000;

    copycat_client *client = connect_to(address);
    copycat_map *map = copycat_map_at(client, "/m");

    while (status == COPYCAT_OK && acknowledged < 200) {
        char key[16];

        snprintf(key, sizeof key, "k%d", acknowledged);
        status = copycat_await(
            copycat_map_put(map, copycat_str(key), (copycat_bytes){value, sizeof value}, &quick),
            CALL_MS, NULL);
        acknowledged += status == COPYCAT_OK;
    }
    copycat_map_free(map);
    copycat_client_close(client, NULL, NULL);
    assert_true(acknowledged < 200);
    assert_int_equal(status, COPYCAT_ERR_QUOTA);
    assert_true(daemon_says(&daemons[0], "commands that store more are refused with QUOTA"));
    assert_true(has_key(address, "sky"));

    assert_int_equal(remove(filler), 0);
    assert_true(daemon_says(&daemons[0], "there is room again: every command is taken"));
    assert_serves(address, "sea");
    for (int i = 0; i < acknowledged; i++) {
        char key[16];

        snprintf(key, sizeof key, "k%d", i);
        assert_true(has_key(address, key));
    }
    daemon_end(&daemons[0]);
    assert_int_equal(umount(mounted), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(says_in_four_lines_what_it_is_and_stops_when_asked),
        TEST(an_occupied_port_is_named),
        TEST(two_processes_do_not_share_a_directory),
        TEST(a_directory_of_another_server_is_refused),
        TEST(a_directory_that_cannot_be_made_is_named),
        TEST(a_first_start_may_be_killed_at_any_step),
        TEST(different_member_lists_are_told_on_both_sides),
        TEST(garbage_on_the_port_harms_nobody),
        TEST(ten_thousand_idle_connections_leave_room_to_work),
        TEST(strangers_do_not_take_the_descriptors_of_the_disk),
        TEST(clients_do_not_take_the_descriptors_of_the_disk),
        TEST(it_may_open_as_many_files_as_the_system_allows),
        TEST(a_client_that_does_not_read_holds_up_nobody),
        TEST(a_full_disk_is_waited_out),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
