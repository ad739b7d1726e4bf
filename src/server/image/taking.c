/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taking -- see taking.h.
 *
 *     STATE -> COMMITS -> CLOSING (the file is made durable) -> CHECKING (it is read back)
 *           -> AGREEING (that others had this state is not known yet) -> done
 *
 * A slice in each pass: service goes on in between.
 */
#include "server/image/taking.h"

#include "apply/image.h"
#include "base/assert.h"
#include "base/bug.h"
#include "server/group/group.h"
#include "server/image/loading.h"
#include "server/node/node.h"

#include <string.h>

#define SLICE_BYTES (256u << 10)

enum phase {
    STATE,
    COMMITS,
    CLOSING,
    CHECKING,
    AGREEING,
};

struct cc_taking {
    struct cc_server *server;
    struct cc_group *group; /* NULL: it was abandoned */
    void (*done)(
        struct cc_group *group,
        copycat_status status,
        const struct cc_image_id *id,
        const char *text);
    enum phase phase;
    struct cc_task task;
    uint32_t holds; /* what is under way and will call back */

    struct cc_image_writer *writer; /* NULL: its file is closed */
    struct cc_writer records;       /* on their way into it */
    bool is_full;                   /* it takes no more for now */
    struct cc_image_id id;
    uint64_t digest;
    copycat_status status; /* OK, or why it is given up */
    char text[CC_REFUSE_TEXT_SIZE_MAX];

    uint64_t commit;                /* the newest live commit that is in */
    struct cc_image_reader *former; /* the image before; NULL: not needed, or not any more */
    bool is_former_asked;           /* a piece of it comes */
    copycat_bytes piece;            /* what is left of the one at hand */
    struct cc_log_load load;
    bool is_loading;
    struct cc_loading *check;
};

static void release(struct cc_taking *taking)
{
    struct cc_server *server = taking->server;

    cc_env_task_cancel(server->env, &taking->task);
    cc_writer_deinit(&taking->records);
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
        taking->phase = AGREEING;
        return;
    }
    if (group != NULL) {
        taking->done(group, taking->status, &taking->id, taking->text);
    }
    release(taking);
}

static void close_former(struct cc_taking *taking)
{
    if (taking->former != NULL) {
        cc_image_read_close(taking->former);
        taking->former = NULL;
    }
}

static void give_up(struct cc_taking *taking, copycat_status status, const char *text)
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
    cc_env_task_cancel(taking->server->env, &taking->task);
    close_former(taking);
    if (taking->writer != NULL) {
        cc_image_write_abandon(taking->writer);
        taking->writer = NULL;
    }
    if (taking->check != NULL) {
        cc_loading_abandon(taking->check);
        taking->check = NULL;
    }
}

static void go_on_later(struct cc_taking *taking)
{
    if (taking->status == COPYCAT_OK) {
        cc_env_later(taking->server->env, &taking->task);
    }
}

/* ---- live commits of the image before -------------------------------------------------------- */

static void lacks(struct cc_taking *taking)
{
    give_up(taking, COPYCAT_ERR_DAMAGED, "the image before has not got what is still needed of it");
}

/* The file of the image before has gone bad; this server lives on without it. */
static void fail_former(struct cc_taking *taking, copycat_status status, const char *text)
{
    bool is_bad = status == COPYCAT_ERR_DAMAGED || status == COPYCAT_ERR_IO;

    if (is_bad && taking->group != NULL) {
        cc_group_base_failed(taking->group, status, text);
    }
    give_up(taking, is_bad ? COPYCAT_ERR_DAMAGED : status, text);
}

static void former_opened(
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
        fail_former(taking, status, text);
    } else if (taking->former != NULL) {
        cc_image_read_next(taking->former);
    }
}

static void former_piece(void *owner, copycat_bytes bytes)
{
    struct cc_taking *taking = owner;

    taking->is_former_asked = false;
    taking->piece = bytes;
    go_on_later(taking);
}

static void former_ended(void *owner, copycat_status status, const char *text)
{
    if (status == COPYCAT_OK) {
        lacks(owner);
    } else {
        fail_former(owner, status, text);
    }
}

