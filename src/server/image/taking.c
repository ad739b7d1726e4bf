/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taking -- see taking.h.
 *
 *     STATE -> PLAN (which segments are kept) -> COMMITS (new segments) -> END (the file is made durable)
 *           -> CHECKING (what was made is read back)
 *           -> AGREEING (that others had this state is not known yet) -> done
 *
 * A slice in each pass: service goes on in between.
 */
#include "base/assert.h"
#include "base/bug.h"
#include "server/image/retiring.h"
#include "server/image/taking_internal.h"
#include "server/node/node.h"

#include <string.h>

#define SLICE_BYTES (64u << 10)
#define SLICE_BYTES_MAX (512u << 10)
#define LOGGED_TIMES 4u /* what is logged is written once, and moves up to twice as much */
#define RECORDS_BYTES (64u << 10) /* of the state, at once */

static void release(struct cc_taking *taking)
{
    struct cc_server *server = taking->server;

    cc_pacing_cancel(&taking->pacing);
    cc_writer_deinit(&taking->records);
    cc_writer_deinit(&taking->record);
    cc_segment_builder_deinit(&taking->targets[0].built);
    cc_segment_builder_deinit(&taking->targets[1].built);
    cc_segment_list_release(taking->former);
    cc_segment_list_release(taking->segments);
    cc_memory_give(server->memory, taking->parts);
    cc_memory_give(server->memory, taking);
    server->image_writers--;
    cc_server_let_go(server);
}

/* The state is not needed any more, or nobody wants the image. */
static void end_apply(struct cc_taking *taking)
{
    if (taking->group != NULL && cc_apply_image_index(taking->group->apply) != 0) {
        cc_apply_image_end(taking->group->apply);
    }
}

/* Once nothing is under way any more: says what became of it. */
static void settle(struct cc_taking *taking)
{
    struct cc_group *group = taking->group;

    if (taking->holds > 0) {
        return;
    }
    if (group != NULL && taking->status == COPYCAT_OK &&
        !cc_group_has_agreed(group, taking->id.index)) {
        taking->phase = CC_TAKING_AGREEING;
        return;
    }
    if (group != NULL) {
        taking->done(group, taking->status, &taking->id, taking->segments, taking->text);
    }
    release(taking);
}

void cc_taking_let_go(struct cc_taking *taking)
{
    taking->holds--;
    settle(taking);
}

void cc_taking_give_up(struct cc_taking *taking, copycat_status status, const char *text)
{
    if (taking->status != COPYCAT_OK) {
        return;
    }
    taking->status = status;
    if (text != NULL) {
        size_t size = strlen(text);

        size = size < sizeof taking->text ? size : sizeof taking->text - 1;
        memcpy(taking->text, text, size);
        taking->text[size] = '\0';
    }
    end_apply(taking);
    cc_pacing_cancel(&taking->pacing);
    cc_taking_copy_end(taking);
    if (taking->writer != NULL) {
        cc_image_write_abandon(taking->writer);
        taking->writer = NULL;
    }
    if (taking->check != NULL) {
        cc_loading_abandon(taking->check);
        taking->check = NULL;
    }
}

void cc_taking_go_on(struct cc_taking *taking)
{
    if (taking->status == COPYCAT_OK) {
        cc_pacing_go_on(&taking->pacing);
    }
}

/* ---- the file ---------------------------------------------------------------------------------
 */

static void finish(struct cc_taking *taking)
{
    const struct cc_segment_list *list = taking->segments;
    const struct cc_memory *memory = taking->server->memory;
    struct cc_image_segment *table = cc_memory_take(memory, (list->count + 1) * sizeof *table);

    for (size_t i = 0; i < list->count; i++) {
        table[i] = list->at[i]->name;
    }
    end_apply(taking);
    cc_image_write_segments(taking->writer, table, list->count);
    cc_image_write_finish(taking->writer);
    cc_memory_give(memory, table);
    taking->phase = CC_TAKING_CHECKING;
}

/* What was encoded goes into the file; how much, 0: it takes no more for now. */
static size_t put_records(struct cc_taking *taking)
{
    copycat_bytes bytes = {taking->records.data, taking->records.size};

    if (!cc_image_write_add(taking->writer, bytes)) {
        taking->is_full = true;
        return 0;
    }
    cc_writer_clear(&taking->records);
    return bytes.size;
}

