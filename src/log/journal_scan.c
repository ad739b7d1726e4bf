/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_scan -- recovery.
 *
 *     lock, list, sync the names
 *                -> for each file: open, sync, read its head   (what life is it of?)
 *                -> for each life: read it, batch by batch (what is in it?)
 *                -> a new file with the table of all that         (J4)
 *
 * Torn or damaged?  A batch that does not read is torn if its successor file does not vouch for it,
 * some of its sectors were never written, and nothing else was written behind it.  Then it is cut:
 * nobody was ever told of it.  Everything else is damage: cutting it could lose what was
 * acknowledged, so the server refuses to start and says where (J3, T-050).
 *
 * Files are large, so what is in memory of them is a window, or one batch where that is larger.
 */
#include "log/journal_internal.h"

#include <string.h>

#define HEAD_SIZE 65536u
#define HEAD_SIZE_MIN CC_JOURNAL_TABLE_SIZE_MAX
#define NAME_PREFIX "journal-"

static void next_head(struct cc_journal *journal);
static void next_life(struct cc_journal *journal);

/* ---- words for what is wrong ----------------------------------------------------------------- */

static void say(struct cc_writer *text, const char *words)
{
    cc_write_raw(text, words, strlen(words));
}

static void say_number(struct cc_writer *text, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    cc_write_raw(text, digits + at, sizeof digits - at);
}

static void refuse(
    struct cc_journal *journal,
    copycat_status status,
    const char *what,
    uint64_t offset,
    const struct cc_batch_header *header)
{
    struct cc_writer text;

    cc_writer_init_fixed(&text, journal->text, sizeof journal->text - 1);
    say(&text, journal->scan.file == NULL ? journal->directory : journal->scan.file->path);
    say(&text, ": ");
    say(&text, what);
    if (status == COPYCAT_ERR_DAMAGED) {
        say(&text, ", at offset ");
        say_number(&text, offset);
    }
    if (header != NULL) {
        say(&text, ", life ");
        say_number(&text, header->life);
        say(&text, ", batch ");
        say_number(&text, header->number);
    }
    if (header != NULL && header->last_index != 0) {
        say(&text, ", which ends with entry ");
        say_number(&text, header->last_index);
        say(&text, " of term ");
        say_number(&text, header->last_term);
    }
    journal->text[text.size] = '\0';
    cc_journal_fail(journal, status, journal->text);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void ask(
    struct cc_journal *journal,
    enum cc_disk_operation operation,
    void (*done)(struct cc_disk_request *request))
{
    cc_journal_disk(journal, &journal->scan_request, operation, done);
}

/* True if recovery may go on. */
static bool is_going_on(struct cc_disk_request *request, const char *what)
{
    struct cc_journal *journal = request->owner;

    journal->requests--;
    if (journal->is_closing) {
        cc_journal_go_on_closing(journal);
        return false;
    }
    if (request->status != COPYCAT_OK) {
        refuse(journal, request->status, what, 0, NULL);
        return false;
    }
    return true;
}

/* Whole blocks of the file at hand. */
static uint64_t whole_size(const struct cc_journal *journal)
{
    return journal->scan.file->size - journal->scan.file->size % CC_DISK_BLOCK;
}

/* The file's bytes from `offset` on, as many as are asked for and there are. */
static void read_window(
    struct cc_journal *journal,
    uint64_t offset,
    size_t size,
    void (*done)(struct cc_disk_request *request))
{
    struct cc_journal_scan *scan = &journal->scan;
    uint64_t left = whole_size(journal) - offset;

    if (size > scan->buffer_size) {
        cc_memory_give(journal->memory, scan->memory);
        scan->buffer = cc_journal_aligned(journal, size, &scan->memory);
        scan->buffer_size = size;
    }
    scan->at = offset;
    scan->used = size < left ? size : (size_t)left;
    journal->scan_request = (struct cc_disk_request){
        .file = scan->file->file, .data = scan->buffer, .offset = offset, .size = scan->used};
    ask(journal, CC_DISK_READ, done);
}

static size_t window_size(const struct cc_journal *journal)
{
    uint32_t size = journal->options.scan_size;

    return size < HEAD_SIZE_MIN ? HEAD_SIZE_MIN : size - size % CC_DISK_BLOCK;
}

/* ---- what lies where no batch reads ---------------------------------------------------------- */

static void head_judged(struct cc_journal *journal);
static void end_judged(struct cc_journal *journal);

static void judged(struct cc_journal *journal)
{
    if (journal->scan.life == 0) {
        head_judged(journal);
    } else {
        end_judged(journal);
    }
}

static void remains_read(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;
    struct cc_journal_scan *scan = &journal->scan;

    if (!is_going_on(request, "cannot be read")) {
        return;
    }
    cc_remains_take(&scan->judge, scan->buffer, scan->used);
    if (scan->judge.at == scan->judge.size) {
        judged(journal);
    } else {
        read_window(journal, scan->at + scan->used, window_size(journal), remains_read);
    }
}

/* From the batch that does not read to the end of the file; `header` is its own, if that does. */
static void judge_remains(struct cc_journal *journal, const struct cc_batch_header *header)
{
    struct cc_journal_scan *scan = &journal->scan;
    uint64_t size = whole_size(journal) - scan->offset;
    uint32_t life = scan->life == 0 && header != NULL ? header->life : scan->life;

    scan->has_header = header != NULL;
    if (header != NULL) {
        scan->header = *header;
    }
    cc_remains_begin(&scan->judge, size, life, scan->batches, header);
    if (size == 0) {
        judged(journal);
    } else {
        read_window(journal, scan->offset, window_size(journal), remains_read);
    }
}

static const struct cc_batch_header *judged_header(const struct cc_journal *journal)
{
    return journal->scan.has_header ? &journal->scan.header : NULL;
}

/* ---- first: what life is each file of? ------------------------------------------------------- */

static struct cc_journal_file *file_of_life(struct cc_journal *journal, uint32_t life)
{
    cc_list_each(node, &journal->files) {
        struct cc_journal_file *file = cc_container_of(node, struct cc_journal_file, node);

        if (file->life == life) {
            return file;
        }
    }
    return NULL;
}

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
    refuse(journal, status, what, 0, NULL);
    return HEAD_REFUSED;
}

