/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore -- a state built from an image (image.h): sessions, deadlines, instances, and the machines
 * from their blobs or live commits.
 *
 * Where it sits:   server/group, which reads the image's file -> [restore] -> apply.
 * Memory:          from cc_memory; without it the member stops (T-025).  What is asked for is a
 *                  function of the bytes that were taken, never of a number that stands in them.
 *
 * The bytes may be another server's, so everything is checked: whatever they are, the outcome is a
 * state with the digest that the image speaks of, or a refusal in words.  That holds for blobs as
 * far as their machines check what they are given.
 *
 *     begin -> take, for all records in order, any number at a time -> step, until it says that
 *         nothing is left -> end -> destroy
 */
#ifndef CC_APPLY_RESTORE_H
#define CC_APPLY_RESTORE_H

#include "apply/apply.h"

struct cc_restoring;

/* The options as of cc_apply_create.  Partner: cc_restore_destroy. */
struct cc_restoring *cc_restore_begin(const struct cc_apply_options *options);

/* Accepts NULL. */
void cc_restore_destroy(struct cc_restoring *restoring);

/* The same, but what has come about so far is the caller's: no state, good only for
 * cc_apply_destroy_step and cc_apply_destroy.  NULL: there is nothing. */
struct cc_apply *cc_restore_give_up(struct cc_restoring *restoring);

/*
 * Takes whole records.  Sticky; cc_restore_text says more:
 *
 *     DAMAGED  what was taken is not the beginning of an image
 *     NEWER    an image in a format of a later version
 *     INVALID  it has a type of resource that is not known here, or a newer version of one
 */
copycat_status cc_restore_take(struct cc_restoring *restoring, copycat_bytes records);

/*
 * When all was taken: the machines build their states from what they were given, one step of one of them at a
 * time.  False: nothing is left to be done.
 */
bool cc_restore_step(struct cc_restoring *restoring);

/*
 * When all was taken; does the steps that are left.  OK: the state is the caller's, to be given to cc_apply_destroy.  Else as above;
 * DAMAGED also where the image is not whole, or the state has another digest.  Once, after which only
 * cc_restore_text and cc_restore_destroy may be called.
 */
copycat_status cc_restore_end(struct cc_restoring *restoring, struct cc_apply **apply_out);

/* Why it was refused: a sentence without full stop, or "".  Borrowed until it is destroyed. */
const char *cc_restore_text(const struct cc_restoring *restoring);

#endif /* CC_APPLY_RESTORE_H */
