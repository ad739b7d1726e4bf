/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_net -- streams of bytes between machines: delayed, split anywhere, stalled by cut links,
 * broken now and then; in order within a connection, at most once.
 */
#include "base/assert.h"
#include "sim/world.h"

#include <stdlib.h>
#include <string.h>

#define LATENCY_US_MIN 20u
#define LATENCY_US_MAX 3000u
#define IN_FLIGHT_MAX (256u << 10)
#define CONNECT_US_MAX 1000000u
#define ADDRESSES_MAX 32u
#define ADDRESS_SIZE_MAX 64u

/* One end of a connection. */
struct cc_sim_conn {
    struct cc_sim_conn *next;
    struct cc_sim_conn *other;
    uint32_t machine;
    uint32_t life;
    struct cc_conn *user; /* NULL: closed here, or its life is over */
    char address[ADDRESS_SIZE_MAX];
    uint64_t newest_us; /* when the last bytes towards this end arrive */
    size_t in_flight;   /* bytes towards this end */
    bool owes_sent;     /* the other end waits for room */
    bool is_ending;     /* an end is on its way to here */
    struct cc_held stalled;
    uint32_t events; /* that name this end */
};

struct address {
    char name[ADDRESS_SIZE_MAX];
    uint32_t machine;
    uint32_t life;
    struct cc_listener *listener; /* NULL: nobody listens */
};

struct link {
    bool is_cut;
    uint32_t slow;
    struct cc_decider choices;
};

struct cc_net_world {
    struct cc_world *world;
    struct address addresses[ADDRESSES_MAX];
    uint32_t address_count;
    struct cc_sim_conn *conns;
    struct link links[CC_MACHINES_MAX][CC_MACHINES_MAX];
};

struct cc_net_world *cc_sim_net_create(struct cc_world *world)
{
    struct cc_net_world *net = calloc(1, sizeof *net);

    CC_ASSERT(net != NULL);
    net->world = world;
    for (uint32_t i = 0; i < CC_MACHINES_MAX; i++) {
        for (uint32_t j = 0; j < CC_MACHINES_MAX; j++) {
            net->links[i][j].slow = 1;
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
        free(conn);
    }
    free(net);
}

static struct link *link_of(struct cc_net_world *net, uint32_t from, uint32_t to)
{
    return &net->links[from][to];
}

static uint64_t latency(struct cc_net_world *net, uint32_t from, uint32_t to)
{
    struct link *link = link_of(net, from, to);

    return cc_decide_latency(&link->choices, LATENCY_US_MIN, LATENCY_US_MAX) * link->slow;
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
            free(end);
        } else {
            link = &end->next;
        }
    }
}

/* ---- listening and connecting ---------------------------------------------------------------- */

