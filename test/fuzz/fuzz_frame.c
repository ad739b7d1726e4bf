/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_frame -- however a stream is split, the decoder gives the same frames and the same end; each
 * frame is canonical, and no more memory is held than one frame may take.
 *
 * The first byte seeds the splits, the rest is the stream.  Mutation knows where frames begin: it
 * doubles, drops and swaps them, lies about sizes, and makes checksums right, without which nothing
 * random would come past them.
 */
#include "base/assert.h"
#include "base/prng.h"
#include "support/limited_memory.h"
#include "support/mend.h"
#include "wire/frame.h"

#include <stdlib.h>
#include <string.h>

#define BODY_MAX 600u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);

/* What a decoder made of a stream: the frames coded again, and how it ended. */
struct outcome {
    struct cc_writer frames;
    copycat_status status;
};

static void feed(
    struct cc_frame_decoder *decoder, struct outcome *outcome, const uint8_t *bytes, size_t size)
{
    uint8_t *exact = malloc(size + 1);
    copycat_bytes input = {exact, size};
    struct cc_frame frame;

    CC_ASSERT(exact != NULL);
    memcpy(exact, bytes, size);
    while (cc_frame_decoder_next(decoder, &input, &frame)) {
        size_t start = cc_frame_begin(&outcome->frames, frame.type, frame.group);

        CC_ASSERT(frame.body.size <= BODY_MAX);
        cc_write_raw(&outcome->frames, frame.body.data, frame.body.size);
        cc_frame_end(&outcome->frames, start);
    }
    CC_ASSERT(decoder->status != COPYCAT_OK || input.size == 0);
    free(exact);
}

/* Pieces of up to `piece_max` bytes; 0: all at once. */
static struct outcome decode(
    const struct cc_memory *memory,
    const uint8_t *stream,
    size_t size,
    struct cc_prng *prng,
    size_t piece_max)
{
    struct limited_memory limited;
    struct cc_frame_decoder decoder;
    struct outcome outcome;
    size_t at = 0;

    limited_memory_init(&limited);
    cc_writer_init(&outcome.frames, memory, SIZE_MAX);
    cc_frame_decoder_init(&decoder, &limited.memory, BODY_MAX);
    while (at < size) {
        size_t piece = piece_max == 0 ? size : 1 + (size_t)cc_prng_below(prng, piece_max);

        piece = piece < size - at ? piece : size - at;
        feed(&decoder, &outcome, stream + at, piece);
        at += piece;
    }
    outcome.status = decoder.status;
    CC_ASSERT(limited.bytes_peak <= 2 * (BODY_MAX + CC_FRAME_HEADER_SIZE));
    cc_frame_decoder_deinit(&decoder);
    CC_ASSERT(limited.blocks == 0);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct limited_memory limited;
    struct cc_prng prng;
    uint8_t *stream;

    if (size == 0) {
        return 0;
    }
    prng.state = data[0];
    stream = malloc(size);
    CC_ASSERT(stream != NULL);
    memcpy(stream, data + 1, size - 1);
    size--;
    limited_memory_init(&limited);

    struct outcome whole = decode(&limited.memory, stream, size, &prng, 0);

    /* What was accepted is the front of the stream, byte for byte. */
    CC_ASSERT(whole.frames.size <= size);
    CC_ASSERT(whole.frames.size == 0 || memcmp(whole.frames.data, stream, whole.frames.size) == 0);
    for (size_t piece_max = 1; piece_max <= 64; piece_max *= 8) {
        struct outcome split = decode(&limited.memory, stream, size, &prng, piece_max);

        CC_ASSERT(split.status == whole.status);
        CC_ASSERT(split.frames.size == whole.frames.size);
        CC_ASSERT(
            split.frames.size == 0 ||
            memcmp(split.frames.data, whole.frames.data, split.frames.size) == 0);
        cc_writer_deinit(&split.frames);
    }
    cc_writer_deinit(&whole.frames);
    CC_ASSERT(limited.blocks == 0);
    free(stream);
    return 0;
}

/* ---- mutation --------------------------------------------------------------------------------- */

/* Where some frame of the stream begins; `size_out`: how long it is. */
static size_t find_frame(const uint8_t *stream, size_t size, struct cc_prng *prng, size_t *size_out)
{
    size_t starts[64];
    size_t count = 0;
    size_t at = 0;

    while (count < 63 && size - at >= CC_FRAME_HEADER_SIZE &&
           cc_load_u32(stream + at) <= size - at - CC_FRAME_HEADER_SIZE) {
        starts[count++] = at;
        at += CC_FRAME_HEADER_SIZE + cc_load_u32(stream + at);
    }
    if (count == 0) {
        return SIZE_MAX;
    }
    starts[count] = at;
    at = (size_t)cc_prng_below(prng, count);
    *size_out = starts[at + 1] - starts[at];
    return starts[at];
}

static uint32_t draw_size(struct cc_prng *prng)
{
    static const uint32_t near[] = {0, 1, BODY_MAX, BODY_MAX + 1, 1u << 20, 1u << 28, UINT32_MAX};

    return cc_prng_below(prng, 4) == 0 ? (uint32_t)cc_prng_below(prng, BODY_MAX)
                                       : near[cc_prng_below(prng, sizeof near / sizeof *near)];
}

static size_t add_frame(uint8_t *stream, size_t size, size_t size_max, struct cc_prng *prng)
{
    uint32_t body = (uint32_t)cc_prng_below(prng, 40);

    if (size_max - size < CC_FRAME_HEADER_SIZE + body) {
        return size;
    }
    memset(stream + size, 0, CC_FRAME_HEADER_SIZE + body);
    cc_store_u32(stream + size, body);
    cc_store_u16(stream + size + 8, (uint16_t)cc_prng_below(prng, 40));
    stream[size + 10] = CC_FRAME_VERSION;
    return size + CC_FRAME_HEADER_SIZE + body;
}

static size_t change_frame(uint8_t *stream, size_t size, size_t size_max, struct cc_prng *prng)
{
    size_t length;
    size_t at = find_frame(stream, size, prng, &length);

    if (at == SIZE_MAX) {
        return add_frame(stream, 0, size_max, prng);
    }
    switch (cc_prng_below(prng, 5)) {
    case 0: /* twice */
        if (size_max - size < length) {
            return size;
        }
        memmove(stream + at + length, stream + at, size - at);
        return size + length;
    case 1: /* not at all */
        memmove(stream + at, stream + at + length, size - at - length);
        return size - length;
    case 2: /* a size that is not true */
        cc_store_u32(stream + at, draw_size(prng));
        return size;
    case 3: /* another body of the same size */
        (void)LLVMFuzzerMutate(
            stream + at + CC_FRAME_HEADER_SIZE, length - CC_FRAME_HEADER_SIZE,
            length - CC_FRAME_HEADER_SIZE);
        return size;
    default:
        return add_frame(stream, size, size_max, prng);
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    struct cc_prng prng = {seed};
    size_t left = size == 0 ? 0 : size - 1;

    data[0] = size == 0 || cc_prng_below(&prng, 16) == 0 ? (uint8_t)seed : data[0];
    if (left > 0 && cc_prng_below(&prng, 3) == 0) {
        left = LLVMFuzzerMutate(data + 1, left, size_max - 1);
    } else {
        left = change_frame(data + 1, left, size_max - 1, &prng);
    }
    if (cc_prng_below(&prng, 8) != 0) {
        mend_frames(data + 1, left);
    }
    return left + 1;
}
