/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_damage -- bytes that change, blocks that vanish and files that go missing are found, or
 * make no difference; they never make a shorter or another log (T-050).  What a batch held that
 * does not read is known by its terms, and can be given back.
 */
#include "unit/log/journal_stand.h"
#include "wire/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifndef STRIDE
#    define STRIDE 61u
#endif

static struct stand_script script;
static struct stand_state expected;
static struct memory_disk disk;
static struct memory_disk copy;
static struct stand stand;
static uint32_t refused;
static uint32_t repaired;
static bool is_scarred; /* the copy, and nothing else is wrong with it */

/* Several lives of a journal, each with records; the last batch is sealed if `is_sealed`. */
static void make_journal(bool is_sealed)
{
    uint32_t at = 0;

    stand.options = (struct cc_journal_options){.batch_size_max = 8192};
    stand_script_draw(&script, 21, 150, 9000);
    stand_script_state(&script, script.count, &expected);
    memory_disk_init(&disk);
    for (uint32_t life = 0; life < 3; life++) {
        stand_open(&stand, &disk, UINT64_MAX);
        assert_true(stand.is_open);
        for (uint32_t i = 0; i < script.count / 3; i++) {
            stand_add(&stand, &script.records[at++]);
            if (i % 4 == 3) {
                stand_flush(&stand);
                stand_settle(&stand);
            }
        }
        stand_flush(&stand);
        stand_settle(&stand);
        assert_int_equal(stand.durable, script.count / 3);
        if (is_sealed && life == 2) {
            assert_non_null(disk.timer);
            while (memory_disk_step_time(&disk)) {
            }
        }
        stand_close(&stand);
    }
}

static bool is_refused(void)
{
    return stand.status == COPYCAT_ERR_DAMAGED || stand.status == COPYCAT_ERR_FOREIGN ||
           stand.status == COPYCAT_ERR_IO || stand.status == COPYCAT_ERR_NEWER;
}

static uint32_t size_of(uint64_t index)
{
    uint32_t size = 0;

    for (uint32_t i = 0; i < script.count; i++) {
        size = script.records[i].type == STAND_ENTRY && script.records[i].index == index
                   ? script.records[i].size
                   : size;
    }
    return size;
}

/* Gives back what is damaged; the next life has all of it. */
static void repair(const char *what, const char *name, uint64_t offset)
{
    for (uint64_t index = 1; index <= stand.found.last; index++) {
        if (stand.found.damaged[index]) {
            stand_repair(&stand, index, expected.terms[index], size_of(index));
        }
    }
    stand_flush(&stand);
    stand_settle(&stand);
    stand_close(&stand);
    stand_open(&stand, &copy, UINT64_MAX);
    assert_true(stand.is_open);
    assert_true(stand.found.damages > 0); /* the place itself does not heal */
    for (uint64_t index = 1; index <= stand.found.last; index++) {
        assert_false(stand.found.damaged[index]);
    }
    if (!stand_states_match(&expected, &stand.found)) {
        fail_msg("%s at %llu of %s was not repaired", what, (unsigned long long)offset, name);
    }
}

static bool is_damaged(const struct stand_state *found)
{
    for (uint64_t index = 1; index <= found->last; index++) {
        if (found->damaged[index]) {
            return true;
        }
    }
    return false;
}

/* What a disk refuses may be there yet; what it gives is what it is. */
static void check_blame(const char *what, const char *name, uint64_t offset)
{
    bool is_blamed = stand.is_open ? stand.found.refusals > 0 : stand.status == COPYCAT_ERR_IO;
    bool is_due = stand.is_open ? stand.found.damages > 0 : true;

    if (is_due && is_blamed != is_scarred) {
        fail_msg(
            "%s at %llu of %s: %s, \"%s\"", what, (unsigned long long)offset, name,
            is_blamed ? "the disk is blamed" : "the disk is not blamed", stand.text);
    }
    if (is_scarred && !stand.is_open) {
        assert_non_null(strstr(stand.text, "the disk refuses to read"));
        assert_non_null(strstr(stand.text, "start again when it does, or restore a backup"));
    }
}

/* Opens the copy, which somebody has changed; true if that went unnoticed. */
static bool opens_whole(const char *what, const char *name, uint64_t offset)
{
    bool is_open;
    bool is_noticed;

    stand_open(&stand, &copy, UINT64_MAX);
    is_open = stand.is_open;
    is_noticed = !is_open || cc_journal_counters(stand.journal)->damaged > 0;
    if (is_open && !stand_states_match(&expected, &stand.found)) {
        fail_msg(
            "%s at %llu of %s made another log, of %llu entries", what, (unsigned long long)offset,
            name, (unsigned long long)stand.found.last);
    }
    if (!is_open && !is_refused()) {
        fail_msg("%s at %llu of %s: %s", what, (unsigned long long)offset, name, stand.text);
    }
    check_blame(what, name, offset);
    if (!is_open) {
        assert_non_null(strstr(stand.text, "/data/journal"));
        refused++;
    } else if (is_damaged(&stand.found)) {
        repaired++;
        repair(what, name, offset);
    }
    stand_close(&stand);
    assert_int_equal(copy.blocks_out, 0);
    return !is_noticed;
}

