/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer -- see peer.h.
 */
#include "server/peer/peer.h"

#include "base/assert.h"
#include "base/bug.h"
#include "base/hash.h"
#include "server/node/node.h"

#include <string.h>

#define BACKOFF_US_MIN UINT64_C(20000)
#define BACKOFF_US_MAX UINT64_C(500000)
#define HELLO_US_MAX UINT64_C(2000000)

static void hang_up(struct cc_peer *peer)
{
    if (peer->is_dialled) {
        peer->is_dialled = false;
        cc_channel_close(&peer->channel);
    }
    if (peer->is_up) {
        peer->is_up = false;
        cc_server_wake(peer->server);
    }
}

/* Dials again after a while that doubles up to a limit, with jitter. */
static void back_off(struct cc_peer *peer)
{
    uint64_t wait = peer->backoff_us / 2;

    wait += cc_prng_below(&peer->server->prng, peer->backoff_us);
    peer->backoff_us =
        peer->backoff_us * 2 < BACKOFF_US_MAX ? peer->backoff_us * 2 : BACKOFF_US_MAX;
    cc_env_timer_arm(peer->server->env, &peer->timer, cc_env_now_us(peer->server->env) + wait);
}

/* `text` may be the sentence at hand itself. */
static void notice(struct cc_peer *peer, const char *what, const char *text)
{
    char copy[CC_REFUSE_TEXT_SIZE_MAX];
    size_t size = strlen(text) < sizeof copy ? strlen(text) : sizeof copy - 1;
    uint64_t hash = cc_hash_bytes(text, size, 0);

    if (hash == peer->noticed) {
        return;
    }
    peer->noticed = hash;
    memcpy(copy, text, size);
    copy[size] = '\0';
    cc_server_notice_about(
        peer->server, CC_TOPIC_PEER + (uint64_t)peer->id,
        cc_server_compose(
            peer->server,
            (const char *const[]){"the server at ", peer->address, what, copy, NULL}));
}

static void on_open(struct cc_channel *channel)
{
    struct cc_peer *peer = channel->owner;
    struct cc_hello hello;

    cc_server_fill_hello(peer->server, &hello);
    cc_hello_encode(cc_channel_begin(channel, CC_MESSAGE_HELLO, 0), &hello);
    cc_channel_end(channel);
}

/* A listed member that has no base yet gets ours. */
static void give_base(struct cc_peer *peer, const struct cc_hello *hello)
{
    const struct cc_base *base = cc_journal_base(peer->server->journal);
    const struct cc_member *member = cc_members_find(&base->members, hello->server);

    if (member == NULL ||
        (memcmp(member->incarnation, hello->incarnation, CC_INCARNATION_SIZE) != 0 &&
         !CC_BUG(T012))) {
        return;
    }
    cc_base_encode(cc_channel_begin(&peer->channel, CC_MESSAGE_BASE, 0), base);
    cc_channel_end(&peer->channel);
}

static bool has_cluster(const struct cc_hello *hello)
{
    static const uint8_t none[CC_CLUSTER_ID_SIZE];

    return memcmp(hello->cluster_id, none, CC_CLUSTER_ID_SIZE) != 0;
}

static bool take_hello(struct cc_peer *peer, copycat_bytes body)
{
    struct cc_hello hello;
    const char *text;

    if (!cc_hello_decode(body, &hello) || hello.kind != CC_HELLO_PEER) {
        return false;
    }
    if (hello.server != peer->id) {
        notice(peer, " is not the member that the list names there", "; check the addresses");
        return false;
    }
    if (cc_server_check_hello(peer->server, &hello, &text) != COPYCAT_OK) {
        notice(peer, ": ", text);
        return false;
    }
    cc_env_timer_disarm(peer->server->env, &peer->timer);
    peer->backoff_us = BACKOFF_US_MIN;
    peer->noticed = 0;
    cc_server_settle(peer->server, CC_TOPIC_PEER + (uint64_t)peer->id);
    cc_server_heard(peer->server, &hello);
    if (peer->server->group == NULL) {
        return true; /* founding: the connection stays, so that we know that it lives */
    }
    if (!has_cluster(&hello) || hello.is_restored) {
        give_base(peer, &hello);
        return true;
    }
    peer->is_up = true;
    peer->is_new = true;
    cc_server_wake(peer->server);
    return true;
}

static void on_frame(struct cc_channel *channel, const struct cc_frame *frame)
{
    struct cc_peer *peer = channel->owner;
    struct cc_refuse refusal;
    bool is_sound = false;

    if (frame->type == CC_MESSAGE_HELLO) {
        is_sound = take_hello(peer, frame->body);
    } else if (frame->type == CC_MESSAGE_REFUSE && cc_refuse_decode(frame->body, &refusal)) {
        char text[CC_REFUSE_TEXT_SIZE_MAX + 1];

        memcpy(text, refusal.text.data, refusal.text.size);
        text[refusal.text.size] = '\0';
        notice(peer, " refuses this server: ", text);
    }
    if (!is_sound) {
        hang_up(peer);
        back_off(peer);
    }
}

static void on_closed(struct cc_channel *channel, copycat_status status)
{
    struct cc_peer *peer = channel->owner;

    (void)status; /* whatever it was, the remedy is to dial again */
    hang_up(peer);
    back_off(peer);
}

static const struct cc_channel_callbacks callbacks = {
    .on_open = on_open,
    .on_frame = on_frame,
    .on_closed = on_closed,
};

void cc_peer_dial(struct cc_peer *peer)
{
    struct cc_server *server = peer->server;

    if (peer->is_dialled) {
        return;
    }
    peer->is_dialled = true;
    cc_channel_init(
        &peer->channel, server->env, server->memory, CC_FRAME_BODY_PEER_MAX, CC_PEER_OUTPUT_MAX,
        &callbacks, peer);
    cc_channel_connect(&peer->channel, peer->address);
    cc_env_timer_arm(server->env, &peer->timer, cc_env_now_us(server->env) + HELLO_US_MAX);
}

/* Time to dial, or no hello has come in time. */
static void timed(struct cc_timer *timer)
{
    struct cc_peer *peer = timer->owner;

    if (peer->is_dialled) {
        hang_up(peer);
        back_off(peer);
    } else {
        cc_peer_dial(peer);
    }
}

void cc_peer_redial(struct cc_peer *peer)
{
    hang_up(peer);
    peer->backoff_us = BACKOFF_US_MIN;
    back_off(peer);
}

void cc_peer_stop(struct cc_peer *peer)
{
    hang_up(peer);
    cc_env_timer_disarm(peer->server->env, &peer->timer);
}

struct cc_peer *cc_peer_create(struct cc_server *server, const struct cc_member *member)
{
    struct cc_peer *peer = cc_memory_take(server->memory, sizeof *peer);

    peer->server = server;
    peer->id = member->id;
    memcpy(peer->address, member->address, sizeof peer->address);
    peer->backoff_us = BACKOFF_US_MIN;
    peer->timer = (struct cc_timer){.fire = timed, .owner = peer};
    return peer;
}

void cc_peer_destroy(struct cc_peer *peer)
{
    if (peer != NULL) {
        cc_peer_stop(peer);
        cc_memory_give(peer->server->memory, peer);
    }
}
