/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list_test -- order, removal while walking, and nodes that are removed twice.
 */
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    int number;
    struct cc_list node;
};

static struct cc_list head;
static struct item items[5];

static int setup(void **state)
{
    (void)state;
    cc_list_init(&head);
    for (int i = 0; i < 5; i++) {
        items[i].number = i;
        cc_list_append(&head, &items[i].node);
    }
    return 0;
}

/* The numbers as decimal digits, first to last. */
static int digits(void)
{
    int all = 0;

    cc_list_each(node, &head) {
        all = all * 10 + 1 + cc_container_of(node, struct item, node)->number;
    }
    return all;
}

static void keeps_the_order_of_appending(void **state)
{
    (void)state;
    assert_false(cc_list_is_empty(&head));
    assert_int_equal(digits(), 12345);
}

static void loses_nodes_at_either_end_and_between(void **state)
{
    (void)state;
    cc_list_remove(&items[0].node);
    assert_int_equal(digits(), 2345);
    cc_list_remove(&items[4].node);
    assert_int_equal(digits(), 234);
    cc_list_remove(&items[2].node);
    assert_int_equal(digits(), 24);
}

static void takes_a_second_removal_for_nothing(void **state)
{
    (void)state;
    cc_list_remove(&items[2].node);
    cc_list_remove(&items[2].node);
    assert_int_equal(digits(), 1245);
    cc_list_append(&head, &items[2].node);
    assert_int_equal(digits(), 12453);
}

static void may_lose_each_node_while_it_is_walked(void **state)
{
    int seen = 0;

    (void)state;
    cc_list_each_safe(node, following, &head) {
        seen++;
        cc_list_remove(node);
    }
    assert_int_equal(seen, 5);
    assert_true(cc_list_is_empty(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(keeps_the_order_of_appending, setup),
        cmocka_unit_test_setup(loses_nodes_at_either_end_and_between, setup),
        cmocka_unit_test_setup(takes_a_second_removal_for_nothing, setup),
        cmocka_unit_test_setup(may_lose_each_node_while_it_is_walked, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
