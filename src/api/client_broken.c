/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_broken -- the end of a client that has broken a promise to itself: of this handle, not of
 * the host's process.
 *
 * Its core is not touched any more, nor is its memory given back, for nobody knows what of it still
 * holds.  What the handle itself remembers, its futures, is enough to complete everything.
 */
#include "api/handle.h"

/* On top of what was going on. */
static bool broken(struct cc_guard *guard, const char *file, int line, const char *promise)
{
    struct copycat_client *client = cc_container_of(guard, struct copycat_client, guard);

    (void)file;
    (void)line;
    (void)promise;
    if (cc_guard_is_in_host(guard)) {
        return false;
    }
    pthread_mutex_lock(&client->lock); /* P7: it is free */
    client->is_broken = true;
    client->is_over = true; /* P5: nobody posts any more */
    pthread_mutex_unlock(&client->lock);
    cc_env_uv_abandon(client->env);
    return true;
}

void cc_handle_guard(struct copycat_client *client)
{
    client->guard.broken = broken;
}

static void complete_all(struct copycat_client *client)
{
    copycat_future *future;

    while ((future = cc_future_first_under_way(client)) != NULL) {
        cc_future_give_up(future, COPYCAT_ERR_BROKEN);
    }
}

static bool is_closed(struct copycat_client *client)
{
    bool is_so;

    pthread_mutex_lock(&client->lock);
    is_so = client->is_closed;
    pthread_mutex_unlock(&client->lock);
    return is_so;
}

static void wait_until_closed(struct copycat_client *client)
{
    pthread_mutex_lock(&client->lock);
    while (!client->is_closed) {
        (void)pthread_cond_wait(&client->close_asked, &client->lock);
    }
    pthread_mutex_unlock(&client->lock);
}

/* ---- what runs under the guard ---------------------------------------------------------------- */

static void run(void *owner)
{
    struct copycat_client *client = owner;

    cc_env_uv_run(client->env);
}

static void process(void *owner)
{
    struct copycat_client *client = owner;

    cc_env_uv_process(client->env);
}

void cc_handle_run(void *owner)
{
    struct copycat_client *client = owner;

    if (!cc_guard_run(&client->guard, run, client)) {
        cc_handle_changed(client, CC_CLIENT_ENDED);
        complete_all(client);
        wait_until_closed(client);
        cc_handle_report_closed(client);
    }
}

void cc_handle_process(struct copycat_client *client)
{
    if (client->is_broken || cc_guard_run(&client->guard, process, client)) {
        return;
    }
    cc_handle_changed(client, CC_CLIENT_ENDED);
    complete_all(client);
    if (is_closed(client)) {
        cc_handle_report_closed(client);
    }
}
