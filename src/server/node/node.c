/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node -- see node.h: the life of a server.
 *
 *     open -> RECOVERING --journal read--> FOUNDING --base durable--> MEMBER
 *                  \________ base found in the journal _______________/
 *     any state -> FAILED (cc_server_fail), any state -> closed (cc_server_close)
 */
#include "server/node/node.h"

#include "base/assert.h"
#include "catalog/catalog_machine.h"
#include "server/image/loading.h"

#include <string.h>

#define REPLY_SIZE_MAX (CC_RESULT_SIZE_MAX + 4096u)

/* ---- for groups ---------------------------------------------------------------------------------
 */

const struct cc_server_options *cc_server_options(const struct cc_server *server)
{
    return &server->options;
}

struct cc_env *cc_server_env(struct cc_server *server)
{
    return server->env;
}

struct cc_journal *cc_server_journal(struct cc_server *server)
{
    return server->journal;
}

void cc_server_apply_options(const struct cc_server *server, struct cc_apply_options *options_out)
{
    *options_out = (struct cc_apply_options){
        .memory = server->memory,
        .types = server->options.types,
        .catalog = &cc_catalog_machine_type,
    };
}

void cc_server_set_state(struct cc_server *server, enum cc_server_state state)
{
    server->state = state;
    if (server->callbacks.changed != NULL) {
        server->callbacks.changed(server->owner, state, server->failed);
    }
}

void cc_server_wake(struct cc_server *server)
{
    cc_env_later(server->env, &server->housework);
}

void cc_server_applied(
    struct cc_server *server,
    const struct cc_entry *entry,
    const struct cc_outcome *outcome,
    const struct cc_apply *apply)
{
    if (server->callbacks.applied != NULL) {
        server->callbacks.applied(server->owner, entry, outcome, cc_apply_digest(apply));
    }
}

void cc_server_restored(struct cc_server *server, const struct cc_apply *apply)
{
    if (server->callbacks.restored != NULL) {
        server->callbacks.restored(
            server->owner, cc_apply_index(apply), cc_apply_time_us(apply), cc_apply_digest(apply));
    }
}

static struct cc_peer *peer_of(const struct cc_server *server, uint32_t id)
{
    for (uint32_t i = 0; i < server->peer_count; i++) {
        if (server->peers[i]->id == id) {
            return server->peers[i];
        }
    }
    return NULL;
}

bool cc_server_peer_is_up(const struct cc_server *server, uint32_t id)
{
    const struct cc_peer *peer = peer_of(server, id);

    return server->failed == COPYCAT_OK && peer != NULL && peer->is_up;
}

struct cc_writer *cc_server_peer_begin(
    struct cc_server *server, uint32_t id, uint16_t type, uint32_t group)
{
    struct cc_peer *peer = peer_of(server, id);

    CC_ASSERT(cc_server_peer_is_up(server, id)); /* N1: who asks has looked */
    return cc_channel_begin(&peer->dial.channel, type, group);
}

void cc_server_peer_end(struct cc_server *server, uint32_t id)
{
    cc_channel_end(&peer_of(server, id)->dial.channel);
}

void cc_server_fail(struct cc_server *server, copycat_status status, const char *text)
{
    CC_ASSERT(status != COPYCAT_OK);
    if (server->failed != COPYCAT_OK) {
        return;
    }
    server->failed = status;
    cc_server_notice(server, text);
    cc_server_wake(server);
}

/* ---- housework ----------------------------------------------------------------------------------
 */

/* Tells the group of neighbours that came or went: here, where no step is under way (N2). */
static void tell_peers(struct cc_server *server)
{
    for (uint32_t i = 0; i < server->peer_count; i++) {
        struct cc_peer *peer = server->peers[i];

        if (server->group != NULL && peer->told_up && (!peer->is_up || peer->is_new)) {
            peer->told_up = false;
            cc_group_peer_changed(server->group, peer->id, false);
        }
        if (server->group != NULL && peer->is_up && !peer->told_up) {
            peer->told_up = true;
            peer->is_new = false;
            cc_group_peer_changed(server->group, peer->id, true);
        }
    }
}

static void stop(struct cc_server *server)
{
    for (uint32_t i = 0; i < server->peer_count; i++) {
        cc_peer_stop(server->peers[i]);
    }
    cc_server_close_door(server);
    cc_env_timer_disarm(server->env, &server->watch);
    cc_env_timer_disarm(server->env, &server->load_again);
    cc_server_progress_stop(server);
    if (server->loading != NULL) {
        cc_loading_abandon(server->loading);
    }
    cc_group_destroy(server->group);
    server->group = NULL;
    cc_log_destroy(server->log);
    server->log = NULL;
    cc_apply_destroy(server->founding_state);
    server->founding_state = NULL;
}

static void do_housework(struct cc_task *task)
{
    struct cc_server *server = task->owner;

    if (server->is_closing) {
        /* It is not failing: whoever closes it knows. */
    } else if (server->failed != COPYCAT_OK) {
        if (server->state != CC_SERVER_FAILED) {
            stop(server);
            cc_server_set_state(server, CC_SERVER_FAILED);
        }
    } else {
        tell_peers(server);
    }
    cc_server_reap_guests(server);
}

static void watched(struct cc_timer *timer)
{
    struct cc_server *server = timer->owner;

    cc_server_watch_guests(server);
    cc_server_tell(server);
}

