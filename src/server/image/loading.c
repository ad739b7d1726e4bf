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
#include "server/image/retiring.h"
#include "server/node/node.h"

#include <string.h>

#define FILES_MAX 4u                 /* open at once, */
#define AHEAD_SIZE ((size_t)4 << 20) /* with so much of each in memory */

struct file {
    struct cc_loading *loading;
    struct cc_image_reader *reader; /* NULL: it is closed */
    size_t position;                /* in the table; of the image: 0, before there is a table */
    bool is_open;                   /* or it could not be, as `status` says */
    bool is_begun;                  /* its turn has come */
    bool is_closing;
    copycat_status status;
    char text[CC_REFUSE_TEXT_SIZE_MAX];
};

struct cc_loading {
    struct cc_server *server;
    struct file files[FILES_MAX];
    uint32_t open_count;            /* of them, with those that are being closed */
    bool is_short;                  /* of descriptors: one file at a time is enough */
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
    struct cc_segment **shared; /* for each in it: one that is known, and not read, or NULL */
    size_t position;            /* in it: of the segment whose turn it is, */
    size_t open_next;           /* and of the next that is opened */
    struct cc_segment_builder builder; /* of the segment that is read */
    struct cc_pacing pacing;
    struct cc_building building;
    uint32_t (*haste)(const void *owner); /* NULL: it always is */
    const void *giver;                    /* its owner */
    bool has_image;                       /* and its table */
    bool is_ended;
    char text[CC_REFUSE_TEXT_SIZE_MAX];
};

static void copy_text(char text_out[CC_REFUSE_TEXT_SIZE_MAX], const char *text)
{
    size_t size = strlen(text);

    size = size < CC_REFUSE_TEXT_SIZE_MAX ? size : CC_REFUSE_TEXT_SIZE_MAX - 1;
    memcpy(text_out, text, size);
    text_out[size] = '\0';
}

static void note_end(struct cc_loading *loading, copycat_status status, const char *text)
{
    loading->is_ended = true;
    loading->loaded.status = status;
    if (text != NULL) {
        copy_text(loading->text, text);
    }
}

/* The one whose turn it is; NULL: it is still to be opened. */
static struct file *at_hand(struct cc_loading *loading)
{
    for (uint32_t i = 0; i < FILES_MAX; i++) {
        struct file *file = &loading->files[i];

        if (file->reader != NULL && !file->is_closing && file->position == loading->position) {
            return file;
        }
    }
    return NULL;
}

static uint32_t ask_giver(const void *owner)
{
    const struct cc_loading *loading = owner;

    return loading->haste(loading->giver);
}

static void read_next(void *owner)
{
    struct cc_loading *loading = owner;
    struct cc_image_reader *reader = at_hand(loading)->reader;

    cc_pacing_begin(&loading->pacing, cc_image_read_is_ready(reader));
    cc_image_read_next(reader);
}

static void close_file(struct file *file)
{
    if (file->reader != NULL && !file->is_closing) {
        file->is_closing = true;
        cc_image_read_close(file->reader);
    }
}

static void close_files(struct cc_loading *loading)
{
    for (uint32_t i = 0; i < FILES_MAX; i++) {
        close_file(&loading->files[i]);
    }
}

/* While a file is open, or being closed. */
static void end(struct cc_loading *loading, copycat_status status, const char *text)
{
    CC_ASSERT(loading->open_count > 0);
    if (!loading->is_ended) {
        note_end(loading, status, text);
        cc_pacing_cancel(&loading->pacing);
        close_files(loading);
    }
}

static void release_shared(struct cc_loading *loading)
{
    for (size_t i = loading->position; loading->shared != NULL && i < loading->table_count; i++) {
        if (loading->shared[i] != NULL) {
            cc_segment_release(loading->server->memory, loading->shared[i]);
        }
    }
    cc_memory_give(loading->server->memory, loading->shared);
}

