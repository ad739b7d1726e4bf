/* SPDX-License-Identifier: Apache-2.0 */
/*
 * submit -- from a call of the host to the client, and its outcome back.
 *
 * The operation is encoded on the caller's thread; what crosses to the loop is the future itself.
 */
#include "api/api_memory.h"
#include "api/handle.h"
#include "api/wait.h"
#include "base/options.h"

#include <copycat/resource.h>

#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 30000u
#define TIMEOUT_MS_MAX (COPYCAT_NONE / 2000)

/* ---- resources -------------------------------------------------------------------------------- */

/* Read only: all calls of them come to the same end. */
static copycat_resource no_memory = {.refused = COPYCAT_ERR_MEMORY};
static copycat_resource no_process = {.refused = COPYCAT_ERR_CLOSED};

copycat_resource *copycat_resource_at(copycat_client *client, const char *path, uint32_t type)
{
    struct copycat_resource *resource;

    if (cc_handle_is_foreign(client)) {
        return &no_process;
    }
    resource = calloc(1, sizeof *resource);
    if (resource == NULL) {
        return &no_memory;
    }
    resource->client = client;
    resource->type = type;
    resource->references = 1;
    resource->is_path_long = strlen(path) > CC_PATH_SIZE_MAX;
    if (!resource->is_path_long) {
        memcpy(resource->path, path, strlen(path) + 1);
    }
    pthread_mutex_lock(&client->lock);
    client->references++;
    pthread_mutex_unlock(&client->lock);
    return resource;
}

static void resource_release(struct copycat_resource *resource)
{
    struct copycat_client *client = resource->client;

    pthread_mutex_lock(&client->lock);
    resource->references--;
    if (resource->references > 0) {
        pthread_mutex_unlock(&client->lock);
        return;
    }
    free(resource);
    cc_handle_unlock_and_release(client);
}

void copycat_resource_free(copycat_resource *resource)
{
    if (resource != NULL && resource->client != NULL && !cc_handle_is_foreign(resource->client)) {
        resource_release(resource);
    }
}

/* ---- back ------------------------------------------------------------------------------------- */

static void done(struct cc_call *call)
{
    copycat_future *future = call->owner;
    struct copycat_resource *resource = future->resource;
    copycat_status status = call->status;
    copycat_value *value = NULL;

    if (status == COPYCAT_OK) {
        status = cc_value_create(&value, future->kind, call->index, call->result);
        if (status == COPYCAT_ERR_MEMORY && call->kind == CC_CALL_COMMAND) {
            status = COPYCAT_ERR_OUTCOME; /* it has happened; "try again" would be a lie */
        }
    }
    cc_future_resolve(future, status, value);
    resource_release(resource);
}

void cc_future_give_up(copycat_future *future, copycat_status status)
{
    struct copycat_resource *resource = future->resource;

    if (future->is_done) { /* its resource may be gone */
        cc_future_deliver(future);
        return;
    }
    cc_future_resolve(future, status, NULL);
    resource_release(resource);
}

/* ---- there ------------------------------------------------------------------------------------ */

static void start(struct cc_post *post)
{
    copycat_future *future = post->owner;
    struct copycat_resource *resource = future->resource;

    if (!resource->is_ready) {
        resource->is_ready = true;
        cc_client_resource_init(
            future->client->core, &resource->resource, resource->path, resource->type);
    }
    cc_client_call(future->client->core, &resource->resource, &future->call);
}

static copycat_future *make(void)
{
    copycat_future *future = calloc(1, sizeof *future);

    if (future != NULL && !cc_wait_init(&future->arrived)) {
        free(future);
        return NULL;
    }
    return future;
}

static copycat_future *take_from_pool(struct copycat_client *client)
{
    copycat_future *future;

    pthread_mutex_lock(&client->lock);
    future = client->pool;
    if (future != NULL) {
        client->pool = future->next;
    }
    client->references += future != NULL;
    pthread_mutex_unlock(&client->lock);
    if (future != NULL) {
        return future;
    }
    future = make();
    if (future != NULL) {
        cc_writer_init(&future->operation, &cc_api_memory, CC_OPERATION_SIZE_MAX);
        pthread_mutex_lock(&client->lock);
        client->references++;
        pthread_mutex_unlock(&client->lock);
    }
    return future;
}

