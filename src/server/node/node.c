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

#define FILE_SIZE (UINT64_C(64) << 20)
#define FILE_PARTS_MAX 8u
#define FILE_SIZE_LEAST (UINT64_C(64) << 10) /* a smaller one is begun too often, ... */
#define FILE_BATCHES_LEAST 2u                /* ... and so is one for each large command */
#define BATCH_SIZE_MAX (1u << 20)
#define ELECTION_TIMEOUT_US UINT64_C(1000000)
#define APPEND_BYTES_MAX (256u << 10)
#define WINDOW_BYTES (4u << 20)
#define UNCOMMITTED_MAX 65536u
#define CACHE_BYTES_MAX (UINT64_C(64) << 20)
#define LEND_BYTES_PER_SECOND (UINT64_C(64) << 20)
#define SCRUB_INTERVAL_US (UINT64_C(7) * 24 * 3600 * 1000000)
#define IMAGE_ENTRIES (UINT64_C(1) << 20)
#define SEGMENT_BYTES (UINT64_C(4) << 20)
#define GUESTS_MAX 10000u
#define WAITING_MAX 65536u
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

/* ---- the journal's callbacks ----------------------------------------------------------------- */

static void on_entry(
    void *owner, const struct cc_entry *entry, const struct cc_journal_place *place)
{
    struct cc_server *server = owner;

    cc_log_recover_entry(server->log, entry, place);
}

static void on_truncate(void *owner, uint32_t group, uint64_t from)
{
    struct cc_server *server = owner;

    if (group == 0) {
        cc_log_recover_truncate(server->log, from);
    }
}

static bool on_switch(
    void *owner, uint32_t group, const struct cc_journal_base *base, bool keep_tail)
{
    struct cc_server *server = owner;

    CC_ASSERT(group == 0);
    server->recovered.base = *base;
    return cc_log_recover_switch(server->log, base, keep_tail);
}

static void on_forgotten(void *owner, uint32_t group, uint64_t first)
{
    struct cc_server *server = owner;

    CC_ASSERT(group == 0);
    if (server->group != NULL) {
        cc_group_forgotten(server->group, first);
    } else if (server->log == NULL) {
        return; /* the server has failed; the journal finishes what it does */
    } else if (server->is_journal_open) {
        cc_log_forget(server->log, first - 1);
    } else {
        cc_log_recover_forgotten(server->log, first);
    }
}

static void on_damage(void *owner, const struct cc_journal_damage *damage)
{
    struct cc_server *server = owner;

    cc_log_recover_damage(server->log, damage);
}

static bool on_repair(
    void *owner, const struct cc_entry *entry, const struct cc_journal_place *place)
{
    struct cc_server *server = owner;

    return cc_log_recover_repair(server->log, entry, place);
}

