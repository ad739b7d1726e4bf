/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_journal -- recovery of a directory that somebody has changed.
 *
 * The first byte chooses a directory (journal_image.h); then come rows of changes to its files
 * (journal_change.h).  Whatever they are:
 *
 *   - recovery ends, refuses or goes on, and takes no more memory than the files have;
 *   - its entries follow one another, and none is told as damaged for which there was no room;
 *   - a repair that does not fit the log is refused;
 *   - a second recovery finds what the first found;
 *   - no entry is given that was not written, unless the bytes of one were forged;
 *   - after accidents what is found is the state after some number of records, damaged entries
 *     apart, and none is missing that anything still in its place proves to have been durable;
 *   - after accidents everything damaged can be refilled, and is then found whole.
 */
#include "base/assert.h"
#include "base/prng.h"
#include "journal_change.h"
#include "journal_image.h"
#include "log/format.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);

#define ROWS_MAX 24u
#define MEMORY_BLOCKS_MAX 512u
#define ENTRY_SIZE_MIN (CC_RECORD_HEADER_SIZE + CC_ENTRY_HEADER_SIZE)

static struct memory_disk disk;
static struct stand stand;

/* What was found is the state after some number of records: none is invented, none skipped. */
static void check_found(uint32_t floor)
{
    for (uint32_t count = IMAGE_RECORDS; count + 1 > floor; count--) {
        if (stand_states_match(image_state(count), &stand.found)) {
            return;
        }
    }
    CC_ASSERT(false);
}

/* What an image covers is nobody's business. */
static uint64_t first_entry(void)
{
    const struct stand_state *found = &stand.found;

    return found->first > found->base.index ? found->first : found->base.index + 1;
}

static void check_entries(void)
{
    for (uint64_t index = first_entry(); index <= stand.found.last; index++) {
        CC_ASSERT(
            stand.found.damaged[index] ||
            image_has_entry(index, stand.found.terms[index], stand.found.hashes[index]));
    }
}

/* A summary is not believed when it speaks of more than its batch has room for. */
static void check_room(void)
{
    uint64_t damaged = 0;

    for (uint64_t index = first_entry(); index <= stand.found.last; index++) {
        damaged += stand.found.damaged[index];
    }
    CC_ASSERT(damaged <= stand.found.damages * image_options.file_size / ENTRY_SIZE_MIN);
}

/* A block that is written anew can be read again: recovery wipes files, and begins one. */
static void heal_written(void)
{
    struct cc_batch_header header;
    uint32_t newest = 0;

    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        const struct memory_file *file = &disk.files[i];

        if (file->is_named && file->size >= CC_DISK_BLOCK &&
            cc_batch_read_header(file->seen, &header) == CC_HEADER_VALID) {
            newest = header.life > newest ? header.life : newest;
        }
    }
    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        struct memory_file *file = &disk.files[i];

        if (file->size < CC_DISK_BLOCK ||
            cc_batch_read_header(file->seen, &header) != CC_HEADER_VALID || header.life == newest) {
            file->scar = 0;
        }
    }
}

static void open_journal(void)
{
    stand_open(&stand, &disk, UINT64_MAX);
    CC_ASSERT(stand.opens == 1);
    if (stand.is_open) {
        heal_written();
    }
}

static void open_again(void)
{
    stand_settle(&stand);
    stand_close(&stand);
    open_journal();
}

/* The same, in every word of it. */
static void check_same(const struct stand_state *first)
{
    CC_ASSERT(stand.is_open);
    CC_ASSERT(stand_states_match(first, &stand.found));
    for (uint64_t index = first_entry(); index <= first->last; index++) {
        CC_ASSERT(first->damaged[index] == stand.found.damaged[index]);
    }
}

/* Every damaged entry is fetched from somewhere. */
static void refill(void)
{
    for (uint64_t index = first_entry(); index <= stand.found.last; index++) {
        uint64_t term = stand.found.terms[index];

        if (stand.found.damaged[index]) {
            stand_repair(&stand, index, term, image_entry_size(index, term));
        }
    }
    stand_flush(&stand);
    open_again();
    CC_ASSERT(stand.is_open);
    for (uint64_t index = first_entry(); index <= stand.found.last; index++) {
        CC_ASSERT(!stand.found.damaged[index]);
    }
}

