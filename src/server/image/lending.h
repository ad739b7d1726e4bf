/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lending -- the image that a server stands on, and the segments that it needs, given part by part to
 * members that ask for them.
 *
 * Where it sits:   log/image -> [lending] -> another member's fetching, on the lane that it dialled
 *                  (server/peer/lane.h).
 * Memory:          for each neighbour one open file, one part of 64 KiB at most, and a few asks; who
 *                  has more is shown out.
 * Rate:            all neighbours together get so many bytes a second, a part in turn.
 *
 * An image that was replaced is lent on to whoever has begun with it, as long as he goes on asking: its
 * segments stay for so long.
 */
#ifndef CC_SERVER_IMAGE_LENDING_H
#define CC_SERVER_IMAGE_LENDING_H

#include <copycat/base.h>

#include <stdbool.h>
#include <stdint.h>

struct cc_group;
struct cc_image_id;
struct cc_lending;
struct cc_segment_list;

struct cc_lending *cc_lending_create(struct cc_group *group);

/* The group is not touched any more. */
void cc_lending_end(struct cc_lending *lending);

/* Its file is bad: it is not given to anybody any more from what is open. */
void cc_lending_recall(struct cc_lending *lending, const struct cc_image_id *id);

/* The image that this group stands on was offered: it stays for a while, though another may take its
 * place before the first ask comes. */
void cc_lending_offered(struct cc_lending *lending, uint32_t peer);

/* An image that is being lent, by number from 0, and its segments, borrowed; false: there are no
 * more. */
bool cc_lending_lent(
    const struct cc_lending *lending,
    uint32_t number,
    struct cc_image_id *id_out,
    const struct cc_segment_list **segments_out);

/* At the end of a pass: what waits is lent as far as the rate allows, and files that nobody asks for are
 * closed. */
void cc_lending_go_on(struct cc_lending *lending);

/* False: it makes no sense, or cannot be answered now; the lane should end, and who is serious comes
 * back on another. */
bool cc_lending_asked(struct cc_lending *lending, uint32_t peer, copycat_bytes body);

/* When cc_lending_go_on has something to do at the latest; COPYCAT_NONE: never. */
uint64_t cc_lending_due_us(const struct cc_lending *lending);

#endif /* CC_SERVER_IMAGE_LENDING_H */
