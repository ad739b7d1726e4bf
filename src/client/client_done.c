/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_done -- results reach the caller in the order of their stream (C3), from the task that
 * ends a pass, never inside the call that made or finished them.
 */
#include "client/client_internal.h"

#include <string.h>

/* Keeps a result until its turn; false: no memory, and the answer is to be as good as lost. */
bool cc_client_hold(struct cc_client *client, struct cc_call *call, copycat_bytes result)
{
    if (result.size > 0) {
        call->held = cc_memory_try(client->memory, result.size);
        if (call->held == NULL) {
            return false;
        }
        memcpy(call->held, result.data, result.size);
        call->held_size = (uint32_t)result.size;
    }
    return true;
}

void cc_client_finish(struct cc_client *client, struct cc_call *call, copycat_status status)
{
    CC_ASSERT(call->phase != CC_CALL_FINISHED); /* C2 */
    call->phase = CC_CALL_FINISHED;
    call->status = status;
    cc_list_append(&client->finished, &call->window_node);
    cc_client_wake(client);
}

static bool is_first_of_stream(const struct cc_call *call)
{
    return call->resource->calls.next == &call->stream_node;
}

/* True for an answer that a state older than what its stream has seen already has given (C4). */
static bool goes_back(const struct cc_call *call)
{
    return !CC_BUG(T070) && call->kind == CC_CALL_QUERY && call->level != CC_READ_EVENTUAL &&
           call->index != 0 && call->index < call->resource->delivered_index;
}

static void done(struct cc_client *client, struct cc_call *call)
{
    struct cc_client_resource *resource = call->resource;
    uint8_t *held = call->held;

    if (call->index > resource->delivered_index &&
        (call->kind == CC_CALL_COMMAND || call->level != CC_READ_EVENTUAL)) {
        resource->delivered_index = call->index;
    }
    cc_list_remove(&call->window_node);
    cc_list_remove(&call->stream_node);
    if (cc_list_is_empty(&resource->calls)) {
        cc_client_forget(client, resource); /* it may go with its last call */
    }
    call->phase = CC_CALL_IDLE;
    call->held = NULL;
    call->result = (copycat_bytes){held, call->held_size};
    call->done(call); /* the call is the caller's again, and may be gone */
    cc_memory_give(client->memory, held);
}

/* NULL: each of the finished waits for another of its stream. */
static struct cc_call *next_in_turn(struct cc_client *client)
{
    cc_list_each(node, &client->finished) {
        struct cc_call *call = cc_container_of(node, struct cc_call, window_node);

        if (is_first_of_stream(call)) {
            return call;
        }
    }
    return NULL;
}

/* Delivering one may free the way for another, and callers may make new calls meanwhile. */
void cc_client_deliver(struct cc_client *client)
{
    for (struct cc_call *call = next_in_turn(client); call != NULL; call = next_in_turn(client)) {
        if (!goes_back(call) || !cc_client_ask_again(client, call)) {
            done(client, call);
        }
    }
}
