/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taking_copy -- the live commits of an image that is taken: those of the image before, in order, out
 * of the segments that are written anew, then those of the log, into new segments.  What is kept is
 * passed over.
 */
#include "base/assert.h"
#include "base/bug.h"
#include "server/image/taking_internal.h"
#include "server/node/node.h"

#include <string.h>

/* ---- new segments ----------------------------------------------------------------------------- */

static void on_room(void *owner)
{
    (void)owner; /* a segment takes whatever it is given */
}

static void sealed(
    void *owner, copycat_status status, const struct cc_image_id *id, const char *text)
{
    struct cc_taking_target *target = owner;
    struct cc_taking *taking = target->taking;

    target->writer = NULL;
    target->is_sealing = false;
    if (status != COPYCAT_OK) {
        cc_taking_give_up(taking, status, text);
    } else if (taking->status == COPYCAT_OK) {
        uint64_t bytes = target->built.name.bytes;

        cc_segment_list_add(
            taking->segments, cc_segment_builder_finish(&target->built, id->size, id->checksum),
            bytes);
        cc_taking_go_on(taking);
    }
    cc_taking_let_go(taking);
}

static const struct cc_image_write_callbacks target_callbacks = {
    .on_room = on_room, .on_done = sealed};

static void open_target(struct cc_taking *taking, uint64_t index)
{
    struct cc_taking_target *target = &taking->targets[taking->target];
    struct cc_server *server = taking->server;
    struct cc_image_head head = taking->head;
    copycat_status status;

    head.index = index;
    head.term = 0;
    head.time_us = 0;
    head.is_segment = true;
    status = cc_image_write_begin(
        &target->writer, server->env, server->directory, &head, &target_callbacks, target);
    CC_ASSERT(status == COPYCAT_OK); /* the directory holds the journal, too */
    taking->holds++;
}

/* What was gathered gets its file, and another can be gathered meanwhile; false: the file of the one
 * before is still being made, for segments have to come about in order. */
static bool hand_over(struct cc_taking *taking)
{
    struct cc_taking_target *target = &taking->targets[taking->target];

    if (taking->targets[1 - taking->target].writer != NULL) {
        return false;
    }
    if (target->writer != NULL) {
        target->is_sealing = true;
        cc_image_write_finish(target->writer);
        taking->target = 1 - taking->target;
    }
    return true;
}

/* True if there is none that is still to be sealed. */
static bool seal(struct cc_taking *taking)
{
    return hand_over(taking) && taking->targets[0].writer == NULL &&
           taking->targets[1].writer == NULL;
}

/* True if the segment that is gathered takes a record of that size. */
static bool has_room(struct cc_taking *taking, size_t size)
{
    const struct cc_image_segment *name = &taking->targets[taking->target].built.name;
    uint64_t bytes_max = cc_server_options(taking->server)->segment_bytes;

    return name->count == 0 ||
           (name->bytes + size <= bytes_max && name->count < CC_TAKING_COUNT_MAX);
}

/* The record that is in `record`, as the next of the segment that is gathered; false: not now. */
static bool put(struct cc_taking *taking, uint64_t index)
{
    copycat_bytes bytes = {taking->record.data, taking->record.size};
    struct cc_taking_target *target;
    bool is_added;

    CC_ASSERT(!taking->record.failed); /* T-025 */
    if (!has_room(taking, bytes.size) && !hand_over(taking)) {
        return false;
    }
    target = &taking->targets[taking->target];
    CC_ASSERT(!target->is_sealing);
    if (target->writer == NULL) {
        open_target(taking, index);
    }
    is_added = cc_segment_builder_add(&target->built, index, bytes.size);
    CC_ASSERT(is_added);
    (void)cc_image_write_add(target->writer, bytes); /* if it was refused, on_done tells why */
    cc_writer_clear(&taking->record);
    return true;
}

/* ---- out of a segment of the image before ----------------------------------------------------- */

