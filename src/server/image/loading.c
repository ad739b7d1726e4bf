/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loading -- see loading.h.  One piece of the file in each pass, so heartbeats go on.
 */
#include "server/image/loading.h"

#include "apply/restore.h"
#include "base/assert.h"
#include "server/node/node.h"

#include <string.h>

struct cc_loading {
    struct cc_server *server;
    struct cc_image_reader *reader;
    struct cc_restoring *restoring; /* NULL: it is only read */
    void (*on_records)(void *owner, copycat_bytes records, uint64_t size); /* NULL: nobody's */
    void (*done)(void *owner, const struct cc_loaded *loaded);
    void *owner;
    struct cc_loaded loaded;
    bool is_ended;
    char text[CC_REFUSE_TEXT_SIZE_MAX];
    uint64_t progress; /* bytes of pieces, ... */
    uint64_t size;     /* ... of so many */
};

static void end(struct cc_loading *loading, copycat_status status, const char *text)
{
    if (loading->is_ended) {
        return;
    }
    loading->is_ended = true;
    loading->loaded.status = status;
    if (text != NULL) {
        size_t size = strlen(text);

        size = size < sizeof loading->text ? size : sizeof loading->text - 1;
        memcpy(loading->text, text, size);
        loading->text[size] = '\0';
    }
    cc_image_read_close(loading->reader);
}

static void on_open(
    void *owner,
    copycat_status status,
    const struct cc_image_id *id,
    const struct cc_image_head *head,
    const char *text)
{
    struct cc_loading *loading = owner;
    const struct cc_base *base = cc_journal_base(cc_server_journal(loading->server));

    if (status != COPYCAT_OK) {
        end(loading, status, text);
        return;
    }
    loading->loaded.id = *id;
    loading->size = cc_image_read_raw_size(loading->reader);
    memcpy(loading->loaded.cluster_id, head->cluster_id, CC_CLUSTER_ID_SIZE);
    if (base != NULL && memcmp(head->cluster_id, base->cluster_id, CC_CLUSTER_ID_SIZE) != 0) {
        end(loading, COPYCAT_ERR_FOREIGN, "the image is of another cluster");
        return;
    }
    if (loading->on_records != NULL) {
        loading->on_records(
            loading->owner, (copycat_bytes){NULL, 0}, cc_image_read_raw_size(loading->reader));
    } else {
        cc_image_read_next(loading->reader);
    }
}

static void on_piece(void *owner, copycat_bytes bytes)
{
    struct cc_loading *loading = owner;
    copycat_status status = COPYCAT_OK;

    loading->progress += bytes.size;
    if (loading->on_records != NULL) {
        loading->on_records(loading->owner, bytes, cc_image_read_raw_size(loading->reader));
        return;
    }
    if (loading->restoring != NULL) {
        status = cc_restore_take(loading->restoring, bytes);
    }
    if (status != COPYCAT_OK) {
        end(loading, status, cc_restore_text(loading->restoring));
    } else {
        cc_image_read_next(loading->reader);
    }
}

static void on_end(void *owner, copycat_status status, const char *text)
{
    struct cc_loading *loading = owner;

    if (status != COPYCAT_OK || loading->restoring == NULL) {
        end(loading, status, text);
        return;
    }
    status = cc_restore_end(loading->restoring, &loading->loaded.apply);
    end(loading, status, cc_restore_text(loading->restoring));
}

static void on_closed(void *owner)
{
    struct cc_loading *loading = owner;
    struct cc_server *server = loading->server;

    CC_ASSERT(loading->is_ended);
    cc_restore_destroy(loading->restoring);
    loading->loaded.text = loading->text;
    loading->done(loading->owner, &loading->loaded);
    cc_memory_give(server->memory, loading);
    cc_server_let_go(server);
}

static const struct cc_image_read_callbacks callbacks = {
    .on_open = on_open,
    .on_piece = on_piece,
    .on_end = on_end,
    .on_closed = on_closed,
};

static struct cc_loading *begin(
    struct cc_server *server,
    const struct cc_image_id *id,
    void (*done)(void *owner, const struct cc_loaded *loaded),
    void *owner)
{
    struct cc_loading *loading = cc_memory_take(server->memory, sizeof *loading);

    loading->server = server;
    loading->done = done;
    loading->owner = owner;
    loading->loaded.id = *id;
    if (cc_image_read_begin(
            &loading->reader, server->env, server->directory, id, &callbacks, loading) !=
        COPYCAT_OK) {
        cc_memory_give(server->memory, loading);
        return NULL;
    }
    cc_server_hold(server);
    return loading;
}

struct cc_loading *cc_loading_begin(
    struct cc_server *server,
    const struct cc_image_id *id,
    bool builds_state,
    void (*done)(void *owner, const struct cc_loaded *loaded),
    void *owner)
{
    struct cc_loading *loading = begin(server, id, done, owner);

    if (loading != NULL && builds_state) {
        struct cc_apply_options options;

        cc_server_apply_options(server, &options);
        loading->restoring = cc_restore_begin(&options);
    }
    return loading;
}

struct cc_loading *cc_loading_begin_reading(
    struct cc_server *server,
    const struct cc_image_id *id,
    void (*on_records)(void *owner, copycat_bytes records, uint64_t size),
    void (*done)(void *owner, const struct cc_loaded *loaded),
    void *owner)
{
    struct cc_loading *loading = begin(server, id, done, owner);

    if (loading != NULL) {
        loading->on_records = on_records;
    }
    return loading;
}

void cc_loading_next(struct cc_loading *loading)
{
    cc_image_read_next(loading->reader);
}

uint64_t cc_loading_progress(const struct cc_loading *loading)
{
    return loading->progress;
}

uint64_t cc_loading_size(const struct cc_loading *loading)
{
    return loading->size;
}

void cc_loading_abandon(struct cc_loading *loading)
{
    end(loading, COPYCAT_ERR_CLOSED, NULL);
}
