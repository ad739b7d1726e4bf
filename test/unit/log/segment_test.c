/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment_test -- segments: files whose name says their content, and the table of an image that names
 * them.
 */
#include "log/image_format.h"
#include "unit/log/image_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct memory_disk disk;

static const struct image_script script = {.sizes = {9000, 700, 300000, 5}, .count = 4};
static const struct image_script other = {.sizes = {9000, 701, 300000, 5}, .count = 4};
static const struct image_script nothing = {.count = 0};
static const struct cc_image_head head = {.group = 3, .index = 70, .is_segment = true};

static int set_up(void **state)
{
    (void)state;
    memory_disk_init(&disk);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(disk.blocks_out, 0);
    memory_disk_deinit(&disk);
    return 0;
}

static void a_name_says_what_is_in_it(void **state)
{
    struct cc_image_id first;
    struct cc_image_id second;
    struct cc_image_id named;
    char path[CC_IMAGE_PATH_SIZE];

    (void)state;
    first = image_write(&disk, &head, &script);
    second = image_write(&disk, &head, &other);
    assert_int_equal(image_files(&disk), 2);
    assert_true(first.is_segment && first.index == 70);
    assert_true(first.checksum != second.checksum);
    assert_true(cc_image_path(path, IMAGE_DIRECTORY, &first));
    assert_true(cc_image_name_decode(strrchr(path, '/') + 1, &named));
    assert_true(cc_image_has_name_of(&named, &first));
    assert_false(cc_image_has_name_of(&named, &second));
}

static void a_segment_is_read_as_it_was_written_and_no_other(void **state)
{
    struct image_reading reading;
    struct cc_image_id id;
    struct cc_image_id wrong;

    (void)state;
    id = image_write(&disk, &head, &script);
    assert_int_equal(image_read(&reading, &disk, &id, &script), COPYCAT_OK);
    assert_true(reading.head.is_segment);
    wrong = id;
    wrong.size += CC_DISK_BLOCK;
    assert_int_equal(image_read(&reading, &disk, &wrong, &script), COPYCAT_ERR_DAMAGED);
    wrong = id;
    wrong.checksum ^= 1;
    assert_int_equal(image_read(&reading, &disk, &wrong, &script), COPYCAT_ERR_DAMAGED);
}

/* Somebody may rely on it: it is never gone, and never half. */
static void what_has_the_name_and_the_size_already_is_left_as_it_is(void **state)
{
    struct cc_image_id id;
    struct cc_image_id again;
    const struct memory_file *file;
    uint64_t calls;

    (void)state;
    id = image_write(&disk, &head, &script);
    file = image_file(&disk);
    calls = disk.calls;
    again = image_write(&disk, &head, &script);
    assert_true(cc_image_id_equals(&id, &again));
    assert_ptr_equal(image_file(&disk), file);
    assert_in_range(disk.calls - calls, 3, 5); /* open, sync, close, sync of the directory */
}

static void it_is_also_left_if_the_writer_is_given_up_while_it_opens_that(void **state)
{
    struct image_writing writing;

    (void)state;
    (void)image_write(&disk, &head, &script);
    image_write_begin(&writing, &disk, &head, &script);
    image_write_more(&writing);
    image_write_abandon(&writing);
    image_write_run(&writing, UINT64_MAX);
    assert_int_equal(writing.status, COPYCAT_ERR_CLOSED);
    assert_int_equal(image_files(&disk), 1);
}

static void a_segment_that_is_given_up_never_had_a_file(void **state)
{
    struct image_writing writing;

    (void)state;
    image_write_begin(&writing, &disk, &head, &script);
    image_write_abandon(&writing);
    image_write_run(&writing, UINT64_MAX);
    assert_int_equal(writing.dones, 1);
    assert_int_equal(writing.status, COPYCAT_ERR_CLOSED);
    assert_int_equal(image_files(&disk), 0);
}

/* ---- the table ---------------------------------------------------------------------------------- */

#define SEGMENTS 3u

static struct cc_image_segment table[SEGMENTS] = {
    {.first = 1, .last = 1, .count = 1, .bytes = 40, .size = 8192, .checksum = 7},
    {.first = 5, .last = 900, .count = 30, .bytes = 4000, .size = 12288, .checksum = 8},
    {.first = 901, .last = 70000, .count = 31, .bytes = 5000, .size = 16384, .checksum = 9},
};

