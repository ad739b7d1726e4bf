/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy -- see proxy.h.
 */
#include "relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define RELAYS_MAX 256u
#define EVENTS_MAX 64
#define BACKLOG 64
#define IDLE_MS 20 /* so soon a new illness is noticed */

struct rule {
    enum chaos_ill ill;
    uint64_t seed;
};

struct chaos_proxy {
    const struct chaos_network *network;
    pthread_t thread;
    int poll;
    int listeners[CHAOS_SERVER_COUNT];
    struct chaos_relay *relays[RELAYS_MAX];
    bool is_due[RELAYS_MAX];
    uint64_t relay_count;                 /* ever */
    struct rule seen[CHAOS_SERVER_COUNT]; /* the thread's copy */
    struct chaos_proxy_counts running;    /* the thread's */
    pthread_mutex_t lock;                 /* of what follows */
    struct rule rules[CHAOS_SERVER_COUNT];
    struct chaos_proxy_counts counts;
    bool is_stopping;
};

static struct sockaddr_in address_of(const char *host, unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    (void)inet_pton(AF_INET, host, &address.sin_addr);
    return address;
}

/* ---- connections ------------------------------------------------------------------------------- */

static void watch(struct chaos_proxy *proxy, int descriptor, uint32_t events, uint32_t number)
{
    struct epoll_event event = {.events = events, .data.u32 = number};

    if (epoll_ctl(proxy->poll, EPOLL_CTL_ADD, descriptor, &event) != 0) {
        chaos_give_up("the proxy cannot watch a socket");
    }
}

/* Which server has connected; clients all else. */
static unsigned source_of(const struct chaos_network *network, const struct sockaddr_in *peer)
{
    for (unsigned i = 0; network->has_links && i < CHAOS_SERVER_COUNT; i++) {
        if (address_of(network->hosts[i], 0).sin_addr.s_addr == peer->sin_addr.s_addr) {
            return i;
        }
    }
    return CHAOS_CLIENTS;
}

/* As the source, so that what is cut between two servers is cut for what they say by us. */
static int connect_to(const struct chaos_network *network, unsigned target, unsigned source)
{
    struct sockaddr_in from = address_of(network->faces[source], 0);
    struct sockaddr_in to = address_of(network->hosts[target], network->ports[target]);
    int one = 1;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (descriptor < 0) {
        return -1;
    }
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(descriptor, (struct sockaddr *)&from, sizeof from) != 0 ||
        (connect(descriptor, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)) {
        (void)close(descriptor);
        return -1;
    }
    return descriptor;
}

static uint32_t free_slot(const struct chaos_proxy *proxy)
{
    uint32_t slot = 0;

    while (slot < RELAYS_MAX && proxy->relays[slot] != NULL) {
        slot++;
    }
    return slot;
}

static void begin_relay(struct chaos_proxy *proxy, unsigned target, int accepted, unsigned source)
{
    uint32_t slot = free_slot(proxy);
    int connected = slot == RELAYS_MAX ? -1 : connect_to(proxy->network, target, source);
    struct chaos_relay *relay = connected < 0 ? NULL : calloc(1, sizeof *relay);

    if (relay == NULL) {
        (void)close(accepted);
        if (connected >= 0) {
            (void)close(connected);
        }
        return;
    }
    chaos_relay_init(relay, accepted, connected, ++proxy->relay_count);
    relay->source = source;
    relay->target = target;
    proxy->relays[slot] = relay;
    proxy->is_due[slot] = true;
    proxy->running.connections++;
    watch(proxy, accepted, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, slot);
    watch(proxy, connected, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, slot);
}

