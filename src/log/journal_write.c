/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_write -- batches.  While one durable write is in flight, records gather; its completion
 * starts the next.  No timer is involved, except that an idle journal seals its last batch, so that
 * damage to that one can be told from a torn write.
 */
#include "log/journal_internal.h"

#include <string.h>

void cc_journal_drop_items(struct cc_journal *journal, struct cc_list *items)
{
    cc_list_each_safe(node, following, items) {
        struct cc_journal_item *item = cc_container_of(node, struct cc_journal_item, node);

        cc_list_remove(&item->node);
        cc_block_release(item->block);
        cc_memory_give(journal->memory, item);
    }
}

static void reserve(struct cc_journal *journal, size_t size)
{
    if (size > journal->batch_capacity) {
        cc_memory_give(journal->memory, journal->batch_memory);
        journal->batch = cc_journal_aligned(journal, size, &journal->batch_memory);
        journal->batch_capacity = size;
    }
}

/* ---- completion ------------------------------------------------------------------------------ */

static void tell_place(
    struct cc_journal *journal, const struct cc_journal_item *item, const struct cc_entry *entry)
{
    struct cc_journal_place place = {
        .file = journal->header.life,
        .batch_block = (uint32_t)(journal->position / CC_DISK_BLOCK) - journal->header.blocks,
        .batch_blocks = journal->header.blocks,
        .offset = item->offset,
        .size = item->block->size,
    };

    journal->callbacks.on_placed(journal->owner, entry->group, entry->index, &place);
}

/*
 * From the newest to the oldest, so that an entry truncated since is passed over: its index may be
 * another entry's by now, which must not get this place.
 */
static void tell_places(struct cc_journal *journal)
{
    uint64_t from = UINT64_MAX;

    if (journal->drops > 0) {
        cc_list_each(node, &journal->pending) {
            const struct cc_journal_item *item =
                cc_container_of(node, struct cc_journal_item, node);

            from = cc_journal_dropped_from(item) < from ? cc_journal_dropped_from(item) : from;
        }
    }
    for (struct cc_list *node = journal->writing.prev; node != &journal->writing;
         node = node->prev) {
        const struct cc_journal_item *item = cc_container_of(node, struct cc_journal_item, node);

        if (item->type == CC_RECORD_ENTRY || item->type == CC_RECORD_REPAIR) {
            struct cc_entry entry = cc_entry_of(item->block);

            if (entry.index < from) {
                tell_place(journal, item, &entry);
            }
        } else if (item->type == CC_RECORD_TRUNCATE || item->type == CC_RECORD_SWITCH) {
            from = cc_journal_dropped_from(item) < from ? cc_journal_dropped_from(item) : from;
            journal->drops--;
        }
    }
}

/* The batch is durable: its entries have places, and whoever waits for its records may go on. */
static void finish_batch(struct cc_journal *journal)
{
    journal->durable_life = journal->header.life;
    journal->durable_number = journal->header.number;
    cc_list_each(node, &journal->writing) {
        cc_journal_adopt_record(journal, cc_container_of(node, struct cc_journal_item, node));
    }
    journal->vouched = journal->table.groups[0].base.index; /* by an earlier batch, and by this */
    cc_journal_adopt_summary(journal, &journal->header.summary);
    tell_places(journal);

    uint64_t bytes = journal->writing_bytes;

    cc_journal_drop_items(journal, &journal->writing);
    journal->writing_bytes = 0;
    journal->needs_seal = bytes > 0;
}

/* A file is there to write into. */
static void begun(struct cc_journal *journal)
{
    if (journal->phase == CC_JOURNAL_RECOVERING) {
        journal->phase = CC_JOURNAL_OPEN;
        journal->callbacks.on_open(journal->owner, COPYCAT_OK, "");
    }
    cc_journal_make_spare(journal);
}

static void start_batch(struct cc_journal *journal, bool is_seal);

