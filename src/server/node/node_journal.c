/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_journal -- the journal of a server: how it is opened, and what it says.
 *
 * While it recovers, what it holds goes to the server's log; from then on it tells the group what is
 * durable, and the operator what it waits for.
 */
#include "base/assert.h"
#include "server/node/node.h"

#define FILE_PARTS_MAX 8u
#define FILE_SIZE_LEAST (UINT64_C(64) << 10) /* a smaller one is begun too often, ... */
#define FILE_BATCHES_LEAST 2u                /* ... and so is one for each large command */

/* Of a journal file, while the state is small. */
static uint64_t least_file_size(const struct cc_server_options *options)
{
    uint64_t batches = (uint64_t)options->batch_size_max * FILE_BATCHES_LEAST;
    uint64_t size = options->file_size / FILE_PARTS_MAX;

    size = size > batches ? size : batches;
    size = size > FILE_SIZE_LEAST ? size - size % CC_DISK_BLOCK : FILE_SIZE_LEAST;
    return size < options->file_size ? size : options->file_size;
}

/* ---- while it recovers ------------------------------------------------------------------------ */

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

/* ---- while it serves -------------------------------------------------------------------------- */

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

static void on_closed(void *owner)
{
    cc_server_journal_closed(owner);
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

copycat_status cc_server_open_journal(struct cc_server *server)
{
    const struct cc_journal_options journal = {
        .directory = server->directory,
        .server = server->options.id,
        .file_size = server->options.file_size,
        .file_size_min = least_file_size(&server->options),
        .batch_size_max = server->options.batch_size_max,
    };

    return cc_journal_open(&server->journal, server->env, &journal, &journal_callbacks, server);
}
