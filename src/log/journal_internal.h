/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_internal -- the journal's state, and what its files say to each other.
 *
 *     journal.c        open, close, adding records, failing
 *     journal_write.c  batches: one durable write in flight, the next gathers
 *     journal_adopt.c  what a batch means for its summary, and for the tables of files to come
 *     journal_files.c  zeroed spares, the next file
 *     journal_heads.c  recovery: the directory, which life each file is of
 *     journal_window.c recovery: what is in memory of a file
 *     journal_scan.c   recovery: each life read, what was cut, what is damaged
 *     journal_replay.c recovery: what a batch, or its summary, does to the log
 *     journal_reuse.c  files that nothing needs any more
 *     journal_read.c   entries read back
 *     journal_words.c  what is wrong, and where
 */
#ifndef CC_LOG_JOURNAL_INTERNAL_H
#define CC_LOG_JOURNAL_INTERNAL_H

#include "base/assert.h"
#include "base/bug.h"
#include "log/format.h"

#define CC_JOURNAL_NAME_SIZE 20u /* "journal-00000001" */
#define CC_JOURNAL_PATH_SIZE 512u
#define CC_JOURNAL_TABLE_SIZE_MAX ((size_t)2 * CC_DISK_BLOCK) /* of a file's first batch */

/* One file.  life 0: it holds nothing yet. */
struct cc_journal_file {
    struct cc_list node;
    uint32_t slot; /* the number in its name */
    uint32_t life;
    uint32_t claimed;         /* the life of what is in it, though its head does not read, */
    bool is_torn;             /* as of a first batch that was not written whole, */
    uint64_t claimed_tag;     /* and its tag; 0: the header did not read */
    uint32_t prev_batches;    /* what its table says of its predecessor, */
    uint32_t previous_blocks; /* and its first header of the last batch there */
    struct cc_batch_summary previous;
    uint64_t highest; /* of the entries that lie here and were not dropped since */
    uint32_t reads;   /* under way in it */
    uint64_t size;
    bool is_refused; /* the disk did not read some of it */
    bool is_named;   /* durably */
    bool is_ready;   /* zeroed and durable, a spare; never the last by name */
    struct cc_file *file;
    char path[CC_JOURNAL_PATH_SIZE];
};

/* A record that waits for its batch, and then for that to be durable. */
struct cc_journal_item {
    struct cc_list node;
    uint8_t type;
    struct cc_block *block; /* its payload */
    uint32_t offset;        /* of the payload in the batch, once it is in one */
};

enum cc_journal_phase {
    CC_JOURNAL_RECOVERING,
    CC_JOURNAL_OPEN,
    CC_JOURNAL_FAILED,
};

/* What of a file is in memory, or on its way there. */
struct cc_scan_window {
    const struct cc_journal_file *file;
    uint8_t *buffer; /* aligned, inside memory */
    void *memory;
    size_t buffer_size;
    size_t used;      /* bytes that were read into it */
    uint64_t at;      /* where they lie in the file */
    size_t checked;   /* so many of them are batches as they were written, stamps replaced; */
    uint32_t batches; /* they are so many; */
    bool is_cut;      /* and the next is there in part, or it would be the first of the rest */
    struct cc_disk_request request;
};

/* The window that somebody waits for. */
struct cc_scan_wish {
    void (*done)(struct cc_disk_request *request); /* NULL: nobody does */
    void (*work)(struct cc_disk_request *request);
    uint64_t at;
    size_t used;
};

struct cc_journal_scan {
    struct cc_journal_file *file; /* at hand */
    struct cc_scan_window here;   /* in memory, or asked for */
    struct cc_scan_window ahead;  /* on its way, perhaps */
    bool is_ahead;                /* it is */
    struct cc_scan_wish wish;
    void (*over)(struct cc_journal *journal); /* waits until nothing is on its way */
    size_t piece;                             /* where in `here` the read under way goes */
    uint32_t life;                            /* being scanned; 0: the heads still are */
    uint32_t life_newest;
    uint64_t offset;              /* of the next batch */
    uint32_t batches;             /* before it in the file at hand, or scanned last */
    uint64_t search;              /* from where on its successor is looked for, if it is damaged */
    struct cc_journal_file *left; /* of the newest life that was being given up, as it seems */
    bool is_unreadable;           /* the disk refused some of the journal */
    uint64_t refused_at; /* the first such block from `offset` on; COPYCAT_NONE: none is known */
    bool is_damaged;     /* a batch of the file at hand, which was passed over */
    bool is_clean;       /* the newest life reads, and nothing was begun behind it */
    bool has_image;      /* in the directory, or a segment of one */
    bool is_base_lost;   /* a founding base was in a batch that is damaged */
    struct cc_remains_judge judge;
    struct cc_batch_header header; /* of the batch that is judged ... */
    bool has_header;               /* ... if that reads */
};