static void lacks(struct cc_taking *taking)
{
    static const char text[] = "a segment of the image before has not got what is needed of it";

    cc_group_base_failed(taking->group, COPYCAT_ERR_DAMAGED, text);
    cc_taking_give_up(taking, COPYCAT_ERR_DAMAGED, text);
}

/* The file has gone bad; this server lives on without it. */
static void fail_source(struct cc_taking *taking, copycat_status status, const char *text)
{
    bool is_bad = status == COPYCAT_ERR_DAMAGED || status == COPYCAT_ERR_IO;

    if (is_bad && taking->group != NULL) {
        cc_group_base_failed(taking->group, status, text);
    }
    cc_taking_give_up(taking, is_bad ? COPYCAT_ERR_DAMAGED : status, text);
}

static void source_opened(
    void *owner,
    copycat_status status,
    const struct cc_image_id *id,
    const struct cc_image_head *head,
    const char *text)
{
    struct cc_taking *taking = owner;

    (void)id;
    (void)head;
    if (status != COPYCAT_OK) {
        fail_source(taking, status, text);
    } else if (taking->source != NULL) {
        cc_image_read_next(taking->source);
    }
}

static void source_piece(void *owner, copycat_bytes bytes)
{
    struct cc_taking *taking = owner;

    taking->is_source_asked = false;
    taking->piece = bytes;
    cc_taking_go_on(taking);
}

static void source_ended(void *owner, copycat_status status, const char *text)
{
    struct cc_taking *taking = owner;

    taking->is_source_asked = false;
    taking->is_source_ended = true;
    if (status != COPYCAT_OK) {
        fail_source(taking, status, text);
    } else {
        cc_taking_go_on(taking);
    }
}

static void source_closed(void *owner)
{
    cc_taking_let_go(owner);
}

static const struct cc_image_read_callbacks source_callbacks = {
    .on_open = source_opened,
    .on_piece = source_piece,
    .on_end = source_ended,
    .on_closed = source_closed,
};

static void open_source(struct cc_taking *taking, const struct cc_image_segment *name)
{
    struct cc_image_id id = cc_image_segment_id(taking->group->id, name);
    copycat_status status = cc_image_read_begin(
        &taking->source, taking->server->env, taking->server->directory, &id, &source_callbacks,
        taking);

    CC_ASSERT(status == COPYCAT_OK); /* it was written there */
    taking->is_source_asked = true;
    taking->is_source_ended = false;
    taking->copied = 0;
    taking->piece = (copycat_bytes){NULL, 0};
    taking->holds++;
}

static void close_source(struct cc_taking *taking)
{
    if (taking->source != NULL) {
        cc_image_read_close(taking->source);
        taking->source = NULL;
    }
}

/* Takes one record out of the piece at hand; what lives of it is in `record` then, of `index_out`. */
static bool next_record(struct cc_taking *taking, uint64_t *index_out)
{
    struct cc_image_record record;

    *index_out = 0;
    if (!cc_image_record_next(&taking->piece, &record)) {
        return false;
    }

    uint64_t index = cc_image_record_index(&record);

    if (index != 0 && (!cc_apply_image_has_commit(taking->group->apply, index) ||
                       (CC_BUG(T034C) && index % 8 == 3))) {
        return true;
    }
    if (!cc_apply_image_commit_again(taking->group->apply, &taking->record, &record)) {
        lacks(taking);
        return false;
    }
    *index_out = index;
    return true;
}

/* What became of a record that waited for a new segment: false, it still does. */
static bool put_waiting(struct cc_taking *taking)
{
    struct cc_image_record record;
    copycat_bytes bytes = {taking->record.data, taking->record.size};

    return bytes.size == 0 ||
           (cc_image_record_next(&bytes, &record) && put(taking, cc_image_record_index(&record)));
}

/* 0: something is waited for. */
static size_t copy_piece(struct cc_taking *taking)
{
    size_t size = taking->piece.size;
    uint64_t index;

    while (taking->piece.size > 0 && put_waiting(taking) && next_record(taking, &index)) {
        taking->copied += index != 0;
    }
    if (taking->piece.size > 0 && taking->status == COPYCAT_OK && taking->record.size == 0) {
        lacks(taking); /* what is no record */
    }
    return size - taking->piece.size;
}

