/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is promised while an image goes to a member that was away: the others and what they do are not
 * held up, and the member arrives.
 */
#include "cluster_stand.h"
#include "server/image/fetching.h"
#include "server/image/image_name.h"
#include "server/image/lending.h"
#include "server/image/offering.h"
#include "server/image/segments.h"
#include "server/node/node.h"
#include "sim/sim_disk_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS 8000u
#define FILE_SIZE 262144u
#define OPERATIONS (6 * KEYS)
#define TIMEOUT_US UINT64_C(300000)

static int setup_cluster_of(
    uint32_t learners, uint64_t keep_bytes, uint64_t image_entries, uint64_t segment_bytes)
{
    struct cc_workload_options work = stand_puts(OPERATIONS, 16, KEYS);

    work.think_us_max = 1000;
    return stand_begin(
        &(struct cc_cluster_options){
            .seed = 11,
            .voter_count = 3,
            .learner_count = learners,
            .client_count = 4,
            .election_timeout_us = TIMEOUT_US,
            .file_size = FILE_SIZE,
            .image_bytes = FILE_SIZE / 4,
            .image_entries = image_entries,
            .segment_bytes = segment_bytes,
            .keep_bytes = keep_bytes},
        &work);
}

static int setup_cluster(uint32_t learners, uint64_t keep_bytes)
{
    return setup_cluster_of(learners, keep_bytes, KEYS, 0);
}

/* So that an image has many segments, most of them those of the image before. */
static int setup_three_that_share(void **state)
{
    (void)state;
    return setup_cluster_of(0, 1, KEYS / 8, 8192);
}

static int setup_three(void **state)
{
    (void)state;
    return setup_cluster(0, 1);
}

static int setup_three_that_keep(void **state)
{
    (void)state;
    return setup_cluster(0, UINT64_C(1) << 30);
}

