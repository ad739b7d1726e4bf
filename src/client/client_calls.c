/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_calls -- calls that are made, answered, or past their deadline.
 */
#include "client/client_internal.h"

#include <string.h>

static void note_deadline(struct cc_client *client, const struct cc_call *call)
{
    client->deadline_us = cc_client_earlier(client->deadline_us, call->deadline_us);
}

/* ---- what comes back ------------------------------------------------------------------------- */

static void good_news(struct cc_client *client, const struct cc_slot *slot)
{
    client->good_us = cc_client_now(client);
    client->backoff_us = 0;
    client->counters.answers++;
    if (!slot->is_query) {
        client->command_us = cc_client_now(client);
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
    client->answer_size = (uint32_t)answer.result.size;
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
        cc_client_switch(client, COPYCAT_ERR_MALFORMED, (copycat_bytes){NULL, 0});
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
    if (resend.last == client->resend_last &&
        now < client->resend_last_us + CC_CLIENT_RESEND_US_MIN) {
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
            client->deadline_us = cc_client_earlier(client->deadline_us, now + CC_CLIENT_PAUSE_US);
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

void cc_client_expire(struct cc_client *client, struct cc_call *call)
{
    call->deadline_us = cc_client_now(client);
    note_deadline(client, call);
    cc_client_wake(client);
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
