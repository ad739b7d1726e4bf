/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map -- see copycat/map.h: each operation, encoded by the map's own proxy, as a future.
 */
#include "api/handle.h"
#include "resource/map/map_proxy.h"

#include <copycat/map.h>
#include <copycat/resource.h>

#define KEYS_LIMIT 1000u

/* A map is a resource; the type is what tells them apart. */
static copycat_resource *resource_of(copycat_map *map)
{
    return (copycat_resource *)(void *)map;
}

copycat_map *copycat_map_at(copycat_client *client, const char *path)
{
    return (copycat_map *)(void *)copycat_resource_at(client, path, CC_MAP_TYPE_ID);
}

void copycat_map_free(copycat_map *map)
{
    copycat_resource_free(resource_of(map));
}

static copycat_future *submit(
    copycat_map *map,
    const struct cc_map_operation *operation,
    enum cc_value_kind value,
    const copycat_call_options *options)
{
    enum cc_call_kind kind =
        cc_map_operation_is_query(operation->code) ? CC_CALL_QUERY : CC_CALL_COMMAND;
    copycat_future *future = cc_future_create(resource_of(map), kind, value, options);

    if (cc_future_is_of_nothing(future)) {
        return future;
    }
    return cc_future_submit(future, cc_map_encode(&future->operation, operation));
}

copycat_future *copycat_map_put(
    copycat_map *map, copycat_bytes key, copycat_bytes value, const copycat_call_options *options)
{
    struct cc_map_operation operation = {.code = CC_MAP_PUT, .key = key, .value = value};

    return submit(map, &operation, CC_VALUE_OPTIONAL, options);
}

copycat_future *copycat_map_get(
    copycat_map *map, copycat_bytes key, const copycat_call_options *options)
{
    struct cc_map_operation operation = {.code = CC_MAP_GET, .key = key};

    return submit(map, &operation, CC_VALUE_OPTIONAL, options);
}

copycat_future *copycat_map_remove(
    copycat_map *map, copycat_bytes key, const copycat_call_options *options)
{
    struct cc_map_operation operation = {.code = CC_MAP_REMOVE, .key = key};

    return submit(map, &operation, CC_VALUE_OPTIONAL, options);
}

copycat_future *copycat_map_contains(
    copycat_map *map, copycat_bytes key, const copycat_call_options *options)
{
    struct cc_map_operation operation = {.code = CC_MAP_CONTAINS, .key = key};

    return submit(map, &operation, CC_VALUE_FLAG, options);
}

copycat_future *copycat_map_size(copycat_map *map, const copycat_call_options *options)
{
    struct cc_map_operation operation = {.code = CC_MAP_SIZE};

    return submit(map, &operation, CC_VALUE_NUMBER, options);
}

copycat_future *copycat_map_keys(
    copycat_map *map, copycat_bytes after, uint32_t limit, const copycat_call_options *options)
{
    struct cc_map_operation operation = {
        .code = CC_MAP_KEYS, .key = after, .limit = limit == 0 ? KEYS_LIMIT : limit};

    return submit(map, &operation, CC_VALUE_PAGE, options);
}

copycat_future *copycat_map_clear(copycat_map *map, const copycat_call_options *options)
{
    struct cc_map_operation operation = {.code = CC_MAP_CLEAR};

    return submit(map, &operation, CC_VALUE_NOTHING, options);
}

copycat_future *copycat_map_put_if_absent(
    copycat_map *map, copycat_bytes key, copycat_bytes value, const copycat_call_options *options)
{
    struct cc_map_operation operation = {.code = CC_MAP_PUT_IF_ABSENT, .key = key, .value = value};

    return submit(map, &operation, CC_VALUE_OPTIONAL, options);
}

copycat_future *copycat_map_replace(
    copycat_map *map, copycat_bytes key, copycat_bytes value, const copycat_call_options *options)
{
    struct cc_map_operation operation = {.code = CC_MAP_REPLACE, .key = key, .value = value};

    return submit(map, &operation, CC_VALUE_OPTIONAL, options);
}

copycat_future *copycat_map_compare_and_set(
    copycat_map *map,
    copycat_bytes key,
    copycat_bytes expected,
    copycat_bytes value,
    const copycat_call_options *options)
{
    struct cc_map_operation operation = {
        .code = CC_MAP_CAS, .key = key, .expected = expected, .value = value};

    return submit(map, &operation, CC_VALUE_FLAG, options);
}
