/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_heads -- which file is what: a part of the log, a spare, or what a crash left.
 *
 * Of a file whose head does not read, a later batch may still say which part of the log it was.
 */
#include "base/assert.h"
#include "inspect/inspect.h"
#include "log/image_format.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_SIZE 65536u

const struct cc_inspect_part *cc_inspect_part_of_life(
    const copycat_inspection *inspection, uint32_t life)
{
    for (uint32_t i = 0; i < inspection->part_count; i++) {
        if (inspection->parts[i].life == life && life != 0) {
            return &inspection->parts[i];
        }
    }
    return NULL;
}

static void take_table(
    copycat_inspection *inspection,
    struct cc_inspect_part *part,
    const struct cc_batch_header *header,
    const struct cc_journal_table *table)
{
    part->has_table = true;
    part->batches_of_previous = table->prev_batches;
    if (header->life >= inspection->newest) {
        inspection->newest = header->life;
        inspection->server = table->server;
        inspection->tag = header->tag;
    }
}

/* True if the head says what the file is. */
static bool read_table(
    copycat_inspection *inspection,
    struct cc_inspect_part *part,
    struct cc_inspect_window *window,
    const struct cc_batch_header *header)
{
    struct cc_journal_table table;
    struct cc_record record;
    size_t at = 0;
    uint64_t size = (uint64_t)header->blocks * CC_DISK_BLOCK;
    uint8_t *batch;

    if (header->number != 0 || size > window->size || size > HEAD_SIZE) {
        return false;
    }
    batch = cc_inspect_window_read(window, 0, (size_t)size);
    if (batch == NULL || !cc_batch_restore(batch, header)) {
        cc_inspect_window_forget(window);
        return false;
    }

    copycat_bytes records = {batch + cc_batch_records_at(header->blocks), header->records_size};

    cc_inspect_window_forget(window);
    if (!cc_record_next(records, &at, &record) || record.type != CC_RECORD_TABLE ||
        !cc_table_record_decode(record.payload, &table)) {
        return false;
    }
    take_table(inspection, part, header, &table);
    return true;
}

/* The life that any batch of the file names; 0: none reads. */
static uint32_t life_of_any(struct cc_inspect_window *window)
{
    for (uint64_t at = 0; at + CC_DISK_BLOCK <= window->size; at += CC_DISK_BLOCK) {
        const uint8_t *block = cc_inspect_window_read(window, at, CC_DISK_BLOCK);
        struct cc_batch_header header;

        if (block == NULL) {
            return 0;
        }
        if (cc_batch_read_header(block, &header) == CC_HEADER_VALID &&
            cc_batch_stamps_sector(block, header.life, header.number)) {
            return header.life;
        }
    }
    return 0;
}

static copycat_status judge_head(
    struct cc_inspect_part *part,
    struct cc_inspect_window *window,
    const struct cc_batch_header *header,
    bool is_head_bad)
{
    struct cc_remains_judge judge;
    copycat_status status =
        cc_inspect_judge(window, 0, header == NULL ? 0 : header->life, 0, header, &judge);

    if (status != COPYCAT_OK) {
        return status;
    }
    switch (cc_remains_verdict(&judge)) {
    case CC_REMAINS_NONE:
        part->state = COPYCAT_FILE_SPARE;
        break;
    case CC_REMAINS_INCOMPLETE:
        part->state = COPYCAT_FILE_UNFINISHED;
        part->claimed = judge.life;
        break;
    case CC_REMAINS_WRONG:
        part->state = COPYCAT_FILE_DAMAGED;
        part->life = life_of_any(window);
        part->claimed = is_head_bad ? 0 : cc_remains_life(&judge);
        break;
    }
    return COPYCAT_OK;
}

static copycat_status read_head(copycat_inspection *inspection, struct cc_inspect_part *part)
{
    struct cc_inspect_window window;
    struct cc_batch_header header;
    enum cc_header_verdict verdict = CC_HEADER_BAD;
    copycat_status status = cc_inspect_window_open(&window, inspection, part);

    if (status != COPYCAT_OK) {
        part->state = COPYCAT_FILE_DAMAGED;
        part->is_unreadable = true;
        return COPYCAT_OK;
    }
    part->size = window.size;
    if (window.size == 0) {
        part->state = COPYCAT_FILE_UNFINISHED; /* unless it is the last, see below */
    } else {
        const uint8_t *block = cc_inspect_window_read(&window, 0, CC_DISK_BLOCK);

        status = block == NULL ? COPYCAT_ERR_MEMORY : COPYCAT_OK;
        if (block != NULL) {
            verdict = cc_batch_read_header(block, &header);
        }
        if (verdict == CC_HEADER_NEWER) {
            part->state = COPYCAT_FILE_NEWER;
        } else if (verdict == CC_HEADER_VALID && read_table(inspection, part, &window, &header)) {
            part->state = COPYCAT_FILE_USED;
            part->life = header.life;
        } else if (status == COPYCAT_OK) {
            bool is_zero = cc_batch_is_zero(block, CC_DISK_SECTOR);

            status = judge_head(
                part, &window, verdict == CC_HEADER_VALID ? &header : NULL,
                verdict == CC_HEADER_BAD && !is_zero);
        }
    }
    part->is_unreadable = window.is_unreadable;
    cc_inspect_window_close(&window);
    return status;
}

