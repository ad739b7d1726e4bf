/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_session -- opening, keeping alive, the end.
 *
 * The session is the cluster's, not the connection's: it is opened once, with a nonce that makes a
 * repeated request the same session (T-084), and goes on at any server.  That it lives is counted
 * from when the confirmed message was *sent* (T-085).  Only the cluster can end it.
 */
#include "client/client_internal.h"

#include <string.h>

#define OPEN_AGAIN_US UINT64_C(100000)

static void send_open(struct cc_client *client)
{
    struct cc_session_open open = {.timeout_us = client->options.session_timeout_us};

    for (size_t i = 0; i < CC_NONCE_SIZE; i++) {
        open.nonce[i] = client->nonce[i];
    }
    cc_client_expect(client);
    client->is_opening = true;
    if (client->opening_us == 0) {
        client->opening_us = cc_client_now(client);
    }
    cc_session_open_encode(cc_channel_begin(&client->channel, CC_MESSAGE_SESSION_OPEN, 0), &open);
    cc_channel_end(&client->channel);
}

static void send_keep_alive(struct cc_client *client)
{
    struct cc_keep_alive keep = {
        .session = client->session, .answered = cc_client_answered(client)};

    cc_client_expect(client);
    client->keep_sent_us = cc_client_now(client);
    cc_keep_alive_encode(cc_channel_begin(&client->channel, CC_MESSAGE_KEEP_ALIVE, 0), &keep);
    cc_channel_end(&client->channel);
}

/* What was sent at `sent_us` has reached a leader, so the session lives for a timeout from then on.
 */
void cc_client_confirm(struct cc_client *client, uint64_t sent_us)
{
    uint64_t interval = client->timeout_us / 3;

    if (client->confirmed_us < sent_us) {
        client->confirmed_us = sent_us;
    }
    client->keep_due_us = client->confirmed_us + interval - interval / 10 +
                          cc_prng_below(&client->prng, interval / 5 + 1);
    client->round_backoff_us = 0;
    if (client->is_troubled) {
        client->is_troubled = false;
        if (client->options.troubled != NULL) {
            client->options.troubled(
                client->owner, client->server, COPYCAT_OK, (copycat_bytes){NULL, 0});
        }
    }
    if (cc_client_now(client) < client->confirmed_us + interval * 2) {
        cc_client_set_state(client, CC_CLIENT_OPEN);
    }
}

void cc_client_send_close(struct cc_client *client)
{
    struct cc_session_close close = {.session = client->session};

    cc_session_close_encode(
        cc_channel_begin(&client->channel, CC_MESSAGE_SESSION_CLOSE, 0), &close);
    cc_channel_end(&client->channel);
}

/* On a new connection: a session first, or the one we have and all that is unanswered (S3.103). */
void cc_client_begin_session(struct cc_client *client)
{
    if (client->session == 0) {
        send_open(client);
    } else {
        send_keep_alive(client);
        cc_client_resend(client, 0);
    }
}

void cc_client_take_opened(struct cc_client *client, copycat_bytes body)
{
    struct cc_session_opened opened;

    if (!cc_session_opened_decode(body, &opened) || client->session != 0 || !client->is_opening ||
        memcmp(opened.nonce, client->nonce, CC_NONCE_SIZE) != 0) {
        return;
    }
    client->is_opening = false;
    if (opened.status != COPYCAT_OK && copycat_status_class(opened.status) != COPYCAT_CLASS_RETRY) {
        cc_client_end_session(client, opened.status);
        return;
    }
    if (opened.status != COPYCAT_OK || opened.timeout_us < CC_SESSION_TIMEOUT_US_MIN ||
        opened.timeout_us > CC_SESSION_TIMEOUT_US_MAX) {
        client->open_us =
            cc_client_now(client) + OPEN_AGAIN_US / 2 + cc_prng_below(&client->prng, OPEN_AGAIN_US);
        return;
    }
    client->session = opened.session;
    client->timeout_us = opened.timeout_us;
    client->good_us = cc_client_now(client);
    client->index_seen = client->index_seen > opened.session ? client->index_seen : opened.session;
    cc_client_confirm(client, client->opening_us); /* a repeated open does not renew it */
    if (!cc_list_is_empty(&client->commands) || !cc_list_is_empty(&client->queries)) {
        cc_client_resend(client, 0);
    }
}