static void written(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;
    uint64_t mark = CC_BUG(T018) ? journal->added : journal->writing_mark;

    journal->requests--;
    if (journal->is_closing) {
        cc_journal_go_on_closing(journal);
        return;
    }
    if (request->status != COPYCAT_OK && CC_BUG(T053)) {
        /* The second sync says OK: the pages of the first count as clean. */
        journal->write_request = (struct cc_disk_request){.file = journal->current->file};
        cc_journal_disk(journal, &journal->write_request, CC_DISK_SYNC, written);
        return;
    }
    journal->is_writing = false;
    if (journal->trouble != COPYCAT_OK) {
        return; /* something else has failed: nothing is promised any more */
    }
    if (request->status != COPYCAT_OK) {
        cc_journal_fail(
            journal, COPYCAT_ERR_IO,
            "a write to the journal failed; the server stops, for nobody knows what is on the "
            "disk");
        return;
    }
    journal->counters.writes++;
    if (journal->is_table) {
        journal->is_table = false;
        journal->durable_life = journal->header.life;
        journal->durable_number = journal->header.number;
        journal->vouched = journal->table.groups[0].base.index;
        journal->counters.files++;
        begun(journal);
    } else {
        finish_batch(journal);
        if (journal->phase == CC_JOURNAL_RECOVERING) {
            begun(journal);
        }
    }
    journal->callbacks.on_durable(journal->owner, mark);
    cc_journal_flush(journal);
    if (!journal->is_writing && !journal->is_closing && journal->needs_seal &&
        journal->phase == CC_JOURNAL_OPEN) {
        cc_env_timer_arm(
            journal->env, &journal->seal,
            cc_env_now_us(journal->env) + journal->options.seal_delay_us);
    }
    cc_journal_reuse(journal);
}

static void submit(struct cc_journal *journal)
{
    uint64_t size = (uint64_t)journal->header.blocks * CC_DISK_BLOCK;

    cc_batch_seal(journal->batch, &journal->header);
    journal->write_request = (struct cc_disk_request){
        .durable = true,
        .file = journal->current->file,
        .data = journal->batch,
        .offset = journal->position,
        .size = (size_t)size,
    };
    journal->position += size;
    journal->number++;
    journal->is_writing = true;
    journal->writing_since_us = cc_env_now_us(journal->env);
    journal->counters.bytes += size;
    cc_journal_disk(journal, &journal->write_request, CC_DISK_WRITE, written);
}

/* Behind the last there was, with nothing in its summary yet. */
static struct cc_batch_header header_of_next(
    const struct cc_journal *journal, uint32_t blocks, uint32_t records_size)
{
    return (struct cc_batch_header){
        .life = journal->current->life,
        .number = journal->number,
        .blocks = blocks,
        .records_size = records_size,
        .tag = journal->tag,
        .durable_life = journal->durable_life,
        .durable_number = journal->durable_number,
        .previous_blocks = journal->header.blocks,
        .summary = cc_journal_summary_begin(journal),
        .previous = journal->header.summary,
    };
}

/* ---- a file's first batch -------------------------------------------------------------------- */

void cc_journal_write_table(struct cc_journal *journal, struct cc_journal_file *file)
{
    uint8_t payload[CC_JOURNAL_TABLE_SIZE_MAX];
    struct cc_writer writer;

    journal->table.blocks = (uint32_t)(file->size / CC_DISK_BLOCK);
    journal->table.prev_batches = journal->number;
    journal->table.prev_life =
        journal->current == NULL ? journal->table.prev_life : journal->current->life;
    cc_writer_init_fixed(&writer, payload, sizeof payload);
    if (CC_BUG(T040)) {
        journal->table.groups[0].term = 0;
        journal->table.groups[0].vote = 0;
    }
    cc_table_record_encode(&writer, &journal->table);
    CC_ASSERT(!writer.failed);

    uint32_t size = cc_record_size((uint32_t)writer.size);
    uint32_t blocks = cc_batch_blocks(size);

    CC_ASSERT((uint64_t)blocks * CC_DISK_BLOCK <= CC_JOURNAL_TABLE_SIZE_MAX);
    reserve(journal, (size_t)blocks * CC_DISK_BLOCK);
    memset(journal->batch, 0, (size_t)blocks * CC_DISK_BLOCK);
    (void)cc_record_write(
        journal->batch + cc_batch_records_at(blocks), CC_RECORD_TABLE,
        (copycat_bytes){payload, writer.size});
    file->life = journal->table.prev_life + 1;
    file->is_ready = false;
    journal->current = file;
    journal->number = 0;
    journal->position = 0;
    journal->is_table = true;
    journal->header = header_of_next(journal, blocks, size);
    submit(journal);
}

/* ---- a start that goes on -------------------------------------------------------------------- */

void cc_journal_write_boot(struct cc_journal *journal)
{
    uint8_t payload[CC_BOOT_RECORD_SIZE];
    struct cc_writer writer;
    uint32_t size = cc_record_size(CC_BOOT_RECORD_SIZE);

    cc_writer_init_fixed(&writer, payload, sizeof payload);
    cc_boot_record_encode(&writer, journal->table.boot);
    CC_ASSERT(!writer.failed && cc_batch_blocks(size) == 1);
    reserve(journal, CC_DISK_BLOCK);
    memset(journal->batch, 0, CC_DISK_BLOCK);
    (void)cc_record_write(
        journal->batch + cc_batch_records_at(1), CC_RECORD_BOOT,
        (copycat_bytes){payload, writer.size});
    journal->current = journal->scan.file;
    journal->position = journal->scan.offset;
    journal->header = header_of_next(journal, 1, size);
    journal->header.summary.is_boot = true;
    journal->writing_bytes = size; /* it is sealed, like all that says something */
    submit(journal);
}

