/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_request -- what clients ask for: a request that is not whole is nobody's, and one that
 * cannot be served now is answered with why, not dropped.
 */
#include "unit/server/server_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOKEN 77u
#define ABSENT 999u

static uint32_t place; /* of the leader */
static struct cc_group *group;
static struct cc_origin origin; /* a client of another server: answers go there, and are seen */

static int set_up(void **state)
{
    (void)state;
    stand_make(3);
    place = stand_leader();
    group = stand_group(place);
    origin = (struct cc_origin){.server = stand_follower() + 1, .token = TOKEN};
    stand_forget();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stand_free();
    return 0;
}

static bool request(uint16_t type)
{
    return cc_group_request(group, origin, type, stand_body());
}

/* What came back for the client; false if nothing did. */
static bool replied(uint16_t type, copycat_bytes *body_out)
{
    struct cc_forward reply;

    stand_run(1000);
    if (!cc_forward_decode(stand_said(place, CC_MESSAGE_FORWARD_REPLY), &reply) ||
        reply.type != type) {
        return false;
    }
    assert_int_equal(reply.token, TOKEN);
    *body_out = reply.body;
    return true;
}

static void expect_answer(copycat_status status)
{
    struct cc_answer answer;
    copycat_bytes body;

    assert_true(replied(CC_MESSAGE_ANSWER, &body));
    assert_true(cc_answer_decode(body, &answer));
    assert_int_equal(answer.status, status);
    stand_forget();
}

static copycat_status open_session(uint64_t *session_out)
{
    struct cc_session_opened opened;
    copycat_bytes body;

    cc_session_open_encode(
        stand_begin(), &(struct cc_session_open){.nonce = {4}, .timeout_us = 60000000});
    assert_true(request(CC_MESSAGE_SESSION_OPEN));
    stand_run(1000000);
    assert_true(replied(CC_MESSAGE_SESSION_OPENED, &body));
    assert_true(cc_session_opened_decode(body, &opened));
    assert_int_equal(opened.nonce[0], 4);
    *session_out = opened.session;
    stand_forget();
    return opened.status;
}

static void command(uint64_t session, uint64_t sequence)
{
    cc_command_encode(
        stand_begin(),
        &(struct cc_command){.session = session, .sequence = sequence, .operation = {"x", 1}});
    assert_true(request(CC_MESSAGE_COMMAND));
}

static void expect_whole_only(uint16_t type)
{
    copycat_bytes body = stand_body();

    for (size_t size = 0; size < body.size; size++) {
        if (cc_group_request(group, origin, type, (copycat_bytes){body.data, size})) {
            fail_msg("type %u: %zu bytes of %zu", type, size, body.size);
        }
    }
    stand_run(100000);
    assert_null(stand_said(place, CC_MESSAGE_FORWARD_REPLY).data);
    assert_true(cc_group_request(group, origin, type, body));
}

static void takes_requests_whole_or_not_at_all(void **state)
{
    (void)state;
    cc_session_close_encode(stand_begin(), &(struct cc_session_close){.session = ABSENT});
    expect_whole_only(CC_MESSAGE_SESSION_CLOSE);
    cc_session_open_encode(
        stand_begin(), &(struct cc_session_open){.nonce = {1}, .timeout_us = 60000000});
    expect_whole_only(CC_MESSAGE_SESSION_OPEN);
    stand_run(100000);
    stand_forget();
    cc_keep_alive_encode(stand_begin(), &(struct cc_keep_alive){.session = ABSENT});
    expect_whole_only(CC_MESSAGE_KEEP_ALIVE);
    stand_run(100000);
    stand_forget();
    cc_query_encode(
        stand_begin(),
        &(struct cc_query){.session = ABSENT, .number = 1, .level = CC_READ_EVENTUAL});
    expect_whole_only(CC_MESSAGE_QUERY);
}

