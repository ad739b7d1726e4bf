/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timers -- see timers.h.
 */
#include "apply/timers.h"

#include "base/assert.h"
#include "base/hash.h"

#define CAPACITY_MIN 16u

struct cc_deadline {
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
        cc_memory_give(timers->memory, timers->heap[i].deadline);
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

static bool is_before(const struct cc_timers_slot *left, const struct cc_timers_slot *right)
{
    return left->deadline_us != right->deadline_us ? left->deadline_us < right->deadline_us
                                                   : left->order < right->order;
}

static void place(struct cc_timers *timers, struct cc_timers_slot slot, uint32_t position)
{
    timers->heap[position] = slot;
    slot.deadline->position = position;
}

static void move_up(struct cc_timers *timers, uint32_t at)
{
    struct cc_timers_slot moved = timers->heap[at];

    while (at > 0 && is_before(&moved, &timers->heap[(at - 1) / 2])) {
        place(timers, timers->heap[(at - 1) / 2], at);
        at = (at - 1) / 2;
    }
    place(timers, moved, at);
}

/* The earlier of the two below `at` in a heap of `count`; `count` if there is none. */
static uint32_t child_of(const struct cc_timers *timers, uint32_t at, uint32_t count)
{
    uint32_t child = 2 * at + 1;

    if (child >= count) {
        return count;
    }
    return child + 1 < count && is_before(&timers->heap[child + 1], &timers->heap[child])
               ? child + 1
               : child;
}

static void move_down(struct cc_timers *timers, uint32_t at)
{
    struct cc_timers_slot moved = timers->heap[at];
    uint32_t child = child_of(timers, at, timers->count);

    while (child < timers->count && is_before(&timers->heap[child], &moved)) {
        place(timers, timers->heap[child], at);
        at = child;
        child = child_of(timers, at, timers->count);
    }
    place(timers, moved, at);
}

static void heap_insert(struct cc_timers *timers, struct cc_timers_slot slot)
{
    if (timers->count == timers->capacity) {
        timers->capacity = timers->capacity == 0 ? CAPACITY_MIN : timers->capacity * 2;
        timers->heap =
            cc_memory_grow(timers->memory, timers->heap, timers->capacity * sizeof *timers->heap);
    }
    timers->heap[timers->count++] = slot;
    move_up(timers, timers->count - 1);
}

static void remove_deadline(struct cc_timers *timers, struct cc_deadline *deadline)
{
    uint32_t position = deadline->position;

    CC_ASSERT(timers->heap[position].deadline == deadline); /* D3 */
    if (position != --timers->count) {
        struct cc_deadline *moved = timers->heap[timers->count].deadline;

        timers->heap[position] = timers->heap[timers->count];
        move_up(timers, position);
        move_down(timers, moved->position);
    }
    name_remove(timers, deadline);
    timers->digest -= deadline->digest;
    cc_memory_give(timers->memory, deadline);
}

/* ---- what others see ------------------------------------------------------------------------- */

static void add(struct cc_timers *timers, const struct cc_deadline_view *view)
{
    struct cc_deadline *deadline = cc_memory_take(timers->memory, sizeof *deadline);

    deadline->instance = view->instance;
    deadline->key = view->key;
    deadline->digest = cc_hash_words(
        cc_hash_words(view->instance, view->key), cc_hash_words(view->deadline_us, view->order));
    timers->digest += deadline->digest;
    name_insert(timers, deadline);
    heap_insert(timers, (struct cc_timers_slot){view->deadline_us, view->order, deadline});
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

/*
 * Takes the last of `count` slots into the place of the first, which goes there.  It goes down to the
 * bottom and up again, for it mostly belongs there: half of the comparisons.  Positions are left for
 * later: they lie in the deadlines, far from each other.
 */
static void retire_first(struct cc_timers *timers, uint32_t count)
{
    struct cc_timers_slot *heap = timers->heap;
    struct cc_timers_slot moved = heap[count - 1];
    uint32_t at = 0;

    heap[count - 1] = heap[0];
    for (uint32_t child = child_of(timers, 0, count - 1); child < count - 1;
         child = child_of(timers, at, count - 1)) {
        heap[at] = heap[child];
        at = child;
    }
    while (at > 0 && is_before(&moved, &heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = moved;
}

void cc_timers_arrange(struct cc_timers *timers)
{
    for (uint32_t left = timers->count; left > 1; left--) {
        retire_first(timers, left);
    }

    /* They are in order from the last to the first now. */
    for (uint32_t i = 0, last = timers->count; i < last--; i++) {
        struct cc_timers_slot later = timers->heap[i];

        place(timers, timers->heap[last], i);
        place(timers, later, last);
    }
}

struct cc_deadline_view cc_timers_at(const struct cc_timers *timers, uint32_t position)
{
    CC_ASSERT(position < timers->count);
    const struct cc_timers_slot *slot = &timers->heap[position];

    return (struct cc_deadline_view){
        slot->deadline_us, slot->order, slot->deadline->instance, slot->deadline->key};
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
    return timers->count == 0 ? UINT64_MAX : timers->heap[0].deadline_us;
}

bool cc_timers_take(
    struct cc_timers *timers, uint64_t now_us, uint64_t *instance_out, uint64_t *key_out)
{
    if (timers->count == 0 || timers->heap[0].deadline_us > now_us) {
        return false;
    }

    struct cc_deadline *first = timers->heap[0].deadline;

    *instance_out = first->instance;
    *key_out = first->key;
    remove_deadline(timers, first);
    return true;
}
