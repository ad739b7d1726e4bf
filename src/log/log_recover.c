/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_recover -- the table of entries as recovery finds it.
 */
#include "log/log_internal.h"

#include <string.h>

void cc_log_recover_entry(
    struct cc_log *log, const struct cc_entry *entry, const struct cc_journal_place *place)
{
    if (entry->group == log->group) {
        CC_ASSERT(entry->index == log->last + 1); /* L1 */
        cc_log_add(log, entry->term, place->size)->place = *place;
        log->last_time_us = entry->time_us;
        log->oldest = log->last + 1;
    }
}

/* The term of what is before the first entry is learnt from the image that ends there. */
static void learn_term(struct cc_log *log)
{
    const struct cc_journal_base *base = &log->base;

    if (log->run_count > 0 && log->runs[0].term == base->term) {
        log->runs[0].first = base->index;
        return;
    }
    if (log->run_count == log->run_capacity) {
        log->run_capacity = log->run_capacity == 0 ? 16 : log->run_capacity * 2;
        log->runs = cc_memory_grow(log->memory, log->runs, log->run_capacity * sizeof *log->runs);
    }
    memmove(log->runs + 1, log->runs, log->run_count * sizeof *log->runs);
    log->runs[0] = (struct cc_raft_run){base->index, base->term};
    log->run_count++;
}

void cc_log_recover_truncate(struct cc_log *log, uint64_t from)
{
    if (from < log->first) {
        /* What was forgotten is dropped: how the log goes on is known, but behind which term only
         * if an image ends there. */
        cc_log_drop(log, log->first);
        log->first = from;
        log->last = from - 1;
        log->head = 0;
        log->run_count = 0;
        if (from > 1 && log->base.index + 1 == from) {
            learn_term(log);
        }
    }
    cc_log_drop(log, from);
    log->oldest = log->last + 1;
}

void cc_log_recover_forgotten(struct cc_log *log, uint64_t first)
{
    CC_ASSERT(log->last == 0 && first > 1);
    log->first = first;
    log->last = first - 1;
    log->oldest = first;
}

void cc_log_recover_damage(struct cc_log *log, const struct cc_journal_damage *damage)
{
    uint32_t run = 0;

    if (damage->group != log->group) {
        return;
    }
    CC_ASSERT(damage->first == log->last + 1); /* L1 */
    for (uint64_t index = damage->first; index <= damage->last; index++) {
        while (run + 1 < damage->run_count && damage->runs[run + 1].first <= index) {
            run++;
        }
        (void)cc_log_add(log, damage->runs[run].term, 0);
    }
    cc_log_note_damage(
        log, log->damage_count,
        (struct cc_log_damage){
            damage->first, damage->last, damage->file, damage->offset, damage->is_refused});
    log->oldest = log->last + 1;
}

bool cc_log_recover_repair(
    struct cc_log *log, const struct cc_entry *entry, const struct cc_journal_place *place)
{
    if (entry->group != log->group || entry->index < log->first) {
        return true;
    }
    if (cc_log_term(log, entry->index) != entry->term) {
        return false;
    }
    cc_log_slot(log, entry->index)->place = *place;
    cc_log_mend(log, entry->index);
    log->last_time_us = log->last_time_us > entry->time_us ? log->last_time_us : entry->time_us;
    return true;
}

/* Nobody needs what an image covers: damage among it, and all before that, is forgotten. */
static void forget_covered_damage(struct cc_log *log, uint64_t through)
{
    while (log->damage_count > 0 && log->damages[0].first <= through) {
        uint64_t last = log->damages[0].last;

        cc_log_forget(log, last < through ? last : through);
    }
}

bool cc_log_recover_switch(struct cc_log *log, const struct cc_journal_base *base, bool keep_tail)
{
    uint64_t term;

    log->base = *base;
    if (!keep_tail) {
        cc_log_reset(log, base->index, base->term, base->time_us);
        return true;
    }
    CC_ASSERT(base->index <= log->last);
    term = cc_log_term(log, base->index);
    if (term != 0 && term != base->term) {
        return false;
    }
    if (log->first > 1 && cc_log_term(log, log->first - 1) == 0) {
        if (base->index + 1 == log->first) {
            learn_term(log);
        } else if (base->index >= log->first) {
            cc_log_forget(log, log->first);
        }
    }
    forget_covered_damage(log, base->index);
    log->last_time_us = log->last_time_us > base->time_us ? log->last_time_us : base->time_us;
    return true;
}