/* One segment more of the image before is looked at; false: all were, and it is known what becomes
 * of each. */
static bool plan(struct cc_taking *taking)
{
    const struct cc_segment_list *former = taking->former;
    struct cc_taking_part *part;

    if (former == NULL || former->count == 0) {
        return false;
    }
    if (taking->weighed == former->count) {
        if (!taking->is_from_scratch) {
            cc_taking_choose(&(struct cc_taking_plan){
                .rule = CC_CLEANING_BENEFIT,
                .brought_bytes = cc_log_bytes_above(taking->group->log, taking->group->base.index),
                .newest = taking->head.index,
                .segment_bytes = cc_server_options(taking->server)->segment_bytes,
                .parts = taking->parts,
                .count = former->count});
        }
        return false;
    }
    if (taking->parts == NULL) {
        taking->parts =
            cc_memory_take(taking->server->memory, former->count * sizeof *taking->parts);
    }
    part = &taking->parts[taking->weighed];
    *part = (struct cc_taking_part){.name = former->at[taking->weighed]->name};
    cc_segment_weigh(
        former->at[taking->weighed++], taking->group->apply, &part->live_count, &part->live_bytes);
    part->is_rewritten = taking->is_from_scratch && part->live_count > 0;
    return true;
}

static void end_commits(struct cc_taking *taking)
{
    if (cc_apply_image_finish(taking->group->apply, &taking->records)) {
        taking->phase = CC_TAKING_END;
    } else {
        static const char text[] = "the segments of the image before have not all that lives";

        cc_group_base_failed(taking->group, COPYCAT_ERR_DAMAGED, text);
        cc_taking_give_up(taking, COPYCAT_ERR_DAMAGED, text);
    }
}

/* Some more; 0: something is waited for, or it is over. */
static size_t step(struct cc_taking *taking)
{
    bool is_done = false;
    size_t size;

    CC_ASSERT(!taking->records.failed); /* T-025 */
    if (taking->records.size > 0) {
        return put_records(taking);
    }
    switch (taking->phase) {
    case CC_TAKING_STATE:
        if (!cc_apply_image_step(taking->group->apply, &taking->records, RECORDS_BYTES)) {
            taking->phase = CC_TAKING_PLAN;
        }
        return 1;
    case CC_TAKING_PLAN:
        if (!plan(taking)) {
            taking->phase = CC_TAKING_COMMITS;
        }
        return SLICE_BYTES;
    case CC_TAKING_COMMITS:
        size = cc_taking_copy(taking, &is_done);
        if (is_done) {
            end_commits(taking);
        }
        return is_done ? 1 : size;
    case CC_TAKING_END:
        finish(taking);
        return 0;
    case CC_TAKING_CHECKING:
    case CC_TAKING_AGREEING:
        break;
    }
    return 0;
}

/* The journal keeps all that came since: the next image must not have to wait for this one. */
static uint32_t haste(const void *owner)
{
    const struct cc_taking *taking = owner;

    if (taking->group == NULL || cc_group_backlog_pressure(taking->group) > 0) {
        return UINT32_MAX;
    }
    return cc_group_mark_halves(taking->group);
}

/* Small while little is asked for.  A server that is asked for much has long passes: with small slices
 * an image would take all the longer, and the journal grow, the more is written. */
static size_t slice_bytes(struct cc_taking *taking)
{
    uint64_t before = taking->logged_bytes;
    uint64_t logged = before;
    uint64_t bytes;

    if (taking->group != NULL) {
        logged = cc_log_bytes_above(taking->group->log, taking->head.index);
    }
    taking->logged_bytes = logged;
    bytes = logged > before ? (logged - before) * LOGGED_TIMES : 0;
    bytes = bytes > SLICE_BYTES ? bytes : SLICE_BYTES;
    return (size_t)(bytes < SLICE_BYTES_MAX ? bytes : SLICE_BYTES_MAX);
}

static void run(void *owner)
{
    struct cc_taking *taking = owner;
    size_t bytes_max = slice_bytes(taking);
    size_t done = 0;

    while (taking->status == COPYCAT_OK && done < bytes_max) {
        size_t size = step(taking);

        if (size == 0) {
            return; /* what is waited for goes on */
        }
        done += size;
    }
    if (taking->status == COPYCAT_OK && !cc_pacing_rest(&taking->pacing)) {
        cc_taking_go_on(taking);
    }
}

