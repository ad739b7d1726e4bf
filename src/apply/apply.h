/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply -- the consequence: committed entries, one after the other, become state.
 *
 * Where it sits:   client -> session -> raft -> log -> [apply] -> resource -> session -> client
 *                  fed by server/group with committed entries; owns sessions, catalogue, machines,
 *                  timers and log time.
 * Replicated:      yes, all of it.  Equal index means equal digest on every member.
 * Memory:          from cc_memory; without it the member stops (T-025).
 *
 * Invariants
 *   A1  entries are applied once each, in order, without gaps
 *   A2  log time never decreases
 *   A3  a command of a session runs only as last sequence + 1 (exactly once)
 *   A4  timers fire in order of (deadline, order of scheduling), before the entry that moved time
 *   A5  a commit is released at most once per instance, and only while applying
 */
#ifndef CC_APPLY_APPLY_H
#define CC_APPLY_APPLY_H

#include "base/memory.h"
#include "proto/message.h"

#include <copycat/machine.h>

struct cc_apply;

struct cc_apply_options {
    const struct cc_memory *memory;
    const copycat_machine_type *const *types; /* NULL-terminated; borrowed for life */
    const copycat_machine_type *catalog;      /* of instance 0; NULL: nothing can be created */
    uint32_t sessions_max;                    /* 0: 100000; beyond it an open answers QUOTA */
    uint32_t answers_max;                     /* cached answers of a session, 0: 1024 */
    uint32_t answer_bytes_max;                /* and their bytes, 0: 4 MiB */
};

/* Partner: cc_apply_destroy. */
struct cc_apply *cc_apply_create(const struct cc_apply_options *options);
void cc_apply_destroy(struct cc_apply *apply);

/* Part of destroying it, where others have to go on meanwhile: nothing else may be called then.  False:
 * what is left is little. */
bool cc_apply_destroy_step(struct cc_apply *apply);

/* What applying one entry means for somebody who waits. */
struct cc_outcome {
    uint8_t kind;      /* the entry's kind */
    uint64_t session;  /* of the command, or the one opened or ended; 0: none */
    uint64_t sequence; /* of the command */
    bool is_refused; /* COMMAND: BUSY, and its number is not consumed: it has to be logged again */
    bool is_ended;   /* an expiry or close that took effect, so the session is no more */
    uint8_t nonce[CC_NONCE_SIZE]; /* SESSION_OPEN */
    uint64_t timeout_us;          /* SESSION_OPEN: as granted */
    struct cc_answer
        answer; /* COMMAND: also that of a repeated one; borrowed until the next call */
};

/* Applies the entry with index applied + 1.  `outcome` is filled. */
void cc_apply_entry(
    struct cc_apply *apply, const struct cc_entry *entry, struct cc_outcome *outcome);

uint64_t cc_apply_index(const struct cc_apply *apply);
uint64_t cc_apply_time_us(const struct cc_apply *apply);

/* The earliest timer's deadline in log time; COPYCAT_NONE if there is none. */
uint64_t cc_apply_next_deadline_us(const struct cc_apply *apply);

/* Digest over everything replicated: log time, sessions, timers, catalogue, machines. */
uint64_t cc_apply_digest(const struct cc_apply *apply);

/*
 * Commands.  The acknowledgement that a command carries is heard first, whatever becomes of the
 * rest.
 *
 *     the sequence is        the answer is                           consumed
 *     last + 1               the machine's, or UNKNOWN_RESOURCE      yes: kept until acknowledged
 *     last + 1, a REFUSAL    QUOTA: no machine hears of it           yes: kept until acknowledged
 *     kept                   the same again                          has been
 *     acknowledged           INVALID: never run again (T-078)        has been
 *     above last + 1         BUSY: a predecessor is missing (T-080)  no
 *     last + 1, cache full   BUSY: the client has to acknowledge     no
 *
 * BUSY with is_refused is safe to send again because nothing remembers it: not the session, not the
 * machine.  The leader must let its "newest appended" fall back below such a number.
 */

/* Reads; `answer` is filled and borrowed until the next call; its status may be a refusal. */
void cc_apply_query(
    struct cc_apply *apply, uint64_t instance, copycat_bytes operation, struct cc_answer *answer);

/* True if this command leaves no more behind than there was, whenever it runs: it is let in where
 * room is short. */
bool cc_apply_needs_no_room(const struct cc_apply *apply, const struct cc_command *command);

/* ---- sessions, as the server asks for them --------------------------------------------------- */

struct cc_session_view {
    uint64_t id;
    uint64_t timeout_us;
    uint64_t last_sequence; /* newest that has run */
    uint64_t touched;       /* index of the newest entry of this session */
};

/* False if there is no such session. */
bool cc_apply_session(
    const struct cc_apply *apply, uint64_t session, struct cc_session_view *view_out);

/* The session that was opened with this nonce; 0: none that lives. */
uint64_t cc_apply_session_of_nonce(
    const struct cc_apply *apply, const uint8_t nonce[CC_NONCE_SIZE]);

/* Cached answer of a command that has run; false: acknowledged and forgotten, or never run. */
bool cc_apply_cached(
    struct cc_apply *apply, uint64_t session, uint64_t sequence, struct cc_answer *answer_out);

/* All sessions in ascending order of id: the next after `session`; 0 when there is none. */
uint64_t cc_apply_session_after(const struct cc_apply *apply, uint64_t session);
uint32_t cc_apply_session_count(const struct cc_apply *apply);

/* ---- what the judges ask for ----------------------------------------------------------------- */

/* Commits released so far by instances of machines that keep live commits. */
bool cc_apply_is_released(const struct cc_apply *apply, uint64_t index);

/*
 * Takes an image of what is applied, restores it and returns true if the digests are equal and an
 * image of what was restored is the same again; or if nothing is applied.  False also if `entry_at`
 * cannot give a live commit's entry.  No image may be under way.
 */
bool cc_apply_restore_check(
    struct cc_apply *apply,
    bool (*entry_at)(void *owner, uint64_t index, struct cc_entry *entry_out),
    void *owner);

#endif /* CC_APPLY_APPLY_H */
