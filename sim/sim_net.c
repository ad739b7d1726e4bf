/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_net -- streams of bytes between machines: delayed, split anywhere, stalled by cut links,
 * broken now and then; in order within a connection, at most once.
 */
#include "base/assert.h"
#include "sim/sim_net_internal.h"

#include <stdlib.h>
#include <string.h>

#define LATENCY_US_MIN 20u
#define IN_FLIGHT_MAX (256u << 10)
#define CONNECT_US_MAX 1000000u
#define PIECES_MAX 40u
#define PIECE_SIZE_MAX 24u

struct cc_net_world *cc_sim_net_create(struct cc_world *world)
{
    struct cc_net_world *net = calloc(1, sizeof *net);

    CC_ASSERT(net != NULL);
    net->world = world;
    for (uint32_t i = 0; i < CC_MACHINES_MAX; i++) {
        for (uint32_t j = 0; j < CC_MACHINES_MAX; j++) {
            net->links[i][j].quality.slow = 1;
            net->links[i][j].choices =
                cc_decider_make(world->seed, CC_STREAM_LINK, i * CC_MACHINES_MAX + j);
        }
    }
    return net;
}

static void free_stalled(struct cc_world *world, struct cc_sim_conn *end)
{
    for (struct cc_event *event = end->stalled.first; event != NULL;) {
        struct cc_event *next = event->next;

        cc_world_free_event(world, event);
        end->events--;
        event = next;
    }
    end->stalled.first = NULL;
}

void cc_sim_net_destroy(struct cc_net_world *net)
{
    while (net->conns != NULL) {
        struct cc_sim_conn *conn = net->conns;

        net->conns = conn->next;
        free_stalled(net->world, conn);
        free(conn->record);
        free(conn);
    }
    cc_sim_net_free_records(net);
    free(net);
}

static uint64_t latency(struct cc_net_world *net, uint32_t from, uint32_t to)
{
    struct cc_sim_link *link = cc_sim_link_of(net, from, to);
    uint64_t wait = cc_decide_latency(&link->choices, LATENCY_US_MIN, CC_SIM_LATENCY_US_MAX);

    wait *= link->quality.slow;
    if (link->quality.jitter_us > 0) { /* not slowed as well: that would be minutes */
        wait += cc_decide_below(&link->choices, link->quality.jitter_us);
    }
    return wait;
}

static struct cc_sim_conn *make_end(struct cc_net_world *net, uint32_t machine)
{
    struct cc_sim_conn *end = calloc(1, sizeof *end);

    CC_ASSERT(end != NULL);
    end->machine = machine;
    end->life = net->world->machines[machine].life;
    end->next = net->conns;
    net->conns = end;
    return end;
}

/* Events carry the life of the end they go to, so that a crash drops them. */
static void post(
    struct cc_net_world *net,
    enum cc_event_kind kind,
    struct cc_sim_conn *end,
    uint64_t time_us,
    void *bytes,
    size_t size)
{
    struct cc_event *event =
        cc_world_event(net->world, kind, &net->world->machines[end->machine], end);

    event->life = end->life;
    event->bytes = bytes;
    event->size = size;
    end->events++;
    cc_world_post(net->world, event, time_us);
}

/* Both ends closed and nothing on its way: the pair can go. */
static void collect(struct cc_net_world *net)
{
    struct cc_sim_conn **link = &net->conns;

    while (*link != NULL) {
        struct cc_sim_conn *end = *link;
        bool is_idle = end->user == NULL && end->events == 0;
        bool other_is_idle =
            end->other == NULL || (end->other->user == NULL && end->other->events == 0);

        if (is_idle && other_is_idle) {
            if (end->other != NULL) {
                end->other->other = NULL;
            }
            *link = end->next;
            cc_sim_net_file_record(net, end);
            free(end);
        } else {
            link = &end->next;
        }
    }
}

/* ---- listening and connecting ---------------------------------------------------------------- */

