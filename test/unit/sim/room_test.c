/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is promised where disks are nearly full: what would store more is refused before anything is
 * met by surprise, all else goes on, who has room leads, and it ends by itself.
 */
#include "cluster_stand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_SIZE 1048576u
#define SMALL_FILE_SIZE 65536u

static void make(const struct cc_cluster_options *options, uint32_t operations, uint32_t kinds)
{
    struct cc_workload_options work = stand_puts(operations, 4, 10);

    work.kinds = kinds;
    assert_int_equal(stand_begin(options, &work), 0);
}

static struct cc_cluster_options three(uint64_t file_size)
{
    return (struct cc_cluster_options){
        .seed = 7,
        .voter_count = 3,
        .client_count = 2,
        .election_timeout_us = 300000,
        .file_size = file_size,
        .cache_bytes_max = 1048576};
}

static void leave_room(uint64_t room)
{
    for (uint32_t i = 0; i < cluster->server_count; i++) {
        cc_world_disk_bound(cluster->world, i, room);
    }
}

static uint64_t stored_since(uint64_t begun_us)
{
    return cc_workload_stored_us(workload) >= begun_us;
}

static void expect_to_store(void)
{
    uint64_t begun_us = cc_world_now_us(cluster->world);

    cc_workload_go_on(workload, 50);
    run_for(10000000);
    assert_true(cc_workload_is_done(workload));
    assert_true(stored_since(begun_us));
}

static void a_leader_that_is_short_of_room_hands_over(void **state)
{
    struct cc_cluster_options options = three(FILE_SIZE);
    uint32_t leader;

    (void)state;
    make(&options, 300, 1u << CC_HISTORY_PUT);
    leader = cc_cluster_leader(cluster);
    cc_world_disk_bound(cluster->world, leader, 100000);
    run_for(3000000);
    assert_int_not_equal(cc_cluster_leader(cluster), leader);
    assert_non_null(strstr(cluster->seats[leader].server->last_notice, "nearly full"));
    cc_workload_start(workload);
    run_for(10000000);
    assert_true(cc_workload_is_done(workload));
    assert_int_equal(cc_workload_totals(workload)->failed, 0);
}

static void a_minority_that_is_short_of_room_is_done_without(void **state)
{
    struct cc_cluster_options options = three(FILE_SIZE);

    (void)state;
    make(&options, 300, 1u << CC_HISTORY_PUT);
    cc_world_disk_bound(cluster->world, (cc_cluster_leader(cluster) + 1) % 3, 100000);
    run_for(3000000);
    cc_workload_start(workload);
    run_for(10000000);
    assert_true(cc_workload_is_done(workload));
    assert_int_equal(cc_workload_totals(workload)->failed, 0);
}

/* What is kept for a member that is away has made the journal large, and would make its files so. */
static void a_grown_journal_does_not_ask_for_larger_files_than_there_is_room_for(void **state)
{
    struct cc_cluster_options options = three(FILE_SIZE);

    (void)state;
    options.batch_size_max = 4096;
    options.image_entries = 200;
    options.keep_bytes = UINT64_C(1) << 30;
    make(&options, 5000, 1u << CC_HISTORY_PUT);
    cc_cluster_crash(cluster, (cc_cluster_leader(cluster) + 1) % 3);
    cc_workload_start(workload);
    while (!cc_workload_is_done(workload)) {
        run_for(10000);
    }
    assert_true(
        cc_journal_disk_bytes(group_at(cc_cluster_leader(cluster))->journal) > 8 * FILE_SIZE);
    leave_room(FILE_SIZE / 4 * 3);
    for (uint32_t i = 0; i < 20; i++) {
        run_for(100000);
        assert_false(cc_group_room_is_short(group_at(cc_cluster_leader(cluster))));
    }
}

/* The judge of the workload says if a read or a removal was refused. */
static void a_majority_that_is_short_of_room_stores_nothing_and_goes_on_by_itself(void **state)
{
    struct cc_cluster_options options = three(FILE_SIZE);
    uint64_t begun_us;

    (void)state;
    make(&options, 60, 1u << CC_HISTORY_PUT | 1u << CC_HISTORY_GET | 1u << CC_HISTORY_REMOVE);
    cc_workload_start(workload);
    run_for(3000000);
    leave_room(100000);
    run_for(3000000);
    begun_us = cc_world_now_us(cluster->world);
    cc_workload_go_on(workload, 60);
    run_for(5000000);
    assert_true(cc_workload_is_done(workload));
    assert_false(stored_since(begun_us));
    assert_true(cc_workload_totals(workload)->failed > 0);
    assert_true(cc_workload_totals(workload)->acknowledged > 60); /* reads, and removals */
    leave_room(COPYCAT_NONE);
    run_for(3000000);
    expect_to_store();
    for (uint32_t i = 0; i < 3; i++) {
        assert_null(strstr(cluster->seats[i].server->last_notice, "full"));
    }
}

/* No image would be due for long: it comes for the room that it gives. */
static void a_disk_that_is_small_for_ever_is_enough(void **state)
{
    struct cc_cluster_options options = three(SMALL_FILE_SIZE);

    (void)state;
    options.disk_size = 16 * SMALL_FILE_SIZE;
    options.image_bytes = UINT64_C(1) << 30;
    options.image_entries = 1000000;
    options.batch_size_max = 1; /* a block of the journal for each entry */
    make(&options, 2000, 1u << CC_HISTORY_PUT);
    cc_workload_start(workload);
    run_for(60000000);
    assert_true(cc_workload_is_done(workload));
    assert_int_equal(cluster->totals.failures, 0);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(cluster->seats[i].server->group->base.index > 0);
    }
    expect_to_store();
}

static void a_state_that_is_as_large_as_it_may_be_does_not_grow(void **state)
{
    struct cc_cluster_options options = three(FILE_SIZE);

    (void)state;
    options.state_quota = 20000; /* an image alone has two blocks */
    options.image_bytes = UINT64_C(1) << 30;
    options.image_entries = 1000000;
    make(&options, 2000, 1u << CC_HISTORY_PUT);
    cc_workload_start(workload);
    run_for(30000000);
    assert_true(cc_workload_is_done(workload));
    assert_true(cc_workload_totals(workload)->failed > 0);
    run_for(3000000);
    expect_to_store(); /* what was overwritten is gone, once an image was taken */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, stand_end)
    const struct CMUnitTest tests[] = {
        TEST(a_leader_that_is_short_of_room_hands_over),
        TEST(a_minority_that_is_short_of_room_is_done_without),
        TEST(a_grown_journal_does_not_ask_for_larger_files_than_there_is_room_for),
        TEST(a_majority_that_is_short_of_room_stores_nothing_and_goes_on_by_itself),
        TEST(a_disk_that_is_small_for_ever_is_enough),
        TEST(a_state_that_is_as_large_as_it_may_be_does_not_grow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
