/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_replay -- recovery, what a batch says: its records, or its summary where it does not read.
 */
#include "log/journal_internal.h"

#include <string.h>

/* The log may have begun behind entries that are dropped, and others took their place. */
static void cut(struct cc_journal *journal, uint64_t from)
{
    struct cc_journal_group *group = &journal->table.groups[0];

    group->first = group->first < from ? group->first : from;
    cc_journal_cut(journal, from);
}

/* One record: the image is another, and the log is what goes with it. */
static bool replay_switch(
    struct cc_journal *journal, const struct cc_journal_base *image, bool keep_tail)
{
    struct cc_journal_group *group = &journal->table.groups[0];

    if (image->index < group->base.index || (keep_tail && image->index > group->last)) {
        return false;
    }
    keep_tail = keep_tail || CC_BUG(T042);
    group->base = *image;
    if (!keep_tail) {
        cc_journal_cut(journal, 1);
        group->last = image->index;
        group->first = image->index + 1;
    }
    return journal->callbacks.on_switch(journal->owner, 0, image, keep_tail);
}

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
    struct cc_switch_record switched;
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
        cc_journal_extend(journal->scan.file, entry.index);
        journal->callbacks.on_entry(journal->owner, &entry, &place);
        return true;
    case CC_RECORD_REPAIR:
        if (cc_entry_decode(record->payload, &entry, &size) != COPYCAT_OK || entry.group != 0 ||
            entry.index > group->last) {
            return false;
        }
        place.size = size;
        cc_journal_extend(journal->scan.file, entry.index);
        return journal->callbacks.on_repair(journal->owner, &entry, &place);
    case CC_RECORD_TRUNCATE:
        if (!cc_truncate_record_decode(record->payload, &truncate) || truncate.group != 0 ||
            truncate.from > group->last + 1 || truncate.from <= group->base.index) {
            return false;
        }
        cut(journal, truncate.from);
        group->last = truncate.from - 1;
        journal->callbacks.on_truncate(journal->owner, 0, truncate.from);
        return true;
    case CC_RECORD_SWITCH:
        return header->summary.is_switch && cc_switch_record_decode(record->payload, &switched) &&
               switched.group == 0 && replay_switch(journal, &switched.image, switched.keep_tail);
    case CC_RECORD_STATE:
        if (!cc_state_record_decode(record->payload, &state) || state.group != 0) {
            return false;
        }
        group->term = state.term;
        group->vote = state.vote;
        return true;
    case CC_RECORD_BASE:
        journal->scan.is_base_lost = false;
        table->has_base = cc_base_record_decode(record->payload, &table->base);
        return table->has_base;
    default:
        return false;
    }
}

/* What a table says of a group is what the files before it have come to. */
static bool are_alike(const struct cc_journal_group *left, const struct cc_journal_group *right)
{
    return left->last == right->last && left->term == right->term && left->vote == right->vote &&
           left->base.index == right->base.index && left->base.term == right->base.term &&
           left->base.time_us == right->base.time_us && left->base.size == right->base.size &&
           left->base.checksum == right->base.checksum;
}

/* The files before this one were given up: the log begins behind them. */
static void begin_group(struct cc_journal *journal, const struct cc_journal_group *group)
{
    journal->table.groups[0] = *group;
    journal->table.groups[0].first = group->last + 1;
    journal->table.group_count = 1;
    if (group->last > 0) {
        journal->callbacks.on_forgotten(journal->owner, 0, group->last + 1);
    }
    if (group->base.index > 0) {
        (void)journal->callbacks.on_switch(journal->owner, 0, &group->base, true);
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
    if (journal->table.boot == 0 && table.prev_life != 0 && table.group_count > 0) {
        begin_group(journal, &table.groups[0]);
    }
    if (table.has_base && !journal->table.has_base) {
        journal->table.has_base = true;
        journal->table.base = table.base;
    }
    journal->table.boot = table.boot;
    journal->table.server = table.server;
    return memcmp(journal->table.incarnation, table.incarnation, CC_INCARNATION_SIZE) == 0 &&
           table.group_count == journal->table.group_count &&
           (table.group_count == 0 || are_alike(&table.groups[0], &journal->table.groups[0]));
}

/* A start that went on in this file: nothing else is in its batch, of which the summary says so. */
static bool replay_boot(struct cc_journal *journal, copycat_bytes records)
{
    struct cc_record record;
    uint64_t boot;
    size_t at = 0;

    if (!cc_record_next(records, &at, &record) || at != records.size ||
        record.type != CC_RECORD_BOOT || !cc_boot_record_decode(record.payload, &boot) ||
        (boot != journal->table.boot + 1 && !CC_BUG(T015))) {
        return false;
    }
    journal->table.boot = boot;
    return true;
}

bool cc_scan_replay(
    struct cc_journal *journal,
    const uint8_t *batch,
    const struct cc_batch_header *header,
    uint64_t offset)
{
    copycat_bytes records = {batch + cc_batch_records_at(header->blocks), header->records_size};
    struct cc_record record;
    size_t at = 0;

    if (header->summary.is_boot) {
        return header->number != 0 && replay_boot(journal, records);
    }
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

bool cc_scan_replay_summary(
    struct cc_journal *journal,
    const struct cc_batch_summary *summary,
    uint64_t offset,
    bool is_refused)
{
    struct cc_journal_table *table = &journal->table;
    struct cc_journal_group *group = &table->groups[0];
    uint64_t last = table->group_count == 0 ? 0 : group->last;
    struct cc_journal_damage damage = {
        .first = summary->touched,
        .last = summary->last,
        .runs = summary->runs,
        .run_count = summary->run_count,
        .file = journal->scan.life,
        .offset = offset,
        .is_refused = is_refused,
    };

    if (!cc_summary_follows(summary, last)) {
        return false;
    }
    journal->scan.is_base_lost = journal->scan.is_base_lost || summary->has_base;
    table->boot += summary->is_boot; /* a counter is never used twice (T-015) */
    if (!summary->has_group) {
        return table->group_count == 0;
    }
    if (table->group_count == 0) {
        *group = (struct cc_journal_group){.first = 1};
        table->group_count = 1;
    }
    if (summary->term < group->term) {
        return false;
    }
    group->term = summary->term;
    group->vote = summary->vote;
    if (summary->is_switch) {
        return replay_switch(journal, &summary->image, summary->keep_tail);
    }
    group->last = summary->last;
    if (summary->touched != 0 && summary->touched <= last) {
        cut(journal, summary->touched);
        journal->callbacks.on_truncate(journal->owner, 0, summary->touched);
    }
    if (summary->run_count > 0) {
        cc_journal_extend(journal->scan.file, summary->last);
        journal->callbacks.on_damage(journal->owner, &damage);
    }
    return true;
}
