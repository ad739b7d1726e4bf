/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log -- see log.h: the table of entries.
 */
#include "base/bug.h"
#include "log/log_internal.h"

#include <string.h>

#define CAPACITY_MIN 256u

/* L2: what has no place yet, and what is wanted soon, stays; behind damage nothing is wanted soon. */
static void evict(struct cc_task *task)
{
    struct cc_log *log = task->owner;

    while (log->cache_bytes > log->cache_bytes_max && log->oldest <= log->last && !CC_BUG(T105) &&
           (log->oldest <= log->keep || log->damage_count > 0)) {
        struct cc_log_slot *slot = cc_log_slot(log, log->oldest);

        if (slot->place.file == 0 && !cc_log_is_damaged(log, log->oldest)) {
            break;
        }
        cc_log_drop_block(log, slot);
        log->oldest++;
    }
}

void cc_log_evict_later(struct cc_log *log)
{
    if (log->cache_bytes > log->cache_bytes_max) {
        cc_env_later(log->env, &log->evict);
    }
}

struct cc_log *cc_log_create(struct cc_env *env, uint32_t group, uint64_t cache_bytes_max)
{
    struct cc_log *log = cc_memory_take(env->memory, sizeof *log);

    log->env = env;
    log->memory = env->memory;
    log->group = group;
    log->cache_bytes_max = cache_bytes_max;
    log->first = 1;
    log->oldest = 1;
    log->evict = (struct cc_task){.run = evict, .owner = log};
    cc_list_init(&log->loads);
    return log;
}

void cc_log_destroy(struct cc_log *log)
{
    if (log == NULL) {
        return;
    }
    cc_log_end_loads(log);
    cc_env_task_cancel(log->env, &log->evict);
    for (uint64_t index = log->first; index <= log->last; index++) {
        cc_block_release(cc_log_slot(log, index)->block);
    }
    cc_memory_give(log->memory, log->slots);
    cc_memory_give(log->memory, log->runs);
    cc_memory_give(log->memory, log->damages);
    cc_memory_give(log->memory, log);
}

void cc_log_attach(struct cc_log *log, struct cc_journal *journal)
{
    log->journal = journal;
}

/* ---- the table ------------------------------------------------------------------------------- */

static uint64_t live(const struct cc_log *log)
{
    return log->last + 1 - log->first;
}

/* Encoded bytes of all entries through this one, which may be the one before the first. */
static uint64_t end_of(const struct cc_log *log, uint64_t index)
{
    return index < log->first ? log->end_before : cc_log_slot(log, index)->end;
}

static void note_run(struct cc_log *log, uint64_t index, uint64_t term)
{
    if (log->run_count > 0 && log->runs[log->run_count - 1].term == term) {
        return;
    }
    if (log->run_count == log->run_capacity) {
        log->run_capacity = log->run_capacity == 0 ? 16 : log->run_capacity * 2;
        log->runs = cc_memory_grow(log->memory, log->runs, log->run_capacity * sizeof *log->runs);
    }
    log->runs[log->run_count++] = (struct cc_raft_run){index, term};
}

struct cc_log_slot *cc_log_add(struct cc_log *log, uint64_t term, uint32_t size)
{
    uint64_t before = end_of(log, log->last);

    if (log->head + live(log) == log->capacity) {
        log->capacity = log->capacity == 0 ? CAPACITY_MIN : log->capacity * 2;
        log->slots = cc_memory_grow(log->memory, log->slots, log->capacity * sizeof *log->slots);
    }
    log->last++;

    struct cc_log_slot *slot = cc_log_slot(log, log->last);

    *slot = (struct cc_log_slot){.end = before + size};
    note_run(log, log->last, term);
    return slot;
}

void cc_log_drop_block(struct cc_log *log, struct cc_log_slot *slot)
{
    if (slot->block != NULL) {
        log->cache_bytes -= slot->block->size;
        cc_block_release(slot->block);
        slot->block = NULL;
    }
}

void cc_log_drop(struct cc_log *log, uint64_t from)
{
    CC_ASSERT(from >= log->first);
    while (log->last >= from) {
        cc_log_drop_block(log, cc_log_slot(log, log->last));
        log->last--;
    }
    while (log->run_count > 0 && log->runs[log->run_count - 1].first >= from) {
        log->run_count--;
    }
    log->oldest = log->oldest <= log->last + 1 ? log->oldest : log->last + 1;
    cc_log_drop_damage(log, from);
}

/* What is left moves to the front when it is no more than what is gone, and memory that is mostly
 * empty is given back: each entry forgotten pays for one that is moved. */
static void compact(struct cc_log *log)
{
    uint64_t capacity = log->capacity;

    if (log->head < live(log)) {
        return;
    }
    if (live(log) > 0) {
        memmove(log->slots, log->slots + log->head, live(log) * sizeof *log->slots);
    }
    log->head = 0;
    while (capacity > CAPACITY_MIN && live(log) < capacity / 4) {
        capacity /= 2;
    }
    if (capacity < log->capacity) {
        log->slots = cc_memory_grow(log->memory, log->slots, capacity * sizeof *log->slots);
        log->capacity = capacity;
    }
}

