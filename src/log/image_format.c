/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_format -- see image_format.h.
 */
#include "log/image_format.h"

#include "base/bug.h"
#include "base/crc32c.h"
#include "base/hash.h"
#include "log/format.h"
#include "proto/limits.h"
#include "wire/bytes.h"

#include <string.h>

#define HEAD_MAGIC 0x4d494343u  /* "CCIM" */
#define PIECE_MAGIC 0x50494343u /* "CCIP" */
#define END_MAGIC 0x45494343u   /* "CCIE" */
#define END_SIZE 40u
#define CRC_AT 4u
#define SEALED_AT 8u /* what the CRC is of begins here */
#define GROUP_DIGITS 4u
#define INDEX_DIGITS 20u

#define CHECKSUM_DIGITS 16u
#define KIND_AT 10u
#define IS_TABLE (1u << 8) /* beside the codec */

static const char image_prefix[] = "image-";
static const char segment_prefix[] = "segment-";

/* The magic stands outside: it is looked at by itself. */
static void seal(uint8_t *blocks, size_t size, uint32_t magic)
{
    cc_store_u32(blocks, magic);
    cc_store_u32(blocks + CRC_AT, cc_crc32c(0, blocks + SEALED_AT, size - SEALED_AT));
}

static bool is_sealed(const uint8_t *blocks, size_t size, uint32_t magic)
{
    return cc_load_u32(blocks) == magic &&
           (CC_BUG(T046B) ||
            cc_load_u32(blocks + CRC_AT) == cc_crc32c(0, blocks + SEALED_AT, size - SEALED_AT));
}

bool cc_image_id_equals(const struct cc_image_id *left, const struct cc_image_id *right)
{
    return left->group == right->group && left->index == right->index &&
           left->term == right->term && left->time_us == right->time_us &&
           left->size == right->size && left->checksum == right->checksum &&
           left->is_segment == right->is_segment;
}

struct cc_image_id cc_image_segment_id(uint32_t group, const struct cc_image_segment *segment)
{
    return (struct cc_image_id){
        .group = group,
        .index = segment->first,
        .size = segment->size,
        .checksum = segment->checksum,
        .is_segment = true};
}

bool cc_image_is_size(uint64_t size)
{
    return size >= CC_IMAGE_SIZE_MIN && size <= CC_IMAGE_SIZE_MAX && size % CC_DISK_BLOCK == 0;
}

uint64_t cc_image_checksum(uint64_t before, const void *blocks, size_t size)
{
    return cc_hash_bytes(blocks, size, before);
}

void cc_image_head_encode(uint8_t *block, const struct cc_image_head *head)
{
    memset(block, 0, CC_DISK_BLOCK);
    cc_store_u16(block + 8, CC_IMAGE_VERSION);
    block[KIND_AT] = head->is_segment;
    cc_store_u32(block + 12, head->group);
    cc_store_u64(block + 16, head->index);
    cc_store_u64(block + 24, head->term);
    cc_store_u64(block + 32, head->time_us);
    memcpy(block + 40, head->cluster_id, CC_CLUSTER_ID_SIZE);
    seal(block, CC_DISK_BLOCK, HEAD_MAGIC);
}

copycat_status cc_image_head_decode(const uint8_t *block, struct cc_image_head *head_out)
{
    uint16_t version = cc_load_u16(block + 8);

    /* The version is not believed before the checksum: rot must not look like a newer version. */
    if (!is_sealed(block, CC_DISK_BLOCK, HEAD_MAGIC) || version == 0) {
        return COPYCAT_ERR_DAMAGED;
    }
    if (version > CC_IMAGE_VERSION) {
        return COPYCAT_ERR_NEWER;
    }
    head_out->group = cc_load_u32(block + 12);
    head_out->index = cc_load_u64(block + 16);
    head_out->term = cc_load_u64(block + 24);
    head_out->time_us = cc_load_u64(block + 32);
    memcpy(head_out->cluster_id, block + 40, CC_CLUSTER_ID_SIZE);
    head_out->is_segment = block[KIND_AT] == 1;
    if (block[KIND_AT] > 1 || (head_out->is_segment && (head_out->term | head_out->time_us) != 0)) {
        return COPYCAT_ERR_DAMAGED;
    }
    return COPYCAT_OK;
}

size_t cc_image_piece_size(uint32_t stored_size)
{
    size_t size = (size_t)CC_IMAGE_PIECE_HEADER_SIZE + stored_size;

    return (size + CC_DISK_BLOCK - 1) / CC_DISK_BLOCK * CC_DISK_BLOCK;
}

