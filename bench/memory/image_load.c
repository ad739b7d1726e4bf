/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_load -- overwrites keys in a closed loop, and tells apart how long it takes while the
 * server takes an image, while somebody copies as many bytes, and while neither happens.
 *
 *   image_load fill SERVERS CLIENTS WINDOW VALUE-SIZE KEYS SECONDS
 *   image_load run SERVERS CLIENTS WINDOW VALUE-SIZE KEYS SECONDS BYTES DIRECTORIES
 *
 * Ends after SECONDS, or when all KEYS are there, or BYTES of keys and values were written; DIRECTORIES
 * are those of the servers, in the same order.  Values do not compress.
 *
 * Threads: each client has its own, on which its calls are answered and the next are made;
 * histograms and counters are a client's own.
 */
#include "bench_clock.h"
#include "bench_histogram.h"
#include "image_watch.h"

#include <copycat.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS_MAX 64u
#define KEY_SIZE 16u
#define NOISE_SIZE ((size_t)4 << 20)
#define TICK_NS 2000000

struct client {
    copycat_client *client;
    copycat_map *map;
    uint64_t random;
    struct bench_histogram latency_ns[IMAGE_WATCH_STATES];
    uint64_t operations;
    uint64_t errors;
};

struct slot {
    struct client *client;
    uint64_t asked_ns;
    enum image_watch_state state;
};

static struct client clients[CLIENTS_MAX];
static uint32_t client_count;
static struct slot *slots;
static uint64_t slot_count;
static uint64_t value_size;
static uint64_t keys;
static uint8_t *noise;
static bool is_filling;
static uint64_t until_ns;
static uint64_t calls_max;
static _Atomic(uint64_t) calls;
static _Atomic(uint64_t) under_way;

static void fail(const char *what)
{
    fprintf(stderr, "image_load: %s\n", what);
    exit(1);
}

