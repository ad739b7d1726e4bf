/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is promised of disks that are full, slow or hang: nothing stops for good, nothing gathers
 * without a bound, and it goes on by itself.
 */
#include "cluster_stand.h"

#include <stdio.h>

#define OPERATIONS 4000u
#define MESSAGES_WAITING_MAX 16u /* some for each of the others */
#define UNSETTLED_MAX 64u
#define CLIENTS 3u
#define WINDOW 8u

static int setup(void **state)
{
    struct cc_workload_options work = stand_puts(OPERATIONS, WINDOW, 10);

    (void)state;
    return stand_begin(
        &(struct cc_cluster_options){
            .seed = 5,
            .voter_count = 3,
            .client_count = CLIENTS,
            .election_timeout_us = 300000,
            .file_size = 65536,
            .uncommitted_max = UNSETTLED_MAX,
            .cache_bytes_max = 1048576},
        &work);
}

static void fill(uint32_t servers, bool is_full)
{
    for (uint32_t i = 0; i < servers; i++) {
        cc_world_disk_full(cluster->world, i, is_full);
    }
}

static uint64_t acknowledged(void)
{
    return cc_workload_totals(workload)->acknowledged;
}

static void a_cluster_without_space_waits_and_goes_on_by_itself(void **state)
{
    (void)state;
    fill(3, true);
    cc_workload_start(workload);
    run_for(10000000);

    uint64_t before = acknowledged();

    assert_true(before > 0); /* the files at hand were used first */
    assert_true(before < OPERATIONS / 2);
    run_for(5000000);
    assert_int_equal(acknowledged(), before);
    assert_int_equal(cluster->totals.failures, 0);

    fill(3, false);
    run_for(20000000);
    assert_int_equal(cluster->totals.failures, 0);
    assert_true(cc_workload_is_done(workload));
    assert_true(acknowledged() > OPERATIONS * 9 / 10);
}

static void a_leader_without_space_leaves_it_to_the_others(void **state)
{
    (void)state;
    uint32_t leader = cc_cluster_leader(cluster);

    cc_world_disk_full(cluster->world, leader, true);
    cc_workload_start(workload);
    run_for(30000000);
    assert_int_not_equal(cc_cluster_leader(cluster), leader);
    assert_true(cc_workload_is_done(workload));
    assert_true(acknowledged() > OPERATIONS * 9 / 10);
    assert_int_equal(cluster->totals.failures, 0);
}

/* The others commit without its disk, so what it has to write would gather as long as it leads. */
static void a_leader_with_a_slow_disk_takes_no_more_than_it_may_keep(void **state)
{
    (void)state;
    uint32_t leader = cc_cluster_leader(cluster);
    uint64_t most = 0;

    cc_world_disk_slow(cluster->world, leader, 50);
    cc_workload_start(workload);
    for (uint32_t i = 0; i < 4000; i++) {
        run_for(1000);

        const struct cc_raft *core = cluster->seats[leader].server->group->core;
        uint64_t unsettled = cc_raft_last(core) - cc_raft_stable(core);

        most = unsettled > most ? unsettled : most;
    }
    assert_int_equal(cc_cluster_leader(cluster), leader);
    assert_in_range(most, CLIENTS * WINDOW, UNSETTLED_MAX);
    cc_world_disk_slow(cluster->world, leader, 1);
    run_for(20000000);
    assert_true(cc_workload_is_done(workload));
    assert_true(acknowledged() > OPERATIONS * 9 / 10);
}

/* Nobody is elected meanwhile, so one server asks and asks, and the others' answers wait. */
static void what_waits_for_disks_that_hang_does_not_grow(void **state)
{
    (void)state;
    cc_workload_start(workload);
    run_for(1000000);

    uint32_t leader = cc_cluster_leader(cluster);

    assert_int_not_equal(leader, UINT32_MAX);
    for (uint32_t server = 0; server < 3; server++) {
        if (server != leader) {
            cc_world_disk_stick(cluster->world, server, true);
        }
    }
    run_for(1000000);
    cc_cluster_crash(cluster, leader);
    cc_cluster_start(cluster, leader);
    run_for(5000000);
    assert_int_equal(cc_cluster_leader(cluster), UINT32_MAX);
    for (uint32_t i = 0; i < 120; i++) {
        run_for(1000000);
        for (uint32_t server = 0; server < 3; server++) {
            assert_in_range(
                cluster->seats[server].server->group->delayed_count, 0, MESSAGES_WAITING_MAX);
        }
    }
    for (uint32_t server = 0; server < 3; server++) {
        cc_world_disk_stick(cluster->world, server, false);
    }
    run_for(20000000);
    assert_int_not_equal(cc_cluster_leader(cluster), UINT32_MAX);
}

/* Whatever the write was for that the disk hung in, be it the head of a new file or a seal. */
static void a_disk_may_hang_at_any_write(void **state)
{
    (void)state;
    cc_workload_start(workload);
    for (uint32_t i = 0; i < 60; i++) {
        for (uint32_t server = 0; server < 3; server++) {
            cc_world_disk_stick(cluster->world, server, true);
        }
        run_for(700000);
        for (uint32_t server = 0; server < 3; server++) {
            cc_world_disk_stick(cluster->world, server, false);
        }
        run_for(100000 + i * 7919);
    }
    run_for(20000000);
    assert_int_not_equal(cc_cluster_leader(cluster), UINT32_MAX);
    assert_true(cc_workload_is_done(workload));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_cluster_without_space_waits_and_goes_on_by_itself, setup, stand_end),
        cmocka_unit_test_setup_teardown(
            a_leader_without_space_leaves_it_to_the_others, setup, stand_end),
        cmocka_unit_test_setup_teardown(
            a_leader_with_a_slow_disk_takes_no_more_than_it_may_keep, setup, stand_end),
        cmocka_unit_test_setup_teardown(
            what_waits_for_disks_that_hang_does_not_grow, setup, stand_end),
        cmocka_unit_test_setup_teardown(a_disk_may_hang_at_any_write, setup, stand_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
