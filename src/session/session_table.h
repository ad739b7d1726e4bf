/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_table -- the sessions that live: by id, by the nonce of their opening, and in order.
 *
 * Where it sits:   client -> raft -> log -> apply -> [session] -> client
 *                  changed by apply alone, as logged entries say.
 * Replicated:      yes.  No clock in here: a session ends by an entry, never by silence.
 * Memory:          one block for each session, and its replies.
 *
 * Invariants
 *   T1  ids ascend in the order of opening, so the list of sessions is in order of id
 *   T2  every session is found by its id and by its nonce
 *   T3  digest is the sum over the sessions of what cc_session_settle last computed
 */
#ifndef CC_SESSION_SESSION_TABLE_H
#define CC_SESSION_SESSION_TABLE_H

#include "base/list.h"
#include "base/table.h"
#include "proto/entry.h"
#include "session/session_replies.h"

struct cc_session {
    uint64_t id; /* index of the entry that opened it */
    uint64_t timeout_us;
    uint64_t touched; /* index of its newest entry */
    uint8_t nonce[CC_NONCE_SIZE];
    struct cc_session_replies replies;
    uint64_t saved; /* index of the newest image that has kept it as it was (image_sessions.c) */

    /* the table's own */
    uint64_t digest;
    uint64_t nonce_hash;
    struct cc_list node;
    struct cc_session *nonce_next; /* another nonce with the same key */
};

struct cc_session_table {
    const struct cc_memory *memory;
    struct cc_table by_id;
    struct cc_table by_nonce; /* by the nonce's hash: the head of a chain */
    struct cc_list ordered;
    uint32_t count;
    uint64_t digest;
};

/* Partner: cc_session_table_deinit. */
void cc_session_table_init(struct cc_session_table *table, const struct cc_memory *memory);
void cc_session_table_deinit(struct cc_session_table *table);

/* NULL if no such session lives. */
struct cc_session *cc_session_table_find(const struct cc_session_table *table, uint64_t id);
struct cc_session *cc_session_table_find_nonce(
    const struct cc_session_table *table, const uint8_t nonce[CC_NONCE_SIZE]);

/* The session with the lowest id above `id`; NULL if there is none. */
struct cc_session *cc_session_table_after(const struct cc_session_table *table, uint64_t id);

/* `id` is above all others.  The session is the table's. */
struct cc_session *cc_session_table_open(
    struct cc_session_table *table,
    uint64_t id,
    const uint8_t nonce[CC_NONCE_SIZE],
    uint64_t timeout_us);

/* Ends the session and frees it. */
void cc_session_table_end(struct cc_session_table *table, struct cc_session *session);

/* An entry of this session was applied; also settles. */
void cc_session_touch(struct cc_session_table *table, struct cc_session *session, uint64_t index);

/* Brings the digest up to date after the session or its replies have changed. */
void cc_session_settle(struct cc_session_table *table, struct cc_session *session);

#endif /* CC_SESSION_SESSION_TABLE_H */
