/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dial -- see dial.h.
 */
#include "server/peer/dial.h"

#include "server/node/node.h"

#define BACKOFF_US_MIN UINT64_C(20000)
#define BACKOFF_US_MAX UINT64_C(500000)
#define HELLO_US_MAX UINT64_C(2000000)

static void let_go(struct cc_dial *dial)
{
    if (dial->is_dialled) {
        dial->is_dialled = false;
        cc_channel_close(&dial->channel);
    }
    dial->kind->on_lost(dial->owner);
}

static void back_off(struct cc_dial *dial)
{
    struct cc_server *server = dial->server;
    uint64_t wait = dial->backoff_us / 2 + cc_prng_below(&server->prng, dial->backoff_us);

    dial->backoff_us =
        dial->backoff_us * 2 < BACKOFF_US_MAX ? dial->backoff_us * 2 : BACKOFF_US_MAX;
    cc_env_timer_arm(server->env, &dial->timer, cc_env_now_us(server->env) + wait);
}

static void on_open(struct cc_channel *channel)
{
    struct cc_dial *dial = channel->owner;
    struct cc_hello hello;

    cc_server_fill_hello(dial->server, &hello);
    hello.kind = dial->kind->hello;
    cc_hello_encode(cc_channel_begin(channel, CC_MESSAGE_HELLO, 0), &hello);
    cc_channel_end(channel);
}

static void on_frame(struct cc_channel *channel, const struct cc_frame *frame)
{
    struct cc_dial *dial = channel->owner;

    /* Whoever makes no sense may have been hung up on meanwhile. */
    if (!dial->kind->on_frame(dial->owner, frame) && dial->is_dialled) {
        let_go(dial);
        back_off(dial);
    }
}

static void on_closed(struct cc_channel *channel, copycat_status status)
{
    struct cc_dial *dial = channel->owner;

    (void)status; /* whatever it was, the remedy is to dial again */
    let_go(dial);
    back_off(dial);
}

static const struct cc_channel_callbacks callbacks = {
    .on_open = on_open,
    .on_frame = on_frame,
    .on_closed = on_closed,
};

void cc_dial_begin(struct cc_dial *dial, const char *address)
{
    struct cc_server *server = dial->server;

    if (dial->is_dialled) {
        return;
    }
    dial->address = address;
    dial->is_dialled = true;
    cc_channel_init(
        &dial->channel, server->env, server->memory, dial->kind->body_size_max,
        dial->kind->output_size_max, &callbacks, dial);
    cc_channel_connect(&dial->channel, address);
    cc_env_timer_arm(server->env, &dial->timer, cc_env_now_us(server->env) + HELLO_US_MAX);
}

/* Time to dial, or no hello has come in time. */
static void timed(struct cc_timer *timer)
{
    struct cc_dial *dial = timer->owner;

    if (dial->is_dialled) {
        let_go(dial);
        back_off(dial);
    } else {
        cc_dial_begin(dial, dial->address);
    }
}

void cc_dial_init(
    struct cc_dial *dial, struct cc_server *server, const struct cc_dial_kind *kind, void *owner)
{
    *dial = (struct cc_dial){
        .server = server, .kind = kind, .owner = owner, .backoff_us = BACKOFF_US_MIN};
    dial->timer = (struct cc_timer){.fire = timed, .owner = dial};
}

void cc_dial_greeted(struct cc_dial *dial)
{
    cc_env_timer_disarm(dial->server->env, &dial->timer);
    dial->backoff_us = BACKOFF_US_MIN;
}

void cc_dial_again(struct cc_dial *dial)
{
    let_go(dial);
    dial->backoff_us = BACKOFF_US_MIN;
    back_off(dial);
}

void cc_dial_hang_up(struct cc_dial *dial)
{
    let_go(dial);
    dial->backoff_us = BACKOFF_US_MIN;
    cc_env_timer_disarm(dial->server->env, &dial->timer);
}
