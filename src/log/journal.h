/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal -- the memory of a server: one stream of records for all its groups, whose order is the
 * only truth; one durable write per batch.
 *
 * Where it sits:   raft -> [log] -> apply; owned by server/node, spoken to by log.h and
 * server/group. Files:           "journal-<number>" in one locked directory, really zeroed before
 * use; each begins with a table of every group's state and of where its predecessor validly ends.
 *                  docs/disk-format.md is normative.
 * Batching:        no timer.  While one write is in flight, what is added joins the next batch;
 *                  cc_journal_flush() at the end of a pass starts a write if none is in flight.
 * Failure:         any write or sync error stops the journal for good.  Damage that recovery meets is
 *                  told and passed over, if what it did to the log is known (docs/decisions/0007).
 *
 * Invariants
 *   J1  one durable write in flight at most
 *   J2  a mark is reported only when every record added before it is durable
 *   J3  recovery never cuts a batch at or below the durable watermark W: what does not read there
 *       is told as damage, or the directory is refused
 *   J4  recovery bumps the boot counter, durably, before anything is reported; it goes on behind what
 *       it found only where nothing was begun, and begins a new file otherwise
 *   J5  what is on disk is the newest durable image's index at least, and all entries behind it: a
 *       file is given up only when that is so without it, and recovery refuses a directory of which
 *       it is not so
 */
#ifndef CC_LOG_JOURNAL_H
#define CC_LOG_JOURNAL_H

#include "env/env.h"
#include "proto/entry.h"
#include "proto/member.h"
#include "proto/run.h"

struct cc_journal;
struct cc_journal_file;

struct cc_journal_options {
    const char *directory;   /* made if absent; copied */
    uint32_t server;         /* this server's id: another's directory is refused */
    uint64_t file_size;      /* bytes at most, a multiple of 4096; 0: 64 MiB */
    uint64_t file_size_min;  /* until cc_journal_aim says more, a multiple of 4096; 0: file_size */
    uint32_t batch_size_max; /* bytes, 0: 1 MiB; one entry may exceed it */
    uint32_t spare_files;    /* zeroed files kept ready, 0: 1 */
    uint32_t scan_size;      /* bytes that recovery reads at once, 0: 1 MiB; or one batch */
    uint64_t seal_delay_us;  /* an idle journal seals its last batch after so long; 0: 1 s */
    bool begins_on_image;    /* which was put there first; else that is a sign of a lost journal */
};

/* Entries that a batch held which does not read any more; their terms are known. */
struct cc_journal_damage {
    uint32_t group;
    uint64_t first;
    uint64_t last;
    const struct cc_raft_run *runs; /* of their terms; borrowed for the call */
    uint32_t run_count;
    uint32_t file;   /* life of it */
    uint64_t offset; /* of the batch in it, in bytes */
    bool is_refused; /* the disk did not read it: it may be whole */
};

/* The image that a group stands on instead of its entries through `index`; index 0: none. */
struct cc_journal_base {
    uint64_t index;
    uint64_t term;     /* of the entry there */
    uint64_t time_us;  /* log time there */
    uint64_t size;     /* of the image's file, */
    uint64_t checksum; /* and what is in it */
};

/* What the newest state of one group is, for the core to start from. */
struct cc_journal_group {
    uint32_t group;
    uint64_t term;
    uint32_t vote;
    uint64_t first; /* oldest entry in the files; last + 1 if there is none */
    uint64_t last;
    struct cc_journal_base base;
};

/* Where an encoded entry lies, for reading it back. */
struct cc_journal_place {
    uint32_t file;         /* life of the file */
    uint32_t batch_block;  /* where its batch begins, in 4 KiB blocks */
    uint32_t batch_blocks; /* and how many it has */
    uint32_t offset;       /* of the encoded entry in the batch */
    uint32_t size;
};

/*
 * Callbacks run on the loop thread, never inside a call into the journal.  During recovery
 * on_entry, on_truncate and on_switch replay each group's log in order; then on_open comes once.
 */
