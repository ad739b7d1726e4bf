/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_walk -- the batches of one file in their order, and on behind what does not read.
 */
#include "base/assert.h"
#include "inspect/inspect.h"

#include <string.h>

#define WINDOW_SIZE (1u << 20)
#define UNREADABLE 0xdb /* no magic, no stamp and no zero */

/* ---- a window -------------------------------------------------------------------------------- */

copycat_status cc_inspect_window_open(
    struct cc_inspect_window *window,
    copycat_inspection *inspection,
    const struct cc_inspect_part *part)
{
    const struct cc_view *view = &inspection->view;
    uint64_t size;
    copycat_status status;

    *window = (struct cc_inspect_window){.inspection = inspection};
    status = view->files->open(view->context, part->name, &window->handle, &size);
    if (status == COPYCAT_OK) {
        window->size = size - size % CC_DISK_BLOCK;
    }
    return status;
}

void cc_inspect_window_close(struct cc_inspect_window *window)
{
    const struct cc_view *view = &window->inspection->view;

    view->files->close(view->context, window->handle);
    cc_memory_give(window->inspection->memory, window->data);
}

void cc_inspect_window_forget(struct cc_inspect_window *window)
{
    window->used = 0;
}

static void read_by_blocks(struct cc_inspect_window *window)
{
    const struct cc_view *view = &window->inspection->view;

    for (size_t at = 0; at < window->used; at += CC_DISK_BLOCK) {
        uint8_t *block = window->data + at;

        if (view->files->read(
                view->context, window->handle, window->at + at, block, CC_DISK_BLOCK) !=
            COPYCAT_OK) {
            memset(block, UNREADABLE, CC_DISK_BLOCK);
            window->is_unreadable = true;
        }
    }
}

uint8_t *cc_inspect_window_read(struct cc_inspect_window *window, uint64_t offset, size_t size)
{
    const struct cc_view *view = &window->inspection->view;
    size_t least = window->size < WINDOW_SIZE ? (size_t)window->size : WINDOW_SIZE;
    size_t wanted = size < least ? least : size;
    uint64_t left = window->size - offset;

    CC_ASSERT(offset <= window->size && size <= left);
    if (offset >= window->at && offset + size <= window->at + window->used) {
        return window->data + (offset - window->at);
    }
    if (wanted > window->capacity) {
        cc_memory_give(window->inspection->memory, window->data);
        window->data = cc_memory_try(window->inspection->memory, wanted);
        window->capacity = window->data == NULL ? 0 : wanted;
    }
    window->used = 0;
    if (window->data == NULL) {
        return NULL;
    }
    window->at = offset;
    window->used = wanted < left ? wanted : (size_t)left;
    if (view->files->read(view->context, window->handle, offset, window->data, window->used) !=
        COPYCAT_OK) {
        read_by_blocks(window);
    }
    return window->data;
}

copycat_status cc_inspect_judge(
    struct cc_inspect_window *window,
    uint64_t offset,
    uint32_t life,
    uint32_t number,
    const struct cc_batch_header *header,
    struct cc_remains_judge *judge_out)
{
    cc_remains_begin(judge_out, window->size - offset, life, number, header);
    while (offset < window->size) {
        uint64_t left = window->size - offset;
        size_t size = left < WINDOW_SIZE ? (size_t)left : WINDOW_SIZE;
        const uint8_t *bytes = cc_inspect_window_read(window, offset, size);

        if (bytes == NULL) {
            return COPYCAT_ERR_MEMORY;
        }
        cc_remains_take(judge_out, bytes, size);
        offset += size;
    }
    return COPYCAT_OK;
}

/* ---- walking --------------------------------------------------------------------------------- */

struct walk {
    struct cc_inspect_window window;
    const struct cc_inspect_part *part;
    const struct cc_inspect_walker *walker;
    uint64_t tag;
    uint32_t number_end; /* so many batches are there, says the file after it; or UINT32_MAX */
    uint64_t offset;
    uint32_t number;
    bool is_over;
    copycat_status status;
    struct cc_batch_header header; /* of the batch at `offset`, if */
    enum cc_header_verdict verdict;
};

static const uint8_t *read_at(struct walk *walk, uint64_t offset, size_t size)
{
    const uint8_t *bytes = cc_inspect_window_read(&walk->window, offset, size);

    if (bytes == NULL) {
        walk->status = COPYCAT_ERR_MEMORY;
        walk->is_over = true;
    }
    return bytes;
}

static bool is_expected(const struct walk *walk, const struct cc_batch_header *header)
{
    return header->life == walk->part->life && header->number >= walk->number &&
           header->number < walk->number_end && (walk->tag == 0 || header->tag == walk->tag);
}

