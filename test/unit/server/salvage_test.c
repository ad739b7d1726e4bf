/* SPDX-License-Identifier: Apache-2.0 */
/*
 * salvage -- what is left of fetchings that broke off: never more than one image needs.
 */
#include "server/image/salvage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void *resize(void *context, void *block, size_t size)
{
    (void)context;
    if (size == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, size);
}

static const struct cc_memory memory = {.resize = resize};

static const struct cc_image_segment former[] = {
    {.first = 1, .last = 9, .size = 8192, .checksum = 1},
    {.first = 10, .last = 19, .size = 8192, .checksum = 2},
    {.first = 20, .last = 29, .size = 8192, .checksum = 3},
};

/* Of the next image: the first was written anew, the second is the same. */
static const struct cc_image_segment later[] = {
    {.first = 1, .last = 9, .size = 8192, .checksum = 4},
    {.first = 10, .last = 19, .size = 8192, .checksum = 2},
    {.first = 20, .last = 39, .size = 8192, .checksum = 5},
};

static void what_had_come_whole_is_kept_and_no_more(void **state)
{
    struct cc_salvage salvage;

    (void)state;
    cc_salvage_init(&salvage, &memory);
    assert_false(cc_salvage_has(&salvage, &former[0]));
    cc_salvage_keep(&salvage, former, 3, 2);
    assert_true(cc_salvage_has(&salvage, &former[0]));
    assert_true(cc_salvage_has(&salvage, &former[1]));
    assert_false(cc_salvage_has(&salvage, &former[2]));
    assert_false(cc_salvage_has(&salvage, &later[0])); /* another content */
    cc_salvage_drop(&salvage);
    assert_int_equal(salvage.count, 0);
    assert_false(cc_salvage_has(&salvage, &former[0]));
    cc_salvage_deinit(&salvage);
}

static void of_another_image_only_what_it_needs_too_stays(void **state)
{
    struct cc_salvage salvage;

    (void)state;
    cc_salvage_init(&salvage, &memory);
    cc_salvage_keep(&salvage, former, 3, 3);
    cc_salvage_keep(&salvage, later, 3, 0); /* it broke off at its first */
    assert_int_equal(salvage.count, 1);
    assert_true(cc_salvage_has(&salvage, &former[1]));
    cc_salvage_deinit(&salvage);
}

static void before_it_is_known_what_is_needed_everything_stays(void **state)
{
    struct cc_salvage salvage;

    (void)state;
    cc_salvage_init(&salvage, &memory);
    cc_salvage_keep(&salvage, former, 3, 3);
    cc_salvage_keep(&salvage, NULL, 0, 0);
    assert_int_equal(salvage.count, 3);
    cc_salvage_deinit(&salvage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_had_come_whole_is_kept_and_no_more),
        cmocka_unit_test(of_another_image_only_what_it_needs_too_stays),
        cmocka_unit_test(before_it_is_known_what_is_needed_everything_stays),
    };

    return cmocka_run_group_tests_name("salvage", tests, NULL, NULL);
}
