/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_calls -- numbers, the window, sending again.
 *
 * A command gets its number when it is first sent and keeps it until it is answered, on whichever
 * server; the cluster runs each number once (S0.3).  A query has a number of its connection only and
 * is asked anew.  Both leave in the order in which they were made (S0.6).
 */
#include "client/client_internal.h"

#include <string.h>

#define BACKOFF_US_MIN UINT64_C(20000)
#define BACKOFF_US_MAX UINT64_C(1000000)
#define RESEND_US_MIN UINT64_C(50000)

/* ---- slots ----------------------------------------------------------------------------------- */

struct cc_slot *cc_client_slot(struct cc_client *client, struct cc_call *call, bool is_query)
{
    struct cc_slot *slot = cc_memory_take(client->memory, sizeof *slot);

    slot->call = call;
    slot->is_query = is_query;
    cc_list_append(is_query ? &client->queries : &client->commands, &slot->node);
    client->sent_count++;
    return slot;
}

void cc_client_slot_end(struct cc_client *client, struct cc_slot *slot)
{
    CC_ASSERT(client->sent_count > 0);
    cc_list_remove(&slot->node);
    cc_memory_give(client->memory, slot->own);
    cc_memory_give(client->memory, slot);
    client->sent_count--;
}

/* The call gives up; its number does not, so its bytes must stay (C1). */
static void give_up(struct cc_client *client, struct cc_slot *slot)
{
    if (slot->operation.size > 0) {
        slot->own = cc_memory_take(client->memory, slot->operation.size);
        memcpy(slot->own, slot->operation.data, slot->operation.size);
        slot->operation.data = slot->own;
    }
    slot->call = NULL;
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

    slot->sent_us = cc_client_now(client);
    cc_command_encode(cc_channel_begin(&client->channel, CC_MESSAGE_COMMAND, 0), &command);
    cc_channel_end(&client->channel);
}

static void send_query(struct cc_client *client, struct cc_slot *slot)
{
    struct cc_query query = {
        .number = ++client->number,
        .session = client->session,
        .after_sequence = slot->after_sequence,
        .after_index = client->index_seen,
        .stream = slot->stream,
        .instance = slot->instance,
        .level = slot->level,
        .operation = slot->operation,
    };

    slot->sequence = query.number;
    slot->sent_us = cc_client_now(client);
    cc_query_encode(cc_channel_begin(&client->channel, CC_MESSAGE_QUERY, 0), &query);
    cc_channel_end(&client->channel);
}

static void send_call(struct cc_client *client, struct cc_call *call)
{
    bool is_query = call->kind == CC_CALL_QUERY;
    struct cc_slot *slot = cc_client_slot(client, call, is_query);

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
        send_command(client, slot);
    }
}

/* Sends what waits, in order, as far as the window allows; a path that is not resolved yet holds
 * back only its own calls. */
void cc_client_pump(struct cc_client *client)
{
    if (client->session == 0 || !client->is_ready || client->resend_us != 0) {
        return;
    }
    cc_list_each_safe (node, following, &client->waiting) {
        struct cc_call *call = cc_container_of(node, struct cc_call, window_node);

        if (client->sent_count >= client->options.window_max) {
            break;
        }
        if (call->resource->status != COPYCAT_OK) {
            cc_list_remove(&call->window_node);
            client->waiting_count--;
            cc_client_finish(client, call, call->resource->status, (copycat_bytes){NULL, 0});
        } else if (cc_client_resolve(client, call->resource)) {
            send_call(client, call);
        }
    }
}

void cc_client_resend(struct cc_client *client, uint64_t last)
{
    client->resend_us = 0;
    if (!client->is_ready || client->session == 0) {
        return;
    }
    cc_list_each (node, &client->commands) {
        struct cc_slot *slot = cc_container_of(node, struct cc_slot, node);

        if (slot->sequence > last) {
            client->counters.resends++;
            send_command(client, slot);
        }
    }
    if (last == 0) {
        cc_list_each (node, &client->queries) {
            send_query(client, cc_container_of(node, struct cc_slot, node));
        }
    }
    cc_client_wake(client);
}

