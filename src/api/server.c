/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server -- a member of a cluster inside the host's process; see copycat/server.h.
 *
 * Where it sits:   the host's threads -> [server] -> server/ on a loop thread of its own
 * Threads:         `lock` guards what is marked so; all else belongs to the loop once that runs.
 */
#include "server/server.h"

#include "api/address.h"
#include "api/api_memory.h"
#include "api/forks.h"
#include "api/server_options.h"
#include "api/wait.h"
#include "base/options.h"
#include "env/uv/env_uv.h"

#include <copycat/server.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct copycat_server {
    struct cc_env *env;
    struct cc_env_uv_thread *thread;
    struct cc_server *core;
    struct cc_server_setup setup; /* its strings are good while opening, and not used after */
    struct cc_post beginning;
    struct cc_post closing;
    pthread_t loop_thread;
    atomic_bool has_loop_thread;
    bool is_silent; /* the loop's: it was closed, and calls nobody back */
    uint32_t forks; /* in a child of the process nothing of it is touched */

    pthread_mutex_t lock;
    pthread_cond_t news;
    enum cc_server_state state; /* under the lock, as all that follows */
    uint32_t leader;
    copycat_status failure;
    copycat_message why;
};

void copycat_server_options_init(copycat_server_options *options, size_t size)
{
    cc_options_init(options, size);
}

static bool is_on_loop(const struct copycat_server *server)
{
    return atomic_load(&server->has_loop_thread) &&
           pthread_equal(server->loop_thread, pthread_self()) != 0;
}

static bool is_foreign(const struct copycat_server *server)
{
    return server->forks != cc_forks();
}

/* ---- from the core ---------------------------------------------------------------------------- */

static void notice(void *owner, const char *text)
{
    struct copycat_server *server = owner;
    const char *detail = cc_env_uv_last_error(server->env);

    pthread_mutex_lock(&server->lock);
    snprintf(
        server->why.text, sizeof server->why.text, "%s%s%s", text, detail[0] == '\0' ? "" : ": ",
        detail);
    pthread_mutex_unlock(&server->lock);
    if (server->setup.options.notice != NULL && !server->is_silent) {
        server->setup.options.notice(text, server->setup.options.user);
    }
}

static void changed(void *owner, enum cc_server_state state, copycat_status status)
{
    struct copycat_server *server = owner;

    pthread_mutex_lock(&server->lock);
    server->state = state;
    server->failure = status;
    pthread_cond_broadcast(&server->news);
    pthread_mutex_unlock(&server->lock);
    if (server->setup.options.changed != NULL && !server->is_silent) {
        server->setup.options.changed((uint32_t)state, status, server->setup.options.user);
    }
}

static void led(void *owner, uint32_t leader, uint64_t term)
{
    struct copycat_server *server = owner;

    pthread_mutex_lock(&server->lock);
    server->leader = leader;
    pthread_cond_broadcast(&server->news);
    pthread_mutex_unlock(&server->lock);
    if (server->setup.options.led != NULL && !server->is_silent) {
        server->setup.options.led(leader, term, server->setup.options.user);
    }
}

static void free_server(void *owner)
{
    struct copycat_server *server = owner;

    cc_env_uv_close(server->env);
    pthread_cond_destroy(&server->news);
    pthread_mutex_destroy(&server->lock);
    free(server->setup.types);
    free(server);
}

static void closed(void *owner)
{
    struct copycat_server *server = owner;

    server->core = NULL;
    cc_env_uv_stop(server->env);
}

/* ---- to the core ------------------------------------------------------------------------------ */

/* Something to do on the loop, for which a thread of the host waits. */
struct errand {
    struct cc_post post;
    struct copycat_server *server;
    void (*run)(struct errand *errand);
    bool is_done;
    copycat_server_status *status_out;
    copycat_status status;
};

static void run_errand(struct cc_post *post)
{
    struct errand *errand = post->owner;
    struct copycat_server *server = errand->server;

    errand->run(errand);
    pthread_mutex_lock(&server->lock);
    errand->is_done = true;
    pthread_cond_broadcast(&server->news);
    pthread_mutex_unlock(&server->lock);
}

