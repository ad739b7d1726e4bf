/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image -- files of images: written, read, swept away.
 */
#include "base/crc32c.h"
#include "log/image_format.h"
#include "unit/log/image_stand.h"
#include "wire/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define KIB 1024u
#define BODY_MAX (CC_DISK_BLOCK - CC_IMAGE_PIECE_HEADER_SIZE) /* of a piece of one block */

static struct memory_disk disk;
static struct image_writing writing;
static struct image_reading reading;

static const struct image_script some = {.sizes = {5000, 1, 300000, 20, 9}, .count = 5};

static int set_up(void **state)
{
    (void)state;
    memory_disk_init(&disk);
    image_ahead_size = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(disk.blocks_out, 0);
    memory_disk_deinit(&disk);
    return 0;
}

static void a_name_has_four_and_twenty_digits(void **state)
{
    char path[CC_IMAGE_PATH_SIZE];
    char directory[CC_IMAGE_PATH_SIZE];
    struct cc_image_id id = {.group = 7, .index = 70000};

    (void)state;
    assert_true(cc_image_path(path, "/data", &id));
    assert_string_equal(path, "/data/image-0007-00000000000000070000");
    assert_true(cc_image_name_decode(path + 6, &id));
    assert_int_equal(id.group, 7);
    assert_int_equal(id.index, 70000);
    assert_false(id.is_segment);
    id = (struct cc_image_id){.group = CC_IMAGE_GROUP_MAX, .index = UINT64_MAX};
    assert_true(cc_image_path(path, "d", &id));
    assert_true(cc_image_name_decode(path + 2, &id));
    assert_int_equal(id.index, UINT64_MAX);

    assert_false(
        cc_image_path(path, "/data", &(struct cc_image_id){.group = CC_IMAGE_GROUP_MAX + 1}));
    assert_false(cc_image_path(path, "", &id));
    memset(directory, 'd', sizeof directory);
    directory[CC_IMAGE_PATH_SIZE - CC_IMAGE_NAME_SIZE - 1] = '\0';
    assert_true(cc_image_path(path, directory, &id));
    directory[CC_IMAGE_PATH_SIZE - CC_IMAGE_NAME_SIZE - 1] = 'd';
    directory[CC_IMAGE_PATH_SIZE - CC_IMAGE_NAME_SIZE] = '\0';
    assert_false(cc_image_path(path, directory, &id));
}

static void check_round_trip(const struct image_script *script)
{
    struct cc_image_id any = {.group = image_head.group, .index = image_head.index};
    struct cc_image_id id;

    memory_disk_init(&disk);
    id = image_write(&disk, &image_head, script);
    assert_int_equal(disk.blocks_out, 0);
    assert_int_equal(id.size, image_file(&disk)->size);
    assert_int_equal(id.index, image_head.index);
    assert_int_equal(id.term, image_head.term);
    assert_int_equal(id.time_us, image_head.time_us);

    assert_int_equal(image_read(&reading, &disk, &id, script), COPYCAT_OK);
    assert_true(cc_image_id_equals(&reading.id, &id));
    assert_memory_equal(&reading.head.cluster_id, &image_head.cluster_id, CC_CLUSTER_ID_SIZE);
    assert_int_equal(image_read(&reading, &disk, &any, script), COPYCAT_OK);
    assert_true(cc_image_id_equals(&reading.id, &id));
    assert_int_equal(disk.blocks_out, 0);
    memory_disk_deinit(&disk);
}

static void what_is_read_is_what_was_added(void **state)
{
    static const struct image_script scripts[] = {
        {.count = 0},
        {.sizes = {1}, .count = 1},
        {.sizes = {BODY_MAX - 1}, .count = 1},
        {.sizes = {BODY_MAX}, .count = 1},
        {.sizes = {BODY_MAX + 1}, .count = 1},
        {.sizes = {CC_IMAGE_PIECE_SIZE - 1, 1}, .count = 2},
        {.sizes = {CC_IMAGE_PIECE_SIZE - 1, 2}, .count = 2},
        {.sizes = {CC_IMAGE_PIECE_SIZE, 1, CC_IMAGE_PIECE_SIZE + 1, 1}, .count = 4},
        {.sizes = {CC_IMAGE_ADD_SIZE_MAX}, .count = 1},
        {.sizes = {1, CC_IMAGE_ADD_SIZE_MAX, 1, CC_IMAGE_ADD_SIZE_MAX - 1}, .count = 4},
    };

    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        check_round_trip(&scripts[i]);
    }
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct image_script script = {.count = 100, .is_dull = seed % 2 == 0};
        struct cc_prng prng = {seed};

        for (uint32_t i = 0; i < script.count; i++) {
            script.sizes[i] = 1 + (uint32_t)cc_prng_below(&prng, UINT64_C(1) << (i % 18));
        }
        check_round_trip(&script);
    }
    memory_disk_init(&disk);
}

