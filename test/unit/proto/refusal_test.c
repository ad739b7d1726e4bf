/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal_test -- each bound of each message: the last that is accepted, and the first that is not.
 */
#include "support/limited_memory.h"
#include "support/message_again.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct limited_memory limited;
static struct cc_writer coded;
static struct cc_writer again;

static int setup(void **state)
{
    (void)state;
    limited_memory_init(&limited);
    cc_writer_init(&coded, &limited.memory, 4u << 20);
    cc_writer_init(&again, &limited.memory, 4u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cc_writer_deinit(&coded);
    cc_writer_deinit(&again);
    return limited.blocks == 0 ? 0 : -1;
}

/* Is what was coded accepted?  Empties it for the next. */
static bool accepts(uint16_t kind)
{
    bool accepted;

    assert_false(coded.failed);
    cc_writer_clear(&again);
    accepted = message_again(kind, (copycat_bytes){coded.data, coded.size}, &again);
    cc_writer_clear(&coded);
    return accepted;
}

#define CHECK(expected, kind, name, ...)           \
    do {                                           \
        struct cc_##name message_ = {__VA_ARGS__}; \
                                                   \
        cc_##name##_encode(&coded, &message_);     \
        assert_int_equal(accepts(kind), expected); \
    } while (0)

#define ACCEPTED(kind, name, ...) CHECK(true, kind, name, __VA_ARGS__)
#define REFUSED(kind, name, ...) CHECK(false, kind, name, __VA_ARGS__)

static void bounds_what_hello_says(void **state)
{
    struct cc_members one = {.count = 1};

    (void)state;
    one.at[0] = (struct cc_member){.id = 1, .role = CC_ROLE_VOTER, .address = "a"};
    ACCEPTED(CC_MESSAGE_HELLO, hello, .version_min = 1, .version_max = 1, .kind = CC_HELLO_CLIENT);
    ACCEPTED(
        CC_MESSAGE_HELLO, hello, .version_min = 1, .version_max = UINT32_MAX, .kind = CC_HELLO_PEER,
        .server = UINT32_MAX, .boot = UINT64_MAX, .members = one);
    REFUSED(CC_MESSAGE_HELLO, hello, .version_min = 0, .version_max = 1, .kind = CC_HELLO_CLIENT);
    REFUSED(CC_MESSAGE_HELLO, hello, .version_min = 2, .version_max = 1, .kind = CC_HELLO_CLIENT);
    REFUSED(CC_MESSAGE_HELLO, hello, .version_min = 1, .version_max = 1, .kind = 0);
    REFUSED(
        CC_MESSAGE_HELLO, hello, .version_min = 1, .version_max = 1, .kind = 3, .server = 1,
        .members = one);
    REFUSED(
        CC_MESSAGE_HELLO, hello, .version_min = 1, .version_max = 1, .kind = CC_HELLO_CLIENT,
        .server = 1);
    REFUSED(
        CC_MESSAGE_HELLO, hello, .version_min = 1, .version_max = 1, .kind = CC_HELLO_CLIENT,
        .members = one);
    REFUSED(
        CC_MESSAGE_HELLO, hello, .version_min = 1, .version_max = 1, .kind = CC_HELLO_PEER,
        .members = one);
    REFUSED(
        CC_MESSAGE_HELLO, hello, .version_min = 1, .version_max = 1, .kind = CC_HELLO_PEER,
        .server = 1);
    ACCEPTED(
        CC_MESSAGE_HELLO, hello, .version_min = 1, .version_max = 1, .kind = CC_HELLO_LANE,
        .server = 1, .members = one);
    REFUSED(
        CC_MESSAGE_HELLO, hello, .version_min = 1, .version_max = 1, .kind = CC_HELLO_LANE,
        .members = one);
    REFUSED(
        CC_MESSAGE_HELLO, hello, .version_min = 1, .version_max = 1, .kind = CC_HELLO_LANE,
        .server = 1);
    REFUSED(
        CC_MESSAGE_HELLO, hello, .version_min = 1, .version_max = 1, .kind = 6, .server = 1,
        .members = one);
}

static void bounds_refusals(void **state)
{
    static const char text[CC_REFUSE_TEXT_SIZE_MAX + 1];

    (void)state;
    ACCEPTED(CC_MESSAGE_REFUSE, refuse, .status = INT32_MIN, .text = {text, sizeof text - 1});
    REFUSED(CC_MESSAGE_REFUSE, refuse, .status = COPYCAT_ERR_CLUSTER, .text = {text, sizeof text});
    REFUSED(CC_MESSAGE_REFUSE, refuse, .status = COPYCAT_OK, .text = {text, 1});
    REFUSED(CC_MESSAGE_REFUSE, refuse, .status = 1, .text = {text, 1});
}

static void bounds_sessions(void **state)
{
    (void)state;
    ACCEPTED(CC_MESSAGE_SESSION_CLOSE, session_close, .session = CC_INDEX_MAX);
    REFUSED(CC_MESSAGE_SESSION_CLOSE, session_close, .session = CC_INDEX_MAX + 1);
    REFUSED(CC_MESSAGE_SESSION_CLOSE, session_close, .session = 0);
    ACCEPTED(AGAIN_SESSION_EXPIRE, session_expire, .session = 1, .touched = CC_INDEX_MAX);
    REFUSED(AGAIN_SESSION_EXPIRE, session_expire, .session = 1, .touched = CC_INDEX_MAX + 1);
    REFUSED(AGAIN_SESSION_EXPIRE, session_expire, .session = 0, .touched = 1);
    ACCEPTED(AGAIN_MARK, mark, .index = CC_INDEX_MAX, .digest = UINT64_MAX);
    REFUSED(AGAIN_MARK, mark, .index = CC_INDEX_MAX + 1, .digest = 1);
    ACCEPTED(
        CC_MESSAGE_KEEP_ALIVE, keep_alive, .session = 1, .answered = CC_INDEX_MAX,
        .events = CC_INDEX_MAX);
    REFUSED(CC_MESSAGE_KEEP_ALIVE, keep_alive, .session = 0);
    REFUSED(CC_MESSAGE_KEEP_ALIVE, keep_alive, .session = 1, .answered = CC_INDEX_MAX + 1);
    REFUSED(CC_MESSAGE_KEEP_ALIVE, keep_alive, .session = 1, .events = CC_INDEX_MAX + 1);
    ACCEPTED(CC_MESSAGE_KEPT_ALIVE, kept_alive, .session = 1, .status = COPYCAT_ERR_SESSION);
    REFUSED(CC_MESSAGE_KEPT_ALIVE, kept_alive, .session = 0);
    REFUSED(CC_MESSAGE_KEPT_ALIVE, kept_alive, .session = 1, .status = 5);
    REFUSED(CC_MESSAGE_SESSION_ENDED, session_ended, .session = 1, .status = COPYCAT_OK);
    REFUSED(CC_MESSAGE_SESSION_ENDED, session_ended, .session = 0, .status = COPYCAT_ERR_SESSION);
}

static void names_a_session_exactly_when_it_was_opened(void **state)
{
    (void)state;
    ACCEPTED(CC_MESSAGE_SESSION_OPENED, session_opened, .session = CC_INDEX_MAX);
    ACCEPTED(CC_MESSAGE_SESSION_OPENED, session_opened, .status = COPYCAT_ERR_QUOTA);
    REFUSED(CC_MESSAGE_SESSION_OPENED, session_opened, .session = 0);
    REFUSED(CC_MESSAGE_SESSION_OPENED, session_opened, .session = CC_INDEX_MAX + 1);
    REFUSED(CC_MESSAGE_SESSION_OPENED, session_opened, .status = COPYCAT_ERR_QUOTA, .session = 1);
    REFUSED(
        CC_MESSAGE_SESSION_OPENED, session_opened, .status = COPYCAT_ERR_QUOTA,
        .session = CC_INDEX_MAX + 1);
}

static void bounds_commands(void **state)
{
    static uint8_t operation[CC_OPERATION_SIZE_MAX + 1];

    (void)state;
    ACCEPTED(
        CC_MESSAGE_COMMAND, command, .session = 1, .sequence = 1, .stream = UINT64_MAX,
        .instance = CC_INDEX_MAX, .operation = {operation, CC_OPERATION_SIZE_MAX});
    REFUSED(
        CC_MESSAGE_COMMAND, command, .session = 1, .sequence = 1,
        .operation = {operation, CC_OPERATION_SIZE_MAX + 1});
    REFUSED(CC_MESSAGE_COMMAND, command, .session = 0, .sequence = 1);
    REFUSED(CC_MESSAGE_COMMAND, command, .session = CC_INDEX_MAX + 1, .sequence = 1);
    REFUSED(CC_MESSAGE_COMMAND, command, .session = 1, .sequence = 0);
    REFUSED(CC_MESSAGE_COMMAND, command, .session = 1, .sequence = CC_INDEX_MAX + 1);
    REFUSED(CC_MESSAGE_COMMAND, command, .session = 1, .sequence = 1, .answered = CC_INDEX_MAX + 1);
    REFUSED(CC_MESSAGE_COMMAND, command, .session = 1, .sequence = 1, .events = CC_INDEX_MAX + 1);
    REFUSED(CC_MESSAGE_COMMAND, command, .session = 1, .sequence = 1, .instance = CC_INDEX_MAX + 1);
}

static void bounds_queries(void **state)
{
    (void)state;
    ACCEPTED(
        CC_MESSAGE_QUERY, query, .session = 1, .after_sequence = CC_INDEX_MAX,
        .after_index = CC_INDEX_MAX, .instance = CC_INDEX_MAX, .level = CC_READ_LINEARIZABLE);
    ACCEPTED(CC_MESSAGE_QUERY, query, .session = 1, .level = CC_READ_EVENTUAL);
    REFUSED(CC_MESSAGE_QUERY, query, .session = 0, .level = CC_READ_EVENTUAL);
    REFUSED(CC_MESSAGE_QUERY, query, .session = 1, .level = CC_READ_LINEARIZABLE - 1);
    REFUSED(CC_MESSAGE_QUERY, query, .session = 1, .level = CC_READ_EVENTUAL + 1);
    REFUSED(
        CC_MESSAGE_QUERY, query, .session = 1, .after_sequence = CC_INDEX_MAX + 1,
        .level = CC_READ_EVENTUAL);
    REFUSED(
        CC_MESSAGE_QUERY, query, .session = 1, .after_index = CC_INDEX_MAX + 1,
        .level = CC_READ_EVENTUAL);
    REFUSED(
        CC_MESSAGE_QUERY, query, .session = 1, .instance = CC_INDEX_MAX + 1,
        .level = CC_READ_EVENTUAL);
}

static void bounds_answers(void **state)
{
    static uint8_t result[CC_RESULT_SIZE_MAX + 1];

    (void)state;
    ACCEPTED(
        CC_MESSAGE_ANSWER, answer, .session = 1, .index = CC_INDEX_MAX, .event = CC_INDEX_MAX,
        .result = {result, CC_RESULT_SIZE_MAX});
    REFUSED(CC_MESSAGE_ANSWER, answer, .session = 1, .result = {result, CC_RESULT_SIZE_MAX + 1});
    REFUSED(CC_MESSAGE_ANSWER, answer, .session = 0);
    REFUSED(CC_MESSAGE_ANSWER, answer, .session = 1, .index = CC_INDEX_MAX + 1);
    REFUSED(CC_MESSAGE_ANSWER, answer, .session = 1, .event = CC_INDEX_MAX + 1);
    REFUSED(CC_MESSAGE_RESULT, answer, .session = 1, .status = 3);
    ACCEPTED(CC_MESSAGE_RESEND, resend, .session = 1, .last = CC_INDEX_MAX);
    REFUSED(CC_MESSAGE_RESEND, resend, .session = 1, .last = CC_INDEX_MAX + 1);
    REFUSED(CC_MESSAGE_RESEND, resend, .session = 0, .last = 1);
}

static void bounds_terms_and_indexes_between_servers(void **state)
{
    (void)state;
    REFUSED(CC_MESSAGE_VOTE, vote, .term = CC_TERM_MAX + 1);
    REFUSED(CC_MESSAGE_VOTE, vote, .term = UINT64_MAX);
    REFUSED(CC_MESSAGE_VOTE, vote, .term = 1, .last_index = CC_INDEX_MAX + 1);
    REFUSED(CC_MESSAGE_VOTE, vote, .term = 1, .last_term = CC_TERM_MAX + 1);
    REFUSED(CC_MESSAGE_VOTE_REPLY, vote_reply, .term = CC_TERM_MAX + 1);
    REFUSED(CC_MESSAGE_TIMEOUT_NOW, timeout_now, .term = CC_TERM_MAX + 1);
    REFUSED(CC_MESSAGE_REPAIR_ASK, repair_ask, .first = 0, .last = 1, .term = 1);
    REFUSED(CC_MESSAGE_REPAIR_ASK, repair_ask, .first = 2, .last = 1, .term = 1);
    REFUSED(CC_MESSAGE_REPAIR_ASK, repair_ask, .first = 1, .last = CC_INDEX_MAX + 1, .term = 1);
    REFUSED(CC_MESSAGE_REPAIR_ASK, repair_ask, .first = 1, .last = 1, .term = CC_TERM_MAX + 1);
    REFUSED(CC_MESSAGE_APPEND_REPLY, append_reply, .term = CC_TERM_MAX + 1);
    REFUSED(CC_MESSAGE_APPEND_REPLY, append_reply, .term = 1, .match = CC_INDEX_MAX + 1);
    REFUSED(CC_MESSAGE_APPEND_REPLY, append_reply, .term = 1, .hint_index = CC_INDEX_MAX + 1);
    REFUSED(CC_MESSAGE_APPEND_REPLY, append_reply, .term = 1, .hint_term = CC_TERM_MAX + 1);
}

static void bounds_what_is_said_of_images(void **state)
{
    static const uint8_t bytes[CC_IMAGE_PART_SIZE_MAX + 1];
    const struct cc_image_name largest = {
        CC_INDEX_MAX, CC_TERM_MAX, CC_TIME_US_MAX, CC_IMAGE_SIZE_MAX, UINT64_MAX};
    const struct cc_image_name small = {1, 1, 0, 100, 0};
    struct cc_image_name wrong[] = {largest, largest, largest, largest, largest, largest, largest};

    (void)state;
    wrong[0].index = 0;
    wrong[1].index = CC_INDEX_MAX + 1;
    wrong[2].term = 0;
    wrong[3].term = CC_TERM_MAX + 1;
    wrong[4].time_us = CC_TIME_US_MAX + 1;
    wrong[5].size = 0;
    wrong[6].size = CC_IMAGE_SIZE_MAX + 1;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        REFUSED(CC_MESSAGE_IMAGE_OFFER, image_offer, .term = 1, .image = wrong[i]);
        REFUSED(CC_MESSAGE_IMAGE_ASK, image_ask, .image = wrong[i], .size = 1);
    }
    ACCEPTED(CC_MESSAGE_IMAGE_OFFER, image_offer, .term = CC_TERM_MAX, .image = largest);
    REFUSED(CC_MESSAGE_IMAGE_OFFER, image_offer, .term = CC_TERM_MAX + 1, .image = largest);
    REFUSED(CC_MESSAGE_IMAGE_OFFER, image_offer, .term = 0, .image = largest);
    ACCEPTED(CC_MESSAGE_IMAGE_FETCHING, image_fetching, .index = 1, .progress = UINT64_MAX);
    REFUSED(CC_MESSAGE_IMAGE_FETCHING, image_fetching, .index = 0, .progress = 1);
    REFUSED(CC_MESSAGE_IMAGE_FETCHING, image_fetching, .index = CC_INDEX_MAX + 1);
    ACCEPTED(CC_MESSAGE_IMAGE_ASK, image_ask, .image = small, .offset = 60, .size = 40);
    REFUSED(CC_MESSAGE_IMAGE_ASK, image_ask, .image = small, .offset = 60, .size = 41);
    REFUSED(CC_MESSAGE_IMAGE_ASK, image_ask, .image = small, .offset = 100, .size = 1);
    REFUSED(CC_MESSAGE_IMAGE_ASK, image_ask, .image = small, .offset = 60, .size = 0);
    REFUSED(CC_MESSAGE_IMAGE_ASK, image_ask, .image = largest, .size = CC_IMAGE_PART_SIZE_MAX + 1);
    ACCEPTED(CC_MESSAGE_IMAGE_ASK, image_ask, .image = small, .file = 1, .offset = 60, .size = 41);
    REFUSED(
        CC_MESSAGE_IMAGE_ASK, image_ask, .image = small, .file = 1, .offset = CC_IMAGE_SIZE_MAX,
        .size = 1);
    ACCEPTED(
        CC_MESSAGE_IMAGE_PART, image_part, .index = 1, .offset = CC_IMAGE_SIZE_MAX,
        .bytes = {bytes, CC_IMAGE_PART_SIZE_MAX});
    REFUSED(
        CC_MESSAGE_IMAGE_PART, image_part, .index = 1,
        .bytes = {bytes, CC_IMAGE_PART_SIZE_MAX + 1});
    REFUSED(CC_MESSAGE_IMAGE_PART, image_part, .index = 0, .bytes = {bytes, 1});
    REFUSED(CC_MESSAGE_IMAGE_PART, image_part, .index = 1, .offset = CC_IMAGE_SIZE_MAX + 1);
}