static void start_neighbours(struct cc_server *server)
{
    for (uint32_t i = 0; i < server->members.count; i++) {
        if (server->members.at[i].id != server->options.id) {
            struct cc_peer *peer = cc_peer_create(server, &server->members.at[i]);

            server->peers[server->peer_count++] = peer;
            cc_peer_dial(peer);
        }
    }
}

void cc_server_appear(struct cc_server *server, struct cc_apply *apply)
{
    copycat_status status = cc_server_open_door(server);

    cc_server_progress_end(server);
    if (status != COPYCAT_OK) {
        cc_apply_destroy(apply);
        cc_server_fail(server, status, "cannot listen at this member's address");
        return;
    }
    cc_server_watch_guests(server);
    start_neighbours(server);
    if (cc_journal_base(server->journal) != NULL) {
        cc_server_start_group(server, apply);
    } else {
        server->founding_state = apply;
        cc_server_set_state(server, CC_SERVER_FOUNDING);
        cc_server_found_if_unanimous(server);
    }
}

static void release(struct cc_server *server)
{
    void (*closed)(void *owner) = server->closed;
    void *owner = server->closed_owner;

    for (uint32_t i = 0; i < server->peer_count; i++) {
        cc_peer_destroy(server->peers[i]);
    }
    cc_server_reap_guests(server);
    CC_ASSERT(server->guest_count == 0);
    cc_env_task_cancel(server->env, &server->housework);
    cc_table_deinit(&server->guests_by_token);
    cc_writer_deinit(&server->reply);
    cc_segment_list_release(server->segments);
    cc_memory_give(server->memory, server->directory);
    cc_memory_give(server->memory, server);
    if (closed != NULL) {
        closed(owner);
    }
}

void cc_server_hold(struct cc_server *server)
{
    server->holds++;
}

void cc_server_let_go(struct cc_server *server)
{
    CC_ASSERT(server->holds > 0);
    server->holds--;
    if (server->holds == 0 && server->is_journal_closed) {
        release(server);
    }
}

void cc_server_journal_closed(struct cc_server *server)
{
    server->is_journal_closed = true;
    if (server->holds == 0) {
        release(server);
    }
}

/* ---- open and close ---------------------------------------------------------------------------
 */

static void init(
    struct cc_server *server,
    const struct cc_server_options *options,
    const struct cc_server_callbacks *callbacks,
    void *owner)
{
    size_t directory_size = strlen(options->directory) + 1;

    server->memory = server->env->memory;
    server->options = *options;
    cc_server_fill_options(&server->options);
    server->members = *options->members;
    server->options.members = &server->members;
    server->directory = cc_memory_take(server->memory, directory_size);
    memcpy(server->directory, options->directory, directory_size);
    server->options.directory = server->directory;
    server->callbacks = *callbacks;
    server->owner = owner;
    server->prng.state = options->seed;
    server->housework = (struct cc_task){.run = do_housework, .owner = server};
    server->watch = (struct cc_timer){.fire = watched, .owner = server};
    cc_list_init(&server->guests);
    cc_list_init(&server->strangers);
    cc_table_init(&server->guests_by_token, server->memory);
    cc_writer_init(&server->reply, server->memory, REPLY_SIZE_MAX);
    server->log = cc_log_create(server->env, 0, server->options.cache_bytes_max);
}

copycat_status cc_server_open(
    struct cc_server **server_out,
    struct cc_env *env,
    const struct cc_server_options *options,
    const struct cc_server_callbacks *callbacks,
    void *owner)
{
    copycat_status status = cc_server_check_options(options);

    if (status != COPYCAT_OK) {
        return status;
    }

    struct cc_server *server = cc_memory_try(env->memory, sizeof *server);

    if (server == NULL) {
        return COPYCAT_ERR_MEMORY;
    }
    server->env = env;
    init(server, options, callbacks, owner);
    status = cc_server_open_journal(server);
    if (status != COPYCAT_OK) {
        cc_log_destroy(server->log);
        release(server);
        return status;
    }
    cc_server_progress_begin(server);
    *server_out = server;
    return COPYCAT_OK;
}

void cc_server_close(struct cc_server *server, void (*closed)(void *owner), void *owner)
{
    if (server == NULL || server->is_closing) {
        return;
    }
    server->is_closing = true;
    server->closed = closed;
    server->closed_owner = owner;
    if (server->failed == COPYCAT_OK) {
        server->failed = COPYCAT_ERR_CLOSED;
    }
    if (server->state != CC_SERVER_FAILED) {
        stop(server);
    }
    cc_journal_close(server->journal);
}

bool cc_server_has_successor(const struct cc_server *server)
{
    for (uint32_t i = 0; i < server->peer_count; i++) {
        const struct cc_peer *peer = server->peers[i];

        if (peer->is_up && cc_members_find(&server->members, peer->id)->role == CC_ROLE_VOTER) {
            return true;
        }
    }
    return false;
}

void cc_server_status(const struct cc_server *server, struct cc_server_status *status_out)
{
    *status_out = (struct cc_server_status){.state = server->state};
    if (server->group != NULL) {
        cc_group_status(server->group, status_out);
    }
}

copycat_status cc_server_transfer(struct cc_server *server, uint32_t target)
{
    return server->group == NULL ? COPYCAT_ERR_NO_LEADER : cc_group_transfer(server->group, target);
}
