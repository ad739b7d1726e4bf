/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scrubbing -- what a group stands on is read again from time to time, so that damage is found
 * before it is needed: the image, then the journal's batches that hold entries behind it.
 *
 * Where it sits:   log/image, log/journal -> [scrubbing] -> server/group, which mends the image
 *                  and the journal.
 * Memory:          a piece of the image, or a batch.
 *
 * A piece, then a pause that bounds the rate: service comes first.  A start reads everything, so the
 * first round begins an interval after it.
 */
#ifndef CC_SERVER_IMAGE_SCRUBBING_H
#define CC_SERVER_IMAGE_SCRUBBING_H

struct cc_group;
struct cc_scrubbing;

struct cc_scrubbing *cc_scrubbing_create(struct cc_group *group);

/* The group is not touched any more. */
void cc_scrubbing_end(struct cc_scrubbing *scrubbing);

/* A round begins now, or after the one under way: something may be wrong. */
void cc_scrubbing_hurry(struct cc_scrubbing *scrubbing);

/* The disk has refused to give the image: it is read again before long, for it may be whole. */
void cc_scrubbing_doubt(struct cc_scrubbing *scrubbing);

#endif /* CC_SERVER_IMAGE_SCRUBBING_H */
