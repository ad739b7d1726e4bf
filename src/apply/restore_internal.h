/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore_internal -- what restore.c and restore_record.c share.
 */
#ifndef CC_APPLY_RESTORE_INTERNAL_H
#define CC_APPLY_RESTORE_INTERNAL_H

#include "apply/apply_internal.h"
#include "apply/restore.h"

#define CC_RESTORE_TEXT_SIZE 200u

struct cc_restoring {
    const struct cc_memory *memory;
    struct cc_apply *apply; /* NULL once it is given away */
    copycat_status status;
    char text[CC_RESTORE_TEXT_SIZE];
    uint64_t record_count;
    uint64_t counts[CC_IMAGE_TYPES];
    int stage;            /* of the last record, see restore.c */
    bool is_ended;        /* END was taken, ... */
    uint64_t digest;      /* ... which says this, ... */
    uint64_t commits_due; /* ... and that so many live commits follow */

    struct cc_session *session; /* the last, if its answers are still to come */
    uint64_t session_id;        /* the last */
    uint64_t touched;           /* of that session, which settles only when it has its answers */
    uint64_t answers_left;
    uint64_t answer_index; /* of its last answer */

    uint64_t instance_id;               /* the last */
    struct cc_deadline_view deadline;   /* the last */
    uint32_t blob_position;             /* of the instance whose blob comes next */
    uint64_t blob_number;               /* of its next piece */
    uint64_t live_index;                /* the last that a LIVE record has */
    uint64_t commit_count;              /* that live */
    uint64_t commit_index;              /* the last */
    uint64_t commit_us;                 /* its log time */
    uint32_t live_page;                 /* where it was looked for among those that live */
    uint32_t step_position;             /* of the first instance that may have steps left */
    const struct cc_instance *instance; /* of the last commit */
};

/* Sets status and text: `what`, and for numbers that are not 0 " N". */
void cc_restore_refuse(
    struct cc_restoring *restoring, copycat_status status, const char *what, uint64_t number);

/* Each takes a payload; NULL, or what is wrong with it.  One that refuses by itself sets the status
 * and returns NULL. */
const char *cc_restore_head(struct cc_restoring *restoring, copycat_bytes payload);
const char *cc_restore_instance(struct cc_restoring *restoring, copycat_bytes payload);
const char *cc_restore_session(struct cc_restoring *restoring, copycat_bytes payload);
const char *cc_restore_answer(struct cc_restoring *restoring, copycat_bytes payload);
const char *cc_restore_deadline(struct cc_restoring *restoring, copycat_bytes payload);
const char *cc_restore_blob(struct cc_restoring *restoring, copycat_bytes payload);
const char *cc_restore_commit(struct cc_restoring *restoring, const struct cc_image_record *record);
const char *cc_restore_live(struct cc_restoring *restoring, copycat_bytes payload);
const char *cc_restore_last(struct cc_restoring *restoring, copycat_bytes payload);

/* All blobs are whole. */
bool cc_restore_has_blobs(struct cc_restoring *restoring);

#endif /* CC_APPLY_RESTORE_INTERNAL_H */
