/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backlog -- entries behind the image that are not in memory when a server starts: the next of them are
 * read before their turn, so many bytes of them at most, and each is applied once, in its turn.
 */
#include "cluster_stand.h"
#include "log/journal_internal.h"
#include "sim/sim_disk_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ENTRIES 1500u
#define ENTRY_SIZE 60000u
#define BATCH_SIZE_MAX (256u << 10)
#define AHEAD_BYTES (UINT64_C(4) << 20) /* that are read before their turn */
#define SLICE_US 50u
#define SLICES_MAX 200000u

static uint64_t commit;   /* before the start */
static uint64_t expected; /* the next to be applied */
static uint64_t most;     /* bytes between what is applied and what is read */
static uint32_t together; /* reads before their turn, at once */

static void on_applied(void *owner, const struct cc_entry *entry, const struct cc_outcome *outcome)
{
    (void)owner;
    (void)outcome;
    assert_int_equal(entry->index, expected);
    expected++;
}

static uint64_t bytes_between(const struct cc_group *group, uint64_t from, uint64_t to)
{
    return cc_log_bytes_above(group->log, from) - cc_log_bytes_above(group->log, to);
}

/* What the log holds in memory that has not had its turn. */
static uint64_t bytes_ahead(const struct cc_group *group)
{
    uint64_t bytes = 0;

    for (uint64_t index = cc_apply_index(group->apply) + 1; index <= commit; index++) {
        const struct cc_block *block = cc_log_peek(group->log, index);

        bytes += block == NULL ? 0 : block->size;
    }
    return bytes;
}

static uint32_t under_way(const struct cc_group *group)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < CC_GROUP_AHEAD_MAX; i++) {
        count += group->aheads[i].group != NULL;
    }
    return count;
}

static void check_bounds(const struct cc_group *group)
{
    uint64_t bytes = bytes_ahead(group);

    for (uint32_t i = 0; i < CC_GROUP_AHEAD_MAX; i++) {
        uint64_t index = group->aheads[i].load.index;

        if (group->aheads[i].group != NULL) {
            assert_true(index <= cc_raft_commit(group->core));
            assert_true(bytes_between(group, cc_apply_index(group->apply), index) <= AHEAD_BYTES);
        }
    }
    assert_true(bytes <= AHEAD_BYTES + 2 * BATCH_SIZE_MAX);
    most = bytes > most ? bytes : most;
    together = under_way(group) > together ? under_way(group) : together;
}

/* What nobody asked for and nothing is done with, but that it has its turn. */
static void log_much(void)
{
    static const uint8_t payload[ENTRY_SIZE];

    for (uint32_t i = 0; i < ENTRIES; i++) {
        cc_group_propose(
            group_at(0), CC_ENTRY_TICK,
            (copycat_bytes){payload, i % 7 == 0 ? ENTRY_SIZE : i % 999});
        if (i % 8 == 7) {
            run_for(20000);
        }
    }
    run_for(1000000);
}

static int set_up(void **state)
{
    (void)state;
    (void)stand_begin(
        &(struct cc_cluster_options){
            .seed = 5,
            .voter_count = 1,
            .client_count = 1,
            .election_timeout_us = 300000,
            .file_size = 4u << 20,
            .batch_size_max = BATCH_SIZE_MAX,
            .cache_bytes_max = 65536,
            .image_bytes = UINT64_C(1) << 40,
            .image_entries = UINT64_C(1) << 40},
        NULL);
    log_much();
    assert_true(cc_log_bytes_above(group_at(0)->log, 0) > 2 * AHEAD_BYTES);
    commit = cc_raft_commit(group_at(0)->core);
    assert_int_equal(cc_apply_index(group_at(0)->apply), commit);
    cluster->applied = on_applied;
    expected = 1;
    most = 0;
    together = 0;
    cc_cluster_crash(cluster, 0);
    cc_cluster_start(cluster, 0);
    return 0;
}

/* Until the first entry is read because it has its turn. */
static struct cc_group *start_to_apply(void)
{
    for (uint32_t i = 0; i < SLICES_MAX; i++) {
        run_for(SLICE_US);
        if (server_at(0)->group != NULL && group_at(0)->is_apply_loading) {
            return group_at(0);
        }
    }
    fail_msg("nothing is read");
    return NULL;
}

static void apply_all(struct cc_group *group)
{
    for (uint32_t i = 0; i < SLICES_MAX && cc_apply_index(group->apply) < commit; i++) {
        run_for(SLICE_US);
        check_bounds(group);
    }
    run_for(1000000);
    assert_true(expected > commit);
    assert_int_equal(cc_apply_index(group->apply), expected - 1);
    assert_int_equal(cc_apply_index(group->apply), cc_raft_commit(group->core));
    assert_true(under_way(group) == 0 && !group->is_apply_loading);
    assert_true(cc_cluster_is_settled(cluster));
}

static void each_entry_is_applied_once_and_in_its_turn(void **state)
{
    (void)state;
    apply_all(start_to_apply());
}

/* The state is not there yet, or a turn takes long: so much is read, and then no more. */
static void no_more_is_read_ahead_than_may_be(void **state)
{
    struct cc_group *group = start_to_apply();

    (void)state;
    group->has_state = false;
    for (uint32_t i = 0; i < 20000; i++) {
        run_for(SLICE_US);
        check_bounds(group);
    }
    assert_int_equal(expected, 1);
    assert_int_equal(under_way(group), 0);
    assert_true(most > AHEAD_BYTES);
    assert_int_equal(together, CC_GROUP_AHEAD_MAX);
    assert_true(group->ahead > 1 && group->ahead < commit);
    group->has_state = true;
    cc_group_apply(group);
    apply_all(group);
}

static void refuse(struct cc_sim_file *file, uint64_t offset)
{
    struct cc_sim_scar *scar = malloc(sizeof *scar);

    assert_non_null(scar);
    *scar = (struct cc_sim_scar){file->scars, offset, CC_DISK_SECTOR};
    file->scars = scar;
}

/* It is nobody's turn yet, and nothing has gone wrong before it shows again then. */
static void what_is_refused_before_its_turn_is_read_again_in_its_turn(void **state)
{
    struct cc_group *group = start_to_apply();
    struct cc_journal_place place;
    struct cc_sim_file *file;
    uint64_t index = 1;

    (void)state;
    group->has_state = false;
    while (bytes_between(group, 0, index) < AHEAD_BYTES / 2) {
        index++;
    }
    assert_true(cc_log_place(group->log, index, &place));
    file = file_of(0, strrchr(cc_journal_path(group->journal, place.file), '/'));
    refuse(file, (uint64_t)place.batch_block * CC_DISK_BLOCK);
    for (uint32_t i = 0; i < 20000; i++) {
        run_for(SLICE_US);
        check_bounds(group);
    }
    assert_int_equal(group->ahead, 0);
    assert_null(cc_log_peek(group->log, index));
    assert_null(cc_log_damage(group->log));
    cc_sim_file_heal_scars(file, 0, SIZE_MAX);
    group->has_state = true;
    cc_group_apply(group);
    apply_all(group);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, stand_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_entry_is_applied_once_and_in_its_turn),
        TEST(no_more_is_read_ahead_than_may_be),
        TEST(what_is_refused_before_its_turn_is_read_again_in_its_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
