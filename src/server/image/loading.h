/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loading -- an image read back, and the segments that it needs: to the end, to see that they are
 * whole, or into a state.
 *
 * Where it sits:   log/image -> [loading] -> apply.  Used when a server starts, when an image has
 *                  been fetched, when one has just been taken, and when a backup is given.
 * Memory:          a second state while one is built.
 */
#ifndef CC_SERVER_IMAGE_LOADING_H
#define CC_SERVER_IMAGE_LOADING_H

#include "apply/apply.h"
#include "log/image.h"
#include "server/image/segments.h"
#include "server/server.h"

struct cc_loading;

/* What became of it. */
struct cc_loaded {
    copycat_status status; /* DAMAGED, NEWER, IO, BUSY, FOREIGN: another cluster's; INVALID: a
                              * type of resource is unknown here; CLOSED: it was given up */
    struct cc_image_id id; /* of the file, if that was found */
    uint8_t cluster_id[CC_CLUSTER_ID_SIZE]; /* likewise */
    struct cc_apply *apply;           /* the receiver's; NULL unless OK and it was asked for */
    struct cc_segment_list *segments; /* borrowed; NULL unless OK */
    const char *text;                 /* why not, for a person; borrowed */
};

/*
 * `done` comes once, never inside the call; the loading is dead by then.  `id` of size 0 stands for
 * whatever image there is of its group and index.  Segments that `known` names, which may be NULL,
 * need not be read, unless a state is built.  NULL: no memory.
 */
struct cc_loading *cc_loading_begin(
    struct cc_server *server,
    const struct cc_image_id *id,
    bool builds_state,
    struct cc_segment_list *known,
    void (*done)(void *owner, const struct cc_loaded *loaded),
    void *owner);

/*
 * The same, for somebody who wants the records that a state is built from.  `on_records` is called
 * first with none, when the image is known (loaded->id) and `size` bytes are about to come, then with
 * whole records in their order, once for each cc_loading_next.  `segments` are those that it needs; all
 * their commits come, also such as do not live any more.
 */
struct cc_loading *cc_loading_begin_reading(
    struct cc_server *server,
    const struct cc_image_id *id,
    struct cc_segment_list *segments,
    void (*on_records)(void *owner, copycat_bytes records, uint64_t size),
    void (*done)(void *owner, const struct cc_loaded *loaded),
    void *owner);
void cc_loading_next(struct cc_loading *loading);

/* What was read so far, in bytes as they were before they were packed. */
uint64_t cc_loading_progress(const struct cc_loading *loading);

/* All that there is to read, in the same bytes; 0: that is not known yet. */
uint64_t cc_loading_size(const struct cc_loading *loading);

/* It rests between pieces, since service goes on beside it; `haste` is that of pacing.h. */
void cc_loading_give_way(
    struct cc_loading *loading, uint32_t (*haste)(const void *owner), const void *owner);

/* Gives it up: `done` comes with CLOSED, later. */
void cc_loading_abandon(struct cc_loading *loading);

#endif /* CC_SERVER_IMAGE_LOADING_H */