static void what_repeats_itself_takes_less_space(void **state)
{
    struct image_script script = {
        .sizes = {CC_IMAGE_ADD_SIZE_MAX, 100, CC_IMAGE_PIECE_SIZE, BODY_MAX}, .count = 4};
    uint64_t raw = CC_IMAGE_ADD_SIZE_MAX + 100 + CC_IMAGE_PIECE_SIZE + BODY_MAX;
    struct cc_image_id id;

    (void)state;
    id = image_write(&disk, &image_head, &script);
    assert_true(id.size > raw);
    script.is_dull = true;
    id = image_write(&disk, &image_head, &script);
    assert_true(id.size < raw / 50);
    assert_int_equal(image_read(&reading, &disk, &id, &script), COPYCAT_OK);
}

/* However fast the disk is, and whatever was on it. */
static void the_same_additions_make_the_same_bytes(void **state)
{
    struct image_script script = {.count = 90};
    struct memory_file *file;
    struct cc_image_id id;
    uint8_t *bytes;

    (void)state;
    for (uint32_t i = 0; i < script.count; i++) {
        script.sizes[i] = 1000 + i * 900;
    }
    id = image_write(&disk, &image_head, &script);
    file = image_file(&disk);
    bytes = test_malloc(file->size);
    memcpy(bytes, file->seen, file->size);
    for (uint32_t steps = 0; steps < 4; steps++) {
        image_write_begin(&writing, &disk, &image_head, &script);
        for (uint32_t i = 0; i < script.count;) {
            i += cc_image_write_add(writing.writer, image_addition(&script, i));
            for (uint32_t step = 0; step < steps || (i + 1 < script.count && steps == 0); step++) {
                if (!memory_disk_step(&disk)) {
                    break;
                }
            }
        }
        cc_image_write_finish(writing.writer);
        image_write_run(&writing, UINT64_MAX);
        assert_int_equal(writing.status, COPYCAT_OK);
        assert_true(cc_image_id_equals(&writing.id, &id));
        assert_int_equal(image_file(&disk)->size, id.size);
        assert_memory_equal(image_file(&disk)->platter, bytes, id.size);
    }
    test_free(bytes);
}

static void what_waits_for_the_disk_is_bounded(void **state)
{
    struct image_script script = {.count = 60};
    uint64_t added = 0;

    (void)state;
    for (uint32_t i = 0; i < script.count; i++) {
        script.sizes[i] = 100 * KIB;
    }
    image_write_begin(&writing, &disk, &image_head, &script);
    image_write_more(&writing);
    for (uint32_t i = 0; i < writing.added; i++) {
        added += script.sizes[i];
    }
    assert_int_equal(writing.refusals, 1);
    assert_true(added >= CC_IMAGE_WAITING_MAX);
    assert_true(added <= CC_IMAGE_WAITING_MAX + 2 * CC_IMAGE_PIECE_SIZE);
    image_write_run(&writing, UINT64_MAX);
    assert_int_equal(writing.status, COPYCAT_OK);
    assert_true(writing.refusals > 3);
    assert_int_equal(image_read(&reading, &disk, &writing.id, &script), COPYCAT_OK);
}

static void two_images_are_written_at_once(void **state)
{
    static struct image_writing second;
    static const struct image_script other = {.sizes = {77, 400000, 1234}, .count = 3};
    struct cc_image_head head = image_head;

    (void)state;
    head.index++;
    image_write_begin(&writing, &disk, &image_head, &some);
    image_write_begin(&second, &disk, &head, &other);
    image_write_more(&second);
    image_write_more(&writing);
    while (memory_disk_step(&disk)) {
    }
    assert_int_equal(writing.dones + second.dones, 2);
    assert_int_equal(image_read(&reading, &disk, &writing.id, &some), COPYCAT_OK);
    assert_int_equal(image_read(&reading, &disk, &second.id, &other), COPYCAT_OK);
}

