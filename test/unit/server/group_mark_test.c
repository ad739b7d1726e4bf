/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_mark -- entries at which all members compare: they come as often as is asked for, and who
 * had another state stops.
 */
#include "unit/server/server_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ENTRIES 5u

static uint32_t leader;
static uint32_t follower;

static int set_up(void **state)
{
    (void)state;
    stand_make(3);
    for (uint32_t place = 0; place < 3; place++) {
        stand_server(place)->options.image_entries = ENTRIES;
    }
    leader = stand_leader();
    follower = stand_follower();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stand_free();
    return 0;
}

static void let_entries_come(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        cc_group_propose(stand_group(leader), CC_ENTRY_TICK, (copycat_bytes){NULL, 0});
        stand_run(100000);
    }
}

static void all_members_know_the_same_mark(void **state)
{
    (void)state;
    let_entries_come(2 * ENTRIES);

    const struct cc_marks *marks = &stand_group(leader)->marks;

    assert_true(marks->index > 0);
    for (uint32_t place = 0; place < 3; place++) {
        assert_int_equal(stand_group(place)->marks.index, marks->index);
        assert_int_equal(stand_group(place)->marks.digest, marks->digest);
    }
}

static void a_mark_comes_every_so_many_entries_and_not_by_itself(void **state)
{
    (void)state;
    let_entries_come(ENTRIES);

    uint64_t first = stand_group(leader)->marks.index;

    stand_run(5000000);
    assert_int_equal(stand_group(leader)->marks.index, first);
    let_entries_come(ENTRIES);
    assert_int_equal(stand_group(leader)->marks.index, first + ENTRIES + 1);
}

static void a_member_that_had_another_state_stops(void **state)
{
    (void)state;
    let_entries_come(2 * ENTRIES);
    stand_group(follower)->marks.digest ^= 1;
    for (uint32_t i = 0; i < 2 * ENTRIES; i++) {
        cc_group_propose(stand_group(leader), CC_ENTRY_TICK, (copycat_bytes){NULL, 0});
        cc_cluster_run(cluster, cc_world_now_us(cluster->world) + 100000);
    }
    assert_non_null(cc_judge_verdict(cluster->judge)); /* nobody had harmed it */
    assert_int_equal(stand_server(follower)->state, CC_SERVER_FAILED);
    assert_int_equal(stand_server(follower)->failed, COPYCAT_ERR_BROKEN);
    assert_non_null(strstr(stand_server(follower)->last_notice, "differs from the leader's"));
    assert_int_equal(stand_server(leader)->state, CC_SERVER_MEMBER);
}

/* Nothing is taken while leadership is handed over; the mark was offered again at once, for ever. */
static void a_mark_that_is_refused_is_offered_again_later(void **state)
{
    uint64_t last;

    (void)state;
    do {
        let_entries_come(1);
        last = stand_group(leader)->marks.index;
    } while (cc_raft_last(stand_group(leader)->core) == last);
    cc_world_cut(cluster->world, leader, follower, true);
    assert_int_equal(cc_server_transfer(stand_server(leader), follower + 1), COPYCAT_OK);
    stand_server(leader)->options.image_entries = 1;
    cc_group_wake(stand_group(leader));
    stand_run(10000);
    assert_int_equal(stand_group(leader)->marks.index, last);
    stand_run(5000000);
    assert_true(stand_group(leader)->marks.index > last);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_members_know_the_same_mark),
        TEST(a_mark_comes_every_so_many_entries_and_not_by_itself),
        TEST(a_member_that_had_another_state_stops),
        TEST(a_mark_that_is_refused_is_offered_again_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
