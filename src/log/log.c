/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log -- see log.h.
 */
#include "log/log.h"

#include "base/assert.h"

#include <string.h>

/* One entry: where it lies on disk (file 0: nowhere yet), and its block while it is in memory. */
struct slot {
    struct cc_block *block;
    struct cc_journal_place place;
    uint64_t end; /* encoded bytes of all entries through this one */
};

struct cc_log {
    struct cc_env *env;
    const struct cc_memory *memory;
    uint32_t group;
    struct cc_journal *journal;
    uint64_t cache_bytes_max;
    uint64_t cache_bytes;
    struct slot *slots; /* of entries [1, last] */
    uint64_t last;
    uint64_t capacity;
    uint64_t keep;   /* entries above stay in memory */
    uint64_t oldest; /* nothing below is in memory, except what was loaded */
    uint64_t last_time_us;
    struct cc_raft_run *runs;
    uint32_t run_count;
    uint32_t run_capacity;
    struct cc_log_damage *damages; /* ascending */
    uint32_t damage_count;
    uint32_t damage_capacity;
    struct cc_list loads; /* under way */
    struct cc_task evict;
};

static struct slot *slot_of(const struct cc_log *log, uint64_t index)
{
    CC_ASSERT(index > 0 && index <= log->last);
    return &log->slots[index - 1];
}

/* L2: what has no place yet, and what is wanted soon, stays; behind damage nothing is wanted soon. */
static void evict(struct cc_task *task)
{
    struct cc_log *log = task->owner;

    while (log->cache_bytes > log->cache_bytes_max && log->oldest <= log->last &&
           (log->oldest <= log->keep || log->damage_count > 0)) {
        struct slot *slot = slot_of(log, log->oldest);

        if (slot->place.file == 0 && !cc_log_is_damaged(log, log->oldest)) {
            break;
        }
        if (slot->block != NULL) {
            log->cache_bytes -= slot->block->size;
            cc_block_release(slot->block);
            slot->block = NULL;
        }
        log->oldest++;
    }
}

static void evict_later(struct cc_log *log)
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
    log->oldest = 1;
    log->evict = (struct cc_task){.run = evict, .owner = log};
    cc_list_init(&log->loads);
    return log;
}

/* A read of the journal outlives the log that asked for it, so it has memory of its own. */
struct cc_log_pending {
    struct cc_journal_read read;
    const struct cc_memory *memory;
    struct cc_log *log;
    struct cc_log_load *load; /* NULL: the log is gone, and its owner was told */
};

/* A load under way is told CLOSED now, while its owner still stands; its read goes nowhere. */
static void end_loads(struct cc_log *log)
{
    cc_list_each_safe(node, following, &log->loads) {
        struct cc_log_load *load = cc_container_of(node, struct cc_log_load, node);

        cc_list_remove(&load->node);
        load->pending->load = NULL;
        load->status = COPYCAT_ERR_CLOSED;
        load->done(load);
    }
}

