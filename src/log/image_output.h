/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_output -- a file that grows at its end, made by a writer or a sink of image.h.
 *
 * What it is: blocks wait in order, one request is under way; then file and name are made durable.
 * What is put before it has a name waits for that.
 * What has the name already is removed, not written over: it may be longer.  A writer's
 * segment of the same size is left as it is, and made durable: its name says what is in it, and it is
 * read before anybody relies on it.  Whatever ends it early
 * closes the file and removes it, but for an error of the disk, after which nothing more is asked
 * of that.
 *
 *     open - (close - remove - open) - write ... write - sync - close - sync directory - over
 *       \________________________\__________________\_______\____________\ close - remove - over
 */
#ifndef CC_LOG_IMAGE_OUTPUT_H
#define CC_LOG_IMAGE_OUTPUT_H

#include "log/image_format.h"

/* Aligned bytes of whole blocks on their way to the disk. */
struct cc_image_blocks {
    struct cc_list node;
    void *memory;
    uint8_t *data;
    size_t size;
};

struct cc_image_output {
    struct cc_env *env;
    void (*on_written)(struct cc_image_output *output); /* after each write, the last thing done */
    void (*on_over)(struct cc_image_output *output);    /* `status` says how; it may be freed */
    struct cc_list blocks;
    uint64_t waiting; /* bytes in them */
    uint64_t size;    /* of the file, with what waits */
    uint64_t written;
    struct cc_file *file;
    struct cc_disk_request request;
    struct cc_task task;   /* ends what has no name yet */
    copycat_status status; /* OK until something ends it early */
    bool is_busy;          /* the request is under way */
    bool is_finished;      /* nothing more will be put */
    bool is_there;         /* a file of the name: ours, or the one that is replaced */
    bool is_replacing;
    bool is_named;
    bool keeps_same; /* what has the name and the size is what would be written */
    bool is_winding_up;
    char directory[CC_IMAGE_PATH_SIZE];
    char path[CC_IMAGE_PATH_SIZE];
};

/* An aligned buffer, not zeroed; `*memory_out` is what is to be given back. */
uint8_t *cc_image_aligned(const struct cc_memory *memory, size_t size, void **memory_out);

/* Zeroed blocks; to be put, or given to cc_image_blocks_destroy. */
struct cc_image_blocks *cc_image_blocks_create(const struct cc_memory *memory, size_t size);
void cc_image_blocks_destroy(const struct cc_memory *memory, struct cc_image_blocks *blocks);

/* env, on_written and on_over are set by the caller, the rest is zero. */
void cc_image_output_init(struct cc_image_output *output);

/* Gives it the name of `id`; once.  INVALID: see image.h. */
copycat_status cc_image_output_begin(
    struct cc_image_output *output, const char *directory, const struct cc_image_id *id);

void cc_image_output_put(struct cc_image_output *output, struct cc_image_blocks *blocks_take);

/* Ends in on_over. */
void cc_image_output_finish(struct cc_image_output *output);

/* `status` is what on_over is to find. */
void cc_image_output_abandon(struct cc_image_output *output, copycat_status status);

/* Why it ended early, in words. */
void cc_image_output_describe(
    const struct cc_image_output *output, char text_out[CC_IMAGE_TEXT_SIZE]);

#endif /* CC_LOG_IMAGE_OUTPUT_H */
