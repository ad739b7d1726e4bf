/* SPDX-License-Identifier: Apache-2.0 */
/* One story with everything in it, crashed and failed at each of its disk calls. */
#include "base/assert.h"
#include "log_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SUBSETS 4u /* different ones for each call */

static struct log_stand stand;

static void append_some(uint32_t count)
{
    for (uint32_t i = 0; i < count && !stand.disk.has_failed; i++) {
        (void)log_stand_append(&stand, i % 7 == 6 ? 2 : 0);
    }
}

static void clean_each(uint64_t from, uint64_t to, uint64_t stride)
{
    for (uint64_t i = from; i <= to && !stand.disk.has_failed; i += stride) {
        (void)log_stand_clean(&stand, i);
    }
}

static void clean_now(void)
{
    bool is_more = true;

    while (is_more && !stand.disk.has_failed) {
        if (cc_commitlog_clean_some(stand.log, 1500, &is_more) != COPYCAT_OK) {
            break;
        }
        (void)log_stand_append(&stand, 0);
    }
}

/* Stops where the disk does. */
static void tell_story(void)
{
    append_some(80);
    (void)log_stand_flush(&stand);
    clean_each(1, 60, 2);
    append_some(60);
    (void)log_stand_flush(&stand);
    clean_now();
    clean_each(2, 90, 3);
    if (!stand.disk.has_failed) {
        (void)log_stand_clean_where(&stand, 120, 5);
    }
    if (!stand.disk.has_failed) {
        (void)log_stand_truncate(&stand, stand.now.last - 30);
    }
    append_some(50);
    clean_each(70, 140, 2);
    clean_now();
    if (!stand.disk.has_failed && log_stand_close(&stand) == COPYCAT_OK) {
        (void)log_stand_open(&stand);
    }
    if (stand.log == NULL || stand.disk.has_failed) {
        return;
    }
    (void)log_stand_forget(&stand, 40);
    append_some(20);
    if (!stand.disk.has_failed) {
        (void)log_stand_retain_to(&stand, 80, 10 * 43, 0);
    }
    (void)log_stand_flush(&stand);
    if (!stand.disk.has_failed) {
        (void)log_stand_truncate(&stand, 60);
    }
    append_some(10);
    (void)log_stand_flush(&stand);
}

static uint64_t count_calls(void)
{
    uint64_t calls;

    log_stand_init(&stand);
    assert_int_equal(log_stand_open(&stand), COPYCAT_OK);
    tell_story();
    calls = stand.disk.calls;
    assert_true(log_stand_is_equal(&stand));
    log_stand_deinit(&stand);
    return calls;
}

/* Opens what is left, and sees that it can be gone on with. */
static void check_survivor(uint64_t call, enum crash_mode mode)
{
    if (log_stand_open(&stand) != COPYCAT_OK) {
        print_error("call %u, mode %d: %s\n", (unsigned)call, mode, stand.message.text);
        fail();
    }
    if (!log_stand_is_survivor(&stand)) {
        print_error("call %u, mode %d\n", (unsigned)call, mode);
        fail();
    }
    append_some(12);
    assert_int_equal(log_stand_flush(&stand), COPYCAT_OK);
    assert_int_equal(log_stand_close(&stand), COPYCAT_OK);
    assert_int_equal(log_stand_open(&stand), COPYCAT_OK);
    assert_true(log_stand_is_equal(&stand));
    assert_int_equal(cc_commitlog_verify(stand.log), COPYCAT_OK);
}

static void after_a_crash_at_any_call_what_was_flushed_is_there_and_nothing_half(void **state)
{
    uint64_t calls = count_calls();

    (void)state;
    print_message("%u disk calls\n", (unsigned)calls);
    assert_true(calls > 100);
    for (uint64_t call = 2; call <= calls; call++) {
        for (uint32_t variant = 0; variant < CRASH_SUBSET + SUBSETS; variant++) {
            enum crash_mode mode = variant < CRASH_SUBSET ? (enum crash_mode)variant : CRASH_SUBSET;

            log_stand_init(&stand);
            stand.disk.crash_at = call;
            if (log_stand_open(&stand) == COPYCAT_OK) {
                tell_story();
            }
            log_stand_crash(&stand, mode, call * 16 + variant);
            check_survivor(call, mode);
            log_stand_deinit(&stand);
        }
    }
}

/* Recovery may be cut short as well, and once more. */
static void a_crash_during_recovery_changes_nothing(void **state)
{
    uint64_t calls = count_calls();

    (void)state;
    for (uint64_t call = 7; call <= calls; call += 7) {
        log_stand_init(&stand);
        stand.disk.crash_at = call;
        if (log_stand_open(&stand) == COPYCAT_OK) {
            tell_story();
        }
        log_stand_crash(&stand, CRASH_SUBSET, call);
        for (uint64_t again = 1; again < 40; again += 3) {
            stand.disk.crash_at = stand.disk.calls + again;
            (void)log_stand_open(&stand);
            log_stand_crash(&stand, CRASH_SUBSET, call + again);
        }
        check_survivor(call, CRASH_SUBSET);
        log_stand_deinit(&stand);
    }
}

