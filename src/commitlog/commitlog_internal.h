/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commitlog_internal -- what the files of the commit log share.
 *
 *     commitlog.c            open, close, what went wrong
 *     commitlog_append.c     appending, flushing, the next segment
 *     commitlog_read.c       reading, checking
 *     commitlog_segment.c    what is known of a segment: where its entries are, which are cleaned
 *     commitlog_output.c     a file that grows
 *     commitlog_footer.c     sealing, and reading what was sealed
 *     commitlog_scan.c       a segment without a footer, record by record
 *     commitlog_load.c       which files count; commitlog_mend.c  what a crash has left undone
 *     commitlog_forget.c     truncating, forgetting, retention
 *     commitlog_pick.c       which segments are worth rewriting; commitlog_clean.c  rewriting them
 *     commitlog_keys.c       which entries have a later one of their key
 *     commitlog_policy.c     which entries a host is through with; what is old or too much
 */
#ifndef CC_COMMITLOG_COMMITLOG_INTERNAL_H
#define CC_COMMITLOG_COMMITLOG_INTERNAL_H

#include "commitlog/commitlog.h"
#include "commitlog/commitlog_format.h"

#define CC_COMMITLOG_OPEN_MAX 32u          /* files that are kept open */
#define CC_COMMITLOG_WINDOW (256u << 10)   /* read at once where one record follows the other */
#define CC_COMMITLOG_GATHER (256u << 10)   /* appended and not yet written */
#define CC_COMMITLOG_CLEANED_AT_ONCE 1024u /* indexes in a "cleaned" record */

/* Where an entry is: as the footer has it. */
struct cc_commitlog_slot {
    uint32_t offset;   /* index - base */
    uint32_t position; /* in the file */
};

struct cc_commitlog_segment {
    struct cc_commitlog_head head;
    struct cc_files_file *file; /* NULL: not open */
    uint64_t used_at;           /* to close the one that was not used for longest */
    bool is_sealed;
    uint8_t passes;
    uint64_t last; /* that it is about; of the open one: that it holds or skips */
    uint64_t base;
    uint64_t end;  /* of its records */
    uint64_t size; /* of the file */
    uint64_t time_low_us;
    uint64_t time_high_us;
    uint32_t records_crc;

    struct cc_commitlog_slot *slots;
    uint32_t count; /* entries that are not truncated away */
    uint32_t stored_count;
    uint32_t slot_capacity;
    uint64_t *cleaned;    /* a bit for each slot */
    uint64_t *is_settled; /* cleaned, and its own footer says so */
    uint32_t cleaned_count;
    uint64_t dead_bytes; /* of what is cleaned or truncated away */

    uint32_t *notes; /* offsets of "cleaned" records */
    uint32_t note_count;
    uint32_t note_capacity;
};

/* Bytes that go to the end of a file, whole records at a time. */
struct cc_commitlog_output {
    struct cc_files_file *file;
    uint8_t *data;
    size_t size;
    size_t capacity;
    uint64_t offset; /* of `data` in the file */
};

/* Bytes of a file, from any place, in a buffer that is used again. */
struct cc_commitlog_window {
    uint8_t *data;
    size_t size;
    size_t capacity;
    uint64_t offset;
    const struct cc_commitlog_segment *segment; /* whose they are; NULL: nobody's */
};

/* Segments from `begin` on that are being rewritten into one. */
struct cc_commitlog_job {
    struct cc_commitlog_segment *target; /* NULL: none is under way */
    struct cc_commitlog_output output;
    struct cc_commitlog_window window;
    uint32_t begin;
    uint32_t count;
    uint32_t source; /* counted from begin */
    uint32_t slot;   /* next one of the source */
    uint32_t note;
};

struct cc_commitlog {
    const struct cc_memory *memory;
    struct cc_files files;
    copycat_log_options options;
    copycat_status failed;
    copycat_message trouble;

    struct cc_commitlog_segment **segments;
    uint32_t segment_count;
    uint32_t segment_capacity;
    uint64_t generation; /* the highest given away */
    uint64_t last;
    uint64_t floor;         /* what is below is forgotten */
    uint64_t floor_durable; /* and durably so */
    uint64_t uses;

    struct cc_commitlog_output output;              /* of the last segment */
    uint64_t durable_end;                           /* of its records */
    uint64_t marked_end;                            /* and what its last mark says of that */
    bool is_dirty;                                  /* something is to be flushed */
    uint64_t cleaned[CC_COMMITLOG_CLEANED_AT_ONCE]; /* and not yet in a record */
    uint32_t cleaned_count;