struct cc_journal_callbacks {
    void (*on_entry)(
        void *owner, const struct cc_entry *entry, const struct cc_journal_place *place);
    void (*on_truncate)(void *owner, uint32_t group, uint64_t from);
    /* The log goes on with entries that cannot be read. */
    void (*on_damage)(void *owner, const struct cc_journal_damage *damage);
    /* An entry that was damaged, and was fetched since; false if that does not fit the log. */
    bool (*on_repair)(
        void *owner, const struct cc_entry *entry, const struct cc_journal_place *place);
    /* The group stands on this image; without its tail the log is empty behind it.  False if that
     * does not fit the log. */
    bool (*on_switch)(
        void *owner, uint32_t group, const struct cc_journal_base *base, bool keep_tail);
    void (*on_state)(void *owner, uint32_t group, uint64_t term, uint32_t vote);
    /* The oldest entry of the group in the files is this one, which moves on as files are given up:
     * what is before it must not be asked for any more.  During recovery it comes first, if at all:
     * the log begins there. */
    void (*on_forgotten)(void *owner, uint32_t group, uint64_t first);
    /* OK, or why the directory cannot be used: LOCKED, FOREIGN, NEWER, DAMAGED, IO. */
    void (*on_open)(void *owner, copycat_status status, const char *text);
    /* Every record added before this mark is durable; `place` of entries is known by then.  Comes
     * after each write, also one of the journal's own that moves no mark: the disk is alive. */
    void (*on_durable)(void *owner, uint64_t mark);
    /* An entry has been given its place (before it is durable). */
    void (*on_placed)(
        void *owner, uint32_t group, uint64_t index, const struct cc_journal_place *place);
    void (*on_failed)(void *owner, copycat_status status, const char *text);
    /* There is no space (DISK_FULL) or no descriptor (BUSY) for the next file: comes at each try,
     * cc_journal_is_short says how bad it is.  OK: now there is.  May be NULL. */
    void (*on_short)(void *owner, copycat_status shortage);
    void (*on_closed)(void *owner);
};

/* Partner: cc_journal_close, which ends in on_closed and frees it.  Starts recovery. */
copycat_status cc_journal_open(
    struct cc_journal **journal_out,
    struct cc_env *env,
    const struct cc_journal_options *options,
    const struct cc_journal_callbacks *callbacks,
    void *owner);

/* Does not wait for what is not yet written; a write in flight is waited for. */
void cc_journal_close(struct cc_journal *journal);

/* Until on_open: how much of what is to be read has been, in bytes; the first is never more. */
void cc_journal_progress(const struct cc_journal *journal, uint64_t *read_out, uint64_t *size_out);

/* This server's identity, known from on_open on: drawn at the first open, durable by on_open. */
const uint8_t *cc_journal_incarnation(const struct cc_journal *journal);
uint64_t cc_journal_boot(const struct cc_journal *journal);

/* "PATH: entry INDEX WHAT (offset OFFSET)", for a person; borrowed until the next such call. */
const char *cc_journal_where(
    struct cc_journal *journal, uint32_t life, uint64_t offset, uint64_t index, const char *what);

/* The founding base, if one is stored; NULL otherwise. */
const struct cc_base *cc_journal_base(const struct cc_journal *journal);

/* Adds a record to the next batch.  The block is shared until it is written. */
void cc_journal_entry(struct cc_journal *journal, struct cc_block *entry);
void cc_journal_repair(struct cc_journal *journal, struct cc_block *entry);
void cc_journal_truncate(struct cc_journal *journal, uint32_t group, uint64_t from);
void cc_journal_state(struct cc_journal *journal, uint32_t group, uint64_t term, uint32_t vote);

/* The group stands on another image from here on: one record, so that there is no moment at which
 * neither image is stood on (T-042).  The image is durable, its index above that of the last one.
 * With `keep_tail` the log has its entry, and those behind it stay; else all entries go, and the
 * next is the one behind it. */
void cc_journal_switch(
    struct cc_journal *journal, uint32_t group, const struct cc_journal_base *base, bool keep_tail);
void cc_journal_found(struct cc_journal *journal, const struct cc_base *base);

/* Entries through `index` are not wanted any more, by this group.  A file is used again when all its
 * entries are such, and an image that was switched to durably covers them; a read under way is
 * waited for.  on_forgotten says so before. */
