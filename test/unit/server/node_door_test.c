/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_door -- who comes in, who gives way to whom, and whose words end the connection.
 */
#include "env/channel.h"
#include "unit/server/server_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MACHINE CC_CLIENT_MACHINES_FIRST
#define SHORT_US UINT64_C(50000)
#define HEARD_US UINT64_C(300000) /* a stranger was silent for long enough to give way */

struct visitor {
    struct cc_channel channel;
    bool is_closed;
    uint16_t heard; /* type of the newest frame */
};

static struct visitor visitors[8];
static struct cc_server *server;

static void on_frame(struct cc_channel *channel, const struct cc_frame *frame)
{
    struct visitor *visitor = channel->owner;

    visitor->heard = frame->type;
}

static void on_closed(struct cc_channel *channel, copycat_status status)
{
    struct visitor *visitor = channel->owner;

    (void)status;
    visitor->is_closed = true;
}

static const struct cc_channel_callbacks callbacks = {.on_frame = on_frame, .on_closed = on_closed};

static int set_up(void **state)
{
    (void)state;
    stand_make(3);
    server = stand_server(0);
    (void)cc_world_boot(cluster->world, MACHINE);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(server->failed, COPYCAT_OK);
    assert_true(cc_cluster_is_settled(cluster)); /* none of that has troubled the members */
    stand_free();
    return 0;
}

static struct visitor *come(uint32_t number)
{
    struct visitor *visitor = &visitors[number];
    struct cc_env *env = cc_world_env(cluster->world, MACHINE);

    *visitor = (struct visitor){0};
    cc_channel_init(
        &visitor->channel, env, env->memory, CC_FRAME_BODY_PEER_MAX, 1u << 20, &callbacks, visitor);
    cc_channel_connect(&visitor->channel, "s1:7458");
    stand_run(SHORT_US);
    return visitor;
}

/* What the body of the stand says, as a frame. */
static void say(struct visitor *visitor, uint16_t type, uint32_t group)
{
    copycat_bytes body = stand_body();

    cc_write_raw(cc_channel_begin(&visitor->channel, type, group), body.data, body.size);
    cc_channel_end(&visitor->channel);
    stand_run(SHORT_US);
}

static struct visitor *come_as(uint32_t number, uint8_t kind)
{
    struct visitor *visitor = come(number);
    struct cc_hello hello = {
        .version_min = CC_PROTOCOL_VERSION, .version_max = CC_PROTOCOL_VERSION, .kind = kind};

    cc_hello_encode(stand_begin(), &hello);
    say(visitor, CC_MESSAGE_HELLO, 0);
    assert_int_equal(visitor->heard, CC_MESSAGE_HELLO);
    assert_false(visitor->is_closed);
    return visitor;
}

/* ---- room ------------------------------------------------------------------------------------ */

static void the_longest_silent_stranger_gives_way_but_not_at_once(void **state)
{
    (void)state;
    server->options.guests_max = server->guest_count + 2;
    come(0);
    come(1);
    come(2);
    assert_true(visitors[2].is_closed);
    assert_false(visitors[0].is_closed || visitors[1].is_closed);
    assert_non_null(strstr(server->last_notice, "connections are turned away"));
    stand_run(HEARD_US);
    come(3);
    assert_true(visitors[0].is_closed);
    assert_false(visitors[1].is_closed || visitors[3].is_closed);
}

static void whoever_has_said_hello_gives_way_to_nobody(void **state)
{
    (void)state;
    server->options.guests_max = server->guest_count + 2;
    come_as(0, CC_HELLO_CLIENT);
    come_as(1, CC_HELLO_OBSERVER);
    stand_run(HEARD_US);
    come(2);
    assert_true(visitors[2].is_closed);
    assert_false(visitors[0].is_closed || visitors[1].is_closed);
}

static void a_stranger_who_says_nothing_is_shown_out(void **state)
{
    (void)state;
    come(0);
    stand_run(4000000);
    assert_false(visitors[0].is_closed);
    stand_run(3000000);
    assert_true(visitors[0].is_closed);
}

static void without_descriptors_a_stranger_gives_way_too(void **state)
{
    static const char words[] = "connections are turned away: descriptors are short";

    (void)state;
    assert_false(server->listener.on_short(&server->listener, words));
    assert_string_equal(server->last_notice, words);
    come(0);
    stand_run(HEARD_US);
    assert_true(server->listener.on_short(&server->listener, words));
    stand_run(SHORT_US);
    assert_true(visitors[0].is_closed);
}

