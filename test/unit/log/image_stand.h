/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_stand -- images on a memory_disk: what was added to a writer, what a reader gave back.
 *
 * A script is a series of additions, each known by its place in it and its size.  The oracle: what
 * is read is the additions of the script, in order, none of them in two pieces; or it is refused.
 */
#ifndef CC_TEST_IMAGE_STAND_H
#define CC_TEST_IMAGE_STAND_H

#include "log/image.h"
#include "unit/log/memory_disk.h"

#define IMAGE_ADDITIONS_MAX 256u
#define IMAGE_DIRECTORY "/data/server"

struct image_script {
    uint32_t sizes[IMAGE_ADDITIONS_MAX];
    uint32_t count;
    bool is_dull; /* of bytes that repeat themselves */
};

extern const struct cc_image_head image_head; /* of group 3, index 70000 */

/* The bytes of one addition; borrowed until the next call. */
copycat_bytes image_addition(const struct image_script *script, uint32_t number);

/* One image being written. */
struct image_writing {
    struct memory_disk *disk;
    struct cc_image_writer *writer; /* NULL: it is done */
    const struct image_script *script;
    uint32_t added;
    uint32_t refusals; /* additions not taken, for the time being */
    bool is_calling;   /* inside a call: no callback may come */
    bool is_finished;
    uint32_t dones;
    copycat_status status;
    struct cc_image_id id;
    char text[1024];
};

void image_write_begin(
    struct image_writing *writing,
    struct memory_disk *disk,
    const struct cc_image_head *head,
    const struct image_script *script);

/* Adds what is taken, and finishes behind the last. */
void image_write_more(struct image_writing *writing);

void image_write_abandon(struct image_writing *writing);

/* Until it is done, or the disk has carried out so many calls. */
void image_write_run(struct image_writing *writing, uint64_t calls_max);

/* A whole image, which must come to be. */
struct cc_image_id image_write(
    struct memory_disk *disk, const struct cc_image_head *head, const struct image_script *script);

/* What readers are told to read ahead, as far as they can before more is taken; 0: nothing. */
extern size_t image_ahead_size;

/* One image being read. */
struct image_reading {
    struct memory_disk *disk;
    struct cc_image_reader *reader; /* NULL: closed */
    const struct image_script *script;
    uint32_t seen; /* additions that came, and are what was added */
    uint32_t pieces;
    bool is_wrong; /* something came that was not added */
    bool is_calling;
    bool is_waiting; /* to ask for the next piece */
    bool is_open;
    bool is_ended;
    copycat_status status; /* of on_open, then of on_end */
    struct cc_image_id id;
    struct cc_image_head head;
    char text[1024];
};

void image_read_begin(
    struct image_reading *reading,
    struct memory_disk *disk,
    const struct cc_image_id *id,
    const struct image_script *script);

/* The disk goes on, and where it has nothing to do the next piece is asked for; false: no more. */
bool image_read_step(struct image_reading *reading);

void image_read_close(struct image_reading *reading);

/* Reads all there is, and closes; what is accepted must be the script's. */
copycat_status image_read(
    struct image_reading *reading,
    struct memory_disk *disk,
    const struct cc_image_id *id,
    const struct image_script *script);

/* Removes all images but those to keep. */
copycat_status image_sweep(
    struct memory_disk *disk, const struct cc_image_id *keep, size_t keep_count);

/* Files that have a name. */
uint32_t image_files(struct memory_disk *disk);

/* The only file that has a name. */
struct memory_file *image_file(struct memory_disk *disk);

#endif /* CC_TEST_IMAGE_STAND_H */
