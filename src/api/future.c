/* SPDX-License-Identifier: Apache-2.0 */
/*
 * future -- taking what an operation has come to; see copycat/future.h.
 */
#include "api/handle.h"
#include "base/assert.h"

#include <errno.h>
#include <time.h>

/* One for all: it is done, cannot be taken away, and says MEMORY. */
static copycat_future no_memory = {.is_done = true, .status = COPYCAT_ERR_MEMORY};

copycat_future *cc_future_of_no_memory(void)
{
    return &no_memory;
}

static bool is_command(const copycat_future *future)
{
    return future->call.kind == CC_CALL_COMMAND;
}

/* ---- the outcome ------------------------------------------------------------------------------ */

static void deliver(copycat_future *future)
{
    copycat_status status = future->status;
    copycat_value *value = future->value;
    copycat_then then = future->then;
    void *user = future->user;

    switch (future->taker) {
    case CC_TAKER_THEN:
        cc_future_recycle(future);
        then(status, value, user);
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

    pthread_mutex_lock(&future->client->lock);
    CC_ASSERT(!future->is_done); /* P1 */
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
        deliver(future);
    }
}

void cc_future_recycle(copycat_future *future)
{
    struct copycat_client *client = future->client;

    pthread_mutex_lock(&client->lock);
    future->value = NULL;
    future->next = client->pool;
    client->pool = future;
    cc_handle_unlock_and_release(client);
}

/* ---- waiting ---------------------------------------------------------------------------------- */

static struct timespec deadline_of(uint64_t timeout_ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    if (timeout_ms > UINT64_C(1000) * 3600 * 24 * 365) {
        timeout_ms = UINT64_C(1000) * 3600 * 24 * 365;
    }
    at.tv_sec += (time_t)(timeout_ms / 1000);
    at.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* True if it came in time. */
static bool wait_for(copycat_future *future, uint64_t timeout_ms)
{
    struct timespec deadline = deadline_of(timeout_ms);
    int failed = 0;

    pthread_mutex_lock(&future->client->lock);
    future->taker = CC_TAKER_WAITER;
    while (!future->is_done && failed != ETIMEDOUT) {
        failed = timeout_ms == COPYCAT_NONE
                     ? pthread_cond_wait(&future->arrived, &future->client->lock)
                     : pthread_cond_timedwait(&future->arrived, &future->client->lock, &deadline);
    }

    bool has_come = future->is_done;

    if (!has_come) {
        future->taker = CC_TAKER_DROPPED;
    }
    pthread_mutex_unlock(&future->client->lock);
    return has_come;
}

copycat_status copycat_await(copycat_future *future, uint64_t timeout_ms, copycat_value **value_out)
{
    copycat_status late = is_command(future) ? COPYCAT_ERR_OUTCOME : COPYCAT_ERR_TIMEOUT;

    if (value_out != NULL) {
        *value_out = NULL;
    }
    if (future == &no_memory) {
        return COPYCAT_ERR_MEMORY;
    }
    if (cc_handle_is_on_loop(future->client)) {
        copycat_future_drop(future);
        return COPYCAT_ERR_INVALID;
    }
    if (!wait_for(future, timeout_ms)) {
        return late;
    }

    copycat_status status = future->status;

    if (value_out != NULL) {
        *value_out = future->value;
    } else {
        copycat_value_free(future->value);
    }
    cc_future_recycle(future);
    return status;
}

/* ---- the other ways --------------------------------------------------------------------------- */

static void deliver_later(struct cc_post *post)
{
    deliver(post->owner);
}

/* Who takes it is written in the future; delivered where callbacks run, if anything still does. */
static void take(copycat_future *future, enum cc_taker taker)
{
    struct copycat_client *client = future->client;
    bool is_now = false;

    pthread_mutex_lock(&client->lock);
    CC_ASSERT(future->taker == CC_TAKER_NOBODY); /* P1 */
    future->taker = taker;
    if (future->is_done) {
        is_now = client->is_closed || taker != CC_TAKER_THEN;
        if (!is_now) {
            future->post = (struct cc_post){.run = deliver_later, .owner = future};
            cc_env_uv_post(client->env, &future->post);
        }
    }
    pthread_mutex_unlock(&client->lock);
    if (is_now) {
        deliver(future);
    }
}

void copycat_future_then(copycat_future *future, copycat_then then, void *user)
{
    if (future == &no_memory) {
        then(COPYCAT_ERR_MEMORY, NULL, user); /* there is nothing left to remember it in */
        return;
    }
    future->then = then;
    future->user = user;
    take(future, CC_TAKER_THEN);
}

copycat_status copycat_future_into(copycat_future *future, copycat_queue *queue, uint64_t tag)
{
    if (future == &no_memory) {
        return COPYCAT_ERR_MEMORY;
    }
    future->queue = queue;
    future->tag = tag;
    take(future, CC_TAKER_QUEUE);
    return COPYCAT_OK;
}

void copycat_future_drop(copycat_future *future)
{
    if (future != &no_memory) {
        take(future, CC_TAKER_DROPPED);
    }
}
