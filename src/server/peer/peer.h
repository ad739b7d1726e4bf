/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer -- one neighbour: the connection that this server dials and sends on.  What the neighbour
 * says comes in on the connection that it dials.
 *
 * Two connections for each pair keep each direction a plain stream, and no tie of two dials that
 * cross has to be broken.
 */
#ifndef CC_SERVER_PEER_PEER_H
#define CC_SERVER_PEER_PEER_H

#include "server/peer/dial.h"

struct cc_server;

/* Bytes that may wait for a slow neighbour before the connection is given up. */
#define CC_PEER_OUTPUT_MAX (64u << 20)

struct cc_peer {
    struct cc_server *server;
    uint32_t id;
    char address[CC_ADDRESS_SIZE_MAX + 1];
    struct cc_dial dial;
    bool is_up;       /* the neighbour has said hello and is who we mean */
    bool is_new;      /* up again since the group was told: what was sent before is lost */
    bool told_up;     /* the group knows */
    bool is_said_up;  /* the operator knows */
    uint64_t said_us; /* since then */
    uint64_t noticed; /* hash of what the operator was told of it last: once is enough */
};

struct cc_peer *cc_peer_create(struct cc_server *server, const struct cc_member *member);
void cc_peer_destroy(struct cc_peer *peer);

/* Dials now, if it is not doing so. */
void cc_peer_dial(struct cc_peer *peer);

/* Hangs up and dials again at once: what was said in hello has changed. */
void cc_peer_redial(struct cc_peer *peer);

/* Stops for good. */
void cc_peer_stop(struct cc_peer *peer);

#endif /* CC_SERVER_PEER_PEER_H */
