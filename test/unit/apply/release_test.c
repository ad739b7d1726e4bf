/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release_test -- the set of released indexes.
 */
#include "apply/release.h"
#include "support/apply_history.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void an_index_is_released_when_it_has_been_and_not_before(void **state)
{
    struct counted_memory counted;
    struct cc_release release;

    (void)state;
    counted_memory_init(&counted, 0xff);
    cc_release_init(&release, &counted.memory);
    assert_false(cc_release_has(&release, 1));
    for (uint64_t index = 3; index < 100000; index += 3) {
        cc_release_add(&release, index);
    }
    for (uint64_t index = 1; index < 200000; index++) {
        assert_int_equal(cc_release_has(&release, index), index % 3 == 0 && index < 100000);
    }
    assert_int_equal(release.count, 33333);
    cc_release_deinit(&release);
    assert_int_equal(counted.blocks, 0);
}

static void the_order_of_releasing_does_not_show_in_the_digest(void **state)
{
    struct counted_memory counted;
    struct cc_release up;
    struct cc_release down;

    (void)state;
    counted_memory_init(&counted, 0xff);
    cc_release_init(&up, &counted.memory);
    cc_release_init(&down, &counted.memory);
    for (uint64_t index = 1; index <= 5000; index++) {
        cc_release_add(&up, index);
        cc_release_add(&down, 5001 - index);
    }
    assert_int_equal(up.digest, down.digest);
    cc_release_deinit(&up);
    cc_release_deinit(&down);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_is_released_when_it_has_been_and_not_before),
        cmocka_unit_test(the_order_of_releasing_does_not_show_in_the_digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
