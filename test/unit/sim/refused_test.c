/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is promised of disks that refuse to read, or hang while an image is lent: what may be the last
 * whole copy is not written over at once, nor given up for good, and another member goes on where one
 * is silent.
 */
#include "cluster_stand.h"
#include "log/journal_internal.h"
#include "server/image/segments.h"
#include "sim/sim_disk_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERATIONS 600u
#define TIMEOUT_US UINT64_C(300000)
#define ENTRIES 50u /* from one image to the next */
#define SEGMENT_BYTES 600u
#define KEYS 150u

static int setup_cluster(uint32_t voters)
{
    struct cc_workload_options work = stand_puts(OPERATIONS, 4, KEYS);

    (void)stand_begin(
        &(struct cc_cluster_options){
            .seed = 11,
            .voter_count = voters,
            .client_count = 2,
            .election_timeout_us = TIMEOUT_US,
            .file_size = 65536,
            .batch_size_max = 4096,
            .cache_bytes_max = 1,
            .image_entries = ENTRIES,
            .segment_bytes = SEGMENT_BYTES,
            .keep_bytes = 1},
        &work);
    cc_workload_start(workload);
    run_for(30000000);
    return cc_workload_is_done(workload) && cc_cluster_is_settled(cluster) ? 0 : -1;
}

static int setup_three(void **state)
{
    (void)state;
    return setup_cluster(3);
}

static int setup_two(void **state)
{
    (void)state;
    return setup_cluster(2);
}

static int setup_one(void **state)
{
    (void)state;
    return setup_cluster(1);
}

/* ---- a segment that the disk refuses ---------------------------------------------------------- */

static bool has(uint32_t place, const struct cc_image_segment *name)
{
    struct cc_segment *segment = cc_segment_list_share(group_at(place)->segments, name);

    if (segment != NULL) {
        cc_segment_release(group_at(place)->memory, segment);
    }
    return segment != NULL;
}

/* One that the leader's image needs as well. */
static struct cc_sim_file *segment_of(uint32_t place)
{
    const struct cc_segment_list *segments = group_at(place)->segments;

    for (size_t i = 0; segments != NULL && i < segments->count; i++) {
        const struct cc_image_segment *name = &segments->at[i]->name;
        char text[32];

        if (has(cc_cluster_leader(cluster), name)) {
            snprintf(text, sizeof text, "-%016" PRIx64, name->checksum);
            return file_of(place, text);
        }
    }
    fail_msg("the leader has other segments");
    return NULL;
}

/* A sector, from now on, until it is written over or the disk gives it again. */
static void refuse(struct cc_sim_file *file, uint64_t offset)
{
    struct cc_sim_scar *scar = malloc(sizeof *scar);

    assert_non_null(scar);
    *scar = (struct cc_sim_scar){file->scars, offset, CC_DISK_SECTOR};
    file->scars = scar;
}

static void lose_image(uint32_t place)
{
    struct cc_sim_file *image = file_of(place, "image-");

    image->platter[image->platter_size / 2] ^= 1;
    image->seen[image->platter_size / 2] ^= 1;
    cc_cluster_damaged(cluster, place);
}

static void lose_image_while_it_runs(uint32_t place)
{
    lose_image(place);
    cc_group_base_failed(group_at(place), COPYCAT_ERR_DAMAGED, "it is damaged");
}

/* The image of a follower is gone, and the disk refuses a segment of it: that one is looked for when
 * the leader, the only one that is left, gives the same image again. */
static struct cc_sim_file *lose_image_beside_a_refused_segment(uint32_t place)
{
    struct cc_sim_file *segment;

    cc_cluster_crash(cluster, 3 - place - cc_cluster_leader(cluster));
    lose_image_while_it_runs(place);
    run_for(4 * TIMEOUT_US);
    assert_int_equal(group_at(place)->base_trouble, COPYCAT_OK);
    segment = segment_of(place);
    refuse(segment, 0);
    lose_image_while_it_runs(place);
    return segment;
}

static void a_segment_that_the_disk_refuses_for_a_while_is_not_written_over(void **state)
{
    (void)state;
    uint32_t place = (cc_cluster_leader(cluster) + 1) % 3;
    struct cc_sim_file *segment = lose_image_beside_a_refused_segment(place);

    run_for(4 * TIMEOUT_US);
    assert_true(group_at(place)->spared > 0);
    assert_non_null(segment->scars);
    assert_int_equal(group_at(place)->base_trouble, COPYCAT_ERR_DAMAGED);
    cc_sim_file_heal_scars(segment, 0, SIZE_MAX);
    run_for(4 * TIMEOUT_US);
    assert_int_equal(group_at(place)->base_trouble, COPYCAT_OK);
    assert_ptr_equal(segment_of(place), segment);
    assert_int_equal(cluster->totals.failures, 0);
}

