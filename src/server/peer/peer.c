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

static void on_lost(void *owner)
{
    struct cc_peer *peer = owner;

    if (peer->is_up) {
        peer->is_up = false;
        cc_server_wake(peer->server);
    }
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
    cc_base_encode(cc_channel_begin(&peer->dial.channel, CC_MESSAGE_BASE, 0), base);
    cc_channel_end(&peer->dial.channel);
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
    cc_dial_greeted(&peer->dial);
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

static bool on_frame(void *owner, const struct cc_frame *frame)
{
    struct cc_peer *peer = owner;
    struct cc_refuse refusal;

    if (frame->type == CC_MESSAGE_HELLO) {
        return take_hello(peer, frame->body);
    }
    if (frame->type == CC_MESSAGE_REFUSE && cc_refuse_decode(frame->body, &refusal)) {
        char text[CC_REFUSE_TEXT_SIZE_MAX + 1];

        memcpy(text, refusal.text.data, refusal.text.size);
        text[refusal.text.size] = '\0';
        notice(peer, " refuses this server: ", text);
    }
    return false;
}

static const struct cc_dial_kind kind = {
    .hello = CC_HELLO_PEER,
    .body_size_max = CC_FRAME_BODY_PEER_MAX,
    .output_size_max = CC_PEER_OUTPUT_MAX,
    .on_frame = on_frame,
    .on_lost = on_lost,
};

void cc_peer_dial(struct cc_peer *peer)
{
    cc_dial_begin(&peer->dial, peer->address);
}

void cc_peer_redial(struct cc_peer *peer)
{
    cc_dial_again(&peer->dial);
}

void cc_peer_stop(struct cc_peer *peer)
{
    cc_dial_hang_up(&peer->dial);
}

struct cc_peer *cc_peer_create(struct cc_server *server, const struct cc_member *member)
{
    struct cc_peer *peer = cc_memory_take(server->memory, sizeof *peer);

    peer->server = server;
    peer->id = member->id;
    memcpy(peer->address, member->address, sizeof peer->address);
    cc_dial_init(&peer->dial, server, &kind, peer);
    return peer;
}

void cc_peer_destroy(struct cc_peer *peer)
{
    if (peer != NULL) {
        cc_peer_stop(peer);
        cc_memory_give(peer->server->memory, peer);
    }
}
