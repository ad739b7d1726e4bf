/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_net_fault -- what can be wrong with links and connections, and what is kept of what was said.
 */
#include "base/assert.h"
#include "sim/sim_net_internal.h"

#include <stdlib.h>
#include <string.h>

#define HOLE_US_MIN 300000u
#define HOLE_US_MAX 8000000u

/* ---- links ------------------------------------------------------------------------------------
 */

bool cc_sim_net_holds_back(struct cc_net_world *net, struct cc_sim_conn *end)
{
    struct cc_sim_conn *from = end->other;
    struct cc_sim_link *link;

    if (from == NULL) {
        return end->stalled.first != NULL;
    }
    link = cc_sim_link_of(net, from->machine, end->machine);
    if (link->is_cut && !end->is_ending) {
        uint64_t patience = cc_decide_range(&link->choices, 200000, 4000000);

        cc_sim_net_end_later(net, end, patience);
        cc_sim_net_end_later(net, from, patience + CC_SIM_LATENCY_US_MAX);
    }
    return end->stalled.first != NULL || link->is_cut || link->is_clogged;
}

static void release(struct cc_world *world, uint32_t from, uint32_t to)
{
    for (struct cc_sim_conn *end = world->net->conns; end != NULL; end = end->next) {
        if (end->machine == to && end->other != NULL && end->other->machine == from) {
            cc_held_release(world, &end->stalled);
        }
    }
}

void cc_world_cut(struct cc_world *world, uint32_t from, uint32_t to, bool is_cut)
{
    cc_sim_link_of(world->net, from, to)->is_cut = is_cut;
    if (!is_cut) {
        release(world, from, to);
    }
}

void cc_world_clog(struct cc_world *world, uint32_t from, uint32_t to, bool is_clogged)
{
    cc_sim_link_of(world->net, from, to)->is_clogged = is_clogged;
    if (!is_clogged) {
        release(world, from, to);
    }
}

struct cc_link_quality *cc_world_link(struct cc_world *world, uint32_t from, uint32_t to)
{
    return &cc_sim_link_of(world->net, from, to)->quality;
}

void cc_world_slow(struct cc_world *world, uint32_t from, uint32_t to, uint32_t factor)
{
    cc_world_link(world, from, to)->slow = factor;
}

void cc_world_heal_network(struct cc_world *world)
{
    struct cc_net_world *net = world->net;

    for (uint32_t from = 0; from < world->machine_count; from++) {
        for (uint32_t to = 0; to < world->machine_count; to++) {
            struct cc_sim_link *link = cc_sim_link_of(net, from, to);

            link->is_cut = false;
            link->is_clogged = false;
            link->swallows = false;
            link->quality = (struct cc_link_quality){.slow = 1};
        }
    }
    for (struct cc_sim_conn *end = net->conns; end != NULL; end = end->next) {
        cc_held_release(world, &end->stalled);
    }
    for (uint32_t i = 0; i < net->address_count; i++) {
        net->addresses[i].is_refusing = false;
    }
}

/* ---- connections ------------------------------------------------------------------------------
 */

static bool is_between(const struct cc_sim_conn *end, uint32_t left, uint32_t right)
{
    return end->machine == left && end->other != NULL && end->other->machine == right &&
           end->user != NULL;
}

void cc_world_reset(struct cc_world *world, uint32_t left, uint32_t right)
{
    struct cc_net_world *net = world->net;

    for (struct cc_sim_conn *end = net->conns; end != NULL; end = end->next) {
        if (is_between(end, left, right)) {
            struct cc_sim_link *there = cc_sim_link_of(net, left, right);
            struct cc_sim_link *back = cc_sim_link_of(net, right, left);

            cc_sim_net_end_later(net, end, cc_decide_below(&there->choices, 2000));
            cc_sim_net_end_later(net, end->other, cc_decide_below(&back->choices, 2000));
        }
    }
}

bool cc_world_half_open(struct cc_world *world, uint32_t left, uint32_t right)
{
    struct cc_net_world *net = world->net;
    struct cc_sim_link *link = cc_sim_link_of(net, left, right);
    bool is_done = false;

    for (struct cc_sim_conn *end = net->conns; end != NULL; end = end->next) {
        if (is_between(end, left, right) && !end->is_hole) {
            end->is_hole = true;
            end->other->is_hole = true;
            cc_sim_net_end_later(
                net, end, cc_decide_range(&link->choices, HOLE_US_MIN, HOLE_US_MAX));
            cc_sim_net_end_later(
                net, end->other, cc_decide_range(&link->choices, HOLE_US_MIN, HOLE_US_MAX));
            net->world->counters.holes++;
            is_done = true;
        }
    }
    return is_done;
}

void cc_world_swallow(struct cc_world *world, uint32_t from, uint32_t to)
{
    cc_sim_link_of(world->net, from, to)->swallows = true;
}

bool cc_sim_net_swallows(struct cc_net_world *net, struct cc_sim_conn *end)
{
    struct cc_sim_link *link = cc_sim_link_of(net, end->machine, end->other->machine);

    if (!link->swallows) {
        return false;
    }
    link->swallows = false;
    net->world->counters.swallowed++;
    cc_sim_net_end_later(net, end->other, cc_decide_below(&link->choices, 2000));
    cc_sim_net_end_later(net, end, cc_decide_below(&link->choices, 2000));
    return true;
}

void cc_world_refuse(struct cc_world *world, uint32_t machine, bool is_refusing)
{
    for (uint32_t i = 0; i < world->net->address_count; i++) {
        if (world->net->addresses[i].machine == machine) {
            world->net->addresses[i].is_refusing = is_refusing;
        }
    }
}

/* ---- records ----------------------------------------------------------------------------------
 */

void cc_world_record(struct cc_world *world, uint32_t count)
{
    world->net->recorded_count = count;
}

void cc_sim_net_take_down(
    struct cc_net_world *net, struct cc_sim_conn *end, const void *data, size_t size)
{
    size_t room;

    if (!end->is_dialler || end->machine >= net->recorded_count ||
        end->other->machine >= net->recorded_count) {
        return;
    }
    if (end->record == NULL) {
        end->record = calloc(1, sizeof *end->record);
        CC_ASSERT(end->record != NULL);
        end->record->to = end->other->machine;
    }
    room = sizeof end->record->data - end->record->size;
    if (size <= room) {
        memcpy(end->record->data + end->record->size, data, size);
        end->record->size += size;
    }
}

/* The newest connection that is over takes the place of the one before. */
void cc_sim_net_file_record(struct cc_net_world *net, struct cc_sim_conn *end)
{
    if (end->record != NULL) {
        free(net->records[end->machine][end->record->to]);
        net->records[end->machine][end->record->to] = end->record;
        end->record = NULL;
    }
}

bool cc_world_recorded(
    struct cc_world *world, uint32_t from, uint32_t to, const void **data_out, size_t *size_out)
{
    const struct cc_sim_record *record = world->net->records[from][to];

    if (record == NULL) {
        return false;
    }
    *data_out = record->data;
    *size_out = record->size;
    return true;
}

void cc_sim_net_free_records(struct cc_net_world *net)
{
    for (uint32_t i = 0; i < CC_MACHINES_MAX; i++) {
        for (uint32_t j = 0; j < CC_MACHINES_MAX; j++) {
            free(net->records[i][j]);
        }
    }
}
