/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_window -- recovery: files are large, so what is in memory of them is a window, or one batch
 * where that is larger.
 */
#include "log/journal_internal.h"

#include <string.h>

#define WINDOW_SIZE_MIN CC_JOURNAL_TABLE_SIZE_MAX

/* ---- requests -------------------------------------------------------------------------------- */

/* True if recovery may go on. */
bool cc_scan_is_going_on(struct cc_disk_request *request, const char *what)
{
    struct cc_journal *journal = request->owner;

    journal->requests--;
    if (journal->is_closing) {
        cc_journal_go_on_closing(journal);
        return false;
    }
    if (request->status != COPYCAT_OK) {
        cc_journal_refuse(journal, request->status, what, 0, NULL);
        return false;
    }
    return true;
}

/* Whole blocks of the file at hand. */
uint64_t cc_scan_size(const struct cc_journal *journal)
{
    return journal->scan.file->size - journal->scan.file->size % CC_DISK_BLOCK;
}

/* ---- reading, around what cannot be read ----------------------------------------------------- */

#define UNREADABLE 0xdb /* no magic, no stamp and no zero */

static void read_piece(
    struct cc_journal *journal, size_t size, void (*done)(struct cc_disk_request *request))
{
    struct cc_journal_scan *scan = &journal->scan;

    journal->scan_request = (struct cc_disk_request){
        .file = scan->file->file,
        .data = scan->buffer + scan->piece,
        .offset = scan->at + scan->piece,
        .size = size};
    cc_journal_disk(journal, &journal->scan_request, CC_DISK_READ, done);
}

static void block_came(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;
    struct cc_journal_scan *scan = &journal->scan;

    if (request->status == COPYCAT_ERR_IO) {
        memset(scan->buffer + scan->piece, UNREADABLE, CC_DISK_BLOCK);
        scan->is_unreadable = true;
        request->status = COPYCAT_OK;
    }
    scan->piece += CC_DISK_BLOCK;
    if (request->status != COPYCAT_OK || journal->is_closing || scan->piece >= scan->used) {
        scan->done(request);
        return;
    }
    journal->requests--;
    read_piece(journal, CC_DISK_BLOCK, block_came);
}

/* A sector that the disk cannot read is damage like any other: block by block, the rest is had. */
static void window_came(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;

    if (request->status != COPYCAT_ERR_IO || journal->is_closing) {
        journal->scan.done(request);
        return;
    }
    journal->requests--;
    read_piece(journal, CC_DISK_BLOCK, block_came);
}

/* The file's bytes from `offset` on, as many as are asked for and there are. */
void cc_scan_read(
    struct cc_journal *journal,
    uint64_t offset,
    size_t size,
    void (*done)(struct cc_disk_request *request))
{
    struct cc_journal_scan *scan = &journal->scan;
    uint64_t left = cc_scan_size(journal) - offset;

    if (size > scan->buffer_size) {
        cc_memory_give(journal->memory, scan->memory);
        scan->buffer = cc_journal_aligned(journal, size, &scan->memory);
        scan->buffer_size = size;
    }
    scan->at = offset;
    scan->used = size < left ? size : (size_t)left;
    scan->done = done;
    scan->piece = 0;
    read_piece(journal, scan->used, window_came);
}

size_t cc_scan_window(const struct cc_journal *journal)
{
    uint32_t size = journal->options.scan_size;

    return size < WINDOW_SIZE_MIN ? WINDOW_SIZE_MIN : size - size % CC_DISK_BLOCK;
}

/* ---- how far ---------------------------------------------------------------------------------- */

void cc_journal_progress(const struct cc_journal *journal, uint64_t *read_out, uint64_t *size_out)
{
    const struct cc_journal_scan *scan = &journal->scan;

    *read_out = scan->life == 0 ? 0 : scan->offset;
    *size_out = 0;
    cc_list_each(node, &journal->files) {
        const struct cc_journal_file *file =
            cc_container_of(node, const struct cc_journal_file, node);

        *read_out += file->life != 0 && file->life < scan->life ? file->size : 0;
        *size_out += file->life != 0 ? file->size : 0;
    }
}
