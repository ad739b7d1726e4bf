/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What copycatd tells whoever runs it: what it refuses and why, whom it waits for, who leads, and
 * nothing that is no longer so.
 */
#include "daemon.h"

#include <copycat.h>
#include <copycat/probe.h>

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define FILE_FLAG "--journal-file-size=1MiB" /* so that starting is quick */

static struct daemon daemons[3];
static uint16_t ports[3];
static char address[3][32];
static char data[3][128];
static char members[200];

static int setup(void **state)
{
    (void)state;
    memset(daemons, 0, sizeof daemons);
    daemon_make_root();
    for (int i = 0; i < 3; i++) {
        ports[i] = daemon_free_port();
        snprintf(address[i], sizeof address[i], "127.0.0.1:%u", ports[i]);
        snprintf(data[i], sizeof data[i], "--data-dir=%s/%d", daemon_root, i + 1);
    }
    snprintf(
        members, sizeof members, "--members=1=%s,2=%s,3=%s", address[0], address[1], address[2]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        daemon_kill(&daemons[i], SIGCONT);
        daemon_end(&daemons[i]);
    }
    daemon_clean();
    return 0;
}

static void start(int place, const char *list, const char *more)
{
    char id[20];
    const char *const arguments[] = {id, list, data[place], FILE_FLAG, more, NULL};

    snprintf(id, sizeof id, "--id=%d", place + 1);
    daemon_start(&daemons[place], arguments);
}

static void start_all(void)
{
    for (int i = 0; i < 3; i++) {
        start(i, members, NULL);
    }
    for (int i = 0; i < 3; i++) {
        assert_true(daemon_says(&daemons[i], "ready"));
    }
}

static void stop(int place)
{
    daemon_kill(&daemons[place], SIGTERM);
    assert_int_equal(daemon_wait(&daemons[place]), 0);
}

static void founds_alone(const char *list)
{
    start(0, list, NULL);
    assert_true(daemon_says(&daemons[0], "ready"));
    stop(0);
}

static void probe(int place, copycat_probe *probe_out)
{
    copycat_message message;

    memset(probe_out, 0, sizeof *probe_out);
    probe_out->size = sizeof *probe_out;
    assert_int_equal(copycat_probe_server(address[place], 5000, probe_out, &message), COPYCAT_OK);
}

/* The place of the leader, once all know one. */
static int leader(void)
{
    copycat_probe seen;

    for (int i = 0; i < 2000; i++) {
        const struct timespec moment = {0, 10000000};

        probe(0, &seen);
        if (seen.leader != 0) {
            return (int)seen.leader - 1;
        }
        (void)nanosleep(&moment, NULL);
    }
    fail_msg("nobody leads");
    return 0;
}

static int count_lines(const struct daemon *daemon, const char *text)
{
    FILE *log = fopen(daemon->log, "r");
    char line[4096];
    int count = 0;

    assert_non_null(log);
    while (fgets(line, sizeof line, log) != NULL) {
        count += strstr(line, text) != NULL;
    }
    (void)fclose(log);
    return count;
}

static bool has_said(const struct daemon *daemon, const char *text)
{
    return count_lines(daemon, text) > 0;
}

/* ---- what a directory belongs to -------------------------------------------------------------- */

static void a_cluster_of_one_does_not_become_one_of_three(void **state)
{
    char alone[64];

    (void)state;
    snprintf(alone, sizeof alone, "--members=1=%s", address[0]);
    founds_alone(alone);
    start(0, members, NULL);
    assert_int_equal(daemon_wait(&daemons[0]), 2);
    assert_true(daemon_says(&daemons[0], "membership cannot change yet"));
    assert_true(daemon_says(&daemons[0], "use an empty --data-dir"));
    assert_true(has_said(&daemons[0], alone + strlen("--members=")));
    assert_true(has_said(&daemons[0], members + strlen("--members=")));
    assert_false(has_said(&daemons[0], "listening"));
    assert_int_equal(count_lines(&daemons[0], ""), 1);
}

static void a_voter_does_not_become_a_learner(void **state)
{
    char other[220];

    (void)state;
    start_all();
    for (int i = 0; i < 3; i++) {
        stop(i);
    }
    snprintf(other, sizeof other, "%s/learner", members);
    start(1, other, NULL);
    assert_int_equal(daemon_wait(&daemons[1]), 2);
    assert_true(has_said(&daemons[1], "membership cannot change yet"));
}

