/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_frame -- however a stream is split, the decoder gives the same frames and the same end; each
 * frame is canonical, and no more memory is held than one frame may take.
 *
 * The first byte seeds the splits and says whether checksums are made right, without which nothing
 * random would come past them; the rest is the stream.
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
    if (data[0] % 4 != 0) {
        mend_frames(stream, size);
    }
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
