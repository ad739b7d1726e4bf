/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_connect -- which server: one at a time, drawn at random, any will do (S3.100).  A server
 * that does not get us on, be it silent or without a leader, is left for the next one (T-086).
 */
#include "client/client_internal.h"

#include <string.h>

#define ROUND_US_MIN UINT64_C(50000)
#define ROUND_US_MAX UINT64_C(1000000)

/* One query may be overtaken by others for so many times the patience with a server. */
#define QUERY_PATIENCE 4u

/* A new random order: each server is tried once before any is tried again. */
void cc_client_shuffle(struct cc_client *client)
{
    for (uint32_t i = client->options.address_count; i > 1; i--) {
        uint32_t other = (uint32_t)cc_prng_below(&client->prng, i);
        uint32_t kept = client->order[i - 1];

        client->order[i - 1] = client->order[other];
        client->order[other] = kept;
    }
    client->order_at = 0;
}

void cc_client_hang_up(struct cc_client *client)
{
    if (client->is_dialled) {
        client->is_dialled = false;
        client->is_ready = false;
        cc_channel_close(&client->channel);
    }
    client->is_opening = false;
    client->keep_sent_us = 0;
    client->is_resend_due = false;
}

/* Rounds in vain come at growing and random intervals, so that clients do not return together. */
static uint64_t round_pause(struct cc_client *client)
{
    uint64_t whole = client->round_backoff_us == 0 ? ROUND_US_MIN : client->round_backoff_us * 2;

    client->round_backoff_us = whole < ROUND_US_MAX ? whole : ROUND_US_MAX;
    return client->round_backoff_us / 2 +
           cc_prng_below(&client->prng, client->round_backoff_us / 2 + 1);
}

/* Leaves the server; the next is dialled at once, or a little later once all have been tried. */
void cc_client_switch(struct cc_client *client, copycat_status status, copycat_bytes said)
{
    uint64_t now = cc_client_now(client);

    client->is_troubled = true;
    if (client->options.troubled != NULL) {
        client->options.troubled(client->owner, client->server, status, said);
    }
    cc_client_hang_up(client);
    client->counters.switches++;
    client->dial_us = now;
    client->order_at++;
    if (client->order_at >= client->options.address_count) {
        cc_client_shuffle(client);
        client->dial_us = now + round_pause(client);
    }
    cc_client_wake(client);
}

static void on_open(struct cc_channel *channel)
{
    struct cc_client *client = channel->owner;
    struct cc_hello hello = {
        .version_min = CC_PROTOCOL_VERSION,
        .version_max = CC_PROTOCOL_VERSION,
        .feature_level = CC_FEATURE_LEVEL,
        .kind = CC_HELLO_CLIENT,
    };

    client->is_reached = true;
    memcpy(hello.cluster_id, client->cluster_id, CC_CLUSTER_ID_SIZE);
    cc_hello_encode(cc_channel_begin(channel, CC_MESSAGE_HELLO, 0), &hello);
    cc_channel_end(channel);
}

static copycat_status take_hello(struct cc_client *client, copycat_bytes body)
{
    struct cc_hello hello;

    if (!cc_hello_decode(body, &hello) || hello.kind != CC_HELLO_PEER || client->is_ready) {
        return COPYCAT_ERR_MALFORMED;
    }
    if (client->is_cluster_known &&
        memcmp(hello.cluster_id, client->cluster_id, CC_CLUSTER_ID_SIZE) != 0) {
        return COPYCAT_ERR_CLUSTER;
    }
    memcpy(client->cluster_id, hello.cluster_id, CC_CLUSTER_ID_SIZE);
    client->is_cluster_known = true;
    client->is_ready = true;
    client->good_us = cc_client_now(client);
    cc_client_begin_session(client);
    return COPYCAT_OK;
}

/* Why a server that says this is left. */
static copycat_status take_refusal(copycat_bytes body, copycat_bytes *said_out)
{
    struct cc_refuse refusal;

    if (!cc_refuse_decode(body, &refusal) || refusal.status == COPYCAT_OK) {
        return COPYCAT_ERR_MALFORMED;
    }
    *said_out = refusal.text;
    return refusal.status;
}

