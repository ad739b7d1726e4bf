/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_image_file -- the file of an image that somebody has changed.
 *
 * The first byte chooses an image; then come rows of changes to its file.  Whatever they are:
 *
 *   - the reader ends, accepts or refuses, and takes no more memory than the largest piece needs;
 *   - an image that is as it was written is accepted, with what was added;
 *   - one that changed by accident is refused;
 *   - of a forged one, with checksums that are right, no more is given out than its end says;
 *   - a second reader comes to the same.
 */
#include "base/assert.h"
#include "base/crc32c.h"
#include "base/hash.h"
#include "base/prng.h"
#include "log/image_format.h"
#include "unit/log/image_stand.h"
#include "wire/bytes.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);

#define KINDS 6u
#define ROW_SIZE 8u
#define ROWS_MAX 16u
#define EXTRA_MAX (4u * CC_DISK_BLOCK)
#define MEMORY_MAX (CC_IMAGE_ADD_SIZE_MAX + 4 * CC_DISK_BLOCK)

static const struct image_script scripts[KINDS] = {
    {.count = 0},
    {.sizes = {100}, .count = 1},
    {.sizes = {5000, 100}, .count = 2},
    {.sizes = {20000}, .count = 1, .is_dull = true},
    {.sizes = {9000, 3000}, .count = 2},
    {.sizes = {CC_IMAGE_PIECE_SIZE, 6000, 100}, .count = 3, .is_dull = true},
};

/* As they were written. */
static struct original {
    struct cc_image_id id;
    uint8_t *bytes;
} originals[KINDS];

/* Being changed. */
static uint8_t *bytes;
static size_t bytes_size;
static bool is_forged;

static void make_originals(void)
{
    struct memory_disk disk;
    size_t largest = 0;

    for (uint32_t i = 0; i < KINDS; i++) {
        struct original *original = &originals[i];

        memory_disk_init(&disk);
        original->id = image_write(&disk, &image_head, &scripts[i]);
        original->bytes = malloc(original->id.size);
        CC_ASSERT(original->bytes != NULL);
        memcpy(original->bytes, image_file(&disk)->seen, original->id.size);
        largest = original->id.size > largest ? original->id.size : largest;
        memory_disk_deinit(&disk);
    }
    bytes = malloc(largest + EXTRA_MAX);
    CC_ASSERT(bytes != NULL);
}

/* ---- changes --------------------------------------------------------------------------------- */

/* Where the part that begins at `at` ends, by what its header says, within the file. */
static size_t end_of_part(size_t at)
{
    struct cc_image_piece piece;
    size_t left = bytes_size - at;

    if (left >= CC_DISK_BLOCK && cc_image_piece_decode(bytes + at, &piece) &&
        cc_image_piece_size(piece.stored_size) <= left) {
        return at + cc_image_piece_size(piece.stored_size);
    }
    return left < CC_DISK_BLOCK ? bytes_size : at + CC_DISK_BLOCK;
}

static size_t start_of_part(uint32_t number)
{
    size_t at = 0;

    for (; number > 0 && at < bytes_size; number--) {
        at = end_of_part(at);
    }
    return at;
}

static void store_crc(size_t at, size_t end)
{
    cc_store_u32(bytes + at + 4, cc_crc32c(0, bytes + at + 8, end - at - 8));
}

/* A number in a header, or a byte behind it; its checksum is made right, for it as it was long. */
static void forge(uint32_t part, uint16_t offset, uint32_t value, bool is_number)
{
    size_t at = start_of_part(part);
    size_t end;

    if (at >= bytes_size || bytes_size - at < CC_DISK_BLOCK) {
        return;
    }
    end = end_of_part(at);
    if (is_number) {
        cc_store_u32(bytes + at + 8 + offset % 9 * 4, value);
    } else {
        bytes[at + 8 + offset % (end - at - 8)] = (uint8_t)value;
    }
    store_crc(at, end);
    is_forged = true;
}

