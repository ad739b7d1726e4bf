/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame -- how messages lie in a stream of bytes.
 *
 *     offset  size  field (little-endian)
 *          0     4  size of the body
 *          4     4  CRC-32C of bytes 8..15 and the body
 *          8     2  type (proto/message.h)
 *         10     1  format version, CC_FRAME_VERSION
 *         11     1  zero
 *         12     4  Raft group
 *         16     -  body
 *
 * The decoder is fed bytes split anywhere and gives whole frames.  The length is checked against a
 * limit before anything is allocated (T-057, T-108), so a stranger can make us hold at most one
 * frame of `body_size_max`.  Between frames it holds little, whatever their size was.
 */
#ifndef CC_WIRE_FRAME_H
#define CC_WIRE_FRAME_H

#include "wire/bytes.h"

#define CC_FRAME_HEADER_SIZE 16u
#define CC_FRAME_VERSION 1u

struct cc_frame {
    uint16_t type;
    uint32_t group;
    copycat_bytes body;
};

/* Begins a frame in `writer` and returns where it begins; the body is written next. */
size_t cc_frame_begin(struct cc_writer *writer, uint16_t type, uint32_t group);

/* Fills in size and checksum of the frame that began at `start`.  Nothing if the writer failed. */
void cc_frame_end(struct cc_writer *writer, size_t start);

struct cc_frame_decoder {
    struct cc_writer partial; /* bytes of a frame that is not whole yet */
    uint32_t body_size_max;
    copycat_status status; /* sticky: COPYCAT_ERR_MALFORMED, _TOO_LARGE, _VERSION or _MEMORY */
};

/* Partner: cc_frame_decoder_deinit. */
void cc_frame_decoder_init(
    struct cc_frame_decoder *decoder, const struct cc_memory *memory, uint32_t body_size_max);
void cc_frame_decoder_deinit(struct cc_frame_decoder *decoder);

/* The limit may be raised once a stranger has said who he is. */
void cc_frame_decoder_limit(struct cc_frame_decoder *decoder, uint32_t body_size_max);

/*
 * Takes bytes from the front of `*input` until a frame is whole or none are left.  Returns true and
 * fills `frame_out` when one is; its body is borrowed until the next call.  False with status OK
 * means that more bytes are needed.
 */
bool cc_frame_decoder_next(
    struct cc_frame_decoder *decoder, copycat_bytes *input, struct cc_frame *frame_out);

#endif /* CC_WIRE_FRAME_H */
