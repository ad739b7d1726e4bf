/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client -- see client.h: open, close, state, the one timer.
 */
#include "client/client_internal.h"

#include <string.h>

#define SESSION_TIMEOUT_US UINT64_C(5000000)
#define WINDOW_MAX 256u
#define WAITING_MAX 1024u
#define PROGRESS_US UINT64_C(1000000)
#define CLOSE_US UINT64_C(200000)

uint64_t cc_client_now(const struct cc_client *client)
{
    return cc_env_now_us(client->env);
}

void cc_client_set_state(struct cc_client *client, enum cc_client_state state)
{
    if (client->state != state) {
        client->state = state;
        if (client->changed != NULL) {
            client->changed(client->owner, state);
        }
    }
}

void cc_client_wake(struct cc_client *client)
{
    cc_env_later(client->env, &client->task);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void free_all(struct cc_client *client)
{
    for (uint32_t i = 0; client->addresses != NULL && i < client->options.address_count; i++) {
        cc_memory_give(client->memory, client->addresses[i]);
    }
    cc_memory_give(client->memory, client->addresses);
    cc_memory_give(client->memory, client->order);
    cc_memory_give(client->memory, client);
}

static void release(struct cc_client *client)
{
    void (*closed)(void *owner) = client->closed;
    void *owner = client->closed_owner;

    cc_env_timer_disarm(client->env, &client->alarm);
    cc_env_task_cancel(client->env, &client->task);
    free_all(client);
    if (closed != NULL) {
        closed(owner);
    }
}

/* C2: everything outstanding ends before the client does. */
static void finish_closing(struct cc_client *client)
{
    cc_client_hang_up(client);
    client->end_status = COPYCAT_ERR_CLOSED;
    cc_client_set_state(client, CC_CLIENT_CLOSED);
    cc_client_end_calls(client, COPYCAT_ERR_CLOSED, COPYCAT_ERR_CLOSED);
    cc_client_deliver(client);
    release(client);
}

void cc_client_close(struct cc_client *client, void (*closed)(void *owner), void *owner)
{
    if (client == NULL || client->is_closing) {
        return;
    }
    client->is_closing = true;
    client->closed = closed;
    client->closed_owner = owner;
    client->close_us = cc_client_now(client);
    if (client->is_ready && client->session != 0) {
        client->close_us += CLOSE_US;
        cc_client_send_close(client);
    }
    cc_client_wake(client);
}

/* ---- work ------------------------------------------------------------------------------------ */

static uint64_t next_due_us(const struct cc_client *client)
{
    uint64_t due = client->deadline_us;

    if (client->is_closing) {
        return client->close_us;
    }
    due = cc_client_earlier(due, cc_client_connection_due_us(client));
    due = cc_client_earlier(due, cc_client_session_due_us(client));
    return cc_client_earlier(due, cc_client_resend_due_us(client));
}

/* An alarm that has become too early is left: it rings, finds nothing due and is set anew. */
static void set_alarm(struct cc_client *client)
{
    uint64_t due = next_due_us(client);

    if (due < client->alarm_us) {
        client->alarm_us = due;
        cc_env_timer_arm(client->env, &client->alarm, due);
    }
}

static void run(struct cc_task *task)
{
    struct cc_client *client = task->owner;

    cc_client_deliver(client);
    if (client->is_closing) {
        if (cc_client_now(client) >= client->close_us || client->session == 0) {
            finish_closing(client);
            return;
        }
    } else {
        cc_client_pump(client);
    }
    set_alarm(client);
}

static void rang(struct cc_timer *timer)
{
    struct cc_client *client = timer->owner;

    client->alarm_us = COPYCAT_NONE;
    cc_client_wake(client);
    if (client->is_closing) {
        return;
    }
    cc_client_check_deadlines(client);
    cc_client_watch_connection(client);
    cc_client_watch_session(client);
    cc_client_watch_resend(client);
}

/* ---- open ------------------------------------------------------------------------------------ */

static bool copy_addresses(struct cc_client *client, const struct cc_client_options *options)
{
    client->addresses =
        cc_memory_try(client->memory, options->address_count * sizeof *client->addresses);
    client->order = cc_memory_try(client->memory, options->address_count * sizeof *client->order);
    if (client->addresses == NULL || client->order == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < options->address_count; i++) {
        size_t size = strlen(options->addresses[i]) + 1;

        client->addresses[i] = cc_memory_try(client->memory, size);
        if (client->addresses[i] == NULL) {
            return false;
        }
        memcpy(client->addresses[i], options->addresses[i], size);
        client->order[i] = i;
    }
    return true;
}

static void fill_defaults(struct cc_client_options *options)
{
#define DEFAULT(field, value) options->field = options->field == 0 ? (value) : options->field
    DEFAULT(session_timeout_us, SESSION_TIMEOUT_US);
    DEFAULT(window_max, WINDOW_MAX);
    DEFAULT(waiting_max, WAITING_MAX);
    DEFAULT(progress_us, PROGRESS_US);
#undef DEFAULT
    /* What is beyond would be refused by every server, and sent again and again. */
    if (options->window_max > CC_SESSION_ANSWERS_MAX) {
        options->window_max = CC_SESSION_ANSWERS_MAX;
    }
}

copycat_status cc_client_open(
    struct cc_client **client_out,
    struct cc_env *env,
    const struct cc_client_options *options,
    void (*changed)(void *owner, enum cc_client_state state),
    void *owner)
{
    struct cc_client *client;

    if (options->address_count == 0 || options->addresses == NULL ||
        (options->session_timeout_us != 0 &&
         (options->session_timeout_us < CC_SESSION_TIMEOUT_US_MIN ||
          options->session_timeout_us > CC_SESSION_TIMEOUT_US_MAX))) {
        return COPYCAT_ERR_INVALID;
    }
    client = cc_memory_try(env->memory, sizeof *client);
    if (client == NULL) {
        return COPYCAT_ERR_MEMORY;
    }
    client->env = env;
    client->memory = env->memory;
    client->options = *options;
    fill_defaults(&client->options);
    if (!copy_addresses(client, options)) {
        free_all(client);
        return COPYCAT_ERR_MEMORY;
    }
    client->changed = changed;
    client->owner = owner;
    client->prng.state = options->seed;
    client->stream_next = 1;
    client->transmit_next = 1;
    client->timeout_us = client->options.session_timeout_us;
    cc_list_init(&client->commands);
    cc_list_init(&client->queries);
    cc_list_init(&client->waiting);
    cc_list_init(&client->finished);
    cc_env_entropy(env, client->nonce, CC_NONCE_SIZE);
    client->alarm = (struct cc_timer){.fire = rang, .owner = client};
    client->alarm_us = COPYCAT_NONE;
    client->deadline_us = COPYCAT_NONE;
    client->task = (struct cc_task){.run = run, .owner = client};
    client->dial_us = cc_client_now(client);
    cc_client_shuffle(client);
    set_alarm(client);
    *client_out = client;
    return COPYCAT_OK;
}

/* ---- asked for ------------------------------------------------------------------------------- */

enum cc_client_state cc_client_state(const struct cc_client *client)
{
    return client->state;
}

uint64_t cc_client_session(const struct cc_client *client)
{
    return client->session;
}

const char *cc_client_server(const struct cc_client *client)
{
    return client->is_ready ? client->addresses[client->server] : NULL;
}

const struct cc_client_counters *cc_client_counters(const struct cc_client *client)
{
    return &client->counters;
}
