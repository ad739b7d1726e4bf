/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard -- see guard.h.
 */
#include "guard.h"

#include "basics.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATHS_MAX 8u
#define PATH_SIZE 120u
#define TRIALS 100

/* One message, written at once. */
struct message {
    char path[PATH_SIZE]; /* empty: the first one stays */
};

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

/* A control group looks full of files, and goes with rmdir alone, when its processes have gone. */
static void remove_all(const char *path)
{
    for (unsigned i = 0; i < TRIALS; i++) {
        if (rmdir(path) == 0 || errno == ENOENT ||
            (errno == ENOTEMPTY && nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0)) {
            return;
        }
        chaos_sleep_ms(20);
    }
}

static void be_guard(int line)
{
    char paths[PATHS_MAX][PATH_SIZE];
    unsigned count = 0;
    struct message message;

    (void)setsid(); /* what a terminal sends is not for us */
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    for (;;) {
        ssize_t size = read(line, &message, sizeof message);

        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size != (ssize_t)sizeof message) {
            break;
        }
        if (message.path[0] == '\0') {
            paths[0][0] = '\0';
        } else if (count < PATHS_MAX) {
            memcpy(paths[count++], message.path, PATH_SIZE);
        }
    }
    for (unsigned i = count; i > 0; i--) {
        if (paths[i - 1][0] != '\0') {
            remove_all(paths[i - 1]);
        }
    }
}

void chaos_guard_open(struct chaos_guard *guard)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0) {
        chaos_give_up("pipe");
    }

    pid_t pid = fork();

    if (pid < 0) {
        chaos_give_up("fork");
    }
    if (pid == 0) {
        /* Nothing of the test's may live on in here: neither its sockets nor what it prints to. */
        (void)dup2(ends[0], STDIN_FILENO);
        (void)close_range(1, ~0u, 0);
        be_guard(STDIN_FILENO);
        _exit(0);
    }
    (void)close(ends[0]);
    guard->line = ends[1];
}

static void tell(struct chaos_guard *guard, const char *path)
{
    struct message message = {.path = ""};

    (void)snprintf(message.path, sizeof message.path, "%s", path);
    if (write(guard->line, &message, sizeof message) != (ssize_t)sizeof message) {
        chaos_say("the guard is gone: directories may stay");
    }
}

void chaos_guard_add(struct chaos_guard *guard, const char *path)
{
    tell(guard, path);
}

void chaos_guard_keep_first(struct chaos_guard *guard)
{
    tell(guard, "");
}