    struct cc_commitlog_window window;
    size_t ahead;   /* read at once, while one goes through the log; 0: an entry */
    uint8_t *plain; /* the body that was read last, without its mask */
    size_t plain_capacity;
    struct cc_commitlog_job job;
    uint64_t appended_bytes;
    uint64_t moved_bytes;
};

static inline struct cc_commitlog_segment *cc_commitlog_tail(const struct cc_commitlog *log)
{
    return log->segments[log->segment_count - 1];
}

static inline bool cc_commitlog_bit(const uint64_t *bits, uint32_t number)
{
    return (bits[number / 64] >> number % 64 & 1) != 0;
}

static inline void cc_commitlog_bit_set(uint64_t *bits, uint32_t number)
{
    bits[number / 64] |= (uint64_t)1 << number % 64;
}

/* ---- commitlog.c: what went wrong ------------------------------------------------------------- */

/* "FILE: WHAT, at offset OFFSET": the sentence, and `status` again.  No file: NULL; no offset: NONE. */
copycat_status cc_commitlog_complain(
    struct cc_commitlog *log,
    copycat_status status,
    const struct cc_commitlog_segment *segment,
    const char *what,
    uint64_t offset);

/* The same with the reason that the files give; nothing is done any more after it. */
copycat_status cc_commitlog_fail(
    struct cc_commitlog *log,
    copycat_status status,
    const struct cc_commitlog_segment *segment,
    const char *what);

/* Resized to at least `count` elements of `size`; false: no memory, and all is as it was. */
bool cc_commitlog_reserve(
    const struct cc_memory *memory, void *array, uint32_t *capacity, uint64_t count, size_t size);

/* ---- commitlog_segment.c ----------------------------------------------------------------------- */

struct cc_commitlog_segment *cc_commitlog_segment_create(
    const struct cc_memory *memory, const struct cc_commitlog_head *head);
void cc_commitlog_segment_destroy(struct cc_commitlog *log, struct cc_commitlog_segment *segment);

void cc_commitlog_segment_shut(struct cc_commitlog *log, struct cc_commitlog_segment *segment);

/* Opens it if need be, and closes another if there are many. */
copycat_status cc_commitlog_segment_file(
    struct cc_commitlog *log, struct cc_commitlog_segment *segment);

/* Room for one more entry, and for one more note; false: no memory. */
bool cc_commitlog_segment_reserve(
    const struct cc_memory *memory, struct cc_commitlog_segment *segment);
bool cc_commitlog_segment_reserve_note(
    const struct cc_memory *memory, struct cc_commitlog_segment *segment);

/* Counts an entry, for which there is room, at the end; the caller moves the end. */
void cc_commitlog_segment_add(
    struct cc_commitlog_segment *segment, uint64_t index, uint64_t position, uint64_t time_us);

/* The first slot whose index is at least `index`; count if there is none. */
uint32_t cc_commitlog_segment_find(const struct cc_commitlog_segment *segment, uint64_t index);
uint64_t cc_commitlog_segment_index(const struct cc_commitlog_segment *segment, uint32_t slot);
bool cc_commitlog_segment_has(const struct cc_commitlog_segment *segment, uint64_t index);

/* Bytes from an entry to the next one. */
uint64_t cc_commitlog_segment_span(const struct cc_commitlog_segment *segment, uint32_t slot);
void cc_commitlog_segment_clean(struct cc_commitlog_segment *segment, uint32_t slot);

/* Nothing above `last` is in it any more. */
void cc_commitlog_segment_cut(struct cc_commitlog_segment *segment, uint64_t last);

/* The number of the segment that is about this index; segment_count: none. */
uint32_t cc_commitlog_segment_of(const struct cc_commitlog *log, uint64_t index);

/* ---- commitlog_output.c ------------------------------------------------------------------------ */

/* Room for whole records of `size` bytes, which may write what is there; then it counts as added. */
copycat_status cc_commitlog_output_room(
    struct cc_commitlog *log,
    struct cc_commitlog_output *output,
    struct cc_commitlog_segment *segment,
    size_t size,
    uint8_t **room_out);
void cc_commitlog_output_took(
    struct cc_commitlog_output *output, struct cc_commitlog_segment *segment, size_t size);
copycat_status cc_commitlog_output_drain(
    struct cc_commitlog *log,
    struct cc_commitlog_output *output,
    struct cc_commitlog_segment *segment);

/* Makes a file for a new segment, without a byte in it. */
copycat_status cc_commitlog_output_begin(
    struct cc_commitlog *log,
    struct cc_commitlog_output *output,
    struct cc_commitlog_segment *segment);

