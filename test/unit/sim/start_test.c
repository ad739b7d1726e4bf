/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A start with an image that the disk does not read: for a while, or for good.
 */
#include "fault/server_golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SEED 7u
#define WHILE_US UINT64_C(1500000)

static struct memory_disk disk;
static struct solo solo;
static struct memory_file *image;

static int set_up(void **state)
{
    (void)state;
    memory_disk_init(&disk);
    solo_begin(&solo, &disk, 1);
    assert_true(server_golden_live(&solo));
    solo_end(&solo);
    image = NULL;
    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        struct memory_file *file = memory_disk_file(&disk, i);

        image = file != NULL && strncmp(file->name, "image-", 6) == 0 ? file : image;
    }
    assert_non_null(image);
    image->scar = 1;
    solo_begin(&solo, &disk, SEED);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    solo_end(&solo);
    memory_disk_deinit(&disk);
    return 0;
}

static void heal(void *owner, struct solo *of)
{
    (void)owner;
    if (cc_world_now_us(of->trio.world) >= WHILE_US) {
        image->scar = 0;
    }
}

static void an_image_that_is_not_read_at_once_is_read_again(void **state)
{
    (void)state;
    solo.at_point = heal;
    assert_true(server_golden_reads(&solo));
    assert_string_equal(solo.trio.seats[0].image_notice, "");
}

static void alone_with_an_image_that_is_never_read_a_server_stops_and_leaves_it(void **state)
{
    const struct trio_seat *seat = &solo.trio.seats[0];

    (void)state;
    assert_false(solo_start(&solo));
    assert_int_equal(seat->status, COPYCAT_ERR_IO);
    assert_non_null(strstr(seat->image_notice, image->name));
    assert_true(image->is_named);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_image_that_is_not_read_at_once_is_read_again),
        TEST(alone_with_an_image_that_is_never_read_a_server_stops_and_leaves_it),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
