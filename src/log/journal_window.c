/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_window -- recovery: files are large, so what is in memory of them is a window, or one batch
 * where that is larger; and the window that comes next, read and checked beside the loop while the
 * loop takes in what is in this one.
 *
 * Checking ahead decides nothing: what was found whole need not be checked again, and everything
 * else is looked at as if it had not been.
 *
 * Memory:  two windows, of what recovery reads at once.
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

static uint64_t whole_blocks(const struct cc_journal_file *file)
{
    return file->size - file->size % CC_DISK_BLOCK;
}

uint64_t cc_scan_size(const struct cc_journal *journal)
{
    return whole_blocks(journal->scan.file);
}

/* ---- checking, on whatever thread ------------------------------------------------------------ */

/* Touches the window alone, of which nothing else does until the request is done. */
static void check_batches(struct cc_disk_request *request)
{
    struct cc_scan_window *window = cc_container_of(request, struct cc_scan_window, request);
    struct cc_batch_header header;

    while (window->used - window->checked >= CC_DISK_BLOCK) {
        uint8_t *batch = window->buffer + window->checked;
        size_t left = window->used - window->checked;

        if (cc_batch_read_header(batch, &header) != CC_HEADER_VALID) {
            return;
        }
        window->is_cut = (uint64_t)header.blocks * CC_DISK_BLOCK > left;
        if (window->is_cut || !cc_batch_restore(batch, &header)) {
            return;
        }
        window->checked += (size_t)header.blocks * CC_DISK_BLOCK;
        window->batches++;
    }
    window->is_cut = true;
}

/* ---- reading, around what cannot be read ----------------------------------------------------- */

#define UNREADABLE 0xdb /* no magic, no stamp and no zero */

static void read_window(
    struct cc_journal *journal,
    struct cc_scan_window *window,
    void (*work)(struct cc_disk_request *request),
    void (*done)(struct cc_disk_request *request))
{
    if (window->used > window->buffer_size) {
        cc_memory_give(journal->memory, window->memory);
        window->buffer = cc_journal_aligned(journal, window->used, &window->memory);
        window->buffer_size = window->used;
    }
    window->checked = 0;
    window->batches = 0;
    window->is_cut = false;
    window->request = (struct cc_disk_request){
        .file = window->file->file,
        .data = window->buffer,
        .offset = window->at,
        .size = window->used,
        .work = work};
    cc_journal_disk(journal, &window->request, CC_DISK_READ, done);
}

static void grant(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;
    void (*done)(struct cc_disk_request * request) = journal->scan.wish.done;

    journal->scan.wish.done = NULL;
    done(request);
}

static void block_came(struct cc_disk_request *request);

static void read_block(struct cc_journal *journal)
{
    struct cc_scan_window *window = &journal->scan.here;

    window->request = (struct cc_disk_request){
        .file = window->file->file,
        .data = window->buffer + journal->scan.piece,
        .offset = window->at + journal->scan.piece,
        .size = CC_DISK_BLOCK};
    cc_journal_disk(journal, &window->request, CC_DISK_READ, block_came);
}

bool cc_scan_is_refused(const struct cc_journal_scan *scan, uint64_t from, uint64_t size)
{
    return scan->refused_at != COPYCAT_NONE && scan->refused_at >= from &&
           scan->refused_at - from < size;
}

static void note_refused(struct cc_journal_scan *scan, uint64_t at)
{
    scan->is_unreadable = true;
    scan->file->is_refused = true;
    if (at < scan->refused_at || scan->refused_at < scan->offset) {
        scan->refused_at = at;
    }
}

static void block_came(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;
    struct cc_journal_scan *scan = &journal->scan;

    if (request->status == COPYCAT_ERR_IO) {
        memset(scan->here.buffer + scan->piece, UNREADABLE, CC_DISK_BLOCK);
        note_refused(scan, scan->here.at + scan->piece);
        request->status = COPYCAT_OK;
    }
    scan->piece += CC_DISK_BLOCK;
    if (request->status != COPYCAT_OK || journal->is_closing || scan->piece >= scan->here.used) {
        grant(request);
        return;
    }
    journal->requests--;
    read_block(journal);
}

