/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_calls -- numbers, the window, sending again.
 *
 * A command gets its number when it is first sent and keeps it until it is answered, on whichever
 * server; the cluster runs each number once (S0.3).  A query has a number of its connection only
 * and is asked anew.  Both leave in the order in which they were made (S0.6).
 */
#include "client/client_internal.h"

#include <string.h>

#define BACKOFF_US_MIN UINT64_C(20000)
#define BACKOFF_US_MAX UINT64_C(1000000)
#define RESEND_US_MIN UINT64_C(50000)
#define PAUSE_US UINT64_C(20000)

/* ---- slots ----------------------------------------------------------------------------------- */

static void note_deadline(struct cc_client *client, const struct cc_call *call)
{
    client->deadline_us = cc_client_earlier(client->deadline_us, call->deadline_us);
}

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

void cc_client_slot_end(struct cc_client *client, struct cc_slot *slot)
{
    CC_ASSERT(client->sent_count > 0);
    cc_list_remove(&slot->node);
    cc_memory_give(client->memory, slot->own);
    cc_memory_give(client->memory, slot);
    client->sent_count--;
}

/* The call gives up; its number does not, so its bytes must stay (C1).  False: no memory for them.
 */
static bool give_up(struct cc_client *client, struct cc_slot *slot)
{
    if (slot->operation.size > 0) {
        slot->own = cc_memory_try(client->memory, slot->operation.size);
        if (slot->own == NULL) {
            return false;
        }
        memcpy(slot->own, slot->operation.data, slot->operation.size);
        slot->operation.data = slot->own;
    }
    slot->call = NULL;
    return true;
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

    if (slot->sent_us == 0) {
        slot->sent_us = cc_client_now(client);
    } else {
        client->counters.resends++;
    }
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
    slot->sent_us = cc_client_now(client);
    cc_query_encode(cc_channel_begin(&client->channel, CC_MESSAGE_QUERY, 0), &query);
    cc_channel_end(&client->channel);
}

/* What gathers is bounded, or a window of large values would never fit into one connection. */
static bool has_room(const struct cc_client *client)
{
    return cc_channel_queued(&client->channel) < CC_CLIENT_OUTPUT_GATHER;
}

