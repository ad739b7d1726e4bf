/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal -- directories that earlier versions have written are read for ever, also those that were
 * damaged since.
 */
#include "base/crc32c.h"
#include "log/format.h"
#include "unit/log/journal_golden.h"
#include "wire/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FILES_MAX 32u
#define FILE_MAX 65536u

static struct memory_disk disk;
static struct stand stand;

static void load(const char *directory)
{
    static uint8_t bytes[FILE_MAX];
    uint32_t count = 0;

    for (uint32_t slot = 1; slot <= FILES_MAX; slot++) {
        char name[32];
        char path[512];
        FILE *in;

        snprintf(name, sizeof name, "journal-%08u", slot);
        snprintf(path, sizeof path, "%s/test/golden/%s/%s", COPYCAT_SOURCE_DIR, directory, name);
        in = fopen(path, "rb");
        if (in != NULL) {
            size_t size = fread(bytes, 1, sizeof bytes, in);

            assert_true(size < sizeof bytes && fclose(in) == 0);
            memory_disk_put(&disk, name, bytes, size);
            count++;
        }
    }
    assert_true(count >= 3);
}

static void check_found(void)
{
    struct cc_journal_base base = stand_image(GOLDEN_BASE, golden_term_of(GOLDEN_BASE));

    assert_string_equal(stand.text, "");
    assert_true(stand.is_open);
    assert_memory_equal(&stand.found.base, &base, sizeof base);
    assert_int_equal(stand.found.last, GOLDEN_LAST);
    assert_int_equal(stand.found.term, GOLDEN_TERM);
    assert_int_equal(stand.found.vote, GOLDEN_VOTE);
    assert_true(stand.found.first > 1 && stand.found.first <= GOLDEN_BASE + 1);
    for (uint64_t index = stand.found.first; index <= GOLDEN_LAST; index++) {
        uint64_t term = golden_term_of(index);

        assert_int_equal(stand.found.terms[index], term);
        assert_int_equal(stand.found.hashes[index], stand_hash(index, term, golden_size_of(index)));
    }
    assert_non_null(cc_journal_base(stand.journal));
    assert_int_equal(cc_journal_base(stand.journal)->cluster_id[1], 0xa1);
    assert_int_equal(cc_journal_counters(stand.journal)->damaged, 0);
}

static void read_and_go_on(const char *directory)
{
    memory_disk_init(&disk);
    load(directory);
    stand_open(&stand, &disk, UINT64_MAX);
    check_found();
    assert_int_equal(cc_journal_boot(stand.journal), 3);
    stand_close(&stand);
    stand_open(&stand, &disk, UINT64_MAX); /* and goes on with it */
    check_found();
    stand_close(&stand);
    assert_int_equal(disk.blocks_out, 0);
    memory_disk_deinit(&disk);
}

static void reads_what_version_1_has_written(void **state)
{
    (void)state;
    read_and_go_on("journal-v1");
}

static bool has_boot(void)
{
    struct cc_batch_header header;

    for (uint32_t i = 0; i < FILES_MAX; i++) {
        const struct memory_file *file = memory_disk_file(&disk, i);

        for (size_t at = 0; file != NULL && at < file->size; at += CC_DISK_BLOCK) {
            if (cc_batch_read_header(file->seen + at, &header) == CC_HEADER_VALID &&
                header.summary.is_boot) {
                return true;
            }
        }
    }
    return false;
}

static void reads_a_start_that_went_on_in_its_file(void **state)
{
    (void)state;
    memory_disk_init(&disk);
    load("journal-v1-boot");
    assert_true(has_boot());
    memory_disk_deinit(&disk);
    read_and_go_on("journal-v1-boot");
}

/* Whichever of the files it is: the oldest may be all that a newer version has left. */
static void refuses_what_a_newer_version_has_written_and_changes_nothing(void **state)
{
    uint32_t heads = 0;

    (void)state;
    for (uint32_t number = 0; number < FILES_MAX; number++) {
        struct memory_file *file;
        uint8_t *head;

        memory_disk_init(&disk);
        load("journal-v1");
        file = memory_disk_file(&disk, number);
        head = file == NULL ? NULL : file->seen;
        if (head != NULL && cc_load_u32(head) == CC_BATCH_MAGIC) {
            cc_store_u16(head + 4, CC_JOURNAL_VERSION + 1);
            cc_store_u32(head + 8, cc_crc32c(0, head + 12, CC_BATCH_HEADER_SIZE - 12));
            stand_open(&stand, &disk, UINT64_MAX);
            assert_int_equal(stand.status, COPYCAT_ERR_NEWER);
            assert_non_null(strstr(stand.text, "written by a newer version of Copycat"));
            assert_non_null(strstr(stand.text, file->name));
            stand_close(&stand);
            assert_int_equal(disk.durable_writes, 0);
            for (uint32_t i = 0; memory_disk_file(&disk, i) != NULL; i++) {
                assert_int_equal(memory_disk_file(&disk, i)->doubt_count, 0);
            }
            heads++;
        }
        memory_disk_deinit(&disk);
    }
    assert_true(heads >= 2);
}