/* A sector that the disk cannot read is damage like any other: block by block, the rest is had. */
static void window_came(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;

    if (request->status != COPYCAT_ERR_IO || journal->is_closing) {
        grant(request);
        return;
    }
    journal->requests--;
    journal->scan.piece = 0;
    read_block(journal);
}

static void read_here(struct cc_journal *journal)
{
    struct cc_journal_scan *scan = &journal->scan;

    scan->here.file = scan->file;
    scan->here.at = scan->wish.at;
    scan->here.used = scan->wish.used;
    read_window(journal, &scan->here, scan->wish.work, window_came);
}

/* ---- ahead ----------------------------------------------------------------------------------- */

static bool is_wished_for(const struct cc_journal_scan *scan)
{
    return scan->ahead.file == scan->file && scan->ahead.at == scan->wish.at &&
           scan->ahead.used >= scan->wish.used && scan->ahead.request.work == scan->wish.work;
}

/* Nothing is under way now, so that the windows may change places, requests and all. */
static void ahead_came(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;
    struct cc_journal_scan *scan = &journal->scan;
    struct cc_scan_window window = scan->here;

    scan->is_ahead = false;
    if (scan->wish.done != NULL && (journal->is_closing || is_wished_for(scan))) {
        scan->here = scan->ahead;
        scan->ahead = window;
        window_came(&scan->here.request);
        return;
    }
    journal->requests--;
    if (journal->is_closing) {
        cc_journal_go_on_closing(journal);
    } else if (scan->wish.done != NULL) {
        read_here(journal);
    } else if (scan->over != NULL) {
        scan->over(journal);
    }
}

void cc_scan_read_ahead(
    struct cc_journal *journal, const struct cc_journal_file *file, uint64_t offset)
{
    struct cc_journal_scan *scan = &journal->scan;
    uint64_t left = whole_blocks(file) - offset;
    size_t size = cc_scan_window(journal);

    CC_ASSERT(!scan->is_ahead && scan->wish.done == NULL);
    if (left == 0) {
        return;
    }
    scan->is_ahead = true;
    scan->ahead.file = file;
    scan->ahead.at = offset;
    scan->ahead.used = size < left ? size : (size_t)left;
    read_window(journal, &scan->ahead, scan->wish.work, ahead_came);
}

void cc_scan_end(struct cc_journal *journal, void (*over)(struct cc_journal *journal))
{
    if (journal->scan.is_ahead) {
        journal->scan.over = over;
    } else {
        over(journal);
    }
}

void cc_scan_release_windows(struct cc_journal *journal)
{
    struct cc_journal_scan *scan = &journal->scan;

    cc_memory_give(journal->memory, scan->here.memory);
    cc_memory_give(journal->memory, scan->ahead.memory);
    scan->here = (struct cc_scan_window){.file = NULL};
    scan->ahead = (struct cc_scan_window){.file = NULL};
}

/* ---- asked for ------------------------------------------------------------------------------- */

/* The file's bytes from `offset` on, as many as are asked for and there are. */
static void wish(
    struct cc_journal *journal,
    uint64_t offset,
    size_t size,
    void (*work)(struct cc_disk_request *request),
    void (*done)(struct cc_disk_request *request))
{
    struct cc_journal_scan *scan = &journal->scan;
    uint64_t left = cc_scan_size(journal) - offset;

    CC_ASSERT(scan->wish.done == NULL);
    scan->wish = (struct cc_scan_wish){
        .done = done, .work = work, .at = offset, .used = size < left ? size : (size_t)left};
    if (!scan->is_ahead) {
        read_here(journal);
    }
}

void cc_scan_read(
    struct cc_journal *journal,
    uint64_t offset,
    size_t size,
    void (*done)(struct cc_disk_request *request))
{
    wish(journal, offset, size, NULL, done);
}

void cc_scan_read_batches(
    struct cc_journal *journal,
    uint64_t offset,
    size_t size,
    void (*done)(struct cc_disk_request *request))
{
    wish(journal, offset, size, check_batches, done);
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
