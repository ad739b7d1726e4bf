/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_format -- the bytes of a backup: head, pieces, end.  docs/backup-format.md is normative.
 *
 *     offset  size  head: one block of 4096 bytes (little-endian)
 *          0     4  magic "CCBK"
 *          4     4  CRC-32C of bytes 8..4095
 *          8     2  format version
 *         10     2  zero
 *         12     4  group
 *         16     8  index
 *         24     8  term
 *         32     8  log time
 *         40    16  id of the cluster that it was made of
 *         56     8  when it was made, in microseconds since 1970, by the clock of who made it
 *         64     -  zeros
 *
 * Pieces are those of images (log/image_format.h).
 *
 *     offset  size  end: one block
 *          0     4  magic "CCBE"
 *          4     4  CRC-32C of bytes 8..4095
 *          8     8  count of pieces
 *         16     8  bytes of records
 *         24     8  size of the file
 *         32     8  checksum of the file before the end
 *         40     8  digest of the state
 *         48     -  zeros
 *
 * The checksum is that of an image: 0 at first, then over the head and each piece.
 */
#ifndef CC_BACKUP_BACKUP_FORMAT_H
#define CC_BACKUP_BACKUP_FORMAT_H

#include "env/env.h"
#include "proto/member.h"

#define CC_BACKUP_VERSION 1u
#define CC_BACKUP_PIECE_SIZE (256u << 10)       /* of records in a piece; the last has fewer */
#define CC_BACKUP_SIZE_MIN (3u * CC_DISK_BLOCK) /* head, one piece, end */

struct cc_backup_file_head {
    uint32_t group;
    uint64_t index;
    uint64_t term;
    uint64_t time_us; /* log time */
    uint8_t cluster_id[CC_CLUSTER_ID_SIZE];
    uint64_t made_us;
};

struct cc_backup_file_end {
    uint64_t pieces;
    uint64_t raw_size;
    uint64_t size;
    uint64_t checksum;
    uint64_t digest;
};

/* Each fills a whole block. */
void cc_backup_head_seal(uint8_t *block, const struct cc_backup_file_head *head);
void cc_backup_end_seal(uint8_t *block, const struct cc_backup_file_end *end);

/* INVALID: it is something else; NEWER: it is whole and of a later version; DAMAGED. */
copycat_status cc_backup_head_open(const uint8_t *block, struct cc_backup_file_head *head_out);

/* False: it is no end, or damaged. */
bool cc_backup_end_open(const uint8_t *block, struct cc_backup_file_end *end_out);

#endif /* CC_BACKUP_BACKUP_FORMAT_H */