static void is_what_the_story_of_it_comes_to(void **state)
{
    (void)state;
    memory_disk_init(&disk);
    golden_live(&stand, &disk);
    stand_open(&stand, &disk, UINT64_MAX);
    check_found();
    stand_close(&stand);
    memory_disk_deinit(&disk);
}

/* ---- damage ---------------------------------------------------------------------------------- */

/* All entries, and that alone damaged; 0: none is. */
static void check_entries(uint64_t lost)
{
    assert_string_equal(stand.text, "");
    assert_true(stand.is_open);
    assert_int_equal(stand.found.last, GOLDEN_DAMAGED_LAST);
    assert_int_equal(stand.found.term, 1);
    assert_int_equal(stand.found.vote, 3);
    for (uint64_t index = 1; index <= GOLDEN_DAMAGED_LAST; index++) {
        assert_int_equal(stand.found.terms[index], 1);
        assert_int_equal(stand.found.damaged[index], index == lost);
        if (index != lost) {
            assert_int_equal(
                stand.found.hashes[index], stand_hash(index, 1, golden_size_of(index)));
        }
    }
}

static void knows_what_was_in_a_damaged_batch_and_takes_it_back(void **state)
{
    (void)state;
    memory_disk_init(&disk);
    load("journal-v1-damaged");
    stand_open(&stand, &disk, UINT64_MAX);
    check_entries(GOLDEN_LOST);
    assert_int_equal(stand.found.damages, 1);
    stand_repair(&stand, GOLDEN_LOST, 1, golden_size_of(GOLDEN_LOST));
    stand_flush(&stand);
    stand_settle(&stand);
    stand_close(&stand);
    stand_open(&stand, &disk, UINT64_MAX);
    check_entries(0);
    stand_close(&stand);
    memory_disk_deinit(&disk);
}

static void reads_what_was_given_back(void **state)
{
    (void)state;
    memory_disk_init(&disk);
    load("journal-v1-repaired");
    stand_open(&stand, &disk, UINT64_MAX);
    check_entries(0);
    assert_int_equal(stand.found.damages, 1); /* the place itself does not heal */
    stand_close(&stand);
    memory_disk_deinit(&disk);
}

static void refuses_what_nobody_knows_and_says_where(void **state)
{
    (void)state;
    memory_disk_init(&disk);
    load("journal-v1-refused");
    stand_open(&stand, &disk, UINT64_MAX);
    assert_false(stand.is_open);
    assert_int_equal(stand.status, COPYCAT_ERR_DAMAGED);
    assert_non_null(strstr(stand.text, "journal-0000000"));
    assert_non_null(strstr(stand.text, "offset"));
    assert_int_equal(disk.durable_writes, 0);
    stand_close(&stand);
    memory_disk_deinit(&disk);
}

static void is_what_the_story_of_the_damage_comes_to(void **state)
{
    (void)state;
    for (enum golden_damage damage = GOLDEN_DAMAGED; damage <= GOLDEN_REFUSED; damage++) {
        memory_disk_init(&disk);
        golden_live_with_damage(&stand, &disk, damage);
        stand_open(&stand, &disk, UINT64_MAX);
        assert_int_equal(stand.is_open, damage != GOLDEN_REFUSED);
        if (stand.is_open) {
            check_entries(damage == GOLDEN_DAMAGED ? GOLDEN_LOST : 0);
        }
        stand_close(&stand);
        memory_disk_deinit(&disk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_version_1_has_written),
        cmocka_unit_test(reads_a_start_that_went_on_in_its_file),
        cmocka_unit_test(refuses_what_a_newer_version_has_written_and_changes_nothing),
        cmocka_unit_test(is_what_the_story_of_it_comes_to),
        cmocka_unit_test(knows_what_was_in_a_damaged_batch_and_takes_it_back),
        cmocka_unit_test(reads_what_was_given_back),
        cmocka_unit_test(refuses_what_nobody_knows_and_says_where),
        cmocka_unit_test(is_what_the_story_of_the_damage_comes_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
