/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image -- taking an image: the whole replicated state at one applied index H, as records
 * (image_record.h), while later entries are applied.  restore.h makes a state of it again.  Live
 * commits that lie in segments already may stay there.
 *
 * Where it sits:   apply -> [image] -> server/group, which writes the records to files and brings
 *                  the live commits from the log or from segments.
 * Replicated:      its bytes are a function of the state at H; not where the commits lie.
 * Memory:          deadlines and instances are encoded at once, and a session when it changes before
 *                  its turn: cc_apply_image_captured_bytes says how much that is.  What machines
 *                  freeze is theirs.  What is released meanwhile, a few bytes each (live.h).
 *
 * The way of an image:
 *
 *     begin -> step until it says that nothing is left
 *           -> for each index of next_commit, in order: commit, commit_again, or keep for many
 *           -> finish -> end
 *
 * and `end` at any time gives it up.  Between any two of these calls entries may be applied.
 *
 * All records go into a `writer` of the caller, which must have room in its limit for what a call
 * may append, as it says; then the only failure left is that memory was refused.  writer->failed
 * says so, and the image must be given up: a piece of a blob may be lost.
 *
 * Invariants
 *   M1  at most one image is under way
 *   M2  what is written is of H, whatever has been applied since
 *   M3  every live commit of H that no blob stands for is written or kept once, in order; where
 *       there are no blobs, cc_apply_image_finish holds the count against the one of H
 */
#ifndef CC_APPLY_IMAGE_H
#define CC_APPLY_IMAGE_H

#include "apply/apply.h"
#include "apply/image_record.h"

/*
 * Begins the image of the applied index, which must not be 0: a pass over all deadlines, and what
 * freezing costs the machines.  False if there is no memory for what is encoded at once: then nothing has changed.  Partner: cc_apply_image_end.
 */
bool cc_apply_image_begin(struct cc_apply *apply);

/* H; 0 if no image is under way. */
uint64_t cc_apply_image_index(const struct cc_apply *apply);

/* Log time and digest at H. */
uint64_t cc_apply_image_time_us(const struct cc_apply *apply);
uint64_t cc_apply_image_digest(const struct cc_apply *apply);

/* Bytes of what is encoded and not yet written. */
uint64_t cc_apply_image_captured_bytes(const struct cc_apply *apply);

/*
 * Appends whole records until they are `wanted` bytes or more, or nothing but commits is left; so it
 * appends less than `wanted` + CC_IMAGE_RECORD_SIZE_MAX.  `wanted` is at least 1.  True: there is
 * more to come.  Calls with the same `wanted` append the same records, on every member.
 */
bool cc_apply_image_step(struct cc_apply *apply, struct cc_writer *writer, size_t wanted);

/* How many live commits the image has, and the lowest index of one above `after`; 0: none. */
uint64_t cc_apply_image_commit_count(const struct cc_apply *apply);
uint64_t cc_apply_image_next_commit(const struct cc_apply *apply, uint64_t after);

/* True if the commit of `index` lived at H. */
bool cc_apply_image_has_commit(const struct cc_apply *apply, uint64_t index);

/*
 * Appends the record of one live commit, up to CC_IMAGE_RECORD_SIZE_MAX bytes: the next in order
 * after the last, when no step is left.  `entry` is a view of the encoded entry, as the log gives it.
 * False: a blob stands for it, and nothing is appended.
 */
bool cc_apply_image_commit(
    struct cc_apply *apply, struct cc_writer *writer, const struct cc_entry *entry);

/* The same with a record that a segment has.  False, and nothing is appended, if it is not the record
 * of a live commit behind the last: then the segment is not what it was taken for. */
bool cc_apply_image_commit_again(
    struct cc_apply *apply, struct cc_writer *writer, const struct cc_image_record *record);

/* Those behind the last, up to `last`, stay where they are: `count` of them have a record there. */
void cc_apply_image_keep(struct cc_apply *apply, uint64_t last, uint64_t count);

/* Appends the last record of the image itself, when all commits are written or kept.  False, and
 * nothing is appended: some that live are in neither (M3). */
bool cc_apply_image_finish(struct cc_apply *apply, struct cc_writer *writer);

/* The image is written, or given up; nothing if none is under way. */
void cc_apply_image_end(struct cc_apply *apply);

#endif /* CC_APPLY_IMAGE_H */
