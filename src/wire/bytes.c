/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes -- see bytes.h.
 */
#include "wire/bytes.h"

#include "base/assert.h"

#include <string.h>

#define WRITER_CAPACITY_MIN 256u

void cc_writer_init(struct cc_writer *writer, const struct cc_memory *memory, size_t size_max)
{
    CC_ASSERT(memory != NULL);
    *writer = (struct cc_writer){.memory = memory, .size_max = size_max};
}

void cc_writer_init_fixed(struct cc_writer *writer, void *data, size_t capacity)
{
    *writer = (struct cc_writer){.data = data, .capacity = capacity, .size_max = capacity};
}

void cc_writer_deinit(struct cc_writer *writer)
{
    if (writer->memory != NULL) {
        cc_memory_give(writer->memory, writer->data);
    }
    *writer = (struct cc_writer){0};
}

void cc_writer_clear(struct cc_writer *writer)
{
    writer->size = 0;
    writer->failed = false;
    writer->is_short = false;
}

static bool grow(struct cc_writer *writer, size_t needed)
{
    size_t capacity =
        writer->capacity < WRITER_CAPACITY_MIN ? WRITER_CAPACITY_MIN : writer->capacity;

    /* Doubled only below half of the limit, so that no limit makes it wrap round. */
    while (capacity < needed) {
        capacity = capacity > writer->size_max / 2 ? writer->size_max : capacity * 2;
    }
    if (capacity > writer->size_max) {
        capacity = writer->size_max;
    }

    uint8_t *data = writer->memory->resize(writer->memory->context, writer->data, capacity);

    if (data == NULL) {
        return false;
    }
    writer->data = data;
    writer->capacity = capacity;
    return true;
}

static void *room_grown(struct cc_writer *writer, size_t size)
{
    if (writer->failed || size > writer->size_max - writer->size) {
        writer->failed = true;
        return NULL;
    }
    if (!grow(writer, writer->size + size)) {
        writer->failed = true;
        writer->is_short = true;
        return NULL;
    }

    void *room = writer->data + writer->size;

    writer->size += size;
    CC_ASSERT(writer->size <= writer->capacity);
    return room;
}

/* Of what there is already, usually. */
static inline void *room_of(struct cc_writer *writer, size_t size)
{
    if (writer->failed || size > writer->capacity - writer->size) {
        return room_grown(writer, size);
    }

    void *room = writer->data + writer->size;

    writer->size += size;
    return room;
}

void *cc_writer_room(struct cc_writer *writer, size_t size)
{
    CC_ASSERT(size > 0); /* of nothing there is no address */
    return room_of(writer, size);
}

void cc_write_u8(struct cc_writer *writer, uint8_t value)
{
    uint8_t *room = room_of(writer, 1);

    if (room != NULL) {
        *room = value;
    }
}

void cc_write_u16(struct cc_writer *writer, uint16_t value)
{
    uint8_t *room = room_of(writer, 2);

    if (room != NULL) {
        cc_store_u16(room, value);
    }
}

void cc_write_u32(struct cc_writer *writer, uint32_t value)
{
    uint8_t *room = room_of(writer, 4);

    if (room != NULL) {
        cc_store_u32(room, value);
    }
}

void cc_write_u64(struct cc_writer *writer, uint64_t value)
{
    uint8_t *room = room_of(writer, 8);

    if (room != NULL) {
        cc_store_u64(room, value);
    }
}

void cc_write_varint(struct cc_writer *writer, uint64_t value)
{
    uint8_t encoded[CC_VARINT_SIZE_MAX];
    size_t size = 0;

    if (value < 0x80) {
        cc_write_u8(writer, (uint8_t)value);
        return;
    }
    while (value >= 0x80) {
        encoded[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    encoded[size++] = (uint8_t)value;
    cc_write_raw(writer, encoded, size);
}

void cc_write_raw(struct cc_writer *writer, const void *data, size_t size)
{
    void *room = size == 0 ? NULL : room_of(writer, size);

    if (room != NULL) {
        memcpy(room, data, size);
    }
}

void cc_write_counted(struct cc_writer *writer, copycat_bytes bytes)
{
    cc_write_varint(writer, bytes.size);
    cc_write_raw(writer, bytes.data, bytes.size);
}

void cc_reader_init(struct cc_reader *reader, const void *data, size_t size)
{
    *reader = (struct cc_reader){.data = data, .size = size};
}

size_t cc_reader_left(const struct cc_reader *reader)
{
    return reader->failed ? 0 : reader->size - reader->position;
}

bool cc_reader_is_done(const struct cc_reader *reader)
{
    return !reader->failed && reader->position == reader->size;
}

const void *cc_read_raw(struct cc_reader *reader, size_t size)
{
    if (reader->failed || size > reader->size - reader->position) {
        reader->failed = true;
        return NULL;
    }
    if (reader->data == NULL) {
        return ""; /* nothing, read from nothing: NULL would say that it failed */
    }

    const void *bytes = reader->data + reader->position;

    reader->position += size;
    return bytes;
}

uint8_t cc_read_u8(struct cc_reader *reader)
{
    const uint8_t *bytes = cc_read_raw(reader, 1);

    return bytes == NULL ? 0 : *bytes;
}

uint16_t cc_read_u16(struct cc_reader *reader)
{
    const uint8_t *bytes = cc_read_raw(reader, 2);

    return bytes == NULL ? 0 : cc_load_u16(bytes);
}

uint32_t cc_read_u32(struct cc_reader *reader)
{
    const uint8_t *bytes = cc_read_raw(reader, 4);

    return bytes == NULL ? 0 : cc_load_u32(bytes);
}

uint64_t cc_read_u64(struct cc_reader *reader)
{
    const uint8_t *bytes = cc_read_raw(reader, 8);

    return bytes == NULL ? 0 : cc_load_u64(bytes);
}

uint64_t cc_read_varint(struct cc_reader *reader)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && !reader->failed; shift += 7) {
        if (reader->position == reader->size) {
            break;
        }

        uint8_t byte = reader->data[reader->position++];

        if ((byte == 0 && shift > 0) || (shift == 63 && byte > 1)) {
            break;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
    reader->failed = true;
    return 0;
}

copycat_bytes cc_read_counted(struct cc_reader *reader, size_t size_max)
{
    copycat_bytes bytes = {NULL, 0};
    uint64_t size = cc_read_varint(reader);

    if (reader->failed || size > size_max) {
        reader->failed = true;
        return bytes;
    }
    bytes.data = cc_read_raw(reader, (size_t)size);
    bytes.size = reader->failed ? 0 : (size_t)size;
    return bytes;
}
