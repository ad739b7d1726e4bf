/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_servers_test -- counters are only subtracted where the difference means something.
 */
#include "bench_servers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct bench_servers before;
static struct bench_servers after;
static copycat_probe_counters all;
static copycat_probe_counters leader;

static int set_up(void **state)
{
    (void)state;
    memset(&before, 0, sizeof before);
    before.member_count = 3;
    before.answer_count = 3;
    before.leader = 2;
    for (uint32_t i = 0; i < 3; i++) {
        before.ids[i] = i + 1;
        before.has_answered[i] = true;
        before.counters[i].journal_writes = 100;
        before.counters[i].allocations = 7;
    }
    after = before;
    after.counters[0].journal_writes = 101;
    after.counters[1].journal_writes = 120;
    after.counters[2].journal_writes = 103;
    after.counters[1].allocations = 9;
    return 0;
}

static bool subtract(void)
{
    return bench_servers_subtract(&before, &after, &all, &leader);
}

static void adds_up_what_all_did_and_what_the_leader_did(void **state)
{
    (void)state;
    assert_true(subtract());
    assert_int_equal(all.journal_writes, 24);
    assert_int_equal(leader.journal_writes, 20);
    assert_int_equal(all.allocations, 2);
    assert_int_equal(leader.allocations, 2);
    assert_int_equal(all.waits, 0);
}

static void says_nothing_of_a_server_that_was_started_anew(void **state)
{
    (void)state;
    after.counters[2].journal_writes = 5;
    assert_false(subtract());
}

static void says_nothing_if_the_leader_changed(void **state)
{
    (void)state;
    after.leader = 3;
    assert_false(subtract());
    before.leader = after.leader = 0;
    assert_false(subtract());
}

static void says_nothing_if_somebody_was_silent(void **state)
{
    (void)state;
    before.has_answered[0] = false;
    assert_false(subtract());
    before.has_answered[0] = true;
    after.has_answered[1] = false;
    assert_false(subtract());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(adds_up_what_all_did_and_what_the_leader_did, set_up),
        cmocka_unit_test_setup(says_nothing_of_a_server_that_was_started_anew, set_up),
        cmocka_unit_test_setup(says_nothing_if_the_leader_changed, set_up),
        cmocka_unit_test_setup(says_nothing_if_somebody_was_silent, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
