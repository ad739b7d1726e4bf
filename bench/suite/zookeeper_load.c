/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zookeeper_load -- what `copycat bench` does, for ZooKeeper, by its own asynchronous C client.
 *
 *   zookeeper_load set|get SERVERS CONNECTIONS WINDOW SECONDS VALUE-SIZE KEYS
 *
 * Threads: the library answers on one thread for each connection, and what is asked next is asked
 * there; histograms and counters are a connection's own.
 */
#include "bench_clock.h"
#include "suite_result.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zookeeper/zookeeper.h>

#define CONNECTIONS_MAX 1024u
#define PATH_SIZE 64u
#define CONNECT_MS 20000u
#define SESSION_MS 10000
#define FILL_WINDOW 64u
#define TICK_MS 2u

enum task {
    FILL,
    SET,
    GET
};

struct connection {
    zhandle_t *handle;
    struct suite_result result;
};

struct slot {
    struct connection *connection;
    uint64_t random;
    uint64_t asked_ns;
};

static struct connection connections[CONNECTIONS_MAX];
static enum task task;
static char *value;
static int value_size;
static uint64_t keys;
static uint64_t from_ns;
static uint64_t until_ns;
static _Atomic(uint64_t) fill_next;
static _Atomic(uint64_t) under_way;

static void fail(const char *what, int status)
{
    fprintf(stderr, "zookeeper_load: %s: %s\n", what, zerror(status));
    exit(1);
}

static void sleep_ms(uint64_t milliseconds)
{
    const struct timespec pause = {
        (time_t)(milliseconds / 1000), (long)(milliseconds % 1000 * 1000000)};

    (void)nanosleep(&pause, NULL);
}

static void ask(struct slot *slot);

static void answered(const struct slot *slot, int status)
{
    struct suite_result *result = &slot->connection->result;
    uint64_t now_ns = bench_now_ns();

    if (task != FILL && now_ns >= from_ns && now_ns < until_ns) {
        if (status == ZOK) {
            bench_histogram_add(&result->latency_ns, now_ns - slot->asked_ns);
            result->operations++;
        } else {
            result->errors++;
        }
    } else if (status != ZOK && !(task == FILL && status == ZNODEEXISTS)) {
        result->errors++;
    }
}

/* The library's three kinds of callback. */
static void on_created(int status, const char *name, const void *data)
{
    (void)name;
    answered(data, status);
    ask((struct slot *)(uintptr_t)data);
}

static void on_set(int status, const struct Stat *stat, const void *data)
{
    (void)stat;
    answered(data, status);
    ask((struct slot *)(uintptr_t)data);
}

static void on_got(
    int status, const char *bytes, int size, const struct Stat *stat, const void *data)
{
    (void)bytes;
    (void)size;
    (void)stat;
    answered(data, status);
    ask((struct slot *)(uintptr_t)data);
}

/* Asks the next, or lets the slot rest for good. */
static void ask(struct slot *slot)
{
    struct connection *connection = slot->connection;
    char path[PATH_SIZE];
    uint64_t key;
    int status;

    slot->asked_ns = bench_now_ns();
    slot->random = slot->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    key = task == FILL ? atomic_fetch_add(&fill_next, 1) : (slot->random >> 33) % keys;
    if (task == FILL ? key >= keys : slot->asked_ns >= until_ns) {
        (void)atomic_fetch_sub(&under_way, 1);
        return;
    }
    snprintf(path, sizeof path, "/bench/key-%012llu", (unsigned long long)key);
    if (task == FILL) {
        status = zoo_acreate(
            connection->handle, path, value, value_size, &ZOO_OPEN_ACL_UNSAFE, 0, on_created, slot);
    } else if (task == SET) {
        status = zoo_aset(connection->handle, path, value, value_size, -1, on_set, slot);
    } else {
        status = zoo_aget(connection->handle, path, 0, on_got, slot);
    }
    if (status != ZOK) {
        fail("ask", status);
    }
}

static void drive(enum task what, struct slot *slots, uint64_t slot_count)
{
    task = what;
    atomic_store(&under_way, slot_count);
    for (uint64_t i = 0; i < slot_count; i++) {
        ask(&slots[i]);
    }
    while (atomic_load(&under_way) > 0) {
        sleep_ms(TICK_MS);
    }
}

static void dial(uint32_t count, const char *servers)
{
    zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
    for (uint32_t i = 0; i < count; i++) {
        connections[i].handle = zookeeper_init(servers, NULL, SESSION_MS, NULL, NULL, 0);
        if (connections[i].handle == NULL) {
            fail("connect", ZSYSTEMERROR);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t waited = 0; zoo_state(connections[i].handle) != ZOO_CONNECTED_STATE;
             waited += TICK_MS) {
            if (waited > CONNECT_MS) {
                fail("connect", ZCONNECTIONLOSS);
            }
            sleep_ms(TICK_MS);
        }
    }
}

/* /bench exists once every key below it does. */
static void fill(struct slot *slots, uint64_t slot_count)
{
    struct Stat stat = {0};
    int status =
        zoo_create(connections[0].handle, "/bench", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0);

    if (status != ZOK && status != ZNODEEXISTS) {
        fail("fill", status);
    }
    status = zoo_exists(connections[0].handle, "/bench", 0, &stat);
    if (status != ZOK) {
        fail("fill", status);
    }
    if ((uint64_t)stat.numChildren < keys) {
        drive(FILL, slots, slot_count < FILL_WINDOW ? slot_count : FILL_WINDOW);
    }
}

static void sum_up(uint32_t count, double seconds)
{
    static struct suite_result sum;

    for (uint32_t i = 0; i < count; i++) {
        const struct suite_result *one = &connections[i].result;

        sum.operations += one->operations;
        sum.errors += one->errors;
        sum.latency_ns.total += one->latency_ns.total;
        for (uint32_t j = 0; j < BENCH_BUCKETS; j++) {
            sum.latency_ns.counts[j] += one->latency_ns.counts[j];
        }
        if (one->latency_ns.max > sum.latency_ns.max) {
            sum.latency_ns.max = one->latency_ns.max;
        }
    }
    sum.seconds = seconds;
    suite_result_print(&sum);
}

int main(int argc, char **argv)
{
    if (argc != 8) {
        fprintf(
            stderr, "usage: zookeeper_load set|get SERVERS CONNECTIONS WINDOW SECONDS "
                    "VALUE-SIZE KEYS\n");
        return 2;
    }

    uint32_t count = (uint32_t)atoi(argv[3]);
    uint64_t slot_count = (uint64_t)count * (uint64_t)atoi(argv[4]);
    double seconds = atof(argv[5]);
    struct slot *slots = calloc(slot_count, sizeof *slots);

    value_size = atoi(argv[6]);
    keys = (uint64_t)atoll(argv[7]);
    value = malloc((size_t)value_size + 1);
    if (slots == NULL || value == NULL || count == 0 || count > CONNECTIONS_MAX || keys == 0) {
        fail("arguments", ZBADARGUMENTS);
    }
    memset(value, 'v', (size_t)value_size + 1);
    for (uint64_t i = 0; i < slot_count; i++) {
        slots[i].connection = &connections[i % count];
        slots[i].random = i;
    }
    dial(count, argv[2]);
    fill(slots, slot_count);
    from_ns = bench_now_ns() + UINT64_C(500000000);
    until_ns = from_ns + (uint64_t)(seconds * 1e9);
    drive(strcmp(argv[1], "get") == 0 ? GET : SET, slots, slot_count);
    sum_up(count, seconds);
    fflush(stdout);
    _Exit(0); /* closing the sessions would be a write for each */
}