static int setup_three_and_a_learner(void **state)
{
    (void)state;
    return setup_cluster(1, 1);
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

static uint64_t last(uint32_t place)
{
    return cc_raft_last(group_at(place)->core);
}

/* Until the log has so many entries. */
static void work_until(uint64_t entries)
{
    uint32_t leader = cc_cluster_leader(cluster);

    if (cc_workload_totals(workload)->invoked == 0) {
        cc_workload_start(workload);
    }
    for (uint32_t i = 0; i < 10000 && last(leader) < entries; i++) {
        run_for(10000);
    }
    assert_true(last(leader) >= entries);
}

/* Crashed for so long that it needs an image. */
static void make_lag(uint32_t away)
{
    cc_cluster_crash(cluster, away);
    run_for(10 * TIMEOUT_US); /* it is not waited for any more */
    work_until(2 * KEYS);
}

static uint32_t follower(void)
{
    return (cc_cluster_leader(cluster) + 1) % 3;
}

/* Until it has applied so much; how many images it began to fetch. */
static uint32_t fetches_until(uint32_t place, uint64_t index)
{
    const struct cc_group *group = group_at(place);
    bool is_fetching = group->fetching != NULL;
    uint32_t count = 0;

    for (uint32_t i = 0; i < 60000 && cc_apply_index(group->apply) < index; i++) {
        run_for(1000);
        count += group->fetching != NULL && !is_fetching;
        is_fetching = group->fetching != NULL;
    }
    assert_true(cc_apply_index(group->apply) >= index);
    return count;
}

static void expect_settled(void)
{
    for (uint32_t i = 0; i < 100 && !cc_workload_is_done(workload); i++) {
        run_for(1000000);
    }
    assert_true(cc_workload_is_done(workload));
    run_for(20000000);
    assert_true(cc_cluster_is_settled(cluster));
}

/* T-047: the leader needs the answers of the member that fetches, which come as always. */
static void nobody_is_elected_while_an_image_fills_a_slow_link(void **state)
{
    (void)state;
    uint32_t away = follower();
    uint32_t leader;
    uint64_t term;

    make_lag(away);
    cc_workload_stop(workload);
    leader = cc_cluster_leader(cluster);
    term = cc_raft_term(group_at(leader)->core);
    links_between(leader, away, 20);
    cc_cluster_start(cluster, away);
    run_until_fetching(away);
    cc_cluster_crash(cluster, 3 - leader - away);
    while (group_at(away)->fetching != NULL) {
        assert_int_equal(cc_raft_term(group_at(leader)->core), term);
        assert_int_equal(cc_raft_role(group_at(leader)->core), CC_RAFT_LEADER);
        assert_int_equal(cc_raft_leader(group_at(away)->core), leader + 1);
        run_for(10000);
    }
    run_for(100000);
    assert_true(group_at(away)->base.index > 0);
}

static uint32_t sentences;

static void on_news(void *owner, const char *text)
{
    unsigned long long done;
    unsigned long long size;

    (void)owner;
    if (sscanf(text, "fetches an image of the state: %llu of %llu MiB", &done, &size) == 2) {
        assert_true(done <= size && size <= 1);
        sentences++;
    }
}

static void who_fetches_says_how_much_has_come_segments_included(void **state)
{
    (void)state;
    uint32_t away = follower();
    uint32_t leader;
    uint64_t former = 0;
    uint64_t whole = 0;
    uint64_t done;
    uint64_t size;

    make_lag(away);
    cc_workload_stop(workload);
    leader = cc_cluster_leader(cluster);
    cc_cluster_start(cluster, away);
    links_between(leader, away, 10);
    run_until_fetching(away);
    cluster->seats[away].server->callbacks.news = on_news;
    sentences = 0;
    while (group_at(away)->fetching != NULL &&
           cc_fetching_progress(group_at(away)->fetching, &done, &size)) {
        assert_true(done >= former && done <= size);
        former = done;
        whole = size;
        run_for(1000);
    }
    assert_true(whole > group_at(leader)->base.size);
    assert_true(former > group_at(leader)->base.size);
    assert_true(sentences > 0);
}

static struct cc_image_fetching told_by(uint32_t place)
{
    struct cc_image_fetching told = {0};

    if (group_at(place)->fetching != NULL) {
        cc_fetching_tell(group_at(place)->fetching, &told);
    }
    return told;
}

/* The log goes on from image to image meanwhile; what is behind the one that is fetched is kept. */
static void what_is_written_during_a_transfer_makes_no_other_necessary(void **state)
{
    (void)state;
    uint32_t away = follower();
    uint32_t leader = cc_cluster_leader(cluster);
    uint64_t base;

    make_lag(away);
    links_between(leader, away, 20);
    cc_cluster_start(cluster, away);
    run_until_fetching(away);
    base = told_by(away).index;
    assert_int_equal(fetches_until(away, base), 0);
    for (uint32_t i = 0; i < 100 && group_at(away)->base.index == 0; i++) {
        run_for(1000); /* it lives already, and stands on it once the journal says so */
    }
    assert_int_equal(group_at(away)->base.index, base);
    assert_true(group_at(leader)->base.index > base + KEYS);
    cc_world_heal_network(cluster->world);
    assert_int_equal(fetches_until(away, group_at(leader)->base.index + 1), 0);
    expect_settled();
}

static void what_is_kept_for_a_transfer_is_bounded(void **state)
{
    (void)state;
    uint32_t away = follower();
    uint32_t leader = cc_cluster_leader(cluster);
    const struct cc_group *group = group_at(leader);
    uint64_t bytes_max = 0;

    make_lag(away);
    links_between(leader, away, 20);
    cc_cluster_start(cluster, away);
    run_until_fetching(away);
    while (!cc_workload_is_done(workload)) {
        uint64_t bytes = cc_log_bytes_above(group->log, cc_raft_first(group->core) - 1) -
                         cc_log_bytes_above(group->log, group->base.index);

        bytes_max = bytes > bytes_max ? bytes : bytes_max;
        run_for(10000);
    }
    assert_true(cc_raft_first(group->core) > told_by(away).index + 1);
    assert_true(bytes_max < 2 * group->base.size + 2 * FILE_SIZE);
    cc_world_heal_network(cluster->world);
    expect_settled(); /* by another one */
}

static void nothing_is_kept_for_who_does_not_get_on(void **state)
{
    (void)state;
    uint32_t away = follower();
    uint32_t leader = cc_cluster_leader(cluster);
    const struct cc_group *group = group_at(leader);

    make_lag(away);
    links_between(leader, away, 20);
    cc_cluster_start(cluster, away);
    run_until_fetching(away);
    run_for(1000000);
    assert_int_equal(cc_offering_kept(group->offering), told_by(away).index);
    cc_world_clog(cluster->world, leader, away, true);
    run_for(31 * TIMEOUT_US);
    assert_true(cc_offering_kept(group->offering) == COPYCAT_NONE);
    cc_world_heal_network(cluster->world);
    expect_settled();
}

/* All neighbours together get no more; the links could carry any amount. */
static void images_are_lent_at_the_rate_that_is_allowed(void **state)
{
    (void)state;
    uint32_t away = follower();
    uint32_t leader = cc_cluster_leader(cluster);
    uint64_t rate = 50000;
    uint64_t size;
    uint64_t begun_us;
    uint64_t took_us;

    make_lag(away);
    cc_workload_stop(workload);
    run_for(1000000);
    size = group_at(leader)->base_bytes;
    cluster->seats[leader].server->options.lend_bytes_per_second = rate;
    cc_cluster_start(cluster, away);
    run_until_fetching(away);
    begun_us = cc_world_now_us(cluster->world);
    assert_int_equal(fetches_until(away, group_at(leader)->base.index), 0);
    took_us = cc_world_now_us(cluster->world) - begun_us;
    assert_true(took_us > size * 9 / 10 * 1000000 / rate);
    assert_true(took_us < size * 12 / 10 * 1000000 / rate);
}

/* Nobody leads when it is complete, and the member itself would like to. */
static void an_image_is_not_lost_by_an_election_at_its_end(void **state)
{
    (void)state;
    uint32_t away = follower();
    uint32_t leader = cc_cluster_leader(cluster);
    const struct cc_group *group;
    uint64_t index;

    make_lag(away);
    cc_workload_stop(workload);
    run_for(1000000);
    cc_cluster_start(cluster, away);
    run_until_fetching(away);
    group = group_at(away);
    index = told_by(away).index;
    while (told_by(away).progress < group_at(leader)->base_bytes) {
        run_for(100);
    }
    assert_non_null(group->fetching);
    cc_world_disk_stick(cluster->world, away, true);
    cc_cluster_crash(cluster, leader);
    cc_cluster_crash(cluster, 3 - leader - away);
    run_for(10 * TIMEOUT_US);
    assert_non_null(group->fetching);
    assert_int_equal(cc_raft_role(group->core), CC_RAFT_PRECANDIDATE);
    cc_world_disk_stick(cluster->world, away, false);
    run_for(TIMEOUT_US);
    assert_null(group->fetching);
    assert_int_equal(group->base.index, index);
    assert_int_equal(cc_apply_index(group->apply), index);
}

static bool asks(uint32_t place, uint32_t peer, uint64_t offset)
{
    struct cc_group *group = group_at(place);
    struct cc_image_ask ask = {
        .image = cc_image_name_of(&group->base), .offset = offset, .size = 4096};
    uint8_t body[128];
    struct cc_writer writer;

    cc_writer_init_fixed(&writer, body, sizeof body);
    cc_image_ask_encode(&writer, &ask);
    return cc_lending_asked(group->lending, peer, (copycat_bytes){writer.data, writer.size});
}

static void whoever_asks_for_more_than_who_fetches_does_is_shown_out(void **state)
{
    (void)state;
    uint32_t leader = cc_cluster_leader(cluster);
    uint32_t peer = follower() + 1;
    uint32_t count = 0;

    cluster->seats[leader].server->options.lend_bytes_per_second = 1;
    work_until(2 * KEYS);
    while (count < 100 && asks(leader, peer, 4096 * count)) {
        count++;
    }
    assert_in_range(count, 4, 50);
    assert_true(asks(leader, peer, 0)); /* from the beginning: what waited is asked anew */
    assert_true(asks(leader, peer, 4096));
    cc_workload_stop(workload);
}

/* Who has the same image goes on where the one before stopped. */
static void a_transfer_outlives_the_leader_that_began_it(void **state)
{
    (void)state;
    uint32_t away = follower();
    uint32_t leader = cc_cluster_leader(cluster);
    uint32_t other = 3 - away - leader;
    uint64_t half;

    make_lag(away);
    cc_workload_stop(workload);
    run_for(1000000);
    assert_true(cc_image_id_equals(&group_at(leader)->base, &group_at(other)->base));
    half = group_at(leader)->base.size / 2;
    links_between(leader, away, 60);
    links_between(other, away, 60);
    cc_cluster_start(cluster, away);
    run_until_fetching(away);
    for (uint32_t i = 0; i < 60000 && told_by(away).progress < half; i++) {
        run_for(1000);
    }
    cc_cluster_crash(cluster, leader);
    while (group_at(away)->fetching != NULL) {
        assert_true(told_by(away).progress >= half);
        run_for(1000);
    }
    assert_true(group_at(away)->base.index > 0 || group_at(away)->switch_mark != 0);
    assert_int_equal(cc_cluster_leader(cluster), other);
}

/* Bytes of segments that another image needs, too. */
static uint64_t shared_with(const struct cc_segment_list *segments, const struct cc_group *group)
{
    uint64_t size = 0;

    for (size_t i = 0; i < segments->count; i++) {
        struct cc_segment *shared = cc_segment_list_share(group->segments, &segments->at[i]->name);

        if (shared != NULL) {
            size += shared->name.size;
            cc_segment_release(group->memory, shared);
        }
    }
    return size;
}

/* Until that many bytes of the image and its segments have come. */
static void run_until_received(uint32_t place, uint64_t size)
{
    for (uint32_t i = 0; i < 60000 && told_by(place).progress < size; i++) {
        run_for(1000);
    }
    assert_non_null(group_at(place)->fetching);
}

static size_t image_files_of(uint32_t place)
{
    const struct cc_sim_file *file = cluster->world->machines[place].disk->files;
    size_t count = 0;

    for (; file != NULL; file = file->next) {
        count += file->is_named &&
                 (strstr(file->name, "image-") != NULL || strstr(file->name, "segment-") != NULL);
    }
    return count;
}

/* Nobody has the image any more that it was given, but most of what that needed the next one needs. */
static void a_transfer_that_is_begun_anew_does_without_what_came_whole(void **state)
{
    (void)state;
    uint32_t away = follower();
    uint32_t leader = cc_cluster_leader(cluster);
    const struct cc_group *group = group_at(leader);
    struct cc_segment_list *segments;
    uint64_t index;

    make_lag(away);
    cc_workload_stop(workload);
    run_for(3000000);
    links_between(leader, away, 200);
    cc_cluster_start(cluster, away);
    run_until_fetching(away);
    index = told_by(away).index;
    assert_int_equal(group->base.index, index);
    segments = cc_segment_list_retain(group->segments);
    run_until_received(away, group->base.size + cc_segment_list_size(segments) * 9 / 10);
    cc_world_clog(cluster->world, leader, away, true);
    cc_workload_go_on(workload, KEYS / 4);
    run_for(30 * TIMEOUT_US);
    assert_true(group->base.index > index);
    assert_true(shared_with(segments, group) > cc_segment_list_size(segments) / 3);
    cc_segment_list_release(segments);
    cc_world_heal_network(cluster->world);
    while (told_by(away).index == index || group_at(away)->fetching == NULL) {
        run_for(1000);
    }
    assert_true(group_at(away)->salvage.count > 10);
    while (group_at(away)->fetching != NULL) {
        run_for(1000);
    }
    assert_true(group_at(away)->salvage.used > 10);
    run_for(1000000);
    assert_int_equal(group_at(away)->base.index, group->base.index);
    assert_int_equal(group_at(away)->salvage.count, 0); /* and what is not needed is removed */
    assert_int_equal(image_files_of(away), group_at(away)->segments->count + 1);
    expect_settled();
}

/* It was there when the cluster was founded, and never since. */
static void a_learner_with_nothing_is_brought_by_an_image(void **state)
{
    (void)state;
    uint32_t learner = 3;

    assert_int_equal(cluster->members.at[learner].role, CC_ROLE_LEARNER);
    make_lag(learner);
    cc_cluster_start(cluster, learner);
    run_until_fetching(learner);
    assert_int_equal(fetches_until(learner, group_at(0)->base.index), 0);
    expect_settled();
    assert_true(cc_log_first(group_at(learner)->log) > KEYS);
}

int main(void)
{
#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, stand_end)
    const struct CMUnitTest tests[] = {
        TEST(nobody_is_elected_while_an_image_fills_a_slow_link, setup_three),
        TEST(who_fetches_says_how_much_has_come_segments_included, setup_three),
        TEST(what_is_written_during_a_transfer_makes_no_other_necessary, setup_three_that_keep),
        TEST(what_is_kept_for_a_transfer_is_bounded, setup_three),
        TEST(nothing_is_kept_for_who_does_not_get_on, setup_three_that_keep),
        TEST(images_are_lent_at_the_rate_that_is_allowed, setup_three),
        TEST(whoever_asks_for_more_than_who_fetches_does_is_shown_out, setup_three),
        TEST(an_image_is_not_lost_by_an_election_at_its_end, setup_three),
        TEST(a_transfer_outlives_the_leader_that_began_it, setup_three),
        TEST(a_transfer_that_is_begun_anew_does_without_what_came_whole, setup_three_that_share),
        TEST(a_learner_with_nothing_is_brought_by_an_image, setup_three_and_a_learner),
    };
#undef TEST

    return cmocka_run_group_tests_name("lane", tests, NULL, NULL);
}