static void knows_no_other_requests(void **state)
{
    (void)state;
    (void)stand_begin();
    for (uint16_t type = 0; type < 128; type++) {
        if (type < CC_MESSAGE_SESSION_OPEN || type > CC_MESSAGE_QUERY) {
            assert_false(request(type));
        }
    }
    cc_write_raw(stand_begin(), "??", 2);
    for (uint16_t type = 0; type < 128; type++) {
        assert_false(request(type));
    }
}

static void tells_clients_of_sessions_that_are_not_there(void **state)
{
    struct cc_kept_alive kept;
    copycat_bytes body;

    (void)state;
    command(ABSENT, 1);
    stand_run(100000);
    expect_answer(COPYCAT_ERR_SESSION);
    cc_keep_alive_encode(stand_begin(), &(struct cc_keep_alive){.session = ABSENT});
    assert_true(request(CC_MESSAGE_KEEP_ALIVE));
    stand_run(100000);
    assert_true(replied(CC_MESSAGE_KEPT_ALIVE, &body));
    assert_true(cc_kept_alive_decode(body, &kept));
    assert_int_equal(kept.status, COPYCAT_ERR_SESSION);
}

static void sends_clients_to_the_leader_when_it_does_not_lead(void **state)
{
    uint64_t session = 1;

    (void)state;
    place = stand_follower();
    group = stand_group(place);
    origin.server = stand_leader() + 1;
    command(ABSENT, 1);
    expect_answer(COPYCAT_ERR_NO_LEADER);
    assert_int_equal(open_session(&session), COPYCAT_ERR_NO_LEADER);
    assert_int_equal(session, 0);
}

/* S4: at the bound the newcomer is told so, and what was there goes on. */
static void refuses_what_there_is_no_room_for(void **state)
{
    struct cc_server *server = stand_server(place);
    uint32_t uncommitted_max = server->options.uncommitted_max;
    struct cc_resend resend;
    copycat_bytes body;
    uint64_t session;
    uint64_t other;

    (void)state;
    assert_int_equal(open_session(&session), COPYCAT_OK);
    server->options.uncommitted_max = 0;
    command(session, 1);
    expect_answer(COPYCAT_ERR_BUSY);
    assert_int_equal(open_session(&other), COPYCAT_ERR_BUSY);
    cc_session_close_encode(stand_begin(), &(struct cc_session_close){.session = session});
    assert_true(request(CC_MESSAGE_SESSION_CLOSE));
    stand_run(1000000);
    assert_null(stand_said(place, CC_MESSAGE_FORWARD_REPLY).data);
    server->options.uncommitted_max = uncommitted_max;

    /* It is alive still, and its first command is still to come. */
    command(session, 2);
    assert_true(replied(CC_MESSAGE_RESEND, &body));
    assert_true(cc_resend_decode(body, &resend));
    assert_int_equal(resend.last, 0);
    stand_forget();
    command(session, 1);
    stand_run(1000000);
    assert_true(replied(CC_MESSAGE_ANSWER, &body));
}

/* Whether the session is there, only a leader knows. */
static void answers_what_waits_when_leadership_is_lost(void **state)
{
    (void)state;
    cc_world_pause(cluster->world, (place + 1) % 3);
    cc_world_pause(cluster->world, (place + 2) % 3);
    command(ABSENT, 1);
    stand_run(10000);
    assert_true(group->waiting_count > 0);
    assert_null(stand_said(place, CC_MESSAGE_FORWARD_REPLY).data);
    stand_run(3 * STAND_TIMEOUT_US);
    assert_int_not_equal(cc_raft_role(group->core), CC_RAFT_LEADER);
    assert_int_equal(group->waiting_count, 0);
    expect_answer(COPYCAT_ERR_NO_LEADER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(takes_requests_whole_or_not_at_all),
        TEST(knows_no_other_requests),
        TEST(tells_clients_of_sessions_that_are_not_there),
        TEST(sends_clients_to_the_leader_when_it_does_not_lead),
        TEST(refuses_what_there_is_no_room_for),
        TEST(answers_what_waits_when_leadership_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