void cc_image_piece_seal(uint8_t *blocks, const struct cc_image_piece *piece)
{
    size_t size = cc_image_piece_size(piece->stored_size);
    size_t used = (size_t)CC_IMAGE_PIECE_HEADER_SIZE + piece->stored_size;

    cc_store_u32(blocks + 8, piece->number);
    cc_store_u32(blocks + 12, piece->raw_size);
    cc_store_u32(blocks + 16, piece->stored_size);
    cc_store_u32(blocks + 20, piece->codec | (piece->is_table ? IS_TABLE : 0));
    cc_store_u64(blocks + 24, piece->offset);
    cc_store_u64(blocks + 32, piece->checksum);
    memset(blocks + used, 0, size - used);
    seal(blocks, size, PIECE_MAGIC);
}

bool cc_image_piece_decode(const uint8_t *block, struct cc_image_piece *piece_out)
{
    uint32_t flags = cc_load_u32(block + 20);
    uint32_t codec = flags & ~IS_TABLE;

    piece_out->number = cc_load_u32(block + 8);
    piece_out->raw_size = cc_load_u32(block + 12);
    piece_out->stored_size = cc_load_u32(block + 16);
    piece_out->codec = (uint8_t)codec;
    piece_out->is_table = (flags & IS_TABLE) != 0;
    piece_out->offset = cc_load_u64(block + 24);
    piece_out->checksum = cc_load_u64(block + 32);
    return cc_load_u32(block) == PIECE_MAGIC && piece_out->raw_size > 0 &&
           piece_out->raw_size <= CC_IMAGE_ADD_SIZE_MAX &&
           ((codec == CC_IMAGE_CODEC_NONE && piece_out->stored_size == piece_out->raw_size) ||
            (codec == CC_IMAGE_CODEC_ZSTD && piece_out->stored_size < piece_out->raw_size));
}

bool cc_image_piece_is_whole(const uint8_t *blocks, size_t size)
{
    return is_sealed(blocks, size, PIECE_MAGIC);
}

void cc_image_end_encode(uint8_t *block, const struct cc_image_end *end)
{
    memset(block, 0, CC_DISK_BLOCK);
    cc_store_u64(block + 8, end->pieces);
    cc_store_u64(block + 16, end->raw_size);
    cc_store_u64(block + 24, end->size);
    cc_store_u64(block + 32, end->checksum);
    seal(block, CC_DISK_BLOCK, END_MAGIC);
}

bool cc_image_end_decode(const uint8_t *block, struct cc_image_end *end_out)
{
    end_out->pieces = cc_load_u64(block + 8);
    end_out->raw_size = cc_load_u64(block + 16);
    end_out->size = cc_load_u64(block + 24);
    end_out->checksum = cc_load_u64(block + 32);
    /* The checksum does not cover this block, and of one identity are the same bytes. */
    return is_sealed(block, CC_DISK_BLOCK, END_MAGIC) &&
           cc_batch_is_zero(block + END_SIZE, CC_DISK_BLOCK - END_SIZE);
}

void cc_image_segment_encode(uint8_t *bytes, const struct cc_image_segment *segment)
{
    cc_store_u64(bytes, segment->first);
    cc_store_u64(bytes + 8, segment->last);
    cc_store_u64(bytes + 16, segment->count);
    cc_store_u64(bytes + 24, segment->bytes);
    cc_store_u64(bytes + 32, segment->size);
    cc_store_u64(bytes + 40, segment->checksum);
}

bool cc_image_segment_decode(const uint8_t *bytes, struct cc_image_segment *segment_out)
{
    segment_out->first = cc_load_u64(bytes);
    segment_out->last = cc_load_u64(bytes + 8);
    segment_out->count = cc_load_u64(bytes + 16);
    segment_out->bytes = cc_load_u64(bytes + 24);
    segment_out->size = cc_load_u64(bytes + 32);
    segment_out->checksum = cc_load_u64(bytes + 40);
    return segment_out->first > 0 && segment_out->last >= segment_out->first &&
           segment_out->last <= CC_INDEX_MAX && segment_out->count > 0 &&
           segment_out->count - 1 <= segment_out->last - segment_out->first &&
           segment_out->bytes >= segment_out->count && segment_out->bytes <= CC_IMAGE_SIZE_MAX &&
           cc_image_is_size(segment_out->size);
}

/* ---- names and sentences --------------------------------------------------------------------- */

static void write_digits(struct cc_writer *text, uint64_t number, size_t count)
{
    uint8_t *digits = cc_writer_room(text, count);

    for (size_t at = count; digits != NULL && at-- > 0; number /= 10) {
        digits[at] = (uint8_t)('0' + number % 10);
    }
}

