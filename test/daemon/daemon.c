/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon -- see daemon.h.
 */
#include "daemon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 20000
#define POLL_MS 5
#define ARGUMENTS_MAX 16

char daemon_root[48];
static unsigned started;

void daemon_make_root(void)
{
    snprintf(daemon_root, sizeof daemon_root, "/tmp/copycat-daemon-XXXXXX");
    if (mkdtemp(daemon_root) == NULL) {
        perror("mkdtemp");
        abort();
    }
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

void daemon_clean(void)
{
    (void)nftw(daemon_root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

uint16_t daemon_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int socket_fd = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(socket_fd, (struct sockaddr *)&address, size) != 0 ||
        getsockname(socket_fd, (struct sockaddr *)&address, &size) != 0) {
        abort();
    }
    close(socket_fd);
    return ntohs(address.sin_port);
}

void daemon_start(struct daemon *daemon, const char *const *arguments)
{
    const char *argv[ARGUMENTS_MAX] = {COPYCATD};

    for (size_t i = 0; arguments[i] != NULL && i + 2 < ARGUMENTS_MAX; i++) {
        argv[i + 1] = arguments[i];
    }
    snprintf(daemon->log, sizeof daemon->log, "%s/log-%u", daemon_root, ++started);
    daemon->pid = fork();
    if (daemon->pid == 0) {
        const struct rlimit limit = {daemon->files_max, daemon->files_max};
        int log = open(daemon->log, O_WRONLY | O_CREAT | O_APPEND, 0600);

        (void)signal(SIGHUP, SIG_DFL); /* whoever runs the tests may not want it */
        dup2(log, 1);
        dup2(log, 2);
        (void)close_range(3, ~0U, 0); /* whatever we have been given counts against its limit */
        if (daemon->files_max != 0 && setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            _exit(126);
        }
        execv(COPYCATD, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
}

static void pause_a_moment(void)
{
    const struct timespec moment = {0, POLL_MS * 1000000};

    (void)nanosleep(&moment, NULL);
}

bool daemon_says(const struct daemon *daemon, const char *text)
{
    static char log[65536];

    for (int waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
        int file = open(daemon->log, O_RDONLY);
        ssize_t size = file < 0 ? -1 : read(file, log, sizeof log - 1);

        if (file >= 0) {
            close(file);
        }
        log[size < 0 ? 0 : size] = '\0';
        if (strstr(log, text) != NULL) {
            return true;
        }
        pause_a_moment();
    }
    printf("not said: %s; but:\n%s\n", text, log);
    return false;
}

int daemon_wait(struct daemon *daemon)
{
    for (int waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
        if (waitpid(daemon->pid, &daemon->status, WNOHANG) == daemon->pid) {
            daemon->pid = 0;
            return WIFEXITED(daemon->status) ? WEXITSTATUS(daemon->status)
                                             : 128 + WTERMSIG(daemon->status);
        }
        pause_a_moment();
    }
    return -1;
}

void daemon_kill(struct daemon *daemon, int signal_number)
{
    if (daemon->pid > 0) {
        (void)kill(daemon->pid, signal_number);
    }
}

void daemon_end(struct daemon *daemon)
{
    if (daemon->pid > 0) {
        (void)kill(daemon->pid, SIGKILL);
        (void)waitpid(daemon->pid, &daemon->status, 0);
        daemon->pid = 0;
    }
}

size_t daemon_resident(const struct daemon *daemon)
{
    char path[64];
    char line[256];
    size_t kib = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/status", (int)daemon->pid);
    file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "VmRSS: %zu kB", &kib) == 1) {
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return kib;
}
