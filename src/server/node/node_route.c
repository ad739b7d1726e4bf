/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_route -- requests to whoever can serve them, replies to whoever asked.
 *
 * A server that does not lead passes on what only the leader can do.  It never tries again on its
 * own: if what it passed on is lost, the client notices and sends again (exactly once is the
 * session's business, not the road's).
 */
#include "base/assert.h"
#include "server/node/node.h"

/* What this server can answer from its own state. */
static bool is_local(const struct cc_frame *frame)
{
    struct cc_query query;

    return frame->type == CC_MESSAGE_QUERY && cc_query_decode(frame->body, &query) &&
           query.level >= CC_READ_SEQUENTIAL;
}

static bool is_request(uint16_t type)
{
    return type >= CC_MESSAGE_SESSION_OPEN && type <= CC_MESSAGE_QUERY;
}

static void forward(
    struct cc_server *server, uint32_t leader, uint64_t token, const struct cc_frame *frame)
{
    struct cc_forward forwarded = {.token = token, .type = frame->type, .body = frame->body};

    cc_forward_encode(
        cc_server_peer_begin(server, leader, CC_MESSAGE_FORWARD, frame->group), &forwarded);
    cc_server_peer_end(server, leader);
}

bool cc_server_route_request(
    struct cc_server *server, struct cc_guest *guest, const struct cc_frame *frame)
{
    struct cc_origin origin = {.server = server->options.id, .token = guest->token};
    struct cc_keep_alive keep;

    if (!is_request(frame->type) || frame->group != 0 || server->group == NULL) {
        return false;
    }
    if (frame->type == CC_MESSAGE_KEEP_ALIVE && cc_keep_alive_decode(frame->body, &keep)) {
        guest->session = keep.session;
    }

    uint32_t leader = cc_raft_leader(server->group->core);

    if (leader != 0 && leader != server->options.id && cc_server_peer_is_up(server, leader) &&
        !is_local(frame)) {
        forward(server, leader, guest->token, frame);
        return true;
    }
    return cc_group_request(server->group, origin, frame->type, frame->body);
}

bool cc_server_route_forwarded(
    struct cc_server *server, uint32_t peer, const struct cc_frame *frame)
{
    struct cc_forward forwarded;
    struct cc_origin origin = {.server = peer};

    if (!cc_forward_decode(frame->body, &forwarded) || !is_request(forwarded.type)) {
        return false;
    }
    if (server->group == NULL) {
        return true;
    }
    origin.token = forwarded.token;

    /* A bad request is the client's fault, not the peer's: the connection stays. */
    (void)cc_group_request(server->group, origin, forwarded.type, forwarded.body);
    return true;
}

/*
 * A result that a slow reader has no room for is dropped, and "ask again" said instead: a command's
 * answer stays in its session, a query can be read anew.  So whoever reads slowly gets on, and
 * whoever does not read holds up nobody (T-110).
 */
static bool put_off(struct cc_guest *guest, uint16_t type, uint32_t group, copycat_bytes body)
{
    struct cc_answer answer;

    if ((type != CC_MESSAGE_ANSWER && type != CC_MESSAGE_RESULT) ||
        body.size < CC_GUEST_RESULT_SMALL ||
        cc_channel_queued(&guest->channel) < CC_GUEST_OUTPUT_FULL ||
        !cc_answer_decode(body, &answer)) {
        return false;
    }
    answer.status = COPYCAT_ERR_BUSY;
    answer.index = 0;
    answer.result = (copycat_bytes){NULL, 0};
    cc_answer_encode(cc_channel_begin(&guest->channel, type, group), &answer);
    cc_channel_end(&guest->channel);
    return true;
}

static void send_to_guest(struct cc_guest *guest, uint16_t type, uint32_t group, copycat_bytes body)
{
    struct cc_session_opened opened;

    if (put_off(guest, type, group, body)) {
        return;
    }

    if (type == CC_MESSAGE_SESSION_OPENED && cc_session_opened_decode(body, &opened) &&
        opened.status == COPYCAT_OK) {
        guest->session = opened.session;
    }
    cc_write_raw(cc_channel_begin(&guest->channel, type, group), body.data, body.size);
    cc_channel_end(&guest->channel);
}

bool cc_server_route_forward_reply(struct cc_server *server, const struct cc_frame *frame)
{
    struct cc_forward reply;

    if (!cc_forward_decode(frame->body, &reply)) {
        return false;
    }

    struct cc_guest *guest = cc_server_guest(server, reply.token);

    if (guest != NULL && guest->kind == CC_HELLO_CLIENT) {
        send_to_guest(guest, reply.type, frame->group, reply.body);
    }
    return true;
}

struct cc_writer *cc_server_reply_begin(struct cc_server *server)
{
    cc_writer_clear(&server->reply);
    return &server->reply;
}

void cc_server_reply_end(
    struct cc_server *server, struct cc_origin origin, uint16_t type, uint32_t group)
{
    copycat_bytes body = {server->reply.data, server->reply.size};

    CC_ASSERT(!server->reply.failed);
    if (server->failed != COPYCAT_OK) {
        return; /* N1 */
    }
    if (origin.server == server->options.id) {
        struct cc_guest *guest = cc_server_guest(server, origin.token);

        if (guest != NULL) {
            send_to_guest(guest, type, group, body);
        }
    } else if (cc_server_peer_is_up(server, origin.server)) {
        struct cc_forward reply = {.token = origin.token, .type = type, .body = body};

        cc_forward_encode(
            cc_server_peer_begin(server, origin.server, CC_MESSAGE_FORWARD_REPLY, group), &reply);
        cc_server_peer_end(server, origin.server);
    }
}

void cc_server_led(struct cc_server *server, uint32_t leader, uint64_t term)
{
    server->leaderless_us = 0;
    cc_server_settle(server, CC_TOPIC_LEADER);
    if (server->callbacks.led != NULL) {
        server->callbacks.led(server->owner, leader, term);
    }
}

void cc_server_leader_changed(struct cc_server *server)
{
    cc_list_each(node, &server->guests) {
        struct cc_guest *guest = cc_container_of(node, struct cc_guest, node);

        if (guest->kind == CC_HELLO_CLIENT && guest->session != 0 && !guest->is_gone &&
            server->group != NULL) {
            struct cc_origin origin = {.server = server->options.id, .token = guest->token};

            cc_group_reply_resend(server->group, origin, guest->session, 0);
        }
    }
}
