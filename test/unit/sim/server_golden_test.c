/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories of servers that earlier versions have written are read for ever, and what a newer
 * version has written is refused with a reason.
 */
#include "base/crc32c.h"
#include "fault/server_golden.h"
#include "wire/bytes.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SEED 7u
#define FILE_MAX 1048576u

/* Directories of test/golden that such servers have left. */
static const char *const directories[] = {"server-v1", NULL};

static struct memory_disk disk;
static struct solo solo;

static void load_file(const char *directory, const char *name)
{
    static uint8_t bytes[FILE_MAX];
    char path[512];
    FILE *in;
    size_t size;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    in = fopen(path, "rb");
    assert_non_null(in);
    size = fread(bytes, 1, sizeof bytes, in);
    assert_true(size < sizeof bytes && fclose(in) == 0); /* a file of the journal may be empty */
    memory_disk_put(&disk, name, bytes, size);
}

static void load(const char *name)
{
    char path[256];
    DIR *directory;

    snprintf(path, sizeof path, "%s/test/golden/%s", COPYCAT_SOURCE_DIR, name);
    directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (entry->d_name[0] != '.') {
            load_file(path, entry->d_name);
        }
    }
    closedir(directory);
}

static void check_reads(void)
{
    solo_begin(&solo, &disk, SEED);
    if (!server_golden_reads(&solo)) {
        print_error("%s\n", trio_verdict(&solo.trio));
        fail();
    }
    solo_end(&solo);
}

/* On the disk: a directory, closed in good order. */
static void live(void)
{
    memory_disk_init(&disk);
    solo_begin(&solo, &disk, 1);
    assert_true(server_golden_live(&solo));
    solo_end(&solo);
}

static void reads_what_earlier_versions_have_written(void **state)
{
    (void)state;
    for (uint32_t i = 0; directories[i] != NULL; i++) {
        memory_disk_init(&disk);
        load(directories[i]);
        check_reads();
        memory_disk_deinit(&disk);
    }
}

static void reads_what_this_version_writes(void **state)
{
    (void)state;
    live();
    check_reads();
    memory_disk_deinit(&disk);
}

/* The files that are no journal have their version and their checksum in the same places. */
static bool make_newer(struct memory_file *file)
{
    uint8_t *blocks[2] = {file->seen, file->platter};

    if (strncmp(file->name, "journal-", 8) == 0) {
        return false;
    }
    for (uint32_t i = 0; i < 2; i++) {
        cc_store_u16(blocks[i] + 8, (uint16_t)(cc_load_u16(blocks[i] + 8) + 1));
        cc_store_u32(blocks[i] + 4, cc_crc32c(0, blocks[i] + 8, CC_DISK_BLOCK - 8));
    }
    return true;
}

static void refuses_an_image_of_a_newer_version_and_leaves_it_where_it_is(void **state)
{
    uint32_t count = 0;

    (void)state;
    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        const struct trio_seat *seat = &solo.trio.seats[0];
        struct memory_file *file;

        live();
        file = memory_disk_file(&disk, i);
        if (file != NULL && make_newer(file)) {
            char name[sizeof file->name];

            strcpy(name, file->name);
            solo_begin(&solo, &disk, SEED);
            solo.trio.is_past_unknown = true;
            assert_false(solo_start(&solo));
            assert_non_null(strstr(seat->notice, "newer version"));
            assert_non_null(strstr(seat->notice, name));
            assert_true(file->is_named && strcmp(file->name, name) == 0);
            solo_end(&solo);
            count++;
        }
        memory_disk_deinit(&disk);
    }
    assert_true(count > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_earlier_versions_have_written),
        cmocka_unit_test(reads_what_this_version_writes),
        cmocka_unit_test(refuses_an_image_of_a_newer_version_and_leaves_it_where_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