/* ---- batches --------------------------------------------------------------------------------- */

/* The records of the next batch: how many bytes, which is the last item, and what they come to.  A
 * batch ends before it has more runs of terms than its summary could say, and a switch to an image
 * is alone in its batch: then the summary has room for it. */
static uint32_t choose(
    struct cc_journal *journal, const struct cc_list **end_out, struct cc_batch_summary *summary)
{
    uint32_t size = 0;

    *end_out = journal->pending.next;
    cc_list_each(node, &journal->pending) {
        const struct cc_journal_item *item = cc_container_of(node, struct cc_journal_item, node);
        uint32_t record = cc_record_size(item->block->size);
        struct cc_batch_summary with_it = *summary;

        cc_journal_note(&with_it, item);
        if (size > 0 && (size + record > journal->options.batch_size_max || with_it.is_switch ||
                         with_it.run_count == CC_SUMMARY_RUNS_UNKNOWN)) {
            break;
        }
        *summary = with_it;
        size += record;
        *end_out = node->next;
    }
    return size;
}

/* True if the batch fits in the current file; else a new file is begun, or waited for. */
static bool have_file(struct cc_journal *journal, uint32_t blocks)
{
    uint64_t size = (uint64_t)blocks * CC_DISK_BLOCK;
    struct cc_journal_file *spare;

    if (journal->position + size <= journal->current->size) {
        return true;
    }
    journal->size_needed = size + CC_JOURNAL_TABLE_SIZE_MAX;
    spare = cc_journal_spare(journal, journal->size_needed);
    if (spare != NULL) {
        journal->size_needed = 0;
        cc_journal_write_table(journal, spare);
    } else {
        cc_journal_make_spare(journal);
    }
    return false;
}

static void fill(struct cc_journal *journal, const struct cc_list *end, uint32_t blocks)
{
    uint8_t *records = journal->batch + cc_batch_records_at(blocks);
    uint32_t at = 0;

    while (journal->pending.next != end) {
        struct cc_list *node = journal->pending.next;
        struct cc_journal_item *item = cc_container_of(node, struct cc_journal_item, node);

        item->offset = cc_batch_records_at(blocks) + at + CC_RECORD_HEADER_SIZE;
        at += cc_record_write(
            records + at, item->type, (copycat_bytes){item->block->data, item->block->size});
        cc_list_remove(node);
        cc_list_append(&journal->writing, node);
        journal->writing_mark++;
        journal->counters.records++;
    }
    memset(records + at, 0, (size_t)blocks * CC_DISK_BLOCK - cc_batch_records_at(blocks) - at);
    CC_ASSERT(at == journal->header.records_size);
}

static void start_batch(struct cc_journal *journal, bool is_seal)
{
    const struct cc_list *end = &journal->pending;
    struct cc_batch_summary summary = cc_journal_summary_begin(journal);
    uint32_t size = is_seal ? 0 : choose(journal, &end, &summary);
    uint32_t blocks = cc_batch_blocks(size);

    if (!have_file(journal, blocks)) {
        return;
    }
    cc_env_timer_disarm(journal->env, &journal->seal);
    reserve(journal, (size_t)blocks * CC_DISK_BLOCK);
    journal->header = header_of_next(journal, blocks, size);
    journal->header.summary = summary;
    fill(journal, is_seal ? journal->pending.next : end, blocks);
    journal->writing_bytes = size;
    journal->pending_bytes -= size;
    submit(journal);
}

void cc_journal_flush(struct cc_journal *journal)
{
    if (journal->phase == CC_JOURNAL_OPEN && journal->trouble == COPYCAT_OK &&
        !journal->is_writing && !journal->is_closing && !cc_list_is_empty(&journal->pending)) {
        start_batch(journal, false);
    }
}

/* Fired when nothing was written for a while: the last batch is now known to be durable. */
static void seal(struct cc_timer *timer)
{
    struct cc_journal *journal = timer->owner;

    if (journal->phase == CC_JOURNAL_OPEN && !journal->is_writing && !journal->is_closing &&
        journal->needs_seal && cc_list_is_empty(&journal->pending)) {
        start_batch(journal, true);
        if (!journal->is_writing) { /* a file is being made for it */
            cc_env_timer_arm(
                journal->env, timer, cc_env_now_us(journal->env) + journal->options.seal_delay_us);
        }
    }
}

void cc_journal_seal_init(struct cc_journal *journal)
{
    journal->seal = (struct cc_timer){.fire = seal, .owner = journal};
}
