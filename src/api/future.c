/* SPDX-License-Identifier: Apache-2.0 */
/*
 * future -- taking what an operation has come to; see copycat/future.h.
 */
#include "api/api_memory.h"
#include "api/handle.h"
#include "api/wait.h"
#include "base/assert.h"

/* A pooled future keeps no more than this of its operation's memory. */
#define OPERATION_KEPT_MAX 4096u

/* How much longer than its time a wait lasts where the loop does not say at once what came of it. */
#define LATE_MS 250u

/* Read only: they have no client. */
static copycat_future no_memory = {.is_done = true, .status = COPYCAT_ERR_MEMORY};
static copycat_future no_process = {.is_done = true, .status = COPYCAT_ERR_CLOSED};

copycat_future *cc_future_of_nothing(copycat_status status)
{
    return status == COPYCAT_ERR_MEMORY ? &no_memory : &no_process;
}

bool cc_future_is_of_nothing(const copycat_future *future)
{
    return future->client == NULL;
}

/* What must not be touched: it has a status and nothing else. */
static bool is_untouchable(const copycat_future *future, copycat_status *status_out)
{
    if (cc_future_is_of_nothing(future)) {
        *status_out = future->status;
        return true;
    }
    *status_out = COPYCAT_ERR_CLOSED;
    return cc_handle_is_foreign(future->client);
}

static bool is_command(const copycat_future *future)
{
    return future->call.kind == CC_CALL_COMMAND;
}

/* ---- the outcome ------------------------------------------------------------------------------ */

void cc_future_deliver(copycat_future *future)
{
    copycat_status status = future->status;
    copycat_value *value = future->value;
    copycat_then then = future->then;
    void *user = future->user;

    switch (future->taker) {
    case CC_TAKER_THEN:
        cc_future_recycle(future);
        cc_guard_host_enter();
        then(status, value, user);
        cc_guard_host_leave();
        break;
    case CC_TAKER_QUEUE:
        cc_queue_push(future->queue, future);
        break;
    case CC_TAKER_DROPPED:
        copycat_value_free(value);
        cc_future_recycle(future);
        break;
    case CC_TAKER_WAITER: /* wakes up and helps himself */
    case CC_TAKER_NOBODY:
        break;
    }
}

void cc_future_resolve(copycat_future *future, copycat_status status, copycat_value *value)
{
    enum cc_taker taker;
    bool was_done;

    pthread_mutex_lock(&future->client->lock);
    was_done = future->is_done;
    pthread_mutex_unlock(&future->client->lock);
    CC_ASSERT(!was_done); /* P1; P7 */
    pthread_mutex_lock(&future->client->lock);
    cc_list_remove(&future->under_way);
    cc_list_remove(&future->late);
    future->is_done = true;
    future->status = status;
    future->value = value;
    future->client->outstanding--;
    taker = future->taker;
    if (taker == CC_TAKER_WAITER) {
        pthread_cond_signal(&future->arrived);
    }
    pthread_mutex_unlock(&future->client->lock);
    if (taker != CC_TAKER_WAITER && taker != CC_TAKER_NOBODY) {
        cc_future_deliver(future);
    }
}

void cc_future_recycle(copycat_future *future)
{
    struct copycat_client *client = future->client;

    if (future->operation.capacity > OPERATION_KEPT_MAX) {
        cc_writer_deinit(&future->operation);
        cc_writer_init(&future->operation, &cc_api_memory, CC_OPERATION_SIZE_MAX);
    }
    pthread_mutex_lock(&client->lock);
    future->value = NULL;
    future->next = client->pool;
    client->pool = future;
    cc_handle_unlock_and_release(client);
}

copycat_future *cc_future_first_under_way(struct copycat_client *client)
{
    struct cc_list *node;

    pthread_mutex_lock(&client->lock);
    node = client->under_way.next;
    cc_list_remove(node); /* of an empty list nothing */
    pthread_mutex_unlock(&client->lock);
    return node == &client->under_way ? NULL
                                      : cc_container_of(node, struct copycat_future, under_way);
}

/* ---- waiting ---------------------------------------------------------------------------------- */

/* On the loop.  Each was posted to it before this was (P2), and is its own until it is done; who is
 * late from now on may not have come to the loop yet, and is another post's. */
static void expire_late(struct cc_post *post)
{
    struct copycat_client *client = post->owner;
    struct cc_list batch;

    cc_list_init(&batch);
    pthread_mutex_lock(&client->lock);
    client->is_expiring = false;
    while (!cc_list_is_empty(&client->late)) {
        struct cc_list *node = client->late.next;

        cc_list_remove(node);
        cc_list_append(&batch, node);
    }
    pthread_mutex_unlock(&client->lock);
    while (!cc_list_is_empty(&batch)) {
        struct cc_list *node = batch.next;

        cc_list_remove(node);
        cc_client_expire(client->core, &cc_container_of(node, struct copycat_future, late)->call);
    }
}