static void on_state(void *owner, uint32_t group, uint64_t term, uint32_t vote)
{
    struct cc_server *server = owner;

    if (group == 0) {
        server->recovered.term = term;
        server->recovered.vote = vote;
    }
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

static void tell_damage(struct cc_server *server)
{
    const struct cc_log_damage *damage = cc_log_damage(server->log);

    if (damage != NULL) {
        cc_server_notice_about(
            server, CC_TOPIC_DAMAGE,
            cc_journal_where(
                server->journal, damage->file, damage->offset, damage->first,
                "cannot be read; it and what else cannot are fetched from the others"));
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

static void on_open(void *owner, copycat_status status, const char *text)
{
    struct cc_server *server = owner;

    if (status != COPYCAT_OK) {
        cc_server_fail(server, status, text);
        return;
    }

    const struct cc_base *base = cc_journal_base(server->journal);
    const char *misfit = base == NULL ? NULL : cc_server_misfit(server, base);

    if (misfit != NULL) {
        cc_server_fail(server, COPYCAT_ERR_FOREIGN, misfit);
        return;
    }
    server->is_journal_open = true;
    tell_damage(server);
    cc_server_restore_state(server);
}

static void on_durable(void *owner, uint64_t mark)
{
    struct cc_server *server = owner;

    if (server->failed != COPYCAT_OK) {
        return;
    }
    if (server->founding_mark != 0 && mark >= server->founding_mark && server->group == NULL) {
        struct cc_apply *restored = server->founding_state;

        server->founding_state = NULL;
        cc_server_start_group(server, restored);
    } else if (server->group != NULL) {
        cc_group_durable(server->group, mark);
    }
}

static void on_placed(
    void *owner, uint32_t group, uint64_t index, const struct cc_journal_place *place)
{
    struct cc_server *server = owner;

    if (group == 0 && server->group != NULL) {
        cc_log_placed(server->group->log, index, place);
    }
}

static void on_failed(void *owner, copycat_status status, const char *text)
{
    cc_server_fail(owner, status, text);
}

static void on_short(void *owner, copycat_status shortage)
{
    struct cc_server *server = owner;

    server->is_making_room = false;
    if (shortage == COPYCAT_ERR_BUSY) {
        cc_server_make_room(server);
    }
    if (shortage == server->shortage) {
        return;
    }
    if (shortage == COPYCAT_ERR_DISK_FULL) {
        cc_server_notice_about(
            server, CC_TOPIC_SPACE,
            "the disk is full: there is no space for the next journal file, and for the image that "
            "would free one; when the one at hand is used up, this server takes nothing new until "
            "some is free");
    } else if (shortage == COPYCAT_ERR_BUSY) {
        cc_server_notice_about(
            server, CC_TOPIC_SPACE,
            "too many files are open: the next journal file cannot be; when the one at "
            "hand is used up, this server takes nothing new until there is room; raise "
            "the limit (ulimit -n, or LimitNOFILE= of systemd)");
    } else {
        cc_server_settle(server, CC_TOPIC_SPACE);
        cc_server_news(
            server, server->shortage == COPYCAT_ERR_BUSY ? "the next journal file is open"
                                                         : "the disk has space again");
    }
    server->shortage = shortage;
    if (server->group != NULL && server->failed == COPYCAT_OK) {
        cc_group_watch_disk(server->group);
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

static void on_closed(void *owner)
{
    struct cc_server *server = owner;

    server->is_journal_closed = true;
    if (server->holds == 0) {
        release(server);
    }
}

static const struct cc_journal_callbacks journal_callbacks = {
    .on_entry = on_entry,
    .on_truncate = on_truncate,
    .on_switch = on_switch,
    .on_forgotten = on_forgotten,
    .on_damage = on_damage,
    .on_repair = on_repair,
    .on_state = on_state,
    .on_open = on_open,
    .on_durable = on_durable,
    .on_placed = on_placed,
    .on_failed = on_failed,
    .on_short = on_short,
    .on_closed = on_closed,
};

/* ---- open and close ---------------------------------------------------------------------------
 */

static copycat_status check_options(const struct cc_server_options *options)
{
    uint32_t voters = 0;

    if (options->id == 0 || options->members == NULL || options->directory == NULL ||
        options->types == NULL || cc_members_find(options->members, options->id) == NULL) {
        return COPYCAT_ERR_INVALID;
    }
    for (uint32_t i = 0; i < options->members->count; i++) {
        voters += options->members->at[i].role == CC_ROLE_VOTER;
    }
    return voters >= 1 && voters <= CC_VOTERS_MAX ? COPYCAT_OK : COPYCAT_ERR_INVALID;
}

static void fill_defaults(struct cc_server_options *options)
{
#define DEFAULT(field, value) options->field = options->field == 0 ? (value) : options->field
    DEFAULT(file_size, FILE_SIZE);
    DEFAULT(batch_size_max, BATCH_SIZE_MAX);
    DEFAULT(election_timeout_us, ELECTION_TIMEOUT_US);
    DEFAULT(heartbeat_interval_us, options->election_timeout_us / 5);
    DEFAULT(append_bytes_max, APPEND_BYTES_MAX);
    DEFAULT(window_bytes, WINDOW_BYTES);
    DEFAULT(uncommitted_max, UNCOMMITTED_MAX);
    DEFAULT(cache_bytes_max, CACHE_BYTES_MAX);
    DEFAULT(lend_bytes_per_second, LEND_BYTES_PER_SECOND);
    DEFAULT(scrub_interval_us, SCRUB_INTERVAL_US);
    DEFAULT(image_entries, IMAGE_ENTRIES);
    DEFAULT(segment_bytes, SEGMENT_BYTES);
    DEFAULT(keep_bytes, options->file_size);
    DEFAULT(guests_max, GUESTS_MAX);
    DEFAULT(waiting_max, WAITING_MAX);
#undef DEFAULT
}

/* Of a journal file, while the state is small. */
static uint64_t least_file_size(const struct cc_server_options *options)
{
    uint64_t batches = (uint64_t)options->batch_size_max * FILE_BATCHES_LEAST;
    uint64_t size = options->file_size / FILE_PARTS_MAX;

    size = size > batches ? size : batches;
    size = size > FILE_SIZE_LEAST ? size - size % CC_DISK_BLOCK : FILE_SIZE_LEAST;
    return size < options->file_size ? size : options->file_size;
}

static void init(
    struct cc_server *server,
    const struct cc_server_options *options,
    const struct cc_server_callbacks *callbacks,
    void *owner)
{
    size_t directory_size = strlen(options->directory) + 1;

    server->memory = server->env->memory;
    server->options = *options;
    fill_defaults(&server->options);
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
    copycat_status status = check_options(options);

    if (status != COPYCAT_OK) {
        return status;
    }

    struct cc_server *server = cc_memory_try(env->memory, sizeof *server);

    if (server == NULL) {
        return COPYCAT_ERR_MEMORY;
    }
    server->env = env;
    init(server, options, callbacks, owner);

    struct cc_journal_options journal = {
        .directory = server->directory,
        .server = server->options.id,
        .file_size = server->options.file_size,
        .file_size_min = least_file_size(&server->options),
        .batch_size_max = server->options.batch_size_max,
    };

    status = cc_journal_open(&server->journal, env, &journal, &journal_callbacks, server);
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
