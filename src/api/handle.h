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
 *     trouble.c  why nobody can be reached
 *     client.c   open, close, the host's loop
 *     client_broken.c   the end of a client that has broken a promise
 *
 * Invariants
 *   P1  a future is taken once, and goes back to the pool when it is both done and taken
 *   P2  what was posted before `is_closed` was set runs before the closing does: posts are made
 *       under the lock, and run in order
 *   P3  no callback of the host runs under the lock, nor inside the call that caused it, as long as
 *       there is a loop to run it
 *   P4  the client lives until its handle, its resources and its futures are gone
 *   P5  nothing is posted once `is_over` is set: what was posted before that runs, then `closed`
 *   P6  in a child of the process that opened the client nothing of it is touched
 *   P7  nothing is asserted under the lock on the loop's thread, but within callbacks of the host:
 *       whoever gives the client up takes it
 */
#ifndef CC_API_HANDLE_H
#define CC_API_HANDLE_H

#include "api/address.h"
#include "api/guard.h"
#include "api/trouble.h"
#include "api/value.h"
#include "base/list.h"
#include "client/client.h"
#include "env/uv/env_uv.h"

#include <copycat/client.h>

#include <pthread.h>
#include <stdatomic.h>

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
    struct cc_list under_way; /* not done, or posted to be delivered */
    struct cc_list late;      /* not done, and nobody waits any longer: the loop is to end it */
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
    copycat_status refused; /* OK, or what stands for a resource that could not be made */
    char path[CC_PATH_SIZE_MAX + 1];
};

struct copycat_client {
    struct cc_env *env;
    struct cc_env_uv_thread *thread; /* NULL: the host's loop */
    struct cc_client *core;          /* the loop's */
    struct cc_guard guard;           /* its thread's */
    copycat_client_options options;
    struct cc_addresses addresses;
    uint32_t forks; /* P6 */
    atomic_uint state;
    _Atomic uint64_t session;
    atomic_bool has_loop_thread;
    pthread_t loop_thread;
    uint32_t outstanding_max;

    pthread_mutex_t lock;
    uint32_t references; /* P4 */
    uint32_t outstanding;
    struct copycat_future *pool;
    struct cc_list under_way;    /* futures that the loop still is to do something for */
    struct cc_list late;         /* of futures */
    struct cc_trouble *troubles; /* of each address */
    bool is_expiring;            /* `expiring` is posted */
    pthread_cond_t close_asked;
    bool is_broken; /* written on the loop's thread */
    bool is_closed;
    bool is_over; /* P5 */

    struct cc_post beginning; /* may be on its way still when `closing` is posted */
    struct cc_post expiring;
    struct cc_post closing;
    struct cc_post ending;
    bool is_abandoned;  /* closed from its own thread: that cleans up itself */
    bool is_processing; /* host loop: within copycat_client_process */
    bool is_finished;   /* host loop: the core is gone, the rest goes after this pass */
    void (*closed)(void *user);
    void *closed_user;
};

/* client.c */
bool cc_handle_is_on_loop(const struct copycat_client *client);
bool cc_handle_is_foreign(const struct copycat_client *client);   /* P6 */
void cc_handle_unlock_and_release(struct copycat_client *client); /* gives one reference back */
void cc_handle_changed(void *owner, enum cc_client_state state);
void cc_handle_report_closed(struct copycat_client *client); /* the last that the loop does */

/* client_broken.c */
void cc_handle_guard(struct copycat_client *client);
void cc_handle_run(void *owner); /* a client's own thread */
void cc_handle_process(struct copycat_client *client);

/* submit.c: a future for an operation that is to be encoded, then sent */
copycat_future *cc_future_create(
    struct copycat_resource *resource,
    enum cc_call_kind kind,
    enum cc_value_kind value,
    const copycat_call_options *options);
copycat_future *cc_future_submit(copycat_future *future, copycat_status encoded);

/* Of one that is under way in a client that is broken: it is done, or delivered. */
void cc_future_give_up(copycat_future *future, copycat_status status);

/*
 * The future of what cannot even be refused in a future of its own: MEMORY, or in a child of the
 * client's process CLOSED.  One for all: it is done, and taking it leaves it as it is.
 */
copycat_future *cc_future_of_nothing(copycat_status status);
bool cc_future_is_of_nothing(const copycat_future *future);

/* future.c: the outcome is there; takes over `value` */
void cc_future_resolve(copycat_future *future, copycat_status status, copycat_value *value);
void cc_future_recycle(copycat_future *future);
void cc_future_deliver(copycat_future *future);
copycat_future *cc_future_first_under_way(struct copycat_client *client); /* or NULL */

/* queue.c */
void cc_queue_push(copycat_queue *queue, copycat_future *future);

#endif /* CC_API_HANDLE_H */
