/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is promised of servers that stand on images: they forget what an image covers, start from it,
 * give it to whoever lacks what is forgotten, and get it back from the others when it cannot be read.
 */
#include "cluster_stand.h"
#include "server/image/segments.h"
#include "sim/sim_disk_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERATIONS 600u
#define SCRUB_INTERVAL_US UINT64_C(5000000)
#define ENTRIES 50u /* from one image to the next */
#define SEGMENT_BYTES 600u
#define NAMES_MAX 200u
#define KEYS 150u

static int setup_cluster(uint32_t voters, uint64_t scrub_interval_us, uint64_t segment_bytes)
{
    struct cc_workload_options work = stand_puts(OPERATIONS, 4, segment_bytes == 0 ? 10 : KEYS);

    return stand_begin(
        &(struct cc_cluster_options){
            .seed = 11,
            .voter_count = voters,
            .client_count = 2,
            .election_timeout_us = 300000,
            .file_size = 65536,
            .batch_size_max = 4096,
            .cache_bytes_max = 1,
            .image_entries = ENTRIES,
            .segment_bytes = segment_bytes,
            .keep_bytes = 1,
            .scrub_interval_us = scrub_interval_us},
        &work);
}

static int setup_three(void **state)
{
    (void)state;
    return setup_cluster(3, 0, 0);
}

static int setup_segments(void **state)
{
    (void)state;
    return setup_cluster(3, 0, SEGMENT_BYTES);
}

static int setup_one(void **state)
{
    (void)state;
    return setup_cluster(1, 0, 0);
}

static int setup_three_scrubbed(void **state)
{
    (void)state;
    return setup_cluster(3, SCRUB_INTERVAL_US, 0);
}

static int setup_one_scrubbed(void **state)
{
    (void)state;
    return setup_cluster(1, SCRUB_INTERVAL_US, 0);
}

static uint64_t applied(uint32_t place)
{
    return cc_apply_index(group_at(place)->apply);
}

static void work(void)
{
    cc_workload_start(workload);
    run_for(20000000);
    assert_true(cc_workload_is_done(workload));
}

static void expect_settled(void)
{
    run_for(10000000);
    assert_true(cc_cluster_is_settled(cluster));
    assert_int_equal(cluster->totals.failures, 0);
}

static uint32_t files_of(uint32_t place, const char *name)
{
    const struct cc_sim_file *file = cluster->world->machines[place].disk->files;
    uint32_t count = 0;

    for (; file != NULL; file = file->next) {
        count += file->is_named && strstr(file->name, name) != NULL;
    }
    return count;
}

/* In the middle of it; the head and the end of the file stay as they are. */
static void spoil(uint32_t place, const char *name)
{
    struct cc_sim_file *file = file_of(place, name);

    file->platter[file->platter_size / 2] ^= 1;
    file->seen[file->platter_size / 2] ^= 1;
}

static void spoil_image(uint32_t place)
{
    spoil(place, "image-");
}

static void what_an_image_covers_is_forgotten(void **state)
{
    (void)state;
    work();
    expect_settled();
    for (uint32_t place = 0; place < 3; place++) {
        const struct cc_group *group = group_at(place);

        assert_true(applied(place) >= OPERATIONS);
        assert_true(group->base.index > applied(place) / 2);
        assert_true(cc_log_first(group->log) > 1);
        assert_true(cc_log_first(group->log) <= group->base.index + 1);
        assert_int_equal(files_of(place, "image-"), 1);
        assert_true(files_of(place, "journal-") <= 6);
    }
}

static void a_start_goes_on_from_the_image(void **state)
{
    (void)state;
    work();
    expect_settled();
    for (uint32_t place = 0; place < 3; place++) {
        uint64_t before = applied(place);

        cc_cluster_crash(cluster, place);
        cc_cluster_start(cluster, place);
        expect_settled();
        assert_true(applied(place) >= before);
        assert_true(cc_log_first(group_at(place)->log) > 1);
    }
}

static void who_was_away_for_long_is_given_an_image(void **state)
{
    (void)state;
    uint32_t away = (cc_cluster_leader(cluster) + 1) % 3;

    cc_cluster_crash(cluster, away);
    work();
    run_for(10000000); /* it is not waited for any more */
    cc_cluster_start(cluster, away);
    expect_settled();
    assert_true(group_at(away)->base.index > 0);
    assert_true(cc_log_first(group_at(away)->log) > 1);
}

