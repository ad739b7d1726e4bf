/* SPDX-License-Identifier: Apache-2.0 */
/* Random operations on a log and on an array come to the same, whatever happens in between. */
#include "base/assert.h"
#include "base/prng.h"
#include "log_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define STEPS 1200u
#define SEEDS 60u

static struct log_stand stand;
static uint64_t current;

static void clean_some(struct cc_prng *prng)
{
    bool is_more = false;
    copycat_status status = cc_commitlog_clean_some(stand.log, cc_prng_below(prng, 6000), &is_more);

    assert_true(status == COPYCAT_OK || stand.disk.has_failed);
}

static uint64_t somewhere(struct cc_prng *prng)
{
    return 1 + cc_prng_below(prng, stand.now.last + 1);
}

/* Everything may fail once the disk has. */
static void check(copycat_status status)
{
    assert_true(status == COPYCAT_OK || status == COPYCAT_ERR_INVALID || stand.disk.has_failed);
}

/* It goes by segments, so the log itself has to be asked how far. */
static void retain(struct cc_prng *prng)
{
    uint64_t bytes = 4096 * (4 + cc_prng_below(prng, 20));
    copycat_status status = cc_commitlog_retain(stand.log, 0, bytes);

    check(status);
    for (uint64_t i = stand.now.floor; i <= stand.now.last && status == COPYCAT_OK; i++) {
        if (stand.now.entries[i].state == STAND_LIVE && !cc_commitlog_contains(stand.log, i)) {
            stand.now.floor = i + 1;
        }
    }
}

static void reopen(struct cc_prng *prng)
{
    if (cc_prng_below(prng, 2) == 0) {
        bool is_crashing = stand.disk.crash_at != 0;

        if (log_stand_close(&stand) == COPYCAT_OK) {
            assert_true(log_stand_open(&stand) == COPYCAT_OK || is_crashing);
        }
        assert_true(is_crashing || log_stand_is_equal(&stand));
        return;
    }
    stand.disk.crash_at = stand.disk.calls + 1 + cc_prng_below(prng, 30);
}

static void crash(struct cc_prng *prng)
{
    if (stand.disk.crash_at == 0) {
        stand.disk.crash_at = 1;
    }
    log_stand_crash(&stand, (enum crash_mode)cc_prng_below(prng, CRASH_MODES), cc_prng_next(prng));
    if (log_stand_open(&stand) != COPYCAT_OK) {
        print_error("seed %u: %s\n", (unsigned)current, stand.message.text);
        fail();
    }
    if (!log_stand_is_survivor(&stand)) {
        print_error("seed %u\n", (unsigned)current);
        fail();
    }
}

static void step(struct cc_prng *prng)
{
    uint64_t what = cc_prng_below(prng, 1000);

    if (what < 500) {
        uint64_t gap = cc_prng_below(prng, 12) == 0 ? 1 + cc_prng_below(prng, 5) : 0;

        if (stand.now.last + gap + 1 < STAND_INDEX_MAX) {
            check(log_stand_append(&stand, gap));
        }
    } else if (what < 800) {
        check(log_stand_clean(&stand, somewhere(prng)));
    } else if (what < 900) {
        check(log_stand_flush(&stand));
    } else if (what < 970) {
        clean_some(prng);
    } else if (what < 977) {
        uint64_t back = cc_prng_below(prng, cc_prng_below(prng, 4) == 0 ? 200 : 6);

        check(log_stand_truncate(&stand, stand.now.last > back ? stand.now.last - back : 0));
    } else if (what < 982) {
        check(log_stand_forget(&stand, 1 + cc_prng_below(prng, stand.now.last / 3 + 1)));
    } else if (what < 984) {
        retain(prng);
    } else if (what < 986) {
        uint32_t multiple = 2 + (uint32_t)cc_prng_below(prng, 9);

        check(log_stand_clean_where(&stand, cc_prng_below(prng, stand.now.last + 2), multiple));
    } else if (what < 988) {
        uint64_t bytes = cc_prng_below(prng, 2) == 0 ? 0 : 100 + cc_prng_below(prng, 60000);
        uint64_t time_us = cc_prng_below(prng, 2) == 0 ? 0 : stand.seeds * 5;

        check(log_stand_retain_to(&stand, cc_prng_below(prng, stand.now.last + 2), time_us, bytes));
    } else if (what < 990) {
        copycat_log_entry entry;

        check(cc_commitlog_read(stand.log, somewhere(prng), &entry));
    } else {
        reopen(prng);
    }
}

static void run(uint64_t seed, uint32_t rule)
{
    struct cc_prng prng = {seed};

    log_stand_init(&stand);
    stand.options.clean_rule = rule;
    stand.options.segment_count = seed % 4 == 0 ? 7 : 0;
    assert_int_equal(log_stand_open(&stand), COPYCAT_OK);
    for (uint32_t i = 0; i < STEPS; i++) {
        step(&prng);
        if (stand.disk.has_failed) {
            crash(&prng);
        }
        if (i % 50 == 0 && stand.disk.crash_at == 0) {
            assert_true(log_stand_is_equal(&stand));
        }
    }
    stand.disk.crash_at = 0;
    assert_true(log_stand_is_equal(&stand));
    assert_int_equal(cc_commitlog_verify(stand.log), COPYCAT_OK);
    log_stand_deinit(&stand);
}

static void a_log_is_what_an_array_is_through_crashes_and_cleaning(void **state)
{
    const char *text = getenv("COMMITLOG_SEEDS");
    uint64_t seeds = text == NULL ? SEEDS : strtoull(text, NULL, 10);

    (void)state;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        current = seed;
        run(seed, (uint32_t)(seed % 3));
    }
}

static void one_seed(void **state)
{
    const char *seed = getenv("COMMITLOG_SEED");

    (void)state;
    if (seed != NULL) {
        run(strtoull(seed, NULL, 10), (uint32_t)(strtoull(seed, NULL, 10) % 3));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_seed),
        cmocka_unit_test(a_log_is_what_an_array_is_through_crashes_and_cleaning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