static copycat_status size_image(copycat_inspection *inspection, struct cc_inspect_part *part)
{
    const struct cc_view *view = &inspection->view;
    void *handle;

    part->state = COPYCAT_FILE_STRAY; /* until the journal names it */
    if (view->files->open(view->context, part->name, &handle, &part->size) != COPYCAT_OK) {
        part->is_unreadable = true;
    } else {
        view->files->close(view->context, handle);
    }
    return COPYCAT_OK;
}

/* Journal files that have a life, by that; the others, by number; images and segments, by index. */
static int compare(const void *left_part, const void *right_part)
{
    const struct cc_inspect_part *left = left_part;
    const struct cc_inspect_part *right = right_part;
    uint64_t left_key = left->life == 0 ? UINT32_MAX : left->life;
    uint64_t right_key = right->life == 0 ? UINT32_MAX : right->life;

    if (left->kind != right->kind) {
        return left->kind < right->kind ? -1 : 1;
    }
    if (left->kind != COPYCAT_FILE_JOURNAL) {
        left_key = left->image.index;
        right_key = right->image.index;
    }
    if (left_key != right_key) {
        return left_key < right_key ? -1 : 1;
    }
    return left->slot < right->slot ? -1 : left->slot > right->slot;
}

/* Of two files that claim one place only the one whose table reads has it. */
static void drop_rivals(copycat_inspection *inspection)
{
    for (uint32_t i = 1; i < inspection->part_count; i++) {
        struct cc_inspect_part *left = &inspection->parts[i - 1];
        struct cc_inspect_part *right = &inspection->parts[i];

        if (left->life != 0 && left->life == right->life) {
            struct cc_inspect_part *rival = left->has_table ? right : left;

            rival->state = COPYCAT_FILE_DAMAGED;
            if (!rival->has_table) {
                rival->life = 0;
            }
        }
    }
}

/* The last file by name is empty and holds the place of the next spare.  A file that was given up is
 * stamped with a life that is older than all that reads, and its head with none. */
static void judge_lifeless(copycat_inspection *inspection)
{
    uint32_t oldest = UINT32_MAX;
    struct cc_inspect_part *last = NULL;

    for (uint32_t i = 0; i < inspection->part_count; i++) {
        struct cc_inspect_part *part = &inspection->parts[i];

        oldest = part->has_table && part->life < oldest ? part->life : oldest;
        if (part->kind == COPYCAT_FILE_JOURNAL && (last == NULL || part->slot > last->slot)) {
            last = part;
        }
    }
    if (last != NULL && last->size == 0 && last->state == COPYCAT_FILE_UNFINISHED) {
        last->state = COPYCAT_FILE_SPARE;
    }
    for (uint32_t i = 0; i < inspection->part_count; i++) {
        struct cc_inspect_part *part = &inspection->parts[i];

        if (oldest != UINT32_MAX && part->claimed != 0 && part->claimed < oldest) {
            part->life = 0;
            part->state = COPYCAT_FILE_GIVEN_UP;
        }
    }
}

copycat_status cc_inspect_read_heads(copycat_inspection *inspection, copycat_message *message)
{
    uint32_t newer = 0;
    uint32_t readable = 0;

    for (uint32_t i = 0; i < inspection->part_count; i++) {
        struct cc_inspect_part *part = &inspection->parts[i];
        copycat_status status = part->kind == COPYCAT_FILE_JOURNAL ? read_head(inspection, part)
                                                                   : size_image(inspection, part);

        if (status != COPYCAT_OK) {
            return cc_inspect_fail(message, status, "out of memory");
        }
        newer += part->state == COPYCAT_FILE_NEWER;
        readable += part->life != 0;
        inspection->size += part->size;
    }
    if (newer > 0 && readable == 0) {
        return cc_inspect_fail(
            message, COPYCAT_ERR_NEWER,
            "%s was written by a newer version of Copycat: use the tool of that version",
            inspection->path);
    }
    qsort(inspection->parts, inspection->part_count, sizeof *inspection->parts, compare);
    drop_rivals(inspection);
    judge_lifeless(inspection);
    qsort(inspection->parts, inspection->part_count, sizeof *inspection->parts, compare);
    return COPYCAT_OK;
}