static void finds_each_flipped_byte_or_does_not_care(void **state)
{
    uint32_t found = 0;

    (void)state;
    for (uint32_t is_sealed = 0; is_sealed <= 1; is_sealed++) {
        make_journal(is_sealed == 1);
        for (uint32_t number = 0; memory_disk_file(&disk, number) != NULL; number++) {
            struct memory_file *file = memory_disk_file(&disk, number);

            for (uint64_t offset = 0; offset < file->platter_size;
                 offset += 1 + (offset / CC_DISK_BLOCK + offset) % STRIDE) {
                uint8_t old = file->platter[offset];

                file->platter[offset] ^= (uint8_t)(1u << offset % 8);
                memory_disk_clone(&copy, &disk);
                found += !opens_whole("a flipped bit", file->name, offset);
                memory_disk_deinit(&copy);
                file->platter[offset] = old;
            }
        }
        memory_disk_deinit(&disk);
    }
    print_message("%u refused, %u repaired\n", refused, repaired);
    assert_true(found > 100);
    assert_true(repaired > 100);
}

static bool is_zero_block(const struct memory_file *file, uint64_t offset)
{
    for (uint64_t at = offset; at < offset + CC_DISK_BLOCK; at++) {
        if (file->platter[at] != 0) {
            return false;
        }
    }
    return true;
}

/* Spares, and what is left of a file behind its last batch, are much of a disk: nothing is lost where
 * nothing was, and the next life does not even find it. */
static void does_not_care_for_zeros_that_change(void **state)
{
    uint32_t changed = 0;

    (void)state;
    make_journal(true);
    for (uint32_t number = 0; memory_disk_file(&disk, number) != NULL; number++) {
        struct memory_file *file = memory_disk_file(&disk, number);

        for (uint64_t block = CC_DISK_BLOCK; block < file->platter_size; block += CC_DISK_BLOCK) {
            uint64_t offset = block + (block / CC_DISK_BLOCK * 97) % (CC_DISK_SECTOR - 8);

            if (!is_zero_block(file, block)) {
                continue;
            }
            memory_disk_clone(&copy, &disk);
            memory_disk_file(&copy, number)->platter[offset] ^= (uint8_t)(1u << block % 7);
            assert_true(opens_whole("a bit of nothing", file->name, offset));
            assert_true(opens_whole("a bit of nothing, later", file->name, offset));
            memory_disk_deinit(&copy);
            changed++;
        }
    }
    memory_disk_deinit(&disk);
    assert_int_equal(refused, 0);
    assert_true(changed > 10);
}

/* The stamps are few bytes among many, and the ones that tell torn from damaged. */
static void finds_each_changed_stamp(void **state)
{
    static const uint8_t changes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0xff};

    (void)state;
    for (uint32_t is_sealed = 0; is_sealed <= 1; is_sealed++) {
        make_journal(is_sealed == 1);
        for (uint32_t number = 0; memory_disk_file(&disk, number) != NULL; number++) {
            struct memory_file *file = memory_disk_file(&disk, number);

            for (uint64_t sector = 0; sector < file->platter_size; sector += CC_DISK_SECTOR) {
                uint64_t offset = sector + CC_DISK_SECTOR - 8 + sector / CC_DISK_SECTOR % 8;
                uint8_t old = file->platter[offset];

                for (uint32_t i = 0; i < sizeof changes; i++) {
                    file->platter[offset] = old ^ changes[i];
                    memory_disk_clone(&copy, &disk);
                    (void)opens_whole("a changed stamp", file->name, offset);
                    memory_disk_deinit(&copy);
                }
                file->platter[offset] = old;
            }
        }
        memory_disk_deinit(&disk);
    }
}

static void zero_runs(uint64_t size)
{
    make_journal(true);
    for (uint32_t number = 0; memory_disk_file(&disk, number) != NULL; number++) {
        struct memory_file *file = memory_disk_file(&disk, number);

        for (uint64_t offset = 0; offset < file->platter_size; offset += size) {
            uint8_t old[CC_DISK_BLOCK];

            memcpy(old, file->platter + offset, size);
            memset(file->platter + offset, 0, size);
            memory_disk_clone(&copy, &disk);
            (void)opens_whole("zeros", file->name, offset);
            memory_disk_deinit(&copy);
            memcpy(file->platter + offset, old, size);
        }
    }
    memory_disk_deinit(&disk);
}

