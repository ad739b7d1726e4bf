/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timers -- see timers.h.
 */
#include "apply/timers.h"

#include "base/assert.h"
#include "base/hash.h"

#define CAPACITY_MIN 16u

struct cc_deadline {
    uint64_t deadline_us;
    uint64_t order;
    uint64_t instance;
    uint64_t key;
    uint64_t digest;
    uint32_t position;
    struct cc_deadline *name_next; /* another (instance, key) with the same hash */
};

void cc_timers_init(struct cc_timers *timers, const struct cc_memory *memory)
{
    *timers = (struct cc_timers){.memory = memory};
    cc_table_init(&timers->by_name, memory);
}

void cc_timers_deinit(struct cc_timers *timers)
{
    for (uint32_t i = 0; i < timers->count; i++) {
        cc_memory_give(timers->memory, timers->heap[i]);
    }
    cc_memory_give(timers->memory, timers->heap);
    cc_table_deinit(&timers->by_name);
    *timers = (struct cc_timers){0};
}

/* ---- by name --------------------------------------------------------------------------------- */

/* Never 0, which a table does not take. */
static uint64_t name_hash(uint64_t instance, uint64_t key)
{
    return cc_hash_words(instance, key) | 1u;
}

static struct cc_deadline *find(const struct cc_timers *timers, uint64_t instance, uint64_t key)
{
    struct cc_deadline *found = cc_table_get(&timers->by_name, name_hash(instance, key));

    while (found != NULL && (found->instance != instance || found->key != key)) {
        found = found->name_next;
    }
    return found;
}

static void name_insert(struct cc_timers *timers, struct cc_deadline *deadline)
{
    uint64_t hash = name_hash(deadline->instance, deadline->key);

    deadline->name_next = cc_table_remove(&timers->by_name, hash);
    cc_table_put(&timers->by_name, hash, deadline);
}

static void name_remove(struct cc_timers *timers, struct cc_deadline *deadline)
{
    uint64_t hash = name_hash(deadline->instance, deadline->key);
    struct cc_deadline *head = cc_table_remove(&timers->by_name, hash);
    struct cc_deadline **link = &head;

    while (*link != deadline) {
        CC_ASSERT(*link != NULL); /* D1 */
        link = &(*link)->name_next;
    }
    *link = deadline->name_next;
    if (head != NULL) {
        cc_table_put(&timers->by_name, hash, head);
    }
}

/* ---- the heap -------------------------------------------------------------------------------- */

static bool is_before(const struct cc_deadline *left, const struct cc_deadline *right)
{
    return left->deadline_us != right->deadline_us ? left->deadline_us < right->deadline_us
                                                   : left->order < right->order;
}

static void place(struct cc_timers *timers, struct cc_deadline *deadline, uint32_t position)
{
    timers->heap[position] = deadline;
    deadline->position = position;
}

static void move_up(struct cc_timers *timers, struct cc_deadline *deadline)
{
    uint32_t at = deadline->position;

    while (at > 0 && is_before(deadline, timers->heap[(at - 1) / 2])) {
        place(timers, timers->heap[(at - 1) / 2], at);
        at = (at - 1) / 2;
    }
    place(timers, deadline, at);
}

static void move_down(struct cc_timers *timers, struct cc_deadline *deadline)
{
    uint32_t at = deadline->position;

    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child + 1 < timers->count && is_before(timers->heap[child + 1], timers->heap[child])) {
            child++;
        }
        if (child >= timers->count || !is_before(timers->heap[child], deadline)) {
            break;
        }
        place(timers, timers->heap[child], at);
        at = child;
    }
    place(timers, deadline, at);
}

static void heap_insert(struct cc_timers *timers, struct cc_deadline *deadline)
{
    if (timers->count == timers->capacity) {
        timers->capacity = timers->capacity == 0 ? CAPACITY_MIN : timers->capacity * 2;
        timers->heap = cc_memory_grow(
            timers->memory, timers->heap, timers->capacity * sizeof(struct cc_deadline *));
    }
    place(timers, deadline, timers->count++);
    move_up(timers, deadline);
}

static void remove_deadline(struct cc_timers *timers, struct cc_deadline *deadline)
{
    CC_ASSERT(timers->heap[deadline->position] == deadline); /* D3 */
    struct cc_deadline *moved = timers->heap[--timers->count];

    if (moved != deadline) {
        place(timers, moved, deadline->position);
        move_up(timers, moved);
        move_down(timers, moved);
    }
    name_remove(timers, deadline);
    timers->digest -= deadline->digest;
    cc_memory_give(timers->memory, deadline);
}

/* ---- what others see ------------------------------------------------------------------------- */

static void add(struct cc_timers *timers, const struct cc_deadline_view *view)
{
    struct cc_deadline *deadline = cc_memory_take(timers->memory, sizeof *deadline);

    deadline->deadline_us = view->deadline_us;
    deadline->order = view->order;
    deadline->instance = view->instance;
    deadline->key = view->key;
    deadline->digest = cc_hash_words(
        cc_hash_words(view->instance, view->key), cc_hash_words(view->deadline_us, view->order));
    timers->digest += deadline->digest;
    name_insert(timers, deadline);
    heap_insert(timers, deadline);
}

void cc_timers_set(struct cc_timers *timers, uint64_t instance, uint64_t key, uint64_t deadline_us)
{
    cc_timers_cancel(timers, instance, key);
    add(timers, &(struct cc_deadline_view){deadline_us, ++timers->order, instance, key});
}

void cc_timers_cancel(struct cc_timers *timers, uint64_t instance, uint64_t key)
{
    struct cc_deadline *deadline = find(timers, instance, key);

    if (deadline != NULL) {
        remove_deadline(timers, deadline);
    }
}

void cc_timers_arrange(struct cc_timers *timers)
{
    uint32_t count = timers->count;

    /* The first goes behind the others until none is left, which leaves them last to first. */
    while (timers->count > 1) {
        struct cc_deadline *first = timers->heap[0];
        struct cc_deadline *last = timers->heap[--timers->count];

        place(timers, first, timers->count);
        place(timers, last, 0);
        move_down(timers, last);
    }
    timers->count = count;
    for (uint32_t i = 0; i < count / 2; i++) {
        struct cc_deadline *later = timers->heap[i];

        place(timers, timers->heap[count - 1 - i], i);
        place(timers, later, count - 1 - i);
    }
}

struct cc_deadline_view cc_timers_at(const struct cc_timers *timers, uint32_t position)
{
    CC_ASSERT(position < timers->count);
    const struct cc_deadline *deadline = timers->heap[position];

    return (struct cc_deadline_view){
        deadline->deadline_us, deadline->order, deadline->instance, deadline->key};
}

bool cc_timers_restore(struct cc_timers *timers, const struct cc_deadline_view *view)
{
    if (view->order == 0 || view->order > timers->order || /* D4 */
        find(timers, view->instance, view->key) != NULL) { /* D1 */
        return false;
    }
    add(timers, view);
    return true;
}

uint64_t cc_timers_next_us(const struct cc_timers *timers)
{
    return timers->count == 0 ? UINT64_MAX : timers->heap[0]->deadline_us;
}

bool cc_timers_take(
    struct cc_timers *timers, uint64_t now_us, uint64_t *instance_out, uint64_t *key_out)
{
    if (timers->count == 0 || timers->heap[0]->deadline_us > now_us) {
        return false;
    }

    struct cc_deadline *first = timers->heap[0];

    *instance_out = first->instance;
    *key_out = first->key;
    remove_deadline(timers, first);
    return true;
}