static void accept_all(struct chaos_proxy *proxy, unsigned target)
{
    for (;;) {
        struct sockaddr_in peer;
        socklen_t size = sizeof peer;
        int one = 1;
        int accepted = accept4(
            proxy->listeners[target], (struct sockaddr *)&peer, &size,
            SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (accepted < 0) {
            return;
        }
        (void)setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        begin_relay(proxy, target, accepted, source_of(proxy->network, &peer));
    }
}

static void end_relay(struct chaos_proxy *proxy, uint32_t slot, bool is_orderly)
{
    chaos_relay_deinit(proxy->relays[slot], is_orderly);
    free(proxy->relays[slot]);
    proxy->relays[slot] = NULL;
    proxy->is_due[slot] = false;
}

/* ---- the thread -------------------------------------------------------------------------------- */

/* True: to stop. */
static bool exchange(struct chaos_proxy *proxy)
{
    bool is_stopping;

    (void)pthread_mutex_lock(&proxy->lock);
    memcpy(proxy->seen, proxy->rules, sizeof proxy->seen);
    proxy->counts = proxy->running;
    is_stopping = proxy->is_stopping;
    (void)pthread_mutex_unlock(&proxy->lock);
    return is_stopping;
}

/* Whoever of both is ill makes the connection ill. */
static void turn(struct chaos_proxy *proxy, uint32_t slot)
{
    struct chaos_relay *relay = proxy->relays[slot];
    const struct rule *rule = &proxy->seen[relay->target];

    if (rule->ill == CHAOS_ILL_NONE && relay->source != CHAOS_CLIENTS) {
        rule = &proxy->seen[relay->source];
    }
    if (rule->ill != relay->ill || rule->seed != relay->ill_seed) {
        chaos_relay_afflict(relay, rule->ill, rule->seed, &proxy->running);
        proxy->is_due[slot] = true;
    }
    if (!proxy->is_due[slot]) {
        return;
    }

    enum chaos_relay_state state = chaos_relay_turn(relay, chaos_now_us(), &proxy->running);

    proxy->is_due[slot] = state == CHAOS_RELAY_HOLDS;
    if (state == CHAOS_RELAY_ENDED || state == CHAOS_RELAY_BROKEN) {
        end_relay(proxy, slot, state == CHAOS_RELAY_ENDED);
    }
}

static void *run(void *user)
{
    struct chaos_proxy *proxy = user;
    struct epoll_event events[EVENTS_MAX];
    int timeout_ms = IDLE_MS;

    while (!exchange(proxy)) {
        int count = epoll_wait(proxy->poll, events, EVENTS_MAX, timeout_ms);

        timeout_ms = IDLE_MS;
        for (int i = 0; i < count; i++) {
            uint32_t number = events[i].data.u32;

            if (number >= RELAYS_MAX) {
                accept_all(proxy, number - RELAYS_MAX);
            } else {
                proxy->is_due[number] = true;
            }
        }
        for (uint32_t slot = 0; slot < RELAYS_MAX; slot++) {
            if (proxy->relays[slot] != NULL) {
                turn(proxy, slot);
            }
            timeout_ms = proxy->is_due[slot] && proxy->relays[slot] != NULL ? 1 : timeout_ms;
        }
    }
    return NULL;
}

/* ---- what others call -------------------------------------------------------------------------- */

struct chaos_proxy *chaos_proxy_open(const struct chaos_network *network)
{
    struct chaos_proxy *proxy = calloc(1, sizeof *proxy);
    int one = 1;

    if (proxy == NULL || (proxy->poll = epoll_create1(EPOLL_CLOEXEC)) < 0) {
        chaos_give_up("the proxy");
    }
    proxy->network = network;
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        struct sockaddr_in face = address_of(network->faces[i], network->ports[i]);
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        (void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(listener, (struct sockaddr *)&face, sizeof face) != 0 ||
            listen(listener, BACKLOG) != 0) {
            chaos_give_up("the proxy cannot listen");
        }
        proxy->listeners[i] = listener;
        watch(proxy, listener, EPOLLIN, RELAYS_MAX + i);
    }
    if (pthread_mutex_init(&proxy->lock, NULL) != 0 ||
        pthread_create(&proxy->thread, NULL, run, proxy) != 0) {
        chaos_give_up("the proxy's thread");
    }
    return proxy;
}

void chaos_proxy_close(struct chaos_proxy *proxy)
{
    (void)pthread_mutex_lock(&proxy->lock);
    proxy->is_stopping = true;
    (void)pthread_mutex_unlock(&proxy->lock);
    (void)pthread_join(proxy->thread, NULL);
    for (uint32_t slot = 0; slot < RELAYS_MAX; slot++) {
        if (proxy->relays[slot] != NULL) {
            end_relay(proxy, slot, false);
        }
    }
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        (void)close(proxy->listeners[i]);
    }
    (void)close(proxy->poll);
    (void)pthread_mutex_destroy(&proxy->lock);
    free(proxy);
}

void chaos_proxy_afflict(
    struct chaos_proxy *proxy, unsigned server, enum chaos_ill ill, uint64_t seed)
{
    (void)pthread_mutex_lock(&proxy->lock);
    proxy->rules[server] = (struct rule){ill, seed};
    (void)pthread_mutex_unlock(&proxy->lock);
}

struct chaos_proxy_counts chaos_proxy_counts(struct chaos_proxy *proxy)
{
    struct chaos_proxy_counts counts;

    (void)pthread_mutex_lock(&proxy->lock);
    counts = proxy->counts;
    (void)pthread_mutex_unlock(&proxy->lock);
    return counts;
}