static enum head take_table(struct cc_journal *journal, const struct cc_batch_header *header)
{
    struct cc_journal_scan *scan = &journal->scan;
    struct cc_journal_table table;

    if (!read_table(scan->buffer, header, &table) || table.prev_life != header->life - 1) {
        return refuse_head(journal, COPYCAT_ERR_DAMAGED, "the head of this file is damaged");
    }
    if (table.server != journal->options.server) {
        return refuse_head(
            journal, COPYCAT_ERR_FOREIGN, "this directory belongs to another server");
    }
    if (file_of_life(journal, header->life) != NULL) {
        return refuse_head(journal, COPYCAT_ERR_DAMAGED, "two files claim the same place");
    }
    if (scan->file->size / CC_DISK_BLOCK < table.blocks) {
        return refuse_head(journal, COPYCAT_ERR_DAMAGED, "this file has lost its end");
    }
    scan->file->life = header->life;
    scan->file->prev_batches = table.prev_batches;
    scan->life_newest = header->life > scan->life_newest ? header->life : scan->life_newest;
    return HEAD_READ;
}

static enum head judge_head(struct cc_journal *journal)
{
    struct cc_journal_scan *scan = &journal->scan;
    struct cc_batch_header header;

    if (cc_batch_is_zero(scan->buffer, CC_DISK_SECTOR)) {
        return HEAD_UNREAD;
    }
    switch (cc_batch_read_header(scan->buffer, &header)) {
    case CC_HEADER_NEWER:
        return refuse_head(journal, COPYCAT_ERR_NEWER, "written by a newer version of Copycat");
    case CC_HEADER_BAD:
        return refuse_head(journal, COPYCAT_ERR_DAMAGED, "the head of this file is damaged");
    case CC_HEADER_VALID:
        break;
    }
    if (header.number != 0 || (uint64_t)header.blocks * CC_DISK_BLOCK > scan->used) {
        return refuse_head(journal, COPYCAT_ERR_DAMAGED, "the head of this file is damaged");
    }
    return cc_batch_restore(scan->buffer, &header) ? take_table(journal, &header) : HEAD_UNREAD;
}

