/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_vector -- the vector of docs/disk-format.md: a whole image, byte for byte.
 */
#include "support/format_vector.h"
#include "unit/log/image_stand.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct memory_disk disk;

static void writes_an_image_as_documented(void **state)
{
    static const struct image_script nothing = {.count = 0};
    static struct image_writing writing;
    struct cc_image_head head = {.index = 7, .term = 2, .time_us = 1000000};

    (void)state;
    for (uint8_t i = 0; i < CC_CLUSTER_ID_SIZE; i++) {
        head.cluster_id[i] = (uint8_t)(0xa0 + i);
    }
    memory_disk_init(&disk);
    image_write_begin(&writing, &disk, &head, &nothing);
    assert_true(cc_image_write_add(writing.writer, (copycat_bytes){"hello", 5}));
    assert_true(cc_image_write_add(writing.writer, (copycat_bytes){", world", 7}));
    cc_image_write_finish(writing.writer);
    image_write_run(&writing, UINT64_MAX);
    assert_int_equal(writing.status, COPYCAT_OK);
    assert_string_equal(image_file(&disk)->name, "image-0000-00000000000000000007");
    assert_int_equal(image_file(&disk)->size, 3 * CC_DISK_BLOCK);
    format_vector_check("disk-format.md", "image", image_file(&disk)->seen, 3 * CC_DISK_BLOCK);
    memory_disk_deinit(&disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_an_image_as_documented),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
