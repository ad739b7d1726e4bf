/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_format -- the bytes of an image file: head, pieces, end.  docs/disk-format.md is normative.
 *
 *     offset  size  head: one block of 4096 bytes (little-endian)
 *          0     4  magic "CCIM"
 *          4     4  CRC-32C of bytes 8..4095
 *          8     2  format version
 *         10     1  kind: 0 image, 1 segment
 *         11     1  zero
 *         12     4  group
 *         16     8  index
 *         24     8  term
 *         32     8  log time
 *         40    16  cluster id
 *         56     -  zeros
 *
 *     offset  size  piece: whole blocks, the fewest that hold it
 *          0     4  magic "CCIP"
 *          4     4  CRC-32C of byte 8 to the end of its blocks
 *          8     4  number, from 0
 *         12     4  size of what was added
 *         16     4  size of what is stored of it
 *         20     1  codec: 0 stored as it is, 1 packed by zstd, which made it smaller
 *         21     1  kind: 0 what was added, 1 the table of segments, of which there is nothing behind
 *         22     2  zero
 *         24     8  offset of the piece in the file
 *         32     8  checksum of the file before the piece
 *         40     -  what is stored, then zeros
 *
 *     offset  size  end: one block
 *          0     4  magic "CCIE"
 *          4     4  CRC-32C of bytes 8..4095
 *          8     8  count of pieces
 *         16     8  bytes that were added
 *         24     8  size of the file
 *         32     8  checksum of the file before the end
 *         40     -  zeros
 *
 *     offset  size  segment in the table
 *          0     8  index of the first commit
 *          8     8  index of the last
 *         16     8  count of commits
 *         24     8  bytes of their records
 *         32     8  size of the file
 *         40     8  checksum of the file
 *
 * The checksum begins with 0 and is taken over the head and each piece in turn: XXH3 of its blocks,
 * seeded with the checksum before.
 */
#ifndef CC_LOG_IMAGE_FORMAT_H
#define CC_LOG_IMAGE_FORMAT_H

#include "log/image.h"

#define CC_IMAGE_VERSION 1u
#define CC_IMAGE_PIECE_HEADER_SIZE 40u
#define CC_IMAGE_SIZE_MIN (2u * CC_DISK_BLOCK) /* head and end */
#define CC_IMAGE_NAME_SIZE 51u /* "segment-0000-00000000000000000001-0123456789abcdef" */
#define CC_IMAGE_SEGMENT_SIZE 48u
#define CC_IMAGE_TABLE_MAX 65536u /* segments in one piece */
#define CC_IMAGE_PATH_SIZE 512u   /* with the directory */
#define CC_IMAGE_TEXT_SIZE (CC_IMAGE_PATH_SIZE + 256u)

enum cc_image_codec {
    CC_IMAGE_CODEC_NONE = 0,
    CC_IMAGE_CODEC_ZSTD = 1,
};

struct cc_image_piece {
    uint32_t number;
    uint32_t raw_size;
    uint32_t stored_size;
    uint8_t codec;
    bool is_table;
    uint64_t offset;
    uint64_t checksum; /* of the file before it */
};

struct cc_image_end {
    uint64_t pieces;
    uint64_t raw_size;
    uint64_t size;
    uint64_t checksum;
};

/* True if the file of an image may be as large. */
bool cc_image_is_size(uint64_t size);

/* A checksum, gone on with over these blocks. */
uint64_t cc_image_checksum(uint64_t before, const void *blocks, size_t size);

/* Fills a whole block. */
void cc_image_head_encode(uint8_t *block, const struct cc_image_head *head);

/* DAMAGED, or NEWER if it is whole and of a later version. */
copycat_status cc_image_head_decode(const uint8_t *block, struct cc_image_head *head_out);

/* Bytes of the blocks that a piece takes. */
size_t cc_image_piece_size(uint32_t stored_size);

/* Writes the header, and zeros behind what is stored, which is in its place already. */
void cc_image_piece_seal(uint8_t *blocks, const struct cc_image_piece *piece);

/* Sizes within bounds, to know how much to read; false: this is no piece. */
bool cc_image_piece_decode(const uint8_t *block, struct cc_image_piece *piece_out);

/* True if all its blocks are as they were written. */
bool cc_image_piece_is_whole(const uint8_t *blocks, size_t size);

void cc_image_end_encode(uint8_t *block, const struct cc_image_end *end);
bool cc_image_end_decode(const uint8_t *block, struct cc_image_end *end_out);

void cc_image_segment_encode(uint8_t *bytes, const struct cc_image_segment *segment);

/* False: there is no such segment. */
bool cc_image_segment_decode(const uint8_t *bytes, struct cc_image_segment *segment_out);

/* ---- names and sentences --------------------------------------------------------------------- */

/* False if there is no room. */
bool cc_image_path(
    char path_out[CC_IMAGE_PATH_SIZE], const char *directory, const struct cc_image_id *id);

/* What a name says: group, index and kind, of a segment the checksum, too.  False if it is the name of
 * neither an image nor a segment. */
bool cc_image_name_decode(const char *name, struct cc_image_id *id_out);

/* True if the files of both would have the same name. */
bool cc_image_has_name_of(const struct cc_image_id *left, const struct cc_image_id *right);

/* "PATH: WHAT, at offset OFFSET"; an offset of COPYCAT_NONE is not mentioned. */
void cc_image_describe(
    char text_out[CC_IMAGE_TEXT_SIZE], const char *path, const char *what, uint64_t offset);

#endif /* CC_LOG_IMAGE_FORMAT_H */
