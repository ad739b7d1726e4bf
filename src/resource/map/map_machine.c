/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_machine -- see map_machine.h.
 */
#include "resource/map/map_machine.h"

#include "base/assert.h"
#include "base/bug.h"
#include "resource/map/map_build.h"
#include "resource/map/map_operation.h"

#include <string.h>

#define MAP_VERSION 1u
#define DRAIN_COUNT 4096u /* slots, or records that no table has yet, in one step */

struct map {
    copycat_memory *memory;
    struct cc_map_table table;
    struct cc_map_build *build; /* what the table is made of; NULL: it is there */
    uint64_t drained;           /* slots, while it is destroyed in steps */
};

/* The answer to the operation at hand; small ones are written into the caller's bytes. */
struct reply {
    copycat_status status;
    copycat_bytes result;
};

static void *map_create(copycat_memory *memory)
{
    struct map *map = copycat_memory_take(memory, sizeof *map);

    map->memory = memory;
    cc_map_table_init(&map->table, memory);
    return map;
}

static void map_destroy(void *machine)
{
    struct map *map = machine;

    cc_map_build_destroy(map->build);
    cc_map_table_clear(&map->table);
    copycat_memory_give(map->memory, map);
}

static bool map_destroy_step(void *machine)
{
    struct map *map = machine;

    if (map->build != NULL) { /* an image was given up while it was read */
        if (!cc_map_build_drain(map->build, DRAIN_COUNT)) {
            cc_map_build_destroy(map->build);
            map->build = NULL;
        }
        return true;
    }
    return cc_map_table_drain(&map->table, &map->drained, DRAIN_COUNT);
}

static uint64_t map_digest(const void *machine)
{
    const struct map *map = machine;

    return map->table.digest;
}

/* ---- looking --------------------------------------------------------------------------------- */

static copycat_bytes written(const struct cc_writer *writer)
{
    CC_ASSERT(!writer->failed);
    return (copycat_bytes){writer->data, writer->size};
}

static copycat_bytes flag_result(struct cc_writer *writer, bool flag)
{
    cc_map_flag_encode(writer, flag);
    return written(writer);
}

/* No value and "not stored" look the same: the byte 0. */
static copycat_bytes value_result(struct cc_writer *writer, const struct cc_map_record *record)
{
    return record == NULL ? flag_result(writer, false) : cc_map_record_result(record);
}

static size_t counted_size_max(copycat_bytes key)
{
    return key.size + CC_VARINT_SIZE_MAX;
}

/* The page says whether there is more, so the byte for that is filled in last. */
static copycat_bytes keys_result(
    struct cc_writer *writer,
    const struct cc_map_table *table,
    const struct cc_map_operation *operation)
{
    uint64_t position = cc_map_table_seek(table, operation->key);
    const struct cc_map_record *record = cc_map_table_next(table, &position);

    cc_map_flag_encode(writer, false);
    for (uint32_t i = 0; record != NULL && i < operation->limit; i++) {
        copycat_bytes key = cc_map_record_key(record);

        if (counted_size_max(key) > writer->capacity - writer->size) {
            break;
        }
        cc_write_counted(writer, key);
        record = cc_map_table_next(table, &position);
    }
    writer->data[0] = record != NULL;
    return written(writer);
}

static struct reply look(
    struct cc_writer *writer, const struct map *map, const struct cc_map_operation *operation)
{
    struct reply reply = {.status = COPYCAT_OK};

    switch (operation->code) {
    case CC_MAP_GET:
        reply.result = value_result(writer, cc_map_table_find(&map->table, operation->key));
        break;
    case CC_MAP_CONTAINS:
        reply.result = flag_result(writer, cc_map_table_find(&map->table, operation->key) != NULL);
        break;
    case CC_MAP_SIZE:
        cc_map_number_encode(writer, map->table.count);
        reply.result = written(writer);
        break;
    case CC_MAP_KEYS:
        reply.result = keys_result(writer, &map->table, operation);
        break;
    default:
        reply.status = COPYCAT_ERR_UNKNOWN_OPERATION; /* a change, which a query cannot make */
        break;
    }
    return reply;
}

static void map_query(const void *machine, copycat_reading *reading, copycat_bytes bytes)
{
    uint8_t page[CC_MAP_PAGE_SIZE_MAX];
    struct cc_writer writer;
    struct cc_map_operation operation;
    struct reply reply = {.status = cc_map_operation_decode(bytes, &operation)};

    cc_writer_init_fixed(&writer, page, sizeof page);
    if (reply.status == COPYCAT_OK) {
        reply = look(&writer, machine, &operation);
    }
    copycat_reading_answer(reading, reply.status, reply.result);
}

/* ---- changing -------------------------------------------------------------------------------- */

static bool is_equal(copycat_bytes left, copycat_bytes right)
{
    return left.size == right.size &&
           (left.size == 0 || memcmp(left.data, right.data, left.size) == 0);
}

