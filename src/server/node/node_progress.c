/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_progress -- a start that takes long, and a state that is long in coming, say how far they are;
 * what is over before the first of these sentences is due says nothing.
 */
#include "server/image/fetching.h"
#include "server/image/loading.h"
#include "server/node/node.h"

#define SENTENCES_EVERY_US UINT64_C(3000000)

static void tell(struct cc_server *server, const char *what, uint64_t done, uint64_t size)
{
    char numbers[2][21];

    cc_server_news(
        server, cc_server_compose(
                    server, (const char *const[]){
                                what, ": ", cc_server_number(done >> 20, numbers[0]), " of ",
                                cc_server_number(size >> 20, numbers[1]), " MiB", NULL}));
}

/* ---- a start ---------------------------------------------------------------------------------- */

static void tell_start(struct cc_server *server)
{
    uint64_t done;
    uint64_t size;

    if (server->loading != NULL) {
        size = cc_loading_size(server->loading);
        if (size > 0) {
            tell(
                server, "restores the state from its image", cc_loading_progress(server->loading),
                size);
        }
    } else if (!server->is_journal_open) {
        cc_journal_progress(server->journal, &done, &size);
        tell(server, "reads the journal", done, size);
    }
}

static void rang(struct cc_timer *timer)
{
    struct cc_server *server = timer->owner;

    if (server->failed != COPYCAT_OK) {
        return;
    }
    server->progress.is_told = true;
    tell_start(server);
    cc_env_timer_arm(
        server->env, &server->progress.timer, cc_env_now_us(server->env) + SENTENCES_EVERY_US);
}

void cc_server_progress_begin(struct cc_server *server)
{
    server->progress.from_us = cc_env_now_us(server->env);
    server->progress.timer = (struct cc_timer){.fire = rang, .owner = server};
    cc_env_timer_arm(
        server->env, &server->progress.timer, server->progress.from_us + SENTENCES_EVERY_US);
}

void cc_server_progress_stop(struct cc_server *server)
{
    cc_env_timer_disarm(server->env, &server->progress.timer);
}

void cc_server_progress_end(struct cc_server *server)
{
    uint64_t time_us = cc_env_now_us(server->env) - server->progress.from_us;
    char number[21];

    cc_server_progress_stop(server);
    if (server->progress.is_told) {
        cc_server_news(
            server, cc_server_compose(
                        server, (const char *const[]){
                                    "has read all that it stands on, in ",
                                    cc_server_number(time_us / 1000000, number), " s", NULL}));
    }
}

/* ---- a state that others give ------------------------------------------------------------------ */

void cc_server_tell_fetching(struct cc_server *server)
{
    const struct cc_fetching *fetching = server->group == NULL ? NULL : server->group->fetching;
    uint64_t now = cc_env_now_us(server->env);
    uint64_t done;
    uint64_t size;

    if (fetching == NULL) {
        server->progress.fetching_us = now;
    } else if (now >= server->progress.fetching_us + SENTENCES_EVERY_US) {
        bool is_coming = cc_fetching_progress(fetching, &done, &size);

        server->progress.fetching_us = now;
        tell(
            server,
            is_coming ? "fetches an image of the state" : "reads the image that it has fetched",
            done, size);
    }
}
