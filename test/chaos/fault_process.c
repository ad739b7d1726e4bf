/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault_process -- what happens to processes: see faults.h.
 */
#include "faults.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define WAY_PATIENCE_MS 3000u
#define TWIN_PATIENCE_MS 15000u
#define STARVED_PERCENT 2u
#define WALL_JUMP_S 400000
#define MONOTONIC_JUMP_S 3000000u

void chaos_end_process(struct chaos_nemesis *nemesis, unsigned server, int signal_number)
{
    if (nemesis->servers->pids[server] == 0) {
        return;
    }
    chaos_servers_signal(nemesis->servers, server, signal_number);

    int code = chaos_servers_reap(nemesis->servers, server);

    if (signal_number == SIGTERM && code != 0) {
        chaos_nemesis_complain(
            nemesis, "server %u was asked to stop, and ended with %d", server + 1, code);
    }
}

void chaos_start_process(struct chaos_nemesis *nemesis, unsigned server)
{
    if (nemesis->servers->pids[server] == 0) {
        chaos_servers_start(nemesis->servers, server);
    }
}

void chaos_make_way(struct chaos_nemesis *nemesis, unsigned server, enum chaos_way way)
{
    struct chaos_servers *servers = nemesis->servers;

    if (servers->ways[server] < way) {
        chaos_end_process(nemesis, server, SIGKILL);
        chaos_servers_start_by(servers, server, way);
        (void)chaos_servers_catches_up(servers, server, WAY_PATIENCE_MS);
    }
}

/* ---- ends -------------------------------------------------------------------------------------- */

void chaos_kill_begin(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    chaos_end_process(nemesis, fault->server, SIGKILL);
}

void chaos_kill_end(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    chaos_start_process(nemesis, fault->server);
}

void chaos_kill_all_begin(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    (void)fault;
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        if (nemesis->servers->pids[i] != 0) {
            chaos_servers_signal(nemesis->servers, i, SIGKILL);
        }
    }
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        chaos_end_process(nemesis, i, SIGKILL);
    }
}

void chaos_kill_all_end(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    (void)fault;
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        chaos_start_process(nemesis, i);
    }
}

void chaos_term_begin(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    chaos_end_process(nemesis, fault->server, SIGTERM);
}

/* ---- pauses ------------------------------------------------------------------------------------ */

void chaos_stop_begin(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    if (nemesis->servers->pids[fault->server] != 0) {
        chaos_servers_signal(nemesis->servers, fault->server, SIGSTOP);
    }
}

void chaos_stop_end(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    if (nemesis->servers->pids[fault->server] != 0) {
        chaos_servers_signal(nemesis->servers, fault->server, SIGCONT);
    }
}

void chaos_starved_begin(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    pid_t pid = nemesis->servers->pids[fault->server];

    if (pid != 0) {
        chaos_cpu_limit(nemesis->cpu, fault->server, pid, STARVED_PERCENT);
    }
    chaos_cpu_pass(
        nemesis->cpu, pid, STARVED_PERCENT, 200 + chaos_random_below(&nemesis->random, 1000));
}

void chaos_starved_end(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    chaos_cpu_release(nemesis->cpu, fault->server, nemesis->servers->pids[fault->server]);
}

/* ---- a second process -------------------------------------------------------------------------- */

void chaos_twin_begin(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    char name[16];

    chaos_start_process(nemesis, fault->server);
    (void)chaos_servers_catches_up(nemesis->servers, fault->server, WAY_PATIENCE_MS);
    (void)snprintf(name, sizeof name, "%u.twin", fault->server + 1);
    fault->log_size = chaos_servers_log_size(nemesis->servers, name);
    fault->pid = chaos_servers_start_twin(nemesis->servers, fault->server);
}

/* That the first one goes on is seen by all that follows. */
void chaos_twin_end(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    uint64_t end_us = chaos_now_us() + TWIN_PATIENCE_MS * 1000u;
    int status = 0;
    char name[16];

    while (waitpid(fault->pid, &status, WNOHANG) == 0) {
        if (chaos_now_us() > end_us) {
            (void)kill(fault->pid, SIGKILL);
        }
        chaos_sleep_ms(5);
    }
    (void)snprintf(name, sizeof name, "%u.twin", fault->server + 1);
    if (!WIFEXITED(status) || WEXITSTATUS(status) == 0 ||
        !chaos_servers_log_says(nemesis->servers, name, fault->log_size, "uses the directory")) {
        chaos_nemesis_complain(
            nemesis, "a second process with the data of server %u was not refused for that: %d",
            fault->server + 1, status);
    } else {
        nemesis->effects.twins_refused++;
    }
}

/* ---- clocks ------------------------------------------------------------------------------------ */

/* Started again, it counts from another beginning, as after a boot; days may have gone by. */
void chaos_clocks_begin(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    struct chaos_servers *servers = nemesis->servers;
    unsigned server = fault->server;
    int64_t now_s = (int64_t)(chaos_now_us() / 1000000u);
    bool is_back = chaos_random_below(&nemesis->random, 2) == 0;

    chaos_end_process(nemesis, server, SIGKILL);
    servers->ahead_s[server] =
        is_back
            ? -(int64_t)chaos_random_below(&nemesis->random, (uint32_t)(now_s < 4 ? 1 : now_s - 2))
            : (int64_t)chaos_random_below(&nemesis->random, MONOTONIC_JUMP_S);
    chaos_servers_start_by(servers, server, CHAOS_WAY_THREAD);
    (void)chaos_servers_catches_up(servers, server, WAY_PATIENCE_MS);
    servers->pages[server]->wall_ahead_s =
        (int32_t)chaos_random_below(&nemesis->random, 2 * WALL_JUMP_S) - WALL_JUMP_S;
}

/* The wall clock is put right; the other one stays as it is until the next start. */
void chaos_clocks_end(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    nemesis->servers->pages[fault->server]->wall_ahead_s = 0;
}

/* ---- clients ----------------------------------------------------------------------------------- */

void chaos_client_begin(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    chaos_load_kill(nemesis->load, fault->target);
}

void chaos_client_end(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    (void)nemesis;
    (void)fault;
}