/* Does what is there now let the operation store its value? */
static bool may_store(const struct cc_map_operation *operation, const struct cc_map_record *record)
{
    switch (operation->code) {
    case CC_MAP_PUT_IF_ABSENT:
        return record == NULL;
    case CC_MAP_REPLACE:
        return record != NULL;
    case CC_MAP_CAS:
        return record != NULL && is_equal(cc_map_record_value(record), operation->expected);
    default:
        return true;
    }
}

/* PUT and its conditional kin. */
static void store(
    struct map *map,
    copycat_context *context,
    uint64_t index,
    const struct cc_map_operation *operation)
{
    uint8_t flag[1];
    struct cc_writer writer;
    struct cc_map_place place = cc_map_table_place(&map->table, operation->key);
    const struct cc_map_record *there = cc_map_table_at(&map->table, &place);
    bool is_stored = may_store(operation, there);
    copycat_bytes result;

    cc_writer_init_fixed(&writer, flag, sizeof flag);
    if (operation->code == CC_MAP_CAS) {
        result = flag_result(&writer, is_stored);
    } else {
        result = value_result(&writer, there);
    }
    copycat_context_answer(context, COPYCAT_OK, result);
    if (!is_stored) {
        copycat_context_release(context, index);
        return;
    }

    uint64_t before =
        cc_map_table_put(&map->table, &place, operation->key, operation->value, index);

    if (before != 0) { /* nothing lives by that commit any more (T-094) */
        copycat_context_release(context, CC_BUG(T094) ? index : before);
    }
}

static void remove_key(struct map *map, copycat_context *context, copycat_bytes key)
{
    uint8_t flag[1];
    struct cc_writer writer;
    struct cc_map_record *record = cc_map_table_remove(&map->table, key);

    cc_writer_init_fixed(&writer, flag, sizeof flag);
    copycat_context_answer(context, COPYCAT_OK, value_result(&writer, record));
    if (record != NULL) {
        copycat_context_release(context, record->index);
        cc_map_record_give(&map->table, record);
    }
}

static void clear(struct map *map, copycat_context *context)
{
    uint64_t position = 0;
    const struct cc_map_record *record;

    while ((record = cc_map_table_next(&map->table, &position)) != NULL) {
        copycat_context_release(context, record->index);
    }
    cc_map_table_clear(&map->table);
}

static bool is_store(uint8_t code)
{
    return code == CC_MAP_PUT || code == CC_MAP_PUT_IF_ABSENT || code == CC_MAP_REPLACE ||
           code == CC_MAP_CAS;
}

static void map_apply(void *machine, copycat_context *context, const copycat_commit *commit)
{
    struct map *map = machine;
    uint8_t page[CC_MAP_PAGE_SIZE_MAX];
    struct cc_writer writer;
    struct cc_map_operation operation;
    struct reply reply = {.status = cc_map_operation_decode(commit->operation, &operation)};

    if (reply.status == COPYCAT_OK && is_store(operation.code)) {
        store(map, context, commit->index, &operation);
        return;
    }

    /* P1: what is left stores nothing, so nothing lives by it. */
    copycat_context_release(context, commit->index);
    cc_writer_init_fixed(&writer, page, sizeof page);
    if (reply.status != COPYCAT_OK) {
        copycat_context_answer(context, reply.status, reply.result);
    } else if (operation.code == CC_MAP_REMOVE) {
        remove_key(map, context, operation.key);
    } else if (operation.code == CC_MAP_CLEAR) {
        clear(map, context);
    } else {
        reply = look(&writer, map, &operation);
        copycat_context_answer(context, reply.status, reply.result);
    }
}

/*
 * A fact, not a request: what the commit once stored is stored, under its old index.  What can be no
 * such fact, because it stores nothing or its key is stored already (P1: that one's commit had to be
 * released), comes from a damaged image, which its digest tells.
 */
static void map_restore_commit(void *machine, const copycat_commit *commit)
{
    struct map *map = machine;
    struct cc_map_operation operation;

    if (cc_map_operation_decode(commit->operation, &operation) != COPYCAT_OK ||
        !is_store(operation.code)) {
        return;
    }
    if (map->build == NULL) {
        map->build = cc_map_build_create(map->memory);
    }
    cc_map_build_add(map->build, operation.key, operation.value, commit->index);
}

static bool map_restore_step(void *machine)
{
    struct map *map = machine;

    if (map->build != NULL && cc_map_build_step(map->build, &map->table)) {
        return true;
    }
    cc_map_build_destroy(map->build);
    map->build = NULL;
    return false;
}

/* Also true of what is no operation: it is answered as such, and stores nothing. */
static bool map_needs_no_room(const void *machine, copycat_bytes bytes)
{
    struct cc_map_operation operation;

    (void)machine;
    return cc_map_operation_decode(bytes, &operation) != COPYCAT_OK || !is_store(operation.code);
}

const copycat_machine_type cc_map_machine_type = {
    .id = CC_MAP_TYPE_ID,
    .version = MAP_VERSION,
    .name = "map",
    .create = map_create,
    .destroy = map_destroy,
    .apply = map_apply,
    .query = map_query,
    .digest = map_digest,
    .restore_commit = map_restore_commit,
    .restore_step = map_restore_step,
    .destroy_step = map_destroy_step,
    .needs_no_room = map_needs_no_room,
};
