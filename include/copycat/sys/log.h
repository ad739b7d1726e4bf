/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copycat/sys/log.h -- a commit log of one process: typed entries by ascending index, in segment
 * files or in memory, of which any one can be cleaned away.  It needs no cluster.  The layers in
 * copycat/sys are not promised before 1.0: they may change with each minor version.
 *
 * Index.  Entries are numbered upwards from 1; numbers may be left out.  An entry that was cleaned
 * cannot be read any more, and its place on disk is given back later, when its segment is rewritten.
 *
 * Durable.  What was appended, cleaned or forgotten survives a crash once
 * copycat_log_flush has returned OK; before that any of it may, from the oldest on.  Truncating is
 * durable when it returns.
 *
 * Threads.  A log has none of its own, and no lock: call it from one thread at a time.  All calls
 * but those that only look may wait for the disk.  After fork, in the child, a log is dead: calls
 * return CLOSED and closing it gives nothing back.
 *
 * Errors.  IO, DISK_FULL and DAMAGED come with a sentence: copycat_log_trouble.  Once a write or a
 * sync has failed the log is finished: what had not been flushed may be there or not, and every call
 * but closing returns the same status.  Open it again to see.  A read that fails finishes nothing.
 *
 * Memory.  8 bytes and 2 bits for each entry that has a place on disk; in memory mode the entries too.
 */
#ifndef COPYCAT_SYS_LOG_H
#define COPYCAT_SYS_LOG_H

#include <copycat/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct copycat_log copycat_log;

/* When a segment is worth being rewritten; docs/measurements.md says what each costs. */
enum {
    COPYCAT_LOG_CLEAN_BENEFIT =
        0,                       /* of those in which `clean_percent` of the bytes are dead, the one
                                      that gives back most for each byte that is read and written,
                                      old ones before young ones; none before three tenths of all
                                      bytes are dead */
    COPYCAT_LOG_CLEAN_FIXED = 1, /* `clean_percent` of its entries are cleaned */
    COPYCAT_LOG_CLEAN_HALVING = 2 /* `clean_percent` of its entries are cleaned; once it has been
                                      rewritten, half of that, then a quarter, and so on: little
                                      room is lost, but twenty times as much is written */
};

/* Zero means default, so fields can be added at the end; no padding. */
typedef struct copycat_log_options {
    size_t size;             /* set by COPYCAT_LOG_OPTIONS_INIT */
    const char *directory;   /* its own, made if it is not there; copied.  NULL: in memory */
    uint64_t segment_size;   /* bytes after which the next file begins, 4096 to 1 GiB, 0: 32 MiB */
    uint32_t segment_count;  /* entries after which it does, 0: 1048576 */
    uint32_t entry_size_max; /* key and bytes, at most 64 MiB, 0: 1 MiB */
    uint32_t clean_rule;     /* COPYCAT_LOG_CLEAN_* */
    uint32_t clean_percent;  /* 1 to 100, 0: 50 */
} copycat_log_options;

#define COPYCAT_LOG_OPTIONS_INIT                         \
    {                                                    \
        sizeof(copycat_log_options), NULL, 0, 0, 0, 0, 0 \
    }

/* One entry; frozen. */
typedef struct copycat_log_entry {
    uint64_t index;      /* 0 in an append: the one after the last */
    uint64_t time_us;    /* whatever clock the host means; 0: none */
    copycat_bytes key;   /* at most 65535 bytes; of size 0: none */
    copycat_bytes bytes; /* may be empty */
    uint32_t type;       /* the host's */
    uint32_t reserved;   /* zero */
} copycat_log_entry;

/* Where a log stands; a view of a moment. */
typedef struct copycat_log_status {
    size_t size;             /* set by the caller */
    uint64_t first;          /* the lowest index that can be read, 0: none */
    uint64_t last;           /* the highest that was given away or skipped, 0: none */
    uint64_t count;          /* entries that can be read */
    uint64_t bytes;          /* of all files */
    uint64_t dead_bytes;     /* of them: entries that are cleaned and have still their place */
    uint64_t appended_bytes; /* since it was opened: of entries, as they are stored */
    uint64_t moved_bytes;    /* since it was opened: written to rewrite segments */
    uint64_t segments;       /* files */
} copycat_log_status;