static void a_directory_of_another_id_is_refused_with_a_remedy(void **state)
{
    char list[64];

    (void)state;
    snprintf(list, sizeof list, "--members=1=%s", address[0]);
    founds_alone(list);
    snprintf(list, sizeof list, "--members=2=%s", address[1]);
    memcpy(data[1], data[0], sizeof data[1]);
    start(1, list, NULL);
    assert_int_equal(daemon_wait(&daemons[1]), 2);
    assert_true(has_said(&daemons[1], "another server"));
    assert_true(has_said(&daemons[1], "name another --data-dir"));
}

/* Ids and roles are the cluster; where its members are found may change. */
static void addresses_may_move(void **state)
{
    char moved[200];

    (void)state;
    start_all();
    for (int i = 0; i < 3; i++) {
        stop(i);
        snprintf(address[i], sizeof address[i], "127.0.0.1:%u", daemon_free_port());
    }
    snprintf(moved, sizeof moved, "--members=1=%s,2=%s,3=%s", address[0], address[1], address[2]);
    memcpy(members, moved, sizeof members);
    start_all();

    copycat_probe seen;

    probe(0, &seen);
    assert_string_equal(seen.members[2].address, address[2]);
}

/* Each is known by what stands in its directory, wherever it is looked for. */
static void a_member_at_the_address_of_another_is_not_taken_for_it(void **state)
{
    char swapped[200];

    (void)state;
    start_all();
    stop(0);
    snprintf(
        swapped, sizeof swapped, "--members=1=%s,2=%s,3=%s", address[0], address[2], address[1]);
    start(0, swapped, NULL);
    assert_true(daemon_says(&daemons[0], "is not the member that the list names there; check"));
    stop(0);
    start(0, members, NULL);
    assert_true(daemon_says(&daemons[0], "ready"));
}

/* ---- starts that fail ------------------------------------------------------------------------- */

static void an_occupied_port_is_one_line(void **state)
{
    char list[64];
    char other[128];

    (void)state;
    snprintf(list, sizeof list, "--members=1=%s", address[0]);
    start(0, list, NULL);
    assert_true(daemon_says(&daemons[0], "ready"));
    snprintf(other, sizeof other, "--listen=%s", address[0]);

    const char *const arguments[] = {other, data[1], FILE_FLAG, NULL};

    daemon_start(&daemons[1], arguments);
    assert_int_equal(daemon_wait(&daemons[1]), 1);
    assert_int_equal(count_lines(&daemons[1], ""), 1);
    assert_true(has_said(&daemons[1], "is in use by another process; stop that process, or"));
}

static void a_locked_directory_names_the_process(void **state)
{
    char list[64];
    char other[64];
    char pid[40];

    (void)state;
    snprintf(list, sizeof list, "--members=1=%s", address[0]);
    start(0, list, NULL);
    assert_true(daemon_says(&daemons[0], "ready"));
    snprintf(other, sizeof other, "--listen=%s", address[1]);

    const char *const arguments[] = {other, data[0], FILE_FLAG, NULL};

    daemon_start(&daemons[1], arguments);
    assert_int_equal(daemon_wait(&daemons[1]), 1);
    assert_int_equal(count_lines(&daemons[1], ""), 1);
    snprintf(pid, sizeof pid, "another process, pid %d,", (int)daemons[0].pid);
    assert_true(has_said(&daemons[1], pid) || has_said(&daemons[1], "another process uses"));
    assert_true(has_said(&daemons[1], "name another --data-dir"));
    if (access("/proc/locks", R_OK) == 0) {
        assert_true(has_said(&daemons[1], pid));
    }
}

static void an_address_of_another_machine_is_one_line(void **state)
{
    const char *const arguments[] = {
        "--listen=192.0.2.1:7458", "--insecure", data[0], FILE_FLAG, NULL};

    (void)state;
    daemon_start(&daemons[0], arguments);
    assert_int_equal(daemon_wait(&daemons[0]), 1);
    assert_int_equal(count_lines(&daemons[0], ""), 1);
    assert_true(has_said(&daemons[0], "192.0.2.1:7458: address not available; is it an address"));
}