static struct cc_sim_address *address_of(struct cc_net_world *net, const char *name)
{
    for (uint32_t i = 0; i < net->address_count; i++) {
        if (strcmp(net->addresses[i].name, name) == 0) {
            return &net->addresses[i];
        }
    }
    return NULL;
}

copycat_status cc_sim_net_listen(struct cc_env *env, struct cc_listener *listener, const char *name)
{
    struct cc_machine *machine = env->backend;
    struct cc_net_world *net = machine->world->net;
    struct cc_sim_address *address = address_of(net, name);

    if (address == NULL) {
        CC_ASSERT(net->address_count < CC_SIM_ADDRESSES_MAX);
        CC_ASSERT(strlen(name) < CC_SIM_ADDRESS_SIZE);
        address = &net->addresses[net->address_count++];
        strcpy(address->name, name);
    } else if (address->listener != NULL) {
        return COPYCAT_ERR_ADDRESS_IN_USE;
    }
    address->machine = machine->number;
    address->life = machine->life;
    address->listener = listener;
    return COPYCAT_OK;
}

void cc_sim_net_unlisten(struct cc_env *env, struct cc_listener *listener)
{
    struct cc_machine *machine = env->backend;
    struct cc_net_world *net = machine->world->net;

    for (uint32_t i = 0; i < net->address_count; i++) {
        if (net->addresses[i].listener == listener &&
            net->addresses[i].machine == machine->number) {
            net->addresses[i].listener = NULL;
        }
    }
}

void cc_sim_net_connect(struct cc_env *env, struct cc_conn *conn, const char *name)
{
    struct cc_machine *machine = env->backend;
    struct cc_net_world *net = machine->world->net;
    struct cc_sim_conn *end = make_end(net, machine->number);
    struct cc_sim_address *address = address_of(net, name);
    uint64_t now = net->world->now_us;

    end->user = conn;
    end->is_dialler = true;
    conn->backend = end;
    net->world->counters.connects++;
    if (address == NULL || address->listener == NULL) {
        end->is_ending = true;
        post(net, CC_EVENT_NET_CLOSED, end, now + CC_SIM_LATENCY_US_MAX, NULL, 0);
        return;
    }
    strcpy(end->address, name);

    struct cc_sim_conn *other = make_end(net, address->machine);

    other->life = address->life;
    strcpy(other->address, name);
    end->other = other;
    other->other = end;
    post(
        net, CC_EVENT_NET_ACCEPT, other, now + latency(net, machine->number, address->machine),
        NULL, 0);
}

void cc_sim_net_end_later(struct cc_net_world *net, struct cc_sim_conn *end, uint64_t wait_us)
{
    if (end != NULL && !end->is_ending) {
        end->is_ending = true;
        post(net, CC_EVENT_NET_RESET, end, net->world->now_us + wait_us, NULL, 0);
    }
}