/* The run that `through` is in stays: it says the term of what is before the first entry. */
static void forget_runs(struct cc_log *log, uint64_t through)
{
    uint32_t gone = 0;

    while (gone + 1 < log->run_count && log->runs[gone + 1].first <= through) {
        gone++;
    }
    if (gone > 0) {
        log->run_count -= gone;
        memmove(log->runs, log->runs + gone, log->run_count * sizeof *log->runs);
    }
}

void cc_log_forget(struct cc_log *log, uint64_t through)
{
    CC_ASSERT(through <= log->last);
    if (through < log->first) {
        return;
    }
    log->end_before = end_of(log, through);
    for (uint64_t index = log->first; index <= through; index++) {
        cc_log_drop_block(log, cc_log_slot(log, index));
    }
    log->head += through + 1 - log->first;
    log->first = through + 1;
    log->oldest = log->oldest < log->first ? log->first : log->oldest;
    forget_runs(log, through);
    cc_log_forget_damage(log, through);
    compact(log);
    CC_ASSERT(cc_log_term(log, through) != 0);
}

void cc_log_reset(struct cc_log *log, uint64_t index, uint64_t term, uint64_t time_us)
{
    CC_ASSERT(index > 0 && term > 0);
    log->end_before = end_of(log, log->last);
    cc_log_drop(log, log->first);
    log->head = 0;
    compact(log);
    log->first = index + 1;
    log->last = index;
    log->oldest = log->first;
    log->run_count = 0;
    note_run(log, index, term);
    log->last_time_us = log->last_time_us > time_us ? log->last_time_us : time_us;
}

/* ---- asked for ------------------------------------------------------------------------------- */

uint64_t cc_log_first(const struct cc_log *log)
{
    return log->first;
}

uint64_t cc_log_last(const struct cc_log *log)
{
    return log->last;
}

const struct cc_raft_run *cc_log_runs(const struct cc_log *log, uint32_t *count_out)
{
    *count_out = log->run_count;
    return log->runs;
}

uint64_t cc_log_term(const struct cc_log *log, uint64_t index)
{
    uint32_t low = 0;
    uint32_t high = log->run_count;

    if (index + 1 < log->first || index > log->last || high == 0 || index < log->runs[0].first) {
        return 0;
    }
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (log->runs[middle].first <= index) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return log->runs[low].term;
}

uint64_t cc_log_last_time_us(const struct cc_log *log)
{
    return log->last_time_us;
}

uint64_t cc_log_bytes_above(const struct cc_log *log, uint64_t index)
{
    return end_of(log, log->last) - end_of(log, index < log->last ? index : log->last);
}

struct cc_block *cc_log_peek(const struct cc_log *log, uint64_t index)
{
    return index < log->first || index > log->last ? NULL : cc_log_slot(log, index)->block;
}

bool cc_log_place(const struct cc_log *log, uint64_t index, struct cc_journal_place *place_out)
{
    *place_out = cc_log_slot(log, index)->place;
    return place_out->file != 0;
}

/* ---- changed --------------------------------------------------------------------------------- */

void cc_log_append(struct cc_log *log, struct cc_block *block)
{
    struct cc_entry entry = cc_entry_of(block);
    struct cc_log_slot *slot;

    CC_ASSERT(entry.index == log->last + 1); /* L1 */
    slot = cc_log_add(log, entry.term, block->size);
    slot->block = cc_block_acquire(block);
    log->last_time_us = entry.time_us;
    log->cache_bytes += block->size;
    cc_journal_entry(log->journal, block);
    cc_log_evict_later(log);
}

void cc_log_repair(struct cc_log *log, struct cc_block *block)
{
    struct cc_entry entry = cc_entry_of(block);
    struct cc_log_slot *slot = cc_log_slot(log, entry.index);

    CC_ASSERT(cc_log_is_damaged(log, entry.index));
    CC_ASSERT(cc_log_term(log, entry.index) == entry.term);
    cc_log_mend(log, entry.index);
    slot->block = cc_block_acquire(block);
    log->cache_bytes += block->size;
    log->oldest = log->oldest < entry.index ? log->oldest : entry.index;
    log->last_time_us = log->last_time_us > entry.time_us ? log->last_time_us : entry.time_us;
    cc_journal_repair(log->journal, block);
    cc_log_evict_later(log);
}

void cc_log_truncate(struct cc_log *log, uint64_t from)
{
    cc_log_drop(log, from);
    cc_journal_truncate(log->journal, log->group, from);
}

/* An entry may have been truncated, and its index taken by another, since it was written: then the
 * place of the later one comes after this. */
void cc_log_placed(struct cc_log *log, uint64_t index, const struct cc_journal_place *place)
{
    if (index >= log->first && index <= log->last) {
        cc_log_slot(log, index)->place = *place;
        cc_log_evict_later(log); /* it may have been applied before */
    }
}

void cc_log_keep(struct cc_log *log, uint64_t index)
{
    log->keep = index > log->keep ? index : log->keep;
    cc_log_evict_later(log);
}
