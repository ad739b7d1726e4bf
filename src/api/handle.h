/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handle -- a client and its futures, as threads of the host see them.
 *
 * Where it sits:   the host's threads -> [handle] -> client (on its loop) -> the cluster
 * Threads:         `lock` guards what is marked so; all else belongs to the loop, which is a thread
 *                  of the client's own, or the host's.
 * Memory:          futures come from a pool of the client, at most `outstanding_max` are under way.
 *
 *     future.c   taking a future: await, then, into, drop
 *     queue.c    completion queues
 *     submit.c   from a call of the host to the client and back
 *     client.c   open, close, the host's loop
 *
 * Invariants
 *   P1  a future is taken once, and goes back to the pool when it is both done and taken
 *   P2  what was posted before `is_closed` was set runs before the closing does: posts are made
 *       under the lock, and run in order
 *   P3  no callback of the host runs under the lock, nor inside the call that caused it
 *   P4  the client lives until its handle, its resources and its futures are gone
 */
#ifndef CC_API_HANDLE_H
#define CC_API_HANDLE_H

#include "api/value.h"
#include "client/client.h"
#include "env/uv/env_uv.h"

#include <copycat/client.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

enum cc_taker {
    CC_TAKER_NOBODY,
    CC_TAKER_WAITER,
    CC_TAKER_THEN,
    CC_TAKER_QUEUE,
    CC_TAKER_DROPPED,
};

struct copycat_future {
    struct copycat_client *client;
    struct copycat_resource *resource; /* kept until it is done */
    struct copycat_future *next;       /* in the pool, or in a queue */
    struct cc_call call;
    struct cc_writer operation;
    struct cc_post post;
    enum cc_value_kind kind;
    pthread_cond_t arrived;

    /* under the lock */
    bool is_done;
    enum cc_taker taker;
    copycat_status status;
    copycat_value *value;

    copycat_then then;
    void *user;
    copycat_queue *queue;
    uint64_t tag;
};

struct copycat_resource {
    struct copycat_client *client;
    struct cc_client_resource resource; /* the loop's */
    uint32_t type;
    uint32_t references; /* under the lock: the handle and its futures */
    bool is_ready;       /* the loop's: resource is initialised */
    bool is_path_long;
    char path[CC_PATH_SIZE_MAX + 1];
};

struct copycat_client {
    struct cc_env *env;
    struct cc_env_uv_thread *thread; /* NULL: the host's loop */
    struct cc_client *core;          /* the loop's */
    copycat_client_options options;
    pid_t process;
    atomic_uint state;
    _Atomic uint64_t session;
    atomic_bool has_loop_thread;
    pthread_t loop_thread;
    uint32_t outstanding_max;

    pthread_mutex_t lock;
    uint32_t references; /* P4 */
    uint32_t outstanding;
    struct copycat_future *pool;
    bool is_closed;

    struct cc_post beginning; /* may be on its way still when `closing` is posted */
    struct cc_post closing;
    bool is_abandoned; /* closed from its own thread: that cleans up itself */
    bool is_finished;  /* host loop: the core is gone, the rest goes after this pass */
    void (*closed)(void *user);
    void *closed_user;
};

/* client.c */
bool cc_handle_is_on_loop(const struct copycat_client *client);
void cc_handle_unlock_and_release(struct copycat_client *client); /* gives one reference back */

/* submit.c: a future for an operation that is to be encoded, then sent */
copycat_future *cc_future_create(
    struct copycat_resource *resource,
    enum cc_call_kind kind,
    enum cc_value_kind value,
    const copycat_call_options *options);
copycat_future *cc_future_submit(copycat_future *future, copycat_status encoded);

/* The future that is returned when there is no memory for one. */
copycat_future *cc_future_of_no_memory(void);

/* future.c: the outcome is there; takes over `value` */
void cc_future_resolve(copycat_future *future, copycat_status status, copycat_value *value);
void cc_future_recycle(copycat_future *future);

/* queue.c */
void cc_queue_push(copycat_queue *queue, copycat_future *future);

#endif /* CC_API_HANDLE_H */