static void who_is_given_an_image_survives_the_loss_of_its_source(void **state)
{
    (void)state;
    uint32_t away = (cc_cluster_leader(cluster) + 1) % 3;
    uint32_t leader;

    cc_cluster_crash(cluster, away);
    work();
    run_for(10000000);
    leader = cc_cluster_leader(cluster);
    cc_cluster_start(cluster, away);
    for (uint32_t i = 0;
         i < 2000 && (server_at(away)->group == NULL || group_at(away)->fetching == NULL); i++) {
        run_for(1000);
    }
    assert_non_null(group_at(away)->fetching);
    cc_cluster_crash(cluster, leader);
    run_for(5000000);
    cc_cluster_start(cluster, leader);
    expect_settled();
}

static void an_image_that_rots_is_fetched_from_the_others(void **state)
{
    (void)state;
    work();
    expect_settled();
    for (uint32_t place = 0; place < 3; place++) {
        cc_cluster_crash(cluster, place);
        spoil_image(place);
        cc_cluster_damaged(cluster, place);
        cc_cluster_start(cluster, place);
        run_for(100000);
        assert_false(group_at(place)->has_state && group_at(place)->base.index == 0);
        expect_settled();
        assert_true(group_at(place)->has_state);
    }
}

static void while_its_state_is_away_a_server_does_not_lead(void **state)
{
    (void)state;
    work();
    expect_settled();
    for (uint32_t place = 0; place < 3; place++) {
        cc_cluster_crash(cluster, place);
    }
    spoil_image(0);
    cc_cluster_damaged(cluster, 0);
    cc_cluster_start(cluster, 0);
    cc_cluster_start(cluster, 1); /* a majority, of which one has a state: it leads */
    run_for(10000000);
    assert_int_equal(cc_cluster_leader(cluster), 1);
    assert_true(group_at(0)->has_state); /* by now */
    cc_cluster_start(cluster, 2);
    expect_settled();
}

static void alone_with_an_image_that_cannot_be_read_a_server_stops_and_says_where(void **state)
{
    (void)state;
    work();
    expect_settled();
    cc_cluster_crash(cluster, 0);
    spoil_image(0);
    cc_cluster_damaged(cluster, 0);
    cc_cluster_start(cluster, 0);
    run_for(1000000);
    assert_int_equal(server_at(0)->state, CC_SERVER_FAILED);
    assert_int_equal(server_at(0)->failed, COPYCAT_ERR_DAMAGED);
    assert_non_null(strstr(server_at(0)->last_notice, "image-0000-"));
    assert_non_null(strstr(server_at(0)->last_notice, "offset"));
}

static void let_entries_come(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        cc_group_propose(
            group_at(cc_cluster_leader(cluster)), CC_ENTRY_TICK, (copycat_bytes){NULL, 0});
        run_for(20000);
    }
}

static void a_full_disk_is_waited_out(void **state)
{
    (void)state;
    uint32_t full = (cc_cluster_leader(cluster) + 1) % 3;
    uint64_t base;

    work();
    cc_world_disk_full(cluster->world, full, true);
    base = group_at(full)->base.index;
    let_entries_come(2 * ENTRIES);
    assert_int_equal(group_at(full)->base.index, base);
    assert_non_null(strstr(server_at(full)->last_notice, "full"));
    cc_world_disk_full(cluster->world, full, false);
    let_entries_come(2 * ENTRIES);
    expect_settled();
    assert_true(group_at(full)->base.index > base);
    assert_null(strstr(server_at(full)->last_notice, "full"));
}

static void let_an_image_come(uint32_t place)
{
    struct cc_group *group = group_at(place);
    uint64_t before = group->base.index;

    for (uint32_t i = 0; i < 4 && group->base.index == before; i++) {
        let_entries_come(ENTRIES);
        run_for(2000000);
    }
    assert_true(group->base.index > before);
}

static void expect_sound(uint32_t place)
{
    assert_int_equal(group_at(place)->base_trouble, COPYCAT_OK);
    assert_null(strstr(server_at(place)->last_notice, "image"));
    assert_int_equal(files_of(place, "image-"), 1);
    cc_cluster_crash(cluster, place);
    cc_cluster_start(cluster, place);
    run_for(2000000);
    assert_true(group_at(place)->has_state);
    assert_int_equal(group_at(place)->want_us, 0); /* nobody was asked for it */
}

