/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup -- asks one server, which has to lead, for a backup: the records of an image of the state.
 *
 * Where it sits:   beside client: no session; one connection, on which it observes.
 * Memory:          caller-owned, but for what its channel holds while it is open.
 * Errors:          whatever breaks it ends it; nothing is resumed, for another image is another
 *                  backup.  Beginning again, elsewhere too, is always right.
 *
 * Invariants
 *   K1  records are handed on in order and without a gap, and `done` says OK only behind the last
 */
#ifndef CC_CLIENT_BACKUP_H
#define CC_CLIENT_BACKUP_H

#include "env/channel.h"
#include "proto/message.h"

struct cc_backup;

struct cc_backup_callbacks {
    /* The server is there, and makes what it will give; each second or so. */
    void (*on_wait)(struct cc_backup *backup);
    /* What it is of; before all records. */
    void (*on_head)(struct cc_backup *backup, const struct cc_backup_head *head);
    /* The next bytes, borrowed for the call.  False: it makes no sense, or nothing more is wanted. */
    bool (*on_bytes)(struct cc_backup *backup, copycat_bytes bytes);
    /* Once, later; it is the caller's again when it comes. */
    void (*done)(struct cc_backup *backup);
};

struct cc_backup {
    struct cc_env *env;
    const struct cc_backup_callbacks *callbacks;
    void *owner;
    struct cc_channel channel;
    struct cc_timer timer;
    struct cc_task task;
    uint64_t patience_us; /* without a word of the server */
    uint64_t heard_us;
    bool is_reached;
    bool has_head;
    uint64_t received; /* bytes */
    uint64_t told;     /* of them, the server knows */

    copycat_status status; /* OK; CLOSED: on_bytes wanted no more; else why there is none */
    char text[CC_REFUSE_TEXT_SIZE_MAX]; /* what the server said, or is to be said; may be empty */
};

void cc_backup_start(
    struct cc_backup *backup,
    struct cc_env *env,
    const char *address,
    uint64_t patience_us,
    const struct cc_backup_callbacks *callbacks,
    void *owner);

/* Ends it, without `done`; not inside its callbacks. */
void cc_backup_stop(struct cc_backup *backup);

#endif /* CC_CLIENT_BACKUP_H */
