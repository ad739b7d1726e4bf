/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loading -- see loading.h.  One piece of a file in each pass, so heartbeats go on.
 *
 *     the image -> each segment of its table, in order -> what is built of them, in steps -> done
 */
#include "server/image/loading.h"

#include "apply/image_record.h"
#include "apply/restore.h"
#include "base/assert.h"
#include "server/image/building.h"
#include "server/image/pacing.h"
#include "server/node/node.h"

#include <string.h>

struct cc_loading {
    struct cc_server *server;
    struct cc_image_reader *reader; /* of the file at hand */
    struct cc_restoring *restoring; /* NULL: it is only read */
    struct cc_segment_list *known;
    void (*on_records)(void *owner, copycat_bytes records, uint64_t size); /* NULL: nobody's */
    uint64_t size;     /* of all records, as far as it is known */
    uint64_t progress; /* bytes of pieces */
    void (*done)(void *owner, const struct cc_loaded *loaded);
    void *owner;
    struct cc_loaded loaded;
    struct cc_image_segment *table;
    size_t table_count;
    size_t position;                   /* in it: of the segment that is read, or comes next */
    struct cc_segment_builder builder; /* of the segment that is read */
    struct cc_pacing pacing;
    struct cc_building building;
    uint32_t (*haste)(const void *owner); /* NULL: it always is */
    const void *giver;                    /* its owner */
    bool has_image;                       /* and its table */
    bool is_closing;                      /* the file at hand */
    bool is_ended;
    char text[CC_REFUSE_TEXT_SIZE_MAX];
};

static void note_end(struct cc_loading *loading, copycat_status status, const char *text)
{
    loading->is_ended = true;
    loading->loaded.status = status;
    if (text != NULL) {
        size_t size = strlen(text);

        size = size < sizeof loading->text ? size : sizeof loading->text - 1;
        memcpy(loading->text, text, size);
        loading->text[size] = '\0';
    }
}

static uint32_t ask_giver(const void *owner)
{
    const struct cc_loading *loading = owner;

    return loading->haste(loading->giver);
}

static void read_next(void *owner)
{
    struct cc_loading *loading = owner;

    cc_pacing_begin(&loading->pacing, cc_image_read_is_ready(loading->reader));
    cc_image_read_next(loading->reader);
}

static void close_file(struct cc_loading *loading)
{
    cc_pacing_cancel(&loading->pacing);
    if (!loading->is_closing) {
        loading->is_closing = true;
        cc_image_read_close(loading->reader);
    }
}

/* While a file is open, or being closed. */
static void end(struct cc_loading *loading, copycat_status status, const char *text)
{
    if (!loading->is_ended) {
        note_end(loading, status, text);
        close_file(loading);
    }
}

static void finish(struct cc_loading *loading)
{
    struct cc_server *server = loading->server;
    struct cc_segment_list *segments = loading->loaded.segments;

    CC_ASSERT(loading->is_ended);
    cc_restore_destroy(loading->restoring);
    cc_segment_builder_deinit(&loading->builder);
    loading->loaded.text = loading->text;
    loading->loaded.segments = loading->loaded.status == COPYCAT_OK ? segments : NULL;
    loading->done(loading->owner, &loading->loaded);
    cc_segment_list_release(segments);
    cc_segment_list_release(loading->known);
    cc_memory_give(server->memory, loading->table);
    cc_memory_give(server->memory, loading);
    cc_server_let_go(server);
}

/* ---- pieces ----------------------------------------------------------------------------------- */

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
    if (!loading->has_image) {
        loading->loaded.id = *id;
        loading->size += cc_image_read_raw_size(loading->reader);
        memcpy(loading->loaded.cluster_id, head->cluster_id, CC_CLUSTER_ID_SIZE);
    }
    if (base != NULL && memcmp(head->cluster_id, base->cluster_id, CC_CLUSTER_ID_SIZE) != 0) {
        end(loading, COPYCAT_ERR_FOREIGN, "the image is of another cluster");
        return;
    }
    if (loading->on_records != NULL && !loading->has_image) {
        loading->on_records(loading->owner, (copycat_bytes){NULL, 0}, loading->size);
    } else {
        cc_image_read_next(loading->reader);
    }
}