static void rot_while_servers_run(uint32_t steps_from_leader)
{
    uint32_t place;

    work();
    place = (cc_cluster_leader(cluster) + steps_from_leader) % 3;
    run_for(2000000);
    spoil_image(place);
    cc_cluster_damaged(cluster, place);
    let_an_image_come(place); /* from another: there was none to be taken */
    assert_int_equal(cc_cluster_leader(cluster) == place, steps_from_leader == 0);
    let_an_image_come(place); /* and from that one on, its own */
    expect_settled();
    expect_sound(place);
    expect_settled();
}

static void a_base_that_rots_while_its_server_runs_is_replaced(void **state)
{
    (void)state;
    rot_while_servers_run(1);
}

static void a_leader_goes_on_when_its_base_rots(void **state)
{
    (void)state;
    rot_while_servers_run(0);
}

/* Its head, from now on. */
static void refuse_image(uint32_t place)
{
    struct cc_sim_file *file = file_of(place, "image-");
    struct cc_sim_scar *scar = malloc(sizeof *scar);

    assert_non_null(scar);
    *scar = (struct cc_sim_scar){file->scars, 0, CC_DISK_SECTOR};
    file->scars = scar;
}

/* It may be whole, and the last copy there is. */
static void a_base_that_cannot_be_read_is_left_until_a_newer_one_is_there(void **state)
{
    (void)state;
    uint32_t place;
    uint64_t base;

    work();
    run_for(2000000);
    place = (cc_cluster_leader(cluster) + 1) % 3;
    base = group_at(place)->base.index;
    refuse_image(place);
    cc_group_base_failed(group_at(place), COPYCAT_ERR_IO, "it could not be read");
    run_for(10000000);
    assert_int_equal(group_at(place)->base.index, base);
    assert_int_equal(group_at(place)->base_trouble, COPYCAT_ERR_IO);
    assert_null(group_at(place)->fetching);
    let_an_image_come(place);
    expect_settled();
    expect_sound(place);
}

/* ---- segments --------------------------------------------------------------------------------- */

/* Checksums of segments, as they once were. */
struct names {
    uint64_t at[NAMES_MAX];
    size_t count;
};

static struct names names_of(uint32_t place)
{
    const struct cc_segment_list *segments = group_at(place)->segments;
    struct names names = {.count = segments == NULL ? 0 : segments->count};

    assert_in_range(names.count, 0, NAMES_MAX);
    for (size_t i = 0; i < names.count; i++) {
        names.at[i] = segments->at[i]->name.checksum;
    }
    return names;
}

/* So many of these are there now. */
static uint32_t shared(const struct names *before, uint32_t place)
{
    const struct names now = names_of(place);
    uint32_t count = 0;

    for (size_t i = 0; i < now.count; i++) {
        for (size_t j = 0; j < before->count; j++) {
            count += before->at[j] == now.at[i];
        }
    }
    return count;
}

static void a_segment_that_lives_is_kept_from_image_to_image(void **state)
{
    (void)state;
    uint32_t kept = 0;
    uint32_t made = 0;
    uint32_t dropped = 0;

    cc_workload_start(workload);
    for (int i = 0; i < 2000; i++) {
        struct names before = names_of(0);
        uint64_t base = group_at(0)->base.index;

        run_for(5000);
        if (group_at(0)->base.index > base) {
            uint32_t same = shared(&before, 0);

            kept += same;
            made += (uint32_t)names_of(0).count - same;
            dropped += (uint32_t)before.count - same;
        }
    }
    assert_in_range(kept, 4, 1000);
    assert_in_range(made, 10, 1000);
    assert_in_range(dropped, 4, 1000);
    run_for(20000000);
    expect_settled();
    for (uint32_t place = 0; place < 3; place++) {
        assert_int_equal(files_of(place, "segment-"), group_at(place)->segments->count);
    }
}

static void what_is_dead_in_segments_is_bounded(void **state)
{
    (void)state;
    work();
    expect_settled();
    for (uint32_t place = 0; place < 3; place++) {
        const struct cc_segment_list *segments = group_at(place)->segments;
        uint64_t count = 0;

        for (size_t i = 0; i < segments->count; i++) {
            count += segments->at[i]->name.count;
        }
        assert_in_range(count, 50, KEYS * 3 / 2 + 60);
    }
}

static void who_is_given_an_image_is_sent_only_the_segments_that_it_has_not(void **state)
{
    (void)state;
    struct names before;
    uint32_t away;
    uint64_t base;

    work();
    expect_settled();
    away = (cc_cluster_leader(cluster) + 1) % 3;
    before = names_of(away);
    base = group_at(away)->base.index;
    cc_cluster_crash(cluster, away);
    let_entries_come(ENTRIES);
    cc_cluster_start(cluster, away);
    expect_settled();
    assert_true(group_at(away)->base.index > base);
    assert_true(shared(&before, away) > 0);
}

