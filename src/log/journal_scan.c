/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_scan -- recovery: each life is read, batch by batch; then the newest goes on, or a new one is
 * begun (J4).
 *
 * Torn or damaged?  A batch that does not read is torn if its successor file does not vouch for it,
 * some of its sectors were never written, and nothing else was written behind it.  Then it is cut:
 * nobody was ever told of it.  Everything else is damage, and cutting it could lose what was
 * acknowledged (J3, T-050).  What the batch did to the log is then taken from a summary: its own, if
 * its header reads, else the one that the batch behind it carries.  Without either the directory is
 * refused.
 */
#include "log/journal_internal.h"

/* ---- what lies where no batch reads ---------------------------------------------------------- */

static void end_judged(struct cc_journal *journal);

static void judged(struct cc_journal *journal)
{
    if (journal->scan.life == 0) {
        cc_scan_head_judged(journal);
    } else {
        end_judged(journal);
    }
}

static void remains_read(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;
    struct cc_journal_scan *scan = &journal->scan;

    if (!cc_scan_is_going_on(request, "cannot be read")) {
        return;
    }
    cc_scan_read_ahead(journal, scan->file, scan->here.at + scan->here.used);
    cc_remains_take(&scan->judge, scan->here.buffer, scan->here.used);
    if (scan->judge.at == scan->judge.size) {
        judged(journal);
    } else {
        cc_scan_read(
            journal, scan->here.at + scan->here.used, cc_scan_window(journal), remains_read);
    }
}

/* From the batch that does not read to the end of the file; `header` is its own, if that does. */
void cc_scan_judge(struct cc_journal *journal, const struct cc_batch_header *header)
{
    struct cc_journal_scan *scan = &journal->scan;
    uint64_t size = cc_scan_size(journal) - scan->offset;
    uint32_t life = scan->life == 0 && header != NULL ? header->life : scan->life;

    scan->has_header = header != NULL;
    if (header != NULL) {
        scan->header = *header;
    }
    cc_remains_begin(&scan->judge, size, life, scan->batches, header);
    if (size == 0) {
        judged(journal);
    } else {
        cc_scan_read(journal, scan->offset, cc_scan_window(journal), remains_read);
    }
}

const struct cc_batch_header *cc_scan_judged_header(const struct cc_journal *journal)
{
    return journal->scan.has_header ? &journal->scan.header : NULL;
}

/* ---- what is in each life? -------------------------------------------------------------------- */

/* The file after the one at hand, which may be one that was only begun; NULL: nothing is known. */
static const struct cc_journal_file *successor(const struct cc_journal *journal)
{
    uint32_t life = journal->scan.life + 1;
    const struct cc_journal_file *next = cc_journal_file_of(journal, life);

    cc_list_each(node, &journal->files) {
        const struct cc_journal_file *file =
            cc_container_of(node, const struct cc_journal_file, node);

        if (next == NULL && file->claimed == life && file->claimed_tag != 0 &&
            file->claimed_tag == journal->tag) {
            next = file;
        }
    }
    return next;
}

/* Batches of this life that its successor vouches for; UINT32_MAX: there is no successor. */
static uint32_t vouched(const struct cc_journal *journal)
{
    const struct cc_journal_file *next = successor(journal);

    return next == NULL ? UINT32_MAX : next->prev_batches;
}

/* ---- damage: what did the batch do? ----------------------------------------------------------- */

static void window_read(struct cc_disk_request *request);

static void refuse_damaged(struct cc_journal *journal)
{
    struct cc_journal_scan *scan = &journal->scan;

    scan->is_unreadable = cc_scan_is_refused(scan, scan->offset, UINT64_MAX);
    cc_journal_refuse(
        journal, COPYCAT_ERR_DAMAGED, "damaged", journal->scan.offset,
        cc_scan_judged_header(journal));
}

/* Behind the batch that was passed over. */
static void go_on(struct cc_journal *journal)
{
    struct cc_journal_scan *scan = &journal->scan;

    if (scan->batches >= vouched(journal)) {
        cc_scan_next_life(journal);
    } else if (scan->offset == cc_scan_size(journal)) {
        cc_scan_judge(journal, NULL);
    } else {
        cc_scan_read_batches(journal, scan->offset, cc_scan_window(journal), window_read);
    }
}

/* Nobody is told of more entries than a batch has room for, whatever its summary says (T-057). */
static bool has_room(const struct cc_batch_summary *summary, uint32_t blocks)
{
    uint64_t room = (uint64_t)blocks * CC_DISK_BLOCK / cc_record_size(CC_ENTRY_HEADER_SIZE);

    return summary->last < summary->touched || summary->last - summary->touched < room ||
           summary->touched == 0;
}

static void pass_over(
    struct cc_journal *journal, const struct cc_batch_summary *summary, uint32_t blocks)
{
    struct cc_journal_scan *scan = &journal->scan;
    uint64_t left = cc_scan_size(journal) - scan->offset;
    uint64_t size = (uint64_t)blocks * CC_DISK_BLOCK;

