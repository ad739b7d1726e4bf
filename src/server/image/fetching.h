/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetching -- an image that this member needs comes from another one, part by part, and so do the
 * segments that it needs and that do not lie here; it is checked and becomes a state.
 *
 * Where it sits:   another member's lending -> [fetching] -> log/image -> loading -> server/group,
 *                  which installs it.
 * Road:            parts come on a lane of their own (server/peer/lane.h), dialled for as long as some
 *                  are missing.
 * Memory:          a few parts of 64 KiB under way, and the state that is built.
 *
 * An image has the same bytes on whoever has it, and names the same segments: so another member may go
 * on where one was silent.
 */
#ifndef CC_SERVER_IMAGE_FETCHING_H
#define CC_SERVER_IMAGE_FETCHING_H

#include "apply/apply.h"
#include "log/image.h"
#include "proto/message.h"

struct cc_fetching;
struct cc_group;
struct cc_salvage;
struct cc_segment_list;

/* `done` comes once, unless it is abandoned: OK with the state, which is the receiver's, and the
 * segments, which are borrowed, or why there is none.  `peer` has offered the image.  Without
 * `builds_state` it is only seen to be whole. */
struct cc_fetching *cc_fetching_begin(
    struct cc_group *group,
    uint32_t peer,
    const struct cc_image_id *id,
    bool builds_state,
    void (*done)(
        struct cc_group *group,
        copycat_status status,
        const struct cc_image_id *id,
        struct cc_apply *apply,
        struct cc_segment_list *segments,
        const char *text));

/* It comes to nothing: which of its segments lie here whole, unless nobody needs an image any more. */
void cc_fetching_salvage(const struct cc_fetching *fetching, struct cc_salvage *salvage);

/* Gives it up; the group is not touched any more once this returns. */
void cc_fetching_abandon(struct cc_fetching *fetching);

/* Another member offers an image: if it is the same, it may be asked as well.  True if what is under
 * way has come to nothing, so that another image were better. */
bool cc_fetching_offered(struct cc_fetching *fetching, uint32_t peer, const struct cc_image_id *id);

/* Nothing has come for long. */
bool cc_fetching_is_stale(const struct cc_fetching *fetching);

/* What it has come to, for the leader: a number that grows as long as it gets on, also after the last
 * part has come. */
void cc_fetching_tell(const struct cc_fetching *fetching, struct cc_image_fetching *told_out);

/* Trap T-047, only where it is planted: a part that came beside the lane. */
bool cc_fetching_received(struct cc_fetching *fetching, copycat_bytes body);

/* How far it is, for a person: bytes of it that are here, segments included as soon as they are known,
 * or, false, that were read since all came. */
bool cc_fetching_progress(
    const struct cc_fetching *fetching, uint64_t *done_out, uint64_t *size_out);

/* When it is to be looked at, if nothing comes; COPYCAT_NONE: it is not waiting for a part. */
uint64_t cc_fetching_due_us(const struct cc_fetching *fetching);
void cc_fetching_go_on(struct cc_fetching *fetching);

#endif /* CC_SERVER_IMAGE_FETCHING_H */
