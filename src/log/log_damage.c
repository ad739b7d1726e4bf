/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_damage -- entries that cannot be read: those that recovery has found, and those whose batch is
 * found damaged while the server runs.
 */
#include "log/log_internal.h"

#include <string.h>

/* ---- ranges ---------------------------------------------------------------------------------- */

void cc_log_note_damage(struct cc_log *log, uint32_t at, struct cc_log_damage damage)
{
    if (log->damage_count == log->damage_capacity) {
        log->damage_capacity = log->damage_capacity == 0 ? 4 : log->damage_capacity * 2;
        log->damages =
            cc_memory_grow(log->memory, log->damages, log->damage_capacity * sizeof *log->damages);
    }
    memmove(
        log->damages + at + 1, log->damages + at, (log->damage_count - at) * sizeof *log->damages);
    log->damages[at] = damage;
    log->damage_count++;
}

void cc_log_drop_damage(struct cc_log *log, uint64_t from)
{
    while (log->damage_count > 0 && log->damages[log->damage_count - 1].first >= from) {
        log->damage_count--;
    }
    if (log->damage_count > 0 && log->damages[log->damage_count - 1].last >= from) {
        log->damages[log->damage_count - 1].last = from - 1;
    }
}

void cc_log_forget_damage(struct cc_log *log, uint64_t through)
{
    uint32_t gone = 0;

    while (gone < log->damage_count && log->damages[gone].last <= through) {
        gone++;
    }
    if (gone > 0) {
        log->damage_count -= gone;
        memmove(log->damages, log->damages + gone, log->damage_count * sizeof *log->damages);
    }
    if (log->damage_count > 0 && log->damages[0].first <= through) {
        log->damages[0].first = through + 1;
    }
}

static uint32_t damage_of(const struct cc_log *log, uint64_t index)
{
    for (uint32_t i = 0; i < log->damage_count; i++) {
        if (index >= log->damages[i].first && index <= log->damages[i].last) {
            return i;
        }
    }
    return UINT32_MAX;
}

void cc_log_mend(struct cc_log *log, uint64_t index)
{
    uint32_t at = damage_of(log, index);
    struct cc_log_damage rest;

    if (at == UINT32_MAX) {
        return;
    }
    rest = log->damages[at];
    rest.first = index + 1;
    log->damages[at].last = index - 1;
    if (log->damages[at].last < log->damages[at].first) {
        log->damage_count--;
        memmove(
            log->damages + at, log->damages + at + 1,
            (log->damage_count - at) * sizeof *log->damages);
        at--;
    }
    if (rest.first <= rest.last) {
        cc_log_note_damage(log, at + 1, rest);
    }
}

const struct cc_log_damage *cc_log_damage(const struct cc_log *log)
{
    return log->damage_count == 0 ? NULL : &log->damages[0];
}

bool cc_log_is_damaged(const struct cc_log *log, uint64_t index)
{
    return log->damage_count > 0 && damage_of(log, index) != UINT32_MAX;
}

/* ---- a batch that was read before, and does not read any more ---------------------------------- */

/* The block is what the log holds at this index, by its own checksums. */
static bool is_whole(const struct cc_log *log, const struct cc_block *block, uint64_t index)
{
    struct cc_entry entry;
    uint32_t size;

    return cc_entry_decode((copycat_bytes){block->data, block->size}, &entry, &size) ==
               COPYCAT_OK &&
           size == block->size && entry.group == log->group && entry.index == index &&
           entry.term == cc_log_term(log, index);
}

/* Ranges ascend; an entry that continues the one before it, of the same batch, joins that. */
static void note_lost(
    struct cc_log *log, uint64_t index, const struct cc_journal_place *place, bool is_refused)
{
    uint64_t offset = (uint64_t)place->batch_block * CC_DISK_BLOCK;
    uint32_t at = 0;

    while (at < log->damage_count && log->damages[at].first < index) {
        at++;
    }
    if (at > 0 && log->damages[at - 1].last + 1 == index &&
        log->damages[at - 1].file == place->file && log->damages[at - 1].offset == offset) {
        log->damages[at - 1].last = index;
    } else {
        cc_log_note_damage(
            log, at, (struct cc_log_damage){index, index, place->file, offset, is_refused});
    }
}

static bool is_in_batch(const struct cc_log_slot *slot, const struct cc_journal_place *batch)
{
    return slot->place.file == batch->file && slot->place.batch_block == batch->batch_block;
}

struct cc_log_loss cc_log_lose(
    struct cc_log *log, const struct cc_journal_place *batch, copycat_status status)
{
    struct cc_log_loss loss = {0};

    CC_ASSERT(batch->file != 0);
    for (uint64_t index = log->first; index <= log->last; index++) {
        struct cc_log_slot *slot = cc_log_slot(log, index);

        if (!is_in_batch(slot, batch)) {
            continue;
        }
        slot->place = (struct cc_journal_place){0};
        loss.first = loss.first == 0 ? index : loss.first;
        if (slot->block != NULL && is_whole(log, slot->block, index)) {
            log->oldest = log->oldest < index ? log->oldest : index; /* L2 */
            cc_journal_repair(log->journal, slot->block);
            loss.rewritten++;
            continue;
        }
        cc_log_drop_block(log, slot);
        note_lost(log, index, batch, status == COPYCAT_ERR_IO);
        loss.lost++;
    }
    return loss;
}
