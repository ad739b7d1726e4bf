/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame -- see frame.h.
 */
#include "wire/frame.h"

#include "base/assert.h"
#include "base/bug.h"
#include "base/crc32c.h"

#define CHECKED_FROM 8u

/* Room that a large frame needed is given back with it: idle connections hold no more than this. */
#define PARTIAL_KEEP (64u << 10)

size_t cc_frame_begin(struct cc_writer *writer, uint16_t type, uint32_t group)
{
    size_t start = writer->size;

    cc_write_u32(writer, 0);
    cc_write_u32(writer, 0);
    cc_write_u16(writer, type);
    cc_write_u8(writer, CC_FRAME_VERSION);
    cc_write_u8(writer, 0);
    cc_write_u32(writer, group);
    return start;
}

void cc_frame_end(struct cc_writer *writer, size_t start)
{
    if (writer->failed) {
        return;
    }

    size_t size = writer->size - start;
    uint8_t *header = writer->data + start;

    CC_ASSERT(size >= CC_FRAME_HEADER_SIZE);
    CC_ASSERT(size - CC_FRAME_HEADER_SIZE <= UINT32_MAX);
    cc_store_u32(header, (uint32_t)(size - CC_FRAME_HEADER_SIZE));
    cc_store_u32(header + 4, cc_crc32c(0, header + CHECKED_FROM, size - CHECKED_FROM));
}

void cc_frame_decoder_init(
    struct cc_frame_decoder *decoder, const struct cc_memory *memory, uint32_t body_size_max)
{
    cc_writer_init(&decoder->partial, memory, (size_t)body_size_max + CC_FRAME_HEADER_SIZE);
    decoder->body_size_max = body_size_max;
    decoder->status = COPYCAT_OK;
}

void cc_frame_decoder_deinit(struct cc_frame_decoder *decoder)
{
    cc_writer_deinit(&decoder->partial);
}

void cc_frame_decoder_limit(struct cc_frame_decoder *decoder, uint32_t body_size_max)
{
    CC_ASSERT(body_size_max >= decoder->body_size_max);
    decoder->body_size_max = body_size_max;
    decoder->partial.size_max = (size_t)body_size_max + CC_FRAME_HEADER_SIZE;
}

/* Checks a whole header before anything believes its length. */
static copycat_status check_header(const struct cc_frame_decoder *decoder, const uint8_t *header)
{
    if (header[10] != CC_FRAME_VERSION) {
        return COPYCAT_ERR_VERSION;
    }
    if (header[11] != 0) {
        return COPYCAT_ERR_MALFORMED;
    }
    return cc_load_u32(header) > decoder->body_size_max && !CC_BUG(T108) ? COPYCAT_ERR_TOO_LARGE
                                                                         : COPYCAT_OK;
}

/* Whole frame at `bytes`: its fields, or MALFORMED where the checksum does not fit. */
static copycat_status open_frame(const uint8_t *bytes, struct cc_frame *frame_out)
{
    uint32_t body_size = cc_load_u32(bytes);
    size_t checked = CC_FRAME_HEADER_SIZE - CHECKED_FROM + body_size;

    if (cc_crc32c(0, bytes + CHECKED_FROM, checked) != cc_load_u32(bytes + 4)) {
        return COPYCAT_ERR_MALFORMED;
    }
    frame_out->type = cc_load_u16(bytes + 8);
    frame_out->group = cc_load_u32(bytes + 12);
    frame_out->body = (copycat_bytes){bytes + CC_FRAME_HEADER_SIZE, body_size};
    return COPYCAT_OK;
}

static void advance(copycat_bytes *input, size_t size)
{
    CC_ASSERT(size <= input->size);
    input->data = (const uint8_t *)input->data + size;
    input->size -= size;
}

/* Forgets the frame given last time. */
static void drop_given(struct cc_frame_decoder *decoder)
{
    const struct cc_memory *memory = decoder->partial.memory;

    if (decoder->partial.capacity <= PARTIAL_KEEP) {
        cc_writer_clear(&decoder->partial);
        return;
    }
    cc_writer_deinit(&decoder->partial);
    cc_writer_init(
        &decoder->partial, memory, (size_t)decoder->body_size_max + CC_FRAME_HEADER_SIZE);
}

/* Only where that is planted: room for all that the header of a frame promises. */
static void believe(struct cc_writer *partial, size_t promised)
{
    size_t size = partial->size;

    partial->size_max = SIZE_MAX;
    (void)cc_writer_room(partial, promised);
    partial->size = size;
}

/* Moves input into `partial` until that holds `size` bytes; false if input ran out. */
static bool gather(struct cc_frame_decoder *decoder, copycat_bytes *input, size_t size)
{
    struct cc_writer *partial = &decoder->partial;
    size_t wanted = partial->size < size ? size - partial->size : 0;
    size_t taken = wanted < input->size ? wanted : input->size;

    if (CC_BUG(T108) && wanted > 0) {
        believe(partial, wanted);
    }
    cc_write_raw(partial, input->data, taken);
    if (partial->failed) {
        decoder->status = COPYCAT_ERR_MEMORY;
        return false;
    }
    advance(input, taken);
    return taken == wanted;
}

/* A frame that lies whole in the input is read where it lies: no copy. */
static bool next_in_place(
    struct cc_frame_decoder *decoder, copycat_bytes *input, struct cc_frame *frame_out)
{
    const uint8_t *bytes = input->data;

    decoder->status = check_header(decoder, bytes);
    if (decoder->status != COPYCAT_OK) {
        return false;
    }

    size_t size = CC_FRAME_HEADER_SIZE + (size_t)cc_load_u32(bytes);

    if (input->size < size) {
        (void)gather(decoder, input, size);
        return false;
    }
    decoder->status = open_frame(bytes, frame_out);
    advance(input, size);
    return decoder->status == COPYCAT_OK;
}

bool cc_frame_decoder_next(
    struct cc_frame_decoder *decoder, copycat_bytes *input, struct cc_frame *frame_out)
{
    struct cc_writer *partial = &decoder->partial;

    if (decoder->status != COPYCAT_OK) {
        return false;
    }
    if (partial->size >= CC_FRAME_HEADER_SIZE &&
        partial->size == CC_FRAME_HEADER_SIZE + (size_t)cc_load_u32(partial->data)) {
        drop_given(decoder);
    } else if (CC_BUG(T107)) {
        cc_writer_clear(partial);
    }
    if (partial->size == 0 && input->size >= CC_FRAME_HEADER_SIZE) {
        return next_in_place(decoder, input, frame_out);
    }
    if (!gather(decoder, input, CC_FRAME_HEADER_SIZE)) {
        return false;
    }
    decoder->status = check_header(decoder, partial->data);
    if (decoder->status != COPYCAT_OK) {
        return false;
    }
    if (!gather(decoder, input, CC_FRAME_HEADER_SIZE + (size_t)cc_load_u32(partial->data))) {
        return false;
    }
    decoder->status = open_frame(partial->data, frame_out);
    return decoder->status == COPYCAT_OK;
}