    if (blocks == 0 || size > left || !has_room(summary, blocks) ||
        !cc_scan_replay_summary(
            journal, summary, scan->offset, cc_scan_is_refused(scan, scan->offset, size))) {
        refuse_damaged(journal);
        return;
    }
    journal->counters.damaged++;
    scan->is_damaged = true;
    journal->header.summary = *summary;
    journal->header.blocks = blocks;
    scan->offset += size;
    scan->batches++;
    go_on(journal);
}

static void search(struct cc_journal *journal);

/* The batch behind the damaged one tells its place by its stamp, its number and its distance. */
static bool is_successor(const struct cc_journal *journal, const struct cc_batch_header *header)
{
    const struct cc_journal_scan *scan = &journal->scan;

    return header->life == scan->life && header->number == scan->batches + 1 &&
           header->tag == journal->tag &&
           (uint64_t)header->previous_blocks * CC_DISK_BLOCK == scan->search - scan->offset;
}

static void searched(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;
    struct cc_journal_scan *scan = &journal->scan;

    if (!cc_scan_is_going_on(request, "cannot be read")) {
        return;
    }
    for (size_t at = 0; at < scan->here.used; at += CC_DISK_BLOCK, scan->search += CC_DISK_BLOCK) {
        const uint8_t *batch = scan->here.buffer + at;
        struct cc_batch_header header;

        if (cc_batch_stamps_sector(batch, scan->life, scan->batches + 1) &&
            cc_batch_read_header(batch, &header) == CC_HEADER_VALID &&
            is_successor(journal, &header)) {
            pass_over(journal, &header.previous, header.previous_blocks);
            return;
        }
    }
    search(journal);
}

static void search(struct cc_journal *journal)
{
    struct cc_journal_scan *scan = &journal->scan;

    if (scan->search >= cc_scan_size(journal)) {
        refuse_damaged(journal);
    } else {
        cc_scan_read(journal, scan->search, cc_scan_window(journal), searched);
    }
}

/* Its own header knows, or the next file if it was the last of this one, or the batch behind. */
static void bridge(struct cc_journal *journal)
{
    struct cc_journal_scan *scan = &journal->scan;
    const struct cc_journal_file *next = successor(journal);
    const struct cc_batch_header *header = cc_scan_judged_header(journal);

    if (header != NULL && header->tag == journal->tag) {
        pass_over(journal, &scan->header.summary, scan->header.blocks);
    } else if (next != NULL && scan->batches + 1 == next->prev_batches) {
        pass_over(journal, &next->previous, next->previous_blocks);
    } else {
        scan->search = scan->offset + CC_DISK_BLOCK;
        search(journal);
    }
}

/* The end of a file: the end of its batches, or something that does not read. */
static void end_judged(struct cc_journal *journal)
{
    struct cc_journal_scan *scan = &journal->scan;
    enum cc_remains remains = cc_remains_verdict(&scan->judge);
    bool is_vouched = vouched(journal) != UINT32_MAX && scan->batches < vouched(journal);

    if (CC_BUG(T050)) {
        scan->life = scan->life_newest; /* whatever does not read is where the log ends */
    } else if (is_vouched || remains == CC_REMAINS_WRONG) {
        bridge(journal);
        return;
    }
    journal->counters.torn_tails += remains != CC_REMAINS_NONE;
    scan->is_clean = remains == CC_REMAINS_NONE && scan->judge.rot_block == 0 &&
                     !scan->is_damaged && scan->file->life == scan->life_newest;
    cc_scan_next_life(journal);
}

static bool take_batch(
    struct cc_journal *journal, const uint8_t *batch, const struct cc_batch_header *header)
{
    struct cc_journal_scan *scan = &journal->scan;

    if (journal->tag != 0 && header->tag != journal->tag) {
        cc_journal_refuse(
            journal, COPYCAT_ERR_FOREIGN, "holds a batch of another server", scan->offset, NULL);
        return false;
    }
    if (header->durable_life > header->life ||
        (header->durable_life == header->life && header->durable_number >= header->number) ||
        !cc_scan_replay(journal, batch, header, scan->offset)) {
        scan->is_unreadable = false; /* all of it was read */
        cc_journal_refuse(
            journal, COPYCAT_ERR_DAMAGED, "records make no sense", scan->offset, header);
        return false;
    }
    journal->header = *header;
    scan->offset += (uint64_t)header->blocks * CC_DISK_BLOCK;
    scan->batches++;
    return true;
}

/* It was found whole when the window was read. */
static bool is_checked(const struct cc_journal_scan *scan)
{
    return scan->offset < scan->here.at + scan->here.checked;
}

