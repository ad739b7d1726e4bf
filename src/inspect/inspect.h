/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect -- a server's directory, looked at: which file is what, each batch of the journal, and
 * what a start would make of it.
 *
 * Where it sits:   beside the road: above log, whose decoders and whose recovery it runs as they
 *                  are; below tools.  copycat/sys/inspect.h is the contract with those.
 * Damage:          of what does not read nothing is believed but what recovery would.  A walk goes
 *                  on behind it; the verdict is recovery's alone.
 * Memory:          a window of a file and its largest batch; the verdict as much as a server.
 *
 *     view.c, view_directory.c   files that can only be read
 *     inspect.c                  open and close
 *     inspect_heads.c            which file is what
 *     inspect_walk.c             the batches of one file, and what lies between them
 *     inspect_record.c           a record, for people
 *     inspect_image_record.c     the same of what an image or a segment is made of
 *     inspect_files.c            files are told
 *     inspect_list.c             records are told
 *     inspect_recover.c          recovery as a server does it
 *     inspect_image.c            images and segments are read
 *     inspect_segment.c          which image needs which segment, and does it get that
 *     inspect_refusal.c          why recovery refuses, in a sentence
 *     inspect_verify.c           findings
 *     inspect_verify_image.c     those of images and segments
 */
#ifndef CC_INSPECT_INSPECT_H
#define CC_INSPECT_INSPECT_H

#include "apply/image_record.h"
#include "inspect/view.h"
#include "log/format.h"
#include "log/image.h"

#include <copycat/sys/inspect.h>

#define CC_INSPECT_PATH_SIZE 400u /* of the directory: recovery has room for a name behind it */
#define CC_INSPECT_OPENED_MAX 1024u
#define CC_INSPECT_NAME_SIZE 64u
#define CC_INSPECT_NO_SENSE "the record makes no sense, though its checksum is right"

/* A resource that was seen to be opened, if it did not exist yet. */
struct cc_inspect_opened {
    uint64_t instance;
    uint32_t type;
};

/* One file. */
struct cc_inspect_part {
    uint32_t kind;    /* COPYCAT_FILE_JOURNAL ... */
    uint32_t state;   /* COPYCAT_FILE_USED ... as far as its head shows */
    uint32_t slot;    /* journal: the number in its name */
    uint32_t life;    /* journal: 0: none */
    uint32_t claimed; /* the life that all of a file is stamped with whose head does not read */
    uint32_t batches_of_previous; /* as its table says, which reads */
    bool has_table;
    bool is_unreadable;       /* the disk refuses some of it */
    struct cc_image_id image; /* image, segment: what the name says */
    uint64_t size;
    char name[CC_INSPECT_NAME_SIZE];
};

struct copycat_inspection {
    struct cc_view view;
    const struct cc_memory *memory;
    void *directory; /* what the files' functions work on; owned by whoever made it */
    char path[CC_INSPECT_PATH_SIZE];
    struct cc_inspect_part *parts;
    uint32_t part_count;
    uint32_t part_capacity;
    uint64_t size;   /* of all files */
    uint32_t server; /* as the tables say; 0: none reads */
    uint64_t tag;    /* of its batches; 0: none reads */
    uint32_t newest; /* life */
    uint64_t done;   /* bytes that were read, for whoever waits */
    copycat_inspect_progress_callback *on_progress;
    void *user;
    struct cc_inspect_opened *opened; /* the latest such: a ring */
    uint64_t opened_count;            /* of all */
};

/* inspect.c: from then on as copycat_inspect_open.  `directory` is what `files` work on. */
copycat_status cc_inspect_create(
    copycat_inspection **inspection_out,
    const struct cc_memory *memory,
    const struct cc_view_files *files,
    void *directory,
    const char *path,
    copycat_message *message);
void cc_inspect_destroy(copycat_inspection *inspection);

/* A sentence for `message`, which may be NULL: that file cannot be read. */
copycat_status cc_inspect_fail_reading(
    const copycat_inspection *inspection,
    const struct cc_inspect_part *part,
    copycat_status status,
    copycat_message *message);

/* A sentence for `message`, which may be NULL; returns the status. */
__attribute__((format(printf, 3, 4))) copycat_status cc_inspect_fail(
    copycat_message *message, copycat_status status, const char *format, ...);

/* So many more bytes have been read; `owner` is an inspection. */
void cc_inspect_advance(void *owner, uint64_t size);

/* inspect_heads.c: what each file is, in the order of the log. */
copycat_status cc_inspect_read_heads(copycat_inspection *inspection, copycat_message *message);
const struct cc_inspect_part *cc_inspect_part_of_life(
    const copycat_inspection *inspection, uint32_t life);

/* ---- inspect_walk.c -------------------------------------------------------------------------- */

struct cc_inspect_batch {
    const struct cc_inspect_part *part;
    uint64_t offset;
    const struct cc_batch_header *header;
    const uint8_t *bytes; /* the stamps replaced */
};