/* Under the lock.  A client that is closing ends all of its calls anyway (P2, P5). */
static void ask_to_expire(copycat_future *future)
{
    struct copycat_client *client = future->client;

    if (client->is_closed || client->is_over) {
        return;
    }
    cc_list_append(&client->late, &future->late);
    if (!client->is_expiring) {
        client->is_expiring = true;
        client->expiring = (struct cc_post){.run = expire_late, .owner = client};
        cc_env_uv_post(client->env, &client->expiring);
    }
}

/* Under the lock. */
static void wait_for(copycat_future *future, uint64_t timeout_ms)
{
    struct timespec deadline = cc_wait_deadline(timeout_ms);
    bool has_time = true;

    while (!future->is_done && has_time) {
        has_time = cc_wait_on(&future->arrived, &future->client->lock, timeout_ms, &deadline);
    }
}

/* True if there is an outcome.  Only the loop knows whether a command was sent, and can take it back;
 * of a query nobody needs to know. */
static bool wait_or_take_back(copycat_future *future, uint64_t timeout_ms)
{
    pthread_mutex_t *lock = &future->client->lock;
    bool has_come;

    pthread_mutex_lock(lock);
    CC_ASSERT(future->taker == CC_TAKER_NOBODY); /* P1 */
    future->taker = CC_TAKER_WAITER;
    wait_for(future, timeout_ms);
    if (!future->is_done && is_command(future)) {
        ask_to_expire(future);
        wait_for(future, LATE_MS);
    }
    has_come = future->is_done;
    if (!has_come) {
        future->taker = CC_TAKER_DROPPED;
    }
    pthread_mutex_unlock(lock);
    return has_come;
}

copycat_status copycat_await(copycat_future *future, uint64_t timeout_ms, copycat_value **value_out)
{
    copycat_status late = is_command(future) ? COPYCAT_ERR_OUTCOME : COPYCAT_ERR_TIMEOUT;
    copycat_status status;

    if (value_out != NULL) {
        *value_out = NULL;
    }
    if (is_untouchable(future, &status)) {
        return status;
    }
    if (cc_handle_is_on_loop(future->client)) {
        copycat_future_drop(future);
        return COPYCAT_ERR_INVALID;
    }
    if (!wait_or_take_back(future, timeout_ms)) {
        return late;
    }
    status = future->status;
    if (value_out != NULL) {
        *value_out = future->value;
    } else {
        copycat_value_free(future->value);
    }
    cc_future_recycle(future);
    return status;
}

/* ---- the other ways --------------------------------------------------------------------------- */

static void deliver_posted(struct cc_post *post)
{
    copycat_future *future = post->owner;

    pthread_mutex_lock(&future->client->lock);
    cc_list_remove(&future->under_way);
    pthread_mutex_unlock(&future->client->lock);
    cc_future_deliver(future);
}

/* Who takes it is written in the future; delivered where callbacks run, as long as they do (P5). */
static void take(copycat_future *future, enum cc_taker taker)
{
    struct copycat_client *client = future->client;
    bool is_now = false;

    pthread_mutex_lock(&client->lock);
    CC_ASSERT(future->taker == CC_TAKER_NOBODY); /* P1 */
    future->taker = taker;
    if (future->is_done) {
        is_now = client->is_over || taker != CC_TAKER_THEN;
        if (!is_now) {
            future->post = (struct cc_post){.run = deliver_posted, .owner = future};
            cc_list_append(&client->under_way, &future->under_way);
            cc_env_uv_post(client->env, &future->post);
        }
    }
    pthread_mutex_unlock(&client->lock);
    if (is_now) {
        cc_future_deliver(future);
    }
}

void copycat_future_then(copycat_future *future, copycat_then then, void *user)
{
    copycat_status status;

    if (is_untouchable(future, &status)) {
        then(status, NULL, user); /* there is nothing to remember it in */
        return;
    }
    future->then = then;
    future->user = user;
    take(future, CC_TAKER_THEN);
}

copycat_status copycat_future_into(copycat_future *future, copycat_queue *queue, uint64_t tag)
{
    copycat_status status;

    if (is_untouchable(future, &status)) {
        return status;
    }
    future->queue = queue;
    future->tag = tag;
    take(future, CC_TAKER_QUEUE);
    return COPYCAT_OK;
}

void copycat_future_drop(copycat_future *future)
{
    copycat_status status;

    if (!is_untouchable(future, &status)) {
        take(future, CC_TAKER_DROPPED);
    }
}
