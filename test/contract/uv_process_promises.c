/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_process_promises -- what a host's process has to be spared: descriptors, memory, signals, and
 * connections that are loud or many.
 */
#include "uv_guests.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define CROWD 10000u
#define CROWD_STEP 500u

static bool is_set(void *owner)
{
    return *(bool *)owner;
}

static int raw_connection(const struct house *house)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_true(descriptor >= 0);
    (void)snprintf(name.sun_path, sizeof name.sun_path, "%.100s", house->address + strlen("unix:"));
    assert_int_equal(connect(descriptor, (struct sockaddr *)&name, sizeof name), 0);
    return descriptor;
}

static void a_process_without_descriptors_does_not_spin(struct contract *contract)
{
    struct rlimit before;
    struct rlimit none;
    struct house house;
    struct guest guest;
    uint64_t waits;
    int newcomer;

    house_build_unix(contract, &house, &guest);
    newcomer = raw_connection(&house);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)dup(0);
    close((int)none.rlim_cur);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    waits = contract->right->counters.waits;
    contract_wait(contract, 250000);
    waits = contract->right->counters.waits - waits;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_in_range(waits, 1, 40);
    assert_int_equal(house.count, 0);
    contract_until(contract, house_is_full, &house); /* it has waited, and is let in now */
    close(newcomer);
    contract_until(contract, is_set, &guest.is_closed);
    cc_env_unlisten(contract->right, &house.listener);
}

struct short_house {
    struct house house;
    uint32_t asked;
    bool gives_way;
    char text[300];
};

static bool come_short(struct cc_listener *listener, const char *text)
{
    struct short_house *house = cc_container_of(listener, struct short_house, house.listener);

    house->asked++;
    (void)snprintf(house->text, sizeof house->text, "%s", text);
    return house->gives_way;
}

static void the_last_descriptors_are_not_for_newcomers(struct contract *contract)
{
    struct short_house house = {.asked = 0};
    struct guest guest;
    struct rlimit before;
    struct rlimit limit;
    char byte;
    char expected[64];
    int newcomer;

    house_build_unix(contract, &house.house, &guest);
    house.house.listener.on_short = come_short;
    uv_limit_descriptors(5, &before);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    newcomer = raw_connection(&house.house);
    contract_wait(contract, 20000);
    assert_int_equal(recv(newcomer, &byte, 1, MSG_DONTWAIT), 0); /* turned away */
    close(newcomer);
    assert_int_equal(house.asked, 1);
    assert_int_equal(house.house.count, 0);
    (void)snprintf(expected, sizeof expected, "may open %u files", (unsigned)limit.rlim_cur);
    assert_non_null(strstr(house.text, expected));
    house.gives_way = true;
    newcomer = raw_connection(&house.house);
    contract_until(contract, house_is_full, &house.house);
    assert_int_equal(house.asked, 2);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    close(newcomer);
    contract_until(contract, is_set, &guest.is_closed);
    cc_env_unlisten(contract->right, &house.house.listener);
}

static void a_newcomer_without_memory_is_refused(struct contract *contract)
{
    struct limited_memory *memory = &uv_world_of(contract)->memory[1];
    struct house house;
    struct guest guest;
    bool is_over = false;
    struct cc_timer timer = {.fire = uv_fired, .owner = &is_over};
    int newcomer;
    char byte;

    house_build_unix(contract, &house, &guest);
    memory->bytes_max = memory->bytes;
    newcomer = raw_connection(&house);
    cc_env_timer_arm(contract->left, &timer, cc_env_now_us(contract->left) + 20000);
    contract_until(contract, is_set, &is_over);
    assert_int_equal(recv(newcomer, &byte, 1, 0), 0);
    assert_int_equal(house.count, 0);
    close(newcomer);
    memory->bytes_max = SIZE_MAX;
    newcomer = raw_connection(&house);
    contract_until(contract, house_is_full, &house);
    close(newcomer);
    contract_until(contract, is_set, &guest.is_closed);
    cc_env_unlisten(contract->right, &house.listener);
}

static void a_broken_connection_raises_no_signal(struct contract *contract)
{
    static const char bytes[1 << 16];
    struct sigaction action;
    struct house house;
    struct guest guest;
    int newcomer;

    assert_int_equal(sigaction(SIGPIPE, NULL, &action), 0);
    assert_true(action.sa_handler == SIG_DFL); /* which would end this process */
    house_build_unix(contract, &house, &guest);
    newcomer = raw_connection(&house);
    contract_until(contract, house_is_full, &house);
    close(newcomer);
    cc_env_conn_write(contract->right, &guest.conn, bytes, sizeof bytes);
    contract_until(contract, is_set, &guest.is_closed);
    cc_env_unlisten(contract->right, &house.listener);
}

static void a_loud_connection_leaves_room_for_others(struct contract *contract)
{
    static const char bytes[1 << 16];
    struct house house;
    struct guest guest;
    int size = 8 << 20;
    int newcomer;
    size_t written = 0;
    ssize_t taken;

    house_build_unix(contract, &house, &guest);
    newcomer = raw_connection(&house);
    contract_until(contract, house_is_full, &house);
    (void)setsockopt(newcomer, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    while ((taken = send(newcomer, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
        written += (size_t)taken;
    }
    while (guest.received < written) {
        contract->world->step(contract);
    }
    assert_in_range(guest.in_pass_max, 1, (256u << 10) + sizeof bytes);
    close(newcomer);
    contract_until(contract, is_set, &guest.is_closed);
    cc_env_unlisten(contract->right, &house.listener);
}

static void ten_thousand_idle_connections_cost_little(struct contract *contract)
{
    struct limited_memory *memory = &uv_world_of(contract)->memory[1];
    struct guest *guests = calloc(CROWD, sizeof *guests);
    int *newcomers = calloc(CROWD, sizeof *newcomers);
    struct rlimit before;
    struct rlimit many;
    struct house house;
    size_t bytes;
    uint64_t waits;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    many = before;
    many.rlim_cur = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &many), 0);
    house_build_unix(contract, &house, guests);
    bytes = memory->bytes;
    house.awaited = 0;
    while (house.awaited + CROWD_STEP <= CROWD &&
           2 * (house.awaited + CROWD_STEP) + 200 < many.rlim_cur) {
        for (uint32_t i = 0; i < CROWD_STEP; i++) {
            newcomers[house.awaited++] = raw_connection(&house);
        }
        contract_until(contract, house_is_full, &house);
    }
    assert_true((memory->bytes - bytes) / house.count < 1024);
    cc_env_uv_process(contract->right);
    waits = contract->right->counters.waits;
    assert_false(uv_is_readable(contract->right, 20));
    assert_int_equal(contract->right->counters.waits, waits);
    for (uint32_t i = 0; i < house.count; i++) {
        close(newcomers[i]);
        contract_until(contract, is_set, &guests[i].is_closed);
    }
    assert_int_equal(memory->bytes, bytes);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    free(guests);
    free(newcomers);
    cc_env_unlisten(contract->right, &house.listener);
}

const struct promise uv_process_promises[] = {
    PROMISE(a_process_without_descriptors_does_not_spin),
    PROMISE(the_last_descriptors_are_not_for_newcomers),
    PROMISE(a_newcomer_without_memory_is_refused),
    PROMISE(a_broken_connection_raises_no_signal),
    PROMISE(a_loud_connection_leaves_room_for_others),
    PROMISE(ten_thousand_idle_connections_cost_little),
    {NULL, NULL},
};