/* Adds a "cleaned" record, or a mark. */
copycat_status cc_commitlog_output_cleaned(
    struct cc_commitlog *log,
    struct cc_commitlog_output *output,
    struct cc_commitlog_segment *segment,
    uint64_t generation,
    const uint64_t *indexes,
    uint32_t count);
copycat_status cc_commitlog_output_mark(
    struct cc_commitlog *log,
    struct cc_commitlog_output *output,
    struct cc_commitlog_segment *segment);

/* ---- commitlog_footer.c ------------------------------------------------------------------------ */

/* Writes the footer where the records end, through an output that is drained, and syncs. */
copycat_status cc_commitlog_seal(
    struct cc_commitlog *log,
    struct cc_commitlog_output *output,
    struct cc_commitlog_segment *segment);

/* OK: the segment knows what its footer says.  DAMAGED: there is none that is whole. */
copycat_status cc_commitlog_footer_read(
    struct cc_commitlog *log, struct cc_commitlog_segment *segment);

/* ---- commitlog_read.c -------------------------------------------------------------------------- */

void cc_commitlog_window_deinit(const struct cc_memory *memory, struct cc_commitlog_window *window);

/* `size` bytes at `offset`, and what follows up to `ahead` bytes if it must be read: borrowed until
 * the next time. */
copycat_status cc_commitlog_window_at(
    struct cc_commitlog *log,
    struct cc_commitlog_window *window,
    struct cc_commitlog_segment *segment,
    uint64_t offset,
    size_t size,
    size_t ahead,
    const uint8_t **bytes_out);

/* A whole record; DAMAGED, with a sentence. */
copycat_status cc_commitlog_record_at(
    struct cc_commitlog *log,
    struct cc_commitlog_window *window,
    struct cc_commitlog_segment *segment,
    uint64_t offset,
    size_t ahead,
    struct cc_commitlog_record *record_out,
    const uint8_t **bytes_out);

/* ---- commitlog_scan.c -------------------------------------------------------------------------- */

/* Goes through the records up to `end`, all of which must be whole. */
copycat_status cc_commitlog_scan(
    struct cc_commitlog *log, struct cc_commitlog_segment *segment, uint64_t end);

/* The same up to where the file ends, or what was never flushed; `end` says where that is. */
copycat_status cc_commitlog_scan_open(
    struct cc_commitlog *log, struct cc_commitlog_segment *segment);

/* ---- commitlog_load.c, commitlog_mend.c -------------------------------------------------------- */

copycat_status cc_commitlog_load(struct cc_commitlog *log);

/* A file of the directory, while it is found out which count. */
struct cc_commitlog_found {
    struct cc_commitlog_segment *segment;
    uint64_t last;   /* that it is about: what others leave of it */
    bool is_whole;   /* it has a head, and if it was rewritten a footer */
    bool is_visible; /* something is left of it; then the log has its segment */
};

/* Cuts, seals and syncs what counts, removes what does not: from here on disk is as memory. */
copycat_status cc_commitlog_mend(
    struct cc_commitlog *log, struct cc_commitlog_found *found, uint32_t count);

/* ---- commitlog_append.c ------------------------------------------------------------------------ */

/* A new segment from `first` on, behind the others, which are durable; what was cleaned in the first
 * `carried_count` and is said elsewhere is said in it too.  MEMORY: nothing happened. */
copycat_status cc_commitlog_begin_segment(
    struct cc_commitlog *log, uint64_t first, uint32_t carried_count);

/* Seals the segment before the last one, which is durable. */
copycat_status cc_commitlog_seal_previous(struct cc_commitlog *log);
copycat_status cc_commitlog_insert(
    struct cc_commitlog *log, uint32_t at, struct cc_commitlog_segment *segment);

/* Writes and syncs what the last segment has, with its mark. */
copycat_status cc_commitlog_settle(struct cc_commitlog *log);

/* ---- commitlog_forget.c, commitlog_clean.c ----------------------------------------------------- */

/* Removes `count` segments, which nothing needs any more, durably. */
copycat_status cc_commitlog_remove(struct cc_commitlog *log, uint32_t begin, uint32_t count);

/* Those that are wholly below the floor, which is durable. */
copycat_status cc_commitlog_remove_forgotten(struct cc_commitlog *log);

/* Gives up what is under way. */
copycat_status cc_commitlog_abandon(struct cc_commitlog *log);

/* Segments that should be rewritten into one; false: there are none. */
bool cc_commitlog_pick(const struct cc_commitlog *log, uint32_t *begin_out, uint32_t *count_out);

#endif /* CC_COMMITLOG_COMMITLOG_INTERNAL_H */
