/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image -- files that hold the whole state of one group at one index, and segments, which hold live
 * commits for it: written, read, lent to others piece by piece, received from them, swept away.
 *
 * Where it sits:   apply -> [image] -> env; spoken to by server/group.  What the bytes mean is
 *                  apply's business.  docs/disk-format.md, "Images", is normative.
 * Files:           "image-<group>-<index>" and "segment-<group>-<index>-<checksum>" in the server's
 *                  directory, complete or worthless: an end block vouches for everything before it.
 *                  Equal additions make equal files.  Of a segment the name says the content.
 * Threads:         the loop thread alone.  Callbacks never run inside a call; what they are given is
 *                  borrowed until they return, unless stated.
 * Ownership:       each begin or open makes an object of env's memory, which ends itself just before
 *                  on_done or on_closed: the pointer is dead there.  `directory` is copied.
 * Errors:          whoever asked is told, with a sentence: path, what, offset.  IO: the disk failed,
 *                  nothing was tried again and the server should stop.  DISK_FULL and BUSY (no
 *                  descriptor is left): this image could not be made; another one may be.
 * One at a time:   a name belongs to one writer or sink until its on_done: whoever takes an image of a
 *                  group receives none meanwhile, and begins none that the group stands on.  A sweep
 *                  has ended before either begins, or was told of it.
 *
 * Invariants
 *   I1  one disk request under way for each object
 *   I2  on_done(OK) of a writer or a sink: the whole file and its name are durable
 *   I3  any other on_done but IO: nothing of it is left (or could not be removed)
 */
#ifndef CC_LOG_IMAGE_H
#define CC_LOG_IMAGE_H

#include "env/env.h"
#include "proto/member.h"

#define CC_IMAGE_ADD_SIZE_MAX (4u << 20) /* bytes added at once */
#define CC_IMAGE_PIECE_SIZE (256u << 10) /* what is added gathers up to so much */
#define CC_IMAGE_WAITING_MAX (1u << 20)  /* bytes that wait for the disk; one piece exceeds it */
#define CC_IMAGE_GROUP_MAX 9999u         /* four digits in the name */

/* Which file: of equal identity are equal bytes. */
struct cc_image_id {
    uint32_t group;
    uint64_t index;    /* of a segment: the first that it may have */
    uint64_t term;     /* of a segment: 0 */
    uint64_t time_us;  /* log time at the index; of a segment: 0 */
    uint64_t size;     /* of the file */
    uint64_t checksum; /* of everything in it but the end block */
    bool is_segment;
};

/* A segment as the table at the end of an image names it. */
struct cc_image_segment {
    uint64_t first; /* indexes of its first commit ... */
    uint64_t last;  /* ... and its last */
    uint64_t count; /* of its commits, */
    uint64_t bytes; /* and of their records */
    uint64_t size;
    uint64_t checksum;
};

/* What an image says of itself before anything else; nothing in it is of one server alone. */
struct cc_image_head {
    uint32_t group;
    uint64_t index;
    uint64_t term;
    uint64_t time_us;
    uint8_t cluster_id[CC_CLUSTER_ID_SIZE];
    bool is_segment; /* then term and time are 0 */
};

bool cc_image_id_equals(const struct cc_image_id *left, const struct cc_image_id *right);

struct cc_image_id cc_image_segment_id(uint32_t group, const struct cc_image_segment *segment);

/* ---- writing --------------------------------------------------------------------------------- */

struct cc_image_writer;

struct cc_image_write_callbacks {
    /* After an addition that was not taken: some may be now. */
    void (*on_room)(void *owner);
    /* Once, and last.  OK: `id` is of the image, which is durable.  CLOSED: it was abandoned. */
    void (*on_done)(
        void *owner, copycat_status status, const struct cc_image_id *id, const char *text);
};

/* INVALID: the directory's name is too long, or the group's number too large.  What has the same
 * name is replaced.  A segment is kept in memory until it is finished, when its name is known. */
copycat_status cc_image_write_begin(
    struct cc_image_writer **writer_out,
    struct cc_env *env,
    const char *directory,
    const struct cc_image_head *head,
    const struct cc_image_write_callbacks *callbacks,
    void *owner);

/*
 * Adds 1 to CC_IMAGE_ADD_SIZE_MAX bytes, which are copied; a reader finds them in one piece.  False:
 * nothing was taken, since too much waits for the disk, and on_room comes; or since it failed, and
 * on_done comes.  Where pieces end depends on the sizes added and on nothing else, so that members
 * which add the same records one by one make the same file.
 */
bool cc_image_write_add(struct cc_image_writer *writer, copycat_bytes bytes);

/* The segments that this image, which is none itself, needs: after the last addition, ascending. */
void cc_image_write_segments(
    struct cc_image_writer *writer, const struct cc_image_segment *segments, size_t count);

/* Everything was added. */
void cc_image_write_finish(struct cc_image_writer *writer);

/* Gives up, at any time before on_done, also after finish: on_done(CLOSED) comes, or tells of the
 * failure that came before. */
void cc_image_write_abandon(struct cc_image_writer *writer);

/* ---- reading --------------------------------------------------------------------------------- */

struct cc_image_reader;

struct cc_image_read_callbacks {
    /* OK: head and end are there and are the ones expected.  Otherwise DAMAGED (also: no such file),
     * NEWER, IO or BUSY, and nothing but closing is left to do. */
    void (*on_open)(
        void *owner,
        copycat_status status,
        const struct cc_image_id *id,
        const struct cc_image_head *head,
        const char *text);
    /* Whole additions, verified; valid until the next cc_image_read_next or close. */
    void (*on_piece)(void *owner, copycat_bytes bytes);
    /* OK: that was all of it, and it is the very image.  Otherwise why there is no more. */
    void (*on_end)(void *owner, copycat_status status, const char *text);
    void (*on_closed)(void *owner);
};

