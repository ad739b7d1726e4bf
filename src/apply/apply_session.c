/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_session -- sessions open and end by entries, and by nothing else.
 */
#include "apply/apply_internal.h"
#include "base/assert.h"
#include "base/bug.h"

#include <string.h>

static uint64_t granted_us(uint64_t asked_us)
{
    if (asked_us < CC_SESSION_TIMEOUT_US_MIN) {
        return CC_SESSION_TIMEOUT_US_MIN;
    }
    return asked_us > CC_SESSION_TIMEOUT_US_MAX ? CC_SESSION_TIMEOUT_US_MAX : asked_us;
}

/* The reply to an open may be lost and the client ask again: by the nonce that is one session. */
void cc_apply_session_open(
    struct cc_apply *apply, const struct cc_entry *entry, struct cc_outcome *outcome)
{
    struct cc_session_open open;

    if (!cc_session_open_decode(entry->payload, &open)) {
        return;
    }

    struct cc_session *session = cc_session_table_find_nonce(&apply->sessions, open.nonce);

    memcpy(outcome->nonce, open.nonce, CC_NONCE_SIZE);
    if (session != NULL && !CC_BUG(T084)) {
        cc_image_save_session(apply, session);
        cc_session_touch(&apply->sessions, session, entry->index);
    } else if (apply->sessions.count < apply->sessions_max) {
        session = cc_session_table_open(
            &apply->sessions, entry->index, open.nonce, granted_us(open.timeout_us));
    } else {
        return; /* the quota is used up */
    }
    outcome->session = session->id;
    outcome->timeout_us = session->timeout_us;
}

/* The session is gone before the machines hear of it, so that none takes it for alive. */
static void end(struct cc_apply *apply, struct cc_session *session, struct cc_outcome *outcome)
{
    uint64_t id = session->id;

    outcome->is_ended = true;
    cc_image_end_session(apply, session);
    cc_session_table_end(&apply->sessions, session);
    for (uint32_t i = 0; i < apply->instances.count; i++) {
        struct cc_instance *instance = apply->instances.at[i];
        struct copycat_context context = {.apply = apply, .instance = instance};

        if (instance->type->session_ended != NULL) {
            instance->type->session_ended(instance->machine, &context, id);
            cc_instance_settle(apply, instance);
        }
    }
}

void cc_apply_session_close(
    struct cc_apply *apply, const struct cc_entry *entry, struct cc_outcome *outcome)
{
    struct cc_session_close close;

    if (!cc_session_close_decode(entry->payload, &close)) {
        return;
    }

    struct cc_session *session = cc_session_table_find(&apply->sessions, close.session);

    outcome->session = close.session;
    if (session != NULL) {
        end(apply, session, outcome);
    }
}

/*
 * The leader proposed this when it had not heard of the session for its timeout.  If an entry of
 * the session came before it in the log, that entry was the sign of life, and the session goes on.
 */
void cc_apply_session_expire(
    struct cc_apply *apply, const struct cc_entry *entry, struct cc_outcome *outcome)
{
    struct cc_session_expire expire;

    if (!cc_session_expire_decode(entry->payload, &expire)) {
        return;
    }

    struct cc_session *session = cc_session_table_find(&apply->sessions, expire.session);

    outcome->session = expire.session;
    if (session != NULL && (session->touched <= expire.touched || CC_BUG(T073))) {
        end(apply, session, outcome);
    }
}

bool cc_apply_session(
    const struct cc_apply *apply, uint64_t session, struct cc_session_view *view_out)
{
    const struct cc_session *found = cc_session_table_find(&apply->sessions, session);

    if (found == NULL) {
        return false;
    }
    *view_out = (struct cc_session_view){
        .id = found->id,
        .timeout_us = found->timeout_us,
        .last_sequence = found->replies.applied,
        .touched = found->touched};
    return true;
}

uint64_t cc_apply_session_of_nonce(const struct cc_apply *apply, const uint8_t nonce[CC_NONCE_SIZE])
{
    const struct cc_session *session = cc_session_table_find_nonce(&apply->sessions, nonce);

    return session == NULL ? 0 : session->id;
}

uint64_t cc_apply_session_after(const struct cc_apply *apply, uint64_t session)
{
    const struct cc_session *next = cc_session_table_after(&apply->sessions, session);

    return next == NULL ? 0 : next->id;
}

uint32_t cc_apply_session_count(const struct cc_apply *apply)
{
    return apply->sessions.count;
}
