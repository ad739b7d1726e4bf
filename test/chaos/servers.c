/* SPDX-License-Identifier: Apache-2.0 */
/*
 * servers -- see servers.h.
 */
#include "servers.h"

#include <copycat/probe.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 20000u
#define POLL_MS 20u
#define PROBE_MS 300u
#define AGREE_PROBE_MS 2000u
#define ADDRESS_SIZE 32u
#define PATH_SIZE 96u

void chaos_servers_init(
    struct chaos_servers *servers, const struct chaos_network *network, const char *program)
{
    const char *parent = getenv("TMPDIR");

    *servers = (struct chaos_servers){.network = network, .program = program};
    if (parent == NULL || strlen(parent) > 40) {
        parent = "/tmp";
    }
    (void)snprintf(servers->root, sizeof servers->root, "%s/copycat-chaos-XXXXXX", parent);
    if (mkdtemp(servers->root) == NULL) {
        chaos_give_up("a directory for the data");
    }
    chaos_network_members(network, servers->members, sizeof servers->members);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

void chaos_servers_deinit(struct chaos_servers *servers, bool keeps_directory)
{
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        if (servers->pids[i] != 0) {
            chaos_servers_signal(servers, i, SIGKILL);
            (void)chaos_servers_reap(servers, i);
        }
    }
    if (!keeps_directory) {
        (void)nftw(servers->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
}

/* ---- processes --------------------------------------------------------------------------------- */

/* In the child: never returns. */
static void become_server(const struct chaos_servers *servers, unsigned server, pid_t parent)
{
    char texts[4][PATH_SIZE + 64];
    int log;

    (void)snprintf(texts[0], sizeof texts[0], "%s/%u.log", servers->root, server + 1);
    log = open(texts[0], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    (void)dup2(log, STDOUT_FILENO);
    (void)dup2(log, STDERR_FILENO);
    chaos_network_enter(servers->network, server);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(125);
    }
    (void)snprintf(texts[0], sizeof texts[0], "--id=%u", server + 1);
    (void)snprintf(texts[1], sizeof texts[1], "--members=%s", servers->members);
    (void)snprintf(texts[2], sizeof texts[2], "--data-dir=%s/%u", servers->root, server + 1);
    execl(
        servers->program, "copycatd", texts[0], texts[1], texts[2], "--insecure",
        "--journal-file-size=2MiB", "--election-timeout=500ms", "--heartbeat-interval=100ms",
        (char *)NULL);
    _exit(127);
}

void chaos_servers_start(struct chaos_servers *servers, unsigned server)
{
    pid_t parent = getpid();
    pid_t pid = fork();

    if (pid < 0) {
        chaos_give_up("fork");
    }
    if (pid == 0) {
        become_server(servers, server, parent);
    }
    servers->pids[server] = pid;
}

void chaos_servers_signal(struct chaos_servers *servers, unsigned server, int signal_number)
{
    (void)kill(servers->pids[server], signal_number);
}

static int code_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int chaos_servers_reap(struct chaos_servers *servers, unsigned server)
{
    uint64_t end_us = chaos_now_us() + PATIENCE_MS * 1000u;
    int status = 0;

    while (waitpid(servers->pids[server], &status, WNOHANG) == 0) {
        if (chaos_now_us() > end_us) {
            chaos_servers_signal(servers, server, SIGKILL);
        }
        chaos_sleep_ms(5);
    }
    servers->pids[server] = 0;
    return code_of(status);
}

void chaos_servers_check(struct chaos_servers *servers)
{
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        int status = 0;

        if (servers->pids[i] != 0 && waitpid(servers->pids[i], &status, WNOHANG) > 0) {
            servers->deaths++;
            chaos_say(
                "server %u ended by itself, with %d: see %s/%u.log", i + 1, code_of(status),
                servers->root, i + 1);
            chaos_servers_start(servers, i);
        }
    }
}

/* ---- asking ------------------------------------------------------------------------------------ */

static bool probe(
    const struct chaos_servers *servers,
    unsigned server,
    uint64_t patience_ms,
    copycat_probe *found)
{
    char address[ADDRESS_SIZE];

    (void)snprintf(
        address, sizeof address, "%s:%u", servers->network->hosts[server],
        servers->network->ports[server]);
    *found = (copycat_probe){.size = sizeof *found};
    return copycat_probe_server(address, patience_ms, found, NULL) == COPYCAT_OK;
}

unsigned chaos_servers_leader(const struct chaos_servers *servers)
{
    unsigned leader = CHAOS_SERVER_COUNT;
    uint64_t term = 0;

    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        copycat_probe found;

        if (servers->pids[i] != 0 && probe(servers, i, PROBE_MS, &found) &&
            found.role == COPYCAT_ROLE_LEADER && found.term > term) {
            leader = i;
            term = found.term;
        }
    }
    return leader;
}

bool chaos_servers_agree(const struct chaos_servers *servers, uint64_t patience_ms, bool says_so)
{
    uint64_t end_us = chaos_now_us() + patience_ms * 1000u;
    copycat_probe found[CHAOS_SERVER_COUNT];
    bool is_same = false;

    while (!is_same && chaos_now_us() < end_us) {
        is_same = true;
        for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
            is_same = probe(servers, i, AGREE_PROBE_MS, &found[i]) && is_same &&
                      found[i].applied == found[0].applied && found[i].digest == found[0].digest &&
                      found[i].leader != 0;
        }
        if (!is_same) {
            chaos_sleep_ms(POLL_MS);
        }
    }
    for (unsigned i = 0; says_so && i < CHAOS_SERVER_COUNT; i++) {
        chaos_say(
            "server %u: term %" PRIu64 ", applied %" PRIu64 ", digest %016" PRIx64 "%s", i + 1,
            found[i].term, found[i].applied, found[i].digest,
            found[i].role == COPYCAT_ROLE_LEADER ? ", leads" : "");
    }
    return is_same;
}
