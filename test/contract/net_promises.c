/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_promises -- connections: the right side listens, the left one connects.
 */
#include "base/prng.h"
#include "contract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CHUNK ((size_t)64 << 10)
#define FLOOD_MAX ((size_t)256 << 20)
#define PAIRS 50u
#define LOOK_US 30000u

/* One end and all that happened to it. */
struct end {
    struct cc_conn conn;
    struct cc_env *env;
    uint32_t opened;
    uint32_t sent;
    uint32_t closed;
    uint32_t calls;
    size_t received;
    bool is_in_order; /* the bytes are those of `stream` */
    bool closes_on_data;
    bool in_call;
    bool was_called_inside;
};

struct door {
    struct cc_listener listener;
    struct cc_env *env;
    struct end *ends;
    uint32_t count;
    uint32_t room; /* beyond it: refused */
    char address[CONTRACT_PATH_SIZE];
};

/* The byte at each place of every stream of these tests. */
static unsigned char stream(size_t place)
{
    return (unsigned char)(place * 2654435761u >> 13);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static struct end *called(struct cc_conn *conn)
{
    struct end *end = conn->owner;

    end->calls++;
    end->was_called_inside = end->was_called_inside || end->in_call;
    return end;
}

static void on_open(struct cc_conn *conn)
{
    called(conn)->opened++;
}

static void on_data(struct cc_conn *conn, const void *data, size_t size)
{
    struct end *end = called(conn);

    for (size_t i = 0; i < size; i++) {
        end->is_in_order =
            end->is_in_order && ((const unsigned char *)data)[i] == stream(end->received + i);
    }
    end->received += size;
    if (end->closes_on_data) {
        cc_env_conn_close(end->env, conn);
    }
}

static void on_sent(struct cc_conn *conn)
{
    called(conn)->sent++;
}

static void on_closed(struct cc_conn *conn)
{
    called(conn)->closed++;
}

static void make_end(struct end *end, struct cc_env *env)
{
    *end = (struct end){.env = env, .is_in_order = true};
    end->conn = (struct cc_conn){on_open, on_data, on_sent, on_closed, end, NULL};
}

static void write_from(struct end *end, const void *data, size_t size)
{
    end->in_call = true;
    cc_env_conn_write(end->env, &end->conn, data, size);
    end->in_call = false;
}

static void close_end(struct end *end)
{
    end->in_call = true;
    cc_env_conn_close(end->env, &end->conn);
    end->in_call = false;
}

static void connect_to(struct end *end, struct cc_env *env, const char *address)
{
    make_end(end, env);
    end->in_call = true;
    cc_env_conn_connect(env, &end->conn, address);
    end->in_call = false;
}

static struct cc_conn *on_accept(struct cc_listener *listener)
{
    struct door *door = listener->owner;

    if (door->count == door->room) {
        return NULL;
    }
    make_end(&door->ends[door->count], door->env);
    return &door->ends[door->count++].conn;
}

static void listen_at(struct contract *contract, struct door *door, struct end *ends, uint32_t room)
{
    *door = (struct door){.env = contract->right, .ends = ends, .room = room};
    door->listener = (struct cc_listener){.on_accept = on_accept, .owner = door};
    contract->world->address(contract, door->address, sizeof door->address);
    assert_int_equal(cc_env_listen(contract->right, &door->listener, door->address), COPYCAT_OK);
    contract->world->found(contract, 1, &door->listener, door->address, sizeof door->address);
}

/* ---- conditions ------------------------------------------------------------------------------ */

static bool is_open(void *owner)
{
    return ((struct end *)owner)->opened > 0;
}

static bool is_closed(void *owner)
{
    return ((struct end *)owner)->closed > 0;
}

static bool is_sent(void *owner)
{
    return ((struct end *)owner)->sent > 0;
}

static bool has_guest(void *owner)
{
    return ((struct door *)owner)->count > 0;
}

struct receiving {
    struct end *end;
    size_t size;
};

static bool has_received(void *owner)
{
    const struct receiving *receiving = owner;

    return receiving->end->received >= receiving->size;
}

static void until_received(struct contract *contract, struct end *end, size_t size)
{
    struct receiving receiving = {end, size};

    contract_until(contract, has_received, &receiving);
    assert_int_equal(end->received, size);
    assert_true(end->is_in_order);
}

struct pair {
    struct door door;
    struct end left;
    struct end right;
};

static void open_pair(struct contract *contract, struct pair *pair)
{
    listen_at(contract, &pair->door, &pair->right, 1);
    connect_to(&pair->left, contract->left, pair->door.address);
    contract_until(contract, is_open, &pair->left);
    contract_until(contract, has_guest, &pair->door);
}

static void close_pair(struct pair *pair)
{
    assert_false(pair->left.was_called_inside);
    assert_false(pair->right.was_called_inside);
    close_end(&pair->left);
    close_end(&pair->right);
    cc_env_unlisten(pair->right.env, &pair->door.listener);
}

static unsigned char *stream_bytes(size_t size)
{
    unsigned char *bytes = malloc(size);

    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = stream(i);
    }
    return bytes;
}