COPYCAT_API void copycat_log_options_init(copycat_log_options *options, size_t size);

/*
 * Opens the log in a directory, or makes one.  What a crash has left half done is finished or undone
 * first: an end that was never flushed is cut at the first record that is not whole; anything else
 * that does not read is DAMAGED, and nothing is changed then.  `message_out` gets a sentence on
 * failure, with file and offset where there is one; it may be NULL.  Partner: copycat_log_close.
 *
 * INVALID or UNSUPPORTED (options), LOCKED, DAMAGED, NEWER, IO, DISK_FULL, MEMORY, or BUSY: no
 * descriptor is left.
 */
COPYCAT_API copycat_status copycat_log_open(
    copycat_log **log_out, const copycat_log_options *options, copycat_message *message_out);

/* Flushes and closes; what the flush came to.  The handle is dead.  Accepts NULL. */
COPYCAT_API copycat_status copycat_log_close(copycat_log *log);

/* The sentence about the last error of the disk, empty if there was none.  Written into the caller's
 * `message_out`. */
COPYCAT_API void copycat_log_trouble(const copycat_log *log, copycat_message *message_out);

/* ---- appending -------------------------------------------------------------------------------- */

/*
 * Appends one entry, copied, behind all others; `index_out`, which may be NULL, gets its index.
 * INVALID: its index is not above the last.  TOO_LARGE.  MEMORY: nothing happened.  IO, DISK_FULL.
 */
COPYCAT_API copycat_status
copycat_log_append(copycat_log *log, const copycat_log_entry *entry, uint64_t *index_out);

/* Leaves out the next `count` indexes.  It is remembered once an entry behind them is.  INVALID:
 * there are not so many left. */
COPYCAT_API copycat_status copycat_log_skip(copycat_log *log, uint64_t count);

/* Makes durable whatever was done before. */
COPYCAT_API copycat_status copycat_log_flush(copycat_log *log);

/* Forgets all entries with an index above `index`, which becomes the last.  Durable when it returns.
 * INVALID: it is above the last, or what is there begins behind it. */
COPYCAT_API copycat_status copycat_log_truncate(copycat_log *log, uint64_t index);

/* ---- reading ---------------------------------------------------------------------------------- */

/*
 * Reads one entry.  What `entry_out` points to is the log's, until the next call but those that only
 * look.  INVALID: there is none with this index, or it was cleaned.  DAMAGED: it was, but it does not
 * read; IO, MEMORY, BUSY.
 */
COPYCAT_API copycat_status
copycat_log_read(copycat_log *log, uint64_t index, copycat_log_entry *entry_out);

/* These only look.  1: an entry with this index can be read. */
COPYCAT_API int copycat_log_contains(const copycat_log *log, uint64_t index);

/* The lowest index from `index` on that can be read, 0: none.  So one goes through a log. */
COPYCAT_API uint64_t copycat_log_next(const copycat_log *log, uint64_t index);

/* See copycat_log_status. */
COPYCAT_API uint64_t copycat_log_first(const copycat_log *log);
COPYCAT_API uint64_t copycat_log_last(const copycat_log *log);
COPYCAT_API uint64_t copycat_log_count(const copycat_log *log);
COPYCAT_API void copycat_log_status_of(const copycat_log *log, copycat_log_status *status_out);

/* Reads every file and checks all that is in it. OK, DAMAGED (the first that is found), or IO. */
COPYCAT_API copycat_status copycat_log_verify(copycat_log *log);

/* ---- cleaning --------------------------------------------------------------------------------- */

/* The entry is not to be read any more.  INVALID: there is none, or it was cleaned before. */
COPYCAT_API copycat_status copycat_log_clean(copycat_log *log, uint64_t index);

