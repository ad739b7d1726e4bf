/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_test -- a member inside the host's process: what it refuses to open and in which words,
 * what it tells, and that it may be closed anywhere.
 */
#include "counter_machine.h"
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[64];

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

/* A member alone, in a directory of its own. */
static copycat_server_options alone(void)
{
    copycat_server_options options = COPYCAT_SERVER_OPTIONS_INIT;

    options.id = 1;
    options.members = "1=local:server-test";
    options.data_dir = root;
    options.journal_file_size = 1u << 20;
    return options;
}

/* It must not open, for this reason, and the sentence has these words. */
static void assert_refused(
    const copycat_server_options *options, copycat_status status, const char *words)
{
    copycat_server *server = (copycat_server *)&server;
    copycat_message message = {"nothing"};

    assert_int_equal(copycat_server_open(&server, options, &message), status);
    assert_null(server);
    if (strstr(message.text, words) == NULL) {
        fail_msg("\"%s\" does not say: %s", message.text, words);
    }
    assert_int_equal(copycat_server_open(&server, options, NULL), status);
}

static copycat_server *opened(const copycat_server_options *options)
{
    copycat_server *server;
    copycat_message message;

    if (copycat_server_open(&server, options, &message) != COPYCAT_OK) {
        fail_msg("%s", message.text);
    }
    return server;
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void bad_members_are_named(void **state)
{
    static const struct {
        const char *members;
        uint32_t id;
        const char *words;
    } cases[] = {
        {NULL, 1, "members"},
        {"", 1, "ID=ADDRESS"},
        {"nonsense", 1, "nonsense"},
        {"0=local:a", 1, "0=local:a"},
        {"1=local:a,1=local:b", 1, "ascend"},
        {"2=local:a,1=local:b", 1, "ascend"},
        {"1=", 1, "1="},
        {"1=local:a/learner", 1, "vote"},
        {"1=a:1,2=a:2,3=a:3,4=a:4,5=a:5,6=a:6,7=a:7,8=a:8", 1, "voters"},
        {"1=local:a", 0, "id is 0"},
        {"1=local:a,3=local:b", 2, "id is 2"},
        {"1=not-an-address", 1, "not-an-address"},
        {"1=local:", 1, "local:"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        copycat_server_options options = alone();

        options.members = cases[i].members;
        options.id = cases[i].id;
        assert_refused(&options, COPYCAT_ERR_INVALID, cases[i].words);
    }
}

static void bad_numbers_are_named(void **state)
{
    copycat_server_options options = alone();

    (void)state;
    options.heartbeat_interval_ms = 400;
    assert_refused(&options, COPYCAT_ERR_INVALID, "heartbeat_interval_ms is 400");
    options = alone();
    options.election_timeout_ms = 60001;
    assert_refused(&options, COPYCAT_ERR_INVALID, "election_timeout_ms");
    options = alone();
    options.journal_file_size = 5000;
    assert_refused(&options, COPYCAT_ERR_INVALID, "journal_file_size");
    options = alone();
    options.reserved = 1;
    assert_refused(&options, COPYCAT_ERR_INVALID, "reserved");
    options = alone();
    options.size = 1;
    assert_refused(&options, COPYCAT_ERR_INVALID, "options");
}

static void leave(void *machine)
{
    (void)machine;
}

static bool write_nothing(void *machine, copycat_blob_writer *writer)
{
    (void)machine;
    (void)writer;
    return false;
}

static copycat_status take_nothing(void *machine, copycat_bytes piece)
{
    (void)machine;
    (void)piece;
    return COPYCAT_OK;
}

static bool build_nothing(void *machine)
{
    (void)machine;
    return false;
}

static void bad_machines_are_named(void **state)
{
    copycat_machine_type broken = counter_machine;
    const copycat_machine_type *machines[] = {&counter_machine, &broken};
    copycat_server_options options = alone();

    (void)state;
    options.machine_count = 2;
    assert_refused(&options, COPYCAT_ERR_INVALID, "no machines");
    options.machines = machines;
    assert_refused(&options, COPYCAT_ERR_INVALID, "machine 1, counter: another has the same id");
    broken.id = 128;
    assert_refused(&options, COPYCAT_ERR_INVALID, "128");
    broken.id = 2000;
    broken.digest = NULL;
    assert_refused(&options, COPYCAT_ERR_INVALID, "digest");
    broken.digest = counter_machine.digest;
    broken.restore_commit = NULL;
    assert_refused(&options, COPYCAT_ERR_INVALID, "restore_commit");
    broken.blob_freeze = leave;
    broken.blob_step = write_nothing;
    broken.blob_done = leave;
    broken.blob_restore = take_nothing;
    broken.restore_step = build_nothing;
    assert_refused(&options, COPYCAT_ERR_INVALID, "restore_step");
    machines[1] = NULL;
    assert_refused(&options, COPYCAT_ERR_INVALID, "machine 1");
}

static void an_occupied_port_is_named(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int occupant = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    copycat_server_options options = alone();
    char members[64];

    (void)state;
    assert_int_equal(bind(occupant, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(occupant, 1), 0);
    assert_int_equal(getsockname(occupant, (struct sockaddr *)&address, &size), 0);
    snprintf(members, sizeof members, "1=127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    options.members = members;
    assert_refused(&options, COPYCAT_ERR_ADDRESS_IN_USE, members + 2);
    close(occupant);
    copycat_server_close(opened(&options));
}

static void a_name_in_this_process_is_taken_once(void **state)
{
    copycat_server_options options = alone();
    copycat_server *server = opened(&options);
    char other[96];

    (void)state;
    snprintf(other, sizeof other, "%s/other", root);
    options.data_dir = other;
    assert_refused(&options, COPYCAT_ERR_ADDRESS_IN_USE, "local:server-test");
    copycat_server_close(server);
    copycat_server_close(opened(&options));
}

/* The name in the system's table of unix sockets that ends like this; false if there is none. */
static bool find_abstract(const char *end, struct sockaddr_un *address, socklen_t *size)
{
    FILE *table = fopen("/proc/net/unix", "re");
    char line[512];
    bool is_found = false;

    assert_non_null(table);
    while (!is_found && fgets(line, sizeof line, table) != NULL) {
        char *name = strchr(line, '@');

        line[strcspn(line, "\n")] = '\0';
        is_found = name != NULL && strlen(name) > strlen(end) &&
                   strcmp(name + strlen(name) - strlen(end), end) == 0;
        if (is_found) {
            *address = (struct sockaddr_un){.sun_family = AF_UNIX};
            memcpy(address->sun_path + 1, name + 1, strlen(name + 1));
            *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
        }
    }
    (void)fclose(table);
    return is_found;
}

/* 0 if it is taken in and turned away: the other end closes without a word. */
static int be_turned_away(const struct sockaddr_un *address, socklen_t size)
{
    int stranger = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char byte;
    ssize_t got;

    (void)alarm(20);
    if (connect(stranger, (const struct sockaddr *)address, size) != 0) {
        return 1;
    }
    got = read(stranger, &byte, 1);
    return got == 0 || (got < 0 && errno == ECONNRESET) ? 0 : 2;
}

static void a_local_name_is_of_this_process_alone(void **state)
{
    copycat_server_options options = alone();
    copycat_server *server;
    struct sockaddr_un address;
    socklen_t size;
    pid_t child;
    int status;

    (void)state;
    options.members = "1=local:mine-alone";
    server = opened(&options);
    assert_true(find_abstract("-mine-alone", &address, &size));
    child = fork();
    if (child == 0) {
        _exit(be_turned_away(&address, size));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    copycat_server_close(server);
    assert_false(find_abstract("-mine-alone", &address, &size));
}

static void a_directory_in_use_is_locked(void **state)
{
    copycat_server_options options = alone();
    copycat_server *server = opened(&options);

    (void)state;
    options.members = "1=local:server-test-2";
    assert_refused(&options, COPYCAT_ERR_LOCKED, root);
    copycat_server_close(server);
    options = alone();
    copycat_server_close(opened(&options));
}

static void the_directory_of_another_server_is_foreign(void **state)
{
    copycat_server_options options = alone();

    (void)state;
    copycat_server_close(opened(&options));
    options.members = "2=local:server-test";
    options.id = 2;
    assert_refused(&options, COPYCAT_ERR_FOREIGN, "another server");
}

static void a_directory_that_cannot_be_made_or_written_is_named(void **state)
{
    copycat_server_options options = alone();
    char path[600];
    int descriptor;

    (void)state;
    snprintf(path, sizeof path, "%s/file", root);
    descriptor = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(descriptor >= 0);
    close(descriptor);
    options.data_dir = path;
    assert_refused(&options, COPYCAT_ERR_IO, path);
    options.data_dir = "/proc/copycat";
    assert_refused(&options, COPYCAT_ERR_IO, "/proc/copycat");
    memset(path, 'd', sizeof path);
    path[sizeof path - 1] = '\0';
    options.data_dir = path;
    assert_refused(&options, COPYCAT_ERR_INVALID, "data_dir");
    options.data_dir = "";
    assert_refused(&options, COPYCAT_ERR_INVALID, "data_dir");
}

/* CRC-32C, bit by bit. */
static uint32_t crc_of(const unsigned char *bytes, size_t size)
{
    uint32_t crc = ~0u;

    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (uint32_t bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
        }
    }
    return ~crc;
}

/* docs/disk-format.md: the version of the first batch is bytes 4 and 5, outside the checksum. */
static void a_directory_of_a_newer_version_is_refused(void **state)
{
    copycat_server_options options = alone();
    unsigned char head[264];
    char path[128];
    uint32_t stored;
    int descriptor;

    (void)state;
    copycat_server_close(opened(&options));
    snprintf(path, sizeof path, "%s/journal-00000001", root);
    descriptor = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(descriptor, head, sizeof head, 0), sizeof head);
    memcpy(&stored, head + 8, sizeof stored);
    assert_int_equal(stored, crc_of(head + 12, sizeof head - 12));
    head[4]++;
    assert_int_equal(pwrite(descriptor, head, sizeof head, 0), sizeof head);
    close(descriptor);
    assert_refused(&options, COPYCAT_ERR_NEWER, "newer version");
}

static void a_damaged_directory_is_refused_with_its_place(void **state)
{
    copycat_server_options options = alone();
    char path[128];
    int descriptor;

    (void)state;
    copycat_server_close(opened(&options));
    snprintf(path, sizeof path, "%s/journal-00000001", root);
    descriptor = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pwrite(descriptor, "damage", 6, 140), 6);
    close(descriptor);
    assert_refused(&options, COPYCAT_ERR_DAMAGED, "journal-00000001");
}

/* ---- what it tells --------------------------------------------------------------------------- */

static void a_status_fits_the_callers_size(void **state)
{
    copycat_server_options options = alone();
    copycat_server *server = opened(&options);

    struct {
        copycat_server_status known;
        uint64_t unknown;
    } newer = {.known.size = sizeof newer, .unknown = 42};

    copycat_server_status older;

    (void)state;
    copycat_server_status_of(server, &newer.known);
    assert_int_equal(newer.known.id, 1);
    assert_int_equal(newer.known.size, sizeof newer);
    assert_int_equal(newer.unknown, 42);
    memset(&older, 0xee, sizeof older);
    older.size = offsetof(copycat_server_status, id);
    copycat_server_status_of(server, &older);
    assert_int_equal(older.size, offsetof(copycat_server_status, id));
    assert_true(older.term < 1000);
    assert_int_equal(older.id, 0xeeeeeeee);
    copycat_server_close(server);
}

static void leadership_is_handed_over(void **state)
{
    struct cluster cluster;
    copycat_server_status status = {.size = sizeof status};
    uint32_t leader;

    (void)state;
    cluster_start(&cluster, 3, NULL);
    leader = cluster_leader(&cluster, 0);
    for (uint32_t i = 0; i < 3; i++) {
        if (i + 1 != leader) {
            assert_int_equal(copycat_server_hand_over(cluster.servers[i], PATIENCE_MS), COPYCAT_OK);
        }
    }
    assert_int_equal(
        copycat_server_hand_over(cluster.servers[leader - 1], PATIENCE_MS), COPYCAT_OK);
    copycat_server_status_of(cluster.servers[leader - 1], &status);
    assert_int_not_equal(status.leader, leader);
    assert_int_not_equal(status.leader, 0);
    cluster_end(&cluster);
}

static void a_server_alone_has_nobody_to_hand_over_to(void **state)
{
    struct cluster cluster;

    (void)state;
    cluster_start(&cluster, 1, NULL);
    assert_int_equal(cluster_leader(&cluster, 0), 1);
    assert_int_equal(
        copycat_status_class(copycat_server_hand_over(cluster.servers[0], 50)),
        COPYCAT_CLASS_RETRY);
    cluster_end(&cluster);
}

/* ---- callbacks ------------------------------------------------------------------------------- */

struct told {
    struct bell led;
    struct bell opened;
    struct bell member;
    copycat_server *server;
    copycat_server_status status;
    copycat_status of_hand_over;
    bool closes;
};

static void led(uint32_t leader, uint64_t term, void *user)
{
    struct told *told = user;

    if (leader == 0 || term == 0) {
        return;
    }
    bell_wait(&told->opened, 1); /* the opener has noted the handle */
    told->status.size = sizeof told->status;
    copycat_server_status_of(told->server, &told->status);
    told->of_hand_over = copycat_server_hand_over(told->server, 100);
    if (told->closes) {
        copycat_server_close(told->server);
    }
    bell_ring(&told->led);
}

static void changed(uint32_t state, copycat_status status, void *user)
{
    struct told *told = user;

    if (state == COPYCAT_SERVER_MEMBER && status == COPYCAT_OK) {
        bell_ring(&told->member);
    }
}

static void a_callback_may_ask_where_the_server_stands(void **state)
{
    struct told told = {.led = BELL_INIT, .opened = BELL_INIT, .member = BELL_INIT};
    copycat_server_options options = alone();

    (void)state;
    options.led = led;
    options.changed = changed;
    options.user = &told;
    told.server = opened(&options);
    bell_ring(&told.opened);
    assert_true(bell_wait(&told.led, 1));
    assert_true(bell_wait(&told.member, 1));
    assert_int_equal(told.status.leader, 1);
    assert_int_equal(told.status.state, COPYCAT_SERVER_MEMBER);
    assert_int_equal(told.of_hand_over, COPYCAT_ERR_INVALID);
    copycat_server_close(told.server);
}

static void a_callback_may_close_the_server(void **state)
{
    struct told told = {.led = BELL_INIT, .opened = BELL_INIT, .member = BELL_INIT, .closes = true};
    copycat_server_options options = alone();
    copycat_server *again = NULL;
    copycat_status status = COPYCAT_ERR_LOCKED;

    (void)state;
    options.led = led;
    options.user = &told;
    told.server = opened(&options);
    bell_ring(&told.opened);
    assert_true(bell_wait(&told.led, 1));
    options = alone();
    while (status == COPYCAT_ERR_LOCKED || status == COPYCAT_ERR_ADDRESS_IN_USE) {
        status = copycat_server_open(&again, &options, NULL); /* free some time after */
    }
    assert_int_equal(status, COPYCAT_OK);
    copycat_server_close(again);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bad_members_are_named),
        TEST(bad_numbers_are_named),
        TEST(bad_machines_are_named),
        TEST(an_occupied_port_is_named),
        TEST(a_name_in_this_process_is_taken_once),
        TEST(a_local_name_is_of_this_process_alone),
        TEST(a_directory_in_use_is_locked),
        TEST(the_directory_of_another_server_is_foreign),
        TEST(a_directory_that_cannot_be_made_or_written_is_named),
        TEST(a_directory_of_a_newer_version_is_refused),
        TEST(a_damaged_directory_is_refused_with_its_place),
        TEST(a_status_fits_the_callers_size),
        TEST(leadership_is_handed_over),
        TEST(a_server_alone_has_nobody_to_hand_over_to),
        TEST(a_callback_may_ask_where_the_server_stands),
        TEST(a_callback_may_close_the_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
