/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lane -- a second connection to a neighbour, for the parts of an image alone: whoever fetches dials
 * it, asks on it, is answered on it, and hangs up when he has all.
 *
 * Heartbeats go on other connections, and so do not wait behind parts (T-047).  Nothing depends on
 * this one: when it fails it is dialled again, and what was under way is asked for again.
 */
#ifndef CC_SERVER_PEER_LANE_H
#define CC_SERVER_PEER_LANE_H

#include "server/peer/dial.h"

struct cc_server;

struct cc_lane_callbacks {
    void (*on_up)(void *owner); /* what was asked for before is lost */
    /* False: it makes no sense, and the connection ends. */
    bool (*on_part)(void *owner, copycat_bytes body);
};

struct cc_lane {
    struct cc_server *server;
    const struct cc_lane_callbacks *callbacks;
    void *owner;
    uint32_t peer; /* 0: nobody */
    struct cc_dial dial;
    bool is_up; /* the neighbour has said hello and is who we mean */
};

/* Partner: cc_lane_hang_up.  Nobody is dialled yet. */
void cc_lane_init(
    struct cc_lane *lane,
    struct cc_server *server,
    const struct cc_lane_callbacks *callbacks,
    void *owner);

/* Keeps connected with this member from now on.  Not legal inside on_part. */
void cc_lane_dial(struct cc_lane *lane, uint32_t peer);

/* No callback comes any more; again is harmless. */
void cc_lane_hang_up(struct cc_lane *lane);

bool cc_lane_is_up(const struct cc_lane *lane);

/* Only while it is up. */
struct cc_writer *cc_lane_begin(struct cc_lane *lane, uint16_t type, uint32_t group);
void cc_lane_end(struct cc_lane *lane);

#endif /* CC_SERVER_PEER_LANE_H */