/* Where a state is built of them, records are looked at there, and so closely only once. */
static uint64_t index_of(const struct cc_loading *loading, const struct cc_image_record *record)
{
    return loading->restoring == NULL ? cc_image_record_index(record)
                                      : cc_image_record_index_said(record);
}

/* False if it is not a piece of a segment. */
static bool note_records(struct cc_loading *loading, copycat_bytes records)
{
    struct cc_image_record record;

    while (cc_image_record_next(&records, &record)) {
        uint64_t index = index_of(loading, &record);

        if (index == 0 || !cc_segment_builder_add(&loading->builder, index, record.whole.size)) {
            return false;
        }
    }
    return records.size == 0;
}

static void on_piece(void *owner, copycat_bytes bytes)
{
    struct cc_loading *loading = owner;
    copycat_status status = COPYCAT_OK;

    loading->progress += bytes.size;
    if (loading->has_image && !note_records(loading, bytes)) {
        end(loading, COPYCAT_ERR_DAMAGED, "a segment of the image has other records than commits");
        return;
    }
    if (loading->on_records != NULL) {
        loading->on_records(loading->owner, bytes, loading->size);
        return;
    }
    if (loading->restoring != NULL) {
        status = cc_restore_take(loading->restoring, bytes);
    }
    if (status != COPYCAT_OK) {
        end(loading, status, cc_restore_text(loading->restoring));
    } else if (loading->haste == NULL || !cc_pacing_rest(&loading->pacing)) {
        read_next(loading);
    }
}

static void keep_table(struct cc_loading *loading)
{
    const struct cc_memory *memory = loading->server->memory;
    const struct cc_image_segment *table =
        cc_image_read_segments(loading->reader, &loading->table_count);

    if (loading->table_count > 0) {
        loading->table = cc_memory_take(memory, loading->table_count * sizeof *table);
        memcpy(loading->table, table, loading->table_count * sizeof *table);
    }
    for (size_t i = 0; i < loading->table_count && loading->on_records == NULL; i++) {
        loading->size += table[i].bytes;
    }
    loading->loaded.segments = cc_segment_list_create(memory);
    loading->has_image = true;
}

static bool is_as_named(const struct cc_image_segment *found, const struct cc_image_segment *name)
{
    return found->first == name->first && found->last == name->last &&
           found->count == name->count && found->bytes == name->bytes;
}

static void segment_ended(struct cc_loading *loading)
{
    const struct cc_image_segment *name = &loading->table[loading->position];

    if (!is_as_named(&loading->builder.name, name)) {
        end(loading, COPYCAT_ERR_DAMAGED,
            "a segment of the image has other commits than it should");
        return;
    }
    cc_segment_list_add(
        loading->loaded.segments,
        cc_segment_builder_finish(&loading->builder, name->size, name->checksum), name->bytes);
    loading->position++;
    close_file(loading);
}

static void on_end(void *owner, copycat_status status, const char *text)
{
    struct cc_loading *loading = owner;

    if (status != COPYCAT_OK) {
        end(loading, status, text);
    } else if (!loading->has_image) {
        keep_table(loading);
        close_file(loading);
    } else {
        segment_ended(loading);
    }
}

/* ---- files ------------------------------------------------------------------------------------ */

static void on_closed(void *owner);

static const struct cc_image_read_callbacks callbacks = {
    .on_open = on_open,
    .on_piece = on_piece,
    .on_end = on_end,
    .on_closed = on_closed,
};

