/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap -- see heap.h.
 */
#include "base/heap.h"

#include "base/assert.h"

#define CAPACITY_MIN 16u

static int is_before(const struct cc_heap_slot *left, const struct cc_heap_slot *right)
{
    return left->key != right->key ? left->key < right->key : left->order < right->order;
}

static void put(struct cc_heap *heap, uint32_t place, const struct cc_heap_slot *slot)
{
    heap->slots[place] = *slot;
    heap->moved(slot->item, place); /* P2 */
}

void cc_heap_init(
    struct cc_heap *heap, const struct cc_memory *memory, void (*moved)(void *item, uint32_t place))
{
    *heap = (struct cc_heap){.memory = memory, .moved = moved};
}

void cc_heap_deinit(struct cc_heap *heap)
{
    cc_memory_give(heap->memory, heap->slots);
    *heap = (struct cc_heap){.memory = heap->memory, .moved = heap->moved};
}

bool cc_heap_reserve(struct cc_heap *heap)
{
    CC_ASSERT(heap->slots == NULL);
    heap->slots = cc_memory_try(heap->memory, CAPACITY_MIN * sizeof *heap->slots);
    heap->capacity = heap->slots == NULL ? 0 : CAPACITY_MIN;
    return heap->slots != NULL;
}

const struct cc_heap_slot *cc_heap_least(const struct cc_heap *heap)
{
    return heap->count == 0 ? NULL : &heap->slots[0];
}

/* From `place` towards the top; gives where `slot` belongs. */
static uint32_t rise(struct cc_heap *heap, uint32_t place, const struct cc_heap_slot *slot)
{
    while (place > 0 && is_before(slot, &heap->slots[(place - 1) / 2])) {
        put(heap, place, &heap->slots[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    return place;
}

static uint32_t sink(struct cc_heap *heap, uint32_t place, const struct cc_heap_slot *slot)
{
    while (2 * place + 1 < heap->count) {
        uint32_t child = 2 * place + 1;

        if (child + 1 < heap->count && is_before(&heap->slots[child + 1], &heap->slots[child])) {
            child++;
        }
        if (!is_before(&heap->slots[child], slot)) {
            break;
        }
        put(heap, place, &heap->slots[child]);
        place = child;
    }
    return place;
}

void cc_heap_push(struct cc_heap *heap, uint64_t key, void *item)
{
    struct cc_heap_slot slot = {.key = key, .order = heap->orders++, .item = item};

    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity == 0 ? CAPACITY_MIN : heap->capacity * 2;
        heap->slots =
            cc_memory_grow(heap->memory, heap->slots, heap->capacity * sizeof *heap->slots);
    }
    heap->count++;
    put(heap, rise(heap, heap->count - 1, &slot), &slot);
}

/* The last slot fills the hole: it may belong above it as well as below it. */
void cc_heap_remove(struct cc_heap *heap, uint32_t place)
{
    CC_ASSERT(place < heap->count);
    struct cc_heap_slot last = heap->slots[--heap->count];

    if (place < heap->count) {
        uint32_t risen = rise(heap, place, &last);

        put(heap, risen == place ? sink(heap, place, &last) : risen, &last);
    }
}