/* It is as good as lost, and what the others have takes its place. */
static void a_segment_that_the_disk_refuses_for_ever_is_fetched_in_the_end(void **state)
{
    (void)state;
    uint32_t place = (cc_cluster_leader(cluster) + 1) % 3;

    (void)lose_image_beside_a_refused_segment(place);
    run_for(40 * TIMEOUT_US);
    assert_int_equal(group_at(place)->base_trouble, COPYCAT_OK);
    assert_null(segment_of(place)->scars);
    cc_cluster_crash(cluster, place);
    cc_cluster_start(cluster, place);
    run_for(10 * TIMEOUT_US);
    assert_true(group_at(place)->has_state);
    assert_int_equal(cluster->totals.failures, 0);
}

/* ---- a lender whose disk hangs ---------------------------------------------------------------- */

static void expect_state_from_another_than(uint32_t lender, uint32_t place)
{
    uint32_t third = 3 - lender - place;

    assert_true(lender != place);
    cc_world_disk_stick(cluster->world, lender, true);
    run_for(20000000);
    assert_true(group_at(place)->has_state);
    assert_true(cc_apply_index(group_at(place)->apply) >= group_at(third)->base.index);
    assert_null(group_at(place)->fetching);
    cc_world_disk_stick(cluster->world, lender, false);
    run_for(20000000);
    assert_true(cc_cluster_is_settled(cluster));
    assert_int_equal(cluster->totals.failures, 0);
}

/* Whom it asks first. */
static uint32_t start_without_image(uint32_t place)
{
    cc_cluster_crash(cluster, place);
    lose_image(place);
    cc_cluster_start(cluster, place);
    for (uint32_t i = 0; i < 20000; i++) {
        if (group_at(place) != NULL && group_at(place)->fetching != NULL) {
            return (group_at(place)->want_next + 2) % 3;
        }
        run_for(100);
    }
    fail_msg("no image is fetched: %s", cluster->seats[place].server->last_notice);
    return 0;
}

static void an_image_comes_from_another_when_the_disk_of_who_lends_it_hangs(void **state)
{
    (void)state;
    for (uint32_t place = 0; place < 3; place++) {
        uint32_t lender = start_without_image(place);

        expect_state_from_another_than(lender, place);
    }
}

/* Once something is written, a leader whose disk hangs gives way, and who leads then offers its own
 * image. */
static void who_lags_gets_its_image_from_another_when_the_disk_of_the_leader_hangs(void **state)
{
    (void)state;
    uint32_t leader = cc_cluster_leader(cluster);
    uint32_t place = (leader + 1) % 3;

    cc_cluster_crash(cluster, place);
    cc_workload_go_on(workload, OPERATIONS);
    run_for(30000000);
    cc_workload_rest(workload);
    leader = cc_cluster_leader(cluster);
    cc_cluster_start(cluster, place);
    for (uint32_t i = 0; i < 20000; i++) {
        if (group_at(place) != NULL && group_at(place)->fetching != NULL) {
            cc_workload_go_on(workload, ENTRIES);
            expect_state_from_another_than(leader, place);
            return;
        }
        run_for(100);
    }
    fail_msg("no image is fetched: %s", cluster->seats[place].server->last_notice);
}

/* Nobody else has one that is as new, so one is taken for it. */
static void who_has_lost_the_newest_image_of_all_is_given_one_though_nobody_writes(void **state)
{
    (void)state;
    uint32_t newest = 0;

    for (uint32_t place = 1; place < 3; place++) {
        newest = group_at(place)->base.index > group_at(newest)->base.index ? place : newest;
    }
    assert_true(group_at(newest)->base.index > group_at((newest + 1) % 3)->base.index);
    assert_true(group_at(newest)->base.index > group_at((newest + 2) % 3)->base.index);
    (void)start_without_image(newest);
    run_for(10 * TIMEOUT_US);
    assert_true(group_at(newest)->has_state);
    assert_true(cc_cluster_is_settled(cluster));
}

/* ---- an entry that the disk refuses ----------------------------------------------------------- */

