/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taking_internal -- what taking.c, taking_plan.c and taking_copy.c share.
 */
#ifndef CC_SERVER_IMAGE_TAKING_INTERNAL_H
#define CC_SERVER_IMAGE_TAKING_INTERNAL_H

#include "apply/image.h"
#include "server/group/group.h"
#include "server/image/loading.h"
#include "server/image/pacing.h"
#include "server/image/taking.h"
#include "server/image/taking_plan.h"

enum cc_taking_phase {
    CC_TAKING_STATE,
    CC_TAKING_PLAN,
    CC_TAKING_COMMITS,
    CC_TAKING_END,
    CC_TAKING_CHECKING,
    CC_TAKING_AGREEING,
};

/* A new segment. */
struct cc_taking_target {
    struct cc_taking *taking;
    struct cc_image_writer *writer;  /* NULL: there is none */
    struct cc_segment_builder built; /* its index */
    bool is_sealing;                 /* its file is being made */
};

struct cc_taking {
    struct cc_server *server;
    struct cc_group *group; /* NULL: it was abandoned */
    void (*done)(
        struct cc_group *group,
        copycat_status status,
        const struct cc_image_id *id,
        struct cc_segment_list *segments,
        const char *text);
    enum cc_taking_phase phase;
    struct cc_pacing pacing;
    uint64_t logged_bytes; /* behind the image's index, as of the slice before */
    uint32_t holds;        /* what is under way and will call back */
    struct cc_image_head head;
    struct cc_image_writer *writer; /* NULL: its file is closed */
    struct cc_writer records;       /* on their way into it */
    bool is_full;                   /* it takes no more for now */
    struct cc_image_id id;
    uint64_t digest;
    copycat_status status; /* OK, or why it is given up */
    char text[CC_REFUSE_TEXT_SIZE_MAX];
    struct cc_loading *check;

    struct cc_segment_list *former; /* of the image before */
    struct cc_taking_part *parts;   /* one for each */
    size_t weighed;
    bool is_from_scratch; /* nothing is kept: the image before has not read */

    /* taking_copy.c */
    struct cc_segment_list *segments;   /* of the new image */
    size_t position;                    /* in `former` */
    uint64_t commit;                    /* the newest live commit of the log that is in */
    struct cc_taking_target targets[2]; /* one is gathered while the other's file is made */
    uint32_t target;                    /* the former */
    struct cc_writer record;            /* on its way into it */
    struct cc_image_reader *source;     /* of the segment at `position`; NULL: not open */
    bool is_source_asked;               /* a piece of it comes */
    bool is_source_ended;
    copycat_bytes piece; /* what is left of the one at hand */
    uint64_t copied;     /* commits of it */
    struct cc_log_load load;
    bool is_loading;
};

/* taking.c */
void cc_taking_give_up(struct cc_taking *taking, copycat_status status, const char *text);
void cc_taking_go_on(struct cc_taking *taking);
void cc_taking_let_go(struct cc_taking *taking); /* what was held has called back */

/* taking_copy.c: some more; how many bytes, 0: something is waited for.  `is_done_out`: that was all. */
size_t cc_taking_copy(struct cc_taking *taking, bool *is_done_out);
void cc_taking_copy_end(struct cc_taking *taking); /* given up, or done */

#endif /* CC_SERVER_IMAGE_TAKING_INTERNAL_H */
