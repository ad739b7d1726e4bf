/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_adopt -- what a batch means: for its own summary, while it gathers, and for the tables of
 * files to come, once it is durable.
 */
#include "log/journal_internal.h"

static struct cc_switch_record switch_of(const struct cc_journal_item *item)
{
    struct cc_switch_record record;
    bool is_read =
        cc_switch_record_decode((copycat_bytes){item->block->data, item->block->size}, &record);

    CC_ASSERT(is_read);
    return record;
}

uint64_t cc_journal_dropped_from(const struct cc_journal_item *item)
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

void cc_journal_note(struct cc_batch_summary *summary, const struct cc_journal_item *item)
{
    struct cc_entry entry;

    switch (item->type) {
    case CC_RECORD_ENTRY:
        entry = cc_entry_of(item->block);
        CC_ASSERT(entry.group < CC_JOURNAL_GROUPS_MAX);
        cc_summary_append(summary, entry.index, entry.term);
        break;
    case CC_RECORD_TRUNCATE:
        cc_summary_truncate(summary, cc_journal_dropped_from(item));
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

struct cc_batch_summary cc_journal_summary_begin(const struct cc_journal *journal)
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

void cc_journal_adopt_summary(struct cc_journal *journal, const struct cc_batch_summary *summary)
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
    } else if (cc_journal_dropped_from(item) != UINT64_MAX) {
        cc_journal_cut(journal, cc_journal_dropped_from(item));
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

void cc_journal_adopt_record(struct cc_journal *journal, const struct cc_journal_item *item)
{
    adopt_extent(journal, item);
    adopt_base(journal, item);
}