/* For the journal: strangers first, then who came last, and never a member. */
static void makes_room_for_a_file_of_the_journal(void **state)
{
    uint32_t peers = server->guest_count;

    (void)state;
    come_as(0, CC_HELLO_CLIENT);
    come_as(1, CC_HELLO_CLIENT);
    come_as(2, CC_HELLO_CLIENT);
    come(3);
    come(4);
    cc_server_make_room(server);
    come(5); /* not while it is being made */
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(visitors[i].is_closed, i > 0);
    }
    assert_int_equal(server->guest_count, peers + 1);
    cc_server_make_room(server);
    stand_run(SHORT_US);
    assert_true(visitors[0].is_closed);
    assert_int_equal(server->guest_count, peers);
}

/* ---- words ----------------------------------------------------------------------------------- */

static void hello_comes_first_and_whole(void **state)
{
    (void)state;
    come(0);
    (void)stand_begin();
    say(&visitors[0], CC_MESSAGE_ASK_REPORT, 0);
    assert_true(visitors[0].is_closed);
    come(1);
    cc_write_raw(stand_begin(), "good day", 8);
    say(&visitors[1], CC_MESSAGE_HELLO, 0);
    assert_true(visitors[1].is_closed);
}

static void who_is_refused_is_told_so_and_shown_out(void **state)
{
    struct cc_hello hello = {
        .version_min = CC_PROTOCOL_VERSION,
        .version_max = CC_PROTOCOL_VERSION,
        .kind = CC_HELLO_CLIENT,
        .cluster_id = {1}};

    (void)state;
    come(0);
    cc_hello_encode(stand_begin(), &hello);
    say(&visitors[0], CC_MESSAGE_HELLO, 0);
    assert_int_equal(visitors[0].heard, CC_MESSAGE_REFUSE);
    stand_run(3000000);
    assert_true(visitors[0].is_closed);
}

static void an_observer_may_ask_for_a_report_and_for_nothing_else(void **state)
{
    (void)state;
    come_as(0, CC_HELLO_OBSERVER);
    (void)stand_begin();
    say(&visitors[0], CC_MESSAGE_ASK_REPORT, 0);
    assert_int_equal(visitors[0].heard, CC_MESSAGE_REPORT);
    cc_write_u8(stand_begin(), 1);
    say(&visitors[0], CC_MESSAGE_ASK_REPORT, 0);
    assert_true(visitors[0].is_closed);
    come_as(1, CC_HELLO_OBSERVER);
    cc_keep_alive_encode(stand_begin(), &(struct cc_keep_alive){.session = 1});
    say(&visitors[1], CC_MESSAGE_KEEP_ALIVE, 0);
    assert_true(visitors[1].is_closed);
}

static void a_client_may_make_requests_and_nothing_else(void **state)
{
    (void)state;
    come_as(0, CC_HELLO_CLIENT);
    cc_keep_alive_encode(stand_begin(), &(struct cc_keep_alive){.session = 999});
    say(&visitors[0], CC_MESSAGE_KEEP_ALIVE, 0);
    stand_run(HEARD_US);
    assert_int_equal(visitors[0].heard, CC_MESSAGE_KEPT_ALIVE);
    say(&visitors[0], CC_MESSAGE_KEEP_ALIVE, 1); /* of a group that is not there */
    assert_true(visitors[0].is_closed);
    for (uint32_t i = 1; i < 4; i++) {
        static const uint16_t types[] = {CC_MESSAGE_VOTE, CC_MESSAGE_HELLO, CC_MESSAGE_ANSWER};

        come_as(i, CC_HELLO_CLIENT);
        (void)stand_begin();
        say(&visitors[i], types[i - 1], 0);
        assert_true(visitors[i].is_closed);
    }
}

/* As server 2 does when it fetches an image. */
static struct visitor *come_as_lane(uint32_t number)
{
    struct visitor *visitor = come(number);
    struct cc_hello hello;

    cc_server_fill_hello(stand_server(1), &hello);
    hello.kind = CC_HELLO_LANE;
    cc_hello_encode(stand_begin(), &hello);
    say(visitor, CC_MESSAGE_HELLO, 0);
    assert_int_equal(visitor->heard, CC_MESSAGE_HELLO);
    return visitor;
}

static void ask_for_a_part(struct visitor *visitor, uint32_t group)
{
    struct cc_image_ask ask = {.image = {.index = 1, .term = 1, .size = 5}, .size = 5};

    cc_image_ask_encode(stand_begin(), &ask);
    say(visitor, CC_MESSAGE_IMAGE_ASK, group);
}

