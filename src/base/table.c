/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table -- see table.h.  Removal moves later members of a probe run back, so there are no
 * tombstones.
 */
#include "base/table.h"

#include "base/assert.h"

#define CAPACITY_MIN 16u

static uint32_t home_of(const struct cc_table *table, uint64_t key)
{
    return (uint32_t)((key * 0x9e3779b97f4a7c15u) >> 32) & (table->capacity - 1);
}

/* The slot of `key`, or the free slot where it would go. */
static uint32_t find(const struct cc_table *table, uint64_t key)
{
    uint32_t at = home_of(table, key);

    while (table->slots[at].key != 0 && table->slots[at].key != key) {
        at = (at + 1) & (table->capacity - 1);
    }
    return at;
}

void cc_table_init(struct cc_table *table, const struct cc_memory *memory)
{
    *table = (struct cc_table){.memory = memory};
}

void cc_table_deinit(struct cc_table *table)
{
    cc_memory_give(table->memory, table->slots);
    *table = (struct cc_table){.memory = table->memory};
}

void *cc_table_get(const struct cc_table *table, uint64_t key)
{
    CC_ASSERT(key != 0);
    return table->count == 0 ? NULL : table->slots[find(table, key)].value;
}

static void grow(struct cc_table *table)
{
    struct cc_table old = *table;

    table->capacity = old.capacity == 0 ? CAPACITY_MIN : old.capacity * 2;
    table->slots = cc_memory_take(table->memory, table->capacity * sizeof *table->slots);
    for (uint32_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].key != 0) {
            table->slots[find(table, old.slots[i].key)] = old.slots[i];
        }
    }
    cc_memory_give(table->memory, old.slots);
}

void cc_table_put(struct cc_table *table, uint64_t key, void *value)
{
    CC_ASSERT(key != 0);
    CC_ASSERT(value != NULL);
    if (table->count + table->count / 2 >= table->capacity) {
        grow(table);
    }

    uint32_t at = find(table, key);

    CC_ASSERT(table->slots[at].key == 0);
    table->slots[at] = (struct cc_table_slot){key, value};
    table->count++;
}

void *cc_table_remove(struct cc_table *table, uint64_t key)
{
    CC_ASSERT(key != 0);
    if (table->count == 0) {
        return NULL;
    }

    uint32_t hole = find(table, key);
    void *value = table->slots[hole].value;

    if (table->slots[hole].key == 0) {
        return NULL;
    }
    for (uint32_t at = (hole + 1) & (table->capacity - 1); table->slots[at].key != 0;
         at = (at + 1) & (table->capacity - 1)) {
        uint32_t home = home_of(table, table->slots[at].key);
        uint32_t from_home = (at - home) & (table->capacity - 1);
        uint32_t from_hole = (at - hole) & (table->capacity - 1);

        if (from_home >= from_hole) {
            table->slots[hole] = table->slots[at];
            hole = at;
        }
    }
    table->slots[hole] = (struct cc_table_slot){0};
    table->count--;
    return value;
}

void *cc_table_next(const struct cc_table *table, uint32_t *cursor)
{
    while (*cursor < table->capacity) {
        const struct cc_table_slot *slot = &table->slots[(*cursor)++];

        if (slot->key != 0) {
            return slot->value;
        }
    }
    return NULL;
}