struct reading {
    struct cc_image_reader *reader;
    copycat_status status;
    size_t count;
    bool is_same;
    bool is_closed;
};

static void on_open(
    void *owner,
    copycat_status status,
    const struct cc_image_id *id,
    const struct cc_image_head *found,
    const char *text)
{
    struct reading *reading = owner;

    (void)id;
    (void)found;
    (void)text;
    assert_int_equal(status, COPYCAT_OK);
    cc_image_read_next(reading->reader);
}

static void on_piece(void *owner, copycat_bytes bytes)
{
    (void)owner;
    (void)bytes;
    fail_msg("a table is nobody's piece");
}

static void on_end(void *owner, copycat_status status, const char *text)
{
    struct reading *reading = owner;

    (void)text;
    reading->status = status;
    if (status == COPYCAT_OK) {
        const struct cc_image_segment *found =
            cc_image_read_segments(reading->reader, &reading->count);

        reading->is_same = reading->count == SEGMENTS && memcmp(found, table, sizeof table) == 0;
    }
    cc_image_read_close(reading->reader);
}

static void on_closed(void *owner)
{
    struct reading *reading = owner;

    reading->is_closed = true;
}

/* An image that has a table and nothing else, written and read. */
static struct reading read_table(void)
{
    static const struct cc_image_read_callbacks callbacks = {on_open, on_piece, on_end, on_closed};
    struct reading reading = {.status = COPYCAT_ERR_BUSY};
    struct image_writing writing;

    image_write_begin(&writing, &disk, &image_head, &nothing);
    cc_image_write_segments(writing.writer, table, SEGMENTS);
    image_write_more(&writing);
    image_write_run(&writing, UINT64_MAX);
    assert_int_equal(writing.status, COPYCAT_OK);
    assert_int_equal(
        cc_image_read_begin(
            &reading.reader, &disk.env, IMAGE_DIRECTORY, &writing.id, &callbacks, &reading),
        COPYCAT_OK);
    while (!reading.is_closed && memory_disk_step(&disk)) {
    }
    assert_true(reading.is_closed);
    return reading;
}

static void the_table_comes_back(void **state)
{
    struct reading reading = read_table();

    (void)state;
    assert_int_equal(reading.status, COPYCAT_OK);
    assert_true(reading.is_same);
}

static void a_table_whose_ranges_do_not_ascend_or_go_beyond_the_image_is_damage(void **state)
{
    (void)state;
    table[1].last = 901;
    assert_int_equal(read_table().status, COPYCAT_ERR_DAMAGED);
    table[1].last = 900;
    table[2].last = image_head.index + 1;
    assert_int_equal(read_table().status, COPYCAT_ERR_DAMAGED);
    table[2].last = 70000;
    table[0].count = 2;
    assert_int_equal(read_table().status, COPYCAT_ERR_DAMAGED);
    table[0].count = 1;
    assert_int_equal(read_table().status, COPYCAT_OK);
}

/* ---- sweeping ----------------------------------------------------------------------------------- */

static void segments_that_nobody_names_are_swept_away(void **state)
{
    struct cc_image_id keep[2];

    (void)state;
    keep[0] = image_write(&disk, &image_head, &script);
    keep[1] = image_write(&disk, &head, &script);
    (void)image_write(&disk, &head, &other);
    assert_int_equal(image_files(&disk), 3);
    assert_int_equal(image_sweep(&disk, keep, 2), COPYCAT_OK);
    assert_int_equal(image_files(&disk), 2);
    assert_int_equal(image_sweep(&disk, keep, 1), COPYCAT_OK);
    assert_int_equal(image_files(&disk), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_says_what_is_in_it),
        TEST(a_segment_is_read_as_it_was_written_and_no_other),
        TEST(what_has_the_name_and_the_size_already_is_left_as_it_is),
        TEST(it_is_also_left_if_the_writer_is_given_up_while_it_opens_that),
        TEST(a_segment_that_is_given_up_never_had_a_file),
        TEST(the_table_comes_back),
        TEST(a_table_whose_ranges_do_not_ascend_or_go_beyond_the_image_is_damage),
        TEST(segments_that_nobody_names_are_swept_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
