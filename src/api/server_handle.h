/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_handle -- a server as threads of the host see it.
 *
 * Where it sits:   the host's threads -> [handle] -> server/ on a loop thread of its own
 * Threads:         `lock` guards what is marked so; all else belongs to the loop once that runs.
 *
 *     server.c          open, close, what the core tells
 *     server_errand.c   what a thread of the host asks the core
 */
#ifndef CC_API_SERVER_HANDLE_H
#define CC_API_SERVER_HANDLE_H

#include "api/guard.h"
#include "api/server_options.h"
#include "env/uv/env_uv.h"
#include "server/server.h"

#include <copycat/server.h>

#include <pthread.h>
#include <stdatomic.h>

struct copycat_server {
    struct cc_env *env;
    struct cc_env_uv_thread *thread;
    struct cc_server *core;
    struct cc_memory memory;      /* malloc, and whether it has failed */
    struct cc_server_setup setup; /* its strings are good while opening, and not used after */
    struct cc_guard guard;        /* of the loop's thread; before there is one, of the opener's */
    struct cc_post beginning;
    struct cc_post closing;
    pthread_t loop_thread;
    atomic_bool has_loop_thread;
    bool is_silent;  /* the loop's: it was closed, and calls nobody back */
    bool is_starved; /* its: the last request for memory failed */
    bool is_lost;    /* given up while it was opened: `core` is not to be touched */
    uint32_t forks;  /* in a child of the process nothing of it is touched */

    pthread_mutex_t lock;
    pthread_cond_t news;
    enum cc_server_state state; /* under the lock, as all that follows */
    uint32_t leader;
    copycat_status failure;
    copycat_message why;
};

bool cc_server_is_on_loop(const struct copycat_server *server);
bool cc_server_is_foreign(const struct copycat_server *server);

#endif /* CC_API_SERVER_HANDLE_H */
