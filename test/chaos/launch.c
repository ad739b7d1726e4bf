/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch -- see launch.h.
 */
#include "launch.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TEXT_SIZE 256u

#ifndef CLONE_NEWTIME
#    define CLONE_NEWTIME 0x00000080
#endif

/* A clock cannot be set back below its beginning: who is asked for it may refuse. */
static bool set_clocks(int64_t ahead_s)
{
    static const int clocks[] = {CLOCK_MONOTONIC, CLOCK_BOOTTIME};
    char text[64];
    bool is_done = unshare(CLONE_NEWTIME) == 0;
    int offsets = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);

    for (size_t i = 0; i < 2 && is_done; i++) {
        (void)snprintf(text, sizeof text, "%d %" PRId64 " 0", clocks[i], ahead_s);
        is_done = write(offsets, text, strlen(text)) == (ssize_t)strlen(text);
    }
    if (offsets >= 0) {
        (void)close(offsets);
    }

    int room = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);

    is_done = is_done && room >= 0 && setns(room, CLONE_NEWTIME) == 0;
    if (room >= 0) {
        (void)close(room);
    }
    return is_done;
}

bool chaos_launch_has_clocks(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(set_clocks(1) ? 0 : 1);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void set_environment(const struct chaos_servers *servers, unsigned server)
{
    char page[TEXT_SIZE];

    if (servers->ways[server] == CHAOS_WAY_RING) {
        return;
    }
    (void)snprintf(page, sizeof page, "%s/%u.page", servers->root, server + 1);
    (void)setenv("LD_PRELOAD", servers->shim, 1);
    (void)setenv(CHAOS_SHIM_VARIABLE, page, 1);
}

static void open_log(const struct chaos_servers *servers, unsigned server, bool is_twin)
{
    char path[TEXT_SIZE];

    (void)snprintf(
        path, sizeof path, "%s/%u%s.log", servers->root, server + 1, is_twin ? ".twin" : "");

    int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

    (void)dup2(log, STDOUT_FILENO);
    (void)dup2(log, STDERR_FILENO);
}

/* What is mounted and unmounted outside is so in here too, else a disk would have two lives. */
static bool set_hosts(const struct chaos_servers *servers, unsigned server)
{
    char path[TEXT_SIZE];

    (void)snprintf(path, sizeof path, "%s/%u.hosts", servers->root, server + 1);
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0 &&
           mount(path, "/etc/hosts", NULL, MS_BIND, NULL) == 0;
}

/* In the child: never returns. */
static void become_server(
    const struct chaos_servers *servers, unsigned server, bool is_twin, pid_t parent)
{
    char texts[3][TEXT_SIZE];

    (void)setsid(); /* what a terminal sends is for the test */
    open_log(servers, server, is_twin);
    chaos_network_enter(servers->network, server);
    if (servers->network->has_faces && !set_hosts(servers, server)) {
        _exit(126);
    }
    if (servers->has_clocks && !set_clocks(servers->ahead_s[server])) {
        _exit(126);
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(125);
    }
    set_environment(servers, server);
    (void)snprintf(texts[0], TEXT_SIZE, "--id=%u", server + 1);
    (void)snprintf(texts[1], TEXT_SIZE, "--members=%s", servers->members);
    (void)snprintf(texts[2], TEXT_SIZE, "--data-dir=%s/data", servers->disks->disks[server].path);
    execl(
        servers->program, "copycatd", texts[0], texts[1], texts[2], "--insecure",
        "--journal-file-size=1MiB", "--election-timeout=500ms", "--heartbeat-interval=100ms",
        (char *)NULL);
    _exit(127);
}

pid_t chaos_launch(const struct chaos_servers *servers, unsigned server, bool is_twin)
{
    pid_t parent = getpid();
    pid_t pid = fork();

    if (pid < 0) {
        chaos_give_up("fork");
    }
    if (pid == 0) {
        become_server(servers, server, is_twin, parent);
    }
    return pid;
}