/* `id` of size 0 stands for whatever file there is of its name. */
copycat_status cc_image_read_begin(
    struct cc_image_reader **reader_out,
    struct cc_env *env,
    const char *directory,
    const struct cc_image_id *id,
    const struct cc_image_read_callbacks *callbacks,
    void *owner);

/* Right after it was begun: pieces are read ahead until so many bytes of them are in memory (at most
 * 18 pieces), not one alone. */
void cc_image_read_ahead(struct cc_image_reader *reader, size_t size);

/* From on_open(OK) on, once for each on_piece: the next piece, or the end, comes. */
void cc_image_read_next(struct cc_image_reader *reader);

/* What comes next is in memory; false: the disk is waited for. */
bool cc_image_read_is_ready(const struct cc_image_reader *reader);

/* From on_open(OK) on: the bytes of all additions. */
uint64_t cc_image_read_raw_size(const struct cc_image_reader *reader);

/* Where in the file the piece lies that was read last; in on_piece: what is given out. */
uint64_t cc_image_read_offset(const struct cc_image_reader *reader);

/* From on_end(OK) on, until it is closed: the segments that the image needs, ascending. */
const struct cc_image_segment *cc_image_read_segments(
    const struct cc_image_reader *reader, size_t *count_out);

/* At any time; on_closed comes, and nothing before it any more. */
void cc_image_read_close(struct cc_image_reader *reader);

/* ---- lending --------------------------------------------------------------------------------- */

/* The file of an image as it is, for a member that needs it. */
struct cc_image_source;

/* A run of its bytes.  The caller sets what comes first; it is the source's until `done`. */
struct cc_image_loan {
    uint64_t offset;
    uint32_t size; /* 1 to CC_IMAGE_PART_SIZE_MAX; behind the end there is nothing to be had */
    void (*done)(struct cc_image_loan *loan);
    void *owner;
    /* OK, IO; INVALID: there are no such bytes; what on_open said; CLOSED */
    copycat_status status;
    copycat_bytes bytes; /* valid until `done` returns, in which the loan may be freed */
    struct cc_list node; /* the source's own */
};

struct cc_image_source_callbacks {
    /* OK: the file has the size and the checksum of `id`.  Otherwise DAMAGED (also: no such file), IO
     * or BUSY. */
    void (*on_open)(void *owner, copycat_status status, const char *text);
    void (*on_closed)(void *owner);
};

/* The file stays readable until the source is closed, also when its name is removed. */
copycat_status cc_image_source_open(
    struct cc_image_source **source_out,
    struct cc_env *env,
    const char *directory,
    const struct cc_image_id *id,
    const struct cc_image_source_callbacks *callbacks,
    void *owner);

/* Any number of them; they are done in turn, each read from the disk by itself. */
void cc_image_source_lend(struct cc_image_source *source, struct cc_image_loan *loan);

/* Loans that wait are done with CLOSED; then on_closed comes. */
void cc_image_source_close(struct cc_image_source *source);

/* ---- receiving ------------------------------------------------------------------------------- */

struct cc_image_sink;

struct cc_image_sink_callbacks {
    /* After bytes that were not taken: some may be now. */
    void (*on_room)(void *owner);
    /* Once, and last.  OK: the file is durable, with the bytes that came: a reader has to say whether
     * they are the image.  CLOSED: it was abandoned. */
    void (*on_done)(void *owner, copycat_status status, const char *text);
};

/* INVALID, as for a writer; or no image can have that size.  What has the same name is replaced. */
copycat_status cc_image_sink_begin(
    struct cc_image_sink **sink_out,
    struct cc_env *env,
    const char *directory,
    const struct cc_image_id *id,
    const struct cc_image_sink_callbacks *callbacks,
    void *owner);

/*
 * Takes all of `bytes`, or nothing: INVALID if they do not begin where the last ended, are none, or go
 * beyond the image; BUSY if too much waits for the disk, and on_room comes, or if it failed, and
 * on_done comes.
 */
copycat_status cc_image_sink_add(struct cc_image_sink *sink, uint64_t offset, copycat_bytes bytes);

/* Where the next bytes have to begin: the size of the image, if there are no more. */
uint64_t cc_image_sink_next(const struct cc_image_sink *sink);

/* Every byte was added. */
void cc_image_sink_finish(struct cc_image_sink *sink);

/* As for a writer. */
void cc_image_sink_abandon(struct cc_image_sink *sink);

/* ---- sweeping -------------------------------------------------------------------------------- */

struct cc_image_sweep;

/*
 * Removes each file of the directory whose name is an image's or a segment's, unless it is the name of
 * one to keep: give every one that is stood on, written, read or received.  Other names are left
 * alone; with `keeps_segments`, those of segments, too.  on_done comes once, with OK, IO, BUSY or CLOSED; what it did not get at, the next will.
 */
copycat_status cc_image_sweep_begin(
    struct cc_image_sweep **sweep_out,
    struct cc_env *env,
    const char *directory,
    const struct cc_image_id *keep,
    size_t keep_count,
    bool keeps_segments,
    void (*on_done)(void *owner, copycat_status status, const char *text),
    void *owner);

/* Stops behind what is under way; on_done(CLOSED) comes. */
void cc_image_sweep_abandon(struct cc_image_sweep *sweep);

#endif /* CC_LOG_IMAGE_H */
