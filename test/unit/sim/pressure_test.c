/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is promised where more is written than images keep up with: the journal stays within what lives,
 * for puts wait a little, and none is refused; and nothing waits where images keep up.
 */
#include "cluster_stand.h"
#include "proto/catalog_operation.h"
#include "resource/map/map_machine.h"
#include "resource/map/map_operation.h"

#include <stdlib.h>
#include <string.h>

#define FILE_SIZE 262144u
#define KEYS 10000u
#define VALUE_SIZE 500u
#define TIMES 4u /* everything is put so often */
#define STEP_US UINT64_C(1000)
#define DISK_TIMES 3u              /* what lives, may be on the disk, ... */
#define DISK_MORE (2u * FILE_SIZE) /* ... and so much more beside a small state */

static struct {
    struct cc_group *group; /* of the leader */
    uint64_t session;
    uint64_t sequence;
    uint64_t map;
    uint64_t random;
} writer;

static struct {
    uint64_t backlog_percent; /* of its limit, at most */
    uint64_t disk_bytes;      /* of journal, image and segments, at most */
    uint64_t paused_us;       /* in all, with something gathered and nothing proposed */
} seen;

static void propose(
    uint8_t kind, void encode(struct cc_writer *out, const void *what), const void *what)
{
    struct cc_writer out;

    cc_writer_init(&out, writer.group->memory, 65536);
    encode(&out, what);
    cc_group_propose(writer.group, kind, (copycat_bytes){out.data, out.size});
    cc_writer_deinit(&out);
}

static void encode_open(struct cc_writer *out, const void *what)
{
    cc_session_open_encode(out, what);
}

static void encode_command(struct cc_writer *out, const void *what)
{
    cc_command_encode(out, what);
}

static void command(uint64_t instance, copycat_bytes operation)
{
    struct cc_command command = {
        .session = writer.session,
        .sequence = ++writer.sequence,
        .answered = writer.sequence - 1,
        .instance = instance,
        .operation = operation};

    propose(CC_ENTRY_COMMAND, encode_command, &command);
}

static void open_map(void)
{
    struct cc_session_open open = {.nonce = {1}, .timeout_us = 3600000000};
    uint8_t bytes[64];
    struct cc_writer out;

    writer.session = cc_raft_last(writer.group->core) + 1;
    propose(CC_ENTRY_SESSION_OPEN, encode_open, &open);
    run_for(100000);
    cc_writer_init_fixed(&out, bytes, sizeof bytes);
    cc_catalog_operation_encode(
        &out, &(struct cc_catalog_operation){
                  .code = CC_CATALOG_OPEN, .type = CC_MAP_TYPE_ID, .path = {"/map", 4}});
    writer.map = cc_raft_last(writer.group->core) + 1;
    command(0, (copycat_bytes){out.data, out.size});
    run_for(100000);
}

static void put(uint64_t key)
{
    uint8_t bytes[VALUE_SIZE + 64];
    uint8_t value[VALUE_SIZE];
    struct cc_map_operation operation = {
        .code = CC_MAP_PUT, .key = {&key, sizeof key}, .value = {value, sizeof value}};
    struct cc_writer out;

    for (size_t i = 0; i < sizeof value; i++) {
        writer.random = writer.random * 6364136223846793005u + 1442695040888963407u;
        value[i] = (uint8_t)(writer.random >> 56);
    }
    cc_writer_init_fixed(&out, bytes, sizeof bytes);
    cc_map_operation_encode(&out, &operation);
    command(writer.map, (copycat_bytes){out.data, out.size});
}

static void look(void)
{
    const struct cc_group *group = writer.group;
    uint64_t percent = cc_group_backlog_bytes(group) * 100 / (2 * cc_group_backlog_soft(group));
    uint64_t disk = cc_journal_disk_bytes(group->journal) + group->base_bytes;

    seen.backlog_percent = percent > seen.backlog_percent ? percent : seen.backlog_percent;
    seen.disk_bytes = disk > seen.disk_bytes ? disk : seen.disk_bytes;
    seen.paused_us += group->proposed.count > 0 ? STEP_US : 0;
}

