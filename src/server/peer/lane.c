/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lane -- see lane.h.
 */
#include "server/peer/lane.h"

#include "base/assert.h"
#include "server/node/node.h"

#define BACKOFF_US_MIN UINT64_C(20000)
#define BACKOFF_US_MAX UINT64_C(500000)
#define HELLO_US_MAX UINT64_C(2000000)

/* A part and what is said of it; HELLO and REFUSE are smaller. */
#define BODY_SIZE_MAX (CC_IMAGE_PART_SIZE_MAX + 64u)

/* Asks, which are small. */
#define OUTPUT_SIZE_MAX (64u << 10)

static void let_go(struct cc_lane *lane)
{
    lane->is_up = false;
    if (lane->is_dialled) {
        lane->is_dialled = false;
        cc_channel_close(&lane->channel);
    }
}

/* Dials again after a while that doubles up to a limit, with jitter. */
static void back_off(struct cc_lane *lane)
{
    struct cc_server *server = lane->server;
    uint64_t wait = lane->backoff_us / 2 + cc_prng_below(&server->prng, lane->backoff_us);

    lane->backoff_us =
        lane->backoff_us * 2 < BACKOFF_US_MAX ? lane->backoff_us * 2 : BACKOFF_US_MAX;
    cc_env_timer_arm(server->env, &lane->timer, cc_env_now_us(server->env) + wait);
}

static void on_open(struct cc_channel *channel)
{
    struct cc_lane *lane = channel->owner;
    struct cc_hello hello;

    cc_server_fill_hello(lane->server, &hello);
    hello.kind = CC_HELLO_LANE;
    cc_hello_encode(cc_channel_begin(channel, CC_MESSAGE_HELLO, 0), &hello);
    cc_channel_end(channel);
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
    cc_env_timer_disarm(lane->server->env, &lane->timer);
    lane->backoff_us = BACKOFF_US_MIN;
    lane->is_up = true;
    lane->callbacks->on_up(lane->owner);
    return true;
}

static void on_frame(struct cc_channel *channel, const struct cc_frame *frame)
{
    struct cc_lane *lane = channel->owner;
    bool is_sound = false;

    if (lane->server->failed != COPYCAT_OK) {
        return;
    }
    if (frame->type == CC_MESSAGE_HELLO) {
        is_sound = take_hello(lane, frame->body);
    } else if (frame->type == CC_MESSAGE_IMAGE_PART && frame->group == 0 && lane->is_up) {
        is_sound = lane->callbacks->on_part(lane->owner, frame->body);
    }
    if (!is_sound && lane->is_dialled) {
        let_go(lane);
        back_off(lane);
    }
}

static void on_closed(struct cc_channel *channel, copycat_status status)
{
    struct cc_lane *lane = channel->owner;

    (void)status; /* whatever it was, the remedy is to dial again */
    let_go(lane);
    back_off(lane);
}

static const struct cc_channel_callbacks channel_callbacks = {
    .on_open = on_open,
    .on_frame = on_frame,
    .on_closed = on_closed,
};

static void connect(struct cc_lane *lane)
{
    struct cc_server *server = lane->server;
    uint32_t place = cc_server_member_place(server, lane->peer);

    CC_ASSERT(place < server->members.count);
    lane->is_dialled = true;
    cc_channel_init(
        &lane->channel, server->env, server->memory, BODY_SIZE_MAX, OUTPUT_SIZE_MAX,
        &channel_callbacks, lane);
    cc_channel_connect(&lane->channel, server->members.at[place].address);
    cc_env_timer_arm(server->env, &lane->timer, cc_env_now_us(server->env) + HELLO_US_MAX);
}

/* Time to dial, or no hello has come in time. */
static void timed(struct cc_timer *timer)
{
    struct cc_lane *lane = timer->owner;

    if (lane->is_dialled) {
        let_go(lane);
        back_off(lane);
    } else {
        connect(lane);
    }
}

void cc_lane_init(
    struct cc_lane *lane,
    struct cc_server *server,
    const struct cc_lane_callbacks *callbacks,
    void *owner)
{
    *lane = (struct cc_lane){.server = server, .callbacks = callbacks, .owner = owner};
    lane->timer = (struct cc_timer){.fire = timed, .owner = lane};
}

void cc_lane_dial(struct cc_lane *lane, uint32_t peer)
{
    cc_lane_hang_up(lane);
    lane->peer = peer;
    lane->backoff_us = BACKOFF_US_MIN;
    connect(lane);
}

void cc_lane_hang_up(struct cc_lane *lane)
{
    let_go(lane);
    cc_env_timer_disarm(lane->server->env, &lane->timer);
}

bool cc_lane_is_up(const struct cc_lane *lane)
{
    return lane->is_up && lane->server->failed == COPYCAT_OK;
}

struct cc_writer *cc_lane_begin(struct cc_lane *lane, uint16_t type, uint32_t group)
{
    CC_ASSERT(cc_lane_is_up(lane)); /* N1: who asks has looked */
    return cc_channel_begin(&lane->channel, type, group);
}

void cc_lane_end(struct cc_lane *lane)
{
    cc_channel_end(&lane->channel);
}