/* A file whose head does not read may be a spare, or hold a torn first batch, and nothing else. */
static void head_judged(struct cc_journal *journal)
{
    struct cc_journal_scan *scan = &journal->scan;

    switch (cc_remains_verdict(&scan->judge)) {
    case CC_REMAINS_NONE:
        scan->file->is_ready = scan->judge.size >= journal->options.file_size;
        break;
    case CC_REMAINS_INCOMPLETE:
        scan->file->claimed = scan->judge.life;
        break;
    case CC_REMAINS_WRONG:
        refuse(
            journal, COPYCAT_ERR_DAMAGED, "the head of this file is damaged", 0,
            judged_header(journal));
        return;
    }
    next_head(journal);
}

static void head_read(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;
    struct cc_batch_header header;
    bool has_header;

    if (!is_going_on(request, "cannot be read")) {
        return;
    }
    switch (judge_head(journal)) {
    case HEAD_READ:
        next_head(journal);
        break;
    case HEAD_UNREAD:
        has_header = cc_batch_read_header(journal->scan.buffer, &header) == CC_HEADER_VALID;
        judge_remains(journal, has_header ? &header : NULL);
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

    if (!is_going_on(request, "cannot be synced")) {
        return;
    }

    if (whole_size(journal) == 0) {
        next_head(journal); /* it was being made */
        return;
    }
    read_window(journal, 0, HEAD_SIZE, head_read);
}

static void head_opened(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;

    if (request->status == COPYCAT_OK) {
        journal->scan.file->file = request->file;
        journal->scan.file->size = request->size;
    }
    if (is_going_on(request, "cannot be opened")) {
        journal->scan_request = (struct cc_disk_request){.file = request->file};
        ask(journal, CC_DISK_SYNC, head_synced);
    }
}

/* Lives must follow one another from the first; a torn head may only be the one after the newest.
 */
static bool are_lives_whole(struct cc_journal *journal)
{
    struct cc_journal_scan *scan = &journal->scan;

    for (uint32_t life = 1; life <= scan->life_newest; life++) {
        if (file_of_life(journal, life) == NULL) {
            scan->file = NULL;
            refuse(journal, COPYCAT_ERR_DAMAGED, "a journal file is missing", 0, NULL);
            return false;
        }
    }
    cc_list_each(node, &journal->files) {
        struct cc_journal_file *file = cc_container_of(node, struct cc_journal_file, node);

        if (file->claimed != 0 && file->claimed != scan->life_newest + 1) {
            scan->file = file;
            refuse(journal, COPYCAT_ERR_DAMAGED, "the head of this file is damaged", 0, NULL);
            return false;
        }
    }
    return true;
}

static void next_head(struct cc_journal *journal)
{
    struct cc_journal_scan *scan = &journal->scan;
    struct cc_list *next = scan->file == NULL ? journal->files.next : scan->file->node.next;

    if (next != &journal->files) {
        scan->file = cc_container_of(next, struct cc_journal_file, node);
        journal->scan_request = (struct cc_disk_request){.name = scan->file->path};
        ask(journal, CC_DISK_OPEN, head_opened);
    } else if (are_lives_whole(journal)) {
        next_life(journal);
    }
}

/* ---- second: what is in each life? ----------------------------------------------------------- */

static bool replay_record(
    struct cc_journal *journal,
    const struct cc_record *record,
    const struct cc_batch_header *header,
    uint64_t offset,
    const uint8_t *batch)
{
    struct cc_journal_table *table = &journal->table;
    struct cc_journal_group *group = &table->groups[0];
    struct cc_truncate_record truncate;
    struct cc_state_record state;
    struct cc_entry entry;
    uint32_t size;
    struct cc_journal_place place = {
        header->life, (uint32_t)(offset / CC_DISK_BLOCK), header->blocks,
        (uint32_t)((const uint8_t *)record->payload.data - batch), 0};

    if (table->group_count == 0 && record->type != CC_RECORD_BASE) {
        table->groups[0] = (struct cc_journal_group){.first = 1};
        table->group_count = 1;
    }
    switch (record->type) {
    case CC_RECORD_ENTRY:
        if (cc_entry_decode(record->payload, &entry, &size) != COPYCAT_OK || entry.group != 0 ||
            entry.index != group->last + 1) {
            return false;
        }
        place.size = size;
        group->last = entry.index;
        journal->callbacks.on_entry(journal->owner, &entry, &place);
        return true;
    case CC_RECORD_TRUNCATE:
        if (!cc_truncate_record_decode(record->payload, &truncate) || truncate.group != 0 ||
            truncate.from > group->last + 1) {
            return false;
        }
        group->last = truncate.from - 1;
        journal->callbacks.on_truncate(journal->owner, 0, truncate.from);
        return true;
    case CC_RECORD_STATE:
        if (!cc_state_record_decode(record->payload, &state) || state.group != 0) {
            return false;
        }
        group->term = state.term;
        group->vote = state.vote;
        return true;
    case CC_RECORD_BASE:
        table->has_base = cc_base_record_decode(record->payload, &table->base);
        return table->has_base;
    default:
        return false;
    }
}

static bool replay_table(struct cc_journal *journal, const struct cc_record *record)
{
    struct cc_journal_table table;

    if (!cc_table_record_decode(record->payload, &table)) {
        return false;
    }
    if (journal->table.boot == 0) {
        memcpy(journal->table.incarnation, table.incarnation, CC_INCARNATION_SIZE);
        journal->tag = cc_load_u64(table.incarnation);
    }
    journal->table.boot = table.boot;
    journal->table.server = table.server;
    return memcmp(journal->table.incarnation, table.incarnation, CC_INCARNATION_SIZE) == 0 &&
           table.group_count == journal->table.group_count &&
           (table.group_count == 0 || table.groups[0].last == journal->table.groups[0].last);
}

static bool replay_batch(
    struct cc_journal *journal,
    const uint8_t *batch,
    const struct cc_batch_header *header,
    uint64_t offset)
{
    copycat_bytes records = {batch + cc_batch_records_at(header->blocks), header->records_size};
    struct cc_record record;
    size_t at = 0;

    while (at < records.size) {
        if (!cc_record_next(records, &at, &record)) {
            return false;
        }
        if (header->number == 0 ? !replay_table(journal, &record)
                                : !replay_record(journal, &record, header, offset, batch)) {
            return false;
        }
    }
    return true;
}

/* Batches of this life that its successor vouches for; UINT32_MAX: there is no successor. */
static uint32_t vouched(struct cc_journal *journal)
{
    const struct cc_journal_file *next = file_of_life(journal, journal->scan.life + 1);

    return next == NULL ? UINT32_MAX : next->prev_batches;
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
        refuse(journal, COPYCAT_ERR_DAMAGED, "damaged", scan->offset, judged_header(journal));
        return;
    }
    journal->counters.torn_tails += remains != CC_REMAINS_NONE;
    next_life(journal);
}

