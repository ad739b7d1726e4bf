/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_vector -- the vector of docs/disk-format.md: a whole image, byte for byte.
 */
#include "unit/log/image_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct memory_disk disk;
static char found[65536];

/* The lines of the vector `name` in the document. */
static const char *read_vector(const char *heading)
{
    static char document[131072];
    FILE *file = fopen(COPYCAT_SOURCE_DIR "/docs/disk-format.md", "r");
    char *start;
    char *end;

    assert_non_null(file);
    document[fread(document, 1, sizeof document - 1, file)] = '\0';
    fclose(file);
    start = strstr(document, heading);
    assert_non_null(start);
    start += strlen(heading);
    end = strstr(start, "    end\n");
    assert_non_null(end);
    *end = '\0';
    return start;
}

/* Rows of sixteen bytes that are not all zero, as the document has them. */
static void print_rows(const uint8_t *bytes, size_t size)
{
    static const uint8_t zeros[16];
    size_t at = 0;

    for (size_t row = 0; row < size; row += 16) {
        if (memcmp(bytes + row, zeros, 16) == 0) {
            continue;
        }
        at += (size_t)snprintf(found + at, sizeof found - at, "    %04zx ", row);
        for (size_t i = 0; i < 16; i++) {
            at += (size_t)snprintf(found + at, sizeof found - at, " %02x", bytes[row + i]);
        }
        at += (size_t)snprintf(found + at, sizeof found - at, "\n");
    }
}

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
    print_rows(image_file(&disk)->seen, 3 * CC_DISK_BLOCK);
    assert_string_equal(found, read_vector("    vector image\n"));
    memory_disk_deinit(&disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_an_image_as_documented),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
