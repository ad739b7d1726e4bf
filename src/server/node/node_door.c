/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_door -- accepted connections.  A stranger may hold one small frame and a few seconds; who
 * has said hello is a client or a peer and gets what that kind may have.
 *
 * Where there is no room, the stranger who has been silent longest gives way to the newcomer, so
 * that those who never say a word cannot shut out those who do.  Who came just now may not have
 * been heard yet, and stays: then the newcomer is turned away, and tries again or elsewhere.
 */
#include "base/assert.h"
#include "server/image/giving.h"
#include "server/node/node.h"

#define HELLO_US_MAX UINT64_C(5000000)
#define HELLO_US_MIN UINT64_C(250000) /* that nobody is denied */
#define WATCH_US UINT64_C(1000000)
#define QUIET_US UINT64_C(60000000) /* between notices of newcomers who were turned away */
#define ROOM 4u                     /* descriptors: what opening a file takes at most */

void cc_server_dismiss(struct cc_guest *guest)
{
    if (guest->is_gone) {
        return;
    }
    guest->is_gone = true;
    cc_list_remove(&guest->stranger);
    cc_channel_close(&guest->channel);
    cc_server_wake(guest->server);
}

/* The watch shows it out, when it has had the time to read why. */
static void refuse(struct cc_guest *guest, copycat_status status, const char *text)
{
    struct cc_refuse refusal = {.status = status, .text = {text, 0}};

    while (text[refusal.text.size] != '\0') {
        refusal.text.size++;
    }
    cc_refuse_encode(cc_channel_begin(&guest->channel, CC_MESSAGE_REFUSE, 0), &refusal);
    cc_channel_end(&guest->channel);
    guest->kind = 0;
    guest->is_refused = true;
    guest->hello_deadline_us = cc_env_now_us(guest->server->env);
}

void cc_server_refuse_guest(
    struct cc_server *server, uint64_t token, copycat_status status, const char *text)
{
    struct cc_guest *guest = cc_server_guest(server, token);

    if (guest != NULL && guest->kind != 0) {
        cc_list_append(&server->strangers, &guest->stranger);
        refuse(guest, status, text);
    }
}

/* A peer that connects anew has given up its former connection. */
static void replace_former(struct cc_guest *guest)
{
    cc_list_each(node, &guest->server->guests) {
        struct cc_guest *other = cc_container_of(node, struct cc_guest, node);

        if (other != guest && other->kind == CC_HELLO_PEER && other->peer == guest->peer) {
            cc_server_dismiss(other);
        }
    }
}

static bool take_hello(struct cc_guest *guest, copycat_bytes body)
{
    struct cc_server *server = guest->server;
    struct cc_hello hello;
    const char *text;

    if (!cc_hello_decode(body, &hello)) {
        return false;
    }

    copycat_status status = cc_server_check_hello(server, &hello, &text);

    if (status != COPYCAT_OK) {
        refuse(guest, status, text);
        return true;
    }
    guest->kind = hello.kind;
    cc_list_remove(&guest->stranger);
    if (hello.kind == CC_HELLO_PEER) {
        guest->peer = hello.server;
        guest->boot = hello.boot;
        replace_former(guest);
        cc_channel_limit(&guest->channel, CC_FRAME_BODY_PEER_MAX);
        cc_server_heard(server, &hello);
    } else if (hello.kind == CC_HELLO_LANE) {
        guest->peer = hello.server;
        cc_server_lane_opened(guest);
    } else {
        cc_channel_limit(&guest->channel, CC_FRAME_BODY_CLIENT_MAX);
    }
    cc_server_fill_hello(server, &hello);
    cc_hello_encode(cc_channel_begin(&guest->channel, CC_MESSAGE_HELLO, 0), &hello);
    cc_channel_end(&guest->channel);
    return true;
}

static bool take_from_peer(struct cc_guest *guest, const struct cc_frame *frame)
{
    struct cc_server *server = guest->server;

    switch (frame->type) {
    case CC_MESSAGE_BASE:
        return cc_server_take_base(server, frame->body);
    case CC_MESSAGE_FORWARD:
        return cc_server_route_forwarded(server, guest->peer, frame);
    case CC_MESSAGE_FORWARD_REPLY:
        return cc_server_route_forward_reply(server, frame);
    default:
        return server->group == NULL || frame->group != 0 ||
               cc_group_receive(server->group, guest->peer, frame);
    }
}

