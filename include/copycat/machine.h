/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copycat/machine.h -- what a replicated state machine is: the interface between the log and the
 * resources, ours and yours.  A server is given the types of yours when it is opened, the same types
 * on every member; clients reach them by copycat/resource.h.
 *
 * A machine is applied on every member, in log order, and must be deterministic: its state depends
 * on commits alone, never on a clock, an address, the layout of a table or the member it runs on.
 *
 * Releasing.  A commit contributes to the state until the machine releases it.  Releasing happens
 * while applying, and only there; it is how the log learns what it may forget.  A machine that
 * keeps "live commits" can be rebuilt from the unreleased ones alone: restore_commit gets them in
 * index order with their original index, time, session and payload, as facts that are not run
 * again; it ignores what cannot be one, for an image may be damaged, and then its digest differs.  It
 * may just gather them, and build its state when all are there: restore_step is called then, before
 * anything else, until it says that nothing is left.
 * A machine whose state does not follow from single commits writes a blob instead: freeze, then
 * step until it says that nothing is left; done may also come before that.
 */
#ifndef COPYCAT_MACHINE_H
#define COPYCAT_MACHINE_H

#include <copycat/base.h>

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Given to a machine while a commit is applied or a timer fires; valid until the call returns. */
typedef struct copycat_context copycat_context;

/* Given to a machine while a query is read: it can answer and nothing else. */
typedef struct copycat_reading copycat_reading;

/* One committed command; a view, valid until the call returns. */
typedef struct copycat_commit {
    uint64_t index;   /* of its entry: unique, ascending */
    uint64_t time_us; /* log time: never decreases */
    uint64_t session; /* who sent it */
    copycat_bytes operation;
} copycat_commit;

/* The commit or timer at hand. */
COPYCAT_API uint64_t copycat_context_index(const copycat_context *context);
COPYCAT_API uint64_t copycat_context_time_us(const copycat_context *context);

/*
 * The answer to the command; copied.  Only the first counts; without one the answer is OK and
 * empty. Where there is no command (a timer, the end of a session) it is not heard.  The status is
 * OK or of class "refused"; any other becomes INVALID, for it would tell the client to send it
 * again.
 */
COPYCAT_API void copycat_context_answer(
    copycat_context *context, copycat_status status, copycat_bytes result);

/* The commit with this index, the one at hand or an earlier one of this machine, no longer
 * contributes to its state.  At most once for each; one that is not live stops the member. */
COPYCAT_API void copycat_context_release(copycat_context *context, uint64_t index);

/*
 * Calls the machine's `timer` with `key` at the first entry whose log time is at least
 * `deadline_us`, before that entry.  One deadline per key: a new one replaces it; COPYCAT_NONE
 * cancels.  A deadline that is not in the future counts as the next microsecond.  A machine without
 * `timer` must not call it: that stops the member.
 */
COPYCAT_API void copycat_context_schedule(
    copycat_context *context, uint64_t key, uint64_t deadline_us);

/* True while a session lives, at this point of the log. */
COPYCAT_API bool copycat_context_session_is_alive(const copycat_context *context, uint64_t session);

/* The last applied index and its log time, for a query. */
COPYCAT_API uint64_t copycat_reading_index(const copycat_reading *reading);
COPYCAT_API uint64_t copycat_reading_time_us(const copycat_reading *reading);

/* The result of the query, as with copycat_context_answer. */
COPYCAT_API void copycat_reading_answer(
    copycat_reading *reading, copycat_status status, copycat_bytes result);

/* Memory for a machine's state, which `destroy` gives back.  A failed request stops the member: it
 * never returns NULL, and if the server is only being opened it does not return at all.  Lives as
 * long as the machine. */
typedef struct copycat_memory copycat_memory;
COPYCAT_API void *copycat_memory_take(copycat_memory *memory, size_t size); /* zeroed */
COPYCAT_API void *copycat_memory_grow(copycat_memory *memory, void *block, size_t size);
COPYCAT_API void copycat_memory_give(copycat_memory *memory, void *block);

/*
 * Where a blob is written to; returns false, and has taken nothing, when the target is full for
 * now: step then returns and is called again.  A piece of the blob is what one step has written; an
 * empty target takes at least 128 KiB.
 */
typedef struct copycat_blob_writer copycat_blob_writer;
COPYCAT_API bool copycat_blob_write(copycat_blob_writer *writer, copycat_bytes bytes);

/*
 * What a type of resource does; it must live as long as the servers that know it.  A resource is
 * made, with `create`, by the first call that names its path.  All run on the server's loop thread,
 * in which nothing else happens meanwhile: they must not wait.
 *
 * `digest` is a number that is equal where the state is equal, kept up while applying, so cheap to
 * ask.  `session_ended` is told of every session that ends.  `needs_no_room` is asked where disks are
 * nearly full: true if the command would leave no more behind than there was, as removing does; the
 * others are answered QUOTA.  `destroy_step` gives back a part of the state, until it says that
 * nothing is left, where service goes on meanwhile; then comes `destroy`, which may also come alone.
 *
 * All functions but `timer`, `session_ended`, `needs_no_room`, `restore_commit`, `restore_step`,
 * `destroy_step` and the blob's are required.  Either `restore_commit` or the four of the blob are
 * set; `restore_step` only with the former.  A step should take a millisecond at most: other members
 * wait for signs of life.
 */
typedef struct copycat_machine_type {
    uint32_t id;      /* 128..1023 ours; 0..127 and from 1024 users' */
    uint32_t version; /* of the machine's behaviour */
    const char *name;

    void *(*create)(copycat_memory *memory);
    void (*destroy)(void *machine);

    void (*apply)(void *machine, copycat_context *context, const copycat_commit *commit);
    void (*query)(const void *machine, copycat_reading *reading, copycat_bytes operation);
    void (*timer)(void *machine, copycat_context *context, uint64_t key);
    void (*session_ended)(void *machine, copycat_context *context, uint64_t session);

    uint64_t (*digest)(const void *machine);

    void (*restore_commit)(void *machine, const copycat_commit *commit);

    void (*blob_freeze)(void *machine); /* the state as of now is what step writes, from now on */
    bool (*blob_step)(void *machine, copycat_blob_writer *writer); /* true: more is to come */
    void (*blob_done)(void *machine);
    copycat_status (*blob_restore)(void *machine, copycat_bytes piece); /* pieces in order */

    bool (*needs_no_room)(const void *machine, copycat_bytes operation);

    bool (*restore_step)(void *machine); /* true: more is to come */
    bool (*destroy_step)(void *machine); /* likewise */
} copycat_machine_type;

#ifdef __cplusplus
}
#endif

#endif /* COPYCAT_MACHINE_H */