struct cc_journal {
    struct cc_env *env;
    const struct cc_memory *memory;
    struct cc_journal_options options;
    char *directory;
    struct cc_journal_callbacks callbacks;
    void *owner;
    enum cc_journal_phase phase;
    bool is_locked; /* the directory is ours */
    bool is_closing;
    bool is_asked;     /* for a mark that is durable already */
    uint32_t requests; /* under way in the environment */
    struct cc_task task;
    copycat_status trouble; /* to be reported by the task */
    char text[CC_JOURNAL_PATH_SIZE + 256];
    char words[CC_JOURNAL_PATH_SIZE + 256]; /* of cc_journal_where */

    uint64_t tag;
    struct cc_journal_table table; /* identity, base and group states as written so far */
    struct cc_journal_counters counters;

    struct cc_list files;
    uint32_t slot_next;
    struct cc_journal_file *current;
    uint32_t number;   /* of the next batch in it */
    uint64_t position; /* where that begins */
    uint32_t durable_life;
    uint32_t durable_number;

    struct cc_list pending; /* items for the next batches */
    uint64_t pending_bytes;
    uint64_t added; /* items so far: marks count them */

    struct cc_list writing; /* items of the batch in flight */
    bool is_writing;
    bool is_table; /* it is the first of a new file */
    uint64_t writing_bytes;
    uint64_t writing_mark; /* records through the batch in flight, or the last there was */
    uint32_t drops;        /* records that drop entries, added and not durable */
    uint64_t switched;     /* index of the newest image that was switched to, durable or not */
    uint64_t writing_since_us;
    struct cc_batch_header header; /* of the batch in flight, or the last there was */
    uint8_t *batch;                /* aligned, inside batch_memory */
    void *batch_memory;
    size_t batch_capacity;
    struct cc_disk_request write_request;
    bool needs_seal;
    struct cc_timer seal;

    struct cc_journal_file *making; /* being zeroed, to */
    uint64_t make_size;             /* this size */
    uint64_t file_size;             /* of those to come, as it was aimed at */
    struct cc_journal_file *naming; /* what an open under way is of */
    bool is_waiting;                /* until a shortage is looked at again */
    uint64_t made_bytes;
    bool is_held_back;       /* nothing is made that needs room */
    bool is_sparing;         /* nothing larger than was aimed at */
    copycat_status shortage; /* why it is not there yet, DISK_FULL or BUSY: tried again; or OK */
    struct cc_timer again;
    uint64_t size_needed; /* by the batch that waits for a file */
    struct cc_disk_request make_request;
    uint64_t making_since_us; /* the newest of those requests */
    uint8_t *zeros;
    void *zeros_memory;

    uint64_t keep;    /* entries through this one are not wanted */
    uint64_t vouched; /* index of the newest image that two durable batches know of */
    struct cc_journal_file *reusing; /* being given up, or removed */
    bool is_removing;
    struct cc_disk_request reuse_request;

    struct cc_journal_scan scan;
    struct cc_disk_request scan_request; /* of recovery, but for reads; also of closing */
};

/* journal.c */
void cc_journal_disk(
    struct cc_journal *journal,
    struct cc_disk_request *request,
    enum cc_disk_operation operation,
    void (*done)(struct cc_disk_request *request));
void cc_journal_fail(struct cc_journal *journal, copycat_status status, const char *text);
struct cc_journal_file *cc_journal_file_create(struct cc_journal *journal, uint32_t slot);
void *cc_journal_aligned(struct cc_journal *journal, size_t size, void **memory_out);
void cc_journal_go_on_closing(struct cc_journal *journal);

/* journal_write.c */
void cc_journal_write_table(struct cc_journal *journal, struct cc_journal_file *file);
/* Recovery is over, and the file that it read last goes on behind what it found. */
void cc_journal_write_boot(struct cc_journal *journal);
void cc_journal_seal_init(struct cc_journal *journal);
void cc_journal_drop_items(struct cc_journal *journal, struct cc_list *items);

/* journal_adopt.c */

/* The first entry that a record drops; UINT64_MAX: it drops none. */
uint64_t cc_journal_dropped_from(const struct cc_journal_item *item);