void cc_log_destroy(struct cc_log *log)
{
    if (log == NULL) {
        return;
    }
    end_loads(log);
    cc_env_task_cancel(log->env, &log->evict);
    for (uint64_t index = 1; index <= log->last; index++) {
        cc_block_release(slot_of(log, index)->block);
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

static struct slot *add_slot(struct cc_log *log, uint64_t term, uint32_t size)
{
    uint64_t before = log->last == 0 ? 0 : slot_of(log, log->last)->end;

    if (log->last == log->capacity) {
        log->capacity = log->capacity == 0 ? 256 : log->capacity * 2;
        log->slots = cc_memory_grow(log->memory, log->slots, log->capacity * sizeof *log->slots);
    }
    log->last++;

    struct slot *slot = slot_of(log, log->last);

    *slot = (struct slot){.end = before + size};
    note_run(log, log->last, term);
    return slot;
}

static struct slot *add(struct cc_log *log, const struct cc_entry *entry, uint32_t size)
{
    CC_ASSERT(entry->index == log->last + 1); /* L1 */
    log->last_time_us = entry->time_us;
    return add_slot(log, entry->term, size);
}

/* ---- damage ---------------------------------------------------------------------------------- */

static void note_damage(struct cc_log *log, uint32_t at, struct cc_log_damage damage)
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

static void drop_damage(struct cc_log *log, uint64_t from)
{
    while (log->damage_count > 0 && log->damages[log->damage_count - 1].first >= from) {
        log->damage_count--;
    }
    if (log->damage_count > 0 && log->damages[log->damage_count - 1].last >= from) {
        log->damages[log->damage_count - 1].last = from - 1;
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

static void mend(struct cc_log *log, uint64_t index)
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
        note_damage(log, at + 1, rest);
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

static void drop(struct cc_log *log, uint64_t from)
{
    CC_ASSERT(from > 0);
    while (log->last >= from) {
        struct slot *slot = slot_of(log, log->last);

        if (slot->block != NULL) {
            log->cache_bytes -= slot->block->size;
            cc_block_release(slot->block);
        }
        log->last--;
    }
    while (log->run_count > 0 && log->runs[log->run_count - 1].first >= from) {
        log->run_count--;
    }
    log->oldest = log->oldest <= log->last + 1 ? log->oldest : log->last + 1;
    drop_damage(log, from);
}

void cc_log_recover_entry(
    struct cc_log *log, const struct cc_entry *entry, const struct cc_journal_place *place)
{
    if (entry->group == log->group) {
        add(log, entry, place->size)->place = *place;
        log->oldest = log->last + 1;
    }
}

void cc_log_recover_truncate(struct cc_log *log, uint64_t from)
{
    drop(log, from);
    log->oldest = log->last + 1;
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
        (void)add_slot(log, damage->runs[run].term, 0);
    }
    note_damage(
        log, log->damage_count,
        (struct cc_log_damage){damage->first, damage->last, damage->file, damage->offset});
    log->oldest = log->last + 1;
}

bool cc_log_recover_repair(
    struct cc_log *log, const struct cc_entry *entry, const struct cc_journal_place *place)
{
    if (entry->group != log->group) {
        return true;
    }
    if (cc_log_term(log, entry->index) != entry->term) {
        return false;
    }
    slot_of(log, entry->index)->place = *place;
    mend(log, entry->index);
    log->last_time_us = log->last_time_us > entry->time_us ? log->last_time_us : entry->time_us;
    return true;
}

uint64_t cc_log_first(const struct cc_log *log)
{
    (void)log;
    return 1;
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

    if (index == 0 || index > log->last) {
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

void cc_log_append(struct cc_log *log, struct cc_block *block)
{
    struct cc_entry entry = cc_entry_of(block);
    struct slot *slot = add(log, &entry, block->size);

    slot->block = cc_block_acquire(block);
    log->cache_bytes += block->size;
    cc_journal_entry(log->journal, block);
    evict_later(log);
}

void cc_log_repair(struct cc_log *log, struct cc_block *block)
{
    struct cc_entry entry = cc_entry_of(block);
    struct slot *slot = slot_of(log, entry.index);

    CC_ASSERT(cc_log_is_damaged(log, entry.index));
    CC_ASSERT(cc_log_term(log, entry.index) == entry.term);
    mend(log, entry.index);
    slot->block = cc_block_acquire(block);
    log->cache_bytes += block->size;
    log->oldest = log->oldest < entry.index ? log->oldest : entry.index;
    log->last_time_us = log->last_time_us > entry.time_us ? log->last_time_us : entry.time_us;
    cc_journal_repair(log->journal, block);
    evict_later(log);
}

void cc_log_truncate(struct cc_log *log, uint64_t from)
{
    drop(log, from);
    cc_journal_truncate(log->journal, log->group, from);
}

/* An entry may have been truncated, and its index taken by another, since it was written: then the
 * place of the later one comes after this. */
void cc_log_placed(struct cc_log *log, uint64_t index, const struct cc_journal_place *place)
{
    if (index <= log->last) {
        slot_of(log, index)->place = *place;
    }
}

void cc_log_keep(struct cc_log *log, uint64_t index)
{
    log->keep = index > log->keep ? index : log->keep;
    evict_later(log);
}

uint64_t cc_log_bytes_above(const struct cc_log *log, uint64_t index)
{
    uint64_t all = log->last == 0 ? 0 : slot_of(log, log->last)->end;
    uint64_t below =
        index == 0 || log->last == 0 ? 0 : slot_of(log, index < log->last ? index : log->last)->end;

    return all - below;
}

struct cc_block *cc_log_peek(const struct cc_log *log, uint64_t index)
{
    return index == 0 || index > log->last ? NULL : slot_of(log, index)->block;
}

/* ---- what comes back from disk --------------------------------------------------------------- */

/* Every entry of the batch that the log still has there comes back with the one that was asked for.
 */
static copycat_status take_batch(
    struct cc_log *log, const struct cc_log_load *load, const struct cc_journal_read *read)
{
    for (uint64_t index = load->index; index <= log->last; index++) {
        struct slot *slot = slot_of(log, index);
        struct cc_entry entry;

        if (slot->place.file != read->place.file ||
            slot->place.batch_block != read->place.batch_block) {
            break;
        }
        if (slot->block != NULL) {
            continue;
        }
        if (cc_journal_read_entry(read, &slot->place, &entry) != COPYCAT_OK ||
            entry.index != index) {
            return COPYCAT_ERR_DAMAGED;
        }
        slot->block = cc_entry_copy(log->memory, &entry);
        log->cache_bytes += slot->block->size;
    }
    log->oldest = log->oldest < load->index ? log->oldest : load->index;
    return COPYCAT_OK;
}

static void loaded(struct cc_journal_read *read)
{
    struct cc_log_pending *pending = cc_container_of(read, struct cc_log_pending, read);
    struct cc_log_load *load = pending->load;
    struct cc_log *log = pending->log;

    if (load != NULL) {
        cc_list_remove(&load->node);
        load->status = read->status == COPYCAT_OK ? take_batch(log, load, read) : read->status;
        evict_later(log);
        load->done(load);
    }
    cc_memory_give(pending->memory, pending);
}

void cc_log_load(struct cc_log *log, struct cc_log_load *load)
{
    const struct slot *slot = slot_of(log, load->index);
    struct cc_log_pending *pending = cc_memory_take(log->memory, sizeof *pending);

    CC_ASSERT(slot->block == NULL);
    CC_ASSERT(slot->place.file != 0); /* L2, and nobody asks for what is damaged */
    pending->memory = log->memory;
    pending->log = log;
    pending->load = load;
    load->pending = pending;
    cc_list_append(&log->loads, &load->node);
    pending->read = (struct cc_journal_read){
        .place = slot->place, .done = loaded, .is_optional = load->is_optional};
    cc_journal_read(log->journal, &pending->read);
}