void cc_client_take_kept(struct cc_client *client, copycat_bytes body)
{
    struct cc_kept_alive kept;

    if (!cc_kept_alive_decode(body, &kept) || kept.session != client->session ||
        client->keep_sent_us == 0) {
        return;
    }
    if (kept.status == COPYCAT_ERR_SESSION) {
        cc_client_end_session(client, COPYCAT_ERR_SESSION);
        return;
    }
    if (kept.status == COPYCAT_OK) {
        client->good_us = cc_client_now(client);
        cc_client_confirm(client, CC_BUG(T085) ? cc_client_now(client) : client->keep_sent_us);
    } else {
        client->keep_due_us = cc_client_now(client) + client->timeout_us / 10;
    }
    client->keep_sent_us = 0;
}

void cc_client_take_ended(struct cc_client *client, copycat_bytes body)
{
    struct cc_session_ended ended;

    if (cc_session_ended_decode(body, &ended) && ended.session == client->session) {
        cc_client_end_session(client, COPYCAT_ERR_SESSION);
    }
}

/* C5: what was sent may or may not have run; nobody sends it again. */
void cc_client_end_session(struct cc_client *client, copycat_status status)
{
    bool had_session = client->session != 0;

    client->session = 0;
    if (CC_BUG(T079) && had_session) {
        uint64_t sequence = 0;

        cc_env_entropy(client->env, client->nonce, CC_NONCE_SIZE);
        cc_list_each(node, &client->commands) {
            cc_container_of(node, struct cc_slot, node)->sequence = ++sequence;
        }
        client->sequence = sequence;
        client->transmit_next = 1;
        client->opening_us = 0;
        client->open_us = 0;
        return;
    }
    if (!client->is_closing) {
        client->end_status = status;
        cc_client_end_calls(client, COPYCAT_ERR_OUTCOME, status);
        cc_client_set_state(client, CC_CLIENT_ENDED);
    }
    cc_client_wake(client);
}

static bool may_open(const struct cc_client *client)
{
    return client->is_ready && client->session == 0 && !client->is_opening &&
           client->state != CC_CLIENT_ENDED;
}

static bool may_keep_alive(const struct cc_client *client)
{
    return client->is_ready && client->session != 0 && client->keep_sent_us == 0;
}

/* Beyond it the session may have expired, as far as we know. */
static uint64_t doubt_us(const struct cc_client *client)
{
    return client->confirmed_us + client->timeout_us / 3 * 2;
}

uint64_t cc_client_session_due_us(const struct cc_client *client)
{
    uint64_t due = COPYCAT_NONE;

    if (may_open(client)) {
        due = cc_client_earlier(due, client->open_us);
    }
    if (may_keep_alive(client)) {
        due = cc_client_earlier(due, client->keep_due_us);
    }
    if (client->session != 0 && client->state == CC_CLIENT_OPEN) {
        due = cc_client_earlier(due, doubt_us(client));
    }
    return due;
}

void cc_client_watch_session(struct cc_client *client)
{
    uint64_t now = cc_client_now(client);

    if (may_open(client) && now >= client->open_us) {
        send_open(client);
    }
    if (may_keep_alive(client) && now >= client->keep_due_us) {
        send_keep_alive(client);
    }
    if (client->session != 0 && client->state == CC_CLIENT_OPEN && now >= doubt_us(client)) {
        cc_client_set_state(client, CC_CLIENT_SUSPENDED);
    }
}
