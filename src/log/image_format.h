/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_format -- the bytes of an image file: head, pieces, end.  docs/disk-format.md is normative.
 *
 *     offset  size  head: one block of 4096 bytes (little-endian)
 *          0     4  magic "CCIM"
 *          4     4  CRC-32C of bytes 8..4095
 *          8     2  format version
 *         10     2  zero
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
 *         21     3  zero
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
 * The checksum begins with 0 and is taken over the head and each piece in turn: XXH3 of its blocks,
 * seeded with the checksum before.
 */
#ifndef CC_LOG_IMAGE_FORMAT_H
#define CC_LOG_IMAGE_FORMAT_H

#include "log/image.h"

#define CC_IMAGE_VERSION 1u
#define CC_IMAGE_PIECE_HEADER_SIZE 40u
#define CC_IMAGE_SIZE_MIN (2u * CC_DISK_BLOCK) /* head and end */
#define CC_IMAGE_NAME_SIZE 32u                 /* "image-0000-00000000000000000001" */
#define CC_IMAGE_PATH_SIZE 512u                /* with the directory */
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

/* ---- names and sentences --------------------------------------------------------------------- */

/* False if there is no room. */
bool cc_image_path(
    char path_out[CC_IMAGE_PATH_SIZE], const char *directory, uint32_t group, uint64_t index);

/* False if it is not the name of an image. */
bool cc_image_name_decode(const char *name, uint32_t *group_out, uint64_t *index_out);

/* "PATH: WHAT, at offset OFFSET"; an offset of COPYCAT_NONE is not mentioned. */
void cc_image_describe(
    char text_out[CC_IMAGE_TEXT_SIZE], const char *path, const char *what, uint64_t offset);

#endif /* CC_LOG_IMAGE_FORMAT_H */
