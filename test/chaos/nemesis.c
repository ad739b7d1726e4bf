/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nemesis -- see nemesis.h.
 */
#include "nemesis.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    uint32_t weight;
    bool needs_links;
    uint32_t shortest_ms; /* from its beginning to its end */
    uint32_t longest_ms;
} kinds[CHAOS_FAULT_COUNT] = {
    [CHAOS_KILL] = {"kill -9", 22, false, 0, 1500},
    [CHAOS_KILL_ALL] = {"kill -9 of all", 6, false, 0, 500},
    [CHAOS_TERM] = {"orderly restart", 10, false, 0, 800},
    [CHAOS_STOP] = {"stop", 18, false, 100, 3000},
    [CHAOS_LINK_DOWN] = {"link down", 14, true, 100, 3000},
    [CHAOS_ONE_WAY] = {"one-way drop", 16, true, 300, 3500},
    [CHAOS_MUTE] = {"mute", 8, true, 300, 3000},
    [CHAOS_CLIENT] = {"client closed", 6, false, 0, 50},
};

/* A fault that has begun. */
struct fault {
    enum chaos_fault kind;
    unsigned server;
    unsigned target; /* of ONE_WAY */
};

static enum chaos_fault choose_kind(struct chaos_nemesis *nemesis)
{
    bool has_links = nemesis->servers->network->has_links;
    uint32_t sum = 0;
    unsigned kind = 0;

    for (unsigned i = 0; i < CHAOS_FAULT_COUNT; i++) {
        sum += kinds[i].needs_links && !has_links ? 0 : kinds[i].weight;
    }

    uint32_t drawn = chaos_random_below(&nemesis->random, sum);

    for (;; kind++) {
        uint32_t weight = kinds[kind].needs_links && !has_links ? 0 : kinds[kind].weight;

        if (drawn < weight) {
            return (enum chaos_fault)kind;
        }
        drawn -= weight;
    }
}

/* Leaders are worth more: half of all faults look for one. */
static unsigned choose_server(struct chaos_nemesis *nemesis)
{
    unsigned server = chaos_random_below(&nemesis->random, CHAOS_SERVER_COUNT);
    bool wants_leader = chaos_random_below(&nemesis->random, 2) == 0;
    unsigned leader = wants_leader ? chaos_servers_leader(nemesis->servers) : CHAOS_SERVER_COUNT;

    return leader < CHAOS_SERVER_COUNT ? leader : server;
}

static void end_process(struct chaos_nemesis *nemesis, unsigned server, int signal_number)
{
    if (nemesis->servers->pids[server] == 0) {
        return;
    }
    chaos_servers_signal(nemesis->servers, server, signal_number);

    int code = chaos_servers_reap(nemesis->servers, server);

    if (signal_number == SIGTERM && code != 0) {
        nemesis->disorders++;
        chaos_say("server %u was asked to stop, and ended with %d", server + 1, code);
    }
}

static void start_process(struct chaos_nemesis *nemesis, unsigned server)
{
    if (nemesis->servers->pids[server] == 0) {
        chaos_servers_start(nemesis->servers, server);
    }
}

static void set_paths(struct chaos_nemesis *nemesis, unsigned server, bool is_open)
{
    for (unsigned target = 0; target <= CHAOS_CLIENTS; target++) {
        if (target != server) {
            chaos_network_path(nemesis->servers->network, server, target, is_open);
        }
    }
}

static void apply(struct chaos_nemesis *nemesis, struct fault fault, bool begins)
{
    struct chaos_servers *servers = nemesis->servers;

    switch (fault.kind) {
    case CHAOS_KILL:
    case CHAOS_TERM:
        if (begins) {
            end_process(nemesis, fault.server, fault.kind == CHAOS_KILL ? SIGKILL : SIGTERM);
        } else {
            start_process(nemesis, fault.server);
        }
        break;
    case CHAOS_KILL_ALL:
        for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
            if (begins && servers->pids[i] != 0) {
                chaos_servers_signal(servers, i, SIGKILL);
            }
        }
        for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
            if (begins) {
                end_process(nemesis, i, SIGKILL);
            } else {
                start_process(nemesis, i);
            }
        }
        break;
    case CHAOS_STOP:
        if (servers->pids[fault.server] != 0) {
            chaos_servers_signal(servers, fault.server, begins ? SIGSTOP : SIGCONT);
        }
        break;
    case CHAOS_LINK_DOWN:
        chaos_network_link(servers->network, fault.server, !begins);
        break;
    case CHAOS_ONE_WAY:
        chaos_network_path(servers->network, fault.server, fault.target, !begins);
        break;
    case CHAOS_MUTE:
        set_paths(nemesis, fault.server, !begins);
        break;
    default:
        if (begins) {
            chaos_load_kill(nemesis->load, fault.target);
        }
        break;
    }
}

static struct fault begin(struct chaos_nemesis *nemesis, const struct fault *other)
{
    struct fault fault = {.kind = choose_kind(nemesis), .server = choose_server(nemesis)};

    /* Two at one server, and what ends all processes, would end what the other one has begun. */
    if (other != NULL && fault.server == other->server) {
        fault.server = (fault.server + 1) % CHAOS_SERVER_COUNT;
    }
    if (other != NULL && (fault.kind == CHAOS_KILL_ALL || other->kind == CHAOS_KILL_ALL)) {
        fault.kind = CHAOS_CLIENT;
    }
    fault.target = (fault.server + 1 + chaos_random_below(&nemesis->random, CHAOS_SERVER_COUNT)) %
                   (CHAOS_SERVER_COUNT + 1);
    if (fault.kind == CHAOS_CLIENT) {
        fault.target = chaos_random_below(&nemesis->random, CHAOS_LOADER_COUNT);
    }
    chaos_say("%s: server %u", kinds[fault.kind].name, fault.server + 1);
    nemesis->counts[fault.kind]++;
    apply(nemesis, fault, true);
    return fault;
}

static void let_pass(struct chaos_nemesis *nemesis, enum chaos_fault kind)
{
    uint32_t range_ms = kinds[kind].longest_ms - kinds[kind].shortest_ms;

    chaos_sleep_ms(kinds[kind].shortest_ms + chaos_random_below(&nemesis->random, range_ms + 1));
}

void chaos_nemesis_strike(struct chaos_nemesis *nemesis)
{
    struct fault first = begin(nemesis, NULL);

    let_pass(nemesis, first.kind);
    if (chaos_random_below(&nemesis->random, 4) == 0) {
        struct fault second = begin(nemesis, &first);

        let_pass(nemesis, second.kind);
        apply(nemesis, second, false);
    }
    apply(nemesis, first, false);
    chaos_sleep_ms(200 + chaos_random_below(&nemesis->random, 1500));
    chaos_servers_check(nemesis->servers);
}

void chaos_nemesis_print(const struct chaos_nemesis *nemesis, char *text, size_t text_size)
{
    size_t used = 0;

    text[0] = '\0';
    for (unsigned i = 0; i < CHAOS_FAULT_COUNT && used < text_size; i++) {
        if (nemesis->counts[i] != 0) {
            used += (size_t)snprintf(
                text + used, text_size - used, "%s%s %" PRIu64, used == 0 ? "" : ", ",
                kinds[i].name, nemesis->counts[i]);
        }
    }
}

uint64_t chaos_nemesis_total(const struct chaos_nemesis *nemesis)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < CHAOS_FAULT_COUNT; i++) {
        total += nemesis->counts[i];
    }
    return total;
}
