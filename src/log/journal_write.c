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

/* ---- what a batch means for the tables of files to come --------------------------------------- */

static struct cc_switch_record switch_of(const struct cc_journal_item *item)
{
    struct cc_switch_record record;
    bool is_read =
        cc_switch_record_decode((copycat_bytes){item->block->data, item->block->size}, &record);

    CC_ASSERT(is_read);
    return record;
}

/* The first entry that a record drops; UINT64_MAX: it drops none. */
static uint64_t dropped_from(const struct cc_journal_item *item)
{
    struct cc_truncate_record record;
    bool is_read;

    if (item->type == CC_RECORD_SWITCH) {
        return switch_of(item).keep_tail ? UINT64_MAX : 1;
    }
    if (item->type != CC_RECORD_TRUNCATE) {
        return UINT64_MAX;
    }
    is_read =
        cc_truncate_record_decode((copycat_bytes){item->block->data, item->block->size}, &record);
    CC_ASSERT(is_read);
    return record.from;
}

static void note_switch(struct cc_batch_summary *summary, const struct cc_journal_item *item)
{
    struct cc_switch_record record = switch_of(item);

    CC_ASSERT(!record.keep_tail || record.image.index <= summary->last);
    cc_summary_switch(summary, &record.image, record.keep_tail);
}

static void note_state(struct cc_batch_summary *summary, const struct cc_journal_item *item)
{
    struct cc_state_record state;
    bool is_read =
        cc_state_record_decode((copycat_bytes){item->block->data, item->block->size}, &state);

    CC_ASSERT(is_read && state.group < CC_JOURNAL_GROUPS_MAX);
    summary->term = state.term;
    summary->vote = state.vote;
}

/* The summary of the batch at hand, record by record. */
static void note_record(struct cc_batch_summary *summary, const struct cc_journal_item *item)
{
    struct cc_entry entry;

    switch (item->type) {
    case CC_RECORD_ENTRY:
        entry = cc_entry_of(item->block);
        CC_ASSERT(entry.group < CC_JOURNAL_GROUPS_MAX);
        cc_summary_append(summary, entry.index, entry.term);
        break;
    case CC_RECORD_TRUNCATE:
        cc_summary_truncate(summary, dropped_from(item));
        break;
    case CC_RECORD_SWITCH:
        note_switch(summary, item);
        break;
    case CC_RECORD_STATE:
        note_state(summary, item);
        break;
    case CC_RECORD_BASE:
        summary->has_base = true;
        return; /* it is the server's, not a group's */
    default:
        break;
    }
    summary->has_group = true;
}

/* The state as of all batches so far: one is in flight at most, and it has been noted. */
static struct cc_batch_summary begin_summary(const struct cc_journal *journal)
{
    const struct cc_journal_group *group = &journal->table.groups[0];

    if (journal->table.group_count == 0) {
        return (struct cc_batch_summary){0};
    }
    return (struct cc_batch_summary){
        .group = group->group,
        .vote = group->vote,
        .term = group->term,
        .last = group->last,
        .has_group = true,
    };
}

static void adopt_summary(struct cc_journal *journal, const struct cc_batch_summary *summary)
{
    struct cc_journal_group *group = &journal->table.groups[0];

    if (!summary->has_group) {
        return;
    }
    if (journal->table.group_count == 0) {
        *group = (struct cc_journal_group){.group = summary->group, .first = 1};
        journal->table.group_count = 1;
    }
    group->term = summary->term;
    group->vote = summary->vote;
    group->last = summary->last;
    if (summary->is_switch) {
        group->base = summary->image;
        group->first = summary->keep_tail ? group->first : group->last + 1;
    }
}

/* Which entries lie in the file of the batch, and which in no file any more. */
static void adopt_extent(struct cc_journal *journal, const struct cc_journal_item *item)
{
    if (item->type == CC_RECORD_ENTRY || item->type == CC_RECORD_REPAIR) {
        cc_journal_extend(journal->current, cc_entry_of(item->block).index);
    } else if (dropped_from(item) != UINT64_MAX) {
        cc_journal_cut(journal, dropped_from(item));
    }
}

static void adopt_base(struct cc_journal *journal, const struct cc_journal_item *item)
{
    if (item->type == CC_RECORD_BASE) {
        journal->table.has_base = cc_base_record_decode(
            (copycat_bytes){item->block->data, item->block->size}, &journal->table.base);
        CC_ASSERT(journal->table.has_base);
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

            from = dropped_from(item) < from ? dropped_from(item) : from;
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
            from = dropped_from(item) < from ? dropped_from(item) : from;
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
        adopt_extent(journal, cc_container_of(node, struct cc_journal_item, node));
        adopt_base(journal, cc_container_of(node, struct cc_journal_item, node));
    }
    journal->vouched = journal->table.groups[0].base.index; /* by an earlier batch, and by this */
    adopt_summary(journal, &journal->header.summary);
    tell_places(journal);

    uint64_t bytes = journal->writing_bytes;

    cc_journal_drop_items(journal, &journal->writing);
    journal->writing_bytes = 0;
    journal->needs_seal = bytes > 0;
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
        if (journal->phase == CC_JOURNAL_RECOVERING) {
            journal->phase = CC_JOURNAL_OPEN;
            journal->callbacks.on_open(journal->owner, COPYCAT_OK, "");
        }
        cc_journal_make_spare(journal);
    } else {
        finish_batch(journal);
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
    journal->header = (struct cc_batch_header){
        .life = file->life,
        .blocks = blocks,
        .records_size = size,
        .tag = journal->tag,
        .durable_life = journal->durable_life,
        .durable_number = journal->durable_number,
        .previous_blocks = journal->header.blocks,
        .summary = begin_summary(journal),
        .previous = journal->header.summary,
    };
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

        note_record(&with_it, item);
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
    struct cc_batch_summary summary = begin_summary(journal);
    uint32_t size = is_seal ? 0 : choose(journal, &end, &summary);
    uint32_t blocks = cc_batch_blocks(size);

    if (!have_file(journal, blocks)) {
        return;
    }
    cc_env_timer_disarm(journal->env, &journal->seal);
    reserve(journal, (size_t)blocks * CC_DISK_BLOCK);
    journal->header = (struct cc_batch_header){
        .life = journal->current->life,
        .number = journal->number,
        .blocks = blocks,
        .records_size = size,
        .tag = journal->tag,
        .durable_life = journal->durable_life,
        .durable_number = journal->durable_number,
        .previous_blocks = journal->header.blocks,
        .summary = summary,
        .previous = journal->header.summary,
    };
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
