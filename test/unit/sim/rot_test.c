/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is promised where the journal of a server rots while it runs: reading everything again finds
 * that, and then it is whole again, without a restart (T-052).  Nor is a restart needed for an image
 * that the disk would not give just then.
 */
#include "cluster_stand.h"
#include "log/journal_internal.h"
#include "sim/sim_disk_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRUB_INTERVAL_US UINT64_C(5000000)
#define ENTRIES 50u /* from one image to the next */
#define IN_MEMORY UINT64_C(1000000)
#define ON_DISK_ALONE 1u /* what is applied leaves memory at once */

static void expect_settled(void)
{
    run_for(3000000);
    assert_true(cc_cluster_is_settled(cluster));
    assert_int_equal(cluster->totals.failures, 0);
}

static void let_entries_come(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        cc_group_propose(
            group_at(cc_cluster_leader(cluster)), CC_ENTRY_TICK, (copycat_bytes){NULL, 0});
        run_for(20000);
    }
}

static int setup_cluster(uint32_t voters, uint64_t cache_bytes_max, uint64_t scrub_interval_us)
{
    (void)stand_begin(
        &(struct cc_cluster_options){
            .seed = 11,
            .voter_count = voters,
            .election_timeout_us = 300000,
            .file_size = 65536,
            .batch_size_max = 4096,
            .cache_bytes_max = cache_bytes_max,
            .image_entries = ENTRIES,
            .keep_bytes = 1,
            .scrub_interval_us = scrub_interval_us},
        NULL);
    let_entries_come(2 * ENTRIES + 20);
    expect_settled();
    return 0;
}

static int setup_three(void **state)
{
    (void)state;
    return setup_cluster(3, ON_DISK_ALONE, SCRUB_INTERVAL_US);
}

static int setup_three_in_memory(void **state)
{
    (void)state;
    return setup_cluster(3, IN_MEMORY, SCRUB_INTERVAL_US);
}

static int setup_one(void **state)
{
    (void)state;
    return setup_cluster(1, ON_DISK_ALONE, SCRUB_INTERVAL_US);
}

static int setup_one_in_memory(void **state)
{
    (void)state;
    return setup_cluster(1, IN_MEMORY, SCRUB_INTERVAL_US);
}

static int setup_three_that_read_nothing_again(void **state)
{
    (void)state;
    return setup_cluster(3, IN_MEMORY, COPYCAT_NONE);
}

static int setup_one_that_reads_nothing_again(void **state)
{
    (void)state;
    return setup_cluster(1, IN_MEMORY, COPYCAT_NONE);
}

static int setup_one_that_stores(void **state)
{
    struct cc_workload_options work = stand_puts(ENTRIES + ENTRIES / 2, 1, 10);

    (void)state;
    (void)stand_begin(
        &(struct cc_cluster_options){
            .seed = 11,
            .voter_count = 1,
            .client_count = 1,
            .election_timeout_us = 300000,
            .file_size = 65536,
            .batch_size_max = 4096,
            .cache_bytes_max = ON_DISK_ALONE,
            .image_entries = ENTRIES,
            .keep_bytes = 1,
            .scrub_interval_us = SCRUB_INTERVAL_US},
        &work);
    cc_workload_start(workload);
    run_for(3000000);
    return cc_workload_is_done(workload) ? 0 : -1;
}

/* The batch of this entry, in one bit. */
static void spoil(uint32_t place, uint64_t index)
{
    const struct cc_group *group = group_at(place);
    struct cc_journal_place at;
    struct cc_sim_file *file;

    if (!cc_log_place(group->log, index, &at)) {
        fail_msg("it has no place");
    }
    file = file_of(place, cc_journal_path(group->journal, at.file));
    file->platter[at.batch_block * CC_DISK_BLOCK + at.offset] ^= 1;
    file->seen[at.batch_block * CC_DISK_BLOCK + at.offset] ^= 1;
    cc_cluster_damaged(cluster, place);
}

static void spoil_uncovered(uint32_t place)
{
    spoil(place, group_at(place)->base.index + 1);
}

static void expect_whole(uint32_t place)
{
    const struct cc_group *group = group_at(place);

    assert_int_equal(server_at(place)->state, CC_SERVER_MEMBER);
    assert_null(cc_log_damage(group->log));
    assert_int_equal(group->scrubbed.found, 1);
    assert_int_equal(group->scrubbed.repaired, 1);
    assert_true(group->scrubbed.rounds >= 1);
    assert_string_equal(server_at(place)->last_notice, "");
    for (uint64_t index = group->base.index + 1; index <= cc_log_last(group->log); index++) {
        struct cc_journal_place at;

        assert_true(cc_log_place(group->log, index, &at));
    }
}

