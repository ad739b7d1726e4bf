/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_image_file -- the file of an image, or of a segment, that somebody has changed.
 *
 * The first byte chooses a file; then come rows of changes to its file.  Whatever they are:
 *
 *   - the reader ends, accepts or refuses, and takes no more memory than the largest piece needs;
 *   - a file that is as it was written is accepted, with what was added and the segments it needs;
 *   - one that changed by accident is refused;
 *   - of a forged one, with checksums that are right, as much is given out as its end says, and a table
 *     only if there may be one and it names segments that there may be, in order;
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

#define KINDS 9u
#define SEGMENTS_MAX 60u
#define ROW_SIZE 8u
#define ROWS_MAX 16u
#define MEND 9u /* of a row: what each part says of those before it is made right */
#define EXTRA_MAX (4u * CC_DISK_BLOCK)
#define MEMORY_MAX (CC_IMAGE_ADD_SIZE_MAX + 4 * CC_DISK_BLOCK)

static const struct kind {
    struct image_script script;
    bool is_segment;
    size_t segment_count; /* that it needs */
} kinds[KINDS] = {
    {.script = {.count = 0}},
    {.script = {.sizes = {100}, .count = 1}},
    {.script = {.sizes = {5000, 100}, .count = 2}},
    {.script = {.sizes = {20000}, .count = 1, .is_dull = true}},
    {.script = {.sizes = {9000, 3000}, .count = 2}},
    {.script = {.sizes = {CC_IMAGE_PIECE_SIZE, 6000, 100}, .count = 3, .is_dull = true}},
    {.script = {.sizes = {5000, 300}, .count = 2}, .is_segment = true},
    {.script = {.sizes = {2000}, .count = 1}, .segment_count = 3},
    {.script = {.count = 0}, .segment_count = SEGMENTS_MAX},
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

/* The same for every image that needs some. */
static struct cc_image_segment table[SEGMENTS_MAX];

static void make_table(void)
{
    for (uint64_t i = 0; i < SEGMENTS_MAX; i++) {
        table[i] = (struct cc_image_segment){
            .first = 100 * i + 1,
            .last = 100 * i + 90,
            .count = 80,
            .bytes = 8000,
            .size = 4 * CC_DISK_BLOCK,
            .checksum = cc_hash_bytes(&i, sizeof i, 7),
        };
    }
}

static struct cc_image_id write_original(struct memory_disk *disk, const struct kind *kind)
{
    struct cc_image_head head = image_head;
    struct image_writing writing;

    if (kind->is_segment) {
        head.is_segment = true;
        head.term = 0;
        head.time_us = 0;
    }
    image_write_begin(&writing, disk, &head, &kind->script);
    while (writing.added < kind->script.count) {
        bool is_taken =
            cc_image_write_add(writing.writer, image_addition(&kind->script, writing.added++));

        CC_ASSERT(is_taken);
    }
    if (kind->segment_count > 0) {
        cc_image_write_segments(writing.writer, table, kind->segment_count);
    }
    image_write_more(&writing);
    image_write_run(&writing, UINT64_MAX);
    CC_ASSERT(writing.dones == 1 && writing.status == COPYCAT_OK);
    return writing.id;
}

static void make_originals(void)
{
    struct memory_disk disk;
    size_t largest = 0;

    make_table();
    for (uint32_t i = 0; i < KINDS; i++) {
        struct original *original = &originals[i];

        memory_disk_init(&disk);
        original->id = write_original(&disk, &kinds[i]);
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

/* The part that is a table, if there is one. */
static bool find_table(size_t *at_out, struct cc_image_piece *piece_out)
{
    for (size_t at = CC_DISK_BLOCK; at < bytes_size; at = end_of_part(at)) {
        if (bytes_size - at >= CC_DISK_BLOCK && cc_image_piece_decode(bytes + at, piece_out) &&
            piece_out->is_table && cc_image_piece_size(piece_out->stored_size) <= bytes_size - at) {
            *at_out = at;
            return true;
        }
    }
    return false;
}

/* A number of a segment in the table goes up or down, or becomes another; or one becomes the next. */
static void forge_table(uint8_t how, uint16_t which, uint32_t value)
{
    struct cc_image_piece piece;
    size_t at;

    if (!find_table(&at, &piece) || piece.stored_size < 2 * CC_IMAGE_SEGMENT_SIZE) {
        return;
    }

    size_t count = piece.stored_size / CC_IMAGE_SEGMENT_SIZE;
    uint8_t *segment =
        bytes + at + CC_IMAGE_PIECE_HEADER_SIZE + which % (count - 1) * CC_IMAGE_SEGMENT_SIZE;
    uint8_t *number = segment + how % 6 * 8;

    switch (how / 6 % 3) {
    case 0:
        cc_store_u64(number, cc_load_u64(number) + (uint64_t)(int64_t)(int8_t)value);
        break;
    case 1:
        cc_store_u64(number, value);
        break;
    default:
        memmove(segment + CC_IMAGE_SEGMENT_SIZE, segment, CC_IMAGE_SEGMENT_SIZE);
        break;
    }
    store_crc(at, end_of_part(at));
    is_forged = true;
}

/* A piece becomes a table, or is none any more. */
static void swap_kind(uint32_t part)
{
    size_t at = start_of_part(part);

    if (at < bytes_size && bytes_size - at >= CC_DISK_BLOCK) {
        bytes[at + 21] ^= 1;
        store_crc(at, end_of_part(at));
        is_forged = true;
    }
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
        whole.raw_size += piece.is_table ? 0 : piece.raw_size;
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
    switch (row[0] % 10) {
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
    case 7:
        forge_table(row[1], offset, value);
        break;
    case 8:
        swap_kind(row[1]);
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
    bool is_table_same; /* it names what the original does */
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

/* Whatever was forged: somebody will open files by these names, and trust these numbers. */
static void check_table(struct reading *reading)
{
    size_t count;
    const struct cc_image_segment *segments = cc_image_read_segments(reading->reader, &count);
    uint64_t last = 0;

    for (size_t i = 0; i < count; i++) {
        const struct cc_image_segment *segment = &segments[i];

        CC_ASSERT(segment->first > last && segment->last >= segment->first);
        CC_ASSERT(segment->count > 0 && segment->count <= segment->last - segment->first + 1);
        CC_ASSERT(cc_image_is_size(segment->size));
        last = segment->last;
    }
    CC_ASSERT(count == 0 || (!reading->id.is_segment && last <= reading->id.index));
    reading->hash = cc_hash_bytes(&count, sizeof count, reading->hash);
    reading->is_table_same = count <= SEGMENTS_MAX &&
                             (count == 0 || memcmp(segments, table, count * sizeof *table) == 0);
    CC_ASSERT(reading->size == cc_image_read_raw_size(reading->reader));
}

static void on_end(void *owner, copycat_status status, const char *text)
{
    struct reading *reading = owner;

    CC_ASSERT(!reading->is_ended && (status == COPYCAT_OK) == (text[0] == '\0'));
    if (status == COPYCAT_OK) {
        check_table(reading);
    }
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

static void put_file(struct memory_disk *disk, const struct cc_image_id *id)
{
    char path[CC_IMAGE_PATH_SIZE];
    bool has_path = cc_image_path(path, IMAGE_DIRECTORY, id);

    CC_ASSERT(has_path);
    memory_disk_put(disk, strrchr(path, '/') + 1, bytes, bytes_size);
}

static void check(uint32_t kind)
{
    const struct original *original = &originals[kind];
    struct cc_image_id any = original->id; /* whatever there is of that name */
    struct cc_image_end end;
    bool is_same =
        bytes_size == original->id.size && memcmp(bytes, original->bytes, bytes_size) == 0;
    struct memory_disk disk;
    struct reading first;
    struct reading second;

    memory_disk_init(&disk);
    any.size = 0;
    if (any.is_segment && bytes_size >= CC_IMAGE_SIZE_MIN && bytes_size % CC_DISK_BLOCK == 0 &&
        cc_image_end_decode(bytes + bytes_size - CC_DISK_BLOCK, &end)) {
        any.checksum = end.checksum; /* who forges it names it accordingly */
    }
    put_file(&disk, &any);
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

        CC_ASSERT(second.is_table_same);
        CC_ASSERT(image_read(&reading, &disk, &original->id, &kinds[kind].script) == COPYCAT_OK);
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
    data[size] = (uint8_t)cc_prng_below(&prng, 10);
    data[size + 1] = (uint8_t)cc_prng_below(&prng, 18);
    cc_store_u16(data + size + 2, (uint16_t)cc_prng_below(&prng, 4096));
    cc_store_u32(data + size + 4, draw_value(&prng));
    size += ROW_SIZE;
    if (size + ROW_SIZE <= size_max && cc_prng_below(&prng, 2) == 0) {
        memset(data + size, 0, ROW_SIZE);
        data[size] = MEND; /* else hardly anything that was forged is read any further */
        size += ROW_SIZE;
    }
    return size;
}