enum cc_inspect_gap_kind {
    CC_GAP_TORN,    /* the last batch, cut off by a crash */
    CC_GAP_DAMAGED, /* anything else */
    CC_GAP_NEWER,   /* of a later format */
};

struct cc_inspect_gap {
    const struct cc_inspect_part *part;
    uint64_t offset;
    uint64_t size; /* to the next batch that reads, or to the end of what is known */
    uint32_t number;
    uint32_t life;
    enum cc_inspect_gap_kind kind;
    bool is_unreadable;                   /* the disk refuses to read some of it */
    const struct cc_batch_header *header; /* NULL: it does not read either */
};

/* True to go on. */
struct cc_inspect_walker {
    bool (*on_batch)(void *owner, const struct cc_inspect_batch *batch);
    bool (*on_gap)(void *owner, const struct cc_inspect_gap *gap);
    void *owner;
};

/* The batches of a file that has a life, and each stretch that does not read. */
copycat_status cc_inspect_walk(
    copycat_inspection *inspection,
    const struct cc_inspect_part *part,
    const struct cc_inspect_walker *walker);

/* A file, read through a window. */
struct cc_inspect_window {
    copycat_inspection *inspection;
    void *handle;
    uint64_t size; /* of the file, whole blocks */
    uint8_t *data;
    size_t capacity;
    uint64_t at;
    size_t used;
    bool is_unreadable; /* some of what was read */
};

/* Partner: cc_inspect_window_close. */
copycat_status cc_inspect_window_open(
    struct cc_inspect_window *window,
    copycat_inspection *inspection,
    const struct cc_inspect_part *part);
void cc_inspect_window_close(struct cc_inspect_window *window);

/* The bytes there, which must be within the file; NULL: there is no memory.  What the disk refuses
 * is filled with what is no batch.  Valid until the next call. */
uint8_t *cc_inspect_window_read(struct cc_inspect_window *window, uint64_t offset, size_t size);

/* What was read is to be read anew. */
void cc_inspect_window_forget(struct cc_inspect_window *window);

/* What lies from `offset` to the end of the file.  OK or MEMORY. */
copycat_status cc_inspect_judge(
    struct cc_inspect_window *window,
    uint64_t offset,
    uint32_t life,
    uint32_t number,
    const struct cc_batch_header *header,
    struct cc_remains_judge *judge_out);

/* inspect_list.c */
copycat_bytes cc_inspect_records_of(const struct cc_inspect_batch *batch);

/* ---- inspect_record.c ------------------------------------------------------------------------ */

/* For people; what it makes of the bytes is borrowed from them. */
void cc_inspect_describe(
    copycat_inspection *inspection,
    const struct cc_inspect_batch *batch,
    const struct cc_record *record,
    copycat_inspect_record *record_out);

/* An encoded entry; false: it makes no sense. */
bool cc_inspect_describe_entry(
    copycat_inspection *inspection, copycat_bytes bytes, copycat_inspect_record *record_out);

/* From here on it is known of which type that resource is. */
void cc_inspect_note_opened(copycat_inspection *inspection, uint64_t instance, uint32_t type);

/* ---- inspect_recover.c ----------------------------------------------------------------------- */

/* A batch that does not read, and what of its entries is still missing in the end. */
struct cc_inspect_damage {
    uint32_t life;
    uint64_t offset;
    uint64_t first;
    uint64_t last;
    uint64_t missing;
};

struct cc_inspect_verdict {
    copycat_status status; /* of a start */
    char text[768];        /* why it fails */
    struct cc_inspect_damage *damages;
    uint32_t damage_count;
    uint32_t damage_capacity;
    uint32_t vote;
    uint64_t term;
    uint64_t first;
    uint64_t last;
    uint64_t time_us;
    uint64_t missing;
    uint64_t boot;
    bool has_founding;
    uint8_t cluster_id[CC_CLUSTER_ID_SIZE];
    struct cc_image_id image; /* that it stands on; of size 0: none */
    bool has_others;          /* members, who may have what does not read here */
};

/* Partner: cc_inspect_verdict_deinit. */
copycat_status cc_inspect_recover(
    copycat_inspection *inspection, struct cc_inspect_verdict *verdict_out);
void cc_inspect_verdict_deinit(copycat_inspection *inspection, struct cc_inspect_verdict *verdict);

/* ---- inspect_image.c ------------------------------------------------------------------------- */

struct cc_inspect_run {
    uint64_t first;
    uint64_t last;
};

/* An image or a segment, read from begin to end. */
struct cc_inspect_image {
    copycat_status status; /* OK, DAMAGED, NEWER, IO, BUSY */
    struct cc_image_id id;
    struct cc_image_head head;
    struct cc_image_segment *segments; /* that it needs, if it reads */
    size_t segment_count;
    uint64_t table_offset;       /* where it says so */
    struct cc_inspect_run *runs; /* of indexes of live commits, ascending, as far as it reads */
    size_t run_count;
    size_t run_capacity;
    uint64_t live_count;
    char text[768]; /* what is wrong: a sentence that begins with the path */
};

