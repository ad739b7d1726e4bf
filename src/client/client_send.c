/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_send -- what leaves for the server, when, and when again.
 *
 * A command gets its number when it is first sent and keeps it until it is answered, on whichever
 * server; the cluster runs each number once (S0.3).  A query has a number of its connection only
 * and is asked anew.  Both leave in the order in which they were made (S0.6).
 */
#include "client/client_internal.h"

#define BACKOFF_US_MIN UINT64_C(20000)
#define BACKOFF_US_MAX UINT64_C(1000000)

/* Commands that are not answered for so many times the patience with a server were lost behind it. */
#define COMMAND_PATIENCE 4u

/* ---- slots ----------------------------------------------------------------------------------- */

struct cc_slot *cc_client_slot(struct cc_client *client, struct cc_call *call, bool is_query)
{
    struct cc_slot *slot = cc_memory_try(client->memory, sizeof *slot);

    if (slot == NULL) {
        return NULL;
    }
    cc_client_expect(client);
    slot->call = call;
    slot->is_query = is_query;
    cc_list_append(is_query ? &client->queries : &client->commands, &slot->node);
    client->sent_count++;
    return slot;
}

static void set_share(struct cc_client *client, struct cc_slot *slot, uint64_t share)
{
    CC_ASSERT(client->shares >= slot->share);
    client->shares += share - slot->share;
    slot->share = share;
}

void cc_client_slot_end(struct cc_client *client, struct cc_slot *slot)
{
    CC_ASSERT(client->sent_count > 0);
    set_share(client, slot, 0);
    cc_list_remove(&slot->node);
    cc_memory_give(client->memory, slot->own);
    cc_memory_give(client->memory, slot);
    client->sent_count--;
}

uint64_t cc_client_answered(const struct cc_client *client)
{
    return cc_list_is_empty(&client->commands)
               ? client->sequence
               : cc_container_of(client->commands.next, struct cc_slot, node)->sequence - 1;
}

/* ---- sending --------------------------------------------------------------------------------- */

static void send_command(struct cc_client *client, struct cc_slot *slot)
{
    struct cc_command command = {
        .session = client->session,
        .sequence = slot->sequence,
        .answered = cc_client_answered(client),
        .stream = slot->stream,
        .instance = slot->instance,
        .operation = slot->operation,
    };

    set_share(
        client, slot,
        slot->operation.size > client->answer_size ? slot->operation.size : client->answer_size);
    if (slot->sent_us == 0) {
        slot->sent_us = cc_client_now(client);
    } else {
        client->counters.resends++;
    }
    client->command_us = cc_client_now(client);
    cc_command_encode(cc_channel_begin(&client->channel, CC_MESSAGE_COMMAND, 0), &command);
    cc_channel_end(&client->channel);
}

static void send_query(struct cc_client *client, struct cc_slot *slot)
{
    slot->after_index = slot->level == CC_READ_EVENTUAL ? 0 : client->index_seen; /* C4 */

    struct cc_query query = {
        .number = ++client->number,
        .session = client->session,
        .after_sequence = slot->after_sequence,
        .after_index = slot->after_index,
        .stream = slot->stream,
        .instance = slot->instance,
        .level = slot->level,
        .operation = slot->operation,
    };

    slot->sequence = query.number;
    if (slot->sent_us == 0) {
        slot->sent_us = cc_client_now(client); /* a server that only puts it off is left, too */
    }
    cc_query_encode(cc_channel_begin(&client->channel, CC_MESSAGE_QUERY, 0), &query);
    cc_channel_end(&client->channel);
}

/*
 * A session runs nothing more while it keeps so many bytes of answers: each command beyond would be
 * logged, refused, and sent again.  How large an answer will be is not known.  Usually it is not
 * larger than its command (the value before, say), and like the newest one; where that is wrong,
 * the refusal is still there.
 */
static bool answers_are_many(const struct cc_client *client)
{
    return client->shares >= CC_SESSION_ANSWER_BYTES_MAX;
}

/* What gathers is bounded, or a window of large values would never fit into one connection. */
static bool has_room(const struct cc_client *client)
{
    return cc_channel_queued(&client->channel) < CC_CLIENT_OUTPUT_GATHER;
}

/* No memory, or no room in the connection: it goes on when something comes, or after a while. */
static void pause_sending(struct cc_client *client)
{
    client->pause_us = cc_client_now(client) + CC_CLIENT_PAUSE_US;
}

/* The last command that is not to be sent, or the list itself.  Sought from the end: usually only the
 * newest is to be sent, and a window may hold thousands before it. */
static struct cc_list *last_transmitted(struct cc_client *client)
{
    struct cc_list *node = client->commands.prev;

    while (node != &client->commands &&
           cc_container_of(node, struct cc_slot, node)->sequence >= client->transmit_next) {
        node = node->prev;
    }
    return node;
}

static void transmit(struct cc_client *client)
{
    struct cc_list *node;

    if (client->transmit_next > client->sequence) {
        return;
    }
    for (node = last_transmitted(client)->next; node != &client->commands; node = node->next) {
        struct cc_slot *slot = cc_container_of(node, struct cc_slot, node);

        if (answers_are_many(client)) {
            return; /* the next answer makes room */
        }
        if (!has_room(client)) {
            pause_sending(client);
            return;
        }
        send_command(client, slot);
        client->transmit_next = slot->sequence + 1;
    }
    client->transmit_next = client->sequence + 1; /* what is not listed has been answered */
}

