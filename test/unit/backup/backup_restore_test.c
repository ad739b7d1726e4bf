/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_restore_test -- directories made of a backup, and servers that are started with them: they
 * found with each other, with nobody else, and go on where the backup ended.
 */
#include "apply/image.h"
#include "backup/backup_restore.h"
#include "catalog/catalog_machine.h"
#include "resource/map/map_machine.h"
#include "resource/map/map_operation.h"
#include "server/node/node.h"
#include "sim/world.h"
#include "support/apply_history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SERVERS 3u
#define SECOND UINT64_C(1000000)
#define TERM 5u

static const copycat_machine_type *const types[] = {&cc_map_machine_type, NULL};

static struct history history; /* what the backup is of */
static struct cc_writer records;
static struct cc_backup_file_head head;
static struct cc_world *world;
static struct cc_members members;
static struct cc_server *servers[SERVERS];
static char notices[SERVERS][CC_REFUSE_TEXT_SIZE_MAX];

/* ---- a backup --------------------------------------------------------------------------------- */

static void capture(void)
{
    struct cc_apply *apply = history.apply;
    uint64_t commit = 0;

    assert_true(cc_apply_image_begin(apply));
    while (cc_apply_image_step(apply, &records, 1)) {
    }
    while ((commit = cc_apply_image_next_commit(apply, commit)) != 0) {
        struct cc_entry entry = cc_entry_of(history.entries[commit - 1].block);

        cc_apply_image_commit(apply, &records, &entry);
    }
    cc_apply_image_finish(apply, &records);
    cc_apply_image_end(apply);
    assert_false(records.failed);
    head = (struct cc_backup_file_head){
        .index = cc_apply_index(apply), .term = TERM, .time_us = cc_apply_time_us(apply)};
}

static int set_up(void **state)
{
    const struct cc_apply_options options = {.types = types, .catalog = &cc_catalog_machine_type};

    (void)state;
    history_init(&history, &options);
    history.now_us = 1000 * SECOND;
    for (uint8_t nonce = 1; nonce <= 4; nonce++) {
        uint64_t session = history_open(&history, nonce);
        char path[8];
        uint64_t instance;

        snprintf(path, sizeof path, "/m%u", (unsigned)nonce);
        assert_int_equal(
            history_create(&history, session, 1, path, CC_MAP_TYPE_ID, &instance), COPYCAT_OK);
    }
    cc_writer_init(&records, &history.counted.memory, 1u << 20);
    capture();
    world = cc_world_create(3, SERVERS);
    memset(&members, 0, sizeof members);
    for (uint32_t i = 0; i < SERVERS; i++) {
        struct cc_member *member = &members.at[members.count++];

        member->id = i + 1;
        member->role = CC_ROLE_VOTER;
        snprintf(member->address, sizeof member->address, "s%u:7458", i + 1);
        notices[i][0] = '\0';
        servers[i] = NULL;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cc_world_destroy(world);
    cc_writer_deinit(&records);
    history_deinit(&history);
    return 0;
}

/* ---- servers ---------------------------------------------------------------------------------- */

static void run(uint64_t time_us)
{
    uint64_t end = cc_world_now_us(world) + time_us;
    uint32_t machine;

    while (cc_world_step(world, end, &machine)) {
    }
}

static copycat_status pull(void *owner, copycat_bytes *records_out, bool *is_over)
{
    bool *is_given = owner;

    *records_out =
        *is_given ? (copycat_bytes){NULL, 0} : (copycat_bytes){records.data, records.size};
    *is_over = *is_given;
    *is_given = true;
    return COPYCAT_OK;
}

static bool is_restored;

static void restored(struct cc_backup_restore *restore)
{
    assert_int_equal(restore->status, COPYCAT_OK);
    is_restored = true;
}

/* The directory of the server at this place, for the cluster whose id is `cluster` repeated. */
static void restore_at(uint32_t place, uint8_t cluster)
{
    struct cc_backup_restore restore;
    struct cc_backup_restore_options options = {
        .directory = "d", .server = place + 1, .head = &head};
    bool is_given = false;

    memset(options.cluster_id, cluster, sizeof options.cluster_id);
    is_restored = false;
    assert_int_equal(
        cc_backup_restore_begin(
            &restore, cc_world_boot(world, place), &options, pull, restored, &is_given),
        COPYCAT_OK);
    for (uint32_t machine; !is_restored;) {
        assert_true(cc_world_step(world, UINT64_MAX / 4, &machine));
    }
    cc_world_crash(world, place); /* what is not durable is gone */
}

static void note(void *owner, const char *text)
{
    snprintf(owner, CC_REFUSE_TEXT_SIZE_MAX, "%s", text);
}

static void start(uint32_t place)
{
    const struct cc_server_callbacks callbacks = {.notice = note};
    const struct cc_server_options options = {
        .id = place + 1,
        .members = &members,
        .directory = "d",
        .types = types,
        .seed = place,
        .election_timeout_us = 300000,
        .file_size = 65536,
    };

    assert_int_equal(
        cc_server_open(
            &servers[place], cc_world_boot(world, place), &options, &callbacks, notices[place]),
        COPYCAT_OK);
}

static void start_all_for(uint64_t time_us)
{
    for (uint32_t i = 0; i < SERVERS; i++) {
        start(i);
    }
    run(time_us);
}

static void start_all(void)
{
    start_all_for(10 * SECOND);
}

/* ---- tests ------------------------------------------------------------------------------------ */

static void servers_that_were_restored_alike_go_on_where_the_backup_ended(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < SERVERS; i++) {
        restore_at(i, 7);
    }
    start_all_for(2 * SECOND); /* no session has ended yet */
    for (uint32_t i = 0; i < SERVERS; i++) {
        const struct cc_group *group = servers[i]->group;
        const struct cc_base *base = cc_journal_base(servers[i]->journal);

        assert_int_equal(servers[i]->state, CC_SERVER_MEMBER);
        assert_int_equal(base->cluster_id[0], 7);
        assert_int_equal(base->cluster_id[15], 7);
        assert_true(cc_apply_index(group->apply) > head.index);
        assert_true(cc_raft_term(group->core) > TERM);
        assert_true(cc_apply_time_us(group->apply) >= head.time_us);
        assert_int_equal(cc_apply_session_count(group->apply), 4);
    }
    assert_int_equal(
        cc_apply_digest(servers[0]->group->apply), cc_apply_digest(servers[1]->group->apply));
}

