/* SPDX-License-Identifier: Apache-2.0 */
/* Directories that earlier versions have written are read for ever. */
#include "log_golden.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FILE_MAX 65536u

static struct log_stand stand;

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
    assert_true(size > 0 && size < sizeof bytes && fclose(in) == 0);
    crash_files_put(&stand.disk, name, bytes, size);
}

static uint32_t load(const char *name)
{
    char path[256];
    DIR *directory;
    uint32_t count = 0;

    snprintf(path, sizeof path, "%s/test/golden/%s", COPYCAT_SOURCE_DIR, name);
    directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (entry->d_name[0] != '.') {
            load_file(path, entry->d_name);
            count++;
        }
    }
    closedir(directory);
    return count;
}

static void reads_what_version_1_has_written(void **state)
{
    (void)state;
    log_stand_init(&stand);
    assert_true(golden_log_live(&stand)); /* what there has to be */
    crash_files_deinit(&stand.disk);
    stand.disk = (struct crash_files){.calls = 0};
    assert_true(load("commitlog-v1") >= 4);
    assert_int_equal(log_stand_open(&stand), COPYCAT_OK);
    assert_int_equal(cc_commitlog_verify(stand.log), COPYCAT_OK);
    assert_true(log_stand_is_equal(&stand));
    assert_int_equal(log_stand_append(&stand, 0), COPYCAT_OK); /* and goes on with it */
    assert_int_equal(log_stand_clean(&stand, stand.now.last), COPYCAT_OK);
    assert_int_equal(log_stand_close(&stand), COPYCAT_OK);
    assert_int_equal(log_stand_open(&stand), COPYCAT_OK);
    assert_true(log_stand_is_equal(&stand));
    log_stand_deinit(&stand);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_version_1_has_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