/* ---- promises -------------------------------------------------------------------------------- */

static void a_connection_opens_once_and_later(struct contract *contract)
{
    struct pair pair;

    open_pair(contract, &pair);
    contract_wait(contract, LOOK_US);
    assert_int_equal(pair.left.opened, 1);
    assert_int_equal(pair.left.calls, 1);
    assert_int_equal(pair.right.opened, 0); /* it has been accepted: it is open */
    assert_int_equal(pair.right.calls, 0);
    close_pair(&pair);
}

static void bytes_arrive_in_order_both_ways(struct contract *contract)
{
    size_t total = 700001;
    unsigned char *bytes = stream_bytes(total);
    struct cc_prng prng = {5};
    struct pair pair;
    size_t from_left = 0;
    size_t from_right = 0;
    uint32_t writes = 0;

    open_pair(contract, &pair);
    while (from_left < total || from_right < total) {
        size_t left = cc_prng_next(&prng) % 30000;
        size_t right = cc_prng_next(&prng) % 3000 * (cc_prng_next(&prng) % 20);

        left = left < total - from_left ? left : total - from_left;
        right = right < total - from_right ? right : total - from_right;
        pair.left.sent = 0;
        pair.right.sent = 0;
        write_from(&pair.left, bytes + from_left, left);
        write_from(&pair.right, bytes + from_right, right);
        contract_until(contract, is_sent, &pair.left);
        contract_until(contract, is_sent, &pair.right);
        assert_int_equal(pair.left.sent, 1);
        assert_int_equal(pair.right.sent, 1);
        from_left += left;
        from_right += right;
        writes++;
    }
    until_received(contract, &pair.right, total);
    until_received(contract, &pair.left, total);
    assert_true(writes > 10);
    close_pair(&pair);
    free(bytes);
}

static void one_large_write_arrives_whole(struct contract *contract)
{
    size_t total = (size_t)5 << 20;
    unsigned char *bytes = stream_bytes(total);
    struct pair pair;

    open_pair(contract, &pair);
    write_from(&pair.right, bytes, total);
    until_received(contract, &pair.left, total);
    contract_until(contract, is_sent, &pair.right);
    assert_int_equal(pair.right.sent, 1);
    close_pair(&pair);
    free(bytes);
}

static void what_was_sent_arrives_before_the_end(struct contract *contract)
{
    unsigned char *bytes = stream_bytes(CHUNK);
    struct pair pair;

    open_pair(contract, &pair);
    write_from(&pair.left, bytes, CHUNK);
    contract_until(contract, is_sent, &pair.left);
    close_end(&pair.left);
    contract_until(contract, is_closed, &pair.right);
    assert_int_equal(pair.right.received, CHUNK);
    assert_true(pair.right.is_in_order);
    assert_int_equal(pair.right.closed, 1);
    assert_null(pair.right.conn.backend);
    close_pair(&pair);
    free(bytes);
}

static void closing_silences(struct contract *contract)
{
    unsigned char *bytes = stream_bytes(100);
    struct pair pair;
    uint32_t calls;

    open_pair(contract, &pair);
    write_from(&pair.right, bytes, 100);
    write_from(&pair.left, bytes, 100);
    close_end(&pair.left); /* with a write under way, and bytes on their way */
    calls = pair.left.calls;
    contract_until(contract, is_closed, &pair.right);
    contract_wait(contract, LOOK_US);
    assert_int_equal(pair.left.calls, calls);
    assert_int_equal(pair.right.closed, 1);
    close_pair(&pair);
    free(bytes);
}

static void a_connection_may_be_closed_while_it_delivers(struct contract *contract)
{
    unsigned char *bytes = stream_bytes(4 * CHUNK);
    struct pair pair;

    open_pair(contract, &pair);
    pair.right.closes_on_data = true;
    write_from(&pair.left, bytes, 4 * CHUNK);
    contract_until(contract, is_closed, &pair.left);
    contract_wait(contract, LOOK_US);
    assert_int_equal(pair.right.calls, 1);
    assert_int_equal(pair.left.closed, 1);
    close_pair(&pair);
    free(bytes);
}

