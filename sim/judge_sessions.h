/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_sessions -- watches which sessions live, with a book of its own: it reads the log like the
 * servers do, and each time an entry is applied first anywhere, that server must agree.
 *
 *   sessions   a session opens once however often it is asked for (T-084); it ends by its own word,
 *              or by an expiry that knew its newest entry (T-073), and by nothing else
 *   belief     no session expires while its client may count on it (T-074, T-085)
 */
#ifndef CC_SIM_JUDGE_SESSIONS_H
#define CC_SIM_JUDGE_SESSIONS_H

#include "apply/apply.h"
#include "client/client.h"
#include "sim/judge.h"

struct cc_session_judge;

/* Blames by way of `judge`, which outlives it. */
struct cc_session_judge *cc_session_judge_create(struct cc_judge *judge);
void cc_session_judge_destroy(struct cc_session_judge *sessions);

/* A server has applied the entry, and nothing after it. */
void cc_session_judge_applied(
    struct cc_session_judge *sessions, const struct cc_apply *apply, const struct cc_entry *entry);

/* True if the client may say by its own clock that its session lives. */
bool cc_session_judge_is_counted_on(const struct cc_client *client);

#endif /* CC_SIM_JUDGE_SESSIONS_H */
