/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trouble -- why nobody can be reached: for each server of a client's list, what was last wrong.
 *
 * Where it sits:   client (on its loop) -> [trouble] -> whoever asks, on any thread
 * Threads:         what is written is under the client's lock.
 */
#ifndef CC_API_TROUBLE_H
#define CC_API_TROUBLE_H

#include <copycat/base.h>

#include <stdbool.h>
#include <stdint.h>

struct copycat_client;

struct cc_trouble {
    char text[200]; /* empty: none */
};

/* False: no memory.  Partner: free(client->troubles). */
bool cc_troubles_create(struct copycat_client *client);

/* The core's `troubled`. */
void cc_troubles_take(void *owner, uint32_t server, copycat_status status, copycat_bytes said);

#endif /* CC_API_TROUBLE_H */
