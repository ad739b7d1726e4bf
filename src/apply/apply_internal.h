/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_internal -- what the files of this folder share; nobody else looks in here.
 */
#ifndef CC_APPLY_APPLY_INTERNAL_H
#define CC_APPLY_APPLY_INTERNAL_H

#include "apply/apply.h"
#include "apply/image.h"
#include "apply/live.h"
#include "apply/timers.h"
#include "base/heap.h"
#include "base/list.h"
#include "session/session_table.h"

/* What a machine asks for memory. */
struct copycat_memory {
    const struct cc_memory *memory;
};

/* One resource: its machine, and the machine's share in the digest. */
struct cc_instance {
    uint64_t id; /* index of the entry that created it; 0: the catalogue */
    const copycat_machine_type *type;
    void *machine;
    uint64_t digest;
    uint32_t position; /* among the instances */
};

/* Ascending by id; instances do not move in memory while the array grows. */
struct cc_instances {
    struct cc_instance **at;
    uint32_t count;
    uint32_t capacity;
    uint64_t digest; /* sum over the instances */
};

/* Records that are encoded and not yet written; none is empty. */
struct cc_image_chunk {
    struct cc_list node;
    struct cc_writer bytes;
    size_t written;
};

/* The image that is under way. */
struct cc_image {
    uint64_t index; /* H */
    uint64_t time_us;
    uint64_t digest;
    struct cc_list chunks;           /* what is written next */
    uint64_t captured_bytes;         /* in them, and in what is saved */
    struct cc_heap saved;            /* sessions that have changed since, by their id */
    struct cc_session *session_next; /* the first that lives above session_passed */
    uint64_t session_passed;         /* sessions up to this id are in the chunks or written */
    uint64_t counts[CC_IMAGE_TYPES];
    uint32_t instance_count; /* instances that there were at H */
    uint32_t blob_position;  /* of the instance whose blob is written next */
    uint64_t blob_number;    /* of its next piece */
    bool has_blobs;          /* so not every live commit has a record */
    uint64_t live_newest;    /* the last index in a LIVE record */
    uint64_t commit_newest;  /* the last live commit that was written or kept */
    uint64_t commit_count;   /* of those */
};

struct cc_apply {
    const struct cc_memory *memory;
    struct copycat_memory machine_memory;
    const copycat_machine_type *const *types;
    const copycat_machine_type *catalog;
    uint32_t sessions_max;
    struct cc_reply_limits limits;

    uint64_t index;
    uint64_t time_us;
    struct cc_session_table sessions;
    struct cc_timers timers;
    struct cc_live live;
    struct cc_instances instances;
    struct cc_writer result;   /* of the command or query at hand */
    struct cc_image *image;    /* that is under way; NULL: none */
    uint32_t destroy_position; /* of the first instance that may have steps left */
};

struct copycat_context {
    struct cc_apply *apply;
    struct cc_instance *instance;
    bool is_command; /* answers are heard only then */
    bool is_answered;
    copycat_status status;
};

struct copycat_reading {
    struct cc_apply *apply;
    bool is_answered;
    copycat_status status;
};

/* ---- apply_instance.c ------------------------------------------------------------------------ */

/* `id` is above all others. */
void cc_instance_create(struct cc_apply *apply, uint64_t id, const copycat_machine_type *type);
void cc_instances_destroy(struct cc_apply *apply);

/* NULL if there is none. */
struct cc_instance *cc_instance_find(const struct cc_apply *apply, uint64_t id);

/* It is written as a blob, and not built again from its live commits. */
bool cc_instance_has_blob(const struct cc_instance *instance);

/* Brings the digest up to date; after every call that may change the machine. */
void cc_instance_settle(struct cc_apply *apply, struct cc_instance *instance);

/* NULL if it is not among the types. */
const copycat_machine_type *cc_apply_type(const struct cc_apply *apply, uint32_t type);

/* ---- apply_command.c, apply_session.c -------------------------------------------------------- */

void cc_apply_command(
    struct cc_apply *apply, const struct cc_entry *entry, struct cc_outcome *outcome);
void cc_apply_session_open(
    struct cc_apply *apply, const struct cc_entry *entry, struct cc_outcome *outcome);
void cc_apply_session_close(
    struct cc_apply *apply, const struct cc_entry *entry, struct cc_outcome *outcome);
void cc_apply_session_expire(
    struct cc_apply *apply, const struct cc_entry *entry, struct cc_outcome *outcome);

/* ---- image_capture.c ------------------------------------------------------------------------- */

/* Encodes what is not sessions and machines into the chunks of the image.  False if there is no
 * memory: then part of it is there, to be dropped. */
bool cc_image_capture(struct cc_apply *apply);

/* The same for a session with its answers. */
bool cc_image_capture_session(
    struct cc_apply *apply, const struct cc_session *session, struct cc_list *chunks);

void cc_image_capture_drop(struct cc_apply *apply, struct cc_list *chunks);

/* Moves the first record of the image's chunks to `writer`; there must be one. */
void cc_image_capture_write(struct cc_apply *apply, struct cc_writer *writer);

/* ---- image_sessions.c ------------------------------------------------------------------------ */

/* Partner: cc_image_sessions_end, which leaves what is saved in the chunks. */
void cc_image_sessions_begin(struct cc_apply *apply);
void cc_image_sessions_end(struct cc_apply *apply);

/* Before a session changes, and before it ends: an image that is under way keeps it as it was. */
void cc_image_save_session(struct cc_apply *apply, struct cc_session *session);
void cc_image_end_session(struct cc_apply *apply, struct cc_session *session);

/* Sessions are left to be captured; the next of them, one at least.  False if there is no memory. */
bool cc_image_has_sessions(const struct cc_image *image);
bool cc_image_capture_sessions(struct cc_apply *apply);

/* ---- apply.c --------------------------------------------------------------------------------- */

/* Log time once an entry with `entry_us` is applied where it was `time_us`. */
uint64_t cc_apply_advance_us(uint64_t time_us, uint64_t entry_us);

#endif /* CC_APPLY_APPLY_INTERNAL_H */
