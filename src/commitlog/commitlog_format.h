/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commitlog_format -- the bytes of a segment file.  docs/commitlog-format.md is normative.
 *
 *     offset  size  head: one sector of 512 bytes (little-endian)
 *          0     4  magic "CCLH"
 *          4     4  CRC-32C of bytes 8..511
 *          8     2  format version
 *         10     1  kind: 1 appended to, 2 rewritten
 *         11     1  times that its entries were rewritten
 *         12     4  zero
 *         16     8  generation: of equal indexes, those of the higher one count
 *         24     8  first index that it is about
 *         32     8  floor: what is below is forgotten
 *         40     8  appended to: generation of the segment before, 0: none
 *         48     8  appended to: where the records of the segment before end
 *         56     8  appended to: where the records end that came with the head
 *         64     -  zeros
 *
 *     offset  size  record
 *          0     4  magic "CCLR"
 *          4     4  CRC-32C of bytes 8..39, begun with that of generation and offset in the file
 *          8     1  kind: 1 entry, 2 cleaned, 3 mark
 *          9     1  mask: each byte of the body is stored xor this
 *         10     2  size of the key
 *         12     4  type
 *         16     4  size of the bytes
 *         20     4  CRC-32C of the body as it is stored
 *         24     8  entry: index; cleaned: generation when they were; mark: floor
 *         32     8  entry: time; mark: all before this offset was durable before
 *         40     -  body: key, bytes (cleaned: indexes of 8 bytes each; mark: 8 of 0xff, so that the
 *                   end of a file is not zeros either), then zeros to a multiple of 8
 *
 *     offset  size  footer, where the records end
 *          0     4  magic "CCLF"
 *          4     1  times that its entries were rewritten
 *          5     3  zero
 *          8     8  where it begins
 *         16     8  zero
 *         24     8  base: the index that offsets are counted from
 *         32     8  last index that it is about
 *         40     8  lowest time of an entry
 *         48     8  highest
 *         56     4  count of entries
 *         60     4  count of "cleaned" records
 *         64     4  CRC-32C of all before the footer
 *         68     4  zero
 *         72     -  for each entry: index - base (4), offset in the file (4); for each entry a bit:
 *                   it is cleaned; zeros to a multiple of 8; for each "cleaned" record its offset (4);
 *                   zeros to a multiple of 8
 *
 *     offset  size  end of the footer
 *          0     4  magic "CCLE"
 *          4     4  CRC-32C of bytes 8..23, begun as a record's
 *          8     8  where the footer begins
 *         16     4  CRC-32C of the footer before the end
 *         20     4  zero
 *
 * No sector of a record is all zeros, from its beginning or that of the record on: that is what the
 * mask is for.  So a sector that is was never written.
 */
#ifndef CC_COMMITLOG_COMMITLOG_FORMAT_H
#define CC_COMMITLOG_COMMITLOG_FORMAT_H

#include "commitlog/files.h"

#define CC_COMMITLOG_VERSION 1u
#define CC_COMMITLOG_HEAD_SIZE CC_FILES_SECTOR
#define CC_COMMITLOG_RECORD_SIZE 40u
#define CC_COMMITLOG_MARK_SIZE 48u /* with its body */
#define CC_COMMITLOG_FOOTER_SIZE 72u
#define CC_COMMITLOG_END_SIZE 24u
#define CC_COMMITLOG_NAME_SIZE 50u /* "segment-<first, 20 digits>-<generation, 20 digits>" */
#define CC_COMMITLOG_RUN_MAX 192u  /* zeros in a row that key or bytes do not have */

enum cc_commitlog_kind {
    CC_COMMITLOG_APPENDED = 1,
    CC_COMMITLOG_REWRITTEN = 2,
};

enum cc_commitlog_record_kind {
    CC_COMMITLOG_ENTRY = 1,
    CC_COMMITLOG_CLEANED = 2,
    CC_COMMITLOG_MARK = 3,
};

struct cc_commitlog_head {
    enum cc_commitlog_kind kind;
    uint8_t passes;
    uint64_t generation;
    uint64_t first;
    uint64_t floor;
    uint64_t previous_generation;
    uint64_t previous_end;
    uint64_t given_end;
};

struct cc_commitlog_record {
    enum cc_commitlog_record_kind kind;
    uint8_t mask;
    uint16_t key_size;
    uint32_t type;
    uint32_t size;
    uint32_t body_crc;
    uint64_t index;
    uint64_t time_us;
};

struct cc_commitlog_footer {
    uint8_t passes;
    uint64_t offset;
    uint64_t base;
    uint64_t last;
    uint64_t time_low_us;
    uint64_t time_high_us;
    uint32_t count;
    uint32_t cleaned_count;
    uint32_t records_crc;
};

void cc_commitlog_head_encode(uint8_t *sector, const struct cc_commitlog_head *head);

/* DAMAGED, or NEWER if it is whole and of a later version. */
copycat_status cc_commitlog_head_decode(const uint8_t *sector, struct cc_commitlog_head *head_out);

/* Of the whole record, a multiple of 8. */
uint64_t cc_commitlog_record_size(const struct cc_commitlog_record *record);

/* The mask that leaves no long run of zeros in key and bytes. */
uint8_t cc_commitlog_mask(copycat_bytes key, copycat_bytes bytes);

/* The body as it is stored, without what fills it up; target has room for it. */
void cc_commitlog_body_encode(
    uint8_t *target, uint8_t mask, copycat_bytes key, copycat_bytes bytes);

/* Writes the header for a record at `offset` of the segment with this generation. */
void cc_commitlog_record_encode(
    uint8_t *target,
    const struct cc_commitlog_record *record,
    uint64_t generation,
    uint64_t offset);

/* False: no such header belongs here. */
bool cc_commitlog_record_decode(
    const uint8_t *source,
    uint64_t generation,
    uint64_t offset,
    struct cc_commitlog_record *record_out);

/* Of a whole record: is its body as it was written, and what fills it up zero? */
bool cc_commitlog_body_is_whole(const uint8_t *source, const struct cc_commitlog_record *record);

/* Of the footer with all its tables, and its end. */
uint64_t cc_commitlog_footer_size(uint32_t count, uint32_t cleaned_count);
size_t cc_commitlog_bits_size(uint32_t count); /* bytes, a multiple of 8 */

void cc_commitlog_footer_encode(uint8_t *target, const struct cc_commitlog_footer *footer);
bool cc_commitlog_footer_decode(const uint8_t *source, struct cc_commitlog_footer *footer_out);

/* The end at `offset` of a footer at `footer`. */
void cc_commitlog_end_encode(
    uint8_t *target, uint64_t generation, uint64_t offset, uint64_t footer, uint32_t crc);
bool cc_commitlog_end_decode(
    const uint8_t *source,
    uint64_t generation,
    uint64_t offset,
    uint64_t *footer_out,
    uint32_t *crc_out);

void cc_commitlog_name(char name_out[CC_COMMITLOG_NAME_SIZE], uint64_t first, uint64_t generation);

/* False: it is not the name of a segment. */
bool cc_commitlog_name_decode(const char *name, uint64_t *first_out, uint64_t *generation_out);

#endif /* CC_COMMITLOG_COMMITLOG_FORMAT_H */
