/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client -- open, close, and the host's loop; see copycat/client.h.
 */
#include "api/api_memory.h"
#include "api/forks.h"
#include "api/handle.h"
#include "base/assert.h"
#include "base/options.h"

#include <stdlib.h>

#define WAITING 4096u
#define WINDOW 256u
#define WAITING_MAX (1u << 20)

void copycat_client_options_init(copycat_client_options *options, size_t size)
{
    cc_options_init(options, size);
}

void copycat_call_options_init(copycat_call_options *options, size_t size)
{
    cc_options_init(options, size);
}

bool cc_handle_is_on_loop(const struct copycat_client *client)
{
    return atomic_load(&client->has_loop_thread) &&
           pthread_equal(client->loop_thread, pthread_self()) != 0;
}

bool cc_handle_is_foreign(const struct copycat_client *client)
{
    return client->forks != cc_forks();
}

/* ---- the end ---------------------------------------------------------------------------------- */

static void free_client(struct copycat_client *client)
{
    while (client->pool != NULL) {
        copycat_future *future = client->pool;

        client->pool = future->next;
        pthread_cond_destroy(&future->arrived);
        cc_writer_deinit(&future->operation);
        free(future);
    }
    cc_addresses_free(&client->addresses);
    free(client->troubles);
    pthread_cond_destroy(&client->close_asked);
    pthread_mutex_destroy(&client->lock);
    free(client);
}

/* P4 */
void cc_handle_unlock_and_release(struct copycat_client *client)
{
    bool is_last = --client->references == 0;

    pthread_mutex_unlock(&client->lock);
    if (is_last) {
        free_client(client);
    }
}

/* Nothing of the loop is in use any more. */
static void end(void *owner)
{
    struct copycat_client *client = owner;

    cc_env_uv_close(client->env);
    client->env = NULL;
    pthread_mutex_lock(&client->lock);
    cc_handle_unlock_and_release(client);
}

void cc_handle_report_closed(struct copycat_client *client)
{
    if (client->closed != NULL) {
        cc_guard_host_enter();
        client->closed(client->closed_user);
        cc_guard_host_leave();
    }
    if (client->thread == NULL) {
        client->is_finished = true;
        return;
    }
    atomic_store(&client->has_loop_thread, false); /* the system may give its name to another */
    if (client->is_abandoned) {
        cc_env_uv_thread_leave(client->thread, end, client);
    }
}

/* On the loop: the last of what was posted (P5). */
static void finish(struct cc_post *post)
{
    struct copycat_client *client = post->owner;

    cc_handle_report_closed(client);
    if (client->thread != NULL) {
        cc_env_uv_stop(client->env);
    }
}

/* On the loop: the core has completed every call. */
static void core_closed(void *owner)
{
    struct copycat_client *client = owner;

    client->core = NULL;
    client->ending = (struct cc_post){.run = finish, .owner = client};
    pthread_mutex_lock(&client->lock);
    client->is_over = true;
    cc_env_uv_post(client->env, &client->ending);
    pthread_mutex_unlock(&client->lock);
}

static void close_core(struct cc_post *post)
{
    struct copycat_client *client = post->owner;

    cc_client_close(client->core, core_closed, client);
}

/* Under the lock: whoever is at work on the loop is told; a broken client has none. */
static void ask_to_close(struct copycat_client *client)
{
    if (client->is_broken) {
        pthread_cond_signal(&client->close_asked);
        return;
    }
    client->closing = (struct cc_post){.run = close_core, .owner = client};
    cc_env_uv_post(client->env, &client->closing);
}

void copycat_client_close(copycat_client *client, void (*closed)(void *user), void *user)
{
    struct cc_env_uv_thread *thread;
    bool is_waiting;
    bool is_loop_gone; /* and nobody will process any more */

    if (client == NULL || cc_handle_is_foreign(client)) {
        return;
    }
    thread = client->thread;
    is_waiting = thread != NULL && !cc_handle_is_on_loop(client);
    pthread_mutex_lock(&client->lock);
    CC_ASSERT(!client->is_closed); /* the handle was dead */
    client->is_closed = true;
    client->closed = closed;
    client->closed_user = user;
    client->is_abandoned = !is_waiting;
    is_loop_gone = client->is_broken && thread == NULL && !client->is_processing;
    ask_to_close(client);
    pthread_mutex_unlock(&client->lock);
    if (is_waiting) {
        cc_env_uv_thread_join(thread);
        end(client);
    } else if (is_loop_gone) {
        cc_handle_report_closed(client);
        end(client);
    }
}

/* ---- the beginning ---------------------------------------------------------------------------- */

void cc_handle_changed(void *owner, enum cc_client_state state)
{
    struct copycat_client *client = owner;

    if (client->core != NULL && !client->is_broken) { /* first: who sees OPEN finds the session */
        atomic_store(&client->session, cc_client_session(client->core));
    }
    atomic_store(&client->state, (unsigned)state);
    if (client->options.changed != NULL) {
        cc_guard_host_enter();
        client->options.changed((uint32_t)state, client->options.user);
        cc_guard_host_leave();
    }
}

/* The first thing that runs on the loop. */
static void began(struct cc_post *post)
{
    struct copycat_client *client = post->owner;

    client->loop_thread = pthread_self();
    atomic_store(&client->has_loop_thread, true);
}