void cc_journal_keep(struct cc_journal *journal, uint32_t group, uint64_t index);

/* A point in the stream: on_durable reports it (or a later one) when all before it is durable. */
uint64_t cc_journal_mark(struct cc_journal *journal);

/* Starts a write if there is something to write and none is in flight. */
void cc_journal_flush(struct cc_journal *journal);

/* Bytes added and not yet durable, for admission. */
uint64_t cc_journal_pending(const struct cc_journal *journal);

/* When the write in flight was started, or else what the file is made with that a batch waits for; 0:
 * neither is under way.  For noticing a stalled disk; one that is full is not stalled. */
uint64_t cc_journal_writing_since_us(const struct cc_journal *journal);

/* The disk is full, and what is left of the file at hand is for what has begun already: nothing new
 * should be admitted, and nothing be led. */
bool cc_journal_is_short(const struct cc_journal *journal);

/*
 * Reads entries back: whole batches, verified, and read once more where that fails.  `done` gives the block of the batch's records from
 * which `cc_journal_read_entry` takes the entry at a place of that same batch.
 */
struct cc_journal_read {
    struct cc_journal_place place;
    void (*done)(struct cc_journal_read *read); /* never inside the call */
    void *owner;
    bool is_optional;      /* what cannot be read does not fail the journal */
    copycat_status status; /* OK, IO, DAMAGED; CLOSED: the journal is closing */
    uint8_t *batch;        /* the whole batch, stamps replaced; valid until done returns */
    uint32_t batch_size;
    struct cc_journal *journal; /* the journal's own, as is what follows */
    struct cc_journal_file *source;
    struct cc_disk_request request;
    uint64_t tag;  /* of each batch here */
    bool is_again; /* it failed before */
    bool is_whole;
    void *memory;
};

void cc_journal_read(struct cc_journal *journal, struct cc_journal_read *read);

/* The batch of this place is not on its way to the disk any more. */
bool cc_journal_is_written(const struct cc_journal *journal, const struct cc_journal_place *place);

/* Entry at `place` in the batch just read; the view borrows the batch. */
copycat_status cc_journal_read_entry(
    const struct cc_journal_read *read,
    const struct cc_journal_place *place,
    struct cc_entry *entry_out);

/* Why the journal or a read of it failed, for a person; empty while it has not. */
const char *cc_journal_trouble(const struct cc_journal *journal);

/* Totals since open, for status and tests on counters. */
struct cc_journal_counters {
    uint64_t writes; /* durable writes of batches */
    uint64_t bytes;
    uint64_t records;
    uint64_t files;
    uint64_t torn_tails; /* incomplete last batches cut by recovery */
    uint64_t damaged;    /* batches that recovery could not read, and passed over */
    uint64_t reused;     /* files given up, for another life */
    uint64_t removed;    /* files removed, being too many */
};

const struct cc_journal_counters *cc_journal_counters(const struct cc_journal *journal);

/* Of all its files, in use or not. */
uint64_t cc_journal_disk_bytes(const struct cc_journal *journal);

/* Of those that hold nothing; the last of them are removed as the journal goes on. */
uint64_t cc_journal_free_bytes(const struct cc_journal *journal);

/* Files that are made from now on have about so many bytes, in steps of the least there may be: what lies
 * ready, or is not full, is worth it only beside a state that is much larger.  No file shrinks. */
void cc_journal_aim(struct cc_journal *journal, uint64_t file_size);

/* There is not much room: files do not become larger because the journal does. */
void cc_journal_be_sparing(struct cc_journal *journal, bool is_sparing);

/* Of a file that is made now. */
uint64_t cc_journal_file_size(const struct cc_journal *journal);

/* The room that is left is for an image: what needs any is waited for, as with a full disk. */
void cc_journal_hold_back(struct cc_journal *journal, bool is_held_back);

/* Another file is needed, and cannot be made for now. */
bool cc_journal_is_waiting(const struct cc_journal *journal);

/* What can be written before another file has to be made. */
uint64_t cc_journal_ready_bytes(const struct cc_journal *journal);

/* An image at `index` would free a file. */
bool cc_journal_would_free(const struct cc_journal *journal, uint64_t index);

#endif /* CC_LOG_JOURNAL_H */