static bool take_batch(
    struct cc_journal *journal, const uint8_t *batch, const struct cc_batch_header *header)
{
    struct cc_journal_scan *scan = &journal->scan;

    if (journal->tag != 0 && header->tag != journal->tag) {
        refuse(journal, COPYCAT_ERR_FOREIGN, "holds a batch of another server", scan->offset, NULL);
        return false;
    }
    if (header->durable_life > header->life ||
        (header->durable_life == header->life && header->durable_number >= header->number) ||
        !replay_batch(journal, batch, header, scan->offset)) {
        refuse(journal, COPYCAT_ERR_DAMAGED, "records make no sense", scan->offset, header);
        return false;
    }
    scan->offset += (uint64_t)header->blocks * CC_DISK_BLOCK;
    scan->batches++;
    return true;
}

static void window_read(struct cc_disk_request *request);

/* The next batch of the window; true if one more may be there. */
static bool scan_batch(struct cc_journal *journal)
{
    struct cc_journal_scan *scan = &journal->scan;
    uint8_t *batch = scan->buffer + (scan->offset - scan->at);
    uint64_t in_window = scan->at + scan->used - scan->offset;
    uint64_t left = whole_size(journal) - scan->offset;
    struct cc_batch_header header;

    if (left >= CC_DISK_BLOCK && in_window < CC_DISK_BLOCK) {
        read_window(journal, scan->offset, window_size(journal), window_read);
        return false;
    }
    if (left < CC_DISK_BLOCK || cc_batch_read_header(batch, &header) != CC_HEADER_VALID ||
        header.life != scan->life || header.number != scan->batches) {
        judge_remains(journal, NULL);
        return false;
    }

    uint64_t size = (uint64_t)header.blocks * CC_DISK_BLOCK;

    if (size > in_window && size <= left) {
        read_window(
            journal, scan->offset,
            size > window_size(journal) ? (size_t)size : window_size(journal), window_read);
        return false;
    }
    if (size > left || !cc_batch_restore(batch, &header)) {
        judge_remains(journal, &header);
        return false;
    }
    return take_batch(journal, batch, &header);
}

