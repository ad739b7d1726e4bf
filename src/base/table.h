/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table -- pointers by a 64-bit key that is never 0: open addressing, grows by doubling.
 *
 * Iteration follows the layout, so nothing replicated may depend on its order.
 */
#ifndef CC_BASE_TABLE_H
#define CC_BASE_TABLE_H

#include "base/memory.h"

#include <stdint.h>

struct cc_table_slot {
    uint64_t key; /* 0: free */
    void *value;
};

struct cc_table {
    const struct cc_memory *memory;
    struct cc_table_slot *slots;
    uint32_t capacity; /* power of two, or 0 */
    uint32_t count;
};

/* Partner: cc_table_deinit, which does not touch the values. */
void cc_table_init(struct cc_table *table, const struct cc_memory *memory);
void cc_table_deinit(struct cc_table *table);

/* NULL if the key is not there. */
void *cc_table_get(const struct cc_table *table, uint64_t key);

/* The key must not be there yet; the value must not be NULL. */
void cc_table_put(struct cc_table *table, uint64_t key, void *value);

/* Gives what was there, or NULL. */
void *cc_table_remove(struct cc_table *table, uint64_t key);

/* The next value from slot `*cursor` on (start with 0), NULL at the end.  No put or remove between.
 */
void *cc_table_next(const struct cc_table *table, uint32_t *cursor);

#endif /* CC_BASE_TABLE_H */