static void finds_each_zeroed_sector_of_a_sealed_journal(void **state)
{
    (void)state;
    zero_runs(CC_DISK_SECTOR);
}

static void finds_each_zeroed_block_of_a_sealed_journal(void **state)
{
    (void)state;
    zero_runs(CC_DISK_BLOCK);
}

static void does_without_each_sector_that_cannot_be_read(void **state)
{
    uint32_t before = repaired;

    (void)state;
    make_journal(true);
    is_scarred = true;
    for (uint32_t number = 0; memory_disk_file(&disk, number) != NULL; number++) {
        struct memory_file *file = memory_disk_file(&disk, number);

        for (uint64_t offset = 0; offset < file->platter_size; offset += CC_DISK_SECTOR) {
            memory_disk_clone(&copy, &disk);
            memory_disk_file(&copy, number)->scar = offset + 7;
            (void)opens_whole("an unreadable sector", file->name, offset);
            memory_disk_deinit(&copy);
        }
    }
    is_scarred = false;
    memory_disk_deinit(&disk);
    assert_true(repaired > before + 100);
}

static void finds_each_block_that_holds_another(void **state)
{
    (void)state;
    make_journal(true);
    for (uint32_t number = 0; memory_disk_file(&disk, number) != NULL; number++) {
        struct memory_file *file = memory_disk_file(&disk, number);

        for (uint64_t offset = 0; offset < file->platter_size; offset += CC_DISK_BLOCK) {
            uint64_t other = (offset * 5 + 3 * CC_DISK_BLOCK) % file->platter_size;

            memory_disk_clone(&copy, &disk);
            memcpy(
                memory_disk_file(&copy, number)->seen + offset, file->platter + other,
                CC_DISK_BLOCK);
            memcpy(
                memory_disk_file(&copy, number)->platter + offset, file->platter + other,
                CC_DISK_BLOCK);
            (void)opens_whole("a misplaced block", file->name, offset);
            memory_disk_deinit(&copy);
        }
    }
    memory_disk_deinit(&disk);
}

static void misses_each_file_but_the_one_made_last(void **state)
{
    uint32_t files = 0;

    (void)state;
    refused = 0;
    make_journal(true);
    for (uint32_t number = 0; memory_disk_file(&disk, number) != NULL; number++, files++) {
        memory_disk_init(&copy);
        for (uint32_t other = 0; memory_disk_file(&disk, other) != NULL; other++) {
            struct memory_file *file = memory_disk_file(&disk, other);

            if (other != number) {
                memory_disk_put(&copy, file->name, file->platter, file->platter_size);
            }
        }
        stand_open(&stand, &copy, UINT64_MAX);
        refused += stand.status == COPYCAT_ERR_DAMAGED;
        stand_close(&stand);
        memory_disk_deinit(&copy);
    }
    /* It is a spare, so nothing is lost with it. */
    assert_true(files >= 5);
    assert_int_equal(refused, files - 1);
    memory_disk_deinit(&disk);
}

static void misses_the_end_of_a_shortened_file(void **state)
{
    (void)state;
    make_journal(true);
    for (uint32_t number = 0; memory_disk_file(&disk, number) != NULL; number++) {
        struct memory_file *file = memory_disk_file(&disk, number);
        size_t size = file->platter_size;

        for (size_t shorter = 0; shorter < size; shorter += CC_DISK_BLOCK) {
            bool is_newest = memory_disk_file(&disk, number + 1) == NULL;

            file->platter_size = shorter;
            memory_disk_clone(&copy, &disk);
            stand_open(&stand, &copy, UINT64_MAX);
            if (stand.is_open && !is_newest && !stand_states_match(&expected, &stand.found)) {
                fail_msg(
                    "%s cut to %zu made a log of %llu entries", file->name, shorter,
                    (unsigned long long)stand.found.last);
            }
            stand_close(&stand);
            memory_disk_deinit(&copy);
        }
        file->platter_size = size;
    }
    memory_disk_deinit(&disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_not_care_for_zeros_that_change),
        cmocka_unit_test(finds_each_flipped_byte_or_does_not_care),
        cmocka_unit_test(finds_each_changed_stamp),
        cmocka_unit_test(finds_each_zeroed_sector_of_a_sealed_journal),
        cmocka_unit_test(finds_each_zeroed_block_of_a_sealed_journal),
        cmocka_unit_test(does_without_each_sector_that_cannot_be_read),
        cmocka_unit_test(finds_each_block_that_holds_another),
        cmocka_unit_test(misses_each_file_but_the_one_made_last),
        cmocka_unit_test(misses_the_end_of_a_shortened_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
