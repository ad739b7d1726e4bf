/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_guests -- see uv_guests.h.
 */
#include "uv_guests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void guest_open(struct cc_conn *conn)
{
    ((struct guest *)conn->owner)->is_open = true;
}

static void guest_data(struct cc_conn *conn, const void *data, size_t size)
{
    struct guest *guest = conn->owner;

    (void)data;
    guest->received += size;
    guest->in_pass += size;
    if (guest->in_pass > guest->in_pass_max) {
        guest->in_pass_max = guest->in_pass;
    }
    cc_env_later(guest->env, &guest->task);
}

static void pass_over(struct cc_task *task)
{
    ((struct guest *)task->owner)->in_pass = 0;
}

static void guest_sent(struct cc_conn *conn)
{
    (void)conn;
}

static void guest_closed(struct cc_conn *conn)
{
    ((struct guest *)conn->owner)->is_closed = true;
}

void guest_make(struct guest *guest, struct cc_env *env)
{
    *guest = (struct guest){.env = env};
    guest->conn = (struct cc_conn){guest_open, guest_data, guest_sent, guest_closed, guest, NULL};
    guest->task = (struct cc_task){.run = pass_over, .owner = guest};
}

static struct cc_conn *welcome(struct cc_listener *listener)
{
    struct house *house = listener->owner;

    guest_make(&house->guests[house->count], house->env);
    return &house->guests[house->count++].conn;
}

bool house_is_full(void *owner)
{
    const struct house *house = owner;

    return house->count >= house->awaited;
}

copycat_status house_build(
    struct contract *contract, struct house *house, struct guest *guests, const char *address)
{
    *house = (struct house){.env = contract->right, .guests = guests, .awaited = 1};
    house->listener = (struct cc_listener){.on_accept = welcome, .owner = house};

    copycat_status status = cc_env_listen(contract->right, &house->listener, address);

    if (status == COPYCAT_OK) {
        assert_int_equal(
            cc_env_uv_address(
                contract->right, &house->listener, house->address, sizeof house->address),
            COPYCAT_OK);
    }
    return status;
}

void house_socket_path(struct contract *contract, char *text_out, size_t size)
{
    (void)snprintf(text_out, size, "%.90s/socket", uv_world_of(contract)->root);
}

void house_build_unix(struct contract *contract, struct house *house, struct guest *guests)
{
    char path[CONTRACT_PATH_SIZE];
    char address[CONTRACT_PATH_SIZE + 8];

    house_socket_path(contract, path, sizeof path);
    (void)snprintf(address, sizeof address, "unix:%s", path);
    assert_int_equal(house_build(contract, house, guests, address), COPYCAT_OK);
}