static void bounds_what_is_said_of_backups(void **state)
{
    static uint8_t part[CC_BACKUP_PART_SIZE_MAX + 1];
    const struct cc_backup_head small = {.index = 1, .term = 1, .size = 1};
    struct cc_backup_head wrong[4];

    (void)state;
    ACCEPTED(CC_MESSAGE_BACKUP_ASK, backup_ask, .received = CC_IMAGE_SIZE_MAX);
    REFUSED(CC_MESSAGE_BACKUP_ASK, backup_ask, .received = CC_IMAGE_SIZE_MAX + 1);
    ACCEPTED(CC_MESSAGE_BACKUP_END, backup_end, .size = CC_IMAGE_SIZE_MAX);
    REFUSED(CC_MESSAGE_BACKUP_END, backup_end, .size = 0);
    REFUSED(CC_MESSAGE_BACKUP_END, backup_end, .size = CC_IMAGE_SIZE_MAX + 1);
    ACCEPTED(
        CC_MESSAGE_BACKUP_PART, backup_part, .offset = CC_IMAGE_SIZE_MAX,
        .bytes = {part, CC_BACKUP_PART_SIZE_MAX});
    REFUSED(CC_MESSAGE_BACKUP_PART, backup_part, .bytes = {part, CC_BACKUP_PART_SIZE_MAX + 1});
    REFUSED(CC_MESSAGE_BACKUP_PART, backup_part, .bytes = {part, 0});
    REFUSED(
        CC_MESSAGE_BACKUP_PART, backup_part, .offset = CC_IMAGE_SIZE_MAX + 1, .bytes = {part, 1});
    ACCEPTED(CC_MESSAGE_BACKUP_HEAD, backup_head, .index = 1, .term = 1, .size = 1);
    for (size_t i = 0; i < 4; i++) {
        wrong[i] = small;
    }
    wrong[0].index = 0;
    wrong[1].term = CC_TERM_MAX + 1;
    wrong[2].time_us = CC_TIME_US_MAX + 1;
    wrong[3].size = 0;
    for (size_t i = 0; i < 4; i++) {
        REFUSED(
            CC_MESSAGE_BACKUP_HEAD, backup_head, .index = wrong[i].index, .term = wrong[i].term,
            .time_us = wrong[i].time_us, .size = wrong[i].size);
    }
}

