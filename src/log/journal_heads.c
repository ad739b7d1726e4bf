/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_heads -- recovery begins: the directory, and what each file in it says it is.
 *
 *     lock, list, sync the names -> for each file: open, sync, read its head
 *                                -> lives that follow one another, spares, and what was given up
 */
#include "log/image_format.h"
#include "log/journal_internal.h"

#include <string.h>

#define HEAD_SIZE 65536u
#define NAME_PREFIX "journal-"
#define HEAD_DAMAGED "the head of this file is damaged"

static void next_head(struct cc_journal *journal);

/* ---- what life is each file of? ------------------------------------------------------- */

static bool read_table(
    const uint8_t *batch, const struct cc_batch_header *header, struct cc_journal_table *table)
{
    copycat_bytes records = {batch + cc_batch_records_at(header->blocks), header->records_size};
    struct cc_record record;
    size_t at = 0;

    return cc_record_next(records, &at, &record) && record.type == CC_RECORD_TABLE &&
           cc_table_record_decode(record.payload, table);
}

enum head {
    HEAD_READ,    /* its table says what it is */
    HEAD_REFUSED, /* the directory cannot be used */
    HEAD_UNREAD,  /* never begun, or torn: the whole file has to be seen */
};

static enum head refuse_head(struct cc_journal *journal, copycat_status status, const char *what)
{
    struct cc_journal_scan *scan = &journal->scan;

    scan->is_unreadable = scan->file != NULL && scan->file->is_refused;
    cc_journal_refuse(journal, status, what, 0, NULL);
    return HEAD_REFUSED;
}

static enum head take_table(struct cc_journal *journal, const struct cc_batch_header *header)
{
    struct cc_journal_scan *scan = &journal->scan;
    struct cc_journal_table table;

    if (!read_table(scan->here.buffer, header, &table) || table.prev_life != header->life - 1) {
        return refuse_head(journal, COPYCAT_ERR_DAMAGED, HEAD_DAMAGED);
    }
    if (table.server != journal->options.server) {
        return refuse_head(
            journal, COPYCAT_ERR_FOREIGN, "this directory belongs to another server");
    }
    if (cc_journal_file_of(journal, header->life) != NULL) {
        return refuse_head(journal, COPYCAT_ERR_DAMAGED, "two files claim the same place");
    }
    if (scan->file->size / CC_DISK_BLOCK < table.blocks) {
        return refuse_head(journal, COPYCAT_ERR_DAMAGED, "this file has lost its end");
    }
    scan->file->life = header->life;
    scan->file->prev_batches = table.prev_batches;
    scan->file->previous_blocks = header->previous_blocks;
    scan->file->previous = header->previous;
    scan->life_newest = header->life > scan->life_newest ? header->life : scan->life_newest;
    return HEAD_READ;
}

static enum head judge_head(struct cc_journal *journal)
{
    struct cc_journal_scan *scan = &journal->scan;
    struct cc_batch_header header;

    if (cc_batch_is_zero(scan->here.buffer, CC_DISK_SECTOR)) {
        return HEAD_UNREAD;
    }
    switch (cc_batch_read_header(scan->here.buffer, &header)) {
    case CC_HEADER_NEWER:
        return refuse_head(journal, COPYCAT_ERR_NEWER, "written by a newer version of Copycat");
    case CC_HEADER_BAD:
        return refuse_head(journal, COPYCAT_ERR_DAMAGED, HEAD_DAMAGED);
    case CC_HEADER_VALID:
        break;
    }
    if (header.number != 0 || (uint64_t)header.blocks * CC_DISK_BLOCK > scan->here.used) {
        return refuse_head(journal, COPYCAT_ERR_DAMAGED, HEAD_DAMAGED);
    }
    return cc_batch_restore(scan->here.buffer, &header) ? take_table(journal, &header)
                                                        : HEAD_UNREAD;
}

/* It was torn and is wiped, but what it says was durable before it was so (J3). */
static void note_torn(struct cc_journal_file *file, const struct cc_batch_header *header)
{
    if (header != NULL && header->durable_life == header->life - 1) {
        file->claimed_tag = header->tag;
        file->prev_batches = header->durable_number + 1;
        file->previous_blocks = header->previous_blocks;
        file->previous = header->previous;
    }
}