static void window_read(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;
    bool is_more = is_going_on(request, "cannot be read");

    while (is_more) {
        if (journal->scan.batches >= vouched(journal)) {
            next_life(journal); /* what lies behind was cut before the successor was begun */
            return;
        }
        is_more = scan_batch(journal);
    }
}

/* ---- third: a new life ----------------------------------------------------------------------- */

static void finish(struct cc_journal *journal)
{
    struct cc_journal_scan *scan = &journal->scan;

    cc_memory_give(journal->memory, scan->memory);
    scan->memory = NULL;
    scan->buffer = NULL;
    if (journal->table.boot == 0) {
        cc_env_entropy(journal->env, journal->table.incarnation, CC_INCARNATION_SIZE);
        journal->tag = cc_load_u64(journal->table.incarnation);
    }
    journal->table.server = journal->options.server;
    journal->table.boot += CC_BUG(T015) && journal->table.boot > 0 ? 0 : 1;
    journal->table.prev_life = scan->life_newest;
    journal->number = scan->batches;
    journal->durable_life = scan->batches == 0 ? 0 : scan->life_newest;
    journal->durable_number = scan->batches == 0 ? 0 : scan->batches - 1;
    if (journal->table.group_count > 0) {
        const struct cc_journal_group *group = &journal->table.groups[0];

        journal->callbacks.on_state(journal->owner, group->group, group->term, group->vote);
    }
    cc_journal_begin(journal);
}

static void next_life(struct cc_journal *journal)
{
    struct cc_journal_scan *scan = &journal->scan;

    if (scan->life == scan->life_newest) {
        finish(journal);
        return;
    }
    scan->life++;
    scan->file = file_of_life(journal, scan->life);
    scan->offset = 0;
    scan->batches = 0;
    read_window(journal, 0, window_size(journal), window_read);
}

/* ---- the directory --------------------------------------------------------------------------- */

/* "journal-" and eight digits: anything else in the directory is not ours to touch. */
static void named(struct cc_disk_request *request, const char *name)
{
    struct cc_journal *journal = request->owner;
    size_t prefix = sizeof NAME_PREFIX - 1;
    uint32_t slot = 0;

    if (strncmp(name, NAME_PREFIX, prefix) != 0 || strlen(name) != prefix + 8) {
        return;
    }
    for (const char *at = name + prefix; *at != '\0'; at++) {
        if (*at < '0' || *at > '9') {
            return;
        }
        slot = slot * 10 + (uint32_t)(*at - '0');
    }
    (void)cc_journal_file_create(journal, slot);
}

static void names_synced(struct cc_disk_request *request)
{
    if (is_going_on(request, "cannot be synced")) {
        next_head(request->owner);
    }
}

/* A spare whose name is not durable yet would be as lost as its contents (T-054). */
static void listed(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;

    if (!is_going_on(request, "cannot be listed")) {
        return;
    }
    if (CC_BUG(T054)) {
        next_head(journal);
        return;
    }
    journal->scan_request = (struct cc_disk_request){.name = journal->directory};
    ask(journal, CC_DISK_SYNC_DIR, names_synced);
}

static void locked(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;

    journal->is_locked = request->status == COPYCAT_OK;
    if (is_going_on(
            request, request->status == COPYCAT_ERR_LOCKED ? "another process uses this directory"
                                                           : "cannot be made or locked")) {
        journal->scan_request =
            (struct cc_disk_request){.name = journal->directory, .on_name = named};
        ask(journal, CC_DISK_LIST, listed);
    }
}

void cc_journal_scan(struct cc_journal *journal)
{
    journal->scan_request = (struct cc_disk_request){.name = journal->directory};
    ask(journal, CC_DISK_LOCK, locked);
}
