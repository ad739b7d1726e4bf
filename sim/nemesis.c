/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nemesis -- see nemesis.h: which fault strikes when.
 */
#include "sim/nemesis.h"

#include "base/assert.h"
#include "sim/nemesis_internal.h"

#include <stdlib.h>

#define RESTART_CHECK_US 200000u

struct cc_world *cc_nemesis_world(struct cc_nemesis *nemesis)
{
    return nemesis->cluster->world;
}

void cc_nemesis_forget(struct cc_undo *undo)
{
    cc_list_remove(&undo->node);
    free(undo);
}

struct cc_undo *cc_nemesis_undo(struct cc_nemesis *nemesis, uint32_t machine)
{
    struct cc_undo *undo = calloc(1, sizeof *undo);

    CC_ASSERT(undo != NULL);
    undo->nemesis = nemesis;
    undo->machine = machine;
    cc_list_append(&nemesis->undos, &undo->node);
    return undo;
}

struct cc_undo *cc_nemesis_later(
    struct cc_nemesis *nemesis, uint64_t wait_us, void (*call)(void *owner), uint32_t machine)
{
    struct cc_undo *undo = cc_nemesis_undo(nemesis, machine);
    struct cc_world *world = cc_nemesis_world(nemesis);

    cc_world_call(world, cc_world_now_us(world) + wait_us, call, undo);
    return undo;
}

uint32_t cc_nemesis_choose(struct cc_strike *strike, uint32_t of)
{
    return strike->leader != UINT32_MAX && strike->side % of == 0 ? strike->leader : strike->server;
}

/* ---- which kinds -------------------------------------------------------------------------------
 */

/* With them something less is asked: of leases, or of servers that are damaged. */
static bool is_rare(enum cc_fault fault)
{
    return fault == CC_FAULT_WILD_DRIFT || cc_fault_family(fault) == CC_FAULTS_OF_BYTES;
}

struct cc_fault_set cc_nemesis_draw(uint64_t seed, const struct cc_fault_set *asked)
{
    static const uint32_t chances_ppm[] = {80000, 200000, 200000, 400000};
    struct cc_decider of_all = cc_decider_make(seed, CC_STREAM_NEMESIS, CC_NEMESIS_SEED_STREAM);
    uint32_t chance = chances_ppm[cc_decide_below(&of_all, 4)];
    struct cc_fault_set kinds = {{0}};

    for (uint32_t i = 0; i < CC_FAULT_COUNT; i++) {
        enum cc_fault fault = (enum cc_fault)i;
        struct cc_decider of_kind =
            cc_decider_make(seed, CC_STREAM_NEMESIS, CC_NEMESIS_SEED_STREAM + 1 + fault);

        if (cc_fault_use(fault) == CC_FAULT_ASKED) {
            if (cc_fault_set_has(asked, fault)) {
                cc_fault_set_add(&kinds, fault);
            }
        } else if (cc_decide_chance(&of_kind, is_rare(fault) ? chance / 4 : chance)) {
            cc_fault_set_add(&kinds, fault);
        }
    }
    cc_fault_set_add(&kinds, CC_FAULT_CRASH);
    cc_fault_set_add(&kinds, CC_FAULT_CRASH_LEADER);
    cc_fault_set_add(&kinds, CC_FAULT_ISOLATE_LEADER);
    return kinds;
}

/* ---- one fault after another -------------------------------------------------------------------
 */

static enum cc_hit_role role_of(const struct cc_nemesis *nemesis, uint32_t machine)
{
    const struct cc_cluster *cluster = nemesis->cluster;
    const struct cc_server *server =
        machine < cluster->server_count ? cluster->seats[machine].server : NULL;

    if (machine >= cluster->server_count) {
        return CC_HIT_CLIENT;
    }
    if (server == NULL || server->group == NULL || server->failed != COPYCAT_OK) {
        return CC_HIT_DOWN;
    }
    if (machine >= cluster->options.voter_count) {
        return CC_HIT_LEARNER;
    }
    switch (cc_raft_role(server->group->core)) {
    case CC_RAFT_FOLLOWER:
        return CC_HIT_FOLLOWER;
    case CC_RAFT_LEADER:
        return CC_HIT_LEADER;
    default:
        return CC_HIT_CANDIDATE;
    }
}