static bool take_from_observer(struct cc_guest *guest, const struct cc_frame *frame)
{
    struct cc_server *server = guest->server;

    if (frame->type == CC_MESSAGE_ASK_REPORT && frame->body.size == 0) {
        cc_server_report(server, &guest->channel);
        return true;
    }
    if (frame->type != CC_MESSAGE_BACKUP_ASK || frame->group != 0) {
        return false;
    }
    if (server->group != NULL) {
        return cc_giving_asked(server->group->giving, guest->token, frame->body);
    }
    cc_server_refuse_guest(
        server, guest->token, COPYCAT_ERR_UNAVAILABLE,
        "there is nothing to back up: this server recovers, or its cluster is not founded yet");
    return true;
}

/* A browser, a health check, a scanner: not worth more than a line now and then. */
static void tell_babble(struct cc_guest *guest)
{
    struct cc_server *server = guest->server;
    uint64_t now = cc_env_now_us(server->env);

    if (guest->kind == 0 && !guest->is_gone && now >= server->babble_us) {
        server->babble_us = now + QUIET_US;
        cc_server_news(
            server, "a connection was ended: what came on it is not Copycat's protocol (HTTP, TLS "
                    "and the like are not spoken here)");
    }
}

static void on_frame(struct cc_channel *channel, const struct cc_frame *frame)
{
    struct cc_guest *guest = channel->owner;
    bool is_sound = false;

    if (guest->server->failed != COPYCAT_OK || guest->is_gone || guest->is_refused) {
        return;
    }
    if (guest->kind == 0) {
        is_sound = frame->type == CC_MESSAGE_HELLO && take_hello(guest, frame->body);
    } else if (guest->kind == CC_HELLO_PEER) {
        is_sound = take_from_peer(guest, frame);
    } else if (guest->kind == CC_HELLO_LANE) {
        is_sound = cc_server_lane_take(guest, frame);
    } else if (guest->kind == CC_HELLO_OBSERVER) {
        is_sound = take_from_observer(guest, frame);
    } else {
        is_sound = cc_server_route_request(guest->server, guest, frame);
    }
    if (!is_sound) {
        tell_babble(guest);
        cc_server_dismiss(guest);
    }
}

/* However it ends: a client asks again elsewhere, a peer dials again. */
static void on_closed(struct cc_channel *channel, copycat_status status)
{
    if (status != COPYCAT_OK && status != COPYCAT_ERR_MEMORY) {
        tell_babble(channel->owner);
    }
    cc_server_dismiss(channel->owner);
}

static const struct cc_channel_callbacks callbacks = {
    .on_frame = on_frame,
    .on_closed = on_closed,
};

/* ---- room -------------------------------------------------------------------------------------
 */

/* True if a stranger had to give way. */
static bool has_given_way(struct cc_server *server)
{
    if (cc_list_is_empty(&server->strangers)) {
        return false;
    }

    struct cc_guest *guest = cc_container_of(server->strangers.next, struct cc_guest, stranger);

    if (guest->hello_deadline_us + HELLO_US_MIN > cc_env_now_us(server->env) + HELLO_US_MAX) {
        return false;
    }
    cc_server_dismiss(guest);
    return true;
}

static void turn_away(struct cc_server *server, const char *text)
{
    uint64_t now = cc_env_now_us(server->env);

    if (now >= server->turned_away_us) {
        server->turned_away_us = now + QUIET_US;
        cc_server_notice_about(server, CC_TOPIC_DOOR, text);
    }
}

static bool on_short(struct cc_listener *listener, const char *text)
{
    struct cc_server *server = listener->owner;

    if (server->failed == COPYCAT_OK && has_given_way(server)) {
        return true;
    }
    turn_away(server, text);
    return false;
}

/*
 * Strangers first; then the clients who came last, who find another server, and not peers.  The
 * journal tries once with the door shut, or they would be back before it; not for longer, for with
 * nobody left to show out the shortage is not theirs.
 */
