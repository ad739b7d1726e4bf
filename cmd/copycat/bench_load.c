/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_load -- see bench_load.h.
 */
#include "bench_load.h"

#include "bench_clock.h"
#include "connection.h"
#include "output.h"
#include "silence.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define KEY_SIZE 16u
#define TICK_MS 10
#define EVENTS_MAX 64
#define FILL_CALLS 256u /* under way while storing, however few are to be measured */

/* A call that failed is not made again at once: a cluster without a leader is not to be hammered. */
#define REST_NS UINT64_C(10000000)

enum task {
    FILL, /* every key once */
    RUN,  /* keys at random, until the time is up */
    ASK,  /* one call of the caller's own */
};

struct bench_client {
    copycat_client *client;
    copycat_map *map;
    bool is_closed;
};

struct slot {
    struct bench_load *load;
    copycat_map *map;
    uint64_t asked_ns;
    bool is_resting; /* failed; asked again after `asked_ns` plus a rest */
};

struct bench_load {
    const struct bench_options *options;
    const struct cli_arguments *arguments;
    struct bench_client *clients;
    struct slot *slots;
    uint64_t slot_count; /* in use by RUN */
    uint64_t slot_room;
    char path[64];
    char *value;
    int poll;
    uint64_t random;
    copycat_call_options call;

    enum task task;
    uint64_t under_way;
    uint64_t resting;
    uint64_t begun;    /* calls made; FILL: also the next key */
    uint64_t from_ns;  /* RUN: measured from here ... */
    uint64_t until_ns; /* ... to here */
    uint64_t last_ns;  /* of the newest answer in that time */
    uint64_t answer;   /* ASK */
    copycat_status status;
    struct bench_result *result;
};

static volatile sig_atomic_t is_interrupted;

static void on_signal(int number)
{
    (void)number;
    is_interrupted = 1;
}

/* ---- calls ------------------------------------------------------------------------------------ */

static uint64_t draw(struct bench_load *load)
{
    load->random ^= load->random << 13;
    load->random ^= load->random >> 7;
    load->random ^= load->random << 17;
    return load->random;
}

static bool is_over(const struct bench_load *load, uint64_t now_ns)
{
    if (is_interrupted != 0) {
        return true;
    }
    if (load->task == FILL) {
        return load->begun >= load->options->keys || load->status != COPYCAT_OK;
    }
    return now_ns >= load->until_ns ||
           (load->options->count > 0 && load->begun >= load->options->count);
}

static void answered(copycat_status status, copycat_value *value, void *user);

static void issue(struct slot *slot, uint64_t now_ns)
{
    struct bench_load *load = slot->load;
    uint64_t number = load->task == FILL ? load->begun : draw(load) % load->options->keys;
    copycat_bytes value = {load->value, load->options->value_size};
    copycat_bytes key;
    char text[32];

    snprintf(text, sizeof text, "key-%012llu", (unsigned long long)number);
    key = (copycat_bytes){text, KEY_SIZE};
    slot->asked_ns = now_ns;
    load->begun++;
    load->under_way++;
    copycat_future_then(
        load->task == RUN && load->options->is_get
            ? copycat_map_get(slot->map, key, &load->call)
            : copycat_map_put(slot->map, key, value, &load->call),
        answered, slot);
}

static void count_answer(struct bench_load *load, const struct slot *slot, uint64_t now_ns)
{
    load->result->operations_all++;
    if (now_ns >= load->from_ns && now_ns < load->until_ns) {
        load->result->operations++;
        load->last_ns = now_ns;
        if (slot->asked_ns >= load->from_ns) {
            bench_histogram_add(&load->result->latency_ns, now_ns - slot->asked_ns);
        }
    }
}

