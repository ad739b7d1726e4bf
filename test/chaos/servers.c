/* SPDX-License-Identifier: Apache-2.0 */
/*
 * servers -- see servers.h.
 */
#include "launch.h"

#include <copycat/probe.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 20000u
#define POLL_MS 20u
#define PROBE_MS 300u
#define AGREE_PROBE_MS 2000u
#define ADDRESS_SIZE 32u
#define PATH_SIZE 96u

/* A shared file rather than shared memory: it reaches the server by its name. */
static struct chaos_shim_page *make_page(const struct chaos_servers *servers, unsigned server)
{
    char path[PATH_SIZE];

    (void)snprintf(path, sizeof path, "%s/%u.page", servers->root, server + 1);

    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct chaos_shim_page *page = MAP_FAILED;

    if (file >= 0 && ftruncate(file, sizeof *page) == 0) {
        page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        (void)close(file);
    }
    if (page == MAP_FAILED) {
        chaos_give_up("a page shared with a server");
    }
    return page;
}

void chaos_servers_introduce(struct chaos_servers *servers, const struct chaos_disks *disks)
{
    char text[256];
    char path[PATH_SIZE];

    servers->disks = disks;
    chaos_network_members(servers->network, servers->members, sizeof servers->members);
    chaos_network_servers(servers->network, servers->addresses, sizeof servers->addresses);
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        chaos_network_hosts(servers->network, i, text, sizeof text);
        (void)snprintf(path, sizeof path, "%s/%u.hosts", servers->root, i + 1);

        FILE *file = fopen(path, "we");

        if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
            chaos_give_up("a file of hosts");
        }
    }
}

/* It lies beside this program. */
static void find_shim(struct chaos_servers *servers)
{
    ssize_t size = readlink("/proc/self/exe", servers->shim, sizeof servers->shim - 1);
    char *end = size <= 0 ? NULL : strrchr(servers->shim, '/');
    size_t room = end == NULL ? 0 : sizeof servers->shim - (size_t)(end - servers->shim);

    if (end == NULL || (size_t)snprintf(end, room, "/" CHAOS_SHIM) >= room ||
        access(servers->shim, R_OK) != 0) {
        servers->shim[0] = '\0';
    }
}

void chaos_servers_init(
    struct chaos_servers *servers,
    const struct chaos_network *network,
    const char *program,
    uint64_t seed)
{
    const char *parent = getenv("TMPDIR");

    *servers = (struct chaos_servers){
        .network = network, .program = program, .random = {seed ^ 0x5e47e45}};
    if (parent == NULL || strlen(parent) > 40) {
        parent = "/tmp";
    }
    (void)snprintf(servers->root, sizeof servers->root, "%s/copycat-chaos-XXXXXX", parent);
    if (mkdtemp(servers->root) == NULL) {
        chaos_give_up("a directory for the data");
    }

    find_shim(servers);
    servers->has_clocks = chaos_launch_has_clocks();
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        servers->pages[i] = make_page(servers, i);
    }
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

void chaos_servers_deinit(struct chaos_servers *servers)
{
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        if (servers->pids[i] != 0) {
            chaos_servers_signal(servers, i, SIGKILL);
            (void)chaos_servers_reap(servers, i);
        }
        (void)munmap(servers->pages[i], sizeof *servers->pages[i]);
    }
}

void chaos_servers_remove(const struct chaos_servers *servers)
{
    (void)nftw(servers->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- processes --------------------------------------------------------------------------------- */

void chaos_servers_start_by(struct chaos_servers *servers, unsigned server, enum chaos_way way)
{
    struct chaos_shim_page *page = servers->pages[server];

    way = servers->shim[0] == '\0' ? CHAOS_WAY_RING : way;
    page->refuses_dsync = way == CHAOS_WAY_SYNC;
    servers->ways[server] = way;
    servers->pids[server] = chaos_launch(servers, server, false);
}

void chaos_servers_start(struct chaos_servers *servers, unsigned server)
{
    chaos_servers_start_by(
        servers, server, (enum chaos_way)chaos_random_below(&servers->random, CHAOS_WAY_COUNT));
}

pid_t chaos_servers_start_twin(struct chaos_servers *servers, unsigned server)
{
    return chaos_launch(servers, server, true);
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

bool chaos_servers_ends(
    struct chaos_servers *servers, unsigned server, uint64_t patience_ms, int *code_out)
{
    uint64_t end_us = chaos_now_us() + patience_ms * 1000u;
    int status = 0;
    bool has_ended = servers->pids[server] == 0;

    while (!has_ended) {
        has_ended = waitpid(servers->pids[server], &status, WNOHANG) > 0;
        if (!has_ended && chaos_now_us() > end_us) {
            return false;
        }
        if (!has_ended) {
            chaos_sleep_ms(5);
        }
    }
    servers->pids[server] = 0;
    *code_out = code_of(status);
    return true;
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

/* ---- what they say ------------------------------------------------------------------------------ */

static FILE *open_log(const struct chaos_servers *servers, const char *name)
{
    char path[PATH_SIZE];

    (void)snprintf(path, sizeof path, "%s/%s.log", servers->root, name);
    return fopen(path, "re");
}

uint64_t chaos_servers_log_size(const struct chaos_servers *servers, const char *name)
{
    FILE *file = open_log(servers, name);
    long size = file != NULL && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : 0;

    if (file != NULL) {
        (void)fclose(file);
    }
    return size < 0 ? 0 : (uint64_t)size;
}

bool chaos_servers_log_says(
    const struct chaos_servers *servers, const char *name, uint64_t offset, const char *text)
{
    FILE *file = open_log(servers, name);
    char line[1024];
    bool is_said = false;

    if (file == NULL) {
        return false;
    }
    if (fseek(file, (long)offset, SEEK_SET) == 0) {
        while (!is_said && fgets(line, sizeof line, file) != NULL) {
            is_said = strstr(line, text) != NULL;
        }
    }
    (void)fclose(file);
    return is_said;
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

bool chaos_servers_catches_up(
    const struct chaos_servers *servers, unsigned server, uint64_t patience_ms)
{
    uint64_t end_us = chaos_now_us() + patience_ms * 1000u;
    uint64_t wanted = 0;
    copycat_probe found;

    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        if (servers->pids[i] != 0 && probe(servers, i, PROBE_MS, &found)) {
            wanted = found.applied > wanted ? found.applied : wanted;
        }
    }
    while (!probe(servers, server, PROBE_MS, &found) || found.applied < wanted ||
           found.leader == 0) {
        if (chaos_now_us() > end_us) {
            return false;
        }
        chaos_sleep_ms(POLL_MS);
    }
    return true;
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
