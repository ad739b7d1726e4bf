/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nemesis -- see nemesis.h.
 */
#include "faults.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_SIZE 200u
#define SLICE_MS 100u

enum need {
    NEEDS_NOTHING,
    NEEDS_LINKS,
    NEEDS_PROXY,
    NEEDS_MOUNTS,
    NEEDS_SHIM,
    NEEDS_POWER,
    NEEDS_CLOCKS,
};

static const struct {
    const char *name;
    uint32_t weight;
    enum need need;
    bool is_alone;        /* does not begin while another one is under way */
    uint32_t shortest_ms; /* from its beginning to its end */
    uint32_t longest_ms;
    chaos_fault_act *begin;
    chaos_fault_act *end;
} kinds[CHAOS_KIND_COUNT] = {
    [CHAOS_KILL] = {"kill -9", 16, NEEDS_NOTHING, false, 0, 1500, chaos_kill_begin, chaos_kill_end},
    [CHAOS_KILL_ALL] =
        {"kill -9 of all", 5, NEEDS_NOTHING, true, 0, 500, chaos_kill_all_begin,
         chaos_kill_all_end},
    [CHAOS_TERM] =
        {"orderly restart", 6, NEEDS_NOTHING, false, 0, 800, chaos_term_begin, chaos_kill_end},
    [CHAOS_STOP] = {"stop", 10, NEEDS_NOTHING, false, 100, 3000, chaos_stop_begin, chaos_stop_end},
    [CHAOS_STARVED] =
        {"starved of CPU", 6, NEEDS_NOTHING, false, 100, 1500, chaos_starved_begin,
         chaos_starved_end},
    [CHAOS_TWIN] =
        {"double start", 3, NEEDS_NOTHING, true, 0, 50, chaos_twin_begin, chaos_twin_end},
    [CHAOS_CLOCKS] =
        {"clock jump", 4, NEEDS_CLOCKS, false, 100, 1000, chaos_clocks_begin, chaos_clocks_end},
    [CHAOS_LINK_DOWN] =
        {"link down", 8, NEEDS_LINKS, false, 100, 3000, chaos_link_begin, chaos_link_end},
    [CHAOS_ONE_WAY] =
        {"one-way drop", 10, NEEDS_LINKS, false, 300, 3500, chaos_one_way_begin, chaos_one_way_end},
    [CHAOS_MUTE] = {"mute", 6, NEEDS_LINKS, false, 300, 3000, chaos_mute_begin, chaos_mute_end},
    [CHAOS_DELAY] = {"delay", 6, NEEDS_PROXY, false, 300, 3000, chaos_proxy_begin, chaos_proxy_end},
    [CHAOS_STALL] = {"stall", 8, NEEDS_PROXY, false, 300, 3000, chaos_proxy_begin, chaos_proxy_end},
    [CHAOS_SPLIT] = {"split", 6, NEEDS_PROXY, false, 300, 2500, chaos_proxy_begin, chaos_proxy_end},
    [CHAOS_RESET] = {"reset", 8, NEEDS_PROXY, false, 800, 2000, chaos_proxy_begin, chaos_proxy_end},
    [CHAOS_FULL] =
        {"full disk", 6, NEEDS_MOUNTS, false, 1000, 4000, chaos_full_begin, chaos_full_end},
    [CHAOS_WRITE_ERROR] =
        {"write error", 6, NEEDS_SHIM, false, 0, 100, chaos_error_begin, chaos_error_end},
    [CHAOS_SYNC_ERROR] =
        {"sync error", 6, NEEDS_SHIM, false, 0, 100, chaos_error_begin, chaos_error_end},
    [CHAOS_SLOW_DISK] =
        {"slow disk", 6, NEEDS_SHIM, false, 300, 3000, chaos_slow_begin, chaos_slow_end},
    [CHAOS_HUNG_DISK] =
        {"hung disk", 6, NEEDS_SHIM, false, 200, 3000, chaos_hung_begin, chaos_hung_end},
    [CHAOS_ROT] =
        {"bit rot", 6, NEEDS_NOTHING, true, 0, 300, chaos_rot_fault_begin, chaos_rot_fault_end},
    [CHAOS_POWER] =
        {"power loss", 8, NEEDS_POWER, false, 0, 500, chaos_power_begin, chaos_power_end},
    [CHAOS_CLIENT] =
        {"client closed", 4, NEEDS_NOTHING, false, 0, 50, chaos_client_begin, chaos_client_end},
};

/* ---- what can be done here --------------------------------------------------------------------- */