static void a_connection_may_be_closed_before_it_opens(struct contract *contract)
{
    struct door door;
    struct end right;
    struct end left;

    listen_at(contract, &door, &right, 1);
    connect_to(&left, contract->left, door.address);
    close_end(&left);
    contract_wait(contract, LOOK_US);
    assert_int_equal(left.calls, 0);
    if (door.count > 0) {
        contract_until(contract, is_closed, &right);
    }
    cc_env_unlisten(contract->right, &door.listener);
}

static void where_nobody_listens_the_connection_is_closed(struct contract *contract)
{
    struct door door;
    struct end right;
    struct end left;

    listen_at(contract, &door, &right, 1);
    cc_env_unlisten(contract->right, &door.listener);
    connect_to(&left, contract->left, door.address);
    assert_int_equal(left.calls, 0);
    contract_until(contract, is_closed, &left);
    contract_wait(contract, LOOK_US);
    assert_int_equal(left.closed, 1);
    assert_int_equal(left.calls, 1);
    assert_false(left.was_called_inside);
    assert_null(left.conn.backend);
}

static void the_same_struct_connects_again(struct contract *contract)
{
    struct door door;
    struct end rights[2];
    struct end left;

    listen_at(contract, &door, rights, 2);
    cc_env_unlisten(contract->right, &door.listener);
    connect_to(&left, contract->left, door.address);
    contract_until(contract, is_closed, &left);
    listen_at(contract, &door, rights, 2);
    connect_to(&left, contract->left, door.address);
    contract_until(contract, is_open, &left);
    close_end(&left);
    connect_to(&left, contract->left, door.address);
    contract_until(contract, is_open, &left);
    close_end(&left);
    contract_until(contract, is_closed, &rights[1]);
    contract_until(contract, is_closed, &rights[0]);
    cc_env_unlisten(contract->right, &door.listener);
}

static void a_newcomer_that_is_refused_is_closed(struct contract *contract)
{
    struct door door;
    struct end left;

    listen_at(contract, &door, NULL, 0);
    connect_to(&left, contract->left, door.address);
    contract_until(contract, is_closed, &left);
    assert_int_equal(left.closed, 1);
    assert_int_equal(left.received, 0);
    cc_env_unlisten(contract->right, &door.listener);
}

static void an_address_is_listened_at_once(struct contract *contract)
{
    struct door door;
    struct door other = {.env = contract->left};
    struct end right;
    struct end left;

    listen_at(contract, &door, &right, 1);
    other.listener = (struct cc_listener){.on_accept = on_accept, .owner = &other};
    assert_int_not_equal(cc_env_listen(contract->left, &other.listener, door.address), COPYCAT_OK);
    connect_to(&left, contract->left, door.address);
    contract_until(contract, is_open, &left); /* and the first goes on */
    contract_until(contract, has_guest, &door);
    cc_env_unlisten(contract->right, &door.listener);
    assert_int_equal(cc_env_listen(contract->left, &other.listener, door.address), COPYCAT_OK);
    cc_env_unlisten(contract->left, &other.listener);
    close_end(&left);
    close_end(&right);
}

static void a_door_that_shuts_leaves_its_guests_alone(struct contract *contract)
{
    unsigned char *bytes = stream_bytes(100);
    struct end newcomer;
    struct pair pair;

    open_pair(contract, &pair);
    cc_env_unlisten(contract->right, &pair.door.listener);
    write_from(&pair.left, bytes, 100);
    until_received(contract, &pair.right, 100);
    connect_to(&newcomer, contract->left, pair.door.address);
    contract_until(contract, is_closed, &newcomer);
    assert_int_equal(newcomer.opened, 0);
    close_pair(&pair);
    free(bytes);
}

/* Writes chunk after chunk until nothing is taken for a while; how many bytes were taken. */
static size_t flood(struct contract *contract, struct end *end, const unsigned char *bytes)
{
    size_t taken = 0;

    while (taken < FLOOD_MAX) {
        uint32_t looks = 0;

        end->sent = 0;
        write_from(end, bytes + taken, CHUNK);
        while (end->sent == 0 && looks++ < 3) {
            contract_wait(contract, LOOK_US);
        }
        if (end->sent == 0) {
            return taken;
        }
        taken += CHUNK;
    }
    return taken;
}

static void who_does_not_read_is_not_written_to(struct contract *contract)
{
    unsigned char *bytes = stream_bytes(FLOOD_MAX);
    struct pair pair;
    size_t taken;

    open_pair(contract, &pair);
    contract->world->pause(contract, 1, true);
    taken = flood(contract, &pair.left, bytes);
    assert_true(taken < FLOOD_MAX);
    assert_int_equal(pair.left.closed, 0);
    contract->world->pause(contract, 1, false);
    contract_until(contract, is_sent, &pair.left);
    until_received(contract, &pair.right, taken + CHUNK);
    close_pair(&pair);
    free(bytes);
}