/* As if it had not taken all the images that the others have taken. */
static void who_has_other_segments_takes_those_of_another_for_the_same_index(void **state)
{
    (void)state;
    uint32_t place;
    uint64_t base;
    uint64_t checksum;

    work();
    expect_settled();
    place = (cc_cluster_leader(cluster) + 1) % 3;
    server_at(place)->options.segment_bytes = SEGMENT_BYTES / 2;
    let_an_image_come(place);
    expect_settled();
    base = group_at(place)->base.index;
    checksum = group_at(place)->base.checksum;
    assert_true(base == group_at((place + 1) % 3)->base.index);
    assert_true(checksum != group_at((place + 1) % 3)->base.checksum);
    spoil_image(place);
    cc_cluster_damaged(cluster, place);
    cc_group_base_failed(group_at(place), COPYCAT_ERR_DAMAGED, "it is damaged");
    run_for(3000000);
    assert_true(group_at(place)->base.index >= base);
    assert_true(group_at(place)->base.checksum != checksum);
    expect_sound(place);
    expect_settled();
    cc_cluster_crash(cluster, place);
    cc_cluster_start(cluster, place);
    expect_settled();
    expect_sound(place);
}

static void the_very_same_image_is_fetched_again(void **state)
{
    (void)state;
    uint32_t place;
    uint64_t base;

    work();
    run_for(2000000);
    place = (cc_cluster_leader(cluster) + 1) % 3;
    base = group_at(place)->base.index;
    spoil_image(place);
    cc_cluster_damaged(cluster, place);
    cc_group_base_failed(group_at(place), COPYCAT_ERR_DAMAGED, "it is damaged");
    run_for(3000000);
    assert_int_equal(group_at(place)->base.index, base);
    expect_sound(place);
    expect_settled();
}

static void alone_with_a_base_that_rots_a_server_says_so_and_serves(void **state)
{
    (void)state;
    const struct cc_server *server;
    uint64_t before;
    uint64_t base;

    work();
    expect_settled();
    server = server_at(0);
    before = applied(0);
    base = group_at(0)->base.index;
    spoil(0, "segment-");
    cc_cluster_damaged(cluster, 0);
    cc_group_base_failed(
        group_at(0), COPYCAT_ERR_DAMAGED, "segment-0000-: a piece does not read, at offset 4096");
    let_entries_come(3 * ENTRIES);
    assert_int_equal(server->state, CC_SERVER_MEMBER);
    assert_true(applied(0) >= before + 3 * ENTRIES);
    assert_int_equal(group_at(0)->base.index, base);
    assert_non_null(strstr(server->last_notice, "segment-0000-"));
    assert_non_null(strstr(server->last_notice, "offset"));
    assert_non_null(strstr(server->last_notice, "a restart would fail"));
    spoil(0, "segment-"); /* somebody has put it back as it was */
    let_an_image_come(0);
    expect_sound(0);
}

/* What it has besides the segments is of its own index: the next one does without it. */
static void an_image_that_rots_is_left_behind_by_the_next(void **state)
{
    (void)state;
    uint64_t base;

    work();
    expect_settled();
    base = group_at(0)->base.index;
    spoil_image(0);
    cc_cluster_damaged(cluster, 0);
    let_an_image_come(0);
    assert_true(group_at(0)->base.index > base);
    expect_sound(0);
}

static void rot_is_found_before_anybody_needs_the_file(void **state)
{
    (void)state;
    work();
    expect_settled();
    for (uint32_t place = 0; place < 3; place++) {
        uint64_t base = group_at(place)->base.index;

        spoil_image(place);
        cc_cluster_damaged(cluster, place);
        run_for(2 * SCRUB_INTERVAL_US);
        assert_int_equal(group_at(place)->base.index, base); /* nothing was written meanwhile */
        expect_sound(place);
        expect_settled();
    }
}

static void alone_a_server_says_so_when_its_image_is_found_to_rot(void **state)
{
    (void)state;
    work();
    spoil_image(0);
    cc_cluster_damaged(cluster, 0);
    run_for(2 * SCRUB_INTERVAL_US);
    assert_int_equal(server_at(0)->state, CC_SERVER_MEMBER);
    assert_non_null(strstr(server_at(0)->last_notice, "image-0000-"));
    assert_non_null(strstr(server_at(0)->last_notice, "a restart would fail"));
}