static void takes_a_restored_server_only_with_the_id_of_its_cluster(void **state)
{
    struct cc_members one = {.count = 1};

    (void)state;
    one.at[0] = (struct cc_member){.id = 1, .role = CC_ROLE_VOTER, .address = "a:1"};
    ACCEPTED(
        CC_MESSAGE_HELLO, hello, .version_min = 1, .version_max = 1, .kind = CC_HELLO_PEER,
        .is_restored = true, .cluster_id = {1}, .server = 1, .members = one);
    REFUSED(
        CC_MESSAGE_HELLO, hello, .version_min = 1, .version_max = 1, .kind = CC_HELLO_PEER,
        .is_restored = true, .server = 1, .members = one);
    REFUSED(
        CC_MESSAGE_HELLO, hello, .version_min = 1, .version_max = 1, .kind = 6, .cluster_id = {1},
        .server = 1, .members = one);
}

static bool accepts_append(const struct cc_append *append, size_t entries_size)
{
    static const uint8_t zeros[4 * CC_ENTRY_HEADER_SIZE];

    cc_append_encode_head(&coded, append);
    cc_write_raw(&coded, zeros, entries_size);
    return accepts(CC_MESSAGE_APPEND);
}

static void counts_the_entries_that_can_be_there(void **state)
{
    (void)state;
    assert_true(accepts_append(&(struct cc_append){.term = 1}, 0));
    assert_true(
        accepts_append(&(struct cc_append){.term = 1, .entry_count = 2}, 2 * CC_ENTRY_HEADER_SIZE));
    assert_false(accepts_append(
        &(struct cc_append){.term = 1, .entry_count = 3}, 2 * CC_ENTRY_HEADER_SIZE + 39));
    assert_false(accepts_append(&(struct cc_append){.term = 1, .entry_count = 1}, 0));
    assert_false(accepts_append(&(struct cc_append){.term = 1}, CC_ENTRY_HEADER_SIZE));
    assert_false(accepts_append(
        &(struct cc_append){.term = 1, .entry_count = UINT32_MAX}, CC_ENTRY_HEADER_SIZE));
    assert_false(accepts_append(&(struct cc_append){.term = CC_TERM_MAX + 1}, 0));
    assert_false(accepts_append(&(struct cc_append){.term = 1, .commit = CC_INDEX_MAX + 1}, 0));
    assert_false(accepts_append(&(struct cc_append){.term = 1, .floor = CC_INDEX_MAX + 1}, 0));
    assert_false(accepts_append(&(struct cc_append){.term = 1, .prev_index = CC_INDEX_MAX + 1}, 0));
    assert_false(accepts_append(&(struct cc_append){.term = 1, .prev_term = CC_TERM_MAX + 1}, 0));
}

