/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_receive -- Raft messages that are not whole, or whose entries do not follow one another,
 * end their connection and change nothing.
 */
#include "unit/server/server_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct cc_group *group; /* a follower's */
static uint32_t place;
static uint32_t leader; /* its id */

static int set_up(void **state)
{
    (void)state;
    stand_make(3);
    place = stand_follower();
    leader = stand_leader() + 1;
    group = stand_group(place);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stand_run(2000000);
    assert_true(cc_cluster_is_settled(cluster));
    stand_free();
    return 0;
}

static bool is_taken(uint16_t type, copycat_bytes body)
{
    uint64_t term = cc_raft_term(group->core);
    uint64_t last = cc_raft_last(group->core);
    uint64_t commit = cc_raft_commit(group->core);
    bool is_sound = stand_receive(place, leader, type, body);

    /* Nothing here is news to the core. */
    assert_int_equal(cc_raft_term(group->core), term);
    assert_int_equal(cc_raft_last(group->core), last);
    assert_int_equal(cc_raft_commit(group->core), commit);
    assert_int_equal(cc_raft_leader(group->core), leader);
    return is_sound;
}

/* The body as it is, cut short at each byte, and with one byte more. */
static void expect_whole_only(uint16_t type)
{
    copycat_bytes body = stand_body();

    for (size_t size = 0; size <= body.size + 1; size++) {
        if (is_taken(type, (copycat_bytes){body.data, size}) != (size == body.size)) {
            fail_msg("type %u: %zu bytes of %zu", type, size, body.size);
        }
    }
}

static void takes_messages_of_raft_whole_or_not_at_all(void **state)
{
    uint64_t term = cc_raft_term(group->core);
    uint64_t last = cc_raft_last(group->core);

    (void)state;
    cc_vote_encode(
        stand_begin(), &(struct cc_vote){.term = term, .last_index = 1, .is_prevote = true});
    expect_whole_only(CC_MESSAGE_VOTE);
    cc_vote_reply_encode(stand_begin(), &(struct cc_vote_reply){.term = term});
    expect_whole_only(CC_MESSAGE_VOTE_REPLY);
    cc_append_encode_head(
        stand_begin(),
        &(struct cc_append){
            .term = term, .prev_index = last, .prev_term = cc_log_term(group->log, last)});
    expect_whole_only(CC_MESSAGE_APPEND);
    cc_append_reply_encode(stand_begin(), &(struct cc_append_reply){.term = term});
    expect_whole_only(CC_MESSAGE_APPEND_REPLY);
    cc_timeout_now_encode(stand_begin(), &(struct cc_timeout_now){.term = term - 1});
    expect_whole_only(CC_MESSAGE_TIMEOUT_NOW);
}

static void knows_no_other_messages_between_members(void **state)
{
    (void)state;
    (void)stand_begin();
    for (uint16_t type = 0; type < 128; type++) {
        if (type < CC_MESSAGE_VOTE || type > CC_MESSAGE_REPAIR) {
            assert_false(is_taken(type, stand_body()));
        }
    }
}

/* T-047: they would stand in the way of heartbeats. */
static void takes_no_parts_of_images_where_raft_speaks(void **state)
{
    struct cc_image_ask ask = {.image = {.index = 1, .term = 1, .size = 5}, .size = 5};
    struct cc_image_part part = {.index = 1, .bytes = {"part", 4}};

    (void)state;
    cc_image_ask_encode(stand_begin(), &ask);
    assert_false(is_taken(CC_MESSAGE_IMAGE_ASK, stand_body()));
    cc_image_part_encode(stand_begin(), &part);
    assert_false(is_taken(CC_MESSAGE_IMAGE_PART, stand_body()));
}

/* ---- the entries of an append ---------------------------------------------------------------- */

struct written {
    uint32_t group;
    uint64_t index;
    uint64_t term;
};

/* An append behind the entry before the last, with these entries. */
static void append(uint32_t said, const struct written *entries, uint32_t count)
{
    uint64_t last = cc_raft_last(group->core);
    struct cc_writer *writer = stand_begin();

    cc_append_encode_head(
        writer, &(struct cc_append){
                    .term = cc_raft_term(group->core),
                    .prev_index = last - 1,
                    .prev_term = cc_log_term(group->log, last - 1),
                    .entry_count = said});
    for (uint32_t i = 0; i < count; i++) {
        struct cc_block *block =
            cc_entry_create(group->memory, CC_ENTRY_TICK, (copycat_bytes){NULL, 0});

        cc_entry_stamp(block, entries[i].group, entries[i].index, entries[i].term, 0);
        cc_write_raw(writer, block->data, block->size);
        cc_block_release(block);
    }
}

static void takes_only_entries_that_follow_one_another(void **state)
{
    uint64_t last = cc_raft_last(group->core);
    uint64_t term = cc_log_term(group->log, last);
    const struct written good = {0, last, term};
    struct written bad = good;

    (void)state;
    assert_true(last > 1);
    append(1, &good, 1); /* which it has already */
    expect_whole_only(CC_MESSAGE_APPEND);
    bad.group = 1;
    append(1, &bad, 1);
    assert_false(is_taken(CC_MESSAGE_APPEND, stand_body()));
    bad = good;
    bad.index = last + 1;
    append(1, &bad, 1);
    assert_false(is_taken(CC_MESSAGE_APPEND, stand_body()));
    bad.index = last - 1;
    append(1, &bad, 1);
    assert_false(is_taken(CC_MESSAGE_APPEND, stand_body()));
    append(2, (const struct written[]){good, {0, last + 2, term}}, 2); /* a hole */
    assert_false(is_taken(CC_MESSAGE_APPEND, stand_body()));
    append(2, &good, 1); /* one less than it says */
    assert_false(is_taken(CC_MESSAGE_APPEND, stand_body()));
    append(1, (const struct written[]){good, {0, last + 1, term}}, 2); /* one more */
    assert_false(is_taken(CC_MESSAGE_APPEND, stand_body()));
}

static void takes_no_entries_whose_terms_fall(void **state)
{
    uint64_t last = cc_raft_last(group->core);
    uint64_t term = cc_log_term(group->log, last);

    (void)state;
    assert_true(term > 0);
    append(2, (const struct written[]){{0, last, term + 1}, {0, last + 1, term}}, 2);
    assert_false(is_taken(CC_MESSAGE_APPEND, stand_body()));
}

static void takes_no_append_with_more_changes_of_term_than_one_may_have(void **state)
{
    struct written entries[CC_RUNS_PER_APPEND_MAX + 1];
    uint64_t last = cc_raft_last(group->core);

    (void)state;
    for (uint32_t i = 0; i <= CC_RUNS_PER_APPEND_MAX; i++) {
        entries[i] = (struct written){0, last + i, 1 + i};
    }
    append(CC_RUNS_PER_APPEND_MAX + 1, entries, CC_RUNS_PER_APPEND_MAX + 1);
    assert_false(is_taken(CC_MESSAGE_APPEND, stand_body()));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(takes_messages_of_raft_whole_or_not_at_all),
        TEST(knows_no_other_messages_between_members),
        TEST(takes_no_parts_of_images_where_raft_speaks),
        TEST(takes_only_entries_that_follow_one_another),
        TEST(takes_no_entries_whose_terms_fall),
        TEST(takes_no_append_with_more_changes_of_term_than_one_may_have),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