/* The summary of the next batch, with nothing in it: the state as of all batches so far, for one is in
 * flight at most, and it has been noted.  Then record by record. */
struct cc_batch_summary cc_journal_summary_begin(const struct cc_journal *journal);
void cc_journal_note(struct cc_batch_summary *summary, const struct cc_journal_item *item);

/* A batch is durable: each of its records, and its summary. */
void cc_journal_adopt_record(struct cc_journal *journal, const struct cc_journal_item *item);
void cc_journal_adopt_summary(struct cc_journal *journal, const struct cc_batch_summary *summary);

/* journal_files.c */
void cc_journal_make_spare(struct cc_journal *journal);

/* Recovery is over: goes on in the newest life, or writes the table of a new one, as soon as there is
 * a file for it. */
void cc_journal_begin(struct cc_journal *journal);
void cc_journal_files_init(struct cc_journal *journal);
struct cc_journal_file *cc_journal_spare(struct cc_journal *journal, uint64_t size);
void *cc_journal_zeros(struct cc_journal *journal);
/* A file has become free: what waits for room to make one takes that. */
void cc_journal_stop_waiting(struct cc_journal *journal);

/* journal_reuse.c: gives up what is not needed, one file at a time */
void cc_journal_reuse(struct cc_journal *journal);
struct cc_journal_file *cc_journal_oldest(const struct cc_journal *journal);
/* An entry lies in a file; all entries from an index on are dropped. */
void cc_journal_extend(struct cc_journal_file *file, uint64_t index);
void cc_journal_cut(struct cc_journal *journal, uint64_t from);

const char *cc_journal_path(const struct cc_journal *journal, uint32_t life);
struct cc_journal_file *cc_journal_file_of(const struct cc_journal *journal, uint32_t life);
struct cc_journal_file *cc_journal_slot(const struct cc_journal *journal, uint32_t slot);

/* journal_heads.c: starts recovery */
void cc_journal_scan(struct cc_journal *journal);
void cc_scan_head_judged(struct cc_journal *journal);

/* journal_words.c: into `text`; an offset of COPYCAT_NONE and no header are not mentioned */
void cc_journal_describe(
    struct cc_journal *journal,
    const char *path,
    const char *what,
    uint64_t offset,
    const struct cc_batch_header *header);
/* Recovery fails, because of the file at hand. */
void cc_journal_refuse(
    struct cc_journal *journal,
    copycat_status status,
    const char *what,
    uint64_t offset,
    const struct cc_batch_header *header);

/* journal_window.c */
bool cc_scan_is_going_on(struct cc_disk_request *request, const char *what);
uint64_t cc_scan_size(const struct cc_journal *journal);
size_t cc_scan_window(const struct cc_journal *journal);
/* As it lies there. */
void cc_scan_read(
    struct cc_journal *journal,
    uint64_t offset,
    size_t size,
    void (*done)(struct cc_disk_request *request));
/* From the beginning of a batch on; the batches are checked. */
void cc_scan_read_batches(
    struct cc_journal *journal,
    uint64_t offset,
    size_t size,
    void (*done)(struct cc_disk_request *request));
/* In a callback of the reads above: the next is likely to be the same, of here. */
void cc_scan_read_ahead(
    struct cc_journal *journal, const struct cc_journal_file *file, uint64_t offset);
/* No more reads; `over` comes when none is on its way, at once if it may. */
void cc_scan_end(struct cc_journal *journal, void (*over)(struct cc_journal *journal));
void cc_scan_release_windows(struct cc_journal *journal);
/* Here, not before what is being read, lies something that the disk did not read. */
bool cc_scan_is_refused(const struct cc_journal_scan *scan, uint64_t from, uint64_t size);

/* journal_scan.c */
void cc_scan_judge(struct cc_journal *journal, const struct cc_batch_header *header);
const struct cc_batch_header *cc_scan_judged_header(const struct cc_journal *journal);
void cc_scan_next_life(struct cc_journal *journal);
/* A start can write on where the scan has ended, and begins no file. */
bool cc_scan_may_go_on(const struct cc_journal *journal);

/* journal_replay.c: false if it makes no sense */
bool cc_scan_replay(
    struct cc_journal *journal,
    const uint8_t *batch,
    const struct cc_batch_header *header,
    uint64_t offset);
bool cc_scan_replay_summary(
    struct cc_journal *journal,
    const struct cc_batch_summary *summary,
    uint64_t offset,
    bool is_refused);

#endif /* CC_LOG_JOURNAL_INTERNAL_H */