static void former_closed(void *owner)
{
    struct cc_taking *taking = owner;

    taking->holds--;
    settle(taking);
}

static const struct cc_image_read_callbacks former_callbacks = {
    .on_open = former_opened,
    .on_piece = former_piece,
    .on_end = former_ended,
    .on_closed = former_closed,
};

static void open_former(struct cc_taking *taking)
{
    copycat_status status = cc_image_read_begin(
        &taking->former, taking->server->env, taking->server->directory, &taking->group->base,
        &former_callbacks, taking);

    CC_ASSERT(status == COPYCAT_OK); /* it was written there */
    taking->is_former_asked = true;
    taking->holds++;
}

/* True if the record of commit `index` is in; false: it comes later, or the image is given up. */
static bool copy_from_former(struct cc_taking *taking, uint64_t index)
{
    struct cc_image_record record;

    if (taking->former == NULL) {
        open_former(taking);
        return false;
    }
    while (cc_image_record_next(&taking->piece, &record)) {
        if (cc_image_record_index(&record) < index) {
            continue; /* what it needs no more, or what is no commit */
        }
        if (cc_apply_image_commit_again(taking->group->apply, &taking->records, &record)) {
            return true;
        }
        lacks(taking);
        return false;
    }
    if (taking->piece.size > 0) {
        lacks(taking);
    } else if (!taking->is_former_asked) {
        taking->is_former_asked = true;
        cc_image_read_next(taking->former);
    }
    return false;
}

/* ---- live commits of the log ----------------------------------------------------------------- */

static void run(struct cc_task *task);

static void loaded(struct cc_log_load *load)
{
    struct cc_taking *taking = load->owner;

    taking->is_loading = false;
    taking->holds--;
    if (taking->status != COPYCAT_OK || load->status == COPYCAT_ERR_CLOSED) {
        settle(taking);
    } else {
        if (load->status != COPYCAT_OK) {
            (void)cc_group_lose_entry(taking->group, load->index); /* it is in the state */
        }
        run(&taking->task); /* what was loaded is in memory until the next pass */
    }
}

static bool copy_from_log(struct cc_taking *taking, uint64_t index)
{
    struct cc_log *log = taking->group->log;
    struct cc_block *block = cc_log_peek(log, index);

    if (block != NULL) {
        struct cc_entry entry = cc_entry_of(block);

        cc_apply_image_commit(taking->group->apply, &taking->records, &entry);
        return true;
    }
    if (cc_log_is_damaged(log, index)) {
        give_up(taking, COPYCAT_ERR_DAMAGED, "an entry that the image needs cannot be read");
    } else if (!taking->is_loading) {
        taking->is_loading = true;
        taking->holds++;
        taking->load = (struct cc_log_load){
            .index = index, .done = loaded, .owner = taking, .is_optional = true};
        cc_log_load(log, &taking->load);
    }
    return false;
}

/* ---- the file ---------------------------------------------------------------------------------
 */

/* One more record into `records`; false: not now. */
static bool encode_next(struct cc_taking *taking)
{
    struct cc_apply *apply = taking->group->apply;
    uint64_t index;

    if (taking->phase == STATE) {
        if (!cc_apply_image_step(apply, &taking->records, 1)) {
            taking->phase = COMMITS;
        }
        return true;
    }
    index = cc_apply_image_next_commit(apply, taking->commit);
    if (index == 0) {
        cc_apply_image_finish(apply, &taking->records);
        taking->phase = CLOSING;
        return true;
    }
    if (!(index <= taking->group->base.index ? copy_from_former(taking, index)
                                             : copy_from_log(taking, index))) {
        return false;
    }
    taking->commit = index;
    return true;
}