static void do_errand(struct errand *errand)
{
    struct copycat_server *server = errand->server;

    errand->post = (struct cc_post){.run = run_errand, .owner = errand};
    cc_env_uv_post(server->env, &errand->post);
    pthread_mutex_lock(&server->lock);
    while (!errand->is_done) {
        pthread_cond_wait(&server->news, &server->lock);
    }
    pthread_mutex_unlock(&server->lock);
}

static void ask_status(struct errand *errand)
{
    struct copycat_server *server = errand->server;
    copycat_server_status *out = errand->status_out;
    struct cc_server_status status;

    cc_server_status(server->core, &status);
    out->term = status.term;
    out->commit = status.commit;
    out->applied = status.applied;
    out->last = status.last;
    out->digest = status.digest;
    out->leader = status.leader;
    out->state = (uint32_t)status.state;
    out->failure = server->failure; /* written by this thread alone */
}

/* An older caller gets what it knows of; a newer caller's tail stays as it is. */
static void hand_out(const copycat_server_status *full, copycat_server_status *status_out)
{
    size_t known = status_out->size < sizeof *full ? status_out->size : sizeof *full;

    if (known > sizeof full->size) {
        memcpy(
            (char *)status_out + sizeof full->size, (const char *)full + sizeof full->size,
            known - sizeof full->size);
    }
}

void copycat_server_status_of(copycat_server *server, copycat_server_status *status_out)
{
    copycat_server_status full = {
        .id = server->setup.options.id,
        .state = COPYCAT_SERVER_FAILED,
        .failure = COPYCAT_ERR_CLOSED,
    };
    struct errand errand = {.server = server, .run = ask_status, .status_out = &full};

    if (is_foreign(server)) {
        hand_out(&full, status_out);
        return;
    }
    if (is_on_loop(server)) {
        ask_status(&errand);
    } else {
        do_errand(&errand);
    }
    hand_out(&full, status_out);
}

static void transfer(struct errand *errand)
{
    errand->status = cc_server_transfer(errand->server->core, 0);
}

/* True once another leads. */
static bool wait_for_successor(struct copycat_server *server, uint64_t timeout_ms)
{
    struct timespec deadline = cc_wait_deadline(timeout_ms);
    uint32_t self = server->setup.options.id;
    bool has_time = true;
    bool is_led;

    pthread_mutex_lock(&server->lock);
    while ((server->leader == self || server->leader == 0) && has_time &&
           server->state == CC_SERVER_MEMBER) {
        has_time = cc_wait_on(&server->news, &server->lock, timeout_ms, &deadline);
    }
    is_led = server->leader != self && server->leader != 0;
    pthread_mutex_unlock(&server->lock);
    return is_led;
}

copycat_status copycat_server_hand_over(copycat_server *server, uint64_t timeout_ms)
{
    struct errand errand = {.server = server, .run = transfer};
    copycat_server_status status = {.size = sizeof status};

    if (is_foreign(server)) {
        return COPYCAT_ERR_CLOSED;
    }
    if (is_on_loop(server)) {
        return COPYCAT_ERR_INVALID; /* it would wait for itself */
    }
    copycat_server_status_of(server, &status);
    if (status.leader != server->setup.options.id) {
        return COPYCAT_OK;
    }
    do_errand(&errand);
    if (errand.status != COPYCAT_OK) {
        return errand.status;
    }
    return wait_for_successor(server, timeout_ms) ? COPYCAT_OK : COPYCAT_ERR_NO_LEADER;
}

/* ---- close ------------------------------------------------------------------------------------ */

static void close_core(struct cc_post *post)
{
    struct copycat_server *server = post->owner;

    server->is_silent = true;
    cc_server_close(server->core, closed, server);
}

