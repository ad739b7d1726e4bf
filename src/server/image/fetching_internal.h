/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetching_internal -- the state of a fetching, for fetching.c (what it comes to), fetching_parts.c (what
 * comes) and fetching_here.c (what need not come).
 */
#ifndef CC_SERVER_IMAGE_FETCHING_INTERNAL_H
#define CC_SERVER_IMAGE_FETCHING_INTERNAL_H

#include "server/image/fetching.h"
#include "server/peer/lane.h"

#define CC_FETCHING_PART_SIZE_MIN 4096u

enum cc_fetching_phase {
    CC_FETCHING_RECEIVING,
    CC_FETCHING_SAVING,
    CC_FETCHING_LISTING,
    CC_FETCHING_LOOKING,
    CC_FETCHING_BUILDING,
    CC_FETCHING_ENDED,
};

struct cc_fetching {
    struct cc_server *server;
    struct cc_group *group; /* NULL: it was abandoned */
    void (*done)(
        struct cc_group *group,
        copycat_status status,
        const struct cc_image_id *id,
        struct cc_apply *apply,
        struct cc_segment_list *segments,
        const char *text);
    enum cc_fetching_phase phase;
    bool builds_state;
    uint32_t holds; /* what is under way and will call back */
    struct cc_image_id id;
    struct cc_image_segment *table; /* that it needs */
    size_t table_count;
    size_t whole_count;      /* of these, from the first on, lie here */
    uint32_t place;          /* 0: the image itself; else which segment of the table, from 1 */
    struct cc_image_id file; /* at that place */
    struct cc_lane lane;     /* with whom is asked */
    uint32_t part_size;
    uint64_t received;
    uint64_t asked;
    uint64_t heard_us;
    uint64_t asked_us;
    uint64_t look_us;               /* does it get on? */
    uint64_t progress;              /* bytes of files that are here */
    struct cc_image_sink *sink;     /* NULL: its file is closed */
    struct cc_image_reader *reader; /* of what is here; NULL: it is closed, or being closed */
    copycat_status read;            /* what became of that */
    struct cc_loading *loading;
    struct cc_apply *apply;
    struct cc_segment_list *segments;
    copycat_status status;
    char text[CC_REFUSE_TEXT_SIZE_MAX];
};

/* fetching.c: it is over, once nothing is under way any more. */
void cc_fetching_settle(struct cc_fetching *fetching);
void cc_fetching_give_up(struct cc_fetching *fetching, copycat_status status, const char *text);

/* All lies here. */
void cc_fetching_build(struct cc_fetching *fetching);

/* fetching_here.c: it may be closed already. */
void cc_fetching_close_reader(struct cc_fetching *fetching);

/* The image itself lies here. */
void cc_fetching_list(struct cc_fetching *fetching);

/* So does the file at hand: what next? */
void cc_fetching_look_for_next(struct cc_fetching *fetching);

/* fetching_parts.c: the file at hand is asked for from its beginning. */
void cc_fetching_receive(struct cc_fetching *fetching);

/* False: it makes no sense.  `owner` is a fetching. */
bool cc_fetching_take_part(void *owner, copycat_bytes body);

extern const struct cc_lane_callbacks cc_fetching_lane;

#endif /* CC_SERVER_IMAGE_FETCHING_INTERNAL_H */