static bool hit(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    switch (cc_fault_family(strike->kind)) {
    case CC_FAULTS_OF_MACHINES:
        return cc_nemesis_hit_machine(nemesis, strike);
    case CC_FAULTS_OF_POWER:
        return cc_nemesis_hit_power(nemesis, strike);
    case CC_FAULTS_OF_LINKS:
        return cc_nemesis_hit_link(nemesis, strike);
    case CC_FAULTS_OF_DISKS:
        return cc_nemesis_hit_disk(nemesis, strike);
    case CC_FAULTS_OF_CLOCKS:
        return cc_nemesis_hit_clock(nemesis, strike);
    case CC_FAULTS_OF_CLIENTS:
        return cc_nemesis_hit_client(nemesis, strike);
    case CC_FAULTS_OF_STRANGERS:
        return cc_stranger_strike(
            nemesis->stranger, strike->kind, strike->server, &strike->choices);
    case CC_FAULTS_OF_BYTES:
        return cc_nemesis_hit_bytes(nemesis, strike);
    }
    return false;
}

/* What is drawn does not depend on what is left out: neither kinds nor servers nor clients. */
static void draw(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    struct cc_decider *choices = &strike->choices;
    const struct cc_nemesis_options *options = &nemesis->options;
    uint32_t server_count = options->server_count;
    uint64_t other;

    strike->server = (uint32_t)cc_decide_below(choices, server_count);
    other = cc_decide_below(choices, server_count + options->client_count);
    strike->other = other < server_count
                        ? (uint32_t)other
                        : cc_cluster_client_machine((uint32_t)other - server_count);
    strike->client = (uint32_t)cc_decide_below(choices, options->client_count);
    strike->side = 1 + (uint32_t)cc_decide_below(choices, (1u << server_count) - 1);
    strike->leader = cc_cluster_leader(nemesis->cluster);
    strike->target = strike->server;
}

