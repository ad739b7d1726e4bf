/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_crash -- power is lost at every disk call of a workload, and again during the recovery
 * from it; and what a failing disk leaves behind.
 */
#include "unit/log/journal_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define RECORDS 160u
#define SUBSETS 4u
#define VARIANTS (3u + SUBSETS)

static struct stand_script script;
static struct memory_disk disk;
static struct memory_disk copy;
static struct stand stand;

static enum memory_crash crash_of(uint32_t variant)
{
    return variant == 0   ? MEMORY_CRASH_NOTHING
           : variant == 1 ? MEMORY_CRASH_ALL
           : variant == 2 ? MEMORY_CRASH_PREFIX
                          : MEMORY_CRASH_SUBSET;
}

/* Adds the script from its record `added` on, some to a pass, until so many calls were carried out.
 */
static void run(uint64_t calls_max, uint64_t seed)
{
    struct cc_prng prng = {seed};
    uint32_t at = 0;

    while (disk.calls < calls_max && stand.failures == 0) {
        uint64_t burst = cc_prng_below(&prng, 6);

        for (; burst > 0 && at < script.count; burst--) {
            stand_add(&stand, &script.records[at++]);
        }
        stand_flush(&stand);
        if (!memory_disk_step(&disk) && at == script.count) {
            break;
        }
    }
}

/* What was found is the state after k records, durable <= k <= added; gives the largest such k. */
static void check_found(uint64_t durable, uint64_t added, const char *when, uint64_t call)
{
    static struct stand_state expected;

    assert_int_equal(stand.found.damages, 0); /* a crash damages nothing */
    for (uint64_t count = added + 1; count-- > durable;) {
        stand_script_state(&script, (uint32_t)count, &expected);
        if (stand_states_match(&expected, &stand.found)) {
            return;
        }
    }
    fail_msg(
        "%s, call %llu: found %llu entries, which no point of [%llu, %llu] has", when,
        (unsigned long long)call, (unsigned long long)stand.found.last, (unsigned long long)durable,
        (unsigned long long)added);
}

static void check_open(const char *when, uint64_t call, uint32_t variant)
{
    if (stand.status != COPYCAT_OK || !stand.is_open) {
        fail_msg(
            "%s, call %llu, variant %u: %s", when, (unsigned long long)call, variant, stand.text);
    }
}

/* Who the life at hand has been to the others; boot 0: it was never open. */
static struct {
    uint64_t boot;
    uint8_t incarnation[CC_INCARNATION_SIZE];
} said;

/* A life that was open is told from each later one by its boot, and has its incarnation (T-015). */
static void check_identity(void)
{
    if (said.boot != 0) {
        assert_true(cc_journal_boot(stand.journal) > said.boot);
        assert_memory_equal(
            cc_journal_incarnation(stand.journal), said.incarnation, CC_INCARNATION_SIZE);
    }
}

/* One life to `call`, its end, and the recovery from it; `disk` is as that left it. */
static void crash_at(uint64_t call, uint32_t variant, uint64_t *durable_out, uint64_t *added_out)
{
    memory_disk_init(&disk);
    stand_open(&stand, &disk, call);
    said.boot = 0;
    if (stand.is_open) {
        said.boot = cc_journal_boot(stand.journal);
        memcpy(said.incarnation, cc_journal_incarnation(stand.journal), CC_INCARNATION_SIZE);
        run(call, 7);
    }
    *durable_out = stand.durable;
    *added_out = stand.added;
    stand_crash(&stand, crash_of(variant), call * 31 + variant);
}

static uint64_t calls_of_workload(void)
{
    uint64_t calls;

    memory_disk_init(&disk);
    stand_open(&stand, &disk, UINT64_MAX);
    run(UINT64_MAX, 7);
    calls = disk.calls;
    assert_int_equal(stand.durable, script.count);
    assert_true(cc_journal_counters(stand.journal)->writes >= 40);
    assert_true(cc_journal_counters(stand.journal)->files >= 3);
    stand_close(&stand);
    memory_disk_deinit(&disk);
    return calls;
}

/* With one spare file or two, without switches to images and with them. */
static void draw_workload(uint64_t seed, uint32_t kind)
{
    stand.options =
        (struct cc_journal_options){.batch_size_max = 8192, .spare_files = 1 + kind % 2};
    if (kind < 2) {
        stand_script_draw(&script, seed, RECORDS, 6000);
    } else {
        stand_script_draw_switches(&script, seed, RECORDS, 6000);
    }
}

