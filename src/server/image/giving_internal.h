/* SPDX-License-Identifier: Apache-2.0 */
/*
 * giving_internal -- between the files of giving: a backup that is asked for, waits, or is given.
 */
#ifndef CC_SERVER_IMAGE_GIVING_INTERNAL_H
#define CC_SERVER_IMAGE_GIVING_INTERNAL_H

#include "server/group/group.h"
#include "server/image/giving.h"
#include "server/node/node.h"

#define CC_GIVING_BAD_IMAGE                                                               \
    "the image on the disk of this server does not read; its log says more, and another " \
    "backup may be tried when it is mended"

enum cc_giving_phase {
    CC_GIVING_FREE,
    CC_GIVING_WAITING,
    CC_GIVING_OPENING,
    CC_GIVING_SENDING,
    CC_GIVING_ENDED,
};

struct cc_giving_backup {
    struct cc_giving *giving;
    enum cc_giving_phase phase;
    uint64_t token;    /* of the guest */
    uint64_t term;     /* that we led when it asked, */
    uint64_t after;    /* and our newest entry then */
    uint64_t heard_us; /* newest ask */
    uint64_t again_us; /* no other mark before then */
    uint64_t moved_us; /* an image was being made then, or it was asked for */
    uint64_t received; /* bytes, as the guest says */
    uint64_t sent;
    struct cc_loading *loading; /* NULL: its file is closed */
    struct cc_image_id id;
    struct cc_segment_list *segments; /* that it needs: they stay until then */
    bool is_asked;                    /* more records come */
    copycat_bytes piece;              /* what is left of those at hand */
};

struct cc_giving {
    struct cc_server *server;
    struct cc_group *group; /* NULL: it has ended */
    struct cc_giving_backup backups[CC_BACKUPS_MAX];
};

/* ---- giving.c -------------------------------------------------------------------------------- */

/* Nothing is given any more; its place is free when the file is closed. */
void cc_giving_end_backup(struct cc_giving_backup *backup);
void cc_giving_refuse(struct cc_giving_backup *backup, copycat_status status, const char *text);
void cc_giving_free_if_over(struct cc_giving *giving);

/* ---- giving_image.c -------------------------------------------------------------------------- */

/* The guest is still connected. */
bool cc_giving_is_there(const struct cc_giving_backup *backup);

/* To a guest that is there. */
struct cc_writer *cc_giving_begin_frame(const struct cc_giving_backup *backup, uint16_t type);
void cc_giving_end_frame(const struct cc_giving_backup *backup);

/* The image that the group stands on now: its records come, and are given. */
void cc_giving_open(struct cc_giving_backup *backup);

/* As much of what is at hand as may be sent; then more is asked for. */
void cc_giving_give(struct cc_giving_backup *backup);

#endif /* CC_SERVER_IMAGE_GIVING_INTERNAL_H */