/* A file whose head does not read may be a spare, or hold a torn first batch, and nothing else. */
void cc_scan_head_judged(struct cc_journal *journal)
{
    struct cc_journal_scan *scan = &journal->scan;

    switch (cc_remains_verdict(&scan->judge)) {
    case CC_REMAINS_NONE:
        scan->file->is_ready = scan->judge.rot_block == 0 &&
                               scan->judge.size >= journal->options.file_size_min &&
                               scan->file->slot + 1 < journal->slot_next;
        break;
    case CC_REMAINS_INCOMPLETE:
        scan->file->claimed = scan->judge.life;
        scan->file->is_torn = true;
        note_torn(scan->file, cc_scan_judged_header(journal));
        break;
    case CC_REMAINS_WRONG:
        if (cc_remains_life(&scan->judge) == 0) {
            (void)refuse_head(journal, COPYCAT_ERR_DAMAGED, HEAD_DAMAGED);
            return;
        }

        /* Its head was zeroed, it may be, and not the rest; and that may rot, nobody minds. */
        scan->file->claimed = cc_remains_life(&scan->judge);
        break;
    }
    next_head(journal);
}

static void head_read(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;
    struct cc_batch_header header;
    bool has_header;

    if (!cc_scan_is_going_on(request, "cannot be read")) {
        return;
    }
    switch (judge_head(journal)) {
    case HEAD_READ:
        next_head(journal);
        break;
    case HEAD_UNREAD:
        has_header = cc_batch_read_header(journal->scan.here.buffer, &header) == CC_HEADER_VALID;
        cc_scan_judge(journal, has_header ? &header : NULL);
        break;
    case HEAD_REFUSED:
        break;
    }
}

/* Before anything here is believed it is made durable: the former life may have left it in a cache.
 */
static void head_synced(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;

    if (!cc_scan_is_going_on(request, "cannot be synced")) {
        return;
    }

    if (cc_scan_size(journal) == 0) {
        if (journal->scan.file->slot + 1 < journal->slot_next) {
            cc_journal_refuse(
                journal, COPYCAT_ERR_DAMAGED, "this file is empty, though later ones were made", 0,
                NULL);
            return;
        }
        next_head(journal); /* it was being made */
        return;
    }
    cc_scan_read(journal, 0, HEAD_SIZE, head_read);
}

static void head_opened(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;

    if (request->status == COPYCAT_OK) {
        journal->scan.file->file = request->file;
        journal->scan.file->size = request->size;
    }
    if (cc_scan_is_going_on(request, "cannot be opened")) {
        journal->scan_request = (struct cc_disk_request){.file = request->file};
        cc_journal_disk(journal, &journal->scan_request, CC_DISK_SYNC, head_synced);
    }
}

/* A head that does not read is of a file that was being given up, if its life is older than all that
 * read, or of one that was being begun, if that life is the next; else it is damaged. */
static bool is_claim_right(
    struct cc_journal *journal, struct cc_journal_file *file, uint32_t oldest)
{
    struct cc_journal_scan *scan = &journal->scan;

    if (file->claimed < oldest) {
        scan->left = file->claimed == oldest - 1 ? file : scan->left;
        file->claimed = 0;
        return true;
    }
    return file->claimed == scan->life_newest + 1 && file->is_torn;
}

/* The file whose head does not read, though the rest of it says that it is of this life; NULL: none. */
static struct cc_journal_file *claimant(struct cc_journal *journal, uint32_t life)
{
    cc_list_each(node, &journal->files) {
        struct cc_journal_file *file = cc_container_of(node, struct cc_journal_file, node);

        if (file->claimed == life) {
            return file;
        }
    }
    return NULL;
}

/* An image is made by who has a journal: if nothing of that is there, it was lost, with what was
 * acknowledged last, and who began anew would throw away the image, too. */
static bool may_begin(struct cc_journal *journal)
{
    if (journal->scan.life_newest > 0 || !journal->scan.has_image ||
        journal->options.begins_on_image || CC_BUG(T032)) {
        return true;
    }
    journal->scan.file = NULL;
    cc_journal_refuse(
        journal, COPYCAT_ERR_DAMAGED,
        "the journal is missing, though there is an image of the state; put its files back",
        COPYCAT_NONE, NULL);
    return false;
}

/* Lives must follow one another.  Whether the oldest that is left is old enough, what it says and
 * what follows will show. */