/* The segment at `position`; 0: something is waited for. */
static size_t copy_segment(struct cc_taking *taking)
{
    const struct cc_image_segment *name = &taking->former->at[taking->position]->name;

    if (taking->source == NULL) {
        open_source(taking, name);
        return 0;
    }
    if (taking->piece.size > 0) {
        return copy_piece(taking);
    }
    if (!put_waiting(taking) || taking->is_source_asked) {
        return 0;
    }
    if (!taking->is_source_ended) {
        taking->is_source_asked = true;
        cc_image_read_next(taking->source);
        return 0;
    }
    close_source(taking);
    if (taking->copied != taking->parts[taking->position].live_count && !CC_BUG(T034C)) {
        lacks(taking);
        return 0;
    }
    taking->position++;
    return 1;
}

/* 0: what was made before it is not there yet. */
static size_t keep_segment(struct cc_taking *taking)
{
    struct cc_segment *segment = taking->former->at[taking->position];
    uint64_t live = taking->parts[taking->position].live_count;

    if (live > 0) {
        if (!seal(taking)) {
            return 0;
        }
        segment->users++;
        cc_segment_list_add(taking->segments, segment, taking->parts[taking->position].live_bytes);
        cc_apply_image_keep(taking->group->apply, segment->name.last, live);
    }
    taking->position++;
    return 1;
}

/* ---- out of the log ---------------------------------------------------------------------------- */

static void loaded(struct cc_log_load *load)
{
    struct cc_taking *taking = load->owner;

    taking->is_loading = false;
    if (taking->status == COPYCAT_OK && load->status != COPYCAT_ERR_CLOSED) {
        if (load->status != COPYCAT_OK) {
            /* It is in the state. */
            (void)cc_group_lose_entry(taking->group, load->index, load->status);
        }
        cc_pacing_run(&taking->pacing); /* what was loaded is in memory until the next pass */
    }
    cc_taking_let_go(taking);
}

static size_t copy_entry(struct cc_taking *taking, uint64_t index)
{
    struct cc_log *log = taking->group->log;
    struct cc_block *block = cc_log_peek(log, index);

    if (block != NULL) {
        struct cc_entry entry = cc_entry_of(block);

        (void)cc_apply_image_commit(taking->group->apply, &taking->record, &entry);
        taking->commit = index;
        return 1 + taking->record.size;
    }
    if (cc_log_is_damaged(log, index)) {
        cc_taking_give_up(
            taking, COPYCAT_ERR_DAMAGED, "an entry that the image needs cannot be read");
    } else if (!taking->is_loading) {
        taking->is_loading = true;
        taking->holds++;
        taking->load = (struct cc_log_load){
            .index = index, .done = loaded, .owner = taking, .is_optional = true};
        cc_log_load(log, &taking->load);
    }
    return 0;
}

/* ---- in order ---------------------------------------------------------------------------------- */

size_t cc_taking_copy(struct cc_taking *taking, bool *is_done_out)
{
    uint64_t base = taking->group->base.index;
    uint64_t index;

    *is_done_out = false;
    if (taking->former != NULL && taking->position < taking->former->count) {
        return taking->parts[taking->position].is_rewritten ? copy_segment(taking)
                                                            : keep_segment(taking);
    }
    if (!put_waiting(taking)) {
        return 0;
    }
    taking->commit = taking->commit > base ? taking->commit : base;
    index = cc_apply_image_next_commit(taking->group->apply, taking->commit);
    if (index != 0) {
        return copy_entry(taking, index);
    }
    *is_done_out = seal(taking);
    return 0;
}

void cc_taking_copy_end(struct cc_taking *taking)
{
    close_source(taking);
    for (uint32_t i = 0; i < 2; i++) {
        if (taking->targets[i].writer != NULL) {
            cc_image_write_abandon(taking->targets[i].writer);
            taking->targets[i].writer = NULL;
        }
    }
}