static uint64_t draw(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

static void issue(struct slot *slot);

/* What an image or a copy had any part of, is its own. */
static enum image_watch_state worse(enum image_watch_state left, enum image_watch_state right)
{
    if (left == IMAGE_WATCH_IMAGE || right == IMAGE_WATCH_IMAGE) {
        return IMAGE_WATCH_IMAGE;
    }
    return left > right ? left : right;
}

static void answered(copycat_status status, copycat_value *value, void *user)
{
    struct slot *slot = user;
    struct client *client = slot->client;

    copycat_value_free(value);
    if (status == COPYCAT_OK) {
        client->operations++;
        bench_histogram_add(
            &client->latency_ns[worse(slot->state, image_watch_state())],
            bench_now_ns() - slot->asked_ns);
    } else {
        client->errors++;
    }
    issue(slot);
}

/* The next, or the slot rests for good. */
static void issue(struct slot *slot)
{
    struct client *client = slot->client;
    uint64_t number = atomic_fetch_add(&calls, 1);
    copycat_bytes value = {noise + draw(&client->random) % (NOISE_SIZE - value_size), value_size};
    char key[32];

    slot->asked_ns = bench_now_ns();
    slot->state = image_watch_state();
    if (number >= calls_max || slot->asked_ns >= until_ns) {
        (void)atomic_fetch_sub(&under_way, 1);
        return;
    }
    snprintf(
        key, sizeof key, "key-%012llu",
        (unsigned long long)(is_filling ? number : draw(&client->random) % keys));
    copycat_future_then(
        copycat_map_put(client->map, (copycat_bytes){key, KEY_SIZE}, value, NULL), answered, slot);
}

static void drive(void)
{
    const struct timespec pause = {0, TICK_NS};

    atomic_store(&under_way, slot_count);
    for (uint64_t i = 0; i < slot_count; i++) {
        issue(&slots[i]);
    }
    while (atomic_load(&under_way) > 0) {
        (void)nanosleep(&pause, NULL);
    }
}

static void open_clients(const char *servers, uint32_t window)
{
    copycat_client_options options = COPYCAT_CLIENT_OPTIONS_INIT;
    copycat_message message;

    options.window = window;
    for (uint32_t i = 0; i < client_count; i++) {
        if (copycat_client_open(&clients[i].client, servers, &options, &message) != COPYCAT_OK) {
            fail(message.text);
        }
        clients[i].map = copycat_map_at(clients[i].client, "/bench");
        clients[i].random = i + 88172645463325252u;
    }
    for (uint64_t i = 0; i < slot_count; i++) {
        slots[i].client = &clients[i % client_count];
    }
}

/* ---- what is told ----------------------------------------------------------------------------- */

static void print_latency(const char *name, const struct bench_histogram *histogram)
{
    static const uint32_t parts[] = {500, 900, 990, 999};

    printf("\"%s\":{\"operations\":%llu", name, (unsigned long long)histogram->total);
    for (uint32_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        printf(
            ",\"p%u\":%.1f", parts[i],
            (double)bench_histogram_quantile(histogram, parts[i]) / 1000);
    }
    printf(",\"max\":%.1f}", (double)histogram->max / 1000);
}

static void print_latencies(void)
{
    static const char *const names[] = {"quiet", "image", "copy"};

    for (uint32_t state = 0; state < IMAGE_WATCH_STATES; state++) {
        struct bench_histogram *sum = &clients[0].latency_ns[state];

        for (uint32_t i = 1; i < client_count; i++) {
            const struct bench_histogram *one = &clients[i].latency_ns[state];

            for (uint32_t j = 0; j < BENCH_BUCKETS; j++) {
                sum->counts[j] += one->counts[j];
            }
            sum->total += one->total;
            sum->max = one->max > sum->max ? one->max : sum->max;
        }
        print_latency(names[state], sum);
        printf(",");
    }
}

static void print_events(void)
{
    const struct image_watch_event *events;
    uint32_t count = image_watch_events(&events);

    printf("\"events\":[");
    for (uint32_t i = 0; i < count; i++) {
        printf(
            "%s{\"kind\":\"%s\",\"server\":%u,\"late\":%s,\"begun\":%.4f,\"ended\":%.4f,"
            "\"bytes\":%llu,\"written\":%llu}",
            i == 0 ? "" : ",", events[i].state == IMAGE_WATCH_IMAGE ? "image" : "copy",
            events[i].server, events[i].is_late ? "true" : "false",
            (double)events[i].begun_ns / 1e9, (double)events[i].ended_ns / 1e9,
            (unsigned long long)events[i].size, (unsigned long long)events[i].written_bytes);
    }
    printf("]");
}

static void print_all(uint64_t begun_ns, uint64_t ended_ns)
{
    struct image_watch_bytes bytes = image_watch_bytes();
    uint64_t operations = 0;
    uint64_t errors = 0;

    for (uint32_t i = 0; i < client_count; i++) {
        operations += clients[i].operations;
        errors += clients[i].errors;
    }
    printf(
        "{\"operations\":%llu,\"errors\":%llu,\"begun\":%.4f,\"ended\":%.4f,",
        (unsigned long long)operations, (unsigned long long)errors, (double)begun_ns / 1e9,
        (double)ended_ns / 1e9);
    printf(
        "\"written\":%llu,\"journal\":%llu,", (unsigned long long)bytes.written,
        (unsigned long long)bytes.journal);
    print_latencies();
    print_events();
    printf("}\n");
}

static void make_noise(void)
{
    uint64_t random = 88172645463325252u;

    noise = malloc(NOISE_SIZE);
    slots = calloc(slot_count, sizeof *slots);
    if (noise == NULL || slots == NULL) {
        fail("no memory");
    }
    for (size_t i = 0; i < NOISE_SIZE; i++) {
        noise[i] = (uint8_t)draw(&random);
    }
}

int main(int argc, char **argv)
{
    is_filling = argc == 8 && strcmp(argv[1], "fill") == 0;
    if (!is_filling && !(argc == 10 && strcmp(argv[1], "run") == 0)) {
        fail("fill|run SERVERS CLIENTS WINDOW VALUE-SIZE KEYS SECONDS [BYTES DIRECTORIES]");
    }
    client_count = (uint32_t)atoi(argv[3]);
    slot_count = (uint64_t)client_count * (uint64_t)atoi(argv[4]);
    value_size = (uint64_t)atoll(argv[5]);
    keys = (uint64_t)atoll(argv[6]);
    if (client_count == 0 || client_count > CLIENTS_MAX || slot_count == 0 || keys == 0 ||
        value_size >= NOISE_SIZE) {
        fail("bad numbers");
    }
    make_noise();
    open_clients(argv[2], (uint32_t)atoi(argv[4]));
    calls_max = is_filling ? keys : (uint64_t)atoll(argv[8]) / (KEY_SIZE + value_size);

    uint64_t begun_ns;
    uint64_t ended_ns;

    if (!is_filling) {
        image_watch_begin(argv[2], argv[9]);
    }
    begun_ns = bench_now_ns();
    until_ns = begun_ns + (uint64_t)(atof(argv[7]) * 1e9);
    drive();
    ended_ns = bench_now_ns();
    if (!is_filling) {
        image_watch_end();
    }
    print_all(begun_ns, ended_ns);
    fflush(stdout);
    _Exit(0); /* closing the sessions would be a write for each */
}