static void answered(copycat_status status, copycat_value *value, void *user)
{
    struct slot *slot = user;
    struct bench_load *load = slot->load;
    uint64_t now_ns = bench_now_ns();

    copycat_value_free(value);
    load->under_way--;
    if (status != COPYCAT_OK) {
        load->result->errors[copycat_status_class(status)]++;
        load->result->last_error = status;
        if (load->task == FILL) {
            load->status = status;
        }
        slot->is_resting = true;
        slot->asked_ns = now_ns;
        load->resting++;
        return;
    }
    count_answer(load, slot, now_ns);
    if (!is_over(load, now_ns)) {
        issue(slot, now_ns);
    }
}

/* ---- the loop --------------------------------------------------------------------------------- */

static void process(struct bench_load *load)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(load->poll, events, EVENTS_MAX, TICK_MS);

    for (int i = 0; i < count; i++) {
        copycat_client_process(((struct bench_client *)events[i].data.ptr)->client);
    }
}

static void wake_resting(struct bench_load *load)
{
    uint64_t now_ns = bench_now_ns();

    for (uint64_t i = 0; i < load->slot_room && load->resting > 0; i++) {
        struct slot *slot = &load->slots[i];

        if (slot->is_resting && (is_over(load, now_ns) || now_ns - slot->asked_ns >= REST_NS)) {
            slot->is_resting = false;
            load->resting--;
            if (!is_over(load, now_ns)) {
                issue(slot, now_ns);
            }
        }
    }
}

/* Keeps `slot_count` calls under way until it is over, then waits for the last answers, for which
 * their timeouts see to it that they come. */
static void drive(struct bench_load *load, uint64_t slot_count)
{
    uint64_t now_ns = bench_now_ns();

    load->begun = 0;
    load->status = COPYCAT_OK;
    for (uint64_t i = 0; i < slot_count && !is_over(load, now_ns); i++) {
        issue(&load->slots[i], now_ns);
    }
    while (load->under_way > 0 || load->resting > 0) {
        process(load);
        if (load->resting > 0) {
            wake_resting(load);
        }
    }
}

/* ---- one call --------------------------------------------------------------------------------- */

static void took(copycat_status status, copycat_value *value, void *user)
{
    struct bench_load *load = user;

    load->status = status;
    load->answer = status == COPYCAT_OK ? copycat_value_uint64(value) : 0;
    load->under_way--;
    copycat_value_free(value);
}

static copycat_status await(struct bench_load *load, copycat_future *future)
{
    struct cli_silence silence;

    load->task = ASK;
    load->under_way++;
    copycat_future_then(future, took, load);
    cli_silence_begin(&silence, load->arguments, cli_now_ms());
    while (load->under_way > 0) {
        process(load);
        if (load->under_way > 0) {
            cli_silence_watch(&silence, cli_now_ms());
        }
    }
    return load->status;
}

/* ---- from outside ----------------------------------------------------------------------------- */

const char *bench_load_path(const struct bench_load *load)
{
    return load->path;
}

void bench_load_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

bool bench_load_is_interrupted(void)
{
    return is_interrupted != 0;
}

copycat_status bench_load_count(struct bench_load *load, uint64_t *count_out)
{
    copycat_status status = await(load, copycat_map_size(load->clients[0].map, &load->call));

    *count_out = load->answer;
    return status;
}

copycat_status bench_load_fill(struct bench_load *load)
{
    struct bench_result *ignored = cli_take_memory(sizeof *ignored);

    memset(ignored, 0, sizeof *ignored);
    load->task = FILL;
    load->result = ignored;
    drive(load, FILL_CALLS);
    free(ignored);
    return load->status;
}

void bench_load_run(struct bench_load *load, struct bench_result *result_out)
{
    uint64_t now_ns = bench_now_ns();

    memset(result_out, 0, sizeof *result_out);
    load->task = RUN;
    load->result = result_out;
    load->from_ns = now_ns + load->options->warm_up_ms * 1000000;
    load->until_ns = load->from_ns + load->options->duration_ms * 1000000;
    load->last_ns = load->until_ns;
    drive(load, load->slot_count);
    now_ns = bench_now_ns();
    /* A count that was reached, or a signal, ended it earlier. */
    now_ns = now_ns < load->until_ns ? load->last_ns : load->until_ns;
    result_out->elapsed_ns = result_out->operations > 0 ? now_ns - load->from_ns : 0;
}