static void who_lends_an_image_that_does_not_read_finds_out(void **state)
{
    (void)state;
    uint32_t leader;
    uint32_t away = (cc_cluster_leader(cluster) + 1) % 3;

    cc_cluster_crash(cluster, away);
    work();
    run_for(10000000);
    leader = cc_cluster_leader(cluster);
    spoil_image(leader);
    cc_cluster_damaged(cluster, leader);
    cc_cluster_start(cluster, away);
    expect_settled();
    assert_true(group_at(away)->base.index > 0);
    expect_sound(leader);
    expect_settled();
}

/* The journal does not know that, and finishes what it was told. */
static void who_fails_while_files_are_given_up_just_stops(void **state)
{
    (void)state;
    struct cc_server *server = server_at(0);
    uint64_t base;
    uint64_t reused;

    for (uint32_t place = 0; place < 2; place++) {
        server_at(place)->options.keep_bytes = UINT64_MAX;
    }
    cc_cluster_crash(cluster, 2);
    cc_workload_start(workload);
    run_for(3000000);
    base = group_at(0)->base.index;
    reused = cc_journal_counters(server->journal)->reused;
    assert_true(base > 4 * ENTRIES);
    cc_server_fail(server, COPYCAT_ERR_IO, "the directory could not be listed");
    run_for(1000);
    cc_journal_keep(server->journal, 0, base);
    run_for(1000000);
    assert_true(cluster->seats[0].has_failed);
    assert_true(cc_journal_counters(server->journal)->reused > reused);
    cc_cluster_crash(cluster, 0);
    cc_cluster_start(cluster, 0);
    cc_cluster_start(cluster, 2);
    run_for(30000000);
    assert_true(cc_cluster_is_settled(cluster));
}

static void a_state_comes_from_another_when_who_gives_it_falls_silent(void **state)
{
    (void)state;
    const struct cc_group *group;
    uint32_t silent;

    work();
    expect_settled();
    cc_cluster_crash(cluster, 0);
    spoil_image(0);
    cc_cluster_damaged(cluster, 0);
    cc_cluster_start(cluster, 0);
    for (uint32_t i = 0;
         i < 20000 && (server_at(0)->group == NULL || group_at(0)->fetching == NULL); i++) {
        run_for(100);
    }
    group = group_at(0);
    assert_non_null(group->fetching);
    silent = (group->want_next + 2) % 3; /* whom it has asked last */
    cc_cluster_crash(cluster, silent);
    run_for(20000000);
    assert_true(group_at(0)->has_state);
    cc_cluster_start(cluster, silent);
    expect_settled();
}

#define TEST(function, setup) cmocka_unit_test_setup_teardown(function, setup, stand_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_an_image_covers_is_forgotten, setup_three),
        TEST(a_segment_that_lives_is_kept_from_image_to_image, setup_segments),
        TEST(what_is_dead_in_segments_is_bounded, setup_segments),
        TEST(who_is_given_an_image_is_sent_only_the_segments_that_it_has_not, setup_segments),
        TEST(who_has_other_segments_takes_those_of_another_for_the_same_index, setup_segments),
        TEST(a_start_goes_on_from_the_image, setup_three),
        TEST(who_was_away_for_long_is_given_an_image, setup_three),
        TEST(who_is_given_an_image_survives_the_loss_of_its_source, setup_three),
        TEST(an_image_that_rots_is_fetched_from_the_others, setup_three),
        TEST(while_its_state_is_away_a_server_does_not_lead, setup_three),
        TEST(alone_with_an_image_that_cannot_be_read_a_server_stops_and_says_where, setup_one),
        TEST(a_full_disk_is_waited_out, setup_three),
        TEST(who_fails_while_files_are_given_up_just_stops, setup_three),
        TEST(a_base_that_rots_while_its_server_runs_is_replaced, setup_three),
        TEST(a_leader_goes_on_when_its_base_rots, setup_three),
        TEST(a_base_that_cannot_be_read_is_left_until_a_newer_one_is_there, setup_three),
        TEST(the_very_same_image_is_fetched_again, setup_three),
        TEST(alone_with_a_base_that_rots_a_server_says_so_and_serves, setup_one),
        TEST(an_image_that_rots_is_left_behind_by_the_next, setup_one),
        TEST(rot_is_found_before_anybody_needs_the_file, setup_three_scrubbed),
        TEST(alone_a_server_says_so_when_its_image_is_found_to_rot, setup_one_scrubbed),
        TEST(who_lends_an_image_that_does_not_read_finds_out, setup_three),
        TEST(a_state_comes_from_another_when_who_gives_it_falls_silent, setup_three),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