static void ask(struct cc_client *client)
{
    if (!client->is_ask_due) {
        return;
    }
    cc_list_each(node, &client->queries) {
        struct cc_slot *slot = cc_container_of(node, struct cc_slot, node);

        if (slot->sequence == 0) {
            if (!has_room(client)) {
                pause_sending(client);
                return;
            }
            send_query(client, slot);
        }
    }
    client->is_ask_due = false;
}

/* False: no memory; the call goes on waiting. */
static bool send_call(struct cc_client *client, struct cc_call *call)
{
    bool is_query = call->kind == CC_CALL_QUERY;
    struct cc_slot *slot = cc_client_slot(client, call, is_query);

    if (slot == NULL) {
        return false;
    }
    call->phase = CC_CALL_SENT;
    cc_list_remove(&call->window_node);
    client->waiting_count--;
    slot->operation = call->operation;
    slot->stream = call->resource->stream;
    slot->instance = call->resource->instance;
    slot->level = call->level;
    slot->after_sequence = client->sequence;
    if (is_query) {
        send_query(client, slot);
    } else {
        slot->sequence = ++client->sequence;
        call->sequence = slot->sequence;
        transmit(client);
    }
    return true;
}

/* Sends what has to go again, then what waits, in order, as far as the window allows; a path that
 * is not resolved yet holds back only its own calls. */
void cc_client_pump(struct cc_client *client)
{
    client->pause_us = 0;
    if (client->session == 0 || !client->is_ready || client->resend_us != 0) {
        return;
    }
    transmit(client);
    ask(client);
    cc_list_each_safe(node, following, &client->waiting) {
        struct cc_call *call = cc_container_of(node, struct cc_call, window_node);

        if (client->sent_count >= client->options.window_max || answers_are_many(client) ||
            client->transmit_next <= client->sequence) {
            break;
        }
        if (!has_room(client)) {
            pause_sending(client);
            break;
        }
        if (call->resource->status != COPYCAT_OK) {
            cc_list_remove(&call->window_node);
            client->waiting_count--;
            cc_client_finish(client, call, call->resource->status);
        } else if (!cc_client_resolve(client, call->resource)) {
            transmit(client);
            if (!call->resource->resolving) {
                pause_sending(client);
            }
        } else if (!send_call(client, call)) {
            pause_sending(client);
            break;
        }
    }
}

/* The commands behind `last`: no answer to what was sent of them is to be waited for. */
static void go_again(struct cc_client *client, uint64_t last)
{
    struct cc_list *node = client->commands.prev;

    while (node != &client->commands &&
           cc_container_of(node, struct cc_slot, node)->sequence > last) {
        set_share(client, cc_container_of(node, struct cc_slot, node), 0);
        node = node->prev;
    }
    client->resend_us = 0;
    if (client->transmit_next > last + 1) {
        client->transmit_next = last + 1;
    }
    cc_client_wake(client);
}

void cc_client_resend(struct cc_client *client, uint64_t last)
{
    go_again(client, last);
    if (last == 0) {
        cc_list_each(node, &client->queries) {
            cc_container_of(node, struct cc_slot, node)->sequence = 0;
            client->is_ask_due = true;
        }
    }
}

/* A server passes commands on and forgets them.  If the leader goes with them and nothing is sent
 * behind them, nobody misses them but us, while keep-alives are answered as ever. */
static uint64_t lost_us(const struct cc_client *client)
{
    bool is_waiting = client->is_ready && client->session != 0 && client->resend_us == 0 &&
                      !cc_list_is_empty(&client->commands);

    return is_waiting ? client->command_us + client->options.progress_us * COMMAND_PATIENCE
                      : COPYCAT_NONE;
}

void cc_client_watch_resend(struct cc_client *client)
{
    uint64_t now = cc_client_now(client);

    if (now >= lost_us(client)) {
        client->command_us = now;
        go_again(client, 0);
    }
    if (client->resend_us != 0 && now >= client->resend_us) {
        go_again(client, 0); /* other queries are under way and will be answered */
    }
    if (client->is_resend_due && now >= client->resend_last_us + CC_CLIENT_RESEND_US_MIN) {
        client->is_resend_due = false;
        cc_client_resend(client, client->resend_last);
    }
}

uint64_t cc_client_resend_due_us(const struct cc_client *client)
{
    uint64_t due = client->resend_us != 0 ? client->resend_us : lost_us(client);

    if (client->is_resend_due) {
        due = cc_client_earlier(due, client->resend_last_us + CC_CLIENT_RESEND_US_MIN);
    }
    return client->pause_us != 0 ? cc_client_earlier(due, client->pause_us) : due;
}

uint64_t cc_client_oldest_query_us(const struct cc_client *client)
{
    uint64_t oldest = COPYCAT_NONE;

    cc_list_each(node, &client->queries) {
        const struct cc_slot *slot = cc_container_of(node, const struct cc_slot, node);

        if (slot->sent_us != 0 && slot->sent_us < oldest) {
            oldest = slot->sent_us;
        }
    }
    return oldest;
}

void cc_client_resend_later(struct cc_client *client, bool backs_off)
{
    uint64_t wait = CC_CLIENT_RESEND_US_MIN;

    if (client->resend_us != 0) {
        return;
    }
    if (backs_off) {
        client->backoff_us = client->backoff_us == 0 ? BACKOFF_US_MIN : client->backoff_us * 2;
        client->backoff_us =
            client->backoff_us < BACKOFF_US_MAX ? client->backoff_us : BACKOFF_US_MAX;
        wait = client->backoff_us / 2 + cc_prng_below(&client->prng, client->backoff_us);
    }
    client->resend_us = cc_client_now(client) + wait;
}