/* Entries that the leader alone has, in more than one batch; the place of the first of them. */
static struct cc_journal_place write_alone(uint32_t leader)
{
    const struct cc_group *group = group_at(leader);
    uint64_t last = cc_raft_last(group->core);
    struct cc_journal_place first;
    struct cc_journal_place newest;

    cc_cluster_crash(cluster, 1 - leader);
    cc_workload_go_on(workload, 40);
    run_for(TIMEOUT_US / 2);
    cc_workload_rest(workload);
    assert_true(cc_raft_last(group->core) > last + 1);
    assert_true(cc_log_place(group->log, last + 1, &first));
    assert_true(cc_log_place(group->log, cc_raft_last(group->core), &newest));
    assert_true(first.file == newest.file && first.batch_block < newest.batch_block);
    return first;
}

/* The other one cannot lead without it, and nobody can know that nobody was told of it. */
static void one_of_two_stops_for_an_entry_that_it_alone_has_and_goes_on_when_the_disk_reads(
    void **state)
{
    (void)state;
    uint32_t leader = cc_cluster_leader(cluster);
    struct cc_journal_place place = write_alone(leader);
    struct cc_sim_file *file;
    file = file_of(
        leader, strrchr(cc_journal_path(cluster->seats[leader].server->journal, place.file), '/'));
    cc_cluster_crash(cluster, leader);
    refuse(file, (uint64_t)place.batch_block * CC_DISK_BLOCK);
    cc_cluster_damaged(cluster, leader);
    cc_cluster_start(cluster, leader);
    cc_cluster_start(cluster, 1 - leader);
    run_for(20 * TIMEOUT_US);
    assert_int_equal(cluster->totals.failures, 1);
    assert_int_equal(cluster->seats[leader].server->failed, COPYCAT_ERR_IO);
    assert_non_null(strstr(
        cluster->seats[leader].server->last_notice,
        "was refused by the disk, and no other server has it: start again when the disk reads"));
    cc_cluster_crash(cluster, leader);
    cc_sim_file_heal_scars(file, 0, SIZE_MAX);
    cc_cluster_start(cluster, leader);
    run_for(20 * TIMEOUT_US);
    assert_true(cc_cluster_is_settled(cluster));
    assert_int_equal(cluster->totals.failures, 1);
}

/* Nobody else is asked: it says so at once, and has lost nothing. */
static void alone_a_server_stops_for_an_entry_and_goes_on_when_the_disk_reads(void **state)
{
    (void)state;
    const struct cc_log *log = group_at(0)->log;
    uint64_t last = cc_log_last(log);
    struct cc_journal_place place;
    struct cc_sim_file *file;

    assert_true(cc_log_place(log, last, &place));
    file = file_of(0, strrchr(cc_journal_path(server_at(0)->journal, place.file), '/'));
    cc_cluster_crash(cluster, 0);
    refuse(file, (uint64_t)place.batch_block * CC_DISK_BLOCK);
    cc_cluster_damaged(cluster, 0);
    cc_cluster_start(cluster, 0);
    run_for(5 * TIMEOUT_US);
    assert_int_equal(cluster->totals.failures, 1);
    assert_int_equal(cluster->seats[0].server->failed, COPYCAT_ERR_IO);
    assert_non_null(
        strstr(cluster->seats[0].server->last_notice, "start again when the disk reads"));
    cc_cluster_crash(cluster, 0);
    cc_sim_file_heal_scars(file, 0, SIZE_MAX);
    cc_cluster_start(cluster, 0);
    run_for(20 * TIMEOUT_US);
    assert_true(cc_cluster_is_settled(cluster));
    assert_true(cc_log_last(group_at(0)->log) > last);
}

#define TEST(function, setup) cmocka_unit_test_setup_teardown(function, setup, stand_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_segment_that_the_disk_refuses_for_a_while_is_not_written_over, setup_three),
        TEST(a_segment_that_the_disk_refuses_for_ever_is_fetched_in_the_end, setup_three),
        TEST(an_image_comes_from_another_when_the_disk_of_who_lends_it_hangs, setup_three),
        TEST(who_lags_gets_its_image_from_another_when_the_disk_of_the_leader_hangs, setup_three),
        TEST(who_has_lost_the_newest_image_of_all_is_given_one_though_nobody_writes, setup_three),
        TEST(
            one_of_two_stops_for_an_entry_that_it_alone_has_and_goes_on_when_the_disk_reads,
            setup_two),
        TEST(alone_a_server_stops_for_an_entry_and_goes_on_when_the_disk_reads, setup_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