static struct address *address_of(struct cc_net_world *net, const char *name)
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
    struct address *address = address_of(net, name);

    if (address == NULL) {
        CC_ASSERT(net->address_count < ADDRESSES_MAX);
        CC_ASSERT(strlen(name) < ADDRESS_SIZE_MAX);
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
    struct address *address = address_of(net, name);
    uint64_t now = net->world->now_us;

    end->user = conn;
    conn->backend = end;
    net->world->counters.connects++;
    if (address == NULL || address->listener == NULL) {
        end->is_ending = true;
        post(net, CC_EVENT_NET_CLOSED, end, now + LATENCY_US_MAX, NULL, 0);
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

static void end_later(struct cc_net_world *net, struct cc_sim_conn *end, uint64_t wait_us)
{
    if (end != NULL && !end->is_ending) {
        end->is_ending = true;
        post(net, CC_EVENT_NET_RESET, end, net->world->now_us + wait_us, NULL, 0);
    }
}

static void deliver_accept(struct cc_net_world *net, struct cc_sim_conn *end)
{
    struct cc_sim_conn *from = end->other;
    struct address *address = address_of(net, end->address);
    bool is_reachable = from != NULL && from->user != NULL &&
                        !link_of(net, from->machine, end->machine)->is_cut &&
                        !link_of(net, end->machine, from->machine)->is_cut;

    if (!is_reachable || address->listener == NULL || address->life != end->life) {
        end_later(net, from, is_reachable ? LATENCY_US_MAX : CONNECT_US_MAX);
        return;
    }
    end->user = address->listener->on_accept(address->listener);
    if (end->user == NULL) {
        end_later(net, from, LATENCY_US_MAX);
        return;
    }
    end->user->backend = end;
    from->newest_us = net->world->now_us + latency(net, end->machine, from->machine);
    post(net, CC_EVENT_NET_OPEN, from, from->newest_us, NULL, 0);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

void cc_sim_net_write(struct cc_env *env, struct cc_conn *conn, const void *data, size_t size)
{
    struct cc_machine *machine = env->backend;
    struct cc_net_world *net = machine->world->net;
    struct cc_sim_conn *end = conn->backend;
    struct cc_sim_conn *other = end->other;
    struct link *link;
    size_t done = 0;

    if (net->world->tap != NULL) {
        net->world->tap(net->world->tap_owner, machine->number, data, size);
    }
    if (other == NULL || end->is_ending) {
        return; /* an end is on its way: it says all there is to say */
    }
    link = link_of(net, end->machine, other->machine);
    while (done < size) {
        size_t piece = size - done;
        uint64_t arrival = net->world->now_us + latency(net, end->machine, other->machine);

        if (piece > 1 && cc_decide_below(&link->choices, 6) == 0) {
            piece = 1 + cc_decide_below(&link->choices, piece - 1);
            net->world->counters.splits++;
        }
        if (arrival < other->newest_us) {
            arrival = other->newest_us;
        }

        unsigned char *bytes = malloc(piece);

        CC_ASSERT(bytes != NULL);
        memcpy(bytes, (const unsigned char *)data + done, piece);
        other->newest_us = arrival + 1; /* so that ties do not reorder */
        other->in_flight += piece;
        post(net, CC_EVENT_NET_DATA, other, arrival, bytes, piece);
        done += piece;
    }
    if (other->in_flight > IN_FLIGHT_MAX) {
        other->owes_sent = true;
    } else {
        post(net, CC_EVENT_NET_SENT, end, net->world->now_us + 5, NULL, 0);
    }
}

/* False if the link is cut: the bytes wait, and after a while the connection breaks. */
static bool deliver_data(struct cc_net_world *net, struct cc_sim_conn *end, struct cc_event *event)
{
    struct cc_sim_conn *from = end->other;
    struct link *link = from == NULL ? NULL : link_of(net, from->machine, end->machine);

    if (end->user != NULL && (end->stalled.first != NULL || (link != NULL && link->is_cut))) {
        if (end->stalled.first == NULL) {
            uint64_t patience = cc_decide_range(&link->choices, 200000, 4000000);

            end_later(net, end, patience);
            end_later(net, from, patience + LATENCY_US_MAX);
        }
        cc_held_add(&end->stalled, event);
        return false;
    }
    end->in_flight -= event->size;
    if (from != NULL && end->owes_sent && end->in_flight <= IN_FLIGHT_MAX / 2) {
        end->owes_sent = false;
        post(net, CC_EVENT_NET_SENT, from, net->world->now_us + 5, NULL, 0);
    }
    if (end->user != NULL) {
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
            end_later(net, end->other, latency(net, end->machine, end->machine));
        }
    }
}

/* ---- faults ---------------------------------------------------------------------------------- */

void cc_world_cut(struct cc_world *world, uint32_t from, uint32_t to, bool is_cut)
{
    struct cc_net_world *net = world->net;

    link_of(net, from, to)->is_cut = is_cut;
    if (is_cut) {
        return;
    }
    for (struct cc_sim_conn *end = net->conns; end != NULL; end = end->next) {
        if (end->machine == to && end->other != NULL && end->other->machine == from) {
            cc_held_release(world, &end->stalled);
        }
    }
}

void cc_world_slow(struct cc_world *world, uint32_t from, uint32_t to, uint32_t factor)
{
    link_of(world->net, from, to)->slow = factor;
}

void cc_world_reset(struct cc_world *world, uint32_t left, uint32_t right)
{
    struct cc_net_world *net = world->net;

    for (struct cc_sim_conn *end = net->conns; end != NULL; end = end->next) {
        if (end->machine == left && end->other != NULL && end->other->machine == right &&
            end->user != NULL) {
            end_later(net, end, cc_decide_below(&link_of(net, left, right)->choices, 2000));
            end_later(net, end->other, cc_decide_below(&link_of(net, right, left)->choices, 2000));
        }
    }
}

void cc_world_heal_network(struct cc_world *world)
{
    for (uint32_t from = 0; from < world->machine_count; from++) {
        for (uint32_t to = 0; to < world->machine_count; to++) {
            cc_world_cut(world, from, to, false);
            cc_world_slow(world, from, to, 1);
        }
    }
}