copycat_status bench_load_clear(struct bench_load *load)
{
    return await(load, copycat_map_clear(load->clients[0].map, &load->call));
}

/* ---- opening and closing ---------------------------------------------------------------------- */

static copycat_status open_client(
    struct bench_load *load, struct bench_client *client, copycat_message *message_out)
{
    copycat_client_options options = COPYCAT_CLIENT_OPTIONS_INIT;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    copycat_status status;

    options.host_loop = 1;
    options.window = (uint32_t)load->options->window + 1; /* one more than is ever measured */
    options.window = options.window < FILL_CALLS ? FILL_CALLS : options.window;
    status = copycat_client_open(&client->client, load->options->servers, &options, message_out);
    if (status != COPYCAT_OK) {
        return status;
    }
    if (epoll_ctl(load->poll, EPOLL_CTL_ADD, copycat_client_fd(client->client), &event) != 0) {
        snprintf(message_out->text, sizeof message_out->text, "epoll: %s", strerror(errno));
        return COPYCAT_ERR_MEMORY;
    }
    client->map = copycat_map_at(client->client, load->path);
    return COPYCAT_OK;
}

static void take_memory(struct bench_load *load)
{
    uint64_t clients = load->options->clients;

    load->slot_count = clients * load->options->window;
    load->slot_room = load->slot_count < FILL_CALLS ? FILL_CALLS : load->slot_count;
    load->clients = cli_take_memory(clients * sizeof *load->clients);
    load->slots = cli_take_memory(load->slot_room * sizeof *load->slots);
    load->value = cli_take_memory(load->options->value_size + 1);
    memset(load->clients, 0, clients * sizeof *load->clients);
    memset(load->slots, 0, load->slot_room * sizeof *load->slots);
    memset(load->value, 'v', load->options->value_size + 1);
}

struct bench_load *bench_load_open(
    const struct bench_options *options,
    const struct cli_arguments *arguments,
    copycat_message *message_out)
{
    struct bench_load *load = cli_take_memory(sizeof *load);
    copycat_status status = COPYCAT_OK;

    memset(load, 0, sizeof *load);
    load->options = options;
    load->arguments = arguments;
    load->random = bench_now_ns() | 1;
    load->call = (copycat_call_options)COPYCAT_CALL_OPTIONS_INIT;
    load->call.timeout_ms = options->timeout_ms;
    load->call.consistency = options->consistency;
    take_memory(load);
    snprintf(load->path, sizeof load->path, "/bench/%llu", (unsigned long long)options->value_size);
    load->poll = epoll_create1(EPOLL_CLOEXEC);
    if (load->poll < 0) {
        snprintf(message_out->text, sizeof message_out->text, "epoll: %s", strerror(errno));
        status = COPYCAT_ERR_MEMORY;
    }
    for (uint64_t i = 0; status == COPYCAT_OK && i < options->clients; i++) {
        status = open_client(load, &load->clients[i], message_out);
    }
    /* Neighbouring slots ask different clients, so that few calls spread over all. */
    for (uint64_t i = 0; i < load->slot_room; i++) {
        load->slots[i].load = load;
        load->slots[i].map = load->clients[i % options->clients].map;
    }
    if (status != COPYCAT_OK) {
        bench_load_close(load);
        return NULL;
    }
    return load;
}

static void closed(void *user)
{
    ((struct bench_client *)user)->is_closed = true;
}

void bench_load_close(struct bench_load *load)
{
    for (uint64_t i = 0; i < load->options->clients; i++) {
        struct bench_client *client = &load->clients[i];

        copycat_map_free(client->map);
        copycat_client_close(client->client, closed, client);
        while (client->client != NULL && !client->is_closed) {
            process(load);
        }
    }
    if (load->poll >= 0) {
        close(load->poll);
    }
    free(load->value);
    free(load->slots);
    free(load->clients);
    free(load);
}
