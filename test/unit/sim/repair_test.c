/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is promised of servers whose disks have changed behind their backs: what a peer still has
 * comes back, and while it is away nothing is acknowledged, led or forgotten for it.
 */
#include "cluster_stand.h"
#include "log/format.h"
#include "sim/sim_disk_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERATIONS 300u

static int setup_cluster(uint32_t voters)
{
    struct cc_workload_options work = stand_puts(OPERATIONS, 4, 10);

    (void)stand_begin(
        &(struct cc_cluster_options){
            .seed = 11,
            .voter_count = voters,
            .client_count = 2,
            .election_timeout_us = 300000,
            .file_size = 65536,
            .batch_size_max = 4096,
            .cache_bytes_max = 1,
            .image_bytes = UINT64_C(1) << 40}, /* none: what is damaged here is the journal */
        &work);
    cc_workload_start(workload);
    run_for(20000000);
    return cc_workload_is_done(workload) && cc_cluster_is_settled(cluster) ? 0 : -1;
}

static int setup_three(void **state)
{
    (void)state;
    return setup_cluster(3);
}

static int setup_one(void **state)
{
    (void)state;
    return setup_cluster(1);
}

static uint64_t failures(void)
{
    return cluster->totals.failures;
}

static uint64_t applied(uint32_t place)
{
    struct cc_server_status status;

    cc_server_status(server_at(place), &status);
    return status.applied;
}

/* The file of that server with the first life; its batches from the third block on hold entries. */
static struct cc_sim_file *first_file(uint32_t place)
{
    struct cc_sim_file *file = cluster->world->machines[place].disk->files;

    while (file != NULL && strstr(file->name, "journal-00000001") == NULL) {
        file = file->next;
    }
    assert_non_null(file);
    return file;
}

/* Blocks of a server that is down change their contents. */
static void damage(uint32_t place, uint64_t block, uint64_t blocks)
{
    struct cc_sim_file *file = first_file(place);

    for (uint64_t i = block * 4096; i < (block + blocks) * 4096; i++) {
        file->platter[i] ^= 0x55;
        file->seen[i] = file->platter[i];
    }
}

static void restart_with_damage(uint32_t place, uint64_t block, uint64_t blocks)
{
    cc_cluster_crash(cluster, place);
    damage(place, block, blocks);
    cc_cluster_start(cluster, place);
}

static void damaged_entries_come_back_from_the_others(void **state)
{
    (void)state;
    for (uint32_t place = 0; place < 3; place++) {
        restart_with_damage(place, 4 + place, 1);
        run_for(10000000);
        assert_true(cc_journal_counters(server_at(place)->journal)->damaged > 0);
        assert_null(cc_log_damage(server_at(place)->group->log));
        assert_true(cc_cluster_is_settled(cluster));
    }
    assert_int_equal(failures(), 0);
}

/* The place has not healed, and what was fetched for it is found by the next life. */
static void what_came_back_stays(void **state)
{
    (void)state;
    restart_with_damage(0, 5, 1);
    run_for(10000000);
    cc_cluster_crash(cluster, 1);
    cc_cluster_crash(cluster, 2);
    cc_cluster_crash(cluster, 0);
    cc_cluster_start(cluster, 0);
    run_for(3000000);
    assert_int_equal(cc_journal_counters(server_at(0)->journal)->damaged, 1);
    assert_null(cc_log_damage(server_at(0)->group->log));
}

/* No leader is needed: each is damaged at another place, and none of them may lead like that. */
static void servers_with_different_damage_mend_each_other(void **state)
{
    (void)state;
    for (uint32_t place = 0; place < 3; place++) {
        cc_cluster_crash(cluster, place);
        damage(place, 4 + 2 * place, 1);
    }
    for (uint32_t place = 0; place < 3; place++) {
        cc_cluster_start(cluster, place);
    }
    run_for(20000000);
    assert_true(cc_cluster_is_settled(cluster));
    assert_int_equal(failures(), 0);
}

static void with_the_only_copy_away_it_waits(void **state)
{
    uint64_t before = applied(0);

    (void)state;
    cc_cluster_crash(cluster, 1);
    cc_cluster_crash(cluster, 2);
    restart_with_damage(0, 5, 1);
    run_for(10000000);
    assert_non_null(server_at(0));
    assert_non_null(cc_log_damage(server_at(0)->group->log));
    assert_true(applied(0) < cc_log_damage(server_at(0)->group->log)->first);
    assert_int_equal(cc_cluster_leader(cluster), UINT32_MAX);
    cc_cluster_start(cluster, 1);
    cc_cluster_start(cluster, 2);
    run_for(10000000);
    assert_true(cc_cluster_is_settled(cluster));
    assert_true(applied(0) >= before);
    assert_int_equal(failures(), 0);
}

/* The block in which the batch with that entry begins. */
static uint64_t block_of(uint32_t place, uint64_t index)
{
    const struct cc_sim_file *file = first_file(place);
    struct cc_batch_header header = {0};

    for (uint64_t block = 0; (block + 1) * 4096 <= file->platter_size; block++) {
        if (cc_batch_read_header(file->platter + block * 4096, &header) == CC_HEADER_VALID &&
            header.summary.run_count > 0 && header.summary.touched <= index &&
            header.summary.last >= index) {
            return block;
        }
    }
    fail_msg("entry %u is not in the first file", (unsigned)index);
    return 0;
}

static void when_no_server_has_it_all_stop_and_say_where(void **state)
{
    (void)state;
    for (uint32_t place = 0; place < 3; place++) {
        cc_cluster_crash(cluster, place);
        damage(place, block_of(place, 7), 1);
        cluster->seats[place].is_damaged = true; /* it may stop, and be right */
    }
    for (uint32_t place = 0; place < 3; place++) {
        cc_cluster_start(cluster, place);
    }
    cc_cluster_run(cluster, cc_world_now_us(cluster->world) + 10000000);
    assert_int_equal(failures(), 3);
    for (uint32_t place = 0; place < 3; place++) {
        if (server_at(place) != NULL && server_at(place)->failed != COPYCAT_OK) {
            assert_int_equal(server_at(place)->failed, COPYCAT_ERR_DAMAGED);
            assert_non_null(strstr(server_at(place)->last_notice, "journal-00000001: entry "));
            assert_non_null(strstr(server_at(place)->last_notice, "(offset "));
        }
    }
}

static void a_single_server_stops_and_says_where(void **state)
{
    (void)state;
    restart_with_damage(0, 5, 1);
    cc_cluster_run(cluster, cc_world_now_us(cluster->world) + 1000000);
    assert_int_equal(failures(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            damaged_entries_come_back_from_the_others, setup_three, stand_end),
        cmocka_unit_test_setup_teardown(what_came_back_stays, setup_three, stand_end),
        cmocka_unit_test_setup_teardown(
            servers_with_different_damage_mend_each_other, setup_three, stand_end),
        cmocka_unit_test_setup_teardown(with_the_only_copy_away_it_waits, setup_three, stand_end),
        cmocka_unit_test_setup_teardown(
            when_no_server_has_it_all_stop_and_say_where, setup_three, stand_end),
        cmocka_unit_test_setup_teardown(a_single_server_stops_and_says_where, setup_one, stand_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