/* mkdir's own reason, not that what it could not make is not there. */
static void a_home_that_cannot_be_made_is_told_with_its_reason(void **state)
{
    char listen[64];

    (void)state;
    snprintf(listen, sizeof listen, "--listen=%s", address[0]);

    const char *const arguments[] = {listen, "--data-dir=/sys/copycat/data", FILE_FLAG, NULL};

    daemon_start(&daemons[0], arguments);
    assert_int_equal(daemon_wait(&daemons[0]), 1);
    assert_int_equal(count_lines(&daemons[0], ""), 1);
    assert_true(has_said(&daemons[0], "/sys/copycat/data: "));
    assert_false(has_said(&daemons[0], "no such file"));
    assert_true(has_said(&daemons[0], "name a directory that this user may make and write with"));
}

/* ---- greeting --------------------------------------------------------------------------------- */

static void three_are_taught_to_whoever_begins_with_one(void **state)
{
    char alone[64];

    (void)state;
    snprintf(alone, sizeof alone, "--members=1=%s", address[0]);
    start(0, alone, NULL);
    assert_true(daemon_says(&daemons[0], "ready"));
    assert_true(daemon_says(&daemons[0], "\nthree: "));
    assert_true(has_said(
        &daemons[0], "--insecure --members=1=HOST1:7458,2=HOST2:7458,3=HOST3:7458 --data-dir="));
    assert_false(has_said(&daemons[0], "as soon as all"));
    stop(0);
    start(0, alone, NULL);
    assert_true(daemon_says(&daemons[0], "\ntalk: "));
    assert_true(daemon_says(&daemons[0], "ready"));
    assert_false(has_said(&daemons[0], "three:"));
}

static void json_is_all_that_who_wants_json_gets(void **state)
{
    char alone[64];

    (void)state;
    snprintf(alone, sizeof alone, "--members=1=%s", address[0]);
    start(0, alone, "--log-format=json");
    assert_true(daemon_says(&daemons[0], "ready"));
    stop(0);
    assert_int_equal(count_lines(&daemons[0], ""), count_lines(&daemons[0], "{\"time\":"));
}

static void a_server_by_itself_may_have_any_id(void **state)
{
    char alone[64];

    (void)state;
    snprintf(alone, sizeof alone, "--members=2=%s", address[1]);
    start(1, alone, NULL);
    assert_true(daemon_says(&daemons[1], "copycatd: member 2, a cluster of one, listening on "));
}

/* ---- whom it waits for ------------------------------------------------------------------------ */

static void founding_names_those_who_are_missing_and_ready_comes_after(void **state)
{
    (void)state;
    start(0, members, NULL);
    start(1, members, NULL);
    assert_true(daemon_says(&daemons[0], "is not founded yet: waits for member 3"));
    assert_true(daemon_says(&daemons[1], "is not founded yet: waits for member 3"));
    assert_false(has_said(&daemons[0], "ready"));
    start(2, members, NULL);
    for (int i = 0; i < 3; i++) {
        assert_true(daemon_says(&daemons[i], "ready: serves at "));
    }
}

static void a_leader_without_a_majority_says_so_and_when_it_is_over(void **state)
{
    copycat_probe seen;
    char back[64];

    (void)state;
    start_all();

    int first = leader();
    int others[2] = {(first + 1) % 3, (first + 2) % 3};

    daemon_kill(&daemons[others[0]], SIGKILL);
    daemon_kill(&daemons[others[1]], SIGKILL);
    (void)daemon_wait(&daemons[others[0]]);
    (void)daemon_wait(&daemons[others[1]]);
    assert_true(daemon_says(&daemons[first], "reaches no majority; leads no longer"));
    snprintf(back, sizeof back, "no longer reaches member %d, ", others[0] + 1);
    assert_true(daemon_says(&daemons[first], back));
    assert_true(daemon_says(&daemons[first], "of 3 voting members it reaches 1, itself included"));
    probe(first, &seen);
    assert_non_null(strstr(seen.notice, "knows no leader"));

    int before = count_lines(&daemons[first], " in term ");

    start(others[0], members, NULL);
    assert_true(daemon_says(&daemons[others[0]], "ready"));
    for (int i = 0; i < 1000 && count_lines(&daemons[first], " in term ") == before; i++) {
        const struct timespec moment = {0, 10000000};

        (void)nanosleep(&moment, NULL);
    }
    assert_true(count_lines(&daemons[first], " in term ") > before);
    probe(first, &seen);
    assert_string_equal(seen.notice, "");
}