/* With nobody there to be asked, so that what was damaged must be on this disk again. */
static void expect_whole_after_a_start(uint32_t place)
{
    uint64_t last = cc_log_last(group_at(place)->log);

    for (uint32_t i = 0; i < cluster->options.voter_count; i++) {
        cc_cluster_crash(cluster, i);
    }
    cc_cluster_start(cluster, place);
    run_for(2000000);
    assert_int_equal(server_at(place)->state, CC_SERVER_MEMBER);
    assert_null(cc_log_damage(group_at(place)->log));
    assert_true(cc_log_last(group_at(place)->log) >= last);
    for (uint32_t i = 0; i < cluster->options.voter_count; i++) {
        if (i != place) {
            cc_cluster_start(cluster, i);
        }
    }
    expect_settled();
}

static void what_a_follower_cannot_read_any_more_comes_from_the_others(void **state)
{
    uint32_t place = (cc_cluster_leader(cluster) + 1) % 3;
    uint32_t leader = cc_cluster_leader(cluster);

    (void)state;
    spoil_uncovered(place);
    run_for(2 * SCRUB_INTERVAL_US);
    expect_whole(place);
    assert_int_equal(cc_cluster_leader(cluster), leader);
    expect_whole_after_a_start(place);
}

static void a_leader_that_cannot_read_gives_way_and_is_repaired(void **state)
{
    uint32_t place = cc_cluster_leader(cluster);

    (void)state;
    spoil_uncovered(place);
    run_for(2 * SCRUB_INTERVAL_US);
    assert_int_not_equal(cc_cluster_leader(cluster), place);
    expect_whole(place);
    expect_whole_after_a_start(place);
}

static void what_is_in_memory_is_written_again_and_the_leader_stays(void **state)
{
    uint32_t place = cc_cluster_leader(cluster);
    uint64_t term = cc_raft_term(group_at(place)->core);

    (void)state;
    spoil_uncovered(place);
    run_for(2 * SCRUB_INTERVAL_US);
    expect_whole(place);
    assert_int_equal(cc_cluster_leader(cluster), place);
    assert_int_equal(cc_raft_term(group_at(place)->core), term);
    expect_whole_after_a_start(place);
}

/* It has not got the image that the others stand on, and they have not got its entry any more. */
static void what_the_others_have_forgotten_comes_as_an_image(void **state)
{
    uint32_t place = (cc_cluster_leader(cluster) + 1) % 3;
    uint64_t base = group_at(place)->base.index;
    uint64_t applied;

    (void)state;
    server_at(place)->image_writers++; /* as if one were still under way */
    let_entries_come(2 * ENTRIES);
    assert_int_equal(group_at(place)->base.index, base);
    spoil_uncovered(place);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(i == place || cc_log_first(group_at(i)->log) > base + 1);
    }
    server_at(place)->image_writers--;
    applied = cc_apply_index(group_at(place)->apply);
    run_for(3 * SCRUB_INTERVAL_US);
    assert_true(group_at(place)->base.index > base);
    assert_true(cc_apply_index(group_at(place)->apply) >= applied);
    expect_whole(place);
    expect_whole_after_a_start(place);
}

static void alone_an_image_stands_for_what_cannot_be_read(void **state)
{
    uint64_t base = group_at(0)->base.index;
    uint64_t term = cc_raft_term(group_at(0)->core);

    (void)state;
    spoil_uncovered(0);
    run_for(2 * SCRUB_INTERVAL_US);
    expect_whole(0);
    assert_true(group_at(0)->base.index > base);
    assert_int_equal(cc_raft_term(group_at(0)->core), term);
    expect_whole_after_a_start(0);
}

/* What was put last is in the state by its entry alone, and no image can do without that. */
static void alone_a_server_says_what_a_restart_would_do_without_an_entry_that_is_needed(
    void **state)
{
    struct cc_group *group = group_at(0);
    uint64_t base = group->base.index;

    (void)state;
    assert_true(base > 0 && base < cc_log_last(group->log));
    for (uint64_t index = base + 1; index <= cc_log_last(group->log); index++) {
        spoil(0, index);
    }
    run_for(4 * SCRUB_INTERVAL_US);
    assert_int_equal(server_at(0)->state, CC_SERVER_MEMBER);
    assert_int_equal(group->base.index, base);
    assert_non_null(cc_log_damage(group->log));
    assert_non_null(strstr(server_at(0)->last_notice, "a restart would fail"));
}

static void alone_what_is_in_memory_is_written_again(void **state)
{
    (void)state;
    spoil_uncovered(0);
    run_for(2 * SCRUB_INTERVAL_US);
    expect_whole(0);
    expect_whole_after_a_start(0);
}

/* Memory may be what is bad: then it is no better than the disk. */
static void what_is_not_whole_in_memory_comes_from_the_others(void **state)
{
    uint32_t place = (cc_cluster_leader(cluster) + 1) % 3;
    uint64_t index = group_at(place)->base.index + 1;
    struct cc_block *block = cc_log_peek(group_at(place)->log, index);

    (void)state;
    assert_non_null(block);
    block->data[block->size / 2] ^= 1;
    spoil(place, index);
    run_for(2 * SCRUB_INTERVAL_US);
    expect_whole(place);
    assert_int_equal(cc_entry_of(cc_log_peek(group_at(place)->log, index)).index, index);
    expect_whole_after_a_start(place);
}

