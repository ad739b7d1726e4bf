/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_mark, group_agree -- entries at which all members compare: they come as often as is asked for,
 * and who had another state than the majority stops, whoever leads.
 */
#include "unit/server/server_stand.h"
#include "unit/server/spoil.h"

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

/* The judge is told: it would blame us for what follows. */
static void spoil_server(uint32_t place)
{
    stand_server(place)->options.checks_images = false; /* it would find that image wrong itself */
    spoil(stand_group(place)->apply);
    cc_cluster_spoiled(cluster, place, true);
}

static void assert_has_stopped(uint32_t place, const char *words)
{
    assert_int_equal(stand_server(place)->state, CC_SERVER_FAILED);
    assert_int_equal(stand_server(place)->failed, COPYCAT_ERR_BROKEN);
    assert_non_null(strstr(stand_server(place)->last_notice, words));
}

static uint32_t running(void)
{
    uint32_t count = 0;

    for (uint32_t place = 0; place < 3; place++) {
        count += stand_server(place)->state == CC_SERVER_MEMBER;
    }
    return count;
}

static void a_member_that_had_another_state_stops(void **state)
{
    (void)state;
    let_entries_come(2 * ENTRIES);
    spoil_server(follower);
    let_entries_come(2 * ENTRIES);
    assert_has_stopped(follower, "differs from that of the majority");
    assert_int_equal(running(), 2);
}

static void a_leader_that_had_another_state_stops_and_the_others_go_on(void **state)
{
    uint32_t former = leader;
    uint64_t mark;

    (void)state;
    let_entries_come(2 * ENTRIES);
    mark = stand_group(leader)->marks.index;
    spoil_server(leader);
    for (uint32_t i = 0; i < 2 * ENTRIES && stand_server(former)->failed == COPYCAT_OK; i++) {
        let_entries_come(1);
    }
    stand_run(3000000);
    assert_has_stopped(former, "differs from that of the majority");
    assert_int_equal(running(), 2);
    leader = stand_leader();
    let_entries_come(2 * ENTRIES);
    assert_true(stand_group(leader)->marks.index > mark + ENTRIES);
}

/* What it took was complete on its disk, and is not what it stands on when it starts again. */
static void an_image_of_a_state_that_was_wrong_is_nobodys(void **state)
{
    uint32_t former = leader;
    uint64_t base;

    (void)state;
    let_entries_come(2 * ENTRIES);
    base = stand_group(leader)->base.index;
    assert_true(base > 0);
    spoil_server(leader);
    for (uint32_t i = 0; i < 2 * ENTRIES && stand_server(former)->failed == COPYCAT_OK; i++) {
        let_entries_come(1);
    }
    stand_run(3000000);
    cc_cluster_kill(cluster, former);
    cc_cluster_start(cluster, former);
    while (stand_group(former) == NULL) {
        stand_run(1000);
    }
    assert_int_equal(stand_group(former)->base.index, base);
    stand_run(3000000);
    assert_true(stand_group(stand_leader())->base.index > base);
    assert_true(cc_cluster_is_settled(cluster));
}

static void let_all_ask_again(uint64_t patience_us)
{
    for (uint32_t place = 0; place < 3; place++) {
        struct cc_group *group = stand_group(place);

        group->marks.agreed = 0;
        group->ask_us = 0;
        memset(group->told, 0, sizeof group->told);
        cc_group_wake(group);
    }
    stand_run(patience_us);
}

static void who_has_not_heard_asks_and_nothing_need_be_logged(void **state)
{
    uint64_t last;

    (void)state;
    let_entries_come(2 * ENTRIES);
    last = cc_raft_last(stand_group(leader)->core);
    let_all_ask_again(1000000);
    for (uint32_t place = 0; place < 3; place++) {
        assert_int_equal(stand_group(place)->marks.agreed, stand_group(leader)->marks.index);
    }
    assert_int_equal(cc_raft_last(stand_group(leader)->core), last);
}

