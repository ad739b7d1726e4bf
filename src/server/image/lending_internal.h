/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lending_internal -- between the files of lending: a neighbour, what he borrows, and what he waits for.
 */
#ifndef CC_SERVER_IMAGE_LENDING_INTERNAL_H
#define CC_SERVER_IMAGE_LENDING_INTERNAL_H

#include "server/group/group.h"
#include "server/image/lending.h"
#include "server/node/node.h"

#define CC_LENDING_LOANS_MAX 4u    /* parts that are read at a time, for one neighbour */
#define CC_LENDING_WAITING_MAX 16u /* asks that wait for it: more than anybody has under way */

/* One neighbour and the file that is open for it. */
struct cc_borrower {
    struct cc_lending *lending;
    uint32_t peer;
    struct cc_image_source *source; /* NULL: closed */
    bool is_closing;
    bool is_given;  /* as far as the end of a file */
    bool has_image; /* `id` is lent, */
    struct cc_image_id id;
    struct cc_segment_list *segments;                    /* with these, */
    uint32_t file;                                       /* and this of its files is open */
    struct cc_image_ask waiting[CC_LENDING_WAITING_MAX]; /* in order */
    uint32_t waiting_count;
    uint32_t loans;    /* parts that are being read */
    uint64_t asked_us; /* newest ask */
};

struct cc_lending {
    struct cc_server *server;
    struct cc_group *group; /* NULL: it has ended */
    struct cc_borrower borrowers[CC_MEMBERS_MAX];
    uint32_t borrower_count;
    uint32_t open_count;
    uint32_t turn;    /* who is lent to next */
    uint64_t free_us; /* not before then: the rate */
};

/* ---- lending.c ------------------------------------------------------------------------------- */

/* Nothing is lent to him any more. */
void cc_borrower_end(struct cc_borrower *borrower);
void cc_lending_free_if_over(struct cc_lending *lending);

/* ---- lending_file.c -------------------------------------------------------------------------- */

/* A part; without bytes: there is none. */
void cc_lending_give(
    struct cc_lending *lending,
    uint32_t peer,
    const struct cc_image_id *id,
    uint32_t file,
    uint64_t offset,
    copycat_bytes bytes);

/* The oldest that waits: it is given when it is read. */
void cc_borrower_read_part(struct cc_borrower *borrower);

/* False: the image has not so many files. */
bool cc_borrower_find_file(
    const struct cc_borrower *borrower, uint32_t file, struct cc_image_id *id_out);

/* The file that the oldest ask is for; the one before is closed when nothing is read of it. */
void cc_borrower_open_wanted(struct cc_borrower *borrower);
void cc_borrower_close_file(struct cc_borrower *borrower);

#endif /* CC_SERVER_IMAGE_LENDING_INTERNAL_H */
