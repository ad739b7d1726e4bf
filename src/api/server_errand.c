/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_errand -- what a thread of the host asks of a server's loop, and waits for.
 */
#include "api/forks.h"
#include "api/server_handle.h"
#include "api/wait.h"

#include <string.h>

#define SLICE_MS 100u

bool cc_server_is_on_loop(const struct copycat_server *server)
{
    return atomic_load(&server->has_loop_thread) &&
           pthread_equal(server->loop_thread, pthread_self()) != 0;
}

bool cc_server_is_foreign(const struct copycat_server *server)
{
    return server->forks != cc_forks();
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

    if (cc_server_is_foreign(server)) {
        hand_out(&full, status_out);
        return;
    }
    if (cc_server_is_on_loop(server)) {
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

/* A transfer that was given up begins anew; one that is under way goes on. */
static void transfer_on(struct errand *errand)
{
    bool has_successor = cc_server_has_successor(errand->server->core);

    if (has_successor) {
        (void)cc_server_transfer(errand->server->core, 0);
    }
    errand->status = has_successor ? COPYCAT_OK : COPYCAT_ERR_NO_LEADER;
}

/* True once another leads. */
static bool wait_a_while(struct copycat_server *server, uint64_t timeout_ms)
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

/* In slices, for whoever was to lead may go away before it does. */
static bool wait_for_successor(struct copycat_server *server, uint64_t timeout_ms)
{
    struct errand errand = {.server = server, .run = transfer_on};

    while (timeout_ms > SLICE_MS) {
        if (wait_a_while(server, SLICE_MS)) {
            return true;
        }
        timeout_ms -= SLICE_MS;
        errand.is_done = false;
        do_errand(&errand);
        if (errand.status != COPYCAT_OK) {
            return false;
        }
    }
    return wait_a_while(server, timeout_ms);
}

copycat_status copycat_server_hand_over(copycat_server *server, uint64_t timeout_ms)
{
    struct errand errand = {.server = server, .run = transfer};
    copycat_server_status status = {.size = sizeof status};

    if (cc_server_is_foreign(server)) {
        return COPYCAT_ERR_CLOSED;
    }
    if (cc_server_is_on_loop(server)) {
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