static void a_write_under_way_ends_with_its_connection(struct contract *contract)
{
    unsigned char *bytes = stream_bytes(FLOOD_MAX);
    struct pair pair;
    size_t taken;

    open_pair(contract, &pair);
    contract->world->pause(contract, 1, true);
    taken = flood(contract, &pair.left, bytes);
    assert_int_equal(pair.left.sent, 0);
    close_end(&pair.left);
    memset(bytes + taken, 0, CHUNK); /* it is ours again */
    contract->world->pause(contract, 1, false);
    contract_until(contract, is_closed, &pair.right);
    assert_int_equal(pair.left.sent, 0);
    assert_true(pair.right.received >= taken);
    close_pair(&pair);
    free(bytes);
}

static void the_end_of_a_process_is_seen(struct contract *contract)
{
    struct pair pair;

    open_pair(contract, &pair);
    contract->world->restart(contract, 1);
    contract_until(contract, is_closed, &pair.left);
    assert_int_equal(pair.left.closed, 1);
    assert_int_equal(pair.right.calls, 0);
}

static void writing_to_who_is_gone_ends_in_on_closed(struct contract *contract)
{
    unsigned char *bytes = stream_bytes(CHUNK);
    struct pair pair;

    open_pair(contract, &pair);
    contract->world->restart(contract, 1);
    while (pair.left.closed == 0) {
        pair.left.sent = 0;
        write_from(&pair.left, bytes, CHUNK);
        while (pair.left.sent == 0 && pair.left.closed == 0) {
            contract->world->step(contract);
        }
    }
    contract_wait(contract, LOOK_US);
    assert_int_equal(pair.left.closed, 1);
    assert_false(pair.left.was_called_inside);
    free(bytes);
}

static bool are_all_greeted(void *owner)
{
    const struct end *ends = owner;

    for (uint32_t i = 0; i < PAIRS; i++) {
        if (ends[i].received < 10) {
            return false;
        }
    }
    return true;
}

static void many_connections_live_side_by_side(struct contract *contract)
{
    struct end *lefts = calloc(PAIRS, sizeof *lefts);
    struct end *rights = calloc(PAIRS, sizeof *rights);
    unsigned char *bytes = stream_bytes(10);
    struct door door;

    listen_at(contract, &door, rights, PAIRS);
    for (uint32_t i = 0; i < PAIRS; i++) {
        connect_to(&lefts[i], contract->left, door.address);
    }
    for (uint32_t i = 0; i < PAIRS; i++) {
        contract_until(contract, is_open, &lefts[i]);
        write_from(&lefts[i], bytes, 10);
    }
    contract_until(contract, are_all_greeted, rights);
    assert_int_equal(door.count, PAIRS);
    for (uint32_t i = 0; i < PAIRS; i++) {
        write_from(&rights[i], bytes, 10);
    }
    contract_until(contract, are_all_greeted, lefts);
    for (uint32_t i = 0; i < PAIRS; i++) {
        assert_true(lefts[i].is_in_order && rights[i].is_in_order);
        close_end(&lefts[i]);
    }
    for (uint32_t i = 0; i < PAIRS; i++) {
        contract_until(contract, is_closed, &rights[i]);
    }
    cc_env_unlisten(contract->right, &door.listener);
    free(lefts);
    free(rights);
    free(bytes);
}

const struct promise net_promises[] = {
    PROMISE(a_connection_opens_once_and_later),
    PROMISE(bytes_arrive_in_order_both_ways),
    PROMISE(one_large_write_arrives_whole),
    PROMISE(what_was_sent_arrives_before_the_end),
    PROMISE(closing_silences),
    PROMISE(a_connection_may_be_closed_while_it_delivers),
    PROMISE(a_connection_may_be_closed_before_it_opens),
    PROMISE(where_nobody_listens_the_connection_is_closed),
    PROMISE(the_same_struct_connects_again),
    PROMISE(a_newcomer_that_is_refused_is_closed),
    PROMISE(an_address_is_listened_at_once),
    PROMISE(a_door_that_shuts_leaves_its_guests_alone),
    PROMISE(who_does_not_read_is_not_written_to),
    PROMISE(a_write_under_way_ends_with_its_connection),
    PROMISE(the_end_of_a_process_is_seen),
    PROMISE(writing_to_who_is_gone_ends_in_on_closed),
    PROMISE(many_connections_live_side_by_side),
    {NULL, NULL},
};
