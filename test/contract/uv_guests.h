/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_guests -- a listener of the right side, and those who come to it.
 */
#ifndef CC_TEST_UV_GUESTS_H
#define CC_TEST_UV_GUESTS_H

#include "world_uv.h"

struct guest {
    struct cc_conn conn;
    struct cc_env *env;
    struct cc_task task;
    bool is_open;
    bool is_closed;
    size_t received;
    size_t in_pass;
    size_t in_pass_max;
};

/* One who connects, or is to be welcomed. */
void guest_make(struct guest *guest, struct cc_env *env);

struct house {
    struct cc_listener listener;
    struct cc_env *env;
    struct guest *guests;
    uint32_t count;
    uint32_t awaited;
    char address[CONTRACT_PATH_SIZE];
};

/* Listens there; who comes is the next of the guests. */
copycat_status house_build(
    struct contract *contract, struct house *house, struct guest *guests, const char *address);

/* True if all have come that are awaited. */
bool house_is_full(void *owner);

/* A unix socket of the world's own, and a house that listens there. */
void house_socket_path(struct contract *contract, char *text_out, size_t size);
void house_build_unix(struct contract *contract, struct house *house, struct guest *guests);

#endif /* CC_TEST_UV_GUESTS_H */
