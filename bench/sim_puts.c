/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_puts -- N puts of one client against three servers of the simulated world; nothing goes
 * wrong.
 *
 *     sim_puts PUTS leader|follower     the server that the client talks to
 *
 * Each pass of a machine runs inside leader_pass, follower_pass or client_pass, so that callgrind
 * can be told to count one of them (--toggle-collect).  No judge watches.  tools/measure runs it
 * with N and with 2 N puts: the difference is free of founding, electing and connecting.
 */
#include "base/assert.h"
#include "client/client.h"
#include "resource/map/map_machine.h"
#include "resource/map/map_proxy.h"
#include "server/server.h"
#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVERS 3u
#define CLIENT_MACHINE SERVERS
#define WINDOW 16u
#define KEYS 1000u
#define SEED 7u
#define LIMIT_US UINT64_C(3600000000)

/* A call, and the bytes of its operation, which are used again. */
struct put {
    struct cc_call call;
    struct cc_writer operation;
};

static const copycat_machine_type *const machine_types[] = {&cc_map_machine_type, NULL};
static const char *const addresses[SERVERS] = {"s1:7458", "s2:7458", "s3:7458"};
static const char *const directories[SERVERS] = {"/s1", "/s2", "/s3"};

static struct cc_world *world;
static struct cc_server *servers[SERVERS];
static uint32_t leader = UINT32_MAX;
static struct cc_client *client;
static struct cc_client_resource map;
static struct put puts_under_way[WINDOW];
static uint64_t puts_wanted;
static uint64_t puts_made;
static uint64_t puts_done;

static void refuse(const char *what)
{
    fprintf(stderr, "sim_puts: %s\n", what);
    exit(1);
}

/* ---- servers ----------------------------------------------------------------------------------
 */

static void on_notice(void *owner, const char *text)
{
    (void)owner;
    (void)text;
}

static void on_changed(void *owner, enum cc_server_state state, copycat_status status)
{
    (void)owner;
    if (state == CC_SERVER_FAILED) {
        refuse(copycat_status_text(status));
    }
}

static void start_servers(void)
{
    static const struct cc_server_callbacks callbacks = {
        .notice = on_notice, .changed = on_changed};
    struct cc_members members = {.count = SERVERS};

    for (uint32_t i = 0; i < SERVERS; i++) {
        members.at[i].id = i + 1;
        members.at[i].role = CC_ROLE_VOTER;
        strcpy(members.at[i].address, addresses[i]);
    }
    for (uint32_t i = 0; i < SERVERS; i++) {
        struct cc_server_options options = {
            .id = i + 1,
            .members = &members,
            .directory = directories[i],
            .types = machine_types,
            .seed = SEED + i,
            .file_size = UINT64_C(4) << 20,
        };

        if (cc_server_open(&servers[i], cc_world_boot(world, i), &options, &callbacks, NULL) !=
            COPYCAT_OK) {
            refuse("a server does not open");
        }
    }
}

static uint32_t find_leader(void)
{
    for (uint32_t i = 0; i < SERVERS; i++) {
        struct cc_server_status status;

        cc_server_status(servers[i], &status);
        if (status.state == CC_SERVER_MEMBER && status.is_leader && status.commit > 0) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* ---- the client -------------------------------------------------------------------------------
 */

static void make_put(struct put *put)
{
    char key[24];
    char value[24];
    struct cc_map_operation operation = {
        .code = CC_MAP_PUT, .key = {key, 16}, .value = {value, 16}};

    snprintf(key, sizeof key, "key %12u", (unsigned)(puts_made % KEYS));
    snprintf(value, sizeof value, "%16llu", (unsigned long long)puts_made);
    puts_made++;
    cc_writer_clear(&put->operation);
    if (cc_map_encode(&put->operation, &operation) != COPYCAT_OK) {
        refuse("a put was not made");
    }
    put->call.operation = (copycat_bytes){put->operation.data, put->operation.size};
    cc_client_call(client, &map, &put->call);
}

static void on_done(struct cc_call *call)
{
    if (call->status != COPYCAT_OK) {
        refuse(copycat_status_text(call->status));
    }
    puts_done++;
    if (puts_made < puts_wanted) {
        make_put(call->owner);
    }
}

static void start_client(uint32_t server)
{
    struct cc_client_options options = {
        .addresses = &addresses[server], .address_count = 1, .window_max = WINDOW, .seed = SEED};
    struct cc_env *env = cc_world_boot(world, CLIENT_MACHINE);

    if (cc_client_open(&client, env, &options, NULL, NULL) != COPYCAT_OK) {
        refuse("the client does not open");
    }
    cc_client_resource_init(client, &map, "/map", CC_MAP_TYPE_ID);
    for (uint32_t i = 0; i < WINDOW; i++) {
        struct put *put = &puts_under_way[i];

        put->call = (struct cc_call){.kind = CC_CALL_COMMAND, .done = on_done, .owner = put};
        cc_writer_init(&put->operation, env->memory, SIZE_MAX);
        make_put(put);
    }
}

/* ---- passes -----------------------------------------------------------------------------------
 */

/* Global, so that their names are there to be told to callgrind, and never made one. */
#if defined(__clang__)
#    define PASS __attribute__((noinline)) /* it makes no clones */
#else
#    define PASS __attribute__((noinline, noclone))
#endif

bool leader_pass(uint32_t *machine);
bool follower_pass(uint32_t *machine);
bool client_pass(uint32_t *machine);

PASS bool leader_pass(uint32_t *machine)
{
    bool happened = cc_world_step(world, LIMIT_US, machine);

    __asm__ volatile("");
    return happened;
}

PASS bool follower_pass(uint32_t *machine)
{
    bool happened = cc_world_step(world, LIMIT_US, machine);

    __asm__ volatile("");
    return happened;
}

PASS bool client_pass(uint32_t *machine)
{
    bool happened = cc_world_step(world, LIMIT_US, machine);

    __asm__ volatile("");
    return happened;
}

static bool step(void)
{
    uint32_t machine = world->heap_count == 0 ? UINT32_MAX : world->heap[0]->machine;
    uint32_t stepped;
    bool happened;

    if (machine == CLIENT_MACHINE) {
        happened = client_pass(&stepped);
    } else if (machine == leader) {
        happened = leader_pass(&stepped);
    } else {
        happened = follower_pass(&stepped);
    }
    CC_ASSERT(!happened || stepped == machine);
    return happened;
}

int main(int count, char **words)
{
    bool through_leader;

    if (count != 3) {
        refuse("usage: sim_puts PUTS leader|follower");
    }
    puts_wanted = strtoull(words[1], NULL, 10);
    through_leader = strcmp(words[2], "leader") == 0;
    world = cc_world_create(SEED, SERVERS + 1);
    start_servers();
    while (leader == UINT32_MAX && step()) {
        leader = find_leader();
    }

    uint64_t start_us = cc_world_now_us(world);

    start_client(through_leader ? leader : (leader + 1) % SERVERS);
    while (puts_done < puts_wanted && step()) {
    }
    if (puts_done < puts_wanted || find_leader() != leader) {
        refuse("the puts were not done in an hour, or the leader has changed");
    }
    printf(
        "%llu puts through %s: %llu simulated us\n", (unsigned long long)puts_done, words[2],
        (unsigned long long)(cc_world_now_us(world) - start_us));
    cc_world_destroy(world);
    return 0;
}
