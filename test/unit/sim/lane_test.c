/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is promised while an image goes to a member that was away: the others and what they do are not
 * held up, and the member arrives.
 */
#include "server/node/node.h"
#include "sim/workload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEYS 8000u
#define TIMEOUT_US UINT64_C(300000)

static struct cc_cluster *cluster;
static struct cc_workload *workload;

static void run_for(uint64_t time_us)
{
    cc_cluster_run(cluster, cc_world_now_us(cluster->world) + time_us);
    if (cc_judge_verdict(cluster->judge) != NULL) {
        fail_msg("%s", cc_judge_verdict(cluster->judge));
    }
}

static int setup(void **state)
{
    struct cc_cluster_options options = {
        .seed = 11,
        .voter_count = 3,
        .client_count = 4,
        .election_timeout_us = TIMEOUT_US,
        .file_size = 262144,
        .image_entries = KEYS,
        .keep_bytes = 1};
    struct cc_workload_options work = {
        .operations_max = 4 * KEYS,
        .window = 16,
        .keys = KEYS,
        .maps = 1,
        .think_us_max = 1000,
        .kinds = 1u << CC_HISTORY_PUT,
        .session_timeout_us = 60000000};

    (void)state;
    cluster = cc_cluster_create(&options);
    workload = cc_workload_create(cluster, &work);
    for (uint32_t place = 0; place < 3; place++) {
        cc_cluster_start(cluster, place);
    }
    run_for(3000000);
    return cc_cluster_is_settled(cluster) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    cc_workload_destroy(workload);
    cc_cluster_destroy(cluster);
    return 0;
}

static struct cc_group *group_at(uint32_t place)
{
    assert_non_null(cluster->seats[place].server->group);
    return cluster->seats[place].server->group;
}

static void links_between(uint32_t left, uint32_t right, uint32_t bytes_per_ms)
{
    cc_world_link(cluster->world, left, right)->bytes_per_ms = bytes_per_ms;
    cc_world_link(cluster->world, right, left)->bytes_per_ms = bytes_per_ms;
}

static void run_until_fetching(uint32_t place)
{
    for (uint32_t i = 0; i < 5000; i++) {
        if (cluster->seats[place].server->group != NULL && group_at(place)->fetching != NULL) {
            return;
        }
        run_for(1000);
    }
    fail_msg("no image is fetched");
}

/* So that an image is needed. */
static uint32_t make_away(void)
{
    uint32_t away = (cc_cluster_leader(cluster) + 1) % 3;

    cc_cluster_crash(cluster, away);
    cc_workload_start(workload);
    for (uint32_t i = 0; i < 100 && !cc_workload_is_done(workload); i++) {
        run_for(1000000);
    }
    assert_true(cc_workload_is_done(workload));
    run_for(10000000); /* it is not waited for any more */
    return away;
}

/* T-047: the leader needs the answers of the member that fetches, which come as always. */
static void nobody_is_elected_while_an_image_fills_a_slow_link(void **state)
{
    (void)state;
    uint32_t away = make_away();
    uint32_t leader = cc_cluster_leader(cluster);
    uint64_t term = cc_raft_term(group_at(leader)->core);

    links_between(leader, away, 60);
    cc_cluster_start(cluster, away);
    run_until_fetching(away);
    cc_cluster_crash(cluster, 3 - leader - away);
    for (uint32_t i = 0; i < 120 && group_at(away)->base.index == 0; i++) {
        run_for(500000);
        assert_int_equal(cc_raft_term(group_at(leader)->core), term);
        assert_int_equal(cc_raft_role(group_at(leader)->core), CC_RAFT_LEADER);
        assert_int_equal(cc_raft_leader(group_at(away)->core), leader + 1);
    }
    assert_true(group_at(away)->base.index > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            nobody_is_elected_while_an_image_fills_a_slow_link, setup, teardown),
    };

    return cmocka_run_group_tests_name("lane", tests, NULL, NULL);
}