static void finish(struct cc_loading *loading)
{
    struct cc_server *server = loading->server;
    struct cc_segment_list *segments = loading->loaded.segments;

    CC_ASSERT(loading->is_ended && loading->open_count == 0);
    cc_retiring_begin(server, cc_restore_give_up(loading->restoring));
    release_shared(loading);
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

static void go_on(struct cc_loading *loading);

/* Its turn has come, and it is open. */
static void begin_file(struct cc_loading *loading, struct file *file)
{
    file->is_begun = true;
    if (file->status == COPYCAT_ERR_BUSY && loading->open_count > 1) {
        loading->is_short = true;
        loading->open_next = loading->position;
        close_files(loading);
    } else if (file->status != COPYCAT_OK) {
        end(loading, file->status, file->text);
    } else if (loading->on_records != NULL && !loading->has_image) {
        loading->on_records(loading->owner, (copycat_bytes){NULL, 0}, loading->size);
    } else {
        cc_image_read_next(file->reader);
    }
}

static void on_open(
    void *owner,
    copycat_status status,
    const struct cc_image_id *id,
    const struct cc_image_head *head,
    const char *text)
{
    struct file *file = owner;
    struct cc_loading *loading = file->loading;
    const struct cc_base *base = cc_journal_base(cc_server_journal(loading->server));

    if (status == COPYCAT_OK && !loading->has_image) {
        loading->loaded.id = *id;
        loading->size += cc_image_read_raw_size(file->reader);
        memcpy(loading->loaded.cluster_id, head->cluster_id, CC_CLUSTER_ID_SIZE);
    }
    if (status == COPYCAT_OK && base != NULL &&
        memcmp(head->cluster_id, base->cluster_id, CC_CLUSTER_ID_SIZE) != 0) {
        status = COPYCAT_ERR_FOREIGN;
        text = "the image is of another cluster";
    }
    file->is_open = true;
    file->status = status;
    copy_text(file->text, text);
    go_on(loading);
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
    struct cc_loading *loading = ((struct file *)owner)->loading;
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

/* Segments that are known were read when they were made. */
static void keep_table(struct cc_loading *loading, const struct cc_image_reader *reader)
{
    const struct cc_memory *memory = loading->server->memory;
    size_t count;
    const struct cc_image_segment *table = cc_image_read_segments(reader, &count);

    if (count > 0) {
        loading->table = cc_memory_take(memory, count * sizeof *table);
        memcpy(loading->table, table, count * sizeof *table);
        loading->shared = cc_memory_take(memory, count * sizeof(struct cc_segment *));
    }
    loading->table_count = count;
    for (size_t i = 0; i < count && loading->on_records == NULL; i++) {
        loading->size += table[i].bytes;
    }
    for (size_t i = 0; i < count && loading->restoring == NULL && loading->on_records == NULL;
         i++) {
        loading->shared[i] = cc_segment_list_share(loading->known, &table[i]);
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
}

static void on_end(void *owner, copycat_status status, const char *text)
{
    struct file *file = owner;
    struct cc_loading *loading = file->loading;

    close_file(file);
    if (status != COPYCAT_OK) {
        end(loading, status, text);
    } else if (!loading->has_image) {
        keep_table(loading, file->reader);
    } else {
        segment_ended(loading);
    }
    go_on(loading);
}

/* ---- files ------------------------------------------------------------------------------------ */

static void on_closed(void *owner)
{
    struct file *file = owner;

    file->reader = NULL;
    file->loading->open_count--;
    go_on(file->loading);
}

static const struct cc_image_read_callbacks callbacks = {
    .on_open = on_open,
    .on_piece = on_piece,
    .on_end = on_end,
    .on_closed = on_closed,
};

/* Whoever takes the records in bit by bit, or gives way, gains nothing by what is read ahead. */
static bool reads_ahead(const struct cc_loading *loading)
{
    return loading->on_records == NULL && loading->haste == NULL && !loading->is_short;
}

static copycat_status open_file(
    struct cc_loading *loading, const struct cc_image_id *id, size_t position)
{
    struct cc_server *server = loading->server;
    struct file *file = loading->files;
    copycat_status status;

    while (file->reader != NULL) {
        file++;
    }
    CC_ASSERT(file < loading->files + FILES_MAX);
    *file = (struct file){.loading = loading, .position = position};
    status =
        cc_image_read_begin(&file->reader, server->env, server->directory, id, &callbacks, file);
    if (status == COPYCAT_OK && reads_ahead(loading)) {
        cc_image_read_ahead(file->reader, AHEAD_SIZE);
    }
    loading->open_count += status == COPYCAT_OK;
    return status;
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

static void take_shared(struct cc_loading *loading)
{
    while (loading->position < loading->table_count && loading->shared[loading->position] != NULL) {
        struct cc_segment *segment = loading->shared[loading->position++];

        cc_segment_list_add(loading->loaded.segments, segment, segment->name.bytes);
    }
}

static void open_files(struct cc_loading *loading)
{
    uint32_t most = reads_ahead(loading) ? FILES_MAX : 1;

    for (; loading->open_next < loading->table_count && loading->open_count < most;
         loading->open_next++) {
        size_t position = loading->open_next;

        if (loading->shared[position] == NULL) {
            struct cc_image_id id =
                cc_image_segment_id(loading->loaded.id.group, &loading->table[position]);
            copycat_status status = open_file(loading, &id, position);

            CC_ASSERT(status == COPYCAT_OK); /* the image is in that directory */
        }
    }
}

/* After whatever has happened: the last thing that is done, for it may be over. */
static void go_on(struct cc_loading *loading)
{
    struct file *file;

    if (!loading->is_ended && loading->has_image) {
        take_shared(loading);
        open_files(loading);
    }
    if (loading->open_count == 0) {
        if (loading->is_ended) {
            finish(loading);
        } else {
            complete(loading);
        }
        return;
    }
    file = loading->is_ended ? NULL : at_hand(loading);
    if (file != NULL && file->is_open && !file->is_begun) {
        begin_file(loading, file);
    }
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
    if (open_file(loading, id, 0) != COPYCAT_OK) {
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
    cc_image_read_next(at_hand(loading)->reader);
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
