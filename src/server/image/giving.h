/* SPDX-License-Identifier: Apache-2.0 */
/*
 * giving -- backups: the whole state, as records of an image, to observers that ask for it.
 *
 * Where it sits:   node/node_door (what an observer says) -> [giving] -> image/loading.
 * Consistency:     only a leader gives, and only an image of an index that it appended after it was
 *                  asked, in the same term: that is committed by a quorum that followed it then, so
 *                  whatever was acknowledged before the question is in it (docs/decisions/0012).
 * Memory:          CC_BACKUPS_MAX at once, each one piece of an image, and CC_BACKUP_WINDOW that
 *                  waits to be sent.
 *
 * Invariants
 *   B1  what is sent is at most CC_BACKUP_WINDOW ahead of what was said to be received
 *   B2  each backup ends in BACKUP_END, in REFUSE, or with its connection
 */
#ifndef CC_SERVER_IMAGE_GIVING_H
#define CC_SERVER_IMAGE_GIVING_H

#include <copycat/base.h>

#include <stdbool.h>
#include <stdint.h>

#define CC_BACKUPS_MAX 2u

struct cc_giving;
struct cc_image_id;
struct cc_segment_list;
struct cc_group;

struct cc_giving *cc_giving_create(struct cc_group *group);

/* The group is not touched any more. */
void cc_giving_end(struct cc_giving *giving);

/* BACKUP_ASK of the guest with this token.  False: it makes no sense, and the connection should end. */
bool cc_giving_asked(struct cc_giving *giving, uint64_t token, copycat_bytes body);

/* A mark is needed though none is due; and it was proposed. */
bool cc_giving_wants_mark(const struct cc_giving *giving);
void cc_giving_marked(struct cc_giving *giving);

/* At the end of a pass, and when it is due; COPYCAT_NONE: never. */
void cc_giving_go_on(struct cc_giving *giving);
uint64_t cc_giving_due_us(const struct cc_giving *giving);

/* An image that is being given, by number from 0, and its segments, borrowed; false: there are no
 * more. */
bool cc_giving_given(
    const struct cc_giving *giving,
    uint32_t number,
    struct cc_image_id *id_out,
    const struct cc_segment_list **segments_out);

#endif /* CC_SERVER_IMAGE_GIVING_H */