static void sessions_of_the_former_cluster_end_by_the_log(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < SERVERS; i++) {
        restore_at(i, 7);
    }
    start_all();
    run(120 * SECOND);
    for (uint32_t i = 0; i < SERVERS; i++) {
        assert_int_equal(cc_apply_session_count(servers[i]->group->apply), 0);
    }
}

static void an_empty_server_is_not_founded_with(void **state)
{
    (void)state;
    restore_at(0, 7);
    restore_at(1, 7);
    start_all();
    for (uint32_t i = 0; i < SERVERS; i++) {
        assert_int_equal(servers[i]->state, CC_SERVER_FOUNDING);
        assert_non_null(strstr(notices[i], "not restored as one cluster"));
    }
}

/* The first of the list founds, whether it was restored or not. */
static void one_that_was_restored_does_not_join_empty_ones(void **state)
{
    (void)state;
    restore_at(2, 7);
    start_all();
    for (uint32_t i = 0; i < SERVERS; i++) {
        assert_int_equal(servers[i]->state, CC_SERVER_FOUNDING);
    }
}

static void servers_of_two_restores_do_not_found(void **state)
{
    (void)state;
    restore_at(0, 7);
    restore_at(1, 7);
    restore_at(2, 8);
    start_all();
    for (uint32_t i = 0; i < SERVERS; i++) {
        assert_int_equal(servers[i]->state, CC_SERVER_FOUNDING);
        assert_non_null(strstr(notices[i], "not restored as one cluster"));
    }
}

/* It has forgotten what it voted and acknowledged: to the others it is a stranger. */
static void a_member_that_is_restored_again_is_refused(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < SERVERS; i++) {
        restore_at(i, 7);
    }
    start_all();
    for (uint32_t again = 0; again < SERVERS; again += 2) {
        cc_world_crash(world, again);
        cc_world_disk_wipe(world, again);
        restore_at(again, 7);
        start(again);
        run(10 * SECOND);
        assert_int_equal(servers[again]->state, CC_SERVER_FOUNDING);
        assert_non_null(strstr(notices[again], "another incarnation"));
        cc_world_crash(world, again);
        cc_world_disk_wipe(world, again);
    }
}

static void a_crash_before_the_founding_costs_nothing(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < SERVERS; i++) {
        restore_at(i, 7);
        start(i);
        run(SECOND / 10);
        cc_world_crash(world, i);
    }
    start_all();
    for (uint32_t i = 0; i < SERVERS; i++) {
        assert_int_equal(servers[i]->state, CC_SERVER_MEMBER);
        cc_world_crash(world, i);
    }
    start_all();
    for (uint32_t i = 0; i < SERVERS; i++) {
        assert_int_equal(servers[i]->state, CC_SERVER_MEMBER);
        assert_true(cc_apply_index(servers[i]->group->apply) > head.index);
    }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(servers_that_were_restored_alike_go_on_where_the_backup_ended),
        TEST(sessions_of_the_former_cluster_end_by_the_log),
        TEST(an_empty_server_is_not_founded_with),
        TEST(one_that_was_restored_does_not_join_empty_ones),
        TEST(servers_of_two_restores_do_not_found),
        TEST(a_member_that_is_restored_again_is_refused),
        TEST(a_crash_before_the_founding_costs_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
