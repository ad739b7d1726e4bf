/* SPDX-License-Identifier: Apache-2.0 */
/*
 * panic_test -- what a broken promise puts an end to: a client's handle, or the process of a server,
 * after the host was told.  Each story runs in a process of its own, panic_host.
 */
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *program;

struct outcome {
    int code;   /* of its end; -1: a signal ended it */
    int signal; /* 0: none */
    char output[4096];
};

static void run_child(const char *story, const char *directory, int output)
{
    const struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)dup2(output, STDOUT_FILENO);
    (void)alarm(60);
    execl(program, program, story, directory, (char *)NULL);
    _exit(127);
}

static struct outcome run(const char *story)
{
    struct outcome outcome = {.code = -1};
    char directory[64];
    size_t used = 0;
    int pipe_ends[2];
    ssize_t got;
    int status;
    pid_t child;

    directory_make(directory);
    assert_int_equal(pipe(pipe_ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(pipe_ends[0]);
        run_child(story, directory, pipe_ends[1]);
    }
    close(pipe_ends[1]);
    while ((got = read(pipe_ends[0], outcome.output + used, sizeof outcome.output - 1 - used)) >
           0) {
        used += (size_t)got;
    }
    close(pipe_ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    directory_remove(directory);
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    outcome.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (outcome.code > 0 && outcome.code != 7) {
        print_message("%s", outcome.output);
    }
    return outcome;
}

static void a_server_tells_its_host_what_was_broken_and_aborts(void **state)
{
    struct outcome outcome = run("server");

    (void)state;
    assert_int_equal(outcome.signal, SIGABRT);
    assert_non_null(strstr(outcome.output, "last words: "));
    assert_non_null(strstr(outcome.output, "src/apply/live.c:"));
    assert_non_null(strstr(outcome.output, "was_live"));
}

static void a_host_may_end_its_process_in_its_own_way_when_its_server_is_broken(void **state)
{
    struct outcome outcome = run("server-leaves");

    (void)state;
    assert_int_equal(outcome.code, 7);
    assert_non_null(strstr(outcome.output, "last words: "));
}

static void a_server_whose_host_does_not_want_to_know_aborts_and_prints_nothing(void **state)
{
    struct outcome outcome = run("server-silent");

    (void)state;
    assert_int_equal(outcome.signal, SIGABRT);
    assert_string_equal(outcome.output, "");
}

static void assert_well(const char *story)
{
    struct outcome outcome = run(story);

    assert_int_equal(outcome.signal, 0);
    assert_int_equal(outcome.code, 0);
    assert_string_equal(outcome.output, "well\n");
}

static void a_broken_promise_of_a_client_ends_its_handle_and_nothing_else(void **state)
{
    (void)state;
    assert_well("client");
}

static void a_broken_promise_of_a_client_in_a_hosts_loop_ends_its_handle_and_nothing_else(
    void **state)
{
    (void)state;
    assert_well("guest");
}

static void a_broken_client_may_be_closed_where_its_end_is_told(void **state)
{
    (void)state;
    assert_well("closed-in-callback");
}

static void no_jump_leaves_a_callback_of_the_host(void **state)
{
    struct outcome outcome = run("misuse");

    (void)state;
    assert_int_equal(outcome.signal, SIGABRT);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_tells_its_host_what_was_broken_and_aborts),
        cmocka_unit_test(a_host_may_end_its_process_in_its_own_way_when_its_server_is_broken),
        cmocka_unit_test(a_server_whose_host_does_not_want_to_know_aborts_and_prints_nothing),
        cmocka_unit_test(a_broken_promise_of_a_client_ends_its_handle_and_nothing_else),
        cmocka_unit_test(
            a_broken_promise_of_a_client_in_a_hosts_loop_ends_its_handle_and_nothing_else),
        cmocka_unit_test(a_broken_client_may_be_closed_where_its_end_is_told),
        cmocka_unit_test(no_jump_leaves_a_callback_of_the_host),
    };
    static char path[4096];

    /* Beside this program. */
    (void)argc;
    snprintf(path, sizeof path, "%s", argv[0]);
    char *slash = strrchr(path, '/');
    size_t room = slash == NULL ? 0 : (size_t)(slash + 1 - path);

    snprintf(path + room, sizeof path - room, "%sapi_panic_host", slash == NULL ? "./" : "");
    program = path;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
