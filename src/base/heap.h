/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap -- things by a 64-bit key, the least first; equal keys in the order in which they came.
 *
 * Memory:  one array that doubles; a push into a full heap that finds no memory panics.  Sixteen
 *          find room once cc_heap_reserve has succeeded.
 *
 * Invariants
 *   P1  no slot comes before the slot above it.
 *   P2  each thing has been told its place since it last changed.
 */
#ifndef CC_BASE_HEAP_H
#define CC_BASE_HEAP_H

#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

struct cc_heap_slot {
    uint64_t key;
    uint64_t order; /* among equal keys */
    void *item;
};

struct cc_heap {
    const struct cc_memory *memory;
    struct cc_heap_slot *slots;
    uint32_t count;
    uint32_t capacity;
    uint64_t orders;
    void (*moved)(void *item, uint32_t place); /* so that an item can be removed or moved */
};

/* Partner: cc_heap_deinit, which does not touch the items. */
void cc_heap_init(
    struct cc_heap *heap,
    const struct cc_memory *memory,
    void (*moved)(void *item, uint32_t place));
void cc_heap_deinit(struct cc_heap *heap);

/* Takes what an empty heap needs first; false: there is no memory. */
bool cc_heap_reserve(struct cc_heap *heap);

/* The least, NULL if the heap is empty; borrowed until the heap changes. */
const struct cc_heap_slot *cc_heap_least(const struct cc_heap *heap);

void cc_heap_push(struct cc_heap *heap, uint64_t key, void *item);
void cc_heap_remove(struct cc_heap *heap, uint32_t place);

#endif /* CC_BASE_HEAP_H */