static copycat_status open_file(struct cc_loading *loading, const struct cc_image_id *id)
{
    struct cc_server *server = loading->server;

    loading->is_closing = false;
    return cc_image_read_begin(
        &loading->reader, server->env, server->directory, id, &callbacks, loading);
}

static void built(void *owner)
{
    struct cc_loading *loading = owner;

    if (!loading->is_ended) {
        copycat_status status = cc_restore_end(loading->restoring, &loading->loaded.apply);

        note_end(loading, status, cc_restore_text(loading->restoring));
    }
    finish(loading);
}

static void complete(struct cc_loading *loading)
{
    if (loading->restoring != NULL) {
        cc_building_begin(
            &loading->building, loading->server->env, loading->restoring,
            loading->haste == NULL ? NULL : ask_giver, built, loading);
        return;
    }
    note_end(loading, COPYCAT_OK, NULL);
    finish(loading);
}

/* Those that are known were read when they were made. */
static void skip_known(struct cc_loading *loading)
{
    while (loading->restoring == NULL && loading->on_records == NULL &&
           loading->position < loading->table_count) {
        struct cc_segment *segment =
            cc_segment_list_share(loading->known, &loading->table[loading->position]);

        if (segment == NULL) {
            return;
        }
        cc_segment_list_add(loading->loaded.segments, segment, segment->name.bytes);
        loading->position++;
    }
}

static void on_closed(void *owner)
{
    struct cc_loading *loading = owner;
    struct cc_image_id id;
    copycat_status status;

    if (loading->is_ended) {
        finish(loading);
        return;
    }
    skip_known(loading);
    if (loading->position == loading->table_count) {
        complete(loading);
        return;
    }
    id = cc_image_segment_id(loading->loaded.id.group, &loading->table[loading->position]);
    status = open_file(loading, &id);
    CC_ASSERT(status == COPYCAT_OK); /* the image is in that directory */
}

static struct cc_loading *begin(
    struct cc_server *server,
    const struct cc_image_id *id,
    struct cc_segment_list *known,
    void (*done)(void *owner, const struct cc_loaded *loaded),
    void *owner)
{
    struct cc_loading *loading = cc_memory_take(server->memory, sizeof *loading);

    loading->server = server;
    loading->done = done;
    loading->owner = owner;
    loading->loaded.id = *id;
    cc_pacing_init(&loading->pacing, server->env, read_next, ask_giver, loading);
    if (open_file(loading, id) != COPYCAT_OK) {
        cc_memory_give(server->memory, loading);
        return NULL;
    }
    cc_segment_builder_init(&loading->builder, server->memory);
    loading->known = cc_segment_list_retain(known);
    cc_server_hold(server);
    return loading;
}

struct cc_loading *cc_loading_begin(
    struct cc_server *server,
    const struct cc_image_id *id,
    bool builds_state,
    struct cc_segment_list *known,
    void (*done)(void *owner, const struct cc_loaded *loaded),
    void *owner)
{
    struct cc_loading *loading = begin(server, id, known, done, owner);

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
    struct cc_segment_list *segments,
    void (*on_records)(void *owner, copycat_bytes records, uint64_t size),
    void (*done)(void *owner, const struct cc_loaded *loaded),
    void *owner)
{
    struct cc_loading *loading = begin(server, id, segments, done, owner);

    if (loading != NULL) {
        loading->on_records = on_records;
        loading->size = cc_segment_list_bytes(segments);
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

void cc_loading_give_way(
    struct cc_loading *loading, uint32_t (*haste)(const void *owner), const void *owner)
{
    loading->haste = haste;
    loading->giver = owner;
}

void cc_loading_abandon(struct cc_loading *loading)
{
    if (!cc_building_is_on(&loading->building)) {
        end(loading, COPYCAT_ERR_CLOSED, NULL);
    } else if (!loading->is_ended) {
        note_end(loading, COPYCAT_ERR_CLOSED, NULL);
        cc_building_cut(&loading->building);
    }
}
