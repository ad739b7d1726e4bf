/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_damage -- whatever has happened to a directory: what is said of it is what recovery makes
 * of it, the place is right, and nothing is changed.
 */
#include "memory_view.h"
#include "unit/log/journal_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STRIDE 197u
#define BATCH_BLOCKS_MAX 4u

static struct stand_script script;
static struct memory_disk disk;
static struct memory_disk copy;
static struct stand stand;
static struct memory_view view;

/* Two lives, each closed in order; with a seed the second ends in a crash in its last write. */
static void make_journal(uint64_t torn_seed)
{
    uint32_t at = 0;

    stand.options = (struct cc_journal_options){.batch_size_max = 8192};
    stand_script_draw(&script, 5, 100, 3000);
    memory_disk_init(&disk);
    for (uint32_t life = 0; life < 2; life++) {
        stand_open(&stand, &disk, UINT64_MAX);
        assert_true(stand.is_open);
        for (uint32_t i = 0; i < script.count / 2; i++) {
            stand_add(&stand, &script.records[at++]);
            if (i % 4 == 3) {
                stand_flush(&stand);
                stand_settle(&stand);
            }
        }
        if (torn_seed != 0 && life == 1) {
            stand_flush(&stand);
            stand_crash(&stand, MEMORY_CRASH_PREFIX, torn_seed);
            return;
        }
        stand_flush(&stand);
        stand_settle(&stand);
        stand_close(&stand);
    }
}

/* What recovery makes of the same disk. */
static bool starts(void)
{
    static struct memory_disk third;
    bool is_open;

    memory_disk_clone(&third, &copy);
    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        third.files[i].scar = copy.files[i].scar;
    }
    stand_open(&stand, &third, UINT64_MAX);
    is_open = stand.is_open;
    stand_close(&stand);
    memory_disk_deinit(&third);
    return is_open;
}

static uint64_t damaged_count(void)
{
    uint64_t count = 0;

    for (uint64_t index = 1; index <= stand.found.last; index++) {
        count += stand.found.damaged[index];
    }
    return count;
}

/* The two agree, and what does not read is told where it is. */
static void check(const char *what, const char *name, uint64_t offset)
{
    bool does_start = starts();

    memory_view_look(&view, &copy);
    if (view.status == COPYCAT_ERR_NEWER) {
        assert_false(does_start);
        return;
    }
    if (view.status != COPYCAT_OK || (view.summary.does_start != 0) != does_start ||
        (does_start && view.summary.last_index != stand.found.last) ||
        (does_start && view.summary.missing_count != damaged_count())) {
        fail_msg(
            "%s of %s at %llu: recovery %d (%s), last %llu; told %d, last %llu, missing %llu", what,
            name, (unsigned long long)offset, does_start, stand.text,
            (unsigned long long)stand.found.last, (int)view.summary.does_start,
            (unsigned long long)view.summary.last_index,
            (unsigned long long)view.summary.missing_count);
    }
    if (!does_start && view.finding_count == 0) {
        fail_msg("%s of %s at %llu: nothing is told", what, name, (unsigned long long)offset);
    }
    assert_true(does_start || view.summary.is_sound == 0);
    assert_true(view.summary.missing_count == 0 || view.summary.is_sound == 0);
}

/* True if a finding is of this file, and of a place at or before this one. */
static bool is_told(const char *name, uint64_t offset)
{
    for (uint32_t i = 0; i < view.finding_count && i < MEMORY_VIEW_FINDINGS_MAX; i++) {
        const copycat_inspect_finding *finding = &view.findings[i];

        if (strcmp(finding->file, name) == 0 &&
            (finding->offset == COPYCAT_NONE || finding->offset <= offset)) {
            return true;
        }
    }
    return false;
}

static bool is_written(const struct memory_file *file, uint64_t offset)
{
    uint64_t begin = offset - offset % CC_DISK_BLOCK;

    return !cc_batch_is_zero(file->seen + begin, CC_DISK_BLOCK);
}

static void each_flipped_byte_is_told_as_recovery_takes_it(void **state)
{
    uint32_t checked = 0;

    (void)state;
    make_journal(0);
    for (uint32_t i = 0; memory_disk_file(&disk, i) != NULL; i++) {
        for (uint64_t at = i; at < disk.files[i].size; at += STRIDE) {
            struct memory_file *file;

            if (!disk.files[i].is_named) {
                continue;
            }
            memory_disk_clone(&copy, &disk);
            file = &copy.files[i];
            if (is_written(file, at)) {
                file->seen[at] ^= 0x40;
                file->platter[at] ^= 0x40;
                check("a flip", file->name, at);
                /* In what fills up the last block of a batch it makes no difference. */
                assert_true(view.summary.is_sound == 0 || stand.found.damages == 0);
                if (view.summary.is_sound == 0 && !is_told(file->name, at)) {
                    fail_msg("%s: a flip at %llu is not told", file->name, (unsigned long long)at);
                }
                /* What is behind the batch is told. */
                assert_true(view.gap_size <= BATCH_BLOCKS_MAX * CC_DISK_BLOCK);
                checked += view.summary.is_sound == 0;
            }
            memory_disk_deinit(&copy);
        }
    }
    assert_true(checked > 40);
    memory_disk_deinit(&disk);
}

