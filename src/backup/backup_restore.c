/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_restore -- see backup_restore.h.
 *
 *     records -> segments, image (durable) -> journal: term, SWITCH (durable) -> closed -> done
 */
#include "backup/backup_restore.h"

#include "apply/image_record.h"
#include "base/assert.h"

#include <string.h>

#define FILE_SIZE (UINT64_C(1) << 20) /* the server makes the next ones as large as it is told */

static void fail(struct cc_backup_restore *restore, copycat_status status, const char *text)
{
    size_t size = strlen(text);

    if (restore->status != COPYCAT_OK) {
        return;
    }
    size = size < sizeof restore->text ? size : sizeof restore->text - 1;
    memcpy(restore->text, text, size);
    restore->text[size] = '\0';
    restore->status = status;
}

static void finish(struct cc_task *task)
{
    struct cc_backup_restore *restore = task->owner;

    restore->done(restore);
}

/* Never inside a callback of what has just ended. */
static void finish_later(struct cc_backup_restore *restore)
{
    restore->task.run = finish;
    cc_env_later(restore->env, &restore->task);
}

/* ---- the journal ------------------------------------------------------------------------------ */

static void on_entry(
    void *owner, const struct cc_entry *entry, const struct cc_journal_place *place)
{
    (void)owner;
    (void)entry;
    (void)place;
}

static void on_truncate(void *owner, uint32_t group, uint64_t from)
{
    (void)owner;
    (void)group;
    (void)from;
}

static void on_damage(void *owner, const struct cc_journal_damage *damage)
{
    (void)owner;
    (void)damage;
}

static bool on_repair(
    void *owner, const struct cc_entry *entry, const struct cc_journal_place *place)
{
    (void)owner;
    (void)entry;
    (void)place;
    return false;
}

static bool on_switch(
    void *owner, uint32_t group, const struct cc_journal_base *base, bool keep_tail)
{
    (void)owner;
    (void)group;
    (void)base;
    (void)keep_tail;
    return false;
}

static void on_state(void *owner, uint32_t group, uint64_t term, uint32_t vote)
{
    (void)owner;
    (void)group;
    (void)term;
    (void)vote;
}

static void on_forgotten(void *owner, uint32_t group, uint64_t first)
{
    (void)owner;
    (void)group;
    (void)first;
}

static void on_placed(
    void *owner, uint32_t group, uint64_t index, const struct cc_journal_place *place)
{
    (void)owner;
    (void)group;
    (void)index;
    (void)place;
}

static void on_open(void *owner, copycat_status status, const char *text)
{
    struct cc_backup_restore *restore = owner;
    const struct cc_image_id *id = &restore->id;
    struct cc_journal_base base = {id->index, id->term, id->time_us, id->size, id->checksum};

    if (status != COPYCAT_OK) {
        fail(restore, status, text);
        cc_journal_close(restore->journal);
        return;
    }
    cc_journal_state(restore->journal, id->group, id->term, 0);
    cc_journal_switch(restore->journal, id->group, &base, false);
    restore->mark = cc_journal_mark(restore->journal);
    cc_journal_flush(restore->journal);
}

static void on_durable(void *owner, uint64_t mark)
{
    struct cc_backup_restore *restore = owner;

    if (restore->mark == 0 || restore->status != COPYCAT_OK) {
        return;
    }
    if (mark >= restore->mark) {
        restore->mark = 0;
        cc_journal_close(restore->journal);
    } else {
        cc_journal_flush(restore->journal);
    }
}

static void on_failed(void *owner, copycat_status status, const char *text)
{
    struct cc_backup_restore *restore = owner;

    if (restore->status == COPYCAT_OK) {
        fail(restore, status, text);
        cc_journal_close(restore->journal);
    }
}

/* Nobody frees anything here but the operator, who is told. */
static void on_short(void *owner, copycat_status shortage)
{
    if (shortage != COPYCAT_OK) {
        on_failed(
            owner, shortage,
            shortage == COPYCAT_ERR_BUSY ? "too many files are open" : "the disk is full");
    }
}

static void on_closed(void *owner)
{
    finish_later(owner);
}

static const struct cc_journal_callbacks journal_callbacks = {
    .on_entry = on_entry,
    .on_truncate = on_truncate,
    .on_switch = on_switch,
    .on_damage = on_damage,
    .on_repair = on_repair,
    .on_state = on_state,
    .on_forgotten = on_forgotten,
    .on_open = on_open,
    .on_durable = on_durable,
    .on_placed = on_placed,
    .on_failed = on_failed,
    .on_short = on_short,
    .on_closed = on_closed,
};