static void what_had_the_name_is_replaced(void **state)
{
    static uint8_t bytes[200 * CC_DISK_BLOCK];
    struct cc_image_id id;

    (void)state;
    memset(bytes, 0xa5, sizeof bytes);
    memory_disk_put(&disk, "image-0003-00000000000000070000", bytes, sizeof bytes);
    id = image_write(&disk, &image_head, &some);
    assert_true(id.size < sizeof bytes);
    assert_int_equal(image_file(&disk)->size, id.size);
    assert_int_equal(image_read(&reading, &disk, &id, &some), COPYCAT_OK);
}

static void a_missing_image_is_told_by_its_path(void **state)
{
    (void)state;
    assert_int_equal(
        image_read(&reading, &disk, &(struct cc_image_id){.index = 8}, &some), COPYCAT_ERR_DAMAGED);
    assert_non_null(strstr(
        reading.text, IMAGE_DIRECTORY "/image-0000-00000000000000000008: the image is "
                                      "missing"));
}

static void another_image_than_expected_is_refused(void **state)
{
    struct cc_image_id id = image_write(&disk, &image_head, &some);

    (void)state;
    for (uint32_t field = 0; field < 4; field++) {
        struct cc_image_id other = id;

        other.term += field == 0;
        other.time_us += field == 1;
        other.size += field == 2 ? CC_DISK_BLOCK : 0;
        other.checksum += field == 3;
        assert_int_equal(image_read(&reading, &disk, &other, &some), COPYCAT_ERR_DAMAGED);
        assert_non_null(strstr(reading.text, "another"));
        assert_int_equal(reading.pieces, 0);
    }
}

/* A file under the name of another is not believed to be that. */
static void a_renamed_image_is_refused(void **state)
{
    struct memory_file *file;

    (void)state;
    (void)image_write(&disk, &image_head, &some);
    file = image_file(&disk);
    strcpy(file->name, "image-0003-00000000000000070001");
    assert_int_equal(
        image_read(
            &reading, &disk, &(struct cc_image_id){.group = 3, .index = image_head.index + 1},
            &some),
        COPYCAT_ERR_DAMAGED);
}

static void an_image_of_a_newer_version_is_told_apart(void **state)
{
    struct cc_image_id id = image_write(&disk, &image_head, &some);
    uint8_t *head = image_file(&disk)->seen;

    (void)state;
    head[8]++;
    assert_int_equal(image_read(&reading, &disk, &id, &some), COPYCAT_ERR_DAMAGED);
    cc_store_u32(head + 4, cc_crc32c(0, head + 8, CC_DISK_BLOCK - 8));
    assert_int_equal(image_read(&reading, &disk, &id, &some), COPYCAT_ERR_NEWER);
    assert_non_null(strstr(reading.text, "newer version"));
}

static void close_at_any_time(const struct cc_image_id *id)
{
    bool was_ended = false;

    for (uint32_t steps = 0; !was_ended; steps++) {
        image_read_begin(&reading, &disk, id, &some);
        for (uint32_t i = 0; i < steps; i++) {
            (void)image_read_step(&reading);
        }
        was_ended = reading.is_ended;

        uint32_t pieces = reading.pieces;
        bool is_open = reading.is_open;

        image_read_close(&reading);
        while (memory_disk_step(&disk)) {
        }
        assert_null(reading.reader);
        assert_int_equal(reading.pieces, pieces);
        assert_int_equal(reading.is_open, is_open);
        assert_int_equal(disk.blocks_out, 0);
    }
    assert_int_equal(reading.status, COPYCAT_OK);
}

static void a_reader_is_closed_at_any_time(void **state)
{
    struct cc_image_id id = image_write(&disk, &image_head, &some);

    (void)state;
    close_at_any_time(&id);
    image_ahead_size = 4096 * KIB;
    close_at_any_time(&id);
}

/* One that the caller has, one that is read ahead; each as it is stored, and unpacked if it was packed. */
static void a_reader_holds_two_pieces_at_most(void **state)
{
    static const uint32_t size = 1u << 20;
    struct image_script script = {.count = 12};

    (void)state;
    for (uint32_t dull = 0; dull < 2; dull++) {
        struct cc_image_id id;
        size_t before;

        script.is_dull = dull == 1;
        for (uint32_t i = 0; i < script.count; i++) {
            script.sizes[i] = size;
        }
        id = image_write(&disk, &image_head, &script);
        before = disk.bytes_out;
        disk.bytes_most = before;
        assert_int_equal(image_read(&reading, &disk, &id, &script), COPYCAT_OK);
        assert_int_equal(reading.pieces, script.count);
        assert_true(disk.bytes_most - before < 2 * size + size / 4);
    }
}

