/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_proxy -- the client's half of a map: one function per operation, each a call on the client.
 *
 * Where it sits:   [map_proxy] -> client -> session -> raft -> log -> apply -> map_machine
 * Memory:          each call owns the bytes of its operation and keeps them for the next use.
 *
 * What comes is in `call.status` and `call.result`, which the decoders of map_operation.h read.
 */
#ifndef CC_RESOURCE_MAP_MAP_PROXY_H
#define CC_RESOURCE_MAP_MAP_PROXY_H

#include "client/client.h"
#include "resource/map/map_operation.h"

/* The resource must outlive its calls; see client.h. */
struct cc_map {
    struct cc_client *client;
    struct cc_client_resource resource;
};

/* `call.timeout_us`, and `call.level` of reads, may be set before each use. */
struct cc_map_call {
    struct cc_call call;
    struct cc_writer operation;
};

void cc_map_init(struct cc_map *map, struct cc_client *client, const char *path);

/* Reads are LINEARIZABLE unless told otherwise.  Partner: cc_map_call_deinit. */
void cc_map_call_init(
    struct cc_map_call *call,
    const struct cc_memory *memory,
    void (*done)(struct cc_call *call),
    void *owner);
void cc_map_call_deinit(struct cc_map_call *call);

/*
 * TOO_LARGE or MEMORY: the call was not made, and `done` does not come.  OK: whatever becomes of it
 * comes through `done`, later.  Keys and values are copied.
 */
copycat_status cc_map_put(
    struct cc_map *map, struct cc_map_call *call, copycat_bytes key, copycat_bytes value);
copycat_status cc_map_get(struct cc_map *map, struct cc_map_call *call, copycat_bytes key);
copycat_status cc_map_remove(struct cc_map *map, struct cc_map_call *call, copycat_bytes key);
copycat_status cc_map_contains(struct cc_map *map, struct cc_map_call *call, copycat_bytes key);
copycat_status cc_map_size(struct cc_map *map, struct cc_map_call *call);

/* `after.data` NULL: from the beginning. */
copycat_status cc_map_keys(
    struct cc_map *map, struct cc_map_call *call, copycat_bytes after, uint32_t limit);
copycat_status cc_map_clear(struct cc_map *map, struct cc_map_call *call);
copycat_status cc_map_put_if_absent(
    struct cc_map *map, struct cc_map_call *call, copycat_bytes key, copycat_bytes value);
copycat_status cc_map_replace(
    struct cc_map *map, struct cc_map_call *call, copycat_bytes key, copycat_bytes value);
copycat_status cc_map_cas(
    struct cc_map *map,
    struct cc_map_call *call,
    copycat_bytes key,
    copycat_bytes expected,
    copycat_bytes value);

#endif /* CC_RESOURCE_MAP_MAP_PROXY_H */