static void run(struct cc_task *task)
{
    struct cc_taking *taking = task->owner;
    size_t written = 0;

    while (taking->status == COPYCAT_OK && !taking->is_full && written < SLICE_BYTES) {
        copycat_bytes bytes = {taking->records.data, taking->records.size};

        if (bytes.size > 0) {
            taking->is_full = !cc_image_write_add(taking->writer, bytes);
            if (!taking->is_full) {
                written += bytes.size;
                cc_writer_clear(&taking->records);
            }
        } else if (taking->phase == CLOSING) {
            end_apply(taking);
            close_former(taking);
            cc_image_write_finish(taking->writer);
            return;
        } else if (!encode_next(taking)) {
            return; /* what is waited for goes on */
        }
        CC_ASSERT(!taking->records.failed); /* T-025 */
    }
    if (!taking->is_full) {
        go_on_later(taking);
    }
}

static void on_room(void *owner)
{
    struct cc_taking *taking = owner;

    taking->is_full = false;
    go_on_later(taking);
}

/* It is the only copy of much soon: so it is read before that is believed. */
static void checked(void *owner, const struct cc_loaded *loaded)
{
    struct cc_taking *taking = owner;
    copycat_status status = loaded->status;

    taking->check = NULL;
    taking->holds--;
    if (loaded->apply != NULL) {
        if (cc_apply_digest(loaded->apply) != taking->digest) {
            status = COPYCAT_ERR_BROKEN;
        }
        cc_apply_destroy(loaded->apply);
    }
    if (status != COPYCAT_OK) {
        give_up(
            taking, status,
            status == COPYCAT_ERR_BROKEN ? "the image does not give the state that it was taken of"
                                         : loaded->text);
    }
    settle(taking);
}

static void on_done(
    void *owner, copycat_status status, const struct cc_image_id *id, const char *text)
{
    struct cc_taking *taking = owner;

    taking->holds--;
    taking->writer = NULL;
    if (status != COPYCAT_OK) {
        give_up(taking, status, text);
    }
    if (taking->status == COPYCAT_OK) {
        taking->id = *id;
    }
    if (taking->status == COPYCAT_OK && !CC_BUG(T042C)) {
        taking->phase = CHECKING;
        taking->holds++;
        taking->check = cc_loading_begin(
            taking->server, id, cc_server_options(taking->server)->checks_images, checked, taking);
    } else {
        settle(taking);
    }
}

static const struct cc_image_write_callbacks callbacks = {.on_room = on_room, .on_done = on_done};

struct cc_taking *cc_taking_begin(
    struct cc_group *group,
    void (*done)(
        struct cc_group *group,
        copycat_status status,
        const struct cc_image_id *id,
        const char *text))
{
    struct cc_server *server = group->server;
    const struct cc_base *base = cc_journal_base(group->journal);
    struct cc_image_head head = {.group = group->id};
    struct cc_taking *taking;

    if (!cc_apply_image_begin(group->apply)) {
        return NULL;
    }
    head.index = cc_apply_image_index(group->apply);
    head.term = cc_log_term(group->log, head.index);
    head.time_us = cc_apply_image_time_us(group->apply);
    memcpy(head.cluster_id, base->cluster_id, CC_CLUSTER_ID_SIZE);
    taking = cc_memory_take(server->memory, sizeof *taking);
    taking->server = server;
    taking->group = group;
    taking->done = done;
    taking->task = (struct cc_task){.run = run, .owner = taking};
    taking->digest = cc_apply_image_digest(group->apply);
    cc_writer_init(&taking->records, server->memory, CC_IMAGE_ADD_SIZE_MAX);

    copycat_status status = cc_image_write_begin(
        &taking->writer, server->env, server->directory, &head, &callbacks, taking);

    CC_ASSERT(status == COPYCAT_OK); /* the directory holds the journal, too */
    server->image_writers++;
    cc_server_hold(server);
    taking->holds = 1;
    go_on_later(taking);
    return taking;
}

void cc_taking_agreed(struct cc_taking *taking)
{
    if (taking->phase == AGREEING) {
        settle(taking);
    }
}

void cc_taking_abandon(struct cc_taking *taking)
{
    give_up(taking, COPYCAT_ERR_CLOSED, NULL);
    end_apply(taking);
    taking->group = NULL;
    if (taking->phase == AGREEING) {
        settle(taking); /* nothing else will */
    }
}
