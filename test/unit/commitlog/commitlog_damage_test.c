/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that change behind the log's back: never a wrong entry, never a quiet loss. */
#include "base/crc32c.h"
#include "log_stand.h"
#include "wire/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct log_stand stand;
static struct crash_files good;

static void write_some(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(log_stand_append(&stand, i % 9 == 8 ? 3 : 0), COPYCAT_OK);
        if (i % 5 == 4) {
            assert_int_equal(log_stand_flush(&stand), COPYCAT_OK);
        }
    }
}

/* A directory of all kinds of segments: rewritten, sealed, truncated, appended to. */
static int make_good(void **state)
{
    bool is_more;

    (void)state;
    log_stand_init(&stand);
    assert_int_equal(log_stand_open(&stand), COPYCAT_OK);
    write_some(60);
    for (uint64_t i = 1; i < 40; i++) {
        (void)log_stand_clean(&stand, i);
    }
    assert_int_equal(cc_commitlog_clean_some(stand.log, UINT64_MAX, &is_more), COPYCAT_OK);
    assert_int_equal(log_stand_truncate(&stand, stand.now.last - 10), COPYCAT_OK);
    write_some(33);
    (void)log_stand_clean(&stand, stand.now.last - 20);
    assert_int_equal(log_stand_close(&stand), COPYCAT_OK);
    crash_files_clone(&good, &stand.disk);
    return 0;
}

static int forget_good(void **state)
{
    (void)state;
    log_stand_deinit(&stand);
    crash_files_deinit(&good);
    return 0;
}

static void restore_good(void)
{
    crash_files_deinit(&stand.disk);
    crash_files_clone(&stand.disk, &good);
}

/* All that can be read is right; true if all of it can. */
static bool read_all(uint64_t *damaged_out)
{
    *damaged_out = 0;
    for (uint64_t i = 1; i <= stand.now.last; i++) {
        const struct stand_entry *entry = &stand.now.entries[i];
        bool is_live = entry->state == STAND_LIVE && i >= stand.now.floor;
        copycat_log_entry wanted;
        copycat_log_entry found;
        copycat_status status = cc_commitlog_read(stand.log, i, &found);

        if (is_live && status == COPYCAT_ERR_DAMAGED) {
            copycat_message message;

            cc_commitlog_trouble(stand.log, &message);
            assert_non_null(strstr(message.text, "segment-"));
            assert_non_null(strstr(message.text, "offset"));
            ++*damaged_out;
            continue;
        }
        if (!is_live) {
            if (status != COPYCAT_ERR_INVALID) {
                print_error("index %u is there\n", (unsigned)i);
                return false;
            }
            continue;
        }
        if (status != COPYCAT_OK) {
            return false;
        }
        wanted = log_stand_entry(entry->seed);
        assert_int_equal(found.type, wanted.type);
        assert_int_equal(found.bytes.size, wanted.bytes.size);
        assert_memory_equal(found.bytes.data, wanted.bytes.data, wanted.bytes.size);
    }
    return true;
}

static void each_byte_that_flips_is_noticed_or_does_not_matter(void **state)
{
    uint64_t refused = 0;
    uint64_t unreadable = 0;
    uint64_t harmless = 0;

    (void)state;
    for (uint32_t number = 0; crash_files_at(&good, number) != NULL; number++) {
        uint64_t size = crash_files_at(&good, number)->size;

        for (uint64_t at = 0; at < size; at++) {
            copycat_status status;
            uint64_t damaged;

            restore_good();
            crash_files_at(&stand.disk, number)->seen[at] ^= (uint8_t)(1u << at % 8);
            status = log_stand_open(&stand);
            if (status != COPYCAT_OK) {
                assert_true(status == COPYCAT_ERR_DAMAGED || status == COPYCAT_ERR_NEWER);
                assert_non_null(strstr(stand.message.text, "segment-"));
                refused++;
                continue;
            }
            if (!read_all(&damaged)) {
                print_error("file %u, byte %u\n", (unsigned)number, (unsigned)at);
                fail();
            }
            if (damaged > 0) {
                assert_int_equal(cc_commitlog_verify(stand.log), COPYCAT_ERR_DAMAGED);
            }
            unreadable += damaged > 0;
            harmless += damaged == 0 && cc_commitlog_verify(stand.log) == COPYCAT_OK;
            (void)cc_commitlog_close(stand.log);
            stand.log = NULL;
        }
    }
    print_message(
        "%u refused, %u read as damaged, %u mended\n", (unsigned)refused, (unsigned)unreadable,
        (unsigned)harmless);
    assert_true(refused > 0 && unreadable > 0);
}

static void a_file_that_is_gone_is_missed(void **state)
{
    (void)state;
    for (uint32_t number = 0; crash_files_at(&good, number) != NULL; number++) {
        restore_good();
        crash_files_at(&stand.disk, number)->is_named = false;
        assert_int_equal(log_stand_open(&stand), COPYCAT_ERR_DAMAGED);
        assert_non_null(strstr(stand.message.text, "gone"));
    }
}

/* Cut at any place below what a later mark vouches for, a file is not taken for a torn one. */
static void a_file_that_is_cut_is_missed_or_ends_with_a_whole_record(void **state)
{
    uint64_t damaged;

    (void)state;
    for (uint32_t number = 0; crash_files_at(&good, number) != NULL; number++) {
        uint64_t size = crash_files_at(&good, number)->size;

        for (uint64_t at = 0; at < size; at += 3) {
            copycat_status status;

            restore_good();
            crash_files_at(&stand.disk, number)->size = at;
            status = log_stand_open(&stand);
            if (status != COPYCAT_OK) {
                assert_int_equal(status, COPYCAT_ERR_DAMAGED);
                continue;
            }
            (void)read_all(&damaged);
            assert_int_equal(damaged, 0);
            assert_int_equal(cc_commitlog_close(stand.log), COPYCAT_OK);
            stand.log = NULL;
        }
    }
}