static void on_frame(struct cc_channel *channel, const struct cc_frame *frame)
{
    struct cc_client *client = channel->owner;
    copycat_status status = COPYCAT_OK;
    copycat_bytes said = {NULL, 0};

    switch (frame->type) {
    case CC_MESSAGE_HELLO:
        status = take_hello(client, frame->body);
        break;
    case CC_MESSAGE_SESSION_OPENED:
        cc_client_take_opened(client, frame->body);
        break;
    case CC_MESSAGE_KEPT_ALIVE:
        cc_client_take_kept(client, frame->body);
        break;
    case CC_MESSAGE_SESSION_ENDED:
        cc_client_take_ended(client, frame->body);
        break;
    case CC_MESSAGE_ANSWER:
        cc_client_take_answer(client, frame->body);
        break;
    case CC_MESSAGE_RESULT:
        cc_client_take_result(client, frame->body);
        break;
    case CC_MESSAGE_RESEND:
        cc_client_take_resend(client, frame->body);
        break;
    case CC_MESSAGE_REFUSE:
        status = take_refusal(frame->body, &said);
        break;
    default:
        status = COPYCAT_ERR_MALFORMED; /* nothing a server says to a client */
        break;
    }
    if (status != COPYCAT_OK) {
        cc_client_switch(client, status, said);
    }
    cc_client_wake(client);
}

static void on_closed(struct cc_channel *channel, copycat_status status)
{
    struct cc_client *client = channel->owner;

    if (status == COPYCAT_OK) {
        status = client->is_reached ? COPYCAT_ERR_CLOSED : COPYCAT_ERR_UNAVAILABLE;
    }
    cc_client_switch(client, status, (copycat_bytes){NULL, 0});
}

static const struct cc_channel_callbacks callbacks = {
    .on_open = on_open,
    .on_frame = on_frame,
    .on_closed = on_closed,
};

/* Each server has its own time for a query. */
static void forget_questions(struct cc_client *client)
{
    cc_list_each(node, &client->queries) {
        cc_container_of(node, struct cc_slot, node)->sent_us = 0;
    }
}

void cc_client_dial(struct cc_client *client)
{
    forget_questions(client);
    client->server = client->order[client->order_at];
    client->is_dialled = true;
    client->is_reached = false;
    client->good_us = cc_client_now(client);
    client->counters.connects++;
    cc_channel_init(
        &client->channel, client->env, client->memory, CC_FRAME_BODY_CLIENT_MAX,
        CC_CLIENT_OUTPUT_MAX, &callbacks, client);
    cc_channel_connect(&client->channel, client->addresses[client->server]);
}

static bool is_waiting_for_server(const struct cc_client *client)
{
    return !client->is_ready || client->is_opening || client->keep_sent_us != 0 ||
           client->session == 0 || client->sent_count > 0;
}

/* Call before something is sent that the server has to answer: patience is counted from now. */
void cc_client_expect(struct cc_client *client)
{
    if (!is_waiting_for_server(client)) {
        client->good_us = cc_client_now(client);
    }
}

/* On its way to a leader that has gone, say: the others' results do not bring it back.  Or put off
 * again and again by a server that lags for good. */
static bool has_lost_a_query(const struct cc_client *client)
{
    uint64_t asked_us = cc_client_oldest_query_us(client);

    return asked_us != COPYCAT_NONE &&
           cc_client_now(client) - asked_us >= client->options.progress_us * QUERY_PATIENCE;
}

void cc_client_watch_connection(struct cc_client *client)
{
    uint64_t now = cc_client_now(client);

    if (client->state == CC_CLIENT_ENDED) {
        cc_client_hang_up(client);
        return;
    }
    if (!client->is_dialled) {
        if (now >= client->dial_us) {
            cc_client_dial(client);
        }
    } else if (
        is_waiting_for_server(client) && !CC_BUG(T086) &&
        (now >= client->good_us + client->options.progress_us || has_lost_a_query(client))) {
        cc_client_switch(
            client, client->is_ready ? COPYCAT_ERR_NO_LEADER : COPYCAT_ERR_TIMEOUT,
            (copycat_bytes){NULL, 0});
    }
}

/* A lost query needs no time of its own: while one is out, patience ends again and again. */
uint64_t cc_client_connection_due_us(const struct cc_client *client)
{
    if (client->state == CC_CLIENT_ENDED) {
        return client->is_dialled ? cc_client_now(client) : COPYCAT_NONE;
    }
    if (!client->is_dialled) {
        return client->dial_us;
    }
    return is_waiting_for_server(client) && !CC_BUG(T086)
               ? client->good_us + client->options.progress_us
               : COPYCAT_NONE;
}