void cc_server_make_room(struct cc_server *server)
{
    uint32_t left = ROOM;

    cc_list_each_safe(node, following, &server->strangers) {
        if (left > 0) {
            left--;
            cc_server_dismiss(cc_container_of(node, struct cc_guest, stranger));
        }
    }
    for (struct cc_list *node = server->guests.prev; node != &server->guests && left > 0;
         node = node->prev) {
        struct cc_guest *guest = cc_container_of(node, struct cc_guest, node);

        if (!guest->is_gone && guest->kind != CC_HELLO_PEER) {
            left--;
            cc_server_dismiss(guest);
        }
    }
    server->is_making_room = left < ROOM;
}

/* ---- coming and going -------------------------------------------------------------------------
 */

static struct cc_conn *on_accept(struct cc_listener *listener)
{
    struct cc_server *server = listener->owner;

    if (server->failed != COPYCAT_OK || server->is_making_room) {
        return NULL;
    }
    if (server->guest_count >= server->options.guests_max && !has_given_way(server)) {
        turn_away(server, "connections are turned away: there are as many as are allowed");
        return NULL;
    }

    struct cc_guest *guest = cc_memory_try(server->memory, sizeof *guest);

    if (guest == NULL) {
        return NULL;
    }
    guest->server = server;
    guest->token = ++server->token_next;
    guest->hello_deadline_us = cc_env_now_us(server->env) + HELLO_US_MAX;
    cc_channel_init(
        &guest->channel, server->env, server->memory, CC_FRAME_BODY_STRANGER_MAX,
        CC_GUEST_OUTPUT_MAX, &callbacks, guest);
    cc_list_append(&server->guests, &guest->node);
    cc_list_append(&server->strangers, &guest->stranger);
    cc_table_put(&server->guests_by_token, guest->token, guest);
    server->guest_count++;
    return cc_channel_accept(&guest->channel);
}

void cc_server_dismiss_peers(struct cc_server *server)
{
    cc_list_each(node, &server->guests) {
        struct cc_guest *guest = cc_container_of(node, struct cc_guest, node);

        if (guest->kind == CC_HELLO_PEER || guest->kind == CC_HELLO_LANE) {
            cc_server_dismiss(guest);
        }
    }
}

struct cc_guest *cc_server_guest(const struct cc_server *server, uint64_t token)
{
    struct cc_guest *guest = token == 0 ? NULL : cc_table_get(&server->guests_by_token, token);

    return guest == NULL || guest->is_gone ? NULL : guest;
}

void cc_server_reap_guests(struct cc_server *server)
{
    cc_list_each_safe(node, following, &server->guests) {
        struct cc_guest *guest = cc_container_of(node, struct cc_guest, node);

        if (guest->is_gone) {
            cc_list_remove(&guest->node);
            (void)cc_table_remove(&server->guests_by_token, guest->token);
            server->guest_count--;
            cc_memory_give(server->memory, guest);
        }
    }
}

void cc_server_watch_guests(struct cc_server *server)
{
    uint64_t now = cc_env_now_us(server->env);

    cc_list_each_safe(node, following, &server->strangers) {
        struct cc_guest *guest = cc_container_of(node, struct cc_guest, stranger);

        if (guest->hello_deadline_us <= now) {
            cc_server_dismiss(guest);
        }
    }
    cc_server_watch_lanes(server);
    cc_env_timer_arm(server->env, &server->watch, now + WATCH_US);
}

copycat_status cc_server_open_door(struct cc_server *server)
{
    uint32_t place = cc_server_member_place(server, server->options.id);

    CC_ASSERT(place < CC_MEMBERS_MAX);
    server->listener =
        (struct cc_listener){.on_accept = on_accept, .on_short = on_short, .owner = server};

    copycat_status status =
        cc_env_listen(server->env, &server->listener, server->members.at[place].address);

    server->is_listening = status == COPYCAT_OK;
    return status;
}

void cc_server_close_door(struct cc_server *server)
{
    if (server->is_listening) {
        server->is_listening = false;
        cc_env_unlisten(server->env, &server->listener);
    }
    cc_list_each(node, &server->guests) {
        cc_server_dismiss(cc_container_of(node, struct cc_guest, node));
    }
}