/*
 * Cleans every entry with a key that a later entry has too; entries without a key stay.  Reads all
 * keys, the latest first, into a table of 16 to 32 bytes for each.  `cleaned_out`, which may be NULL, gets the
 * number of entries.
 */
COPYCAT_API copycat_status copycat_log_clean_keys(copycat_log *log, uint64_t *cleaned_out);

/*
 * The calls with `_to`, and copycat_log_clean_where, decide at a position: they look at nothing but the
 * entries up to `index` that can be read.  So two logs that hold the same ones do the same, however
 * they are cut into segments and whatever follows; and where a crash has taken back what was not
 * flushed, the same call does the rest.  INVALID: `index` is above the last.
 */

/* copycat_log_clean_keys, with the entries up to `index` alone. */
COPYCAT_API copycat_status
copycat_log_clean_keys_to(copycat_log *log, uint64_t index, uint64_t *cleaned_out);

/*
 * Cleans the entries up to `index` of which `predicate` says that they are not needed any more, by any
 * value but 0.  It is asked of each, the oldest first; what it gets is the log's, until it returns, and
 * of the log it may only ask what is only looked at.  If two logs are to stay equal it must answer by
 * the entry alone, and by what was decided at the same index.
 *
 * An entry that says that others are void (a tombstone) may only go when they have: clean them first,
 * or up to an index that whoever reads the log has passed.
 *
 * DAMAGED, IO, MEMORY, BUSY, DISK_FULL: what was cleaned before stays so.  `cleaned_out`, which may be
 * NULL, gets the number of entries.
 */
COPYCAT_API copycat_status copycat_log_clean_where(
    copycat_log *log,
    uint64_t index,
    int (*predicate)(const copycat_log_entry *entry, void *user),
    void *user,
    uint64_t *cleaned_out);

/*
 * Rewrites segments of which enough is cleaned, and joins neighbours that fit into one: until about
 * `bytes_max` bytes were read and written, then goes on there at the next call.  Appending never
 * waits for it, so the host decides when it has time, and for how much.  `is_more_out`, which may be
 * NULL, gets 1 if something is left to do.
 *
 * It flushes before it gives anything back, for what was cleaned was cleaned for the sake of something.
 * DISK_FULL (there is no room for the new file), DAMAGED (an entry that should be moved does not read),
 * MEMORY, BUSY: all is as before.  IO of a write finishes the log.
 */
COPYCAT_API copycat_status
copycat_log_clean_some(copycat_log *log, uint64_t bytes_max, int *is_more_out);

/* The same until nothing is left to do. */
COPYCAT_API copycat_status copycat_log_clean_now(copycat_log *log);

/* ---- forgetting the oldest -------------------------------------------------------------------- */

/* Forgets all entries with an index below `index`.  Whole segments are given back by the next flush.
 * INVALID: it is more than one above the last. */
COPYCAT_API copycat_status copycat_log_forget(copycat_log *log, uint64_t index);

/*
 * Retention: forgets whole segments, the oldest first, as long as all entries of it are older than
 * `time_us`, or all files together are larger than `bytes_max`; 0 stands for no such limit.  The
 * segment that is appended to always stays.  An entry without a time is older than any.
 */
COPYCAT_API copycat_status
copycat_log_retain(copycat_log *log, uint64_t time_us, uint64_t bytes_max);

/*
 * The same, entry by entry and decided at a position (see copycat_log_clean_keys_to): forgets the
 * oldest entry up to `index` as long as it is older than `time_us`, or those up to `index` are more
 * than `bytes_max`, counted as they are stored; what follows is not counted and stays.
 * `first_out`, which may be NULL, gets the lowest index that is left of them, `index` + 1 if none is:
 * copycat_log_forget with it does the same.  Reads every entry that it counts.
 * DAMAGED, IO, MEMORY, BUSY: nothing is forgotten.
 */
COPYCAT_API copycat_status copycat_log_retain_to(
    copycat_log *log, uint64_t index, uint64_t time_us, uint64_t bytes_max, uint64_t *first_out);

#ifdef __cplusplus
}
#endif

#endif /* COPYCAT_SYS_LOG_H */