/* For each record, which lies in the piece at `offset`.  Returns NULL to go on, or what is wrong with
 * it: then nothing behind it is read. */
struct cc_inspect_taker {
    const char *(*on_record)(void *owner, uint64_t offset, const struct cc_image_record *record);
    void *owner;
};

/* `expected` of size 0: whatever is there of that name.  `taker` may be NULL.  Partner:
 * cc_inspect_image_deinit. */
copycat_status cc_inspect_read_image(
    copycat_inspection *inspection,
    const struct cc_image_id *expected,
    const struct cc_inspect_taker *taker,
    struct cc_inspect_image *image_out);

void cc_inspect_image_deinit(const copycat_inspection *inspection, struct cc_inspect_image *image);

/* ---- inspect_refusal.c ----------------------------------------------------------------------- */

/* Why recovery refuses. */
struct cc_inspect_refusal {
    char file[64]; /* "": the directory */
    char what[768];
    uint64_t offset; /* COPYCAT_NONE: none is told */
};

/* A sentence of the journal's or of an image's reader, taken apart. */
void cc_inspect_split(
    const copycat_inspection *inspection, const char *text, struct cc_inspect_refusal *refusal_out);

/* Why an image, or a segment, does not read. */
void cc_inspect_split_image(
    const copycat_inspection *inspection,
    const struct cc_inspect_image *image,
    struct cc_inspect_refusal *refusal_out);

void cc_inspect_explain(
    const copycat_inspection *inspection,
    const struct cc_inspect_verdict *verdict,
    struct cc_inspect_refusal *refusal_out);

/* ---- inspect_image_record.c ------------------------------------------------------------------ */

/* For people; what it makes of the bytes is borrowed from them. */
void cc_inspect_describe_record(
    copycat_inspection *inspection,
    const struct cc_image_record *record,
    copycat_inspect_record *record_out);

/* A piece of LIVE: each run of it.  False if it makes no sense, or `on_run` says so. */
bool cc_inspect_each_run(
    copycat_bytes payload,
    uint64_t *last,
    bool (*on_run)(void *owner, uint64_t first, uint64_t last),
    void *owner);

/* ---- inspect_segment.c ----------------------------------------------------------------------- */

/* Every image that there is, and the one that should be. */
struct cc_inspect_images {
    struct cc_inspect_image *at;
    size_t count;
    const struct cc_inspect_image *base; /* that is stood on; NULL: none */
    bool is_known;                       /* it is, and what it needs: it reads, or there is none */
};

/* Of a journal that gave that verdict.  Partner: cc_inspect_images_deinit, also after a failure. */
copycat_status cc_inspect_read_images(
    copycat_inspection *inspection,
    const struct cc_inspect_verdict *verdict,
    struct cc_inspect_images *images_out);
void cc_inspect_images_deinit(
    const copycat_inspection *inspection, struct cc_inspect_images *images);

/* NULL: the name is that of no image here. */
const struct cc_inspect_image *cc_inspect_find_image(
    const struct cc_inspect_images *images, const struct cc_image_id *name);

/* Of its file. */
void cc_inspect_write_name(const struct cc_image_id *id, char name_out[CC_INSPECT_NAME_SIZE]);

/* Who needs a segment. */
struct cc_inspect_need {
    const struct cc_inspect_image *image; /* that is stood on, if that does; NULL: none */
    const struct cc_image_segment *segment;
    uint32_t image_count;
};

struct cc_inspect_need cc_inspect_find_need(
    const struct cc_inspect_images *images, const struct cc_image_id *name);

/* Without reading the segment: at most so many of its commits live. */
uint64_t cc_inspect_count_live(
    const struct cc_inspect_image *image, const struct cc_image_segment *segment);

/* What is in a segment. */
struct cc_inspect_content {
    struct cc_image_segment found; /* size and checksum apart */
    uint64_t live_count;           /* of them, for the image that needs it */
    uint64_t term;                 /* of the last */
    uint64_t time_us;
};

/* The segment of that name, held against what the image that needs it says of it; `taker` gets only
 * what is right, and knows from the content how many came before.  Partner:
 * cc_inspect_image_deinit. */
copycat_status cc_inspect_read_segment(
    copycat_inspection *inspection,
    const struct cc_image_id *name,
    const struct cc_inspect_need *need,
    const struct cc_inspect_taker *taker,
    struct cc_inspect_image *segment_out,
    struct cc_inspect_content *content_out);

/* True if a file of that name is here. */
bool cc_inspect_has_part(const copycat_inspection *inspection, const struct cc_image_id *name);

#endif /* CC_INSPECT_INSPECT_H */
