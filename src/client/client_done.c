/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_done -- results reach the caller in the order of their stream (C3), from the task that ends a
 * pass, never inside the call that made or finished them.
 */
#include "client/client_internal.h"

#include <string.h>

void cc_client_finish(
    struct cc_client *client, struct cc_call *call, copycat_status status, copycat_bytes result)
{
    CC_ASSERT(call->phase != CC_CALL_FINISHED); /* C2 */
    call->phase = CC_CALL_FINISHED;
    call->status = status;
    if (result.size > 0) {
        call->held = cc_memory_take(client->memory, result.size);
        memcpy(call->held, result.data, result.size);
        call->held_size = (uint32_t)result.size;
    }
    cc_list_append(&client->finished, &call->window_node);
    cc_client_wake(client);
}

static bool is_first_of_stream(const struct cc_call *call)
{
    return call->resource->calls.next == &call->stream_node;
}

static void done(struct cc_client *client, struct cc_call *call)
{
    uint8_t *held = call->held;

    cc_list_remove(&call->window_node);
    cc_list_remove(&call->stream_node);
    call->phase = CC_CALL_IDLE;
    call->held = NULL;
    call->result = (copycat_bytes){held, call->held_size};
    call->done(call); /* the call is the caller's again, and may be gone */
    cc_memory_give(client->memory, held);
}

/* Delivering one may free the way for another, and callers may make new calls meanwhile. */
void cc_client_deliver(struct cc_client *client)
{
    bool has_moved = true;

    while (has_moved) {
        has_moved = false;
        cc_list_each (node, &client->finished) {
            struct cc_call *call = cc_container_of(node, struct cc_call, window_node);

            if (is_first_of_stream(call)) {
                done(client, call);
                has_moved = true;
                break;
            }
        }
    }
}