static size_t digits_of(uint64_t number)
{
    size_t count = 1;

    for (; number > 9; number /= 10) {
        count++;
    }
    return count;
}

static void say(struct cc_writer *text, const char *words)
{
    cc_write_raw(text, words, strlen(words));
}

static void write_hex(struct cc_writer *text, uint64_t number)
{
    static const char digits[] = "0123456789abcdef";

    for (unsigned shift = CHECKSUM_DIGITS * 4; shift > 0; shift -= 4) {
        cc_write_u8(text, (uint8_t)digits[number >> (shift - 4) & 15]);
    }
}

bool cc_image_path(
    char path_out[CC_IMAGE_PATH_SIZE], const char *directory, const struct cc_image_id *id)
{
    struct cc_writer path;

    cc_writer_init_fixed(&path, path_out, CC_IMAGE_PATH_SIZE - 1);
    say(&path, directory);
    say(&path, "/");
    say(&path, id->is_segment ? segment_prefix : image_prefix);
    write_digits(&path, id->group, GROUP_DIGITS);
    say(&path, "-");
    write_digits(&path, id->index, INDEX_DIGITS);
    if (id->is_segment) {
        say(&path, "-");
        write_hex(&path, id->checksum);
    }
    path_out[path.size] = '\0';
    return !path.failed && directory[0] != '\0' && id->group <= CC_IMAGE_GROUP_MAX &&
           strlen(directory) + 1 + CC_IMAGE_NAME_SIZE <= CC_IMAGE_PATH_SIZE;
}

static bool read_digits(const char *text, size_t count, uint64_t *number_out)
{
    *number_out = 0;
    for (size_t at = 0; at < count; at++) {
        uint64_t digit = (uint64_t)(text[at] - '0');

        if (text[at] < '0' || text[at] > '9' || *number_out > (UINT64_MAX - digit) / 10) {
            return false;
        }
        *number_out = *number_out * 10 + digit;
    }
    return true;
}

static bool read_hex(const char *text, uint64_t *number_out)
{
    *number_out = 0;
    for (size_t at = 0; at < CHECKSUM_DIGITS; at++) {
        bool is_digit = text[at] >= '0' && text[at] <= '9';

        if (!is_digit && (text[at] < 'a' || text[at] > 'f')) {
            return false;
        }
        *number_out = *number_out << 4 | (uint64_t)(text[at] - (is_digit ? '0' : 'a' - 10));
    }
    return true;
}

/* Group and index, behind the prefix. */
static bool read_place(const char *text, struct cc_image_id *id_out)
{
    uint64_t group;

    if (!read_digits(text, GROUP_DIGITS, &group) || text[GROUP_DIGITS] != '-' ||
        !read_digits(text + GROUP_DIGITS + 1, INDEX_DIGITS, &id_out->index)) {
        return false;
    }
    id_out->group = (uint32_t)group;
    return true;
}

bool cc_image_name_decode(const char *name, struct cc_image_id *id_out)
{
    size_t place = GROUP_DIGITS + 1 + INDEX_DIGITS;
    size_t image = sizeof image_prefix - 1;
    size_t segment = sizeof segment_prefix - 1;

    *id_out = (struct cc_image_id){0};
    if (strlen(name) == image + place && memcmp(name, image_prefix, image) == 0) {
        return read_place(name + image, id_out);
    }
    if (strlen(name) != segment + place + 1 + CHECKSUM_DIGITS ||
        memcmp(name, segment_prefix, segment) != 0 || name[segment + place] != '-') {
        return false;
    }
    id_out->is_segment = true;
    return read_place(name + segment, id_out) &&
           read_hex(name + segment + place + 1, &id_out->checksum);
}

bool cc_image_has_name_of(const struct cc_image_id *left, const struct cc_image_id *right)
{
    return left->group == right->group && left->index == right->index &&
           left->is_segment == right->is_segment &&
           (!left->is_segment || left->checksum == right->checksum);
}

void cc_image_describe(
    char text_out[CC_IMAGE_TEXT_SIZE], const char *path, const char *what, uint64_t offset)
{
    struct cc_writer text;

    cc_writer_init_fixed(&text, text_out, CC_IMAGE_TEXT_SIZE - 1);
    say(&text, path);
    say(&text, ": ");
    say(&text, what);
    if (offset != COPYCAT_NONE) {
        say(&text, ", at offset ");
        write_digits(&text, offset, digits_of(offset));
    }
    text_out[text.size] = '\0';
}