static bool can_lose_power(const struct chaos_disks *disks)
{
    bool can = false;

    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        can = can || disks->disks[i].can_lose_power;
    }
    return can;
}

/* NULL, or why this machine does not allow it. */
static const char *obstacle_of(const struct chaos_nemesis *nemesis, enum need need)
{
    switch (need) {
    case NEEDS_LINKS:
        return nemesis->servers->network->has_links ? NULL : nemesis->servers->network->obstacle;
    case NEEDS_PROXY:
        return nemesis->proxy != NULL ? NULL : "no place for a proxy without namespaces";
    case NEEDS_MOUNTS:
        return nemesis->disks->has_mounts ? NULL : "nothing can be mounted";
    case NEEDS_SHIM:
        return nemesis->servers->shim[0] != '\0' ? NULL : "the shim is not beside this program";
    case NEEDS_POWER:
        return can_lose_power(nemesis->disks) ? NULL : "no ext4 or xfs of our own";
    case NEEDS_CLOCKS:
        return !nemesis->servers->has_clocks       ? "no time namespace"
               : nemesis->servers->shim[0] == '\0' ? "the shim is not beside this program"
                                                   : NULL;
    default:
        return NULL;
    }
}

static bool is_possible(const struct chaos_nemesis *nemesis, unsigned kind)
{
    return obstacle_of(nemesis, kinds[kind].need) == NULL;
}

void chaos_nemesis_skipped(const struct chaos_nemesis *nemesis, char *text, size_t text_size)
{
    const char *lacks = nemesis->disks->obstacle;
    size_t used = (size_t)snprintf(text, text_size, "%s", lacks);

    for (unsigned i = 0; i < CHAOS_KIND_COUNT && used < text_size; i++) {
        if (!is_possible(nemesis, i)) {
            used += (size_t)snprintf(
                text + used, text_size - used, "%s%s (%s)", used == 0 ? "" : ", ", kinds[i].name,
                obstacle_of(nemesis, kinds[i].need));
        }
    }
    if (used == 0) {
        (void)snprintf(text, text_size, "nothing");
    }
}

/* ---- choice ------------------------------------------------------------------------------------ */

/* While some kind has not had its turn, only such are drawn. */
static uint32_t weight_of(const struct chaos_nemesis *nemesis, unsigned kind, bool is_first_round)
{
    bool may_be = is_possible(nemesis, kind) && !(kinds[kind].is_alone && nemesis->under_way > 0);

    if (is_first_round) {
        return may_be && nemesis->counts[kind] == 0;
    }
    return may_be ? kinds[kind].weight : 0;
}

static uint32_t weights(const struct chaos_nemesis *nemesis, bool is_first_round)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < CHAOS_KIND_COUNT; i++) {
        sum += weight_of(nemesis, i, is_first_round);
    }
    return sum;
}

bool chaos_nemesis_is_first_round(const struct chaos_nemesis *nemesis)
{
    return weights(nemesis, true) > 0;
}

static enum chaos_kind choose_kind(struct chaos_nemesis *nemesis)
{
    bool is_first_round = weights(nemesis, true) > 0;
    uint32_t drawn = chaos_random_below(&nemesis->random, weights(nemesis, is_first_round));
    unsigned kind = 0;