static bool is_listed(const struct cc_nemesis_options *options, uint32_t ordinal)
{
    size_t first = 0;
    size_t end = options->only_count;

    while (first < end) {
        size_t middle = first + (end - first) / 2;

        if (options->only[middle] < ordinal) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return first < options->only_count && options->only[first] == ordinal;
}

static bool is_left_out(const struct cc_nemesis *nemesis, const struct cc_strike *strike)
{
    const struct cc_nemesis_options *options = &nemesis->options;

    return cc_fault_set_has(&options->without, strike->kind) ||
           strike->server >= nemesis->cluster->server_count ||
           strike->client >= nemesis->cluster->options.client_count ||
           (options->only != NULL && !is_listed(options, strike->ordinal));
}

static void strike_now(struct cc_nemesis *nemesis, struct cc_strike *strike)
{
    enum cc_hit_role roles[CC_MACHINES_MAX];
    struct cc_injection injection;

    draw(nemesis, strike);
    if (is_left_out(nemesis, strike)) {
        return;
    }
    for (uint32_t i = 0; i < CC_MACHINES_MAX; i++) {
        roles[i] = role_of(nemesis, i);
    }
    if (!hit(nemesis, strike)) {
        return;
    }
    nemesis->fired[strike->kind]++;
    injection = (struct cc_injection){
        cc_world_now_us(cc_nemesis_world(nemesis)), strike->ordinal, strike->kind, strike->target,
        roles[strike->target]};
    if (nemesis->options.injected != NULL) {
        cc_injections_add(nemesis->options.injected, &injection);
    }
    if (nemesis->options.heat != NULL) {
        cc_heat_add(
            nemesis->options.heat, strike->kind, injection.role,
            cc_workload_under_way(nemesis->workload));
    }
}

/* Of the kinds of this phase. */
static enum cc_fault draw_kind(struct cc_nemesis *nemesis, struct cc_decider *choices)
{
    uint64_t count = 0;
    uint64_t place;

    for (uint32_t i = 0; i < CC_FAULT_COUNT; i++) {
        count += cc_fault_set_has(&nemesis->active, (enum cc_fault)i);
    }
    place = cc_decide_below(choices, count);
    for (uint32_t i = 0; i < CC_FAULT_COUNT; i++) {
        if (cc_fault_set_has(&nemesis->active, (enum cc_fault)i) && place-- == 0) {
            return (enum cc_fault)i;
        }
    }
    return CC_FAULT_CRASH;
}

static void act(void *owner)
{
    struct cc_nemesis *nemesis = owner;
    struct cc_world *world = cc_nemesis_world(nemesis);
    struct cc_strike strike = {.ordinal = ++nemesis->ordinal};
    uint64_t wait_us;

    nemesis->is_act_posted = false;
    if (nemesis->is_over) {
        return;
    }
    strike.choices =
        cc_decider_make(nemesis->cluster->options.seed, CC_STREAM_NEMESIS, strike.ordinal);
    wait_us = cc_decide_range(&strike.choices, 1, 2 * nemesis->options.pace_us);
    strike.kind = draw_kind(nemesis, &strike.choices);
    strike_now(nemesis, &strike);
    nemesis->is_act_posted = true;
    cc_world_call(world, cc_world_now_us(world) + wait_us, act, nemesis);
}

/* A server that has stopped by itself is started again, as an operator would. */
static void attend(void *owner)
{
    struct cc_nemesis *nemesis = owner;
    struct cc_world *world = cc_nemesis_world(nemesis);
    struct cc_cluster *cluster = nemesis->cluster;

    nemesis->is_attend_posted = false;
    if (nemesis->is_over) {
        return;
    }
    for (uint32_t i = 0; i < cluster->server_count; i++) {
        if (cluster->seats[i].has_failed && cc_cluster_is_up(cluster, i)) {
            cc_cluster_kill(cluster, i);
            (void)cc_nemesis_later(nemesis, 100000, cc_nemesis_restart, i);
        }
    }
    nemesis->is_attend_posted = true;
    cc_world_call(world, cc_world_now_us(world) + RESTART_CHECK_US, attend, nemesis);
}

struct cc_nemesis *cc_nemesis_create(
    struct cc_cluster *cluster,
    struct cc_workload *workload,
    const struct cc_nemesis_options *options)
{
    struct cc_nemesis *nemesis = calloc(1, sizeof *nemesis);

    CC_ASSERT(nemesis != NULL);
    nemesis->cluster = cluster;
    nemesis->workload = workload;
    nemesis->options = *options;
    nemesis->stranger = cc_stranger_create(cluster);
    cc_list_init(&nemesis->undos);
    if (cc_fault_set_has(&options->kinds, CC_FAULT_REPLAY)) {
        cc_world_record(cluster->world, cluster->server_count);
    }
    return nemesis;
}

void cc_nemesis_destroy(struct cc_nemesis *nemesis)
{
    cc_list_each_safe(node, following, &nemesis->undos) {
        cc_nemesis_forget(cc_container_of(node, struct cc_undo, node));
    }
    cc_stranger_destroy(nemesis->stranger);
    free(nemesis);
}

void cc_nemesis_start(struct cc_nemesis *nemesis, enum cc_nemesis_phase phase)
{
    nemesis->is_over = false;
    nemesis->phase = phase;
    nemesis->ordinal = phase * CC_NEMESIS_ORDINALS;
    nemesis->active = (struct cc_fault_set){{0}};
    for (uint32_t i = 0; i < CC_FAULT_COUNT; i++) {
        enum cc_fault fault = (enum cc_fault)i;

        if (cc_fault_set_has(&nemesis->options.kinds, fault) &&
            (phase == CC_NEMESIS_WORK || cc_fault_use(fault) == CC_FAULT_SOON)) {
            cc_fault_set_add(&nemesis->active, fault);
        }
    }
    if (!nemesis->is_act_posted) {
        act(nemesis);
    }
    if (!nemesis->is_attend_posted) {
        attend(nemesis);
    }
}

const uint64_t *cc_nemesis_fired(const struct cc_nemesis *nemesis)
{
    return nemesis->fired;
}