/* What each part says of all before it, and the end of all, is made right. */
static void mend(void)
{
    struct cc_image_piece piece;
    struct cc_image_end whole = {.size = bytes_size};
    size_t at = CC_DISK_BLOCK;

    if (bytes_size < CC_IMAGE_SIZE_MIN || bytes_size % CC_DISK_BLOCK != 0) {
        return;
    }
    whole.checksum = cc_image_checksum(0, bytes, CC_DISK_BLOCK);
    while (at < bytes_size - CC_DISK_BLOCK) {
        size_t end = end_of_part(at);

        if (end > bytes_size - CC_DISK_BLOCK) {
            break;
        }
        (void)cc_image_piece_decode(bytes + at, &piece);
        cc_store_u32(bytes + at + 8, (uint32_t)whole.pieces++);
        cc_store_u64(bytes + at + 24, at);
        cc_store_u64(bytes + at + 32, whole.checksum);
        store_crc(at, end);
        whole.raw_size += piece.raw_size;
        whole.checksum = cc_image_checksum(whole.checksum, bytes + at, end - at);
        at = end;
    }
    cc_image_end_encode(bytes + bytes_size - CC_DISK_BLOCK, &whole);
    is_forged = true;
}

static void change(const uint8_t *row, size_t room)
{
    uint16_t offset = cc_load_u16(row + 2);
    uint32_t value = cc_load_u32(row + 4);
    size_t blocks = bytes_size / CC_DISK_BLOCK;

    if (blocks == 0) {
        return;
    }
    switch (row[0] % 8) {
    case 0:
        bytes[((size_t)row[1] << 16 | offset) % bytes_size] ^= (uint8_t)value;
        break;
    case 1:
        memset(bytes + value % blocks * CC_DISK_BLOCK, 0, CC_DISK_BLOCK);
        break;
    case 2:
        memmove(
            bytes + value % blocks * CC_DISK_BLOCK, bytes + offset % blocks * CC_DISK_BLOCK,
            CC_DISK_BLOCK);
        break;
    case 3:
        bytes_size = row[1] % 2 == 0 ? value % blocks * CC_DISK_BLOCK : value % bytes_size;
        break;
    case 4:
        if (bytes_size + CC_DISK_BLOCK <= room) {
            memset(bytes + bytes_size, row[1], CC_DISK_BLOCK);
            bytes_size += CC_DISK_BLOCK;
        }
        break;
    case 5:
        forge(row[1], offset, value, true);
        break;
    case 6:
        forge(row[1], offset, value, false);
        break;
    default:
        mend();
        break;
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

struct reading {
    struct cc_image_reader *reader;
    bool is_ended;
    copycat_status status;
    struct cc_image_id id;
    uint64_t size; /* of what was given out */
    uint64_t hash;
};

static void on_open(
    void *owner,
    copycat_status status,
    const struct cc_image_id *id,
    const struct cc_image_head *head,
    const char *text)
{
    struct reading *reading = owner;

    (void)head;
    CC_ASSERT((status == COPYCAT_OK) == (text[0] == '\0'));
    reading->status = status;
    reading->id = *id;
    reading->is_ended = status != COPYCAT_OK;
    if (status == COPYCAT_OK) {
        cc_image_read_next(reading->reader);
    }
}

static void on_piece(void *owner, copycat_bytes piece)
{
    struct reading *reading = owner;

    CC_ASSERT(piece.size > 0 && piece.size <= CC_IMAGE_ADD_SIZE_MAX);
    reading->hash = cc_hash_bytes(piece.data, piece.size, reading->hash);
    reading->size += piece.size;
    cc_image_read_next(reading->reader);
}

static void on_end(void *owner, copycat_status status, const char *text)
{
    struct reading *reading = owner;

    CC_ASSERT(!reading->is_ended && (status == COPYCAT_OK) == (text[0] == '\0'));
    reading->status = status;
    reading->is_ended = true;
}

static void on_closed(void *owner)
{
    ((struct reading *)owner)->reader = NULL;
}

static struct reading read_all(struct memory_disk *disk, const struct cc_image_id *id)
{
    static const struct cc_image_read_callbacks callbacks = {on_open, on_piece, on_end, on_closed};
    struct reading reading = {.is_ended = false};
    copycat_status status =
        cc_image_read_begin(&reading.reader, &disk->env, IMAGE_DIRECTORY, id, &callbacks, &reading);

    CC_ASSERT(status == COPYCAT_OK);
    while (!reading.is_ended && memory_disk_step(disk)) {
    }
    CC_ASSERT(reading.is_ended);
    cc_image_read_close(reading.reader);
    while (memory_disk_step(disk)) {
    }
    CC_ASSERT(reading.reader == NULL && disk->blocks_out == 0);
    CC_ASSERT(disk->block_largest <= MEMORY_MAX);
    return reading;
}

static void check(uint32_t kind)
{
    const struct cc_image_id any = {.group = image_head.group, .index = image_head.index};
    const struct original *original = &originals[kind];
    bool is_same =
        bytes_size == original->id.size && memcmp(bytes, original->bytes, bytes_size) == 0;
    struct memory_disk disk;
    struct reading first;
    struct reading second;

    memory_disk_init(&disk);
    memory_disk_put(&disk, "image-0003-00000000000000070000", bytes, bytes_size);
    first = read_all(&disk, &any);
    second = read_all(&disk, &any);
    CC_ASSERT(first.status == second.status && first.size == second.size);
    CC_ASSERT(first.hash == second.hash);
    CC_ASSERT(first.status != COPYCAT_ERR_IO); /* nothing beyond the end is asked for */
    CC_ASSERT(!is_same || first.status == COPYCAT_OK);
    CC_ASSERT(is_same || is_forged || first.status == COPYCAT_ERR_DAMAGED);

    /* The very image is only what was written, whoever forged it. */
    second = read_all(&disk, &original->id);
    CC_ASSERT((second.status == COPYCAT_OK) == is_same);
    if (is_same) {
        struct image_reading reading;

        CC_ASSERT(image_read(&reading, &disk, &original->id, &scripts[kind]) == COPYCAT_OK);
    }
    memory_disk_deinit(&disk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t kind;

    if (size == 0) {
        return 0;
    }
    if (bytes == NULL) {
        make_originals();
    }
    kind = data[0] % KINDS;
    bytes_size = originals[kind].id.size;
    memcpy(bytes, originals[kind].bytes, bytes_size);
    is_forged = false;
    for (size_t at = 1; at + ROW_SIZE <= size && at < 1 + ROWS_MAX * ROW_SIZE; at += ROW_SIZE) {
        change(data + at, originals[kind].id.size + EXTRA_MAX);
    }
    check(kind);
    return 0;
}

/* ---- mutation, now and then by a row more ---------------------------------------------------- */

/* Numbers that a header or a place may have. */
static uint32_t draw_value(struct cc_prng *prng)
{
    switch (cc_prng_below(prng, 4)) {
    case 0:
        return (uint32_t)cc_prng_below(prng, 8);
    case 1:
        return (uint32_t)cc_prng_below(prng, 8) * CC_DISK_BLOCK - (uint32_t)cc_prng_below(prng, 50);
    case 2:
        return 1u << cc_prng_below(prng, 32);
    default:
        return (uint32_t)cc_prng_next(prng);
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    struct cc_prng prng = {seed};

    if (size == 0 || size + ROW_SIZE > size_max || cc_prng_below(&prng, 3) > 0) {
        return LLVMFuzzerMutate(data, size, size_max);
    }
    size = 1 + (size - 1) / ROW_SIZE * ROW_SIZE;
    data[size] = (uint8_t)cc_prng_below(&prng, 8);
    data[size + 1] = (uint8_t)cc_prng_below(&prng, 4);
    cc_store_u16(data + size + 2, (uint16_t)cc_prng_below(&prng, 4096));
    cc_store_u32(data + size + 4, draw_value(&prng));
    return size + ROW_SIZE;
}