/* Found by whoever needs it, long before it is read again for its own sake. */
static void a_leader_that_is_asked_for_what_it_cannot_read_does_not_stop(void **state)
{
    uint32_t leader = cc_cluster_leader(cluster);
    uint32_t away = (leader + 1) % 3;

    (void)state;
    cc_cluster_crash(cluster, away);
    let_entries_come(6);
    spoil(leader, cc_log_last(group_at(leader)->log) - 4);
    cc_cluster_start(cluster, away);
    run_for(2000000);
    assert_int_equal(group_at(leader)->scrubbed.found, 1);
    expect_settled();
    assert_int_not_equal(cc_cluster_leader(cluster), leader);
    assert_null(cc_log_damage(group_at(leader)->log));
    assert_int_equal(group_at(leader)->scrubbed.repaired, 1);
    expect_whole_after_a_start(leader);
}

/* What it has not applied yet comes back before that goes on. */
static void a_start_that_cannot_read_back_what_it_has_just_found_goes_on(void **state)
{
    uint32_t place = (cc_cluster_leader(cluster) + 1) % 3;
    uint64_t index = group_at(place)->base.index + 1;

    (void)state;
    cc_cluster_crash(cluster, place);
    cc_cluster_start(cluster, place);
    for (uint32_t i = 0; i < 100000 && server_at(place)->group == NULL; i++) {
        run_for(100);
    }
    assert_true(cc_apply_index(group_at(place)->apply) < index);
    spoil(place, index);
    expect_settled();
    assert_true(cc_apply_index(group_at(place)->apply) >= index);
    assert_int_equal(group_at(place)->scrubbed.found, 1);
    assert_int_equal(group_at(place)->scrubbed.repaired, 1);
    expect_whole_after_a_start(place);
}

/* The others stand on the same image, so nobody has a newer one to give. */
static void an_image_that_the_disk_refused_is_read_again_until_it_gives_it(void **state)
{
    uint32_t place = (cc_cluster_leader(cluster) + 1) % cluster->options.voter_count;
    struct cc_group *group = group_at(place);
    uint64_t base = group->base.index;

    (void)state;
    cc_group_base_failed(group, COPYCAT_ERR_IO, "it could not be read");
    cc_world_disk_strike(cluster->world, place, CC_DISK_FAULT_READ_ERROR, 1);
    run_for(9000000);
    assert_int_equal(group->base_trouble, COPYCAT_ERR_IO);
    run_for(9000000);
    assert_int_equal(group->base_trouble, COPYCAT_OK);
    assert_int_equal(group->base.index, base);
    assert_int_equal(group->scrubbed.found, 1);
    assert_int_equal(group->scrubbed.repaired, 1);
    assert_int_equal(group->scrubbed.rounds, 0);
    assert_string_equal(server_at(place)->last_notice, "");
}

static void one_after_the_other_all_are_repaired(void **state)
{
    (void)state;
    for (uint32_t place = 0; place < 3; place++) {
        let_entries_come(3);
        spoil_uncovered(place);
        run_for(2 * SCRUB_INTERVAL_US);
        expect_whole(place);
        expect_settled();
    }
}

#define TEST(function, setup) cmocka_unit_test_setup_teardown(function, setup, stand_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_follower_cannot_read_any_more_comes_from_the_others, setup_three),
        TEST(a_leader_that_cannot_read_gives_way_and_is_repaired, setup_three),
        TEST(what_is_in_memory_is_written_again_and_the_leader_stays, setup_three_in_memory),
        TEST(what_is_not_whole_in_memory_comes_from_the_others, setup_three_in_memory),
        TEST(what_the_others_have_forgotten_comes_as_an_image, setup_three),
        TEST(alone_an_image_stands_for_what_cannot_be_read, setup_one),
        TEST(
            alone_a_server_says_what_a_restart_would_do_without_an_entry_that_is_needed,
            setup_one_that_stores),
        TEST(alone_what_is_in_memory_is_written_again, setup_one_in_memory),
        TEST(a_leader_that_is_asked_for_what_it_cannot_read_does_not_stop, setup_three),
        TEST(a_start_that_cannot_read_back_what_it_has_just_found_goes_on, setup_three),
        TEST(
            an_image_that_the_disk_refused_is_read_again_until_it_gives_it,
            setup_three_that_read_nothing_again),
        TEST(
            an_image_that_the_disk_refused_is_read_again_until_it_gives_it,
            setup_one_that_reads_nothing_again),
        TEST(one_after_the_other_all_are_repaired, setup_three),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
