/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_internal -- one group's table of entries, and who changes it.
 *
 *     log.c          the table: appending, dropping, forgetting, terms
 *     log_recover.c  the table as recovery finds it
 *     log_damage.c   what of it cannot be read
 *     log_load.c     entries that come back from disk
 */
#ifndef CC_LOG_LOG_INTERNAL_H
#define CC_LOG_LOG_INTERNAL_H

#include "base/assert.h"
#include "log/log.h"

/* One entry: where it lies on disk (file 0: nowhere yet), and its block while it is in memory. */
struct cc_log_slot {
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
    struct cc_log_slot *slots; /* of entries [first, last], from `head` on */
    uint64_t head;
    uint64_t capacity;
    uint64_t first;
    uint64_t last;
    uint64_t end_before; /* encoded bytes of all entries before the first */
    uint64_t keep;       /* entries above stay in memory */
    uint64_t oldest;     /* nothing below is in memory, except what was loaded */
    uint64_t last_time_us;
    struct cc_raft_run *runs; /* over [first - 1, last]; over [first, last] if recovery does not
                                 know the term of first - 1 yet */
    uint32_t run_count;
    uint32_t run_capacity;
    struct cc_journal_base base;   /* the newest that recovery has met */
    struct cc_log_damage *damages; /* ascending, within [first, last] */
    uint32_t damage_count;
    uint32_t damage_capacity;
    struct cc_list loads; /* under way */
    struct cc_task evict;
};

static inline struct cc_log_slot *cc_log_slot(const struct cc_log *log, uint64_t index)
{
    CC_ASSERT(index >= log->first && index <= log->last);
    return &log->slots[log->head + (index - log->first)];
}

/* log.c */
struct cc_log_slot *cc_log_add(struct cc_log *log, uint64_t term, uint32_t size);
void cc_log_drop(struct cc_log *log, uint64_t from);
void cc_log_evict_later(struct cc_log *log);

void cc_log_drop_block(struct cc_log *log, struct cc_log_slot *slot);

/* log_damage.c; `at` is the place among the ranges */
void cc_log_note_damage(struct cc_log *log, uint32_t at, struct cc_log_damage damage);
void cc_log_drop_damage(struct cc_log *log, uint64_t from);
void cc_log_forget_damage(struct cc_log *log, uint64_t through);
void cc_log_mend(struct cc_log *log, uint64_t index);

/* log_load.c: each load under way is told CLOSED, while its owner still stands */
void cc_log_end_loads(struct cc_log *log);

#endif /* CC_LOG_LOG_INTERNAL_H */
