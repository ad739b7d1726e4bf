/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_machine -- see catalog_machine.h.
 *
 * A sorted array: paths are created rarely, and are found by halving.
 */
#include "catalog/catalog_machine.h"

#include "apply/apply_context.h"
#include "base/assert.h"
#include "base/hash.h"
#include "catalog/catalog_path.h"
#include "proto/catalog_operation.h"
#include "proto/limits.h"

#include <string.h>

#define CATALOG_VERSION 1u
#define CAPACITY_MIN 8u

struct resource {
    struct cc_catalog_place place;
    uint32_t path_size;
    uint8_t path[];
};

struct catalog {
    copycat_memory *memory;
    struct resource **at; /* N1 */
    uint32_t count;
    uint32_t capacity;
    uint64_t digest;
};

static void *catalog_create(copycat_memory *memory)
{
    struct catalog *catalog = copycat_memory_take(memory, sizeof *catalog);

    catalog->memory = memory;
    return catalog;
}

static void catalog_destroy(void *machine)
{
    struct catalog *catalog = machine;

    for (uint32_t i = 0; i < catalog->count; i++) {
        copycat_memory_give(catalog->memory, catalog->at[i]);
    }
    copycat_memory_give(catalog->memory, catalog->at);
    copycat_memory_give(catalog->memory, catalog);
}

static uint64_t catalog_digest(const void *machine)
{
    const struct catalog *catalog = machine;

    return catalog->digest;
}

/* ---- the array ------------------------------------------------------------------------------- */

static int compare(const struct resource *resource, copycat_bytes path)
{
    size_t shared = resource->path_size < path.size ? resource->path_size : path.size;
    int order = memcmp(resource->path, path.data, shared);

    if (order != 0) {
        return order;
    }
    return resource->path_size == path.size ? 0 : resource->path_size < path.size ? -1 : 1;
}

