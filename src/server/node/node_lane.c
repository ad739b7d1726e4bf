/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_lane -- accepted connections on which a member asks for parts of an image: at most one for each
 * member, and none that is idle for long.  See server/peer/lane.h for the side that dials.
 */
#include "base/assert.h"
#include "server/node/node.h"

#define IDLE_ELECTION_TIMEOUTS 10u

static struct cc_guest *lane_of(const struct cc_server *server, uint32_t peer)
{
    uint32_t place = cc_server_member_place(server, peer);

    CC_ASSERT(place < CC_MEMBERS_MAX);
    return cc_server_guest(server, server->lanes[place]);
}

/* Who dials anew has given up his former lane. */
void cc_server_lane_opened(struct cc_guest *guest)
{
    struct cc_server *server = guest->server;
    uint32_t place = cc_server_member_place(server, guest->peer);
    struct cc_guest *former = lane_of(server, guest->peer);

    if (former != NULL) {
        cc_server_dismiss(former);
    }
    server->lanes[place] = guest->token;
    guest->heard_us = cc_env_now_us(server->env);
}

bool cc_server_lane_take(struct cc_guest *guest, const struct cc_frame *frame)
{
    struct cc_server *server = guest->server;

    if (frame->type != CC_MESSAGE_IMAGE_ASK || frame->group != 0 || server->group == NULL) {
        return false;
    }
    guest->heard_us = cc_env_now_us(server->env);
    return cc_group_receive_image_ask(server->group, guest->peer, frame->body);
}

void cc_server_watch_lanes(struct cc_server *server)
{
    uint64_t now = cc_env_now_us(server->env);

    for (uint32_t place = 0; place < server->members.count; place++) {
        struct cc_guest *guest = cc_server_guest(server, server->lanes[place]);

        if (guest != NULL &&
            now >= guest->heard_us + IDLE_ELECTION_TIMEOUTS * server->options.election_timeout_us) {
            cc_server_dismiss(guest);
        }
    }
}

bool cc_server_lane_is_up(const struct cc_server *server, uint32_t peer)
{
    return server->failed == COPYCAT_OK && lane_of(server, peer) != NULL;
}

size_t cc_server_lane_queued(const struct cc_server *server, uint32_t peer)
{
    const struct cc_guest *guest = lane_of(server, peer);

    return guest == NULL ? 0 : cc_channel_queued(&guest->channel);
}

struct cc_writer *cc_server_lane_begin(
    struct cc_server *server, uint32_t peer, uint16_t type, uint32_t group)
{
    CC_ASSERT(cc_server_lane_is_up(server, peer)); /* N1: who asks has looked */
    return cc_channel_begin(&lane_of(server, peer)->channel, type, group);
}

void cc_server_lane_end(struct cc_server *server, uint32_t peer)
{
    cc_channel_end(&lane_of(server, peer)->channel);
}