static void keeps_what_was_durable_wherever_power_is_lost(void **state)
{
    (void)state;
    for (uint32_t kind = 0; kind < 4; kind++) {
        draw_workload(11, kind);

        uint64_t calls = calls_of_workload();

        for (uint64_t call = 0; call <= calls; call++) {
            for (uint32_t variant = 0; variant < VARIANTS; variant++) {
                uint64_t durable;
                uint64_t added;

                crash_at(call, variant, &durable, &added);
                stand_open(&stand, &disk, UINT64_MAX);
                check_open("recovery", call, variant);
                check_found(durable, added, "recovery", call);
                check_identity();

                uint64_t boot = cc_journal_boot(stand.journal);

                stand_close(&stand);
                stand_open(&stand, &disk, UINT64_MAX);
                check_open("second recovery", call, variant);
                check_found(durable, added, "second recovery", call);
                assert_int_equal(cc_journal_boot(stand.journal), boot + 1);
                stand_close(&stand);
                assert_int_equal(disk.blocks_out, 0);
                memory_disk_deinit(&disk);
            }
        }
    }
}

/* The disk after one crash, and then every point of the recovery from it. */
static void crash_again(uint64_t call, uint32_t variant)
{
    uint64_t durable;
    uint64_t added;
    bool is_over = false;

    crash_at(call, variant, &durable, &added);
    for (uint64_t again = 0; !is_over; again++) {
        for (uint32_t second = 0; second < VARIANTS; second++) {
            memory_disk_clone(&copy, &disk);
            stand_open(&stand, &copy, again);
            is_over = stand.is_open;
            while (stand.is_open && copy.calls < again && memory_disk_step(&copy)) {
            }
            stand_crash(&stand, crash_of(second), again * 17 + second);
            stand_open(&stand, &copy, UINT64_MAX);
            check_open("recovery from a recovery", call * 1000 + again, variant * 10 + second);
            check_found(durable, added, "recovery from a recovery", call * 1000 + again);
            check_identity();
            stand_close(&stand);
            memory_disk_deinit(&copy);
        }
    }
    memory_disk_deinit(&disk);
}

static void keeps_it_when_power_is_lost_again_during_recovery(void **state)
{
    (void)state;
    for (uint32_t kind = 0; kind < 4; kind++) {
        draw_workload(12, kind);

        uint64_t calls = calls_of_workload();

        for (uint64_t call = 0; call <= calls; call += 3) {
            crash_again(call, (uint32_t)(call % VARIANTS));
        }
    }
}

static void stops_at_the_first_error_and_has_promised_nothing_false(void **state)
{
    (void)state;
    stand.options = (struct cc_journal_options){.batch_size_max = 8192};
    stand_script_draw(&script, 13, RECORDS, 6000);

    uint64_t calls = calls_of_workload();

    for (uint64_t call = 1; call <= calls; call++) {
        memory_disk_init(&disk);
        disk.fail_at = call;
        stand_open(&stand, &disk, UINT64_MAX);
        if (!stand.is_open) {
            assert_int_equal(stand.status, COPYCAT_ERR_IO);
            assert_int_equal(stand.opens, 1);
        } else {
            run(UINT64_MAX, 7);

            uint64_t durable = stand.durable;

            /* Nothing is promised any more, whatever else is asked (T-053). */
            assert_int_equal(stand.failures, 1);
            assert_int_equal(stand.failed, COPYCAT_ERR_IO);
            stand_flush(&stand);
            stand_settle(&stand);
            assert_int_equal(stand.durable, durable);
            assert_int_equal(stand.failures, 1);
        }

        uint64_t durable = stand.durable;
        uint64_t added = stand.added;

        stand_crash(&stand, MEMORY_CRASH_NOTHING, call);
        stand_open(&stand, &disk, UINT64_MAX);
        check_open("recovery after an error", call, 0);
        check_found(durable, added, "recovery after an error", call);
        stand_close(&stand);
        memory_disk_deinit(&disk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_was_durable_wherever_power_is_lost),
        cmocka_unit_test(keeps_it_when_power_is_lost_again_during_recovery),
        cmocka_unit_test(stops_at_the_first_error_and_has_promised_nothing_false),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
