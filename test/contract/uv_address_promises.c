/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_address_promises -- names and ports, and the files of unix sockets.
 */
#include "uv_guests.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static bool is_set(void *owner)
{
    return *(bool *)owner;
}

static void an_address_in_use_is_said_to_be(struct contract *contract)
{
    struct house house;
    struct house other;
    char expected[CONTRACT_PATH_SIZE + 64];

    assert_string_equal(cc_env_uv_last_error(contract->right), "");
    assert_int_equal(house_build(contract, &house, NULL, "127.0.0.1:0"), COPYCAT_OK);
    assert_int_equal(
        house_build(contract, &other, NULL, house.address), COPYCAT_ERR_ADDRESS_IN_USE);
    (void)snprintf(expected, sizeof expected, "%s is in use by another process", house.address);
    assert_string_equal(cc_env_uv_last_error(contract->right), expected);
    cc_env_unlisten(contract->right, &house.listener);
    assert_int_equal(house_build(contract, &other, NULL, house.address), COPYCAT_OK);
}

static void what_is_no_address_is_refused(struct contract *contract)
{
    const char *texts[] = {"",       "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                           "::1:1",  "[::1]",     "unix:",      ":",           "127.0.0.1:1:2",
                           "[]x:1:", "host:-1"};

    for (uint32_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct house house;
        struct guest guest;

        assert_int_equal(house_build(contract, &house, NULL, texts[i]), COPYCAT_ERR_INVALID);
        assert_non_null(strstr(cc_env_uv_last_error(contract->right), "is not an address"));
        guest_make(&guest, contract->left);
        cc_env_conn_connect(contract->left, &guest.conn, texts[i]);
        assert_false(guest.is_closed);
        contract_until(contract, is_set, &guest.is_closed);
    }
}

/* "localhost" may stand for several addresses, of which one answers. */
static void names_and_both_kinds_of_numbers_are_addresses(struct contract *contract)
{
    const char *texts[] = {"127.0.0.1:0", "localhost:0", "[::1]:0", ":0"};
    uint32_t tried = 0;

    for (uint32_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct house house;
        struct guest right;
        struct guest left;
        char text[64];

        if (house_build(contract, &house, &right, texts[i]) != COPYCAT_OK) {
            continue; /* a machine without IPv6 */
        }
        tried++;
        (void)snprintf(text, sizeof text, "localhost%s", strrchr(house.address, ':'));
        guest_make(&left, contract->left);
        cc_env_conn_connect(contract->left, &left.conn, i == 2 || i == 0 ? house.address : text);
        contract_until(contract, is_set, &left.is_open);
        contract_until(contract, house_is_full, &house);
        cc_env_conn_close(contract->left, &left.conn);
        cc_env_conn_close(contract->right, &right.conn);
        cc_env_unlisten(contract->right, &house.listener);
    }
    assert_true(tried >= 3);
}

static void a_name_that_is_not_known_ends_in_on_closed(struct contract *contract)
{
    struct guest guest;
    struct guest hurried;

    guest_make(&guest, contract->left);
    guest_make(&hurried, contract->left);
    cc_env_conn_connect(contract->left, &guest.conn, "no such name.invalid:1");
    cc_env_conn_connect(contract->left, &hurried.conn, "another.invalid:1");
    cc_env_conn_close(contract->left, &hurried.conn); /* while it is looked for */
    contract_until(contract, is_set, &guest.is_closed);
    assert_false(guest.is_open);
    assert_false(hurried.is_closed);
}

/* ---- unix sockets ---------------------------------------------------------------------------- */

static int bound_socket(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_true(descriptor >= 0);
    (void)snprintf(name.sun_path, sizeof name.sun_path, "%.100s", path);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&name, sizeof name), 0);
    return descriptor;
}

static void a_stale_socket_is_replaced_and_a_live_one_is_not(struct contract *contract)
{
    char path[CONTRACT_PATH_SIZE];
    char address[CONTRACT_PATH_SIZE + 8];
    struct house house;
    struct house other;
    int descriptor;

    house_socket_path(contract, path, sizeof path);
    (void)snprintf(address, sizeof address, "unix:%s", path);
    close(bound_socket(path)); /* as a process that was killed leaves it */
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(house_build(contract, &house, NULL, address), COPYCAT_OK);
    assert_int_equal(house_build(contract, &other, NULL, address), COPYCAT_ERR_ADDRESS_IN_USE);
    assert_int_equal(access(path, F_OK), 0);
    cc_env_unlisten(contract->right, &house.listener);
    assert_int_equal(access(path, F_OK), -1); /* a door that shuts takes its name along */
    descriptor = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(descriptor >= 0);
    close(descriptor);
    assert_int_equal(house_build(contract, &house, NULL, address), COPYCAT_ERR_ADDRESS_IN_USE);
    assert_int_equal(access(path, F_OK), 0); /* somebody's file is not ours to remove */
}

const struct promise uv_address_promises[] = {
    PROMISE(an_address_in_use_is_said_to_be),
    PROMISE(what_is_no_address_is_refused),
    PROMISE(names_and_both_kinds_of_numbers_are_addresses),
    PROMISE(a_name_that_is_not_known_ends_in_on_closed),
    PROMISE(a_stale_socket_is_replaced_and_a_live_one_is_not),
    {NULL, NULL},
};
