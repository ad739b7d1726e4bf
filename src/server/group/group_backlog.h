/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_backlog.h -- how far images lag behind what is written: the journal's bytes that the image
 * that is stood on does not cover.  Where more is written than images keep up with, proposals wait a
 * little, so that the journal stays within what lives (docs/decisions/0019).
 *
 * Where it sits:   between what is gathered and what is proposed; asked by taking, for its share of
 *                  the thread.
 *
 *     up to `soft`       nothing follows
 *     up to twice that   the image has no rests and larger slices, the next mark comes as soon as it
 *                        is done, and what is gathered is proposed at a rate that falls
 *     beyond             at the least rate: nothing waits for ever
 */
#ifndef CC_SERVER_GROUP_GROUP_BACKLOG_H
#define CC_SERVER_GROUP_GROUP_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CC_BACKLOG_FULL 1024u

struct cc_group;

/* Totals are bytes that the journal has written since it was opened. */
struct cc_backlog {
    uint64_t base_total;  /* when the state was that of the image that is stood on, ... */
    uint64_t taken_total; /* ... of the one that is taken; 0: none is */
    bool is_hopeless;     /* the last could not be made: to wait for one would be in vain */
    uint64_t next_us;     /* nothing is proposed before then */
};

/* In bytes, and how near it is to its limit: 0, there is nothing to be done, to CC_BACKLOG_FULL. */
uint64_t cc_group_backlog_bytes(const struct cc_group *group);
uint32_t cc_group_backlog_pressure(const struct cc_group *group);

/* Beyond this many bytes there is pressure. */
uint64_t cc_group_backlog_soft(const struct cc_group *group);

/* An image begins at the mark that was just applied; was made, or not; or is stood on now. */
void cc_group_backlog_begun(struct cc_group *group);
void cc_group_backlog_ended(struct cc_group *group, bool is_made);
void cc_group_backlog_moved(struct cc_group *group);

/* True if the next image should not wait until one is due. */
bool cc_group_backlog_wants_mark(const struct cc_group *group);

/* A mark is proposed, before all that waits: what they wait for is its image. */
void cc_group_backlog_marking(struct cc_group *group);

/* How many of those that were gathered may be proposed now; when the next may. */
uint32_t cc_group_backlog_admit(struct cc_group *group);
uint64_t cc_group_backlog_due_us(const struct cc_group *group);

/* False if too much is waiting already for another of that size to be gathered. */
bool cc_group_backlog_has_room(const struct cc_group *group, size_t payload_size);

#endif /* CC_SERVER_GROUP_GROUP_BACKLOG_H */