static void each_block_that_cannot_be_read_is_told_as_recovery_takes_it(void **state)
{
    uint32_t unreadable = 0;

    (void)state;
    make_journal(0);
    for (uint32_t i = 0; memory_disk_file(&disk, i) != NULL; i++) {
        for (uint64_t at = 0; at < disk.files[i].size; at += CC_DISK_BLOCK) {
            if (!disk.files[i].is_named || !is_written(&disk.files[i], at)) {
                continue;
            }
            memory_disk_clone(&copy, &disk);
            copy.files[i].scar = at + 1;
            check("an unreadable block", disk.files[i].name, at);
            assert_int_equal(view.summary.is_sound, 0);
            unreadable++;
            memory_disk_deinit(&copy);
        }
    }
    assert_true(unreadable > 10);
    memory_disk_deinit(&disk);
}

static void each_missing_and_each_cut_file_is_told_as_recovery_takes_it(void **state)
{
    (void)state;
    make_journal(0);
    for (uint32_t i = 0; memory_disk_file(&disk, i) != NULL; i++) {
        if (!disk.files[i].is_named) {
            continue;
        }
        memory_disk_clone(&copy, &disk);
        copy.files[i].is_named = false;
        check("loss", disk.files[i].name, 0);
        memory_disk_deinit(&copy);
        for (uint64_t size = 0; size < disk.files[i].size; size += 3 * CC_DISK_BLOCK + 100) {
            memory_disk_clone(&copy, &disk);
            copy.files[i].size = size;
            copy.files[i].platter_size = size;
            check("a cut", disk.files[i].name, size);
            memory_disk_deinit(&copy);
        }
    }
    memory_disk_deinit(&disk);
}

static void a_torn_last_batch_is_what_a_crash_leaves(void **state)
{
    uint32_t torn = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        make_journal(seed);
        memory_disk_clone(&copy, &disk);
        check("a crash", "", seed);
        assert_int_equal(view.summary.is_sound, 1);
        if (view.gaps > 0) {
            const copycat_inspect_finding *finding =
                memory_view_find(&view, COPYCAT_FINDING_LEFTOVER);

            assert_non_null(finding);
            assert_non_null(strstr(finding->what, "the last batch was not written to its end"));
            assert_int_equal(view.gaps, 1);
            torn++;
        }
        memory_disk_deinit(&copy);
        memory_disk_deinit(&disk);
    }
    assert_true(torn > 2);
}

static void what_was_fetched_again_is_not_missing(void **state)
{
    const struct memory_file *file = NULL;
    uint64_t damaged;

    (void)state;
    make_journal(0);
    for (uint32_t i = 0; file == NULL; i++) {
        if (strcmp(disk.files[i].name, "journal-00000001") == 0) {
            file = &disk.files[i];
        }
    }
    for (uint64_t at = 4 * CC_DISK_BLOCK + 900; at < 8 * CC_DISK_BLOCK; at += CC_DISK_BLOCK) {
        file->seen[at] ^= 1;
        file->platter[at] ^= 1;
    }
    memory_view_look(&view, &disk);
    damaged = view.summary.missing_count;
    assert_true(damaged > 0);
    assert_non_null(memory_view_find(&view, COPYCAT_FINDING_REPAIRABLE));
    stand_open(&stand, &disk, UINT64_MAX);
    assert_true(stand.is_open);
    for (uint64_t index = 1; index <= stand.found.last; index++) {
        if (stand.found.damaged[index]) {
            stand_repair(&stand, index, stand.found.terms[index], 8);
        }
    }
    stand_flush(&stand);
    stand_settle(&stand);
    stand_close(&stand);
    memory_view_look(&view, &disk);
    assert_int_equal(view.summary.missing_count, 0);
    assert_int_equal(view.summary.does_start, 1);
    assert_int_equal(view.summary.is_sound, 0);
    assert_non_null(memory_view_find(&view, COPYCAT_FINDING_REPAIRED));
    assert_null(memory_view_find(&view, COPYCAT_FINDING_REPAIRABLE));
    memory_disk_deinit(&disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_flipped_byte_is_told_as_recovery_takes_it),
        cmocka_unit_test(each_block_that_cannot_be_read_is_told_as_recovery_takes_it),
        cmocka_unit_test(each_missing_and_each_cut_file_is_told_as_recovery_takes_it),
        cmocka_unit_test(a_torn_last_batch_is_what_a_crash_leaves),
        cmocka_unit_test(what_was_fetched_again_is_not_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
