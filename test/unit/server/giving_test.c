/* SPDX-License-Identifier: Apache-2.0 */
/*
 * giving -- backups of a running cluster: who gives them, how many, and what ends them.
 */
#include "apply/restore.h"
#include "client/backup.h"
#include "server/image/giving.h"
#include "unit/server/server_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MACHINE CC_CLIENT_MACHINES_FIRST
#define SECOND UINT64_C(1000000)
#define MAKERS 4u

struct maker {
    struct cc_backup backup;
    struct cc_backup_head head;
    struct cc_writer records;
    bool is_done;
};

static struct maker makers[MAKERS];
static struct cc_env *env;

static void on_wait(struct cc_backup *backup)
{
    (void)backup;
}

static void on_head(struct cc_backup *backup, const struct cc_backup_head *head)
{
    struct maker *maker = backup->owner;

    maker->head = *head;
}

static bool on_bytes(struct cc_backup *backup, copycat_bytes bytes)
{
    struct maker *maker = backup->owner;

    cc_write_raw(&maker->records, bytes.data, bytes.size);
    return true;
}

static void done(struct cc_backup *backup)
{
    struct maker *maker = backup->owner;

    maker->is_done = true;
}

static int set_up(void **state)
{
    (void)state;
    stand_make(3);
    env = cc_world_boot(cluster->world, MACHINE);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stand_free();
    return 0;
}

static struct maker *ask(uint32_t number, uint32_t place)
{
    static const struct cc_backup_callbacks callbacks = {on_wait, on_head, on_bytes, done};
    struct maker *maker = &makers[number];

    *maker = (struct maker){0};
    cc_writer_init(&maker->records, env->memory, 16u << 20);
    cc_backup_start(
        &maker->backup, env, cluster->members.at[place].address, 5 * SECOND, &callbacks, maker);
    return maker;
}

static void expect(const struct maker *maker, copycat_status status, const char *words)
{
    assert_true(maker->is_done);
    assert_int_equal(maker->backup.status, status);
    if (strstr(maker->backup.text, words) == NULL) {
        fail_msg("no \"%s\" in \"%s\"", words, maker->backup.text);
    }
}

static void the_leader_gives_its_whole_state(void **state)
{
    struct maker *maker = ask(0, stand_leader());
    uint64_t before = cc_raft_last(stand_group(stand_leader())->core);
    struct cc_apply_options options;
    struct cc_restoring *restoring;
    struct cc_apply *apply;

    (void)state;
    stand_run(3 * SECOND);
    expect(maker, COPYCAT_OK, "");
    assert_true(maker->head.index > before);
    cc_cluster_apply_options(env->memory, &options);
    restoring = cc_restore_begin(&options);
    assert_int_equal(
        cc_restore_take(restoring, (copycat_bytes){maker->records.data, maker->records.size}),
        COPYCAT_OK);
    assert_int_equal(cc_restore_end(restoring, &apply), COPYCAT_OK);
    assert_int_equal(cc_apply_index(apply), maker->head.index);
    cc_apply_destroy(apply);
    cc_restore_destroy(restoring);
}

static void a_follower_says_who_leads(void **state)
{
    struct maker *maker = ask(0, stand_follower());

    (void)state;
    stand_run(SECOND);
    expect(maker, COPYCAT_ERR_NO_LEADER, "this server does not lead; ask member ");
    assert_int_equal(maker->records.size, 0);
}

static void more_than_two_at_once_are_refused(void **state)
{
    uint32_t refused = 0;

    (void)state;
    for (uint32_t i = 0; i < CC_BACKUPS_MAX + 1; i++) {
        (void)ask(i, stand_leader());
    }
    stand_run(3 * SECOND);
    for (uint32_t i = 0; i < CC_BACKUPS_MAX + 1; i++) {
        bool is_refused = makers[i].backup.status != COPYCAT_OK;

        refused += is_refused;
        expect(
            &makers[i], is_refused ? COPYCAT_ERR_BUSY : COPYCAT_OK,
            is_refused ? "try again when one is complete" : "");
    }
    assert_int_equal(refused, 1);
    (void)ask(3, stand_leader());
    stand_run(3 * SECOND);
    expect(&makers[3], COPYCAT_OK, "");
}

static void who_goes_away_makes_room(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < CC_BACKUPS_MAX; i++) {
        (void)ask(i, stand_leader());
    }
    stand_run(SECOND / 500);
    for (uint32_t i = 0; i < CC_BACKUPS_MAX; i++) {
        cc_backup_stop(&makers[i].backup);
    }
    stand_run(SECOND);
    (void)ask(3, stand_leader());
    stand_run(3 * SECOND);
    expect(&makers[3], COPYCAT_OK, "");
}

/* Nobody knows any more whether what was asked of it is all that was acknowledged. */
static void who_leads_no_longer_gives_none(void **state)
{
    uint32_t leader = stand_leader();
    struct maker *maker;

    (void)state;
    for (uint32_t other = 0; other < 3; other++) {
        if (other != leader) {
            cc_world_cut(cluster->world, leader, other, true);
            cc_world_cut(cluster->world, other, leader, true);
        }
    }
    maker = ask(0, leader);
    stand_run(3 * SECOND);
    expect(maker, COPYCAT_ERR_NO_LEADER, "does not lead");
    assert_int_equal(maker->records.size, 0);
}

/* No image, no backup; but whoever asks does not wait for ever. */
static void a_server_that_can_make_no_image_says_so(void **state)
{
    struct cc_server *leader = stand_server(stand_leader());
    struct maker *maker = ask(0, stand_leader());

    (void)state;
    leader->image_writers++; /* as if another file were being written, without an end */
    stand_run(10 * SECOND);
    assert_false(maker->is_done);
    stand_run(10 * SECOND);
    leader->image_writers--;
    expect(maker, COPYCAT_ERR_UNAVAILABLE, "could not make an image");
}

static void a_server_that_dies_ends_it(void **state)
{
    uint32_t leader = stand_leader();
    struct maker *maker = ask(0, leader);

    (void)state;
    while (!maker->backup.is_reached) {
        stand_run(100);
    }
    cc_cluster_kill(cluster, leader);
    stand_run(10 * SECOND);
    expect(maker, COPYCAT_ERR_UNAVAILABLE, "");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(the_leader_gives_its_whole_state),        TEST(a_follower_says_who_leads),
        TEST(more_than_two_at_once_are_refused),       TEST(who_goes_away_makes_room),
        TEST(who_leads_no_longer_gives_none),          TEST(a_server_that_dies_ends_it),
        TEST(a_server_that_can_make_no_image_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
