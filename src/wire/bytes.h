/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes -- little-endian numbers, LEB128 varints and counted bytes, written and read.
 *
 * A writer grows up to a limit; a reader never passes its end.  Both are sticky: after the first
 * failure everything fails, writing does nothing and reading gives zero, so that a whole message
 * can be coded and the outcome asked for once at the end.
 */
#ifndef CC_WIRE_BYTES_H
#define CC_WIRE_BYTES_H

#include "base/memory.h"

#include <copycat/base.h>

#include <stdbool.h>
#include <stdint.h>

/* Longest varint of 64 bits. */
#define CC_VARINT_SIZE_MAX 10u

struct cc_writer {
    const struct cc_memory *memory; /* NULL: `data` is the caller's and cannot grow */
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t size_max;
    bool failed;   /* the limit was hit, or memory was refused: */
    bool is_short; /* that it was memory */
};

/* Owns its memory; partner: cc_writer_deinit. */
void cc_writer_init(struct cc_writer *writer, const struct cc_memory *memory, size_t size_max);

/* Writes into the caller's `data`. */
void cc_writer_init_fixed(struct cc_writer *writer, void *data, size_t capacity);

void cc_writer_deinit(struct cc_writer *writer);

/* Empties it for reuse and forgets a failure; keeps the memory. */
void cc_writer_clear(struct cc_writer *writer);

/* Room for `size` bytes, at least one, that the caller fills at once; NULL if there is none. */
void *cc_writer_room(struct cc_writer *writer, size_t size);

void cc_write_u8(struct cc_writer *writer, uint8_t value);
void cc_write_u16(struct cc_writer *writer, uint16_t value);
void cc_write_u32(struct cc_writer *writer, uint32_t value);
void cc_write_u64(struct cc_writer *writer, uint64_t value);
void cc_write_varint(struct cc_writer *writer, uint64_t value);
void cc_write_raw(struct cc_writer *writer, const void *data, size_t size);

/* A varint length, then the bytes. */
void cc_write_counted(struct cc_writer *writer, copycat_bytes bytes);

struct cc_reader {
    const uint8_t *data;
    size_t size;
    size_t position;
    bool failed;
};

void cc_reader_init(struct cc_reader *reader, const void *data, size_t size);
size_t cc_reader_left(const struct cc_reader *reader);

/* True if nothing failed and nothing is left over. */
bool cc_reader_is_done(const struct cc_reader *reader);

uint8_t cc_read_u8(struct cc_reader *reader);
uint16_t cc_read_u16(struct cc_reader *reader);
uint32_t cc_read_u32(struct cc_reader *reader);
uint64_t cc_read_u64(struct cc_reader *reader);

/* Refuses an encoding that is longer than need be, so that accepted means canonical. */
uint64_t cc_read_varint(struct cc_reader *reader);

/* Borrowed from the reader's bytes; NULL on failure. */
const void *cc_read_raw(struct cc_reader *reader, size_t size);

/* Fails where the length is above `size_max`. */
copycat_bytes cc_read_counted(struct cc_reader *reader, size_t size_max);

/* ---- numbers at an address, for fixed headers; here, because they are one instruction each --- */

static inline void cc_store_u16(uint8_t *target, uint16_t value)
{
    target[0] = (uint8_t)value;
    target[1] = (uint8_t)(value >> 8);
}

static inline void cc_store_u32(uint8_t *target, uint32_t value)
{
    cc_store_u16(target, (uint16_t)value);
    cc_store_u16(target + 2, (uint16_t)(value >> 16));
}

static inline void cc_store_u64(uint8_t *target, uint64_t value)
{
    cc_store_u32(target, (uint32_t)value);
    cc_store_u32(target + 4, (uint32_t)(value >> 32));
}

static inline uint16_t cc_load_u16(const uint8_t *source)
{
    return (uint16_t)(source[0] | (uint16_t)(source[1] << 8));
}

static inline uint32_t cc_load_u32(const uint8_t *source)
{
    return cc_load_u16(source) | (uint32_t)cc_load_u16(source + 2) << 16;
}

static inline uint64_t cc_load_u64(const uint8_t *source)
{
    return cc_load_u32(source) | (uint64_t)cc_load_u32(source + 4) << 32;
}

#endif /* CC_WIRE_BYTES_H */