/* What was wanted of them, one more that is read, one that the caller has; nothing else is kept. */
static void a_reader_that_reads_far_ahead_holds_no_more_than_was_wanted(void **state)
{
    static const uint32_t size = 1u << 20;
    struct image_script script = {.count = 40};
    struct cc_image_id id;
    size_t before;

    (void)state;
    for (uint32_t i = 0; i < script.count; i++) {
        script.sizes[i] = size;
    }
    id = image_write(&disk, &image_head, &script);
    before = disk.bytes_out;
    disk.bytes_most = before;
    image_ahead_size = 4 * size;
    assert_int_equal(image_read(&reading, &disk, &id, &script), COPYCAT_OK);
    assert_int_equal(reading.pieces, script.count);
    assert_true(disk.bytes_most - before > 4 * size);
    assert_true(disk.bytes_most - before < 6 * size + size / 4);
}

/* Small pieces are many, and what they are wanted for is bytes. */
static void a_reader_that_reads_far_ahead_gives_the_same_in_the_same_order(void **state)
{
    struct image_script script = {.count = 200};
    struct cc_image_id id;

    (void)state;
    for (uint32_t i = 0; i < script.count; i++) {
        script.sizes[i] = 1000 + 7919 * i % 100000;
    }
    id = image_write(&disk, &image_head, &script);
    for (image_ahead_size = 1; image_ahead_size < 8u << 20; image_ahead_size *= 16) {
        assert_int_equal(image_read(&reading, &disk, &id, &script), COPYCAT_OK);
        assert_int_equal(reading.seen, script.count);
    }
}

static void images_that_nothing_needs_are_swept_away(void **state)
{
    static const char *const names[] = {
        "image-0003-00000000000000000005",
        "image-0003-00000000000000000006",
        "image-0004-00000000000000000005",
        "image-0004-99999999999999999999",
        "image-0004-0000000000000000005",
        "image-0004-000000000000000000005",
        "image-004-00000000000000000005",
        "image-0004-0000000000000000000x",
        "image-0004.00000000000000000005",
        "image-0004-00000000000000000005.old",
        "journal-00000001",
        "image-",
    };
    const struct cc_image_id keep[] = {{.group = 3, .index = 6}, {.group = 9, .index = 5}};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        memory_disk_put(&disk, names[i], "bytes", 5);
    }
    assert_int_equal(image_sweep(&disk, keep, 2), COPYCAT_OK);
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bool is_swept = i == 0 || i == 2;

        assert_int_equal(memory_disk_file(&disk, i) == NULL, is_swept);
    }
    assert_int_equal(image_sweep(&disk, NULL, 0), COPYCAT_OK);
    assert_null(memory_disk_file(&disk, 1));
    assert_non_null(memory_disk_file(&disk, 3));
}

static void a_sweep_tells_of_a_disk_that_fails(void **state)
{
    (void)state;
    for (uint32_t call = 1; call <= 3; call++) {
        memory_disk_put(&disk, "image-0003-00000000000000000001", "bytes", 5);
        memory_disk_put(&disk, "image-0003-00000000000000000002", "bytes", 5);
        disk.fail_at = disk.calls + call;
        assert_int_equal(image_sweep(&disk, NULL, 0), COPYCAT_ERR_IO);
        assert_int_equal(image_sweep(&disk, NULL, 0), COPYCAT_OK);
        assert_int_equal(image_files(&disk), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_has_four_and_twenty_digits),
        TEST(what_is_read_is_what_was_added),
        TEST(what_repeats_itself_takes_less_space),
        TEST(the_same_additions_make_the_same_bytes),
        TEST(what_waits_for_the_disk_is_bounded),
        TEST(two_images_are_written_at_once),
        TEST(what_had_the_name_is_replaced),
        TEST(a_missing_image_is_told_by_its_path),
        TEST(another_image_than_expected_is_refused),
        TEST(a_renamed_image_is_refused),
        TEST(an_image_of_a_newer_version_is_told_apart),
        TEST(a_reader_is_closed_at_any_time),
        TEST(a_reader_holds_two_pieces_at_most),
        TEST(a_reader_that_reads_far_ahead_holds_no_more_than_was_wanted),
        TEST(a_reader_that_reads_far_ahead_gives_the_same_in_the_same_order),
        TEST(images_that_nothing_needs_are_swept_away),
        TEST(a_sweep_tells_of_a_disk_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