static void a_sector_of_zeros_below_a_mark_is_damage_and_is_not_cut(void **state)
{
    uint32_t number = 0;
    struct crash_file *tail;
    uint64_t size;

    (void)state;
    for (uint32_t i = 1; crash_files_at(&good, i) != NULL; i++) {
        /* The one that is appended to begins last, and digits compare as letters do. */
        if (strcmp(crash_files_at(&good, i)->name, crash_files_at(&good, number)->name) > 0) {
            number = i;
        }
    }
    size = crash_files_at(&good, number)->size;
    for (uint64_t at = CC_FILES_SECTOR; at + 2 * CC_FILES_SECTOR < size; at += CC_FILES_SECTOR) {
        restore_good();
        tail = crash_files_at(&stand.disk, number);
        memset(tail->seen + at, 0, CC_FILES_SECTOR);
        assert_int_equal(log_stand_open(&stand), COPYCAT_ERR_DAMAGED);
        assert_non_null(strstr(stand.message.text, "offset"));
    }
}

/* T-050: the last flush has no mark behind it that says so, but all of it was written. */
static void a_flip_in_the_last_flush_is_not_taken_for_a_torn_end(void **state)
{
    struct log_stand *fresh = calloc(1, sizeof *fresh);
    uint32_t refused = 0;
    uint64_t begin = 0;

    (void)state;
    assert_non_null(fresh);
    for (uint32_t seed = 1; seed < 40; seed++) {
        log_stand_init(fresh);
        fresh->seeds = seed * 10;
        fresh->options.segment_size = 64 << 10;
        assert_int_equal(log_stand_open(fresh), COPYCAT_OK);
        for (uint32_t i = 0; i < 6; i++) {
            assert_int_equal(log_stand_append(fresh, 0), COPYCAT_OK);
            if (i == 2 || i == 5) {
                begin = crash_files_at(&fresh->disk, 0)->size;
                assert_int_equal(log_stand_flush(fresh), COPYCAT_OK);
            }
        }
        log_stand_crash(fresh, CRASH_NOTHING, seed); /* without the mark of closing */
        for (uint64_t at = begin; at < crash_files_at(&fresh->disk, 0)->size; at += 1 + seed % 5) {
            crash_files_at(&fresh->disk, 0)->seen[at] ^= 0x10;
            assert_int_equal(log_stand_open(fresh), COPYCAT_ERR_DAMAGED);
            assert_non_null(strstr(fresh->message.text, "offset"));
            crash_files_at(&fresh->disk, 0)->seen[at] ^= 0x10;
            refused++;
        }
        log_stand_deinit(fresh);
    }
    free(fresh);
    assert_true(refused > 1000);
}

/* T-058, T-059: whole records, but not these. */
static void a_record_is_not_believed_in_another_file(void **state)
{
    uint32_t pairs = 0;
    uint64_t damaged;

    (void)state;
    for (uint32_t i = 0; crash_files_at(&good, i) != NULL; i++) {
        for (uint32_t j = 0; crash_files_at(&good, j) != NULL; j++) {
            if (i == j || crash_files_at(&good, i)->size < 1024 ||
                crash_files_at(&good, j)->size < 1024) {
                continue;
            }
            restore_good();
            memcpy(
                crash_files_at(&stand.disk, j)->seen + 512,
                crash_files_at(&stand.disk, i)->seen + 512, 512);
            pairs++;
            if (log_stand_open(&stand) == COPYCAT_OK) {
                assert_true(read_all(&damaged));
                assert_int_equal(cc_commitlog_verify(stand.log), COPYCAT_ERR_DAMAGED);
                (void)cc_commitlog_close(stand.log);
                stand.log = NULL;
            }
        }
    }
    assert_true(pairs > 1);
}

static void a_newer_version_is_refused_and_nothing_is_changed(void **state)
{
    uint8_t *head;

    (void)state;
    restore_good();
    head = crash_files_at(&stand.disk, 0)->seen;
    head[8] = 2;
    cc_store_u32(head + 4, cc_crc32c(0, head + 8, CC_FILES_SECTOR - 8));
    assert_int_equal(log_stand_open(&stand), COPYCAT_ERR_NEWER);
    assert_non_null(strstr(stand.message.text, "newer"));
    for (uint32_t i = 0; crash_files_at(&good, i) != NULL; i++) {
        assert_int_equal(crash_files_at(&stand.disk, i)->size, crash_files_at(&good, i)->size);
        assert_int_equal(crash_files_at(&stand.disk, i)->change_count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_that_flips_is_noticed_or_does_not_matter),
        cmocka_unit_test(a_file_that_is_gone_is_missed),
        cmocka_unit_test(a_file_that_is_cut_is_missed_or_ends_with_a_whole_record),
        cmocka_unit_test(a_sector_of_zeros_below_a_mark_is_damage_and_is_not_cut),
        cmocka_unit_test(a_flip_in_the_last_flush_is_not_taken_for_a_torn_end),
        cmocka_unit_test(a_record_is_not_believed_in_another_file),
        cmocka_unit_test(a_newer_version_is_refused_and_nothing_is_changed),
    };

    return cmocka_run_group_tests(tests, make_good, forget_good);
}