/* In a closed loop: so many bytes are under way at most. */
static void write_all(uint64_t under_way_max, uint64_t pause_us)
{
    const struct cc_group *group = writer.group;
    uint64_t until = writer.sequence + (uint64_t)TIMES * KEYS;

    memset(&seen, 0, sizeof seen);
    while (writer.sequence < until) {
        assert_true(group->is_leading);
        while (writer.sequence < until && cc_group_has_room(group, VALUE_SIZE) &&
               cc_log_bytes_above(group->log, cc_apply_index(group->apply)) +
                       group->proposed_bytes <
                   under_way_max) {
            put((writer.random >> 33) % KEYS);
        }
        run_for(pause_us);
        look();
    }
    run_for(1000000);
    assert_int_equal(cc_apply_index(group->apply), cc_raft_last(group->core));
}

static int begin(uint32_t voters)
{
    int failed = stand_begin(
        &(struct cc_cluster_options){
            .seed = 5,
            .voter_count = voters,
            .election_timeout_us = 1000000,
            .file_size = FILE_SIZE,
            .segment_bytes = 65536,
            .keep_bytes = 1,
            .cache_bytes_max = 8u << 20},
        NULL);

    memset(&writer, 0, sizeof writer);
    writer.random = 1;
    writer.group = group_at(cc_cluster_leader(cluster));
    open_map();
    return failed;
}

static int one(void **state)
{
    (void)state;
    return begin(1);
}

static int three(void **state)
{
    (void)state;
    return begin(3);
}

static void a_journal_stays_within_what_lives_however_much_is_written(void **state)
{
    (void)state;
    write_all(256u << 10, STEP_US);
    assert_true(seen.backlog_percent <= 200);
    assert_true(seen.disk_bytes <= DISK_TIMES * writer.group->live_bytes + DISK_MORE);
    assert_true(seen.paused_us > 0);
}

static void nothing_waits_where_images_keep_up(void **state)
{
    (void)state;
    write_all(1, 5 * STEP_US);
    assert_true(seen.backlog_percent < 100);
    assert_int_equal(seen.paused_us, 0);
}

static void who_waits_for_an_image_goes_on_while_it_is_made(void **state)
{
    const struct cc_group *group = writer.group;

    (void)state;
    group->server->image_writers++; /* an image that takes very long */
    for (uint32_t i = 0; i < 6000; i++) {
        put(i);
    }
    run_for(3000000);
    assert_int_equal(cc_group_backlog_pressure(group), CC_BACKLOG_FULL);
    assert_true(group->proposed.count > 0);

    uint64_t last = cc_raft_last(group->core);

    run_for(1000000);
    assert_true(cc_raft_last(group->core) >= last + 100);
    group->server->image_writers--;
    run_for(20000000);
    assert_int_equal(group->proposed.count, 0);
    assert_int_equal(cc_group_backlog_pressure(group), 0);
}

/* It would be in vain. */
static void nobody_waits_for_an_image_that_cannot_be_made(void **state)
{
    struct cc_group *group = writer.group;

    (void)state;
    group->server->image_writers++;
    for (uint32_t i = 0; i < 3000; i++) {
        put(i);
    }
    run_for(1000000);
    assert_true(cc_group_backlog_pressure(group) > 0);
    cc_group_backlog_ended(group, false);
    assert_int_equal(cc_group_backlog_pressure(group), 0);
    cc_group_backlog_ended(group, true);
    assert_true(cc_group_backlog_pressure(group) > 0);
    group->server->image_writers--;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_journal_stays_within_what_lives_however_much_is_written, one, stand_end),
        cmocka_unit_test_setup_teardown(
            a_journal_stays_within_what_lives_however_much_is_written, three, stand_end),
        cmocka_unit_test_setup_teardown(nothing_waits_where_images_keep_up, one, stand_end),
        cmocka_unit_test_setup_teardown(
            who_waits_for_an_image_goes_on_while_it_is_made, one, stand_end),
        cmocka_unit_test_setup_teardown(
            nobody_waits_for_an_image_that_cannot_be_made, one, stand_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