/* True if there was a batch, and the walker wants another. */
static bool take_batch(struct walk *walk)
{
    uint64_t left = walk->window.size - walk->offset;
    const uint8_t *block = read_at(walk, walk->offset, CC_DISK_BLOCK);
    struct cc_batch_header *header = &walk->header;

    if (block == NULL) {
        return false;
    }
    walk->verdict = cc_batch_read_header(block, header);
    if (walk->verdict != CC_HEADER_VALID) {
        return false;
    }

    uint64_t size = (uint64_t)header->blocks * CC_DISK_BLOCK;

    if (!is_expected(walk, header) || header->number != walk->number || size > left) {
        walk->verdict = CC_HEADER_BAD;
        return false;
    }

    uint8_t *batch = cc_inspect_window_read(&walk->window, walk->offset, (size_t)size);

    if (batch == NULL) {
        walk->status = COPYCAT_ERR_MEMORY;
        walk->is_over = true;
        return false;
    }
    if (!cc_batch_restore(batch, header)) {
        cc_inspect_window_forget(&walk->window); /* it may be half restored */
        return false;
    }

    struct cc_inspect_batch told = {
        .part = walk->part, .offset = walk->offset, .header = header, .bytes = batch};

    walk->is_over = !walk->walker->on_batch(walk->walker->owner, &told);
    cc_inspect_advance(walk->window.inspection, size);
    walk->offset += size;
    walk->number++;
    return true;
}

/* The next batch whose header reads; false: there is none. */
static bool find_next(struct walk *walk, uint64_t *offset_out, uint32_t *number_out)
{
    for (uint64_t at = walk->offset + CC_DISK_BLOCK; at + CC_DISK_BLOCK <= walk->window.size;
         at += CC_DISK_BLOCK) {
        const uint8_t *block = read_at(walk, at, CC_DISK_BLOCK);
        struct cc_batch_header header;

        if (block == NULL) {
            return false;
        }
        if (cc_batch_read_header(block, &header) == CC_HEADER_VALID && is_expected(walk, &header) &&
            header.number > walk->number &&
            cc_batch_stamps_sector(block, header.life, header.number)) {
            *offset_out = at;
            *number_out = header.number;
            return true;
        }
    }
    return false;
}

/* Nothing, a torn batch or damage: the same question that recovery asks. */
static bool judge_end(struct walk *walk, struct cc_inspect_gap *gap)
{
    bool is_vouched = walk->number_end != UINT32_MAX && walk->number < walk->number_end;
    struct cc_remains_judge judge;

    if (cc_inspect_judge(
            &walk->window, walk->offset, walk->part->life, walk->number, gap->header, &judge) !=
        COPYCAT_OK) {
        walk->status = COPYCAT_ERR_MEMORY;
        return false;
    }

    enum cc_remains remains = cc_remains_verdict(&judge);

    if (remains == CC_REMAINS_NONE && !is_vouched) {
        return false;
    }
    if (remains == CC_REMAINS_INCOMPLETE && !is_vouched && gap->kind != CC_GAP_NEWER) {
        gap->kind = CC_GAP_TORN;
    }
    if (judge.extent > 0 && judge.extent < gap->size) {
        gap->size = judge.extent;
    }
    return true;
}

static void take_gap(struct walk *walk)
{
    bool has_header = walk->verdict == CC_HEADER_VALID;
    struct cc_inspect_gap gap = {
        .part = walk->part,
        .offset = walk->offset,
        .size = walk->window.size - walk->offset,
        .number = walk->number,
        .life = walk->part->life,
        .kind = walk->verdict == CC_HEADER_NEWER ? CC_GAP_NEWER : CC_GAP_DAMAGED,
        .header = has_header ? &walk->header : NULL,
    };
    uint64_t next;
    uint32_t number;
    bool has_next;
    bool is_gap = true;

    walk->window.is_unreadable = false;
    cc_inspect_window_forget(&walk->window);
    has_next = find_next(walk, &next, &number);
    if (walk->is_over) {
        return;
    }
    if (has_next) {
        gap.size = next - walk->offset;
    } else {
        is_gap = judge_end(walk, &gap);
    }
    gap.is_unreadable = walk->window.is_unreadable;
    walk->is_over = !has_next || walk->status != COPYCAT_OK;
    if (is_gap && walk->status == COPYCAT_OK && walk->walker->on_gap != NULL &&
        !walk->walker->on_gap(walk->walker->owner, &gap)) {
        walk->is_over = true;
    }
    if (has_next) {
        walk->offset = next;
        walk->number = number;
    }
}

/* Batches of a file that the file after it vouches for. */
static uint32_t end_of(const copycat_inspection *inspection, uint32_t life)
{
    const struct cc_inspect_part *next = cc_inspect_part_of_life(inspection, life + 1);

    return next == NULL || !next->has_table ? UINT32_MAX : next->batches_of_previous;
}

copycat_status cc_inspect_walk(
    copycat_inspection *inspection,
    const struct cc_inspect_part *part,
    const struct cc_inspect_walker *walker)
{
    struct walk walk = {
        .part = part,
        .walker = walker,
        .tag = inspection->tag,
        .number_end = end_of(inspection, part->life),
    };
    copycat_status status = cc_inspect_window_open(&walk.window, inspection, part);

    if (status != COPYCAT_OK) {
        return status;
    }
    while (!walk.is_over && walk.number < walk.number_end) {
        if (walk.offset + CC_DISK_BLOCK > walk.window.size) {
            walk.verdict = CC_HEADER_BAD;
            if (walk.number_end != UINT32_MAX) {
                take_gap(&walk); /* batches that are known to have been here */
            }
            break;
        }
        if (!take_batch(&walk) && !walk.is_over) {
            take_gap(&walk);
        }
    }
    cc_inspect_window_close(&walk.window);
    return walk.status;
}