/* Read and checked; a status that is not OK is what the call comes to. */
static copycat_status read_options(const copycat_call_options *options, copycat_call_options *read)
{
    copycat_status status = cc_options_read(read, sizeof *read, options);

    if (status == COPYCAT_OK &&
        (read->consistency > COPYCAT_EVENTUAL || read->reserved != 0 ||
         (read->timeout_ms != COPYCAT_NONE && read->timeout_ms > TIMEOUT_MS_MAX))) {
        return COPYCAT_ERR_INVALID;
    }
    return status;
}

static uint64_t timeout_us(const copycat_call_options *options)
{
    if (options->timeout_ms == COPYCAT_NONE) {
        return 0;
    }
    return (options->timeout_ms == 0 ? TIMEOUT_MS : options->timeout_ms) * 1000;
}

copycat_future *cc_future_create(
    struct copycat_resource *resource,
    enum cc_call_kind kind,
    enum cc_value_kind value,
    const copycat_call_options *options)
{
    copycat_future *future;
    copycat_call_options read;
    copycat_status status = read_options(options, &read);

    if (resource->client == NULL) {
        return cc_future_of_nothing(resource->refused);
    }
    if (cc_handle_is_foreign(resource->client)) {
        return cc_future_of_nothing(COPYCAT_ERR_CLOSED);
    }
    future = take_from_pool(resource->client);
    if (future == NULL) {
        return cc_future_of_nothing(COPYCAT_ERR_MEMORY);
    }
    future->client = resource->client;
    future->resource = resource;
    future->kind = value;
    cc_list_init(&future->under_way);
    cc_list_init(&future->late);
    future->is_done = false;
    future->taker = CC_TAKER_NOBODY;
    future->status = status;
    future->call = (struct cc_call){
        .kind = kind,
        .level = read.consistency == 0 ? COPYCAT_LINEARIZABLE : (uint8_t)read.consistency,
        .timeout_us = timeout_us(&read),
        .done = done,
        .owner = future,
    };
    cc_writer_clear(&future->operation);
    return future;
}

/* What is refused here never was the loop's. */
static copycat_status refusal(const copycat_future *future, copycat_status encoded)
{
    const struct copycat_client *client = future->client;

    if (future->status != COPYCAT_OK) {
        return future->status;
    }
    if (encoded != COPYCAT_OK) {
        return encoded;
    }
    if (future->resource->is_path_long) {
        return COPYCAT_ERR_PATH;
    }
    if (client->is_closed) {
        return COPYCAT_ERR_CLOSED;
    }
    if (client->is_broken) {
        return COPYCAT_ERR_BROKEN;
    }
    return client->outstanding >= client->outstanding_max ? COPYCAT_ERR_BUSY : COPYCAT_OK;
}

copycat_future *cc_future_submit(copycat_future *future, copycat_status encoded)
{
    struct copycat_client *client = future->client;

    pthread_mutex_lock(&client->lock);
    future->status = refusal(future, encoded);
    if (future->status == COPYCAT_OK) {
        client->outstanding++;
        future->resource->references++;
        cc_list_append(&client->under_way, &future->under_way);
        future->call.operation = (copycat_bytes){future->operation.data, future->operation.size};
        future->post = (struct cc_post){.run = start, .owner = future};
        cc_env_uv_post(client->env, &future->post); /* P2 */
    } else {
        future->is_done = true;
    }
    pthread_mutex_unlock(&client->lock);
    return future;
}

/* ---- resources whose machine the host has written -------------------------------------------- */

static copycat_future *send_bytes(
    copycat_resource *resource,
    enum cc_call_kind kind,
    copycat_bytes operation,
    const copycat_call_options *options)
{
    copycat_future *future = cc_future_create(resource, kind, CC_VALUE_BYTES, options);
    copycat_status status = COPYCAT_OK;

    if (cc_future_is_of_nothing(future)) {
        return future;
    }
    if (operation.size > CC_OPERATION_SIZE_MAX) {
        status = COPYCAT_ERR_TOO_LARGE;
    } else {
        cc_write_raw(&future->operation, operation.data, operation.size);
        status = future->operation.failed ? COPYCAT_ERR_MEMORY : COPYCAT_OK;
    }
    return cc_future_submit(future, status);
}

copycat_future *copycat_resource_submit(
    copycat_resource *resource, copycat_bytes operation, const copycat_call_options *options)
{
    return send_bytes(resource, CC_CALL_COMMAND, operation, options);
}

copycat_future *copycat_resource_query(
    copycat_resource *resource, copycat_bytes operation, const copycat_call_options *options)
{
    return send_bytes(resource, CC_CALL_QUERY, operation, options);
}
