/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message_image -- an image on its way to a member that needs one; declared in message.h.
 */
#include "proto/message.h"

static void write_image(struct cc_writer *writer, const struct cc_image_name *image)
{
    cc_write_varint(writer, image->index);
    cc_write_varint(writer, image->term);
    cc_write_varint(writer, image->time_us);
    cc_write_varint(writer, image->size);
    cc_write_u64(writer, image->checksum);
}

static void read_image(struct cc_reader *reader, struct cc_image_name *image_out)
{
    image_out->index = cc_read_varint(reader);
    image_out->term = cc_read_varint(reader);
    image_out->time_us = cc_read_varint(reader);
    image_out->size = cc_read_varint(reader);
    image_out->checksum = cc_read_u64(reader);
}

static bool is_image(const struct cc_image_name *image)
{
    return image->index > 0 && image->index <= CC_INDEX_MAX && image->term > 0 &&
           image->term <= CC_TERM_MAX && image->time_us <= CC_TIME_US_MAX && image->size > 0 &&
           image->size <= CC_IMAGE_SIZE_MAX;
}

void cc_image_offer_encode(struct cc_writer *writer, const struct cc_image_offer *offer)
{
    cc_write_varint(writer, offer->term);
    write_image(writer, &offer->image);
}

bool cc_image_offer_decode(copycat_bytes body, struct cc_image_offer *offer_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    offer_out->term = cc_read_varint(&reader);
    read_image(&reader, &offer_out->image);
    return cc_reader_is_done(&reader) && offer_out->term > 0 && offer_out->term <= CC_TERM_MAX &&
           is_image(&offer_out->image);
}

void cc_image_wanted_encode(struct cc_writer *writer, const struct cc_image_wanted *wanted)
{
    cc_write_varint(writer, wanted->index);
}

bool cc_image_wanted_decode(copycat_bytes body, struct cc_image_wanted *wanted_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    wanted_out->index = cc_read_varint(&reader);
    return cc_reader_is_done(&reader) && wanted_out->index > 0 && wanted_out->index <= CC_INDEX_MAX;
}

void cc_room_told_encode(struct cc_writer *writer, const struct cc_room_told *told)
{
    cc_write_u8(writer, told->is_short);
    cc_write_u8(writer, told->wants_mark);
}

bool cc_room_told_decode(copycat_bytes body, struct cc_room_told *told_out)
{
    struct cc_reader reader;
    uint8_t is_short;
    uint8_t wants_mark;

    cc_reader_init(&reader, body.data, body.size);
    is_short = cc_read_u8(&reader);
    wants_mark = cc_read_u8(&reader);
    told_out->is_short = is_short == 1;
    told_out->wants_mark = wants_mark == 1;
    return cc_reader_is_done(&reader) && is_short <= 1 && wants_mark <= 1;
}

void cc_image_fetching_encode(struct cc_writer *writer, const struct cc_image_fetching *fetching)
{
    cc_write_varint(writer, fetching->index);
    cc_write_varint(writer, fetching->progress);
}

bool cc_image_fetching_decode(copycat_bytes body, struct cc_image_fetching *fetching_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    fetching_out->index = cc_read_varint(&reader);
    fetching_out->progress = cc_read_varint(&reader);
    return cc_reader_is_done(&reader) && fetching_out->index > 0 &&
           fetching_out->index <= CC_INDEX_MAX;
}

void cc_image_ask_encode(struct cc_writer *writer, const struct cc_image_ask *ask)
{
    write_image(writer, &ask->image);
    cc_write_varint(writer, ask->file);
    cc_write_varint(writer, ask->offset);
    cc_write_varint(writer, ask->size);
}

static bool is_inside(uint64_t whole, uint64_t offset, uint64_t size)
{
    return offset < whole && size <= whole - offset;
}

bool cc_image_ask_decode(copycat_bytes body, struct cc_image_ask *ask_out)
{
    struct cc_reader reader;
    uint64_t file;
    uint64_t size;

    cc_reader_init(&reader, body.data, body.size);
    read_image(&reader, &ask_out->image);
    file = cc_read_varint(&reader);
    ask_out->file = (uint32_t)file;
    ask_out->offset = cc_read_varint(&reader);
    size = cc_read_varint(&reader);
    ask_out->size = (uint32_t)size;
    return cc_reader_is_done(&reader) && is_image(&ask_out->image) && size > 0 &&
           size <= CC_IMAGE_PART_SIZE_MAX && file <= UINT32_MAX &&
           is_inside(file == 0 ? ask_out->image.size : CC_IMAGE_SIZE_MAX, ask_out->offset, size);
}

void cc_image_part_encode(struct cc_writer *writer, const struct cc_image_part *part)
{
    cc_write_varint(writer, part->index);
    cc_write_u64(writer, part->checksum);
    cc_write_varint(writer, part->file);
    cc_write_varint(writer, part->offset);
    cc_write_counted(writer, part->bytes);
}

bool cc_image_part_decode(copycat_bytes body, struct cc_image_part *part_out)
{
    struct cc_reader reader;
    uint64_t file;

    cc_reader_init(&reader, body.data, body.size);
    part_out->index = cc_read_varint(&reader);
    part_out->checksum = cc_read_u64(&reader);
    file = cc_read_varint(&reader);
    part_out->file = (uint32_t)file;
    part_out->offset = cc_read_varint(&reader);
    part_out->bytes = cc_read_counted(&reader, CC_IMAGE_PART_SIZE_MAX);
    return cc_reader_is_done(&reader) && part_out->index > 0 && part_out->index <= CC_INDEX_MAX &&
           file <= UINT32_MAX && part_out->offset <= CC_IMAGE_SIZE_MAX;
}