void cc_client_resend_later(struct cc_client *client, bool backs_off)
{
    uint64_t wait = RESEND_US_MIN;

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

/* ---- what comes back ------------------------------------------------------------------------- */

static void good_news(struct cc_client *client, const struct cc_slot *slot)
{
    client->good_us = cc_client_now(client);
    client->backoff_us = 0;
    client->counters.answers++;
    if (!slot->is_query && slot->sent_us > client->confirmed_us) {
        client->confirmed_us = slot->sent_us;
        cc_client_set_state(client, CC_CLIENT_OPEN);
    }
}

static void see(struct cc_client *client, uint64_t index)
{
    client->index_seen = index > client->index_seen ? index : client->index_seen; /* C4 */
}

static struct cc_slot *find(struct cc_list *list, uint64_t sequence)
{
    cc_list_each (node, list) {
        struct cc_slot *slot = cc_container_of(node, struct cc_slot, node);

        if (slot->sequence == sequence) {
            return slot;
        }
    }
    return NULL;
}

void cc_client_take_answer(struct cc_client *client, copycat_bytes body)
{
    struct cc_answer answer;
    struct cc_slot *slot;
    struct cc_call *call;

    if (!cc_answer_decode(body, &answer) || answer.session != client->session) {
        return;
    }
    slot = find(&client->commands, answer.sequence);
    if (slot == NULL) {
        client->counters.repeats++;
        return;
    }
    if (answer.status == COPYCAT_ERR_SESSION) {
        cc_client_end_session(client);
        return;
    }
    if (copycat_status_class(answer.status) == COPYCAT_CLASS_RETRY) {
        cc_client_resend_later(client, true);
        return;
    }
    good_news(client, slot);
    see(client, answer.index);
    call = slot->call;
    if (slot->resolving != NULL) {
        cc_client_resolved(client, slot->resolving, &answer);
    }
    cc_client_slot_end(client, slot);
    if (call != NULL) {
        call->index = answer.index;
        cc_client_finish(client, call, answer.status, answer.result);
    }
}

void cc_client_take_result(struct cc_client *client, copycat_bytes body)
{
    struct cc_answer result;
    struct cc_slot *slot;
    struct cc_call *call;

    if (!cc_answer_decode(body, &result) || result.session != client->session) {
        return;
    }
    slot = find(&client->queries, result.sequence);
    if (slot == NULL) {
        client->counters.repeats++;
        return;
    }
    if (copycat_status_class(result.status) == COPYCAT_CLASS_RETRY) {
        cc_client_resend_later(client, true);
        return;
    }

    /* C4: a state older than one already seen is not shown; it is asked for again. */
    if (slot->level != CC_READ_EVENTUAL && result.index < client->index_seen && !CC_BUG(T070)) {
        send_query(client, slot);
        return;
    }
    good_news(client, slot);
    if (slot->level != CC_READ_EVENTUAL) {
        see(client, result.index);
    }
    call = slot->call;
    cc_client_slot_end(client, slot);
    if (call != NULL) {
        call->index = result.index;
        cc_client_finish(client, call, result.status, result.result);
    }
}

void cc_client_take_resend(struct cc_client *client, copycat_bytes body)
{
    struct cc_resend resend;
    uint64_t now = cc_client_now(client);

    if (!cc_resend_decode(body, &resend) || resend.session != client->session) {
        return;
    }
    if (resend.last == client->resend_last && now < client->resend_last_us + RESEND_US_MIN) {
        return; /* each command behind a gap is answered so; once is enough */
    }
    client->resend_last = resend.last;
    client->resend_last_us = now;
    if (client->resend_us == 0) {
        cc_client_resend(client, resend.last);
    }
}

/* ---- deadlines and ends ---------------------------------------------------------------------- */

static void check_slots(struct cc_client *client, struct cc_list *list, uint64_t now)
{
    copycat_bytes nothing = {NULL, 0};

    cc_list_each_safe (node, following, list) {
        struct cc_slot *slot = cc_container_of(node, struct cc_slot, node);
        struct cc_call *call = slot->call;

        if (call == NULL || call->deadline_us > now) {
            continue;
        }
        if (slot->is_query) {
            cc_client_slot_end(client, slot);
            cc_client_finish(client, call, COPYCAT_ERR_TIMEOUT, nothing);
        } else {
            give_up(client, slot);
            cc_client_finish(client, call, COPYCAT_ERR_OUTCOME, nothing);
        }
    }
}

void cc_client_check_deadlines(struct cc_client *client)
{
    copycat_bytes nothing = {NULL, 0};
    uint64_t now = cc_client_now(client);

    check_slots(client, &client->commands, now);
    check_slots(client, &client->queries, now);
    cc_list_each_safe (node, following, &client->waiting) {
        struct cc_call *call = cc_container_of(node, struct cc_call, window_node);

        if (call->deadline_us <= now) {
            cc_list_remove(&call->window_node);
            client->waiting_count--;
            cc_client_finish(client, call, COPYCAT_ERR_TIMEOUT, nothing);
        }
    }
}

static void end_slots(struct cc_client *client, struct cc_list *list, copycat_status status)
{
    copycat_bytes nothing = {NULL, 0};

    while (!cc_list_is_empty(list)) {
        struct cc_slot *slot = cc_container_of(list->next, struct cc_slot, node);
        struct cc_call *call = slot->call;

        cc_client_slot_end(client, slot);
        if (call != NULL) {
            cc_client_finish(client, call, status, nothing);
        }
    }
}

void cc_client_end_calls(
    struct cc_client *client, copycat_status sent_status, copycat_status unsent_status)
{
    copycat_bytes nothing = {NULL, 0};

    end_slots(client, &client->commands, sent_status);
    end_slots(client, &client->queries, unsent_status);
    while (!cc_list_is_empty(&client->waiting)) {
        struct cc_call *call =
            cc_container_of(client->waiting.next, struct cc_call, window_node);

        cc_list_remove(&call->window_node);
        client->waiting_count--;
        cc_client_finish(client, call, unsent_status, nothing);
    }
}

void cc_client_call(
    struct cc_client *client, struct cc_client_resource *resource, struct cc_call *call)
{
    copycat_bytes nothing = {NULL, 0};
    copycat_status refusal = COPYCAT_OK;

    call->resource = resource;
    call->status = COPYCAT_OK;
    call->index = 0;
    call->sequence = 0;
    call->result = nothing;
    call->held = NULL;
    call->held_size = 0;
    call->deadline_us =
        call->timeout_us == 0 ? COPYCAT_NONE : cc_client_now(client) + call->timeout_us;
    cc_list_append(&resource->calls, &call->stream_node);
    if (client->is_closing) {
        refusal = COPYCAT_ERR_CLOSED;
    } else if (client->state == CC_CLIENT_ENDED) {
        refusal = COPYCAT_ERR_SESSION;
    } else if (client->waiting_count >= client->options.waiting_max) {
        refusal = COPYCAT_ERR_BUSY;
    } else if (call->operation.size > CC_OPERATION_SIZE_MAX) {
        refusal = COPYCAT_ERR_TOO_LARGE;
    }
    if (refusal != COPYCAT_OK) {
        cc_client_finish(client, call, refusal, nothing);
        return;
    }
    call->phase = CC_CALL_WAITING;
    cc_list_append(&client->waiting, &call->window_node);
    client->waiting_count++;
    cc_client_wake(client);
}
