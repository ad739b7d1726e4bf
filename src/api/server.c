/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server -- a member of a cluster inside the host's process; see server_handle.h.
 */
#include "api/address.h"
#include "api/api_memory.h"
#include "api/forks.h"
#include "api/server_handle.h"
#include "api/wait.h"
#include "base/list.h"
#include "base/options.h"

#include <stdio.h>
#include <stdlib.h>

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
    if (server->setup.options.notice != NULL && !server->is_silent) {
        cc_guard_host_enter();
        server->setup.options.notice(text, server->setup.options.user);
        cc_guard_host_leave();
    }
}

static void news(void *owner, const char *text)
{
    struct copycat_server *server = owner;

    if (server->setup.options.news != NULL && !server->is_silent) {
        cc_guard_host_enter();
        server->setup.options.news(text, server->setup.options.user);
        cc_guard_host_leave();
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
        cc_guard_host_enter();
        server->setup.options.changed((uint32_t)state, status, server->setup.options.user);
        cc_guard_host_leave();
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
        cc_guard_host_enter();
        server->setup.options.led(leader, term, server->setup.options.user);
        cc_guard_host_leave();
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

    if (server == NULL || cc_server_is_foreign(server)) {
        return;
    }
    is_waiting = !cc_server_is_on_loop(server);
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

/* ---- the end of a server that has broken a promise -------------------------------------------- */

static void *resize(void *context, void *block, size_t size)
{
    struct copycat_server *server = context;
    void *resized = cc_api_memory.resize(cc_api_memory.context, block, size);

    server->is_starved = resized == NULL && size > 0;
    return resized;
}

/*
 * A server that finds no memory while it is being opened has promised nothing yet to anybody: it is
 * given up, with what it has taken so far, and the host is told.  Any other has to go, for others
 * count on it.
 */
static bool broken(struct cc_guard *guard, const char *file, int line, const char *promise)
{
    struct copycat_server *server = cc_container_of(guard, struct copycat_server, guard);
    const copycat_server_options *options = &server->setup.options;

    if (server->is_starved && server->state == CC_SERVER_RECOVERING &&
        !cc_guard_is_in_host(guard)) {
        cc_env_uv_abandon(server->env);
        return true;
    }
    if (options->on_panic != NULL) {
        options->on_panic(
            file, (uint32_t)line, server->is_starved ? "there is memory for its state" : promise,
            options->user);
    }
    return false;
}

static void give_up(struct copycat_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->is_lost = true;
    server->state = CC_SERVER_FAILED;
    server->failure = COPYCAT_ERR_MEMORY;
    pthread_cond_broadcast(&server->news);
    pthread_mutex_unlock(&server->lock);
}

static void run_loop(void *owner)
{
    struct copycat_server *server = owner;

    cc_env_uv_run(server->env);
}

static void run_guarded(void *owner)
{
    struct copycat_server *server = owner;

    if (!cc_guard_run(&server->guard, run_loop, server)) {
        give_up(server);
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

/* Leaves in `failure` what it came to. */
static void open_core(void *owner)
{
    struct copycat_server *server = owner;
    static const struct cc_server_callbacks callbacks = {
        .notice = notice, .news = news, .changed = changed, .led = led};
    struct cc_server_options options = {
        .id = server->setup.options.id,
        .members = &server->setup.members,
        .directory = server->setup.options.data_dir,
        .types = server->setup.types,
        .election_timeout_us = (uint64_t)server->setup.options.election_timeout_ms * 1000,
        .heartbeat_interval_us = (uint64_t)server->setup.options.heartbeat_interval_ms * 1000,
        .file_size = server->setup.options.journal_file_size,
        .guests_max = server->setup.options.connections_max,
        .disk_quota = server->setup.options.disk_quota,
        .state_quota = server->setup.options.state_quota,
    };

    cc_env_entropy(server->env, &options.seed, sizeof options.seed);
    server->failure = cc_server_open(&server->core, server->env, &options, &callbacks, server);
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
    if (!cc_guard_run(&server->guard, open_core, server)) {
        give_up(server);
    }
    if (server->failure != COPYCAT_OK) {
        return server->failure;
    }
    server->beginning = (struct cc_post){.run = began, .owner = server};
    cc_env_uv_post(server->env, &server->beginning);
    server->thread = cc_env_uv_thread_start(server->env, run_guarded, server);
    if (server->thread == NULL) {
        cc_server_close(server->core, closed, server);
        run_guarded(server);
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
    server->memory = (struct cc_memory){.resize = resize, .context = server};
    server->guard.broken = broken;
    if (cc_env_uv_open(&server->env, &server->memory, NULL) != COPYCAT_OK) {
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
    } else if (server->thread != NULL && !server->is_lost) {
        copycat_server_close(server);
    } else {
        cc_env_uv_thread_join(server->thread);
        free_server(server);
    }
    return status;
}
