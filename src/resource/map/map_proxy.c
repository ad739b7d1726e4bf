/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_proxy -- see map_proxy.h.
 */
#include "resource/map/map_proxy.h"

void cc_map_init(struct cc_map *map, struct cc_client *client, const char *path)
{
    map->client = client;
    cc_client_resource_init(client, &map->resource, path, CC_MAP_TYPE_ID);
}

void cc_map_call_init(
    struct cc_map_call *call,
    const struct cc_memory *memory,
    void (*done)(struct cc_call *call),
    void *owner)
{
    call->call = (struct cc_call){.level = CC_READ_LINEARIZABLE, .done = done, .owner = owner};
    cc_writer_init(&call->operation, memory, CC_OPERATION_SIZE_MAX);
}

void cc_map_call_deinit(struct cc_map_call *call)
{
    cc_writer_deinit(&call->operation);
}

/* The sizes are looked at first, so that a writer that fails has been refused memory. */
static copycat_status call_map(
    struct cc_map *map, struct cc_map_call *call, const struct cc_map_operation *operation)
{
    if (operation->key.size > CC_KEY_SIZE_MAX || operation->value.size > CC_VALUE_SIZE_MAX ||
        operation->expected.size > CC_VALUE_SIZE_MAX) {
        return COPYCAT_ERR_TOO_LARGE;
    }
    cc_writer_clear(&call->operation);
    cc_map_operation_encode(&call->operation, operation);
    if (call->operation.failed) {
        return COPYCAT_ERR_MEMORY;
    }
    call->call.kind = cc_map_operation_is_query(operation->code) ? CC_CALL_QUERY : CC_CALL_COMMAND;
    call->call.operation = (copycat_bytes){call->operation.data, call->operation.size};
    cc_client_call(map->client, &map->resource, &call->call);
    return COPYCAT_OK;
}

copycat_status cc_map_put(
    struct cc_map *map, struct cc_map_call *call, copycat_bytes key, copycat_bytes value)
{
    return call_map(
        map, call, &(struct cc_map_operation){.code = CC_MAP_PUT, .key = key, .value = value});
}

copycat_status cc_map_get(struct cc_map *map, struct cc_map_call *call, copycat_bytes key)
{
    return call_map(map, call, &(struct cc_map_operation){.code = CC_MAP_GET, .key = key});
}

copycat_status cc_map_remove(struct cc_map *map, struct cc_map_call *call, copycat_bytes key)
{
    return call_map(map, call, &(struct cc_map_operation){.code = CC_MAP_REMOVE, .key = key});
}

copycat_status cc_map_contains(struct cc_map *map, struct cc_map_call *call, copycat_bytes key)
{
    return call_map(map, call, &(struct cc_map_operation){.code = CC_MAP_CONTAINS, .key = key});
}

copycat_status cc_map_size(struct cc_map *map, struct cc_map_call *call)
{
    return call_map(map, call, &(struct cc_map_operation){.code = CC_MAP_SIZE});
}

copycat_status cc_map_keys(
    struct cc_map *map, struct cc_map_call *call, copycat_bytes after, uint32_t limit)
{
    return call_map(
        map, call, &(struct cc_map_operation){.code = CC_MAP_KEYS, .key = after, .limit = limit});
}

copycat_status cc_map_clear(struct cc_map *map, struct cc_map_call *call)
{
    return call_map(map, call, &(struct cc_map_operation){.code = CC_MAP_CLEAR});
}

copycat_status cc_map_put_if_absent(
    struct cc_map *map, struct cc_map_call *call, copycat_bytes key, copycat_bytes value)
{
    return call_map(
        map, call,
        &(struct cc_map_operation){.code = CC_MAP_PUT_IF_ABSENT, .key = key, .value = value});
}

copycat_status cc_map_replace(
    struct cc_map *map, struct cc_map_call *call, copycat_bytes key, copycat_bytes value)
{
    return call_map(
        map, call, &(struct cc_map_operation){.code = CC_MAP_REPLACE, .key = key, .value = value});
}

copycat_status cc_map_cas(
    struct cc_map *map,
    struct cc_map_call *call,
    copycat_bytes key,
    copycat_bytes expected,
    copycat_bytes value)
{
    return call_map(
        map, call,
        &(struct cc_map_operation){
            .code = CC_MAP_CAS, .key = key, .expected = expected, .value = value});
}