void copycat_server_close(copycat_server *server)
{
    bool is_waiting;

    if (server == NULL || is_foreign(server)) {
        return;
    }
    is_waiting = !is_on_loop(server);
    server->closing = (struct cc_post){.run = close_core, .owner = server};
    if (!is_waiting) {
        server->is_silent = true;
        cc_env_uv_thread_leave(server->thread, free_server, server);
    }
    cc_env_uv_post(server->env, &server->closing);
    if (is_waiting) {
        cc_env_uv_thread_join(server->thread);
        free_server(server);
    }
}

/* ---- open ------------------------------------------------------------------------------------- */

/* The first thing that runs on the loop. */
static void began(struct cc_post *post)
{
    struct copycat_server *server = post->owner;

    server->loop_thread = pthread_self();
    atomic_store(&server->has_loop_thread, true);
}

static copycat_status open_core(struct copycat_server *server)
{
    static const struct cc_server_callbacks callbacks = {
        .notice = notice, .changed = changed, .led = led};
    struct cc_server_options options = {
        .id = server->setup.options.id,
        .members = &server->setup.members,
        .directory = server->setup.options.data_dir,
        .types = server->setup.types,
        .election_timeout_us = (uint64_t)server->setup.options.election_timeout_ms * 1000,
        .heartbeat_interval_us = (uint64_t)server->setup.options.heartbeat_interval_ms * 1000,
        .file_size = server->setup.options.journal_file_size,
        .guests_max = server->setup.options.connections_max,
    };

    cc_env_entropy(server->env, &options.seed, sizeof options.seed);
    return cc_server_open(&server->core, server->env, &options, &callbacks, server);
}

static copycat_status wait_until_open(struct copycat_server *server)
{
    copycat_status status = COPYCAT_OK;

    pthread_mutex_lock(&server->lock);
    while (server->state == CC_SERVER_RECOVERING) {
        pthread_cond_wait(&server->news, &server->lock);
    }
    if (server->state == CC_SERVER_FAILED) {
        status = server->failure;
    }
    pthread_mutex_unlock(&server->lock);
    return status;
}

/* A server that has come so far as to have a thread is closed, whatever comes. */
static copycat_status start(struct copycat_server *server)
{
    copycat_status status = open_core(server);

    if (status != COPYCAT_OK) {
        return status;
    }
    server->beginning = (struct cc_post){.run = began, .owner = server};
    cc_env_uv_post(server->env, &server->beginning);
    server->thread = cc_env_uv_thread_start(server->env);
    if (server->thread == NULL) {
        cc_server_close(server->core, closed, server);
        cc_env_uv_run(server->env);
        return COPYCAT_ERR_MEMORY;
    }
    return wait_until_open(server);
}

/* A server without anything running yet; NULL if there is no memory, no lock or no loop. */
static struct copycat_server *make(void)
{
    struct copycat_server *server = calloc(1, sizeof *server);

    if (server == NULL) {
        return NULL;
    }
    if (pthread_mutex_init(&server->lock, NULL) != 0) {
        free(server);
        return NULL;
    }
    if (!cc_wait_init(&server->news)) {
        pthread_mutex_destroy(&server->lock);
        free(server);
        return NULL;
    }
    if (cc_env_uv_open(&server->env, &cc_api_memory, NULL) != COPYCAT_OK) {
        server->env = NULL;
        free_server(server);
        return NULL;
    }
    cc_forks_watch();
    server->forks = cc_forks();
    return server;
}

copycat_status copycat_server_open(
    copycat_server **server_out,
    const copycat_server_options *options,
    copycat_message *message_out)
{
    struct copycat_server *server = make();
    copycat_status status;

    *server_out = NULL;
    if (server == NULL) {
        return cc_fail(
            message_out, COPYCAT_ERR_MEMORY, "no memory, or no descriptor is left, for a server");
    }
    status = cc_server_setup_read(&server->setup, options, message_out);
    if (status == COPYCAT_OK) {
        status = start(server);
        cc_fail(message_out, status, server->why.text[0] == '\0' ? NULL : server->why.text);
    }
    if (status == COPYCAT_OK) {
        *server_out = server;
    } else if (server->thread != NULL) {
        copycat_server_close(server);
    } else {
        free_server(server);
    }
    return status;
}
