/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_crash -- power is lost, a disk call fails, space runs out or the owner gives up, at every
 * disk call of an image being written: afterwards it is complete, or not accepted, or gone.
 */
#include "unit/log/image_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SUBSETS 6u
#define VARIANTS (3u + SUBSETS)

static struct memory_disk disk;
static struct image_writing writing;
static struct image_reading reading;
static struct cc_image_id id; /* as it should come to be */
static uint64_t calls;        /* disk calls that this takes */
static const struct cc_image_id any = {.group = 3, .index = 70000};

static const struct image_script script = {
    .sizes = {9000, CC_IMAGE_PIECE_SIZE, 12, 300000, 7000, 1}, .count = 6};

static enum memory_crash crash_of(uint32_t variant)
{
    return variant == 0   ? MEMORY_CRASH_NOTHING
           : variant == 1 ? MEMORY_CRASH_ALL
           : variant == 2 ? MEMORY_CRASH_PREFIX
                          : MEMORY_CRASH_SUBSET;
}

/* Each test runs twice: on a disk without such a file, and with an older, longer one. */
static bool has_old;

static void init_disk(void)
{
    static uint8_t bytes[300 * CC_DISK_BLOCK];

    memory_disk_init(&disk);
    if (has_old) {
        memset(bytes, 0xa5, sizeof bytes);
        memory_disk_put(&disk, "image-0003-00000000000000070000", bytes, sizeof bytes);
    }
}

static void count_calls(void)
{
    init_disk();
    id = image_write(&disk, &image_head, &script);
    calls = disk.calls;
    memory_disk_deinit(&disk);
    assert_true(calls > 9);
}

static int set_up(void **state)
{
    (void)state;
    has_old = false;
    count_calls();
    return 0;
}

static int set_up_with_old(void **state)
{
    (void)state;
    has_old = true;
    count_calls();
    return 0;
}

static void write_until(uint64_t call)
{
    init_disk();
    image_write_begin(&writing, &disk, &image_head, &script);
    image_write_more(&writing);
    image_write_run(&writing, call);
}

static void after_a_crash_an_image_is_complete_or_not_accepted(void **state)
{
    uint32_t accepted = 0;
    uint32_t refused = 0;

    (void)state;
    for (uint64_t call = 0; call <= calls; call++) {
        for (uint32_t variant = 0; variant < VARIANTS; variant++) {
            write_until(call);

            bool was_done = writing.dones > 0;

            memory_disk_crash(&disk, crash_of(variant), call * 31 + variant);
            if (image_read(&reading, &disk, &any, &script) == COPYCAT_OK) {
                assert_true(cc_image_id_equals(&reading.id, &id));
                assert_int_equal(image_read(&reading, &disk, &id, &script), COPYCAT_OK);
                accepted++;
            } else {
                assert_int_equal(reading.status, COPYCAT_ERR_DAMAGED);
                assert_false(was_done); /* I2 */
                refused++;
            }
            assert_int_equal(image_sweep(&disk, NULL, 0), COPYCAT_OK);
            assert_int_equal(image_files(&disk), 0);
            memory_disk_deinit(&disk);
        }
    }
    assert_true(accepted > VARIANTS);
    assert_true(refused > calls);
}

/* What a crash leaves half written is written anew by the next life. */
static void after_a_crash_the_same_image_can_be_written(void **state)
{
    (void)state;
    for (uint64_t call = 0; call <= calls; call++) {
        write_until(call);
        memory_disk_crash(&disk, MEMORY_CRASH_SUBSET, call);

        struct cc_image_id again = image_write(&disk, &image_head, &script);

        assert_true(cc_image_id_equals(&again, &id));
        assert_int_equal(image_read(&reading, &disk, &id, &script), COPYCAT_OK);
        memory_disk_deinit(&disk);
    }
}

static void fail_at(uint64_t call, copycat_status status)
{
    init_disk();
    disk.fail_at = call;
    disk.fail_with = status;
    image_write_begin(&writing, &disk, &image_head, &script);
    image_write_more(&writing);
    image_write_run(&writing, UINT64_MAX);
    assert_int_equal(writing.dones, 1);
    assert_int_equal(disk.request_count, 0);
    assert_int_equal(disk.blocks_out, 0);
}

static void a_disk_that_fails_is_told_and_left_alone(void **state)
{
    uint32_t failures = 0;

    (void)state;
    for (uint64_t call = 1; call <= calls; call++) {
        fail_at(call, COPYCAT_ERR_IO);
        if (writing.status == COPYCAT_OK) { /* closing a file that is synced */
            assert_int_equal(image_read(&reading, &disk, &writing.id, &script), COPYCAT_OK);
        } else {
            assert_int_equal(writing.status, COPYCAT_ERR_IO);
            assert_non_null(strstr(writing.text, "/image-0003-00000000000000070000: "));
            assert_true(disk.calls <= call + 1); /* the file is closed, nothing else */
            failures++;
        }
        memory_disk_deinit(&disk);
    }
    assert_int_equal(failures, calls - (has_old ? 2 : 1));
}

static void an_image_without_space_is_given_up_and_leaves_no_file(void **state)
{
    static const copycat_status shortages[] = {COPYCAT_ERR_DISK_FULL, COPYCAT_ERR_BUSY};

    (void)state;
    for (uint64_t call = 1; call <= calls; call++) {
        for (uint32_t i = 0; i < 2; i++) {
            fail_at(call, shortages[i]);
            if (writing.status != COPYCAT_OK) {
                assert_int_equal(writing.status, shortages[i]);
                assert_true(writing.text[0] != '\0');
                /* What could not even be opened is as it was. */
                assert_int_equal(image_files(&disk), has_old && call == 1);
            }

            struct cc_image_id later = image_write(&disk, &image_head, &script);

            assert_true(cc_image_id_equals(&later, &id)); /* there is space again */
            memory_disk_deinit(&disk);
        }
    }
}

static void an_abandoned_image_leaves_no_file(void **state)
{
    (void)state;
    for (uint64_t call = 0; call < calls; call++) {
        for (uint32_t added = 0; added < 2; added++) {
            init_disk();
            image_write_begin(&writing, &disk, &image_head, &script);
            if (added > 0) {
                image_write_more(&writing);
            }
            image_write_run(&writing, call);
            assert_int_equal(writing.dones, 0);
            image_write_abandon(&writing);
            image_write_run(&writing, UINT64_MAX);
            assert_int_equal(writing.dones, 1);
            assert_int_equal(writing.status, COPYCAT_ERR_CLOSED);
            assert_int_equal(image_files(&disk), 0);
            assert_int_equal(disk.request_count, 0);
            assert_int_equal(disk.blocks_out, 0);
            memory_disk_deinit(&disk);
        }
    }
}

#define TWICE(name) \
    cmocka_unit_test_setup(name, set_up), cmocka_unit_test_setup(name, set_up_with_old)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TWICE(after_a_crash_an_image_is_complete_or_not_accepted),
        TWICE(after_a_crash_the_same_image_can_be_written),
        TWICE(a_disk_that_fails_is_told_and_left_alone),
        TWICE(an_image_without_space_is_given_up_and_leaves_no_file),
        TWICE(an_abandoned_image_leaves_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
