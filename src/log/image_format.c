/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_format -- see image_format.h.
 */
#include "log/image_format.h"

#include "base/bug.h"
#include "base/crc32c.h"
#include "base/hash.h"
#include "log/format.h"
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

static const char prefix[] = "image-";

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
           left->size == right->size && left->checksum == right->checksum;
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
    cc_store_u32(blocks + 20, piece->codec);
    cc_store_u64(blocks + 24, piece->offset);
    cc_store_u64(blocks + 32, piece->checksum);
    memset(blocks + used, 0, size - used);
    seal(blocks, size, PIECE_MAGIC);
}

bool cc_image_piece_decode(const uint8_t *block, struct cc_image_piece *piece_out)
{
    uint32_t codec = cc_load_u32(block + 20);

    piece_out->number = cc_load_u32(block + 8);
    piece_out->raw_size = cc_load_u32(block + 12);
    piece_out->stored_size = cc_load_u32(block + 16);
    piece_out->codec = (uint8_t)codec;
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

bool cc_image_path(
    char path_out[CC_IMAGE_PATH_SIZE], const char *directory, uint32_t group, uint64_t index)
{
    struct cc_writer path;

    cc_writer_init_fixed(&path, path_out, CC_IMAGE_PATH_SIZE - 1);
    say(&path, directory);
    say(&path, "/");
    say(&path, prefix);
    write_digits(&path, group, GROUP_DIGITS);
    say(&path, "-");
    write_digits(&path, index, INDEX_DIGITS);
    path_out[path.size] = '\0';
    return !path.failed && directory[0] != '\0' && group <= CC_IMAGE_GROUP_MAX;
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

bool cc_image_name_decode(const char *name, uint32_t *group_out, uint64_t *index_out)
{
    size_t at = sizeof prefix - 1;
    uint64_t group;

    if (strlen(name) != at + GROUP_DIGITS + 1 + INDEX_DIGITS || memcmp(name, prefix, at) != 0 ||
        name[at + GROUP_DIGITS] != '-' || !read_digits(name + at, GROUP_DIGITS, &group) ||
        !read_digits(name + at + GROUP_DIGITS + 1, INDEX_DIGITS, index_out)) {
        return false;
    }
    *group_out = (uint32_t)group;
    return true;
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
