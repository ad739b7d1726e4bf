/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_file -- the bytes of one simulated file: what is on the platter, and what a reader sees.
 *
 * Journals are zeroed before they are used and read to their ends at each start, so most of what is
 * written and read is nothing but zeros.  Of each page is known whether it ever held anything else
 * and whether a reader may see other bytes than those of the platter; the others are not touched.
 */
#include "base/assert.h"
#include "sim/sim_disk_internal.h"

#include <stdlib.h>
#include <string.h>

#define HOLDS 1u   /* something that is not zero was written to it */
#define DIFFERS 2u /* what is seen may not be what is on the platter */

/* What of a range lies on one page. */
struct piece {
    size_t page;
    size_t size;
};

static struct piece piece_of(uint64_t offset, size_t size)
{
    size_t room = CC_DISK_BLOCK - (size_t)(offset % CC_DISK_BLOCK);

    return (struct piece){(size_t)(offset / CC_DISK_BLOCK), size < room ? size : room};
}

static bool is_zero(const unsigned char *bytes, size_t size)
{
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* Zeros, but for the pages that hold something. */
static unsigned char *moved(const struct cc_sim_file *file, unsigned char *bytes, size_t capacity)
{
    unsigned char *target = calloc(1, capacity);

    CC_ASSERT(target != NULL);
    for (size_t at = 0; at < file->capacity; at += CC_DISK_BLOCK) {
        if ((file->pages[at / CC_DISK_BLOCK] & HOLDS) != 0) {
            memcpy(target + at, bytes + at, CC_DISK_BLOCK);
        }
    }
    free(bytes);
    return target;
}

static void grow(struct cc_sim_file *file, size_t size)
{
    size_t capacity = file->capacity == 0 ? 65536 : file->capacity;
    size_t page_count = file->capacity / CC_DISK_BLOCK;

    while (capacity < size) {
        capacity *= 2;
    }
    file->seen = moved(file, file->seen, capacity);
    file->platter = moved(file, file->platter, capacity);
    file->pages = realloc(file->pages, capacity / CC_DISK_BLOCK);
    CC_ASSERT(file->pages != NULL);
    memset(file->pages + page_count, 0, capacity / CC_DISK_BLOCK - page_count);
    file->capacity = capacity;
}

void cc_sim_file_extend(struct cc_sim_file *file, size_t size)
{
    if (size > file->capacity) {
        grow(file, size);
    }
    if (size > file->size) {
        file->size = size;
    }
}

static void write_to(
    struct cc_sim_file *file,
    uint64_t offset,
    const unsigned char *data,
    size_t size,
    bool is_seen,
    bool is_on_platter)
{
    while (size > 0) {
        struct piece piece = piece_of(offset, size);
        unsigned char *page = &file->pages[piece.page];

        if ((*page & HOLDS) != 0 || !is_zero(data, piece.size)) {
            if (is_seen) {
                memcpy(file->seen + offset, data, piece.size);
            }
            if (is_on_platter) {
                memcpy(file->platter + offset, data, piece.size);
            }
            *page |= HOLDS | (is_seen != is_on_platter ? DIFFERS : 0);
        }
        offset += piece.size;
        data += piece.size;
        size -= piece.size;
    }
}

static void note_size(struct cc_sim_file *file, uint64_t end)
{
    if (end > file->platter_size) {
        file->platter_size = end;
    }
}

void cc_sim_file_to_platter(
    struct cc_sim_file *file, uint64_t offset, const void *data, size_t size)
{
    write_to(file, offset, data, size, false, true);
    note_size(file, offset + size);
}

void cc_sim_file_to_reader(struct cc_sim_file *file, uint64_t offset, const void *data, size_t size)
{
    write_to(file, offset, data, size, true, false);
}

void cc_sim_file_to_both(struct cc_sim_file *file, uint64_t offset, const void *data, size_t size)
{
    write_to(file, offset, data, size, true, true);
    note_size(file, offset + size);
}

void cc_sim_file_read(const struct cc_sim_file *file, uint64_t offset, void *target, size_t size)
{
    unsigned char *bytes = target;

    while (size > 0) {
        struct piece piece = piece_of(offset, size);

        if ((file->pages[piece.page] & HOLDS) != 0) {
            memcpy(bytes, file->seen + offset, piece.size);
        } else {
            memset(bytes, 0, piece.size);
        }
        offset += piece.size;
        bytes += piece.size;
        size -= piece.size;
    }
}

void cc_sim_file_see_platter(struct cc_sim_file *file, uint64_t offset, size_t size)
{
    cc_sim_file_extend(file, offset + size);
    memcpy(file->seen + offset, file->platter + offset, size);
}

void cc_sim_file_fall_back(struct cc_sim_file *file)
{
    for (size_t at = 0; at < file->capacity; at += CC_DISK_BLOCK) {
        unsigned char *page = &file->pages[at / CC_DISK_BLOCK];

        if ((*page & DIFFERS) != 0) {
            memcpy(file->seen + at, file->platter + at, CC_DISK_BLOCK);
            *page &= (unsigned char)~DIFFERS;
        }
    }
    file->size = file->platter_size;
}
