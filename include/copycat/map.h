/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copycat/map.h -- a replicated map of bytes to bytes.
 *
 * Each operation is one function that returns a future, never NULL; every failure, also one that is
 * noticed at once, comes through it.  `options` may be NULL.  Keys have 1 byte to 4 KiB, values up to
 * 1 MiB; both are copied before the call returns.  All may be called from every thread.
 */
#ifndef COPYCAT_MAP_H
#define COPYCAT_MAP_H

#include <copycat/client.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct copycat_map copycat_map;

/*
 * The map at `path`, which is made by the first operation if there is none, also by one that reads.
 * Local: no round trip.  A path is parts with slashes between them, as in "/app/colors", of at most
 * 1024 bytes in all; "app/colors" is the same.  No part is empty, so there is no slash at the end, and
 * none has a control character.  Never NULL; a bad path, or a path of something else, is an error of
 * each operation.
 * Partner: copycat_map_free, before the client is closed or after, also with calls under way; it
 * accepts NULL.
 */
COPYCAT_API copycat_map *copycat_map_at(copycat_client *client, const char *path);
COPYCAT_API void copycat_map_free(copycat_map *map);

/* The value before, or absent. */
COPYCAT_API copycat_future *copycat_map_put(
    copycat_map *map, copycat_bytes key, copycat_bytes value, const copycat_call_options *options);

/* The value, or absent. */
COPYCAT_API copycat_future *copycat_map_get(
    copycat_map *map, copycat_bytes key, const copycat_call_options *options);

/* The value that was removed, or absent. */
COPYCAT_API copycat_future *copycat_map_remove(
    copycat_map *map, copycat_bytes key, const copycat_call_options *options);

/* copycat_value_bool */
COPYCAT_API copycat_future *copycat_map_contains(
    copycat_map *map, copycat_bytes key, const copycat_call_options *options);

/* copycat_value_uint64: the number of keys */
COPYCAT_API copycat_future *copycat_map_size(copycat_map *map, const copycat_call_options *options);

/*
 * At most `limit` keys (0: 1000) after the key `after`, {NULL, 0}: from the first; a list.  The
 * order is the map's own, and the same everywhere.  copycat_value_is_more: ask on after the last.
 */
COPYCAT_API copycat_future *copycat_map_keys(
    copycat_map *map, copycat_bytes after, uint32_t limit, const copycat_call_options *options);

COPYCAT_API copycat_future *copycat_map_clear(
    copycat_map *map, const copycat_call_options *options);

/* Stores only if the key is absent.  The value that is there already; absent: it was stored. */
COPYCAT_API copycat_future *copycat_map_put_if_absent(
    copycat_map *map, copycat_bytes key, copycat_bytes value, const copycat_call_options *options);

/* Stores only if the key is there.  The value before; absent: nothing was stored. */
COPYCAT_API copycat_future *copycat_map_replace(
    copycat_map *map, copycat_bytes key, copycat_bytes value, const copycat_call_options *options);

/* Stores only where the value is `expected`.  copycat_value_bool: it was stored. */
COPYCAT_API copycat_future *copycat_map_compare_and_set(
    copycat_map *map,
    copycat_bytes key,
    copycat_bytes expected,
    copycat_bytes value,
    const copycat_call_options *options);

#ifdef __cplusplus
}
#endif

#endif /* COPYCAT_MAP_H */