/* The first position whose path is not below `path`. */
static uint32_t position_of(const struct catalog *catalog, copycat_bytes path)
{
    uint32_t low = 0;
    uint32_t high = catalog->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (compare(catalog->at[middle], path) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static const struct resource *find(const struct catalog *catalog, copycat_bytes path)
{
    uint32_t position = position_of(catalog, path);

    return position < catalog->count && compare(catalog->at[position], path) == 0
               ? catalog->at[position]
               : NULL;
}

static const struct resource *insert(
    struct catalog *catalog, copycat_bytes path, struct cc_catalog_place place)
{
    uint32_t position = position_of(catalog, path);
    struct resource *resource = copycat_memory_take(catalog->memory, sizeof *resource + path.size);

    CC_ASSERT(find(catalog, path) == NULL); /* N1 */
    if (catalog->count == catalog->capacity) {
        catalog->capacity = catalog->capacity == 0 ? CAPACITY_MIN : catalog->capacity * 2;
        catalog->at = copycat_memory_grow(
            catalog->memory, catalog->at, catalog->capacity * sizeof(struct resource *));
    }
    resource->place = place;
    resource->path_size = (uint32_t)path.size;
    memcpy(resource->path, path.data, path.size);
    memmove(
        catalog->at + position + 1, catalog->at + position,
        (catalog->count - position) * sizeof(struct resource *));
    catalog->at[position] = resource;
    catalog->count++;
    catalog->digest +=
        cc_hash_bytes(path.data, path.size, cc_hash_words(place.instance, place.type));
    return resource;
}

/* ---- operations ------------------------------------------------------------------------------ */

/* An operation whose path is in the one form, or why it is none. */
static copycat_status read_operation(
    copycat_bytes bytes, struct cc_catalog_operation *operation_out)
{
    copycat_status status = cc_catalog_operation_decode(bytes, operation_out);

    if (status == COPYCAT_OK && !cc_catalog_path_form(operation_out->path, &operation_out->path)) {
        return COPYCAT_ERR_PATH;
    }
    return status;
}

/* The resource of that path, created if there is none. */
static copycat_status open_path(
    struct catalog *catalog,
    copycat_context *context,
    const struct cc_catalog_operation *operation,
    const struct resource **resource_out)
{
    const struct resource *resource = find(catalog, operation->path);

    if (!cc_context_type_is_known(context, operation->type)) {
        return COPYCAT_ERR_UNSUPPORTED;
    }
    if (resource != NULL && resource->place.type != operation->type) {
        return COPYCAT_ERR_TYPE;
    }
    if (resource == NULL && catalog->count >= CC_RESOURCES_MAX) {
        return COPYCAT_ERR_QUOTA;
    }
    if (resource == NULL) {
        resource = insert(
            catalog, operation->path,
            (struct cc_catalog_place){
                .instance = copycat_context_index(context), .type = operation->type});
        cc_context_create(context, operation->type);
    }
    *resource_out = resource;
    return COPYCAT_OK;
}

static copycat_status look_up(
    const struct catalog *catalog,
    const struct cc_catalog_operation *operation,
    const struct resource **resource_out)
{
    *resource_out = find(catalog, operation->path);
    return *resource_out == NULL ? COPYCAT_ERR_UNKNOWN_RESOURCE : COPYCAT_OK;
}

/* Enough for a place. */
struct answer {
    uint8_t bytes[2 * CC_VARINT_SIZE_MAX];
};

/* `resource` is looked at only if the status is OK. */
static copycat_bytes result_of(
    struct answer *answer, copycat_status status, const struct resource *resource)
{
    struct cc_writer writer;

    cc_writer_init_fixed(&writer, answer->bytes, sizeof answer->bytes);
    if (status == COPYCAT_OK) {
        cc_catalog_place_encode(&writer, &resource->place);
    }
    CC_ASSERT(!writer.failed);
    return (copycat_bytes){writer.data, writer.size};
}

static void catalog_apply(void *machine, copycat_context *context, const copycat_commit *commit)
{
    struct catalog *catalog = machine;
    struct cc_catalog_operation operation;
    const struct resource *resource = NULL;
    struct answer answer;
    copycat_status status = read_operation(commit->operation, &operation);

    if (status == COPYCAT_OK && operation.code == CC_CATALOG_OPEN) {
        status = open_path(catalog, context, &operation, &resource);
    } else if (status == COPYCAT_OK) {
        status = look_up(catalog, &operation, &resource);
    }
    if (resource == NULL || resource->place.instance != commit->index) {
        copycat_context_release(context, commit->index); /* N2: it has created nothing */
    }
    copycat_context_answer(context, status, result_of(&answer, status, resource));
}

static void catalog_query(const void *machine, copycat_reading *reading, copycat_bytes bytes)
{
    struct cc_catalog_operation operation;
    const struct resource *resource = NULL;
    struct answer answer;
    copycat_status status = read_operation(bytes, &operation);

    if (status == COPYCAT_OK && operation.code == CC_CATALOG_OPEN) {
        status = COPYCAT_ERR_UNKNOWN_OPERATION; /* a change, which a query cannot make */
    } else if (status == COPYCAT_OK) {
        status = look_up(machine, &operation, &resource);
    }
    copycat_reading_answer(reading, status, result_of(&answer, status, resource));
}

static void catalog_restore_commit(void *machine, const copycat_commit *commit)
{
    struct catalog *catalog = machine;
    struct cc_catalog_operation operation;

    /* What can be no fact comes from a damaged image, which its digest tells. */
    if (read_operation(commit->operation, &operation) != COPYCAT_OK ||
        operation.code != CC_CATALOG_OPEN || catalog->count >= CC_RESOURCES_MAX ||
        find(catalog, operation.path) != NULL) {
        return;
    }
    (void)insert(
        catalog, operation.path,
        (struct cc_catalog_place){.instance = commit->index, .type = operation.type});
}

/* Who wants to remove something opens its resource first. */
static bool catalog_needs_no_room(const void *machine, copycat_bytes bytes)
{
    struct cc_catalog_operation operation;

    return read_operation(bytes, &operation) != COPYCAT_OK || operation.code != CC_CATALOG_OPEN ||
           find(machine, operation.path) != NULL;
}

const copycat_machine_type cc_catalog_machine_type = {
    .id = CC_CATALOG_TYPE_ID,
    .version = CATALOG_VERSION,
    .name = "catalog",
    .create = catalog_create,
    .destroy = catalog_destroy,
    .apply = catalog_apply,
    .query = catalog_query,
    .digest = catalog_digest,
    .restore_commit = catalog_restore_commit,
    .needs_no_room = catalog_needs_no_room,
};