    for (;; kind++) {
        uint32_t weight = weight_of(nemesis, kind, is_first_round);

        if (drawn < weight) {
            return (enum chaos_kind)kind;
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

static bool is_fit(
    const struct chaos_nemesis *nemesis,
    enum chaos_kind kind,
    unsigned server,
    const struct chaos_fault *other)
{
    return (other == NULL || other->server != server) &&
           (kind != CHAOS_POWER || nemesis->disks->disks[server].can_lose_power);
}

/* ---- one fault --------------------------------------------------------------------------------- */

static void begin(
    struct chaos_nemesis *nemesis, struct chaos_fault *fault, const struct chaos_fault *other)
{
    unsigned trials = 0;

    *fault = (struct chaos_fault){.kind = choose_kind(nemesis), .server = choose_server(nemesis)};
    while (trials < CHAOS_SERVER_COUNT && !is_fit(nemesis, fault->kind, fault->server, other)) {
        fault->server = (fault->server + 1) % CHAOS_SERVER_COUNT;
        trials++;
    }
    if (trials == CHAOS_SERVER_COUNT) {
        fault->kind = CHAOS_CLIENT;
    }
    fault->target = (fault->server + 1 + chaos_random_below(&nemesis->random, CHAOS_SERVER_COUNT)) %
                    (CHAOS_SERVER_COUNT + 1);
    if (fault->kind == CHAOS_CLIENT) {
        fault->target = chaos_random_below(&nemesis->random, CHAOS_LOADER_COUNT);
    }
    chaos_say("%s: server %u", kinds[fault->kind].name, fault->server + 1);
    nemesis->counts[fault->kind]++;
    kinds[fault->kind].begin(nemesis, fault);
    nemesis->under_way++;
}

static void end(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    nemesis->under_way--;
    kinds[fault->kind].end(nemesis, fault);
}

static void let_pass(struct chaos_nemesis *nemesis, uint64_t ms)
{
    uint64_t end_us = chaos_now_us() + ms * 1000u;

    while (*nemesis->is_interrupted == 0 && chaos_now_us() < end_us) {
        uint64_t left_ms = (end_us - chaos_now_us()) / 1000u + 1u;

        chaos_sleep_ms(left_ms < SLICE_MS ? left_ms : SLICE_MS);
    }
}

static void let_last(struct chaos_nemesis *nemesis, enum chaos_kind kind)
{
    uint32_t range_ms = kinds[kind].longest_ms - kinds[kind].shortest_ms;

    let_pass(nemesis, kinds[kind].shortest_ms + chaos_random_below(&nemesis->random, range_ms + 1));
}

void chaos_nemesis_strike(struct chaos_nemesis *nemesis)
{
    struct chaos_fault first;
    struct chaos_fault second;

    begin(nemesis, &first, NULL);
    let_last(nemesis, first.kind);
    /* What meets all at once leaves nobody for a second one. */
    if (chaos_random_below(&nemesis->random, 3) == 0 && !first.is_of_all &&
        first.kind != CHAOS_KILL_ALL) {
        begin(nemesis, &second, &first);
        let_last(nemesis, second.kind);
        end(nemesis, &second);
    }
    end(nemesis, &first);
    let_pass(nemesis, 100 + chaos_random_below(&nemesis->random, 900));
    chaos_servers_check(nemesis->servers);
}

/* ---- what was done ----------------------------------------------------------------------------- */

void chaos_nemesis_complain(struct chaos_nemesis *nemesis, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    chaos_say("FAILED: %s", line);
    nemesis->disorders++;
}

static void print_effects(const struct chaos_nemesis *nemesis)
{
    const struct chaos_effects *effects = &nemesis->effects;
    struct chaos_proxy_counts counts = {0};
    uint64_t delayed = 0;
    uint64_t shortened = 0;
    uint64_t hung = 0;

    if (nemesis->proxy != NULL) {
        counts = chaos_proxy_counts(nemesis->proxy);
    }
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        delayed += nemesis->servers->pages[i]->delayed;
        shortened += nemesis->servers->pages[i]->shortened;
        hung += nemesis->servers->pages[i]->hung;
    }
    printf(
        "disks: %" PRIu64 " full ones met, %" PRIu64 " errors met, %" PRIu64
        " calls delayed, %" PRIu64 " shortened, %" PRIu64 " hung; %" PRIu64
        " lost their power; rot was repaired by the others %" PRIu64 " times, refused %" PRIu64
        ", harmless %" PRIu64 "\n",
        effects->full_met, effects->errors_met, delayed, shortened, hung, effects->power_lost,
        effects->rot_repaired, effects->rot_refused, effects->rot_harmless);
    printf(
        "proxy: %" PRIu64 " connections, %" PRIu64 " arrivals delayed, %" PRIu64
        " directions stalled, %" PRIu64 " pieces, %" PRIu64
        " resets; double starts refused: %" PRIu64 "; CPU taken by %s\n",
        counts.connections, counts.delayed, counts.stalled, counts.pieces, counts.resets,
        effects->twins_refused, nemesis->cpu->has_groups ? "control groups" : "stops");
}

void chaos_nemesis_print(const struct chaos_nemesis *nemesis)
{
    for (unsigned i = 0; i < CHAOS_KIND_COUNT; i++) {
        printf(
            "%s%s %" PRIu64 "%s", i == 0 ? "faults: " : "", kinds[i].name, nemesis->counts[i],
            i + 1 < CHAOS_KIND_COUNT ? ", " : "\n");
    }
    print_effects(nemesis);
}

uint64_t chaos_nemesis_total(const struct chaos_nemesis *nemesis)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < CHAOS_KIND_COUNT; i++) {
        total += nemesis->counts[i];
    }
    return total;
}

unsigned chaos_nemesis_kinds(const struct chaos_nemesis *nemesis)
{
    unsigned count = 0;

    for (unsigned i = 0; i < CHAOS_KIND_COUNT; i++) {
        count += nemesis->counts[i] != 0;
    }
    return count;
}