static void open_journal(struct cc_backup_restore *restore)
{
    struct cc_journal_options options = {
        .directory = restore->options.directory,
        .server = restore->options.server,
        .file_size = FILE_SIZE,
        .begins_on_image = true,
    };
    copycat_status status =
        cc_journal_open(&restore->journal, restore->env, &options, &journal_callbacks, restore);

    if (status != COPYCAT_OK) {
        fail(restore, status, "the journal cannot be made");
        finish_later(restore);
    }
}

/* ---- the image -------------------------------------------------------------------------------- */

/* Adds a record where it belongs; false: not now. */
static bool write_record(struct cc_backup_restore *restore, const struct cc_image_record *record)
{
    return record->type == CC_IMAGE_COMMIT ? cc_backup_segments_add(&restore->segments, record)
                                           : cc_image_write_add(restore->writer, record->whole);
}

static void give_up(struct cc_backup_restore *restore, copycat_status status, const char *text)
{
    fail(restore, status, text);
    cc_env_task_cancel(restore->env, &restore->task);
    if (restore->writer != NULL) {
        cc_image_write_abandon(restore->writer);
    }
    if (restore->segments.writer != NULL) {
        cc_image_write_abandon(restore->segments.writer);
    }
}

/* Up to the end; what cannot be added now goes on when on_room or on_sealed has come. */
static void write_records(struct cc_task *task)
{
    struct cc_backup_restore *restore = task->owner;

    while (!restore->is_over) {
        copycat_bytes rest = restore->records;
        struct cc_image_record record;
        copycat_status status;

        while (cc_image_record_next(&rest, &record)) {
            if (!write_record(restore, &record)) {
                return;
            }
            restore->records = rest;
        }
        CC_ASSERT(restore->records.size == 0); /* they were checked when they were read */
        status = restore->pull(restore->owner, &restore->records, &restore->is_over);
        if (status != COPYCAT_OK) {
            give_up(restore, status, "");
            return;
        }
    }
    if (cc_backup_segments_seal(&restore->segments)) {
        cc_image_write_segments(restore->writer, restore->segments.table, restore->segments.count);
        cc_image_write_finish(restore->writer);
    }
}

static void on_room(void *owner)
{
    struct cc_backup_restore *restore = owner;

    cc_env_later(restore->env, &restore->task);
}

/* Once nothing is written any more. */
static void written(struct cc_backup_restore *restore)
{
    if (restore->writer != NULL || restore->segments.writer != NULL) {
        return;
    }
    cc_backup_segments_deinit(&restore->segments);
    if (restore->status != COPYCAT_OK) {
        finish_later(restore);
    } else {
        open_journal(restore);
    }
}

static void on_sealed(void *owner, copycat_status status, const char *text)
{
    struct cc_backup_restore *restore = owner;

    if (restore->status != COPYCAT_OK) {
        written(restore);
    } else if (status != COPYCAT_OK) {
        give_up(restore, status, text);
        written(restore);
    } else {
        cc_env_later(restore->env, &restore->task);
    }
}

static void on_done(
    void *owner, copycat_status status, const struct cc_image_id *id, const char *text)
{
    struct cc_backup_restore *restore = owner;

    cc_env_task_cancel(restore->env, &restore->task);
    restore->writer = NULL;
    if (status != COPYCAT_OK && restore->status == COPYCAT_OK) {
        give_up(restore, status, text);
    }
    restore->id = *id;
    written(restore);
}

copycat_status cc_backup_restore_begin(
    struct cc_backup_restore *restore,
    struct cc_env *env,
    const struct cc_backup_restore_options *options,
    copycat_status (*pull)(void *owner, copycat_bytes *records_out, bool *is_over),
    void (*done)(struct cc_backup_restore *restore),
    void *owner)
{
    static const struct cc_image_write_callbacks callbacks = {
        .on_room = on_room, .on_done = on_done};
    struct cc_image_head head = {
        .group = options->head->group,
        .index = options->head->index,
        .term = options->head->term,
        .time_us = options->head->time_us,
    };
    copycat_status status;

    *restore = (struct cc_backup_restore){
        .env = env, .options = *options, .pull = pull, .done = done, .owner = owner};
    restore->task = (struct cc_task){.run = write_records, .owner = restore};
    memcpy(head.cluster_id, options->cluster_id, CC_CLUSTER_ID_SIZE);
    restore->segments = (struct cc_backup_segments){
        .env = env,
        .directory = options->directory,
        .head = head,
        .on_sealed = on_sealed,
        .owner = restore};
    status =
        cc_image_write_begin(&restore->writer, env, options->directory, &head, &callbacks, restore);
    if (status == COPYCAT_OK) {
        cc_env_later(env, &restore->task);
    }
    return status;
}