/* No memory, or no room in the connection: it goes on when something comes, or after a while. */
static void pause_sending(struct cc_client *client)
{
    client->pause_us = cc_client_now(client) + PAUSE_US;
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

        if (client->sent_count >= client->options.window_max) {
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

/* The commands behind `last`, and the queries that nobody will answer any more. */
static void go_again(struct cc_client *client, uint64_t last)
{
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

void cc_client_watch_resend(struct cc_client *client)
{
    uint64_t now = cc_client_now(client);

    if (client->resend_us != 0 && now >= client->resend_us) {
        go_again(client, 0); /* other queries are under way and will be answered */
    }
    if (client->is_resend_due && now >= client->resend_last_us + RESEND_US_MIN) {
        client->is_resend_due = false;
        cc_client_resend(client, client->resend_last);
    }
}

uint64_t cc_client_resend_due_us(const struct cc_client *client)
{
    uint64_t due = client->resend_us != 0 ? client->resend_us : COPYCAT_NONE;

    if (client->is_resend_due) {
        due = cc_client_earlier(due, client->resend_last_us + RESEND_US_MIN);
    }
    return client->pause_us != 0 ? cc_client_earlier(due, client->pause_us) : due;
}

uint64_t cc_client_oldest_query_us(const struct cc_client *client)
{
    uint64_t oldest = COPYCAT_NONE;

    cc_list_each(node, &client->queries) {
        const struct cc_slot *slot = cc_container_of(node, const struct cc_slot, node);

        if (slot->sequence != 0 && slot->sent_us < oldest) {
            oldest = slot->sent_us;
        }
    }
    return oldest;
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
    if (!slot->is_query) {
        cc_client_confirm(client, slot->sent_us);
    }
}

static void see(struct cc_client *client, uint64_t index)
{
    client->index_seen = index > client->index_seen ? index : client->index_seen; /* C4 */
}

/* Answers come in order, so it is the first, or none of them if the answer is a repeated one. */
static struct cc_slot *find_command(struct cc_client *client, uint64_t sequence)
{
    cc_list_each(node, &client->commands) {
        struct cc_slot *slot = cc_container_of(node, struct cc_slot, node);

        if (slot->sequence >= sequence) {
            return slot->sequence == sequence ? slot : NULL;
        }
    }
    return NULL;
}

/* One that was asked anew has a number that is out of order. */
static struct cc_slot *find_query(struct cc_client *client, uint64_t number)
{
    cc_list_each(node, &client->queries) {
        struct cc_slot *slot = cc_container_of(node, struct cc_slot, node);

        if (slot->sequence == number) {
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
    slot = find_command(client, answer.sequence);
    if (slot == NULL) {
        client->counters.repeats++;
        return;
    }
    if (answer.status == COPYCAT_ERR_SESSION) {
        cc_client_end_session(client, COPYCAT_ERR_SESSION);
        return;
    }
    if (copycat_status_class(answer.status) == COPYCAT_CLASS_RETRY) {
        cc_client_resend_later(client, true);
        return;
    }
    call = slot->call;
    if (call != NULL && !cc_client_hold(client, call, answer.result)) {
        cc_client_resend_later(client, true);
        return;
    }
    good_news(client, slot);
    see(client, answer.index);
    if (slot->resolving != NULL) {
        cc_client_resolved(client, slot->resolving, &answer);
    }
    cc_client_slot_end(client, slot);
    if (call != NULL) {
        call->index = answer.index;
        cc_client_finish(client, call, answer.status);
    }
}

/* This query alone: others may be answered meanwhile. */
static void ask_later(struct cc_client *client, struct cc_slot *slot)
{
    slot->sequence = 0;
    client->is_ask_due = true;
    cc_client_resend_later(client, true);
}

void cc_client_take_result(struct cc_client *client, copycat_bytes body)
{
    struct cc_answer result;
    struct cc_slot *slot;
    struct cc_call *call;

    if (!cc_answer_decode(body, &result) || result.session != client->session) {
        return;
    }
    slot = result.sequence == 0 ? NULL : find_query(client, result.sequence);
    if (slot == NULL) {
        client->counters.repeats++;
        return;
    }
    if (copycat_status_class(result.status) == COPYCAT_CLASS_RETRY) {
        ask_later(client, slot);
        return;
    }

    /* C4: a server that has not waited for what it was told to is not asked again. */
    if (result.index < slot->after_index && !CC_BUG(T070)) {
        cc_client_switch(client);
        return;
    }
    call = slot->call;
    if (call != NULL && !cc_client_hold(client, call, result.result)) {
        ask_later(client, slot);
        return;
    }
    good_news(client, slot);
    if (slot->level != CC_READ_EVENTUAL) {
        see(client, result.index);
    }
    cc_client_slot_end(client, slot);
    if (call != NULL) {
        call->index = result.index;
        cc_client_finish(client, call, result.status);
    }
}

/*
 * A read that came out of turn and now would go back in its stream: takes it back and asks anew.
 * False if that cannot be done; then it ends without a result.
 */
bool cc_client_ask_again(struct cc_client *client, struct cc_call *call)
{
    struct cc_slot *slot =
        client->end_status == COPYCAT_OK ? cc_client_slot(client, call, true) : NULL;

    cc_memory_give(client->memory, call->held);
    call->held = NULL;
    call->held_size = 0;
    call->index = 0;
    if (slot == NULL) {
        call->status = client->end_status == COPYCAT_OK ? COPYCAT_ERR_MEMORY : client->end_status;
        return false;
    }
    cc_list_remove(&call->window_node);
    call->phase = CC_CALL_SENT;
    note_deadline(client, call);
    slot->operation = call->operation;
    slot->stream = call->resource->stream;
    slot->instance = call->resource->instance;
    slot->level = call->level;
    slot->after_sequence = client->sequence;
    client->is_ask_due = true;
    cc_client_wake(client);
    return true;
}

void cc_client_take_resend(struct cc_client *client, copycat_bytes body)
{
    struct cc_resend resend;
    uint64_t now = cc_client_now(client);

    if (!cc_resend_decode(body, &resend) || resend.session != client->session) {
        return;
    }
    if (resend.last == client->resend_last && now < client->resend_last_us + RESEND_US_MIN) {
        client->is_resend_due = true; /* each command behind a gap is answered so; it can wait */
        return;
    }
    client->resend_last = resend.last;
    client->resend_last_us = now;
    client->is_resend_due = false;
    if (client->resend_us == 0) {
        cc_client_resend(client, resend.last);
    }
}

/* ---- deadlines and ends ---------------------------------------------------------------------- */

static void check_slots(struct cc_client *client, struct cc_list *list, uint64_t now)
{
    cc_list_each_safe(node, following, list) {
        struct cc_slot *slot = cc_container_of(node, struct cc_slot, node);
        struct cc_call *call = slot->call;

        if (call == NULL) {
            continue;
        }
        if (call->deadline_us > now) {
            note_deadline(client, call);
        } else if (slot->is_query) {
            cc_client_slot_end(client, slot);
            cc_client_finish(client, call, COPYCAT_ERR_TIMEOUT);
        } else if (give_up(client, slot)) {
            cc_client_finish(client, call, COPYCAT_ERR_OUTCOME);
        } else {
            client->deadline_us = cc_client_earlier(client->deadline_us, now + PAUSE_US);
        }
    }
}

void cc_client_check_deadlines(struct cc_client *client)
{
    uint64_t now = cc_client_now(client);

    if (now < client->deadline_us) {
        return;
    }
    client->deadline_us = COPYCAT_NONE; /* what stays says anew */
    check_slots(client, &client->commands, now);
    check_slots(client, &client->queries, now);
    cc_list_each_safe(node, following, &client->waiting) {
        struct cc_call *call = cc_container_of(node, struct cc_call, window_node);

        if (call->deadline_us > now) {
            note_deadline(client, call);
        } else {
            cc_list_remove(&call->window_node);
            client->waiting_count--;
            cc_client_finish(client, call, COPYCAT_ERR_TIMEOUT);
        }
    }
}

static void end_slots(struct cc_client *client, struct cc_list *list, copycat_status status)
{
    while (!cc_list_is_empty(list)) {
        struct cc_slot *slot = cc_container_of(list->next, struct cc_slot, node);
        struct cc_call *call = slot->call;

        cc_client_slot_end(client, slot);
        if (call != NULL) {
            cc_client_finish(client, call, status);
        }
    }
}

void cc_client_end_calls(
    struct cc_client *client, copycat_status sent_status, copycat_status unsent_status)
{
    end_slots(client, &client->commands, sent_status);
    end_slots(client, &client->queries, unsent_status);
    while (!cc_list_is_empty(&client->waiting)) {
        struct cc_call *call = cc_container_of(client->waiting.next, struct cc_call, window_node);

        cc_list_remove(&call->window_node);
        client->waiting_count--;
        cc_client_finish(client, call, unsent_status);
    }
}

void cc_client_call(
    struct cc_client *client, struct cc_client_resource *resource, struct cc_call *call)
{
    copycat_bytes nothing = {NULL, 0};
    copycat_status refusal = COPYCAT_OK;

    call->resource = resource;
    call->phase = CC_CALL_IDLE;
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
        refusal = client->end_status;
    } else if (client->waiting_count >= client->options.waiting_max) {
        refusal = COPYCAT_ERR_BUSY;
    } else if (call->operation.size > CC_OPERATION_SIZE_MAX) {
        refusal = COPYCAT_ERR_TOO_LARGE;
    } else if (
        call->kind == CC_CALL_QUERY &&
        (call->level < CC_READ_LINEARIZABLE || call->level > CC_READ_EVENTUAL)) {
        refusal = COPYCAT_ERR_INVALID;
    }
    if (refusal != COPYCAT_OK) {
        cc_client_finish(client, call, refusal);
        return;
    }
    call->phase = CC_CALL_WAITING;
    note_deadline(client, call);
    cc_list_append(&client->waiting, &call->window_node);
    client->waiting_count++;
    cc_client_wake(client);
}