/* The next batch of the window; true if one more may be there. */
static bool scan_batch(struct cc_journal *journal)
{
    struct cc_journal_scan *scan = &journal->scan;
    uint8_t *batch = scan->here.buffer + (scan->offset - scan->here.at);
    uint64_t in_window = scan->here.at + scan->here.used - scan->offset;
    uint64_t left = cc_scan_size(journal) - scan->offset;
    struct cc_batch_header header;

    if (left >= CC_DISK_BLOCK && in_window < CC_DISK_BLOCK) {
        cc_scan_read_batches(journal, scan->offset, cc_scan_window(journal), window_read);
        return false;
    }
    if (left < CC_DISK_BLOCK || cc_batch_read_header(batch, &header) != CC_HEADER_VALID ||
        ((header.life != scan->life || header.number != scan->batches) && !CC_BUG(T059))) {
        cc_scan_judge(journal, NULL);
        return false;
    }

    uint64_t size = (uint64_t)header.blocks * CC_DISK_BLOCK;

    if (size > in_window && size <= left) {
        cc_scan_read_batches(
            journal, scan->offset,
            size > cc_scan_window(journal) ? (size_t)size : cc_scan_window(journal), window_read);
        return false;
    }
    if (size > left || (!is_checked(scan) && !cc_batch_restore(batch, &header))) {
        cc_scan_judge(journal, &header);
        return false;
    }
    return take_batch(journal, batch, &header);
}

/* The next window begins where this one ends with a part of a batch, or with the next file: when the
 * batches of this one are all that the next vouches for. */
static void read_ahead(struct cc_journal *journal)
{
    const struct cc_journal_scan *scan = &journal->scan;
    const struct cc_journal_file *next = cc_journal_file_of(journal, scan->life + 1);

    if (next != NULL && scan->batches + scan->here.batches >= next->prev_batches) {
        cc_scan_read_ahead(journal, next, 0);
    } else if (scan->here.is_cut && scan->here.checked > 0) {
        cc_scan_read_ahead(journal, scan->file, scan->here.at + scan->here.checked);
    }
}

static void window_read(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;
    bool is_more = cc_scan_is_going_on(request, "cannot be read");

    if (is_more) {
        read_ahead(journal);
    }
    while (is_more) {
        if (journal->scan.batches >= vouched(journal)) {
            /* What lies behind was cut before the successor was begun. */
            cc_scan_next_life(journal);
            return;
        }
        is_more = scan_batch(journal);
    }
}

/* ---- a new life ------------------------------------------------------------------------------- */

/* Each start would leave a file behind, which an image alone frees, if it began another.  So it goes on
 * in the newest, if that is as it was left: zeros where nothing was begun.  Anything else there is
 * left as it is: what was torn bears the stamps that a batch in its place would have. */
bool cc_scan_may_go_on(const struct cc_journal *journal)
{
    const struct cc_journal_scan *scan = &journal->scan;

    return scan->is_clean && scan->batches > 0 &&
           cc_scan_size(journal) - scan->offset >= CC_DISK_BLOCK;
}

static void finish(struct cc_journal *journal)
{
    struct cc_journal_scan *scan = &journal->scan;
    const struct cc_journal_group *group = &journal->table.groups[0];

    scan->refused_at = COPYCAT_NONE; /* in whichever file it was */
    if (scan->is_base_lost && !journal->table.has_base) {
        cc_journal_refuse(
            journal, COPYCAT_ERR_DAMAGED, "the record of the cluster's founding is damaged", 0,
            NULL);
        return;
    }
    if (group->first > group->base.index + 1) { /* J5 */
        scan->file = scan->left;
        cc_journal_refuse(
            journal, COPYCAT_ERR_DAMAGED,
            scan->left != NULL ? "the head of this file is damaged"
                               : "a journal file is missing, with entries that no image covers",
            scan->left != NULL ? 0 : COPYCAT_NONE, NULL);
        return;
    }
    cc_scan_release_windows(journal);
    if (journal->table.boot == 0) {
        cc_env_entropy(journal->env, journal->table.incarnation, CC_INCARNATION_SIZE);
        journal->tag = cc_load_u64(journal->table.incarnation);
    }
    journal->switched = group->base.index;
    journal->table.server = journal->options.server;
    journal->table.boot += CC_BUG(T015) && journal->table.boot > 0 ? 0 : 1;
    journal->table.prev_life = scan->life_newest;
    journal->number = scan->batches;
    journal->durable_life = scan->batches == 0 ? 0 : scan->life_newest;
    journal->durable_number = scan->batches == 0 ? 0 : scan->batches - 1;
    if (journal->table.group_count > 0) {
        journal->callbacks.on_state(journal->owner, group->group, group->term, group->vote);
    }
    cc_journal_begin(journal);
}

void cc_scan_next_life(struct cc_journal *journal)
{
    struct cc_journal_scan *scan = &journal->scan;

    if (scan->life == scan->life_newest) {
        cc_scan_end(journal, finish);
        return;
    }
    scan->life++;
    scan->file = cc_journal_file_of(journal, scan->life);
    scan->offset = 0;
    scan->batches = 0;
    scan->is_damaged = false;
    scan->refused_at = COPYCAT_NONE;
    cc_scan_read_batches(journal, 0, cc_scan_window(journal), window_read);
}