/* What the next process reads was perhaps written and never synced; what it says must hold. */
static void what_a_killed_process_has_left_in_the_cache_is_not_built_upon(void **state)
{
    uint64_t calls = count_calls();

    (void)state;
    for (uint64_t call = 2; call <= calls; call++) {
        for (uint32_t variant = 0; variant < 3; variant++) {
            log_stand_init(&stand);
            stand.disk.crash_at = call;
            if (log_stand_open(&stand) == COPYCAT_OK) {
                tell_story();
            }
            log_stand_kill(&stand);
            assert_int_equal(log_stand_open(&stand), COPYCAT_OK);
            assert_true(log_stand_is_survivor(&stand)); /* from here on that is a promise */
            if (variant > 0) {
                append_some(3);
                assert_int_equal(log_stand_flush(&stand), COPYCAT_OK);
            }
            log_stand_crash(&stand, variant < 2 ? CRASH_NOTHING : CRASH_SUBSET, call);
            check_survivor(call, CRASH_NOTHING);
            log_stand_deinit(&stand);
        }
    }
}

/* A call fails, the process goes on, and the log does nothing any more but tell. */
static void a_disk_that_fails_once_finishes_the_log_and_loses_nothing_that_was_flushed(void **state)
{
    uint64_t calls = count_calls();
    copycat_message message;

    (void)state;
    for (uint64_t call = 2; call <= calls; call++) {
        bool is_full = call % 2 == 0;
        bool is_opened;

        log_stand_init(&stand);
        stand.disk.fail_at = call;
        stand.disk.fail_with = is_full ? COPYCAT_ERR_DISK_FULL : COPYCAT_ERR_IO;
        is_opened = log_stand_open(&stand) == COPYCAT_OK;
        if (is_opened) {
            tell_story();
        }
        if (stand.log != NULL) {
            cc_commitlog_trouble(stand.log, &message);
            assert_true(message.text[0] != '\0');
            (void)cc_commitlog_close(stand.log);
            stand.log = NULL;
        } else {
            assert_true(is_opened || stand.message.text[0] != '\0'); /* or it failed to close */
        }
        stand.disk.crash_at = 1;
        log_stand_crash(&stand, CRASH_SUBSET, call);
        check_survivor(call, CRASH_SUBSET);
        log_stand_deinit(&stand);
    }
}

/* T-053 */
static void after_a_failed_sync_every_call_says_so(void **state)
{
    copycat_log_entry entry = log_stand_entry(1);
    bool is_more;

    (void)state;
    log_stand_init(&stand);
    assert_int_equal(log_stand_open(&stand), COPYCAT_OK);
    append_some(3);
    stand.disk.fail_at = stand.disk.calls + 2; /* the write, then the sync */
    assert_int_equal(log_stand_flush(&stand), COPYCAT_ERR_IO);
    assert_int_equal(cc_commitlog_append(stand.log, &entry, NULL), COPYCAT_ERR_IO);
    assert_int_equal(cc_commitlog_flush(stand.log), COPYCAT_ERR_IO);
    assert_int_equal(cc_commitlog_read(stand.log, 1, &entry), COPYCAT_ERR_IO);
    assert_int_equal(cc_commitlog_clean(stand.log, 1), COPYCAT_ERR_IO);
    assert_int_equal(cc_commitlog_truncate(stand.log, 1), COPYCAT_ERR_IO);
    assert_int_equal(cc_commitlog_forget(stand.log, 1), COPYCAT_ERR_IO);
    assert_int_equal(cc_commitlog_clean_some(stand.log, 1, &is_more), COPYCAT_ERR_IO);
    assert_int_equal(cc_commitlog_verify(stand.log), COPYCAT_ERR_IO);
    assert_int_equal(log_stand_close(&stand), COPYCAT_ERR_IO);
    log_stand_deinit(&stand);
}

static void every_allocation_may_fail_and_the_log_goes_on(void **state)
{
    (void)state;
    for (size_t bytes = 100; bytes < 700000; bytes += bytes / 40) {
        log_stand_init(&stand);
        stand.memory.bytes_max = bytes;
        if (log_stand_open(&stand) == COPYCAT_OK) {
            tell_story();
        }
        stand.memory.bytes_max = SIZE_MAX;
        if (stand.log != NULL) {
            assert_true(log_stand_is_equal(&stand));
            assert_int_equal(log_stand_close(&stand), COPYCAT_OK);
        }
        assert_int_equal(log_stand_open(&stand), COPYCAT_OK);
        assert_true(log_stand_is_survivor(&stand)); /* closing may have found no memory to flush */
        log_stand_deinit(&stand);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_a_crash_at_any_call_what_was_flushed_is_there_and_nothing_half),
        cmocka_unit_test(a_crash_during_recovery_changes_nothing),
        cmocka_unit_test(what_a_killed_process_has_left_in_the_cache_is_not_built_upon),
        cmocka_unit_test(
            a_disk_that_fails_once_finishes_the_log_and_loses_nothing_that_was_flushed),
        cmocka_unit_test(after_a_failed_sync_every_call_says_so),
        cmocka_unit_test(every_allocation_may_fail_and_the_log_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
