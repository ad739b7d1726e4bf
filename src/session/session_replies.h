/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_replies -- remembers the answers a client has not yet acknowledged, so that a command
 * which arrives twice is applied once.
 *
 * Where it sits:   client -> raft -> log -> apply -> [session] -> client
 *                  asked by apply before a command runs; told by apply after it ran.
 * Replicated:      yes.  Every member holds the same window at the same log index, so nothing in
 *                  here depends on a clock, an address or how large the ring happens to be.
 * Memory:          a ring that grows with what is unacknowledged, up to the limits.  A slot keeps
 *                  the memory of a result of up to CC_REPLY_KEPT_MAX bytes for the next one that
 *                  comes to lie in it; that of larger ones goes with their acknowledgement.  So a
 *                  session holds at most bytes_max and one result, and answers_max times a slot
 *                  and CC_REPLY_KEPT_MAX.
 *
 * A full window refuses a command without consuming its number: it has not run, nothing remembers
 * it, and the same number is fresh again once the client has acknowledged something.  So the client
 * may simply send it again, and what was pipelined behind it is early until then.
 *
 * Invariants
 *   R1  acked <= applied
 *   R2  applied - acked <= answers_max
 *   R3  an answer is stored for exactly the sequences in (acked, applied]
 *   R4  bytes and digest are the sums over the stored answers
 */
#ifndef CC_SESSION_SESSION_REPLIES_H
#define CC_SESSION_SESSION_REPLIES_H

#include "base/memory.h"

#include <copycat/base.h>

#include <stdbool.h>

#define CC_REPLY_KEPT_MAX 256u

struct cc_reply_limits {
    uint32_t answers_max; /* unacknowledged answers; at least 1 */
    uint32_t bytes_max;   /* of their results; reached, no further command runs */
};

/* One stored answer. */
struct cc_reply_slot {
    uint64_t sequence;
    uint64_t index; /* of the entry that ran */
    uint64_t digest;
    copycat_status status;
    uint32_t size;
    uint32_t room; /* bytes at `result`, which may be kept from an answer before */
    uint8_t *result;
};

struct cc_session_replies {
    struct cc_reply_slot *slots; /* ring; sequence s lives at s % capacity */
    uint32_t capacity;           /* power of two, or 0 */
    uint64_t applied;            /* newest sequence that has run */
    uint64_t acked;              /* newest sequence the client has said it received */
    uint64_t bytes;
    uint64_t digest;
};

enum cc_reply_verdict {
    CC_REPLY_FRESH,    /* next in order: run it */
    CC_REPLY_REPEATED, /* ran before: send the stored answer again */
    CC_REPLY_EARLY,    /* a predecessor is missing: drop it, the client will resend */
    CC_REPLY_GONE,     /* ran, acknowledged and forgotten: the client broke the protocol */
    CC_REPLY_FULL,     /* the client must acknowledge before it may go on */
};

/* Partner: cc_session_replies_deinit. */
void cc_session_replies_init(struct cc_session_replies *replies);
void cc_session_replies_deinit(struct cc_session_replies *replies, const struct cc_memory *memory);

/* For a session that is built again: all through `acked` has run and is forgotten.  The window is
 * new; what is still remembered is recorded next. */
void cc_session_replies_resume(struct cc_session_replies *replies, uint64_t acked);

/* Decides what to do with `sequence`. */
enum cc_reply_verdict cc_session_replies_classify(
    const struct cc_session_replies *replies,
    const struct cc_reply_limits *limits,
    uint64_t sequence);

/* The stored answer; NULL if there is none.  Borrowed until the next record or acknowledge. */
const struct cc_reply_slot *cc_session_replies_find(
    const struct cc_session_replies *replies, uint64_t sequence);

copycat_bytes cc_reply_result(const struct cc_reply_slot *slot);

/* Stores the answer to the next sequence, which was FRESH and has just run; `result` is copied. */
void cc_session_replies_record(
    struct cc_session_replies *replies,
    const struct cc_memory *memory,
    uint64_t index,
    copycat_status status,
    copycat_bytes result);

/*
 * Forgets answers up to and including `sequence`.  An old acknowledgement is ignored.  Returns
 * false, and changes nothing, if the client acknowledges an answer that was never produced.
 */
bool cc_session_replies_acknowledge(
    struct cc_session_replies *replies, const struct cc_memory *memory, uint64_t sequence);

#endif /* CC_SESSION_SESSION_REPLIES_H */