static void check_open(enum change_depth depth, uint32_t floor)
{
    static struct stand_state first;
    uint32_t damages = stand.found.damages;

    if (depth == CHANGED_BY_ACCIDENT) {
        check_found(floor);
    }
    if (depth != CHANGED_ENTRIES) {
        check_entries();
    }
    first = stand.found;
    open_again();
    check_same(&first);
    if (depth == CHANGED_BY_ACCIDENT && damages > 0) {
        refill();
        check_found(floor);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct image *image = image_of((enum image_kind)(size == 0 ? 0 : data[0] % IMAGE_KINDS));
    enum change_depth depth = CHANGED_BY_ACCIDENT;
    uint32_t floor;

    stand.options = image_options;
    memory_disk_clone(&disk, &image->disk);
    for (size_t at = 1; at + CHANGE_SIZE <= size && at < ROWS_MAX * CHANGE_SIZE;
         at += CHANGE_SIZE) {
        enum change_depth change = change_make(&disk, data + at);

        depth = change > depth ? change : depth;
    }
    floor = image_floor(image, &disk);
    open_journal();
    CC_ASSERT(disk.blocks_out < MEMORY_BLOCKS_MAX);
    check_room();
    if (stand.is_open) {
        check_open(depth, floor);
    }
    stand_settle(&stand);
    stand_close(&stand);
    CC_ASSERT(disk.blocks_out == 0);
    memory_disk_deinit(&disk);
    return 0;
}

/* ---- mutation, row by row -------------------------------------------------------------------- */

static uint32_t draw_number(struct cc_prng *prng)
{
    uint32_t number = (uint32_t)cc_prng_below(prng, 8);

    switch (cc_prng_below(prng, 6)) {
    case 0:
        return number;
    case 1:
        return 0u - number;
    case 2:
        return (uint32_t)cc_prng_below(prng, 64) * CC_DISK_SECTOR + number;
    case 3:
        return (uint32_t)cc_prng_below(prng, 8) * CC_DISK_BLOCK + CC_DISK_BLOCK - number;
    case 4:
        return 1u << cc_prng_below(prng, 32);
    default:
        return (uint32_t)cc_prng_next(prng);
    }
}

static void draw_field(struct cc_prng *prng, uint8_t *row, uint32_t field)
{
    switch (field) {
    case 0:
        row[0] = (uint8_t)cc_prng_below(prng, CHANGE_KINDS);
        break;
    case 1:
        row[1] = (uint8_t)cc_prng_below(prng, 6);
        break;
    case 2:
        row[2] = (uint8_t)cc_prng_below(prng, 8);
        break;
    case 3:
        row[3] =
            (uint8_t)(cc_prng_below(prng, 2) == 0 ? cc_prng_below(prng, 20) : cc_prng_next(prng));
        break;
    default:
        cc_store_u32(row + (field == 4 ? 4 : 8), draw_number(prng));
        break;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    struct cc_prng prng = {seed};
    size_t rows = size == 0 ? 0 : (size - 1) / CHANGE_SIZE;
    uint8_t *row = data + 1 + cc_prng_below(&prng, rows + 1) * CHANGE_SIZE;
    size_t behind = (size_t)(data + 1 + rows * CHANGE_SIZE - row);

    data[0] = size == 0 || cc_prng_below(&prng, 16) == 0
                  ? (uint8_t)cc_prng_below(&prng, IMAGE_KINDS)
                  : data[0];
    size = 1 + rows * CHANGE_SIZE;
    if (behind == 0 || cc_prng_below(&prng, 4) == 0) {
        if (rows == ROWS_MAX || size + CHANGE_SIZE > size_max) {
            return size;
        }
        memmove(row + CHANGE_SIZE, row, behind);
        for (uint32_t field = 0; field < 6; field++) {
            draw_field(&prng, row, field);
        }
        return size + CHANGE_SIZE;
    }
    switch (cc_prng_below(&prng, 8)) {
    case 0:
        memmove(row, row + CHANGE_SIZE, behind - CHANGE_SIZE);
        return size - CHANGE_SIZE;
    case 1: /* steered by comparisons */
        (void)LLVMFuzzerMutate(row, CHANGE_SIZE, CHANGE_SIZE);
        return size;
    default:
        draw_field(&prng, row, (uint32_t)cc_prng_below(&prng, 6));
        return size;
    }
}