static void where_no_digest_has_a_majority_all_stop_and_say_so(void **state)
{
    (void)state;
    let_entries_come(2 * ENTRIES);
    for (uint32_t place = 0; place < 3; place++) {
        stand_group(place)->marks.digest += place;
        cc_cluster_spoiled(cluster, place, true);
    }
    let_all_ask_again(1000000);
    for (uint32_t place = 0; place < 3; place++) {
        assert_has_stopped(place, "none of them is that of a majority");
    }
}

static void without_a_majority_that_agrees_no_mark_is_logged(void **state)
{
    uint32_t third = 3 - leader - follower;
    uint64_t mark;

    (void)state;
    cc_cluster_stop(cluster, third);
    stand_run(1000000);
    let_entries_come(2 * ENTRIES);
    mark = stand_group(leader)->marks.index;
    stand_group(follower)->marks.digest ^= 1;
    stand_group(leader)->marks.agreed = 0;
    stand_group(leader)->ask_us = 0;
    stand_group(leader)->told[follower].digest ^= 1;
    let_entries_come(2 * ENTRIES);
    assert_int_equal(stand_group(leader)->marks.index, mark);
    stand_group(follower)->marks.digest ^= 1;
    stand_group(leader)->told[follower].digest ^= 1;
    let_entries_come(ENTRIES);
    assert_true(stand_group(leader)->marks.index > mark);
}

/* ---- fewer than three ------------------------------------------------------------------------- */

static void found_instead(uint32_t voters, uint32_t learners)
{
    struct cc_cluster_options options = {
        .seed = 5,
        .voter_count = voters,
        .learner_count = learners,
        .election_timeout_us = STAND_TIMEOUT_US,
        .file_size = 65536,
        .image_entries = ENTRIES};

    stand_free();
    cluster = cc_cluster_create(&options);
    for (uint32_t place = 0; place < voters + learners; place++) {
        cc_cluster_start(cluster, place);
    }
    stand_run(5000000);
    assert_true(cc_cluster_is_settled(cluster));
    leader = stand_leader();
}

static void who_is_alone_is_his_own_majority(void **state)
{
    (void)state;
    found_instead(1, 0);
    let_entries_come(3 * ENTRIES);
    assert_true(stand_group(0)->base.index > ENTRIES);
}

static void two_that_differ_both_stop(void **state)
{
    (void)state;
    found_instead(2, 0);
    let_entries_come(2 * ENTRIES);
    assert_true(stand_group(0)->base.index > 0 && stand_group(1)->base.index > 0);
    spoil_server(1 - leader);
    cc_cluster_spoiled(cluster, leader, true); /* as far as anybody can tell */
    for (uint32_t i = 0; i < 2 * ENTRIES && stand_server(leader)->failed == COPYCAT_OK; i++) {
        let_entries_come(1);
    }
    assert_has_stopped(leader, "none of them is that of a majority");
    assert_has_stopped(1 - leader, "none of them is that of a majority");

    /* From their disks they are equal again. */
    for (uint32_t place = 0; place < 2; place++) {
        cc_cluster_kill(cluster, place);
    }
    for (uint32_t place = 0; place < 2; place++) {
        cc_cluster_start(cluster, place);
    }
    stand_run(3000000);
    assert_true(cc_cluster_is_settled(cluster));
}

static void a_learner_that_had_another_state_stops_and_none_counts_it(void **state)
{
    (void)state;
    found_instead(1, 2);
    let_entries_come(2 * ENTRIES);
    spoil_server(1);
    let_entries_come(2 * ENTRIES);
    assert_has_stopped(1, "differs from that of the majority");
    assert_int_equal(running(), 2);
    assert_true(stand_group(2)->base.index > ENTRIES);
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
        TEST(a_leader_that_had_another_state_stops_and_the_others_go_on),
        TEST(an_image_of_a_state_that_was_wrong_is_nobodys),
        TEST(who_has_not_heard_asks_and_nothing_need_be_logged),
        TEST(where_no_digest_has_a_majority_all_stop_and_say_so),
        TEST(without_a_majority_that_agrees_no_mark_is_logged),
        TEST(who_is_alone_is_his_own_majority),
        TEST(two_that_differ_both_stop),
        TEST(a_learner_that_had_another_state_stops_and_none_counts_it),
        TEST(a_mark_that_is_refused_is_offered_again_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
