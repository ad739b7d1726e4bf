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
#include "base/options.h"
#include "env/uv/env_uv.h"
#include "resource/map/map_machine.h"

#include <copycat/server.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define HAND_OVER_POLL_MS 5

struct copycat_server {
    struct cc_env *env;
    struct cc_env_uv_thread *thread;
    struct cc_server *core;
    copycat_server_options options; /* its pointers are good while opening, and never used after */
    const copycat_machine_type **types;
    struct cc_members members;

    pthread_mutex_t lock;
    pthread_cond_t news;
    enum cc_server_state state; /* under the lock, as all that follows */
    copycat_status failure;
    copycat_message why;
    bool is_closed;
};

void copycat_server_options_init(copycat_server_options *options, size_t size)
{
    cc_options_init(options, size);
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
    if (server->options.notice != NULL) {
        server->options.notice(text, server->options.user);
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
    if (server->options.changed != NULL) {
        server->options.changed((uint32_t)state, status, server->options.user);
    }
}

static void led(void *owner, uint32_t leader, uint64_t term)
{
    struct copycat_server *server = owner;

    if (server->options.led != NULL) {
        server->options.led(leader, term, server->options.user);
    }
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
    struct cc_server_status status;
    copycat_server_status full = {.size = sizeof full};
    size_t size = errand->status_out->size;

    cc_server_status(server->core, &status);
    full.term = status.term;
    full.commit = status.commit;
    full.applied = status.applied;
    full.last = status.last;
    full.digest = status.digest;
    full.id = server->options.id;
    full.leader = status.leader;
    full.state = (uint32_t)status.state;
    full.failure = server->failure;
    if (size >= sizeof full) { /* a newer caller's tail stays as it is */
        full.size = size;
        *errand->status_out = full;
    }
}

void copycat_server_status_of(copycat_server *server, copycat_server_status *status_out)
{
    struct errand errand = {.server = server, .run = ask_status, .status_out = status_out};

    do_errand(&errand);
}

static void transfer(struct errand *errand)
{
    errand->status = cc_server_transfer(errand->server->core, 0);
}

copycat_status copycat_server_hand_over(copycat_server *server, uint64_t timeout_ms)
{
    struct errand errand = {.server = server, .run = transfer};
    const struct timespec pause = {0, HAND_OVER_POLL_MS * 1000000L};
    copycat_server_status status = {.size = sizeof status};

    copycat_server_status_of(server, &status);
    if (status.leader != server->options.id) {
        return COPYCAT_OK;
    }
    do_errand(&errand);
    for (uint64_t waited = 0; errand.status == COPYCAT_OK; waited += HAND_OVER_POLL_MS) {
        copycat_server_status_of(server, &status);
        if (status.leader != server->options.id && status.leader != 0) {
            return COPYCAT_OK;
        }
        if (waited >= timeout_ms) {
            return COPYCAT_ERR_NO_LEADER;
        }
        (void)nanosleep(&pause, NULL);
    }
    return errand.status;
}

/* ---- close ------------------------------------------------------------------------------------ */

static void free_server(struct copycat_server *server)
{
    if (server->env != NULL) {
        cc_env_uv_close(server->env);
    }
    pthread_cond_destroy(&server->news);
    pthread_mutex_destroy(&server->lock);
    free(server->types);
    free(server);
}

static void close_core(struct cc_post *post)
{
    struct copycat_server *server = post->owner;

    cc_server_close(server->core, closed, server);
}

void copycat_server_close(copycat_server *server)
{
    struct cc_post closing = {.run = close_core, .owner = server};

    if (server == NULL) {
        return;
    }
    cc_env_uv_post(server->env, &closing);
    cc_env_uv_thread_join(server->thread);
    free_server(server);
}

/* ---- open ------------------------------------------------------------------------------------- */

static copycat_status take_options(
    struct copycat_server *server,
    const copycat_server_options *options,
    copycat_message *message_out)
{
    char why[256] = "";
    copycat_status status = cc_options_read(&server->options, sizeof server->options, options);
    copycat_server_options *taken = &server->options;

    if (status != COPYCAT_OK) {
        return cc_fail(message_out, status, "the server's options are not ones this library knows");
    }
    if (taken->members == NULL || taken->data_dir == NULL) {
        return cc_fail(
            message_out, COPYCAT_ERR_INVALID, "a server needs its members and its data_dir");
    }
    status = cc_members_parse(taken->members, &server->members, why, sizeof why);
    if (status != COPYCAT_OK) {
        return cc_fail(message_out, status, why);
    }
    if (cc_members_find(&server->members, taken->id) == NULL) {
        return cc_fail(
            message_out, COPYCAT_ERR_INVALID, "the server's id is not among the members");
    }
    server->types = calloc((size_t)taken->machine_count + 2, sizeof *server->types);
    if (server->types == NULL) {
        return cc_fail(message_out, COPYCAT_ERR_MEMORY, NULL);
    }
    server->types[0] = &cc_map_machine_type;
    for (uint32_t i = 0; i < taken->machine_count; i++) {
        server->types[i + 1] = taken->machines[i];
    }
    return COPYCAT_OK;
}

static copycat_status open_core(struct copycat_server *server)
{
    static const struct cc_server_callbacks callbacks = {
        .notice = notice, .changed = changed, .led = led};
    struct cc_server_options options = {
        .id = server->options.id,
        .members = &server->members,
        .directory = server->options.data_dir,
        .types = server->types,
        .election_timeout_us = (uint64_t)server->options.election_timeout_ms * 1000,
        .heartbeat_interval_us = (uint64_t)server->options.heartbeat_interval_ms * 1000,
        .file_size = server->options.journal_file_size,
        .guests_max = server->options.connections_max,
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

static copycat_status start(struct copycat_server *server)
{
    copycat_status status = cc_env_uv_open(&server->env, &cc_api_memory, NULL);

    if (status != COPYCAT_OK) {
        server->env = NULL;
        return status;
    }
    status = open_core(server);
    if (status != COPYCAT_OK) {
        return status;
    }
    server->thread = cc_env_uv_thread_start(server->env);
    if (server->thread == NULL) {
        cc_server_close(server->core, closed, server);
        cc_env_uv_run(server->env);
        return COPYCAT_ERR_MEMORY;
    }
    return wait_until_open(server);
}

copycat_status copycat_server_open(
    copycat_server **server_out,
    const copycat_server_options *options,
    copycat_message *message_out)
{
    struct copycat_server *server = calloc(1, sizeof *server);
    copycat_status status;

    *server_out = NULL;
    if (server == NULL) {
        return cc_fail(message_out, COPYCAT_ERR_MEMORY, NULL);
    }
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->news, NULL);
    status = take_options(server, options, message_out);
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
