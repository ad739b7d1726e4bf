/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_resource -- paths: resolved once, by the first call that needs it, with the catalogue's
 * get-or-create (S3.11).
 */
#include "client/client_internal.h"
#include "proto/catalog_operation.h"

#include <string.h>

#define OPEN_SIZE_MAX (CC_PATH_SIZE_MAX + 32u)

void cc_client_resource_init(
    struct cc_client *client, struct cc_client_resource *resource, const char *path, uint32_t type)
{
    size_t size = strlen(path);

    memset(resource, 0, sizeof *resource);
    resource->type = type;
    resource->stream = client->stream_next++;
    cc_list_init(&resource->calls);
    if (size > CC_PATH_SIZE_MAX) {
        resource->status = COPYCAT_ERR_PATH;
    } else {
        memcpy(resource->path, path, size + 1);
    }
}

/* Without memory nothing is sent, and sending pauses for a while. */
static void send_open(struct cc_client *client, struct cc_client_resource *resource)
{
    uint8_t *own = cc_memory_try(client->memory, OPEN_SIZE_MAX);
    struct cc_slot *slot = own == NULL ? NULL : cc_client_slot(client, NULL, false);
    struct cc_writer writer;

    if (slot == NULL) {
        cc_memory_give(client->memory, own);
        return;
    }
    slot->own = own;
    cc_writer_init_fixed(&writer, slot->own, OPEN_SIZE_MAX);
    cc_catalog_operation_encode(
        &writer, &(struct cc_catalog_operation){
                     .code = CC_CATALOG_OPEN,
                     .type = resource->type,
                     .path = {resource->path, strlen(resource->path)},
                 });
    CC_ASSERT(!writer.failed);
    slot->resolving = resource;
    slot->stream = resource->stream;
    slot->instance = CC_CATALOG_INSTANCE;
    slot->operation = (copycat_bytes){slot->own, writer.size};
    slot->sequence = ++client->sequence;
    resource->resolving = true;
}

/* True if calls on it may be sent. */
bool cc_client_resolve(struct cc_client *client, struct cc_client_resource *resource)
{
    if (resource->instance != 0) {
        return true;
    }
    if (!resource->resolving) {
        send_open(client, resource);
    }
    return false;
}

/* It may be otherwise for those that come later, which ask again. */
static void end_waiting(
    struct cc_client *client, const struct cc_client_resource *resource, copycat_status status)
{
    cc_list_each_safe(node, following, &client->waiting) {
        struct cc_call *call = cc_container_of(node, struct cc_call, window_node);

        if (call->resource == resource) {
            cc_list_remove(&call->window_node);
            client->waiting_count--;
            cc_client_finish(client, call, status);
        }
    }
}

void cc_client_resolved(
    struct cc_client *client, struct cc_client_resource *resource, const struct cc_answer *answer)
{
    struct cc_catalog_place place;

    resource->resolving = false;
    if (answer->status == COPYCAT_ERR_QUOTA) {
        end_waiting(client, resource, answer->status);
    } else if (answer->status != COPYCAT_OK) {
        resource->status = answer->status;
    } else if (!cc_catalog_place_decode(answer->result, &place) || place.instance == 0) {
        resource->status = COPYCAT_ERR_MALFORMED;
    } else {
        resource->instance = place.instance;
    }
    cc_client_wake(client);
}

/* The question to the catalogue goes on, for its number is given; nobody waits for the answer. */
void cc_client_forget(struct cc_client *client, struct cc_client_resource *resource)
{
    if (!resource->resolving) {
        return;
    }
    resource->resolving = false;
    cc_list_each(node, &client->commands) {
        struct cc_slot *slot = cc_container_of(node, struct cc_slot, node);

        if (slot->resolving == resource) {
            slot->resolving = NULL;
        }
    }
}
