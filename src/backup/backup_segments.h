/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_segments -- the live commits of a backup become segments of the image that is made of it.
 */
#ifndef CC_BACKUP_BACKUP_SEGMENTS_H
#define CC_BACKUP_BACKUP_SEGMENTS_H

#include "apply/image_record.h"
#include "log/image.h"

struct cc_backup_segments {
    struct cc_env *env;
    const char *directory;
    struct cc_image_head head; /* of the image */
    /* A segment is durable, or could not be made: more may be added, or nothing. */
    void (*on_sealed)(void *owner, copycat_status status, const char *text);
    void *owner;
    struct cc_image_writer *writer; /* of the segment at hand; NULL: there is none */
    struct cc_image_segment name;   /* of that */
    bool is_sealing;
    struct cc_image_segment *table; /* of those that are durable */
    size_t count;
    size_t capacity;
};

/* env, directory, head, on_sealed and owner are set; the rest is zero.  Partner:
 * cc_backup_segments_deinit, when no segment is at hand. */
void cc_backup_segments_deinit(struct cc_backup_segments *segments);

/* One record of a commit, above those before it.  False: not now, on_sealed comes. */
bool cc_backup_segments_add(
    struct cc_backup_segments *segments, const struct cc_image_record *record);

/* True if the last one is durable, too.  False: on_sealed comes. */
bool cc_backup_segments_seal(struct cc_backup_segments *segments);

#endif /* CC_BACKUP_BACKUP_SEGMENTS_H */
