/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_reader -- the state of a reader, for image_open.c (until on_open) and image_read.c (from there
 * on).
 *
 * A read takes the first block of what follows with it, which says how large that is: so each block
 * is read once, by requests of the very size.
 *
 * Threads: what a piece costs to check and to unpack is paid where the environment reads it, beside
 *          the loop, which meanwhile does what it wants with the piece before.  Until the request is
 *          done `check`, and what it points to, are not the loop's.
 * Memory:  a buffer for each piece that is lent, read ahead or being read, of the largest piece that
 *          it held and of what that unpacks to; the headers bound them before anything is taken.
 */
#ifndef CC_LOG_IMAGE_READER_H
#define CC_LOG_IMAGE_READER_H

#include "log/image_output.h"

/* Buffers in a circle: the piece that the caller has, those ahead, and the one that is read. */
#define CC_IMAGE_HELD 20u
#define CC_IMAGE_HELD_NEAR 2u /* so many are used where nobody wants more than one ahead */

struct cc_image_buffer {
    void *memory;
    uint8_t *data;
    size_t capacity;
};

/* A piece in memory: as it is stored, and unpacked, if it was packed. */
struct cc_image_held {
    struct cc_image_buffer stored;
    struct cc_image_buffer raw;
    struct cc_image_piece piece;
    uint64_t at; /* where it begins */
};

/* A piece that was read: what is known of it before, and what work found. */
struct cc_image_check {
    const struct cc_image_piece *piece;
    const uint8_t *blocks;
    size_t size;
    uint64_t before;   /* checksum of the file before it */
    uint8_t *raw;      /* room for what it unpacks to */
    bool is_whole;     /* all its blocks are as they were written, */
    bool is_unpacked;  /* what they hold comes to what the header says, */
    uint64_t checksum; /* and this is the checksum of the file through it */
};

struct cc_image_reader {
    struct cc_env *env;
    struct cc_image_read_callbacks callbacks;
    void *owner;
    struct cc_image_id id; /* the one expected, then the one that is there */
    struct cc_image_head head;
    struct cc_image_end end;
    struct cc_file *file;
    uint64_t size; /* of the file */
    struct cc_disk_request request;
    struct cc_task task;
    bool is_busy; /* the request is under way */
    bool is_closing;
    bool is_wanted; /* the next piece */
    bool is_ended;  /* behind the pieces that are there: whole, or for the reason in `status` */
    copycat_status status;
    struct cc_image_held held[CC_IMAGE_HELD];
    uint32_t held_count;               /* of them that are used */
    uint32_t lent;                     /* in it: what the caller has; behind it what is ahead */
    uint32_t ahead;                    /* so many pieces, */
    size_t ahead_size;                 /* so many bytes stored; */
    size_t ahead_wanted;               /* with so many there need not be more */
    struct cc_image_check check;       /* of the piece that is read, behind those */
    const uint8_t *next;               /* first block of what comes after what was read, */
    uint64_t at;                       /* where that lies; */
    uint64_t pieces;                   /* before it, */
    uint64_t raw_size;                 /* of so many bytes */
    uint64_t checksum;                 /* of everything before it */
    uint64_t taken_at;                 /* the piece before it, */
    uint64_t lent_at;                  /* and the one that was given out last */
    struct cc_image_segment *segments; /* that it needs */
    size_t segment_count;
    char path[CC_IMAGE_PATH_SIZE];
    char text[CC_IMAGE_TEXT_SIZE];
};

/* image_open.c */
void cc_image_reader_ask(
    struct cc_image_reader *reader,
    enum cc_disk_operation operation,
    void (*done)(struct cc_disk_request *request));
void cc_image_reader_read(
    struct cc_image_reader *reader,
    uint8_t *target,
    uint64_t offset,
    size_t size,
    void (*work)(struct cc_disk_request *request),
    void (*done)(struct cc_disk_request *request));

/* What is in the buffer is lost, unless it is large enough. */
void cc_image_reader_reserve(
    struct cc_image_reader *reader, struct cc_image_buffer *buffer, size_t size);

/* True if the reader is to go on; a request of its has come back. */
bool cc_image_reader_is_going_on(struct cc_image_reader *reader);

/* image_read.c */
void cc_image_reader_end(
    struct cc_image_reader *reader, copycat_status status, const char *what, uint64_t offset);
void cc_image_reader_read_ahead(struct cc_image_reader *reader);
void cc_image_reader_wind_up(struct cc_image_reader *reader);
void cc_image_reader_run(struct cc_task *task);

#endif /* CC_LOG_IMAGE_READER_H */