static bool are_lives_whole(struct cc_journal *journal)
{
    struct cc_journal_scan *scan = &journal->scan;
    const struct cc_journal_file *first = cc_journal_oldest(journal);
    uint32_t oldest = first == NULL ? 1 : first->life;

    scan->refused_at = COPYCAT_NONE; /* in another file, it may be */
    for (uint32_t life = oldest; life <= scan->life_newest; life++) {
        if (cc_journal_file_of(journal, life) == NULL) {
            scan->file = claimant(journal, life);
            (void)refuse_head(
                journal, COPYCAT_ERR_DAMAGED,
                scan->file != NULL ? HEAD_DAMAGED : "a journal file is missing");
            return false;
        }
    }
    cc_list_each(node, &journal->files) {
        struct cc_journal_file *file = cc_container_of(node, struct cc_journal_file, node);

        if (file->claimed != 0 && !is_claim_right(journal, file, oldest)) {
            scan->file = file;
            (void)refuse_head(journal, COPYCAT_ERR_DAMAGED, HEAD_DAMAGED);
            return false;
        }
    }
    scan->life = oldest - 1;
    return true;
}

static void next_head(struct cc_journal *journal)
{
    struct cc_journal_scan *scan = &journal->scan;
    struct cc_list *next = scan->file == NULL ? journal->files.next : scan->file->node.next;

    if (next != &journal->files) {
        scan->file = cc_container_of(next, struct cc_journal_file, node);
        scan->refused_at = COPYCAT_NONE;
        journal->scan_request =
            (struct cc_disk_request){.name = scan->file->path, .exclusive = !CC_BUG(T058B)};
        cc_journal_disk(journal, &journal->scan_request, CC_DISK_OPEN, head_opened);
    } else if (may_begin(journal) && are_lives_whole(journal)) {
        cc_scan_next_life(journal);
    }
}

/* ---- the directory --------------------------------------------------------------------------- */

/* "journal-" and eight digits: anything else in the directory is not ours to touch. */
static void named(struct cc_disk_request *request, const char *name)
{
    struct cc_journal *journal = request->owner;
    size_t prefix = sizeof NAME_PREFIX - 1;
    struct cc_image_id image;
    uint32_t slot = 0;

    journal->scan.has_image = journal->scan.has_image || cc_image_name_decode(name, &image);
    if (strncmp(name, NAME_PREFIX, prefix) != 0 || strlen(name) != prefix + 8) {
        return;
    }
    for (const char *at = name + prefix; *at != '\0'; at++) {
        if (*at < '0' || *at > '9') {
            return;
        }
        slot = slot * 10 + (uint32_t)(*at - '0');
    }
    cc_journal_file_create(journal, slot)->is_named = true; /* once the names are synced */
}

static void names_synced(struct cc_disk_request *request)
{
    if (cc_scan_is_going_on(request, "cannot be synced")) {
        next_head(request->owner);
    }
}

/*
 * A file is made only when the one before has a durable name, only the last is ever removed, and that
 * is never in use: so a number that is left out was once a file, the newest, it may be, with what
 * was acknowledged last.
 */
static bool are_names_whole(struct cc_journal *journal)
{
    uint32_t count = 0;

    cc_list_each(node, &journal->files) {
        count++;
    }
    if (count + 1 == journal->slot_next || CC_BUG(T032)) {
        return true;
    }
    cc_journal_refuse(journal, COPYCAT_ERR_DAMAGED, "a journal file is missing", 0, NULL);
    return false;
}

/* A spare whose name is not durable yet would be as lost as its contents (T-054). */
static void listed(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;

    if (!cc_scan_is_going_on(request, "cannot be listed") || !are_names_whole(journal)) {
        return;
    }
    if (CC_BUG(T054)) {
        next_head(journal);
        return;
    }
    journal->scan_request = (struct cc_disk_request){.name = journal->directory};
    cc_journal_disk(journal, &journal->scan_request, CC_DISK_SYNC_DIR, names_synced);
}

static void locked(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;

    journal->is_locked = request->status == COPYCAT_OK;
    if (cc_scan_is_going_on(
            request, request->status == COPYCAT_ERR_LOCKED ? "another process uses this directory"
                                                           : "cannot be made or locked")) {
        journal->scan_request =
            (struct cc_disk_request){.name = journal->directory, .on_name = named};
        cc_journal_disk(journal, &journal->scan_request, CC_DISK_LIST, listed);
    }
}

void cc_journal_scan(struct cc_journal *journal)
{
    journal->scan_request = (struct cc_disk_request){.name = journal->directory};
    cc_journal_disk(journal, &journal->scan_request, CC_DISK_LOCK, locked);
}
