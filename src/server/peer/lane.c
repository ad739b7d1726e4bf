/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lane -- see lane.h.
 */
#include "server/peer/lane.h"

#include "base/assert.h"
#include "server/node/node.h"

/* A part and what is said of it; HELLO and REFUSE are smaller. */
#define BODY_SIZE_MAX (CC_IMAGE_PART_SIZE_MAX + 64u)

/* Asks, which are small. */
#define OUTPUT_SIZE_MAX (64u << 10)

static void on_lost(void *owner)
{
    struct cc_lane *lane = owner;

    lane->is_up = false;
}

/* Why a neighbour is not who he should be, or refuses us, its peer connection tells the operator. */
static bool take_hello(struct cc_lane *lane, copycat_bytes body)
{
    struct cc_hello hello;
    const char *text;

    if (lane->is_up || !cc_hello_decode(body, &hello) || hello.kind != CC_HELLO_PEER ||
        hello.server != lane->peer ||
        cc_server_check_hello(lane->server, &hello, &text) != COPYCAT_OK) {
        return false;
    }
    cc_dial_greeted(&lane->dial);
    lane->is_up = true;
    lane->callbacks->on_up(lane->owner);
    return true;
}

static bool on_frame(void *owner, const struct cc_frame *frame)
{
    struct cc_lane *lane = owner;

    if (lane->server->failed != COPYCAT_OK) {
        return true;
    }
    if (frame->type == CC_MESSAGE_HELLO) {
        return take_hello(lane, frame->body);
    }
    return frame->type == CC_MESSAGE_IMAGE_PART && frame->group == 0 && lane->is_up &&
           lane->callbacks->on_part(lane->owner, frame->body);
}

static const struct cc_dial_kind kind = {
    .hello = CC_HELLO_LANE,
    .body_size_max = BODY_SIZE_MAX,
    .output_size_max = OUTPUT_SIZE_MAX,
    .on_frame = on_frame,
    .on_lost = on_lost,
};

void cc_lane_init(
    struct cc_lane *lane,
    struct cc_server *server,
    const struct cc_lane_callbacks *callbacks,
    void *owner)
{
    *lane = (struct cc_lane){.server = server, .callbacks = callbacks, .owner = owner};
    cc_dial_init(&lane->dial, server, &kind, lane);
}

void cc_lane_dial(struct cc_lane *lane, uint32_t peer)
{
    struct cc_server *server = lane->server;
    uint32_t place = cc_server_member_place(server, peer);

    CC_ASSERT(place < server->members.count);
    cc_lane_hang_up(lane);
    lane->peer = peer;
    cc_dial_begin(&lane->dial, server->members.at[place].address);
}

void cc_lane_hang_up(struct cc_lane *lane)
{
    cc_dial_hang_up(&lane->dial);
}

bool cc_lane_is_up(const struct cc_lane *lane)
{
    return lane->is_up && lane->server->failed == COPYCAT_OK;
}

struct cc_writer *cc_lane_begin(struct cc_lane *lane, uint16_t type, uint32_t group)
{
    CC_ASSERT(cc_lane_is_up(lane)); /* N1: who asks has looked */
    return cc_channel_begin(&lane->dial.channel, type, group);
}

void cc_lane_end(struct cc_lane *lane)
{
    cc_channel_end(&lane->dial.channel);
}
