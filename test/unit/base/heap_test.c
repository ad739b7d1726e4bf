/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap_test -- order, and against a search through all in thousands of random steps.
 */
#include "base/heap.h"
#include "base/prng.h"
#include "support/limited_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

#define ITEMS 300u
#define NOWHERE UINT32_MAX

struct item {
    uint64_t key;
    uint64_t order;
    uint32_t place;
};

static struct limited_memory limited;
static struct cc_heap heap;
static struct item items[ITEMS];

static void moved(void *item, uint32_t place)
{
    ((struct item *)item)->place = place;
}

static int setup(void **state)
{
    (void)state;
    limited_memory_init(&limited);
    cc_heap_init(&heap, &limited.memory, moved);
    for (uint32_t i = 0; i < ITEMS; i++) {
        items[i].place = NOWHERE;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cc_heap_deinit(&heap);
    return limited.blocks == 0 ? 0 : -1;
}

static void push(uint32_t which, uint64_t key, uint64_t order)
{
    items[which].key = key;
    items[which].order = order;
    cc_heap_push(&heap, key, &items[which]);
}

static struct item *least(void)
{
    const struct cc_heap_slot *slot = cc_heap_least(&heap);

    return slot == NULL ? NULL : slot->item;
}

static void an_empty_heap_has_no_least(void **state)
{
    (void)state;
    assert_null(least());
}

static void equal_keys_leave_in_the_order_in_which_they_came(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 40; i++) {
        push(i, 7, i);
    }
    push(40, 6, 40);
    assert_ptr_equal(least(), &items[40]);
    cc_heap_remove(&heap, items[40].place);
    for (uint32_t i = 0; i < 40; i++) {
        assert_ptr_equal(least(), &items[i]);
        cc_heap_remove(&heap, 0);
    }
    assert_null(least());
}

static struct item *least_by_search(void)
{
    struct item *found = NULL;

    for (uint32_t i = 0; i < ITEMS; i++) {
        struct item *item = &items[i];

        if (item->place != NOWHERE && (found == NULL || item->key < found->key ||
                                       (item->key == found->key && item->order < found->order))) {
            found = item;
        }
    }
    return found;
}

static void whatever_comes_and_goes_the_least_is_on_top(void **state)
{
    struct cc_prng prng = {1};

    (void)state;
    for (uint32_t step = 0; step < 20000; step++) {
        uint32_t which = (uint32_t)(cc_prng_next(&prng) % ITEMS);

        if (items[which].place == NOWHERE) {
            push(which, cc_prng_next(&prng) % 50, step);
        } else {
            assert_ptr_equal(heap.slots[items[which].place].item, &items[which]);
            cc_heap_remove(&heap, items[which].place);
            items[which].place = NOWHERE;
        }
        assert_ptr_equal(least(), least_by_search());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_heap_has_no_least, setup, teardown),
        cmocka_unit_test_setup_teardown(
            equal_keys_leave_in_the_order_in_which_they_came, setup, teardown),
        cmocka_unit_test_setup_teardown(
            whatever_comes_and_goes_the_least_is_on_top, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