static copycat_status open_core(struct copycat_client *client)
{
    struct cc_client_options options = {
        .addresses = client->addresses.at,
        .address_count = client->addresses.count,
        .session_timeout_us = (uint64_t)client->options.session_timeout_ms * 1000,
        .window_max = client->options.window,
        .waiting_max = client->outstanding_max,
        .troubled = cc_troubles_take,
    };

    cc_env_entropy(client->env, &options.seed, sizeof options.seed);
    return cc_client_open(&client->core, client->env, &options, cc_handle_changed, client);
}

static copycat_status start(struct copycat_client *client)
{
    /* A client writes nothing to disk: a ring would only take locked memory and a descriptor. */
    static const struct cc_env_uv_options no_ring = {.disk = CC_ENV_UV_DISK_THREAD};
    copycat_status status = cc_env_uv_open(&client->env, &cc_api_memory, &no_ring);

    if (status != COPYCAT_OK) {
        return COPYCAT_ERR_MEMORY; /* there is no disk that could be at fault */
    }
    status = open_core(client);
    if (status != COPYCAT_OK) {
        cc_env_uv_close(client->env);
        return status;
    }
    client->beginning = (struct cc_post){.run = began, .owner = client};
    if (client->options.host_loop != 0) {
        began(&client->beginning);
        return COPYCAT_OK;
    }
    cc_env_uv_post(client->env, &client->beginning);
    client->thread = cc_env_uv_thread_start(client->env, cc_handle_run, client);
    if (client->thread == NULL) {
        cc_client_close(client->core, NULL, NULL);
        cc_env_uv_process(client->env); /* without a session it closes in one pass */
        cc_env_uv_close(client->env);
        return COPYCAT_ERR_MEMORY;
    }
    return COPYCAT_OK;
}

static copycat_status take_options(
    struct copycat_client *client,
    const copycat_client_options *options,
    copycat_message *message_out)
{
    copycat_client_options *taken = &client->options;
    copycat_status status = cc_options_read(taken, sizeof *taken, options);
    uint64_t session_us;

    if (status != COPYCAT_OK) {
        return cc_fail(message_out, status, "the client's options are not ones this library knows");
    }
    session_us = (uint64_t)taken->session_timeout_ms * 1000;
    if (session_us != 0 &&
        (session_us < CC_SESSION_TIMEOUT_US_MIN || session_us > CC_SESSION_TIMEOUT_US_MAX)) {
        return cc_fail(
            message_out, COPYCAT_ERR_INVALID,
            "session_timeout_ms is from 100 to 3600000, or 0 for the default");
    }
    if (taken->waiting > WAITING_MAX) {
        return cc_fail(
            message_out, COPYCAT_ERR_INVALID, "waiting is at most 1048576, or 0 for the default");
    }
    taken->window = taken->window == 0 ? WINDOW : taken->window;
    taken->window = taken->window > CC_SESSION_ANSWERS_MAX ? CC_SESSION_ANSWERS_MAX : taken->window;
    taken->waiting = taken->waiting == 0 ? WAITING : taken->waiting;
    client->outstanding_max = taken->waiting + taken->window;
    return COPYCAT_OK;
}

/* Frees the client unless all is well. */
static copycat_status begin(
    struct copycat_client *client,
    const char *servers,
    const copycat_client_options *options,
    copycat_message *message_out)
{
    copycat_status status = take_options(client, options, message_out);

    if (status == COPYCAT_OK) {
        status = cc_addresses_parse(servers, &client->addresses, message_out);
    }
    if (status != COPYCAT_OK) {
        free_client(client);
        return status;
    }
    status = cc_troubles_create(client) ? start(client) : COPYCAT_ERR_MEMORY;
    if (status != COPYCAT_OK) {
        free_client(client);
        return cc_fail(
            message_out, status,
            status == COPYCAT_ERR_MEMORY ? "no memory, or no descriptor is left, for a client"
                                         : NULL);
    }
    return COPYCAT_OK;
}

static bool make_locks(struct copycat_client *client)
{
    if (pthread_mutex_init(&client->lock, NULL) != 0) {
        return false;
    }
    if (pthread_cond_init(&client->close_asked, NULL) != 0) {
        pthread_mutex_destroy(&client->lock);
        return false;
    }
    return true;
}

copycat_status copycat_client_open(
    copycat_client **client_out,
    const char *servers,
    const copycat_client_options *options,
    copycat_message *message_out)
{
    struct copycat_client *client = calloc(1, sizeof *client);
    copycat_status status;

    *client_out = NULL;
    if (client == NULL || !make_locks(client)) {
        free(client);
        return cc_fail(message_out, COPYCAT_ERR_MEMORY, NULL);
    }
    cc_list_init(&client->under_way);
    cc_list_init(&client->late);
    cc_handle_guard(client);
    cc_forks_watch();
    client->forks = cc_forks();
    client->references = 1;
    status = begin(client, servers, options, message_out);
    if (status == COPYCAT_OK) {
        *client_out = client;
    }
    return status;
}

/* ---- asked for -------------------------------------------------------------------------------- */

uint32_t copycat_client_state(const copycat_client *client)
{
    return cc_handle_is_foreign(client) ? COPYCAT_CLIENT_CLOSED : atomic_load(&client->state);
}

uint64_t copycat_client_session(const copycat_client *client)
{
    return atomic_load(&client->session);
}

int copycat_client_fd(const copycat_client *client)
{
    return client->options.host_loop == 0 ? -1 : cc_env_uv_fd(client->env);
}

void copycat_client_process(copycat_client *client)
{
    if (client->options.host_loop == 0 || client->is_processing || cc_handle_is_foreign(client)) {
        return;
    }
    client->is_processing = true;
    cc_handle_process(client);
    client->is_processing = false;
    if (client->is_finished) {
        end(client);
    }
}