static void on_room(void *owner)
{
    struct cc_taking *taking = owner;

    if (taking->is_full) {
        taking->is_full = false;
        cc_taking_go_on(taking);
    }
}

/* It is the only copy of much soon: so it is read before that is believed. */
static void checked(void *owner, const struct cc_loaded *loaded)
{
    struct cc_taking *taking = owner;
    copycat_status status = loaded->status;

    taking->check = NULL;
    if (loaded->apply != NULL) {
        if (cc_apply_digest(loaded->apply) != taking->digest) {
            status = COPYCAT_ERR_BROKEN;
        }
        cc_retiring_begin(taking->server, loaded->apply);
    }
    if (status != COPYCAT_OK) {
        cc_taking_give_up(
            taking, status,
            status == COPYCAT_ERR_BROKEN ? "the image does not give the state that it was taken of"
                                         : loaded->text);
    }
    cc_taking_let_go(taking);
}

static void on_done(
    void *owner, copycat_status status, const struct cc_image_id *id, const char *text)
{
    struct cc_taking *taking = owner;

    taking->writer = NULL;
    if (status != COPYCAT_OK) {
        cc_taking_give_up(taking, status, text);
    }
    if (taking->status == COPYCAT_OK) {
        taking->id = *id;
    }
    if (taking->status == COPYCAT_OK && !CC_BUG(T042C)) {
        taking->holds++;
        taking->check = cc_loading_begin(
            taking->server, id, cc_server_options(taking->server)->checks_images, taking->former,
            checked, taking);
        cc_loading_give_way(taking->check, haste, taking);
    }
    cc_taking_let_go(taking);
}

static const struct cc_image_write_callbacks callbacks = {.on_room = on_room, .on_done = on_done};

static void begin(struct cc_taking *taking)
{
    struct cc_server *server = taking->server;
    struct cc_group *group = taking->group;
    const struct cc_base *base = cc_journal_base(group->journal);
    copycat_status status;

    taking->head = (struct cc_image_head){
        .group = group->id,
        .index = cc_apply_image_index(group->apply),
        .time_us = cc_apply_image_time_us(group->apply)};
    taking->head.term = cc_log_term(group->log, taking->head.index);
    memcpy(taking->head.cluster_id, base->cluster_id, CC_CLUSTER_ID_SIZE);
    taking->digest = cc_apply_image_digest(group->apply);
    taking->former = cc_segment_list_retain(group->segments);
    taking->segments = cc_segment_list_create(server->memory);
    taking->is_from_scratch = group->base_trouble != COPYCAT_OK;
    cc_writer_init(&taking->records, server->memory, CC_IMAGE_ADD_SIZE_MAX);
    cc_writer_init(&taking->record, server->memory, CC_IMAGE_ADD_SIZE_MAX);
    for (uint32_t i = 0; i < 2; i++) {
        taking->targets[i].taking = taking;
        cc_segment_builder_init(&taking->targets[i].built, server->memory);
    }
    status = cc_image_write_begin(
        &taking->writer, server->env, server->directory, &taking->head, &callbacks, taking);
    CC_ASSERT(status == COPYCAT_OK); /* the directory holds the journal, too */
    taking->holds = 1;
}

struct cc_taking *cc_taking_begin(
    struct cc_group *group,
    void (*done)(
        struct cc_group *group,
        copycat_status status,
        const struct cc_image_id *id,
        struct cc_segment_list *segments,
        const char *text))
{
    struct cc_server *server = group->server;
    struct cc_taking *taking;

    if (!cc_apply_image_begin(group->apply)) {
        return NULL;
    }
    taking = cc_memory_take(server->memory, sizeof *taking);
    taking->server = server;
    taking->group = group;
    taking->done = done;
    cc_pacing_init(&taking->pacing, server->env, run, haste, taking);
    begin(taking);
    server->image_writers++;
    cc_server_hold(server);
    cc_taking_go_on(taking);
    return taking;
}

void cc_taking_agreed(struct cc_taking *taking)
{
    if (taking->phase == CC_TAKING_AGREEING) {
        settle(taking);
    }
}

void cc_taking_abandon(struct cc_taking *taking)
{
    cc_taking_give_up(taking, COPYCAT_ERR_CLOSED, NULL);
    end_apply(taking);
    taking->group = NULL;
    if (taking->phase == CC_TAKING_AGREEING) {
        settle(taking); /* nothing else will */
    }
}
