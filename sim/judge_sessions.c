/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_sessions -- see judge_sessions.h.
 */
#include "sim/judge_sessions.h"

#include "base/assert.h"
#include "client/client_internal.h"

#include <stdlib.h>
#include <string.h>

struct booked {
    uint64_t session; /* index of the entry that opened it */
    uint64_t touched; /* of its newest entry */
    uint8_t nonce[CC_NONCE_SIZE];
};

struct cc_session_judge {
    struct cc_judge *judge;
    struct booked *living;
    size_t count;
    size_t capacity;
    uint64_t index; /* of the newest entry that was booked */
};

struct cc_session_judge *cc_session_judge_create(struct cc_judge *judge)
{
    struct cc_session_judge *sessions = calloc(1, sizeof *sessions);

    CC_ASSERT(sessions != NULL);
    sessions->judge = judge;
    return sessions;
}

void cc_session_judge_destroy(struct cc_session_judge *sessions)
{
    free(sessions->living);
    free(sessions);
}

static struct booked *find(struct cc_session_judge *sessions, uint64_t session)
{
    for (size_t i = 0; i < sessions->count; i++) {
        if (sessions->living[i].session == session) {
            return &sessions->living[i];
        }
    }
    return NULL;
}

static void strike_off(struct cc_session_judge *sessions, struct booked *booked)
{
    *booked = sessions->living[--sessions->count];
}

/* A quota may refuse a new one; what lives already is not opened again. */
static void book_open(
    struct cc_session_judge *sessions,
    const struct cc_apply *apply,
    const struct cc_entry *entry,
    const struct cc_session_open *open)
{
    struct cc_session_view view;

    for (size_t i = 0; i < sessions->count; i++) {
        if (memcmp(sessions->living[i].nonce, open->nonce, CC_NONCE_SIZE) == 0) {
            sessions->living[i].touched = entry->index;
            return;
        }
    }
    if (!cc_apply_session(apply, entry->index, &view)) {
        return;
    }
    if (sessions->count == sessions->capacity) {
        sessions->capacity = sessions->capacity == 0 ? 64 : sessions->capacity * 2;
        sessions->living = realloc(sessions->living, sessions->capacity * sizeof *sessions->living);
        CC_ASSERT(sessions->living != NULL);
    }
    sessions->living[sessions->count] = (struct booked){entry->index, entry->index, {0}};
    memcpy(sessions->living[sessions->count++].nonce, open->nonce, CC_NONCE_SIZE);
}

static void book(
    struct cc_session_judge *sessions, const struct cc_apply *apply, const struct cc_entry *entry)
{
    struct cc_session_open open;
    struct cc_session_close close;
    struct cc_session_expire expire;
    struct cc_command command;
    struct booked *booked;

    if (entry->kind == CC_ENTRY_SESSION_OPEN && cc_session_open_decode(entry->payload, &open)) {
        book_open(sessions, apply, entry, &open);
    } else if (
        entry->kind == CC_ENTRY_SESSION_CLOSE && cc_session_close_decode(entry->payload, &close)) {
        booked = find(sessions, close.session);
        if (booked != NULL) {
            strike_off(sessions, booked);
        }
    } else if (
        entry->kind == CC_ENTRY_SESSION_EXPIRE &&
        cc_session_expire_decode(entry->payload, &expire)) {
        booked = find(sessions, expire.session);
        if (booked != NULL && booked->touched <= expire.touched) {
            strike_off(sessions, booked);
        }
    } else if (
        (entry->kind == CC_ENTRY_COMMAND || entry->kind == CC_ENTRY_REFUSAL) &&
        cc_command_decode(entry->payload, &command)) {
        booked = find(sessions, command.session);
        if (booked != NULL) {
            booked->touched = entry->index;
        }
    }
}

void cc_session_judge_applied(
    struct cc_session_judge *sessions, const struct cc_apply *apply, const struct cc_entry *entry)
{
    struct cc_session_view view;

    if (entry->index <= sessions->index) {
        return; /* the digests say that the others agree */
    }
    sessions->index = entry->index;
    book(sessions, apply, entry);
    if (cc_apply_session_count(apply) != sessions->count) {
        cc_judge_blame(
            sessions->judge, "sessions: after index %llu there are %u, by the book %zu",
            (unsigned long long)entry->index, cc_apply_session_count(apply), sessions->count);
        return;
    }
    for (size_t i = 0; i < sessions->count; i++) {
        const struct booked *booked = &sessions->living[i];

        if (!cc_apply_session(apply, booked->session, &view) || view.touched != booked->touched) {
            cc_judge_blame(
                sessions->judge,
                "sessions: after index %llu session %llu lives, by the book, and was touched at "
                "%llu",
                (unsigned long long)entry->index, (unsigned long long)booked->session,
                (unsigned long long)booked->touched);
            return;
        }
    }
}

/* Two thirds of its timeout from the sending of what was confirmed: then it calls itself
 * suspended. */
bool cc_session_judge_is_counted_on(const struct cc_client *client)
{
    return cc_env_now_us(client->env) < client->confirmed_us + client->timeout_us / 3 * 2;
}
