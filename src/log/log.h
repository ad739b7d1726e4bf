/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log -- one group's entries: the newest in memory, all of them findable.
 *
 * Where it sits:   raft -> [log] -> apply; owned by server/group.  Writes go to the journal, reads
 *                  come from memory or, for what fell out of it, from the journal's files.
 * Memory:          a table of places, 40 bytes an entry, and blocks up to `cache_bytes_max` beyond
 *                  what may not be dropped (not yet placed, or above the keep index).  The table
 *                  shrinks as entries are forgotten.
 *
 * Invariants
 *   L1  [first, last] has no holes, and the term of first - 1 is known
 *   L2  an entry without a place on disk stays in memory, unless it is damaged: its term is known,
 *       and nothing else of it
 */
#ifndef CC_LOG_LOG_H
#define CC_LOG_LOG_H

#include "log/journal.h"
#include "proto/run.h"

struct cc_log;

/* Partner: cc_log_destroy.  `group` is the Raft group whose entries these are. */
struct cc_log *cc_log_create(struct cc_env *env, uint32_t group, uint64_t cache_bytes_max);
void cc_log_destroy(struct cc_log *log);

/* The journal to write to and read from; set before anything is appended (not during recovery). */
void cc_log_attach(struct cc_log *log, struct cc_journal *journal);

/* Recovery: the journal's callbacks are passed on. */
void cc_log_recover_entry(
    struct cc_log *log, const struct cc_entry *entry, const struct cc_journal_place *place);
void cc_log_recover_truncate(struct cc_log *log, uint64_t from);
/* False if the image is not of the entry that is there. */
bool cc_log_recover_switch(struct cc_log *log, const struct cc_journal_base *base, bool keep_tail);
void cc_log_recover_damage(struct cc_log *log, const struct cc_journal_damage *damage);
/* The journal begins with this entry: those before it are gone.  Comes before anything else; the
 * term before it is not known until an image is switched to. */
void cc_log_recover_forgotten(struct cc_log *log, uint64_t first);
/* False if there is no such entry. */
bool cc_log_recover_repair(
    struct cc_log *log, const struct cc_entry *entry, const struct cc_journal_place *place);

/* The oldest entry there is, last + 1 if there is none; 1 until some are forgotten. */
uint64_t cc_log_first(const struct cc_log *log);
uint64_t cc_log_last(const struct cc_log *log);

/* Forgets entries through this one, which an image covers.  Its term stays known, and damage among
 * them is of no interest any more.  A load of one of them ends as if it had been truncated. */
void cc_log_forget(struct cc_log *log, uint64_t through);

/* Forgets all entries: an image at `index`, of an entry with that term and log time, takes their
 * place, and the next entry is the one behind it. */
void cc_log_reset(struct cc_log *log, uint64_t index, uint64_t term, uint64_t time_us);

/* The runs of terms over [first - 1, last], for the core's start; the first of them may begin
 * before that.  Borrowed until the log changes. */
const struct cc_raft_run *cc_log_runs(const struct cc_log *log, uint32_t *count_out);

/* The newest log time of any entry appended here, truncated ones included; 0 if there was none. */
uint64_t cc_log_last_time_us(const struct cc_log *log);

/* The term of an entry in [first - 1, last]; 0 of any other. */
uint64_t cc_log_term(const struct cc_log *log, uint64_t index);

/* A range of damaged entries: they cannot be read, and must not be asked for. */
struct cc_log_damage {
    uint64_t first;
    uint64_t last;
    uint32_t file;   /* where they were: life of the journal's file, ... */
    uint64_t offset; /* ... and their batch in it, in bytes */
    bool is_refused; /* by the disk, which may give them after a restart; else they are wrong */
};

/* The first of the damaged ranges, borrowed until the log changes; NULL: there is none. */
const struct cc_log_damage *cc_log_damage(const struct cc_log *log);
bool cc_log_is_damaged(const struct cc_log *log, uint64_t index);

/*
 * The batch of this place does not read any more.  Of its entries, those that are in memory and
 * whole by their own checksums are journaled again, in order; the others are damaged from here on.
 * What was lost or written again before is passed over, so to say it twice is harmless.  `status`
 * is how the read ended: IO or DAMAGED.
 */
struct cc_log_loss {
    uint64_t first;     /* of all that were in it; 0: there were none any more */
    uint64_t lost;      /* how many are damaged, */
    uint64_t rewritten; /* and how many are on their way to the disk again */
};

struct cc_log_loss cc_log_lose(
    struct cc_log *log, const struct cc_journal_place *batch, copycat_status status);

/* Takes one more reference to `entry`, which is damaged here and has its term, and journals it. */
void cc_log_repair(struct cc_log *log, struct cc_block *entry);

/* Takes one more reference to `entry`, a stamped block whose index is last + 1, and journals it. */
void cc_log_append(struct cc_log *log, struct cc_block *entry);

/* Drops entries from `from` on and journals that. */
void cc_log_truncate(struct cc_log *log, uint64_t from);

/* The journal has given an entry its place (on_placed). */
void cc_log_placed(struct cc_log *log, uint64_t index, const struct cc_journal_place *place);

/* Entries above `index` are wanted soon and stay in memory; usually the applied index. */
void cc_log_keep(struct cc_log *log, uint64_t index);

/* Encoded bytes of entries above `index`. */
uint64_t cc_log_bytes_above(const struct cc_log *log, uint64_t index);

/* The block of an entry that is in memory, borrowed until the log changes; NULL if it is not. */
struct cc_block *cc_log_peek(const struct cc_log *log, uint64_t index);

/* Where an entry of [first, last] lies on disk; false: nowhere yet, or it is damaged. */
bool cc_log_place(const struct cc_log *log, uint64_t index, struct cc_journal_place *place_out);

/*
 * Brings [index, ...] of one batch back into memory; `done` comes once, never inside the call,
 * except that destroying the log ends what is under way with CLOSED.  After OK cc_log_peek(index)
 * succeeds until the next pass, if the entry was not truncated or forgotten meanwhile.  An entry
 * before the first must not be asked for.
 */
struct cc_log_pending;

struct cc_log_load {
    uint64_t index;
    void (*done)(struct cc_log_load *load);
    void *owner;
    bool is_optional;      /* it is for another: failing does not fail the journal */
    copycat_status status; /* OK, IO, DAMAGED, CLOSED */
    struct cc_list node;   /* the log's own */
    struct cc_log_pending *pending;
};

void cc_log_load(struct cc_log *log, struct cc_log_load *load);

#endif /* CC_LOG_LOG_H */
