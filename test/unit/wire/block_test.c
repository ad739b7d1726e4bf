/* SPDX-License-Identifier: Apache-2.0 */
/*
 * block_test -- a block lives as long as somebody holds it.
 */
#include "support/limited_memory.h"
#include "wire/block.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void lives_until_its_last_reference_is_released(void **state)
{
    struct limited_memory limited;

    (void)state;
    limited_memory_init(&limited);

    struct cc_block *block = cc_block_create(&limited.memory, 5);

    assert_int_equal(block->size, 5);
    assert_int_equal((uintptr_t)block->data % 8, 0);
    assert_ptr_equal(cc_block_acquire(block), block);
    cc_block_release(block);
    assert_int_equal(limited.blocks, 1);
    block->data[4] = 1;
    cc_block_release(block);
    assert_int_equal(limited.blocks, 0);
    cc_block_release(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lives_until_its_last_reference_is_released),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
