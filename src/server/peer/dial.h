/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dial -- a connection to a neighbour, dialled again whenever it fails: after a while that doubles up to
 * a limit, with jitter.
 *
 * Where it sits:   [dial] -> env/channel.  Peers and lanes are made of it; what is said behind the
 *                  first hello, and whether the neighbour is who was meant, they say.
 *
 *     idle -> dialled (hello is sent when it is open, and waited for) -> greeted
 *             dialled, greeted -> lost -> dialled again
 */
#ifndef CC_SERVER_PEER_DIAL_H
#define CC_SERVER_PEER_DIAL_H

#include "env/channel.h"
#include "proto/message.h"

struct cc_server;

struct cc_dial_kind {
    uint8_t hello; /* CC_HELLO_PEER ... */
    uint32_t body_size_max;
    uint32_t output_size_max;
    /* False: it makes no sense, and another connection is dialled. */
    bool (*on_frame)(void *owner, const struct cc_frame *frame);
    /* There is no connection any more, or never was: also inside cc_dial_hang_up and cc_dial_again. */
    void (*on_lost)(void *owner);
};

struct cc_dial {
    struct cc_server *server;
    const struct cc_dial_kind *kind;
    void *owner;
    const char *address; /* borrowed */
    struct cc_channel channel;
    bool is_dialled;       /* the channel is in use */
    struct cc_timer timer; /* dial again, or give up waiting for hello */
    uint64_t backoff_us;
};

/* Partner: cc_dial_hang_up. */
void cc_dial_init(
    struct cc_dial *dial, struct cc_server *server, const struct cc_dial_kind *kind, void *owner);

/* Dials now, if it is not doing so. */
void cc_dial_begin(struct cc_dial *dial, const char *address);

/* The neighbour has said hello, and is who was meant: it need not be waited for any more. */
void cc_dial_greeted(struct cc_dial *dial);

/* Hangs up and dials again soon. */
void cc_dial_again(struct cc_dial *dial);

/* Hangs up; no callback comes any more.  Again is harmless. */
void cc_dial_hang_up(struct cc_dial *dial);

#endif /* CC_SERVER_PEER_DIAL_H */