/* What was refused because the lists differed is over when they do not. */
static void a_refusal_is_not_kept_for_ever(void **state)
{
    copycat_probe seen;
    char other[220];

    (void)state;
    snprintf(other, sizeof other, "%s/learner", members);
    start(0, members, NULL);
    start(1, other, NULL);
    assert_true(daemon_says(&daemons[0], "member lists differ"));
    probe(0, &seen);
    assert_non_null(strstr(seen.notice, "member lists differ"));
    stop(1);
    start(1, members, NULL);
    start(2, members, NULL);
    for (int i = 0; i < 3; i++) {
        assert_true(daemon_says(&daemons[i], "ready"));
    }
    probe(0, &seen);
    assert_string_equal(seen.notice, "");
}

static void a_lost_directory_is_told_what_to_do(void **state)
{
    (void)state;
    start_all();
    daemon_end(&daemons[1]);
    snprintf(data[1], sizeof data[1], "--data-dir=%s/empty", daemon_root);
    start(1, members, NULL);
    assert_true(daemon_says(
        &daemons[1], "keep the majority running, back it up, restore that as a new cluster"));
}

static void what_is_not_the_protocol_is_told_once(void **state)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons(ports[0])};
    char alone[64];

    (void)state;
    snprintf(alone, sizeof alone, "--members=1=%s", address[0]);
    start(0, alone, NULL);
    assert_true(daemon_says(&daemons[0], "ready"));
    for (int i = 0; i < 5; i++) {
        static const char words[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        char end[16];
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
        (void)send(fd, words, sizeof words - 1, MSG_NOSIGNAL);
        (void)recv(fd, end, sizeof end, 0);
        close(fd);
    }
    assert_true(daemon_says(&daemons[0], "is not Copycat's protocol"));
    assert_int_equal(count_lines(&daemons[0], "is not Copycat's protocol"), 1);
}

/* ---- stopping --------------------------------------------------------------------------------- */

static void a_hangup_is_a_stop_in_good_order(void **state)
{
    char alone[64];

    (void)state;
    snprintf(alone, sizeof alone, "--members=1=%s", address[0]);
    start(0, alone, NULL);
    assert_true(daemon_says(&daemons[0], "ready"));
    daemon_kill(&daemons[0], SIGHUP);
    assert_int_equal(daemon_wait(&daemons[0]), 0);
    assert_true(has_said(&daemons[0], "stopped"));
}

static void a_leader_does_not_wait_for_those_who_are_gone(void **state)
{
    struct timespec before;
    struct timespec after;

    (void)state;
    start_all();

    int first = leader();

    daemon_end(&daemons[(first + 1) % 3]);
    daemon_end(&daemons[(first + 2) % 3]);
    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    stop(first);
    (void)clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(after.tv_sec - before.tv_sec < 2);
    assert_true(has_said(&daemons[first], "stops without a successor"));
}

static void whoever_asks_twice_does_not_wait(void **state)
{
    (void)state;
    start_all();

    int first = leader();

    daemon_kill(&daemons[(first + 1) % 3], SIGSTOP);
    daemon_kill(&daemons[(first + 2) % 3], SIGSTOP);
    daemon_kill(&daemons[first], SIGTERM);
    assert_true(daemon_says(&daemons[first], "until another member leads in its place"));
    daemon_kill(&daemons[first], SIGTERM);
    assert_int_equal(daemon_wait(&daemons[first]), 128 + SIGTERM);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_cluster_of_one_does_not_become_one_of_three),
        TEST(a_voter_does_not_become_a_learner),
        TEST(a_directory_of_another_id_is_refused_with_a_remedy),
        TEST(addresses_may_move),
        TEST(a_member_at_the_address_of_another_is_not_taken_for_it),
        TEST(an_occupied_port_is_one_line),
        TEST(a_locked_directory_names_the_process),
        TEST(an_address_of_another_machine_is_one_line),
        TEST(a_home_that_cannot_be_made_is_told_with_its_reason),
        TEST(three_are_taught_to_whoever_begins_with_one),
        TEST(json_is_all_that_who_wants_json_gets),
        TEST(a_server_by_itself_may_have_any_id),
        TEST(founding_names_those_who_are_missing_and_ready_comes_after),
        TEST(a_leader_without_a_majority_says_so_and_when_it_is_over),
        TEST(a_refusal_is_not_kept_for_ever),
        TEST(a_lost_directory_is_told_what_to_do),
        TEST(what_is_not_the_protocol_is_told_once),
        TEST(a_hangup_is_a_stop_in_good_order),
        TEST(a_leader_does_not_wait_for_those_who_are_gone),
        TEST(whoever_asks_twice_does_not_wait),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