static void a_lane_is_for_parts_of_images_and_for_nothing_else(void **state)
{
    (void)state;
    come_as_lane(0);
    ask_for_a_part(&visitors[0], 0);
    assert_int_equal(visitors[0].heard, CC_MESSAGE_IMAGE_PART);
    assert_false(visitors[0].is_closed);
    ask_for_a_part(&visitors[0], 1); /* of a group that is not there */
    assert_true(visitors[0].is_closed);
    for (uint32_t i = 1; i < 5; i++) {
        static const uint16_t types[] = {
            CC_MESSAGE_VOTE, CC_MESSAGE_FORWARD, CC_MESSAGE_IMAGE_OFFER, CC_MESSAGE_KEEP_ALIVE};

        come_as_lane(i);
        (void)stand_begin();
        say(&visitors[i], types[i - 1], 0);
        assert_true(visitors[i].is_closed);
    }
}

static void a_member_has_one_lane_and_not_when_it_is_idle(void **state)
{
    uint32_t others = server->guest_count;

    (void)state;
    come_as_lane(0);
    come_as_lane(1);
    assert_true(visitors[0].is_closed);
    assert_int_equal(server->guest_count, others + 1);
    for (uint32_t i = 0; i < 6; i++) {
        stand_run(1000000);
        ask_for_a_part(&visitors[1], 0);
    }
    assert_false(visitors[1].is_closed);
    stand_run(5000000);
    assert_true(visitors[1].is_closed);
    assert_int_equal(server->guest_count, others);
}

static void a_lane_gives_way_to_a_file_of_the_journal(void **state)
{
    (void)state;
    come_as_lane(0);
    cc_server_make_room(server);
    stand_run(SHORT_US);
    assert_true(visitors[0].is_closed);
}

/* ---- what is passed on ----------------------------------------------------------------------- */

static bool is_forward_taken(uint16_t type, copycat_bytes body)
{
    struct cc_forward forward = {.token = 5, .type = type, .body = body};
    struct cc_frame frame = {.type = CC_MESSAGE_FORWARD};

    cc_forward_encode(stand_begin(), &forward);
    frame.body = stand_body();
    return cc_server_route_forwarded(server, 2, &frame);
}

/* A bad request is its client's fault; what is no request at all is the peer's. */
static void a_peer_passes_on_requests_and_nothing_else(void **state)
{
    struct cc_frame frame = {.type = CC_MESSAGE_FORWARD, .body = {"??", 2}};

    (void)state;
    assert_false(cc_server_route_forwarded(server, 2, &frame));
    assert_false(cc_server_route_forward_reply(server, &frame));
    assert_false(is_forward_taken(CC_MESSAGE_SESSION_OPEN - 1, (copycat_bytes){"", 0}));
    assert_false(is_forward_taken(CC_MESSAGE_QUERY + 1, (copycat_bytes){"", 0}));
    assert_true(is_forward_taken(CC_MESSAGE_SESSION_OPEN, (copycat_bytes){"", 0}));
    assert_true(is_forward_taken(CC_MESSAGE_QUERY, (copycat_bytes){"", 0}));
}

static void replies_go_to_clients_and_to_nobody_else(void **state)
{
    struct cc_forward reply = {.type = CC_MESSAGE_RESEND, .body = {"reply", 5}};
    struct cc_frame frame = {.type = CC_MESSAGE_FORWARD_REPLY};

    (void)state;
    come_as(0, CC_HELLO_OBSERVER);
    come_as(1, CC_HELLO_CLIENT);
    for (reply.token = 0; reply.token <= server->token_next + 1; reply.token++) {
        cc_forward_encode(stand_begin(), &reply);
        frame.body = stand_body();
        assert_true(cc_server_route_forward_reply(server, &frame)); /* or the client has gone */
    }
    stand_run(SHORT_US);
    assert_int_equal(visitors[0].heard, CC_MESSAGE_HELLO);
    assert_int_equal(visitors[1].heard, CC_MESSAGE_RESEND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_longest_silent_stranger_gives_way_but_not_at_once),
        TEST(whoever_has_said_hello_gives_way_to_nobody),
        TEST(a_stranger_who_says_nothing_is_shown_out),
        TEST(without_descriptors_a_stranger_gives_way_too),
        TEST(makes_room_for_a_file_of_the_journal),
        TEST(hello_comes_first_and_whole),
        TEST(who_is_refused_is_told_so_and_shown_out),
        TEST(an_observer_may_ask_for_a_report_and_for_nothing_else),
        TEST(a_client_may_make_requests_and_nothing_else),
        TEST(a_lane_is_for_parts_of_images_and_for_nothing_else),
        TEST(a_member_has_one_lane_and_not_when_it_is_idle),
        TEST(a_lane_gives_way_to_a_file_of_the_journal),
        TEST(a_peer_passes_on_requests_and_nothing_else),
        TEST(replies_go_to_clients_and_to_nobody_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