static void takes_flags_for_nothing_but_0_and_1(void **state)
{
    (void)state;
    for (unsigned flag = 0; flag < 256; flag++) {
        const uint8_t reply[] = {5, (uint8_t)flag, 1};
        const uint8_t vote[] = {5, 1, 1, 0, (uint8_t)flag};

        cc_write_raw(&coded, reply, sizeof reply);
        assert_int_equal(accepts(CC_MESSAGE_VOTE_REPLY), flag <= 1);
        cc_write_raw(&coded, vote, sizeof vote);
        assert_int_equal(accepts(CC_MESSAGE_VOTE), flag <= 1);
    }
}

static void bounds_what_is_passed_on(void **state)
{
    static uint8_t body[CC_FRAME_BODY_CLIENT_MAX + 1];

    (void)state;
    ACCEPTED(
        CC_MESSAGE_FORWARD, forward, .token = UINT64_MAX, .type = UINT16_MAX,
        .body = {body, CC_FRAME_BODY_CLIENT_MAX});
    REFUSED(CC_MESSAGE_FORWARD, forward, .type = 1, .body = {body, CC_FRAME_BODY_CLIENT_MAX + 1});
}

static void refuses_what_is_not_there_at_all(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < AGAIN_KINDS; i++) {
        assert_false(message_again(again_kinds[i], (copycat_bytes){NULL, 0}, &again));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bounds_what_hello_says),
        TEST(bounds_refusals),
        TEST(bounds_sessions),
        TEST(names_a_session_exactly_when_it_was_opened),
        TEST(bounds_commands),
        TEST(bounds_queries),
        TEST(bounds_answers),
        TEST(bounds_terms_and_indexes_between_servers),
        TEST(bounds_what_is_said_of_images),
        TEST(bounds_what_is_said_of_backups),
        TEST(takes_a_restored_server_only_with_the_id_of_its_cluster),
        TEST(counts_the_entries_that_can_be_there),
        TEST(takes_flags_for_nothing_but_0_and_1),
        TEST(bounds_what_is_passed_on),
        TEST(refuses_what_is_not_there_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
