/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_room.h -- what a group knows of the room on its server's disk, and on those of the others;
 * for group_room.c, which looks and judges, and group_quota.c, which decides what follows
 * (docs/decisions/0011).
 *
 *     plenty -> pressed: a mark comes sooner, for an image may give room
 *            -> short: the leader is told; it refuses what needs room, once too few are not short
 *
 * All of it ends by itself.
 */
#ifndef CC_SERVER_GROUP_GROUP_ROOM_H
#define CC_SERVER_GROUP_GROUP_ROOM_H

#include "server/group/group.h"

#define CC_ROOM_LOOK_US UINT64_C(1000000)

enum cc_room_trouble {
    CC_ROOM_NO_TROUBLE,
    CC_ROOM_SHORT,          /* and others lead, or go on without this one */
    CC_ROOM_REFUSING_SHORT, /* leads, and has no room */
    CC_ROOM_REFUSING_ALONE, /* leads, and too few of the others have */
    CC_ROOM_REFUSING_STATE, /* leads, and the state is as large as it may be */
};

struct cc_room {
    struct cc_server *server;
    struct cc_group *group; /* NULL: it is gone */
    struct cc_timer timer;
    struct cc_disk_request request;
    bool is_asking;
    bool is_known;
    uint64_t free;    /* on the file system, when it was looked at, ... */
    uint64_t used;    /* ... and what this server's files had then */
    uint64_t look_us; /* not again before then */

    bool is_short;
    bool is_pressed;
    bool is_state_full;
    uint64_t left;        /* bytes that may still be logged before it is short, ... */
    uint64_t state_left;  /* ... and before the state is full */
    uint64_t commands;    /* applied since an image was last begun */
    bool has_failed;      /* that image did, for want of room, ... */
    uint64_t failed_us;   /* ... at that time, ... */
    bool is_failure_seen; /* ... and the disk was looked at since: ... */
    uint64_t failed_free; /* ... there was so much */

    /* of a leader */
    bool has_quorum; /* enough voters are there and have room: what is committed rests on them */
    struct cc_room_told told[CC_MEMBERS_MAX]; /* by place */
    uint64_t told_us[CC_MEMBERS_MAX];
    uint64_t mark_us;      /* no early mark before then */
    uint64_t hand_over_us; /* no attempt to let another lead before then */
    enum cc_room_trouble trouble;
};

/* group_room.c */
uint64_t cc_room_left(const struct cc_group *group);   /* bytes, as of now */
uint64_t cc_room_need(const struct cc_group *group);   /* bytes; with less the disk is short */
bool cc_room_wants_mark(const struct cc_group *group); /* of this server alone */

/* group_quota.c: what follows from what was judged */
void cc_room_follow(struct cc_group *group);
void cc_room_report(struct cc_group *group); /* to the leader */
void cc_room_ask_for_image(struct cc_group *group);

#endif /* CC_SERVER_GROUP_GROUP_ROOM_H */