static void deliver_accept(struct cc_net_world *net, struct cc_sim_conn *end)
{
    struct cc_sim_conn *from = end->other;
    struct cc_sim_address *address = address_of(net, end->address);
    bool is_reachable = from != NULL && from->user != NULL &&
                        !cc_sim_link_of(net, from->machine, end->machine)->is_cut &&
                        !cc_sim_link_of(net, end->machine, from->machine)->is_cut;

    if (!is_reachable || address->listener == NULL || address->is_refusing ||
        address->life != end->life) {
        cc_sim_net_end_later(net, from, is_reachable ? CC_SIM_LATENCY_US_MAX : CONNECT_US_MAX);
        return;
    }
    end->user = address->listener->on_accept(address->listener);
    if (end->user == NULL) {
        cc_sim_net_end_later(net, from, CC_SIM_LATENCY_US_MAX);
        return;
    }
    end->user->backend = end;
    from->newest_us = net->world->now_us + latency(net, end->machine, from->machine);
    post(net, CC_EVENT_NET_OPEN, from, from->newest_us, NULL, 0);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* How much of what is left goes in one piece. */
static size_t piece_of(
    struct cc_net_world *net, struct cc_sim_link *link, size_t left, uint32_t pieces)
{
    if (left <= 1) {
        return left;
    }
    if (link->quality.splits && pieces < PIECES_MAX) {
        left = 1 + cc_decide_below(&link->choices, left < PIECE_SIZE_MAX ? left : PIECE_SIZE_MAX);
        net->world->counters.splits++;
    } else if (cc_decide_below(&link->choices, 6) == 0) {
        left = 1 + cc_decide_below(&link->choices, left - 1);
        net->world->counters.splits++;
    }
    return left;
}

/* The connections that use a link now share its bandwidth evenly: bytes wait behind those of their
 * own connection only. */
static uint64_t sharers_of(struct cc_net_world *net, const struct cc_sim_conn *end)
{
    uint64_t count = 1;

    for (const struct cc_sim_conn *other = net->conns; other != NULL; other = other->next) {
        count += other != end && other->machine == end->machine && other->other != NULL &&
                 other->other->machine == end->other->machine &&
                 other->free_us > net->world->now_us;
    }
    return count;
}

/* When the last of so many bytes arrive. */
static uint64_t arrival_of(
    struct cc_net_world *net, struct cc_sim_conn *end, struct cc_sim_link *link, size_t size)
{
    uint64_t arrival = net->world->now_us + latency(net, end->machine, end->other->machine);

    if (link->quality.bytes_per_ms > 0) {
        end->free_us = end->free_us > net->world->now_us ? end->free_us : net->world->now_us;
        end->free_us += size * sharers_of(net, end) * 1000 / link->quality.bytes_per_ms;
        arrival += end->free_us - net->world->now_us;
    }
    return arrival > end->other->newest_us ? arrival : end->other->newest_us;
}

static void send_bytes(
    struct cc_net_world *net, struct cc_sim_conn *end, const unsigned char *data, size_t size)
{
    struct cc_sim_conn *other = end->other;
    struct cc_sim_link *link = cc_sim_link_of(net, end->machine, other->machine);
    size_t done = 0;

    for (uint32_t pieces = 0; done < size; pieces++) {
        size_t piece = piece_of(net, link, size - done, pieces);
        uint64_t arrival = arrival_of(net, end, link, piece);
        unsigned char *bytes = malloc(piece);

        CC_ASSERT(bytes != NULL);
        memcpy(bytes, data + done, piece);
        other->newest_us = arrival + 1; /* so that ties do not reorder */
        other->in_flight += piece;
        post(net, CC_EVENT_NET_DATA, other, arrival, bytes, piece);
        done += piece;
    }
}

/* Whole frames, but none of those that only the first on a connection may be. */
static bool may_double(const unsigned char *data, size_t size)
{
    return size > 9 && (data[8] >= 16 || data[9] != 0);
}

void cc_sim_net_write(struct cc_env *env, struct cc_conn *conn, const void *data, size_t size)
{
    struct cc_machine *machine = env->backend;
    struct cc_net_world *net = machine->world->net;
    struct cc_sim_conn *end = conn->backend;
    struct cc_sim_conn *other = end->other;

    if (net->world->tap != NULL) {
        net->world->tap(net->world->tap_owner, machine->number, data, size);
    }
    if (other == NULL || end->is_ending) {
        return; /* an end is on its way: it says all there is to say */
    }
    cc_sim_net_take_down(net, end, data, size);
    if (cc_sim_net_swallows(net, end)) {
        return;
    }
    send_bytes(net, end, data, size);
    if (cc_sim_link_of(net, end->machine, other->machine)->quality.doubles &&
        may_double(data, size)) {
        net->world->counters.doubled++;
        send_bytes(net, end, data, size);
    }
    if (other->in_flight > IN_FLIGHT_MAX) {
        other->owes_sent = true;
    } else {
        post(net, CC_EVENT_NET_SENT, end, net->world->now_us + 5, NULL, 0);
    }
}

/* False if the bytes wait. */
static bool deliver_data(struct cc_net_world *net, struct cc_sim_conn *end, struct cc_event *event)
{
    struct cc_sim_conn *from = end->other;

    if (end->user != NULL && !end->is_hole && cc_sim_net_holds_back(net, end)) {
        cc_held_add(&end->stalled, event);
        return false;
    }
    end->in_flight -= event->size;
    if (from != NULL && end->owes_sent && end->in_flight <= IN_FLIGHT_MAX / 2) {
        end->owes_sent = false;
        post(net, CC_EVENT_NET_SENT, from, net->world->now_us + 5, NULL, 0);
    }
    if (end->user != NULL && !end->is_hole) {
        end->user->on_data(end->user, event->bytes, event->size);
    }
    return true;
}

static void end_here(struct cc_net_world *net, struct cc_sim_conn *end)
{
    struct cc_conn *user = end->user;

    free_stalled(net->world, end);
    end->user = NULL;
    if (user != NULL) {
        user->backend = NULL;
        user->on_closed(user);
    }
}

uint32_t cc_sim_net_source(const struct cc_event *event)
{
    const struct cc_sim_conn *end = event->subject;

    return end->other == NULL ? UINT32_MAX : end->other->machine;
}

bool cc_sim_net_deliver(struct cc_world *world, struct cc_event *event)
{
    struct cc_net_world *net = world->net;
    struct cc_sim_conn *end = event->subject;

    switch (event->kind) {
    case CC_EVENT_NET_ACCEPT:
        deliver_accept(net, end);
        break;
    case CC_EVENT_NET_OPEN:
        if (end->user != NULL) {
            end->user->on_open(end->user);
        }
        break;
    case CC_EVENT_NET_DATA:
        if (!deliver_data(net, end, event)) {
            return false;
        }
        break;
    case CC_EVENT_NET_SENT:
        if (end->user != NULL) {
            end->user->on_sent(end->user);
        }
        break;
    case CC_EVENT_NET_RESET:
        world->counters.resets++;
        end_here(net, end);
        break;
    default:
        end_here(net, end);
        break;
    }
    cc_sim_net_drop(world, event);
    return true;
}

void cc_sim_net_drop(struct cc_world *world, struct cc_event *event)
{
    struct cc_sim_conn *end = event->subject;

    CC_ASSERT(end->events > 0);
    end->events--;
    if (end->user == NULL && end->events == 0) {
        collect(world->net);
    }
}

void cc_sim_net_close(struct cc_env *env, struct cc_conn *conn)
{
    struct cc_machine *machine = env->backend;
    struct cc_net_world *net = machine->world->net;
    struct cc_sim_conn *end = conn->backend;

    if (end == NULL) {
        return;
    }
    conn->backend = NULL;
    end->user = NULL;
    free_stalled(net->world, end);
    if (end->other != NULL && !end->other->is_ending) {
        struct cc_sim_conn *other = end->other;
        uint64_t arrival = net->world->now_us + latency(net, end->machine, other->machine);

        other->is_ending = true;
        other->newest_us = other->newest_us > arrival ? other->newest_us : arrival;
        post(net, CC_EVENT_NET_CLOSED, other, other->newest_us + 1, NULL, 0);
    }
}

void cc_sim_net_crash(struct cc_machine *machine)
{
    struct cc_net_world *net = machine->world->net;

    for (uint32_t i = 0; i < net->address_count; i++) {
        if (net->addresses[i].machine == machine->number) {
            net->addresses[i].listener = NULL;
        }
    }
    for (struct cc_sim_conn *end = net->conns; end != NULL; end = end->next) {
        if (end->machine == machine->number && end->life == machine->life) {
            end->user = NULL;
            free_stalled(net->world, end);
            cc_sim_net_end_later(net, end->other, latency(net, end->machine, end->machine));
        }
    }
}
