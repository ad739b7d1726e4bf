/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_record -- what an image is made of: records, one behind the other, in this order.
 *
 *     type           payload; numbers are varints, u8 and u64 little-endian
 *     HEAD           version, index, log time, order of the newest deadline
 *     INSTANCE   *   id, type, version of the type; ascending by id, the catalogue first
 *     DEADLINE   *   deadline, order, instance, key; ascending by (deadline, order)
 *     SESSION    *   id, timeout, touched, newest sequence run, newest acknowledged, nonce: 16 bytes;
 *                    ascending by id, each followed by its answers:
 *     ANSWER     *   index, status (negated), result: the rest; ascending by sequence, without gaps
 *     BLOB       *   instance, number from 0, u8: 1 if it is the last of its instance, piece: the
 *                    rest; ascending by (instance, number), for each instance with a blob
 *     LIVE       *   runs of indexes of live commits: how much the first lies above the last before
 *                    it, how many; at most CC_IMAGE_LIVE_MAX indexes in all; ascending
 *     END            how many there were of each type from INSTANCE to BLOB, of LIVE, and how many live
 *                    commits there are in COMMIT, u64: digest of the state
 *     COMMIT     *   the encoded entry (proto/entry.h), ascending by index; of those that live all but
 *                    those that a blob stands for, and any that do not live any more
 *
 * Commits lie in segments, which several images share; everything before them is an image's own.  A
 * record is the size of its payload as u32, its type as u8, and the payload.  It is never larger
 * than CC_IMAGE_RECORD_SIZE_MAX.  The same state gives the same bytes on every member whose types of
 * resources have the same versions.
 */
#ifndef CC_APPLY_IMAGE_RECORD_H
#define CC_APPLY_IMAGE_RECORD_H

#include "proto/entry.h"
#include "proto/limits.h"

#define CC_IMAGE_VERSION 1u
#define CC_IMAGE_RECORD_HEADER_SIZE 5u
#define CC_IMAGE_PAYLOAD_SIZE_MAX (CC_ENTRY_PAYLOAD_SIZE_MAX + CC_ENTRY_HEADER_SIZE + 8u)
#define CC_IMAGE_RECORD_SIZE_MAX (CC_IMAGE_PAYLOAD_SIZE_MAX + CC_IMAGE_RECORD_HEADER_SIZE)
#define CC_IMAGE_BLOB_PIECE_SIZE_MAX (256u << 10)
#define CC_IMAGE_LIVE_MAX 65536u /* indexes in one record */

enum cc_image_record_type {
    CC_IMAGE_HEAD = 1,
    CC_IMAGE_INSTANCE,
    CC_IMAGE_DEADLINE,
    CC_IMAGE_SESSION,
    CC_IMAGE_ANSWER,
    CC_IMAGE_BLOB,
    CC_IMAGE_COMMIT,
    CC_IMAGE_LIVE,
    CC_IMAGE_END,
    CC_IMAGE_TYPES, /* one more than the last */
};

/* A view of bytes that are somebody else's. */
struct cc_image_record {
    uint8_t type;
    copycat_bytes payload;
    copycat_bytes whole; /* with its header */
};

/* Begins a record in `writer` and returns where it begins; the payload is written next. */
size_t cc_image_record_begin(struct cc_writer *writer, uint8_t type);

/* Fills in the size of the record that began at `start`.  Nothing if the writer failed. */
void cc_image_record_end(struct cc_writer *writer, size_t start);

/*
 * Takes one record from the front of `*bytes`.  False, and nothing is taken, if there is no whole
 * record, or one that is too large or of no type: so bytes that are not empty then are damaged.
 */
bool cc_image_record_next(copycat_bytes *bytes, struct cc_image_record *record_out);

/* The index that a COMMIT record is of; 0 if it is none or does not decode. */
uint64_t cc_image_record_index(const struct cc_image_record *record);

/* The index that a COMMIT record says it is of, for who has it looked at by others; 0 if it is none. */
uint64_t cc_image_record_index_said(const struct cc_image_record *record);

/* False if the record is not one whole encoded command. */
bool cc_image_record_entry(const struct cc_image_record *record, struct cc_entry *entry_out);

#endif /* CC_APPLY_IMAGE_RECORD_H */
