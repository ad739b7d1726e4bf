/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lending -- see lending.h.
 */
#include "server/image/lending.h"

#include "base/assert.h"
#include "base/bug.h"
#include "server/group/group.h"
#include "server/image/image_name.h"
#include "server/image/scrubbing.h"
#include "server/image/segments.h"
#include "server/node/node.h"

#include <string.h>

#define LOANS_MAX 4u    /* parts that are read at a time, for one neighbour */
#define WAITING_MAX 16u /* asks that wait for it: more than anybody has under way */
#define IDLE_ELECTION_TIMEOUTS 10u

/* Not sent yet; whoever asks for more than a few parts ahead has more. */
#define QUEUED_MAX (16u * CC_IMAGE_PART_SIZE_MAX)

/* What may be lent at once after a pause, in terms of time at the rate allowed. */
#define BURST_US UINT64_C(20000)

/* One neighbour and the file that is open for it. */
struct borrower {
    struct cc_lending *lending;
    uint32_t peer;
    struct cc_image_source *source; /* NULL: closed */
    bool is_closing;
    bool is_given;  /* as far as the end of a file */
    bool has_image; /* `id` is lent, */
    struct cc_image_id id;
    struct cc_segment_list *segments;         /* with these, */
    uint32_t file;                            /* and this of its files is open */
    struct cc_image_ask waiting[WAITING_MAX]; /* in order */
    uint32_t waiting_count;
    uint32_t loans;    /* parts that are being read */
    uint64_t asked_us; /* newest ask */
};

/* A part on its way. */
struct part {
    struct cc_image_loan loan;
    struct borrower *borrower;
};

struct cc_lending {
    struct cc_server *server;
    struct cc_group *group; /* NULL: it has ended */
    struct borrower borrowers[CC_MEMBERS_MAX];
    uint32_t borrower_count;
    uint32_t open_count;
    uint32_t turn;    /* who is lent to next */
    uint64_t free_us; /* not before then: the rate */
};

struct cc_lending *cc_lending_create(struct cc_group *group)
{
    struct cc_lending *lending = cc_memory_take(group->memory, sizeof *lending);
    const struct cc_members *members = cc_server_options(group->server)->members;

    lending->server = group->server;
    lending->group = group;
    for (uint32_t i = 0; i < members->count; i++) {
        if (members->at[i].id != group->server_id) {
            lending->borrowers[lending->borrower_count++] =
                (struct borrower){.lending = lending, .peer = members->at[i].id};
        }
    }
    return lending;
}

static void close_source(struct borrower *borrower)
{
    if (borrower->source != NULL && !borrower->is_closing) {
        borrower->is_closing = true;
        cc_image_source_close(borrower->source);
    }
}

/* Nothing is lent any more. */
static void end_borrowing(struct borrower *borrower)
{
    close_source(borrower);
    borrower->has_image = false;
    borrower->waiting_count = 0;
    cc_segment_list_release(borrower->segments);
    borrower->segments = NULL;
}

static void free_if_over(struct cc_lending *lending)
{
    if (lending->group == NULL && lending->open_count == 0) {
        struct cc_server *server = lending->server;

        cc_memory_give(server->memory, lending);
    }
}

void cc_lending_end(struct cc_lending *lending)
{
    lending->group = NULL;
    for (uint32_t i = 0; i < lending->borrower_count; i++) {
        end_borrowing(&lending->borrowers[i]);
    }
    free_if_over(lending);
}

void cc_lending_recall(struct cc_lending *lending, const struct cc_image_id *id)
{
    for (uint32_t i = 0; i < lending->borrower_count; i++) {
        if (cc_image_id_equals(&lending->borrowers[i].id, id)) {
            end_borrowing(&lending->borrowers[i]);
        }
    }
}

bool cc_lending_lent(
    const struct cc_lending *lending,
    uint32_t number,
    struct cc_image_id *id_out,
    const struct cc_segment_list **segments_out)
{
    for (uint32_t i = 0; i < lending->borrower_count; i++) {
        const struct borrower *borrower = &lending->borrowers[i];

        if (borrower->has_image && number-- == 0) {
            *id_out = borrower->id;
            *segments_out = borrower->segments;
            return true;
        }
    }
    return false;
}

/* ---- parts ------------------------------------------------------------------------------------
 */

static void give(
    struct cc_lending *lending,
    uint32_t peer,
    const struct cc_image_id *id,
    uint32_t file,
    uint64_t offset,
    copycat_bytes bytes)
{
    struct cc_image_part part = {id->index, id->checksum, file, offset, bytes};

    if (lending->group == NULL || !cc_server_lane_is_up(lending->server, peer)) {
        return;
    }
    if (CC_BUG(T047) && cc_server_peer_is_up(lending->server, peer)) {
        cc_image_part_encode(
            cc_server_peer_begin(lending->server, peer, CC_MESSAGE_IMAGE_PART, lending->group->id),
            &part);
        cc_server_peer_end(lending->server, peer);
        return;
    }
    cc_image_part_encode(
        cc_server_lane_begin(lending->server, peer, CC_MESSAGE_IMAGE_PART, lending->group->id),
        &part);
    cc_server_lane_end(lending->server, peer);
}

/* The file is there no more, or does not read: somebody else may have the image. */
static void fail(struct borrower *borrower, copycat_status status, const char *text)
{
    struct cc_group *group = borrower->lending->group;

    give(borrower->lending, borrower->peer, &borrower->id, 0, 0, (copycat_bytes){NULL, 0});
    end_borrowing(borrower);
    if (group == NULL) {
        return;
    }
    if (status == COPYCAT_ERR_BUSY) {
        cc_server_notice_about(group->server, CC_TOPIC_IMAGE, text);
    } else if (cc_image_id_equals(&borrower->id, &group->base)) {
        cc_group_base_failed(group, status, text);
    }
}

static void fail_part(struct borrower *borrower, uint64_t offset)
{
    struct cc_server *server = borrower->lending->server;
    char text[CC_REFUSE_TEXT_SIZE_MAX];
    char digits[2][21];
    const char *words = cc_server_compose(
        server, (const char *const[]){
                    server->directory, ": the image of entry ",
                    cc_server_number(borrower->id.index, digits[0]), " could not be read (offset ",
                    cc_server_number(offset, digits[1]), ")", NULL});

    memcpy(text, words, strlen(words) + 1);
    fail(borrower, COPYCAT_ERR_IO, text);
}

static void on_open(void *owner, copycat_status status, const char *text)
{
    if (status != COPYCAT_OK) {
        fail(owner, status, text);
    }
}

static void open_wanted(struct borrower *borrower);

static void read(struct cc_image_loan *loan)
{
    struct part *part = loan->owner;
    struct borrower *borrower = part->borrower;

    borrower->loans--;
    open_wanted(borrower);
    if (borrower->waiting_count > 0) {
        cc_group_wake(borrower->lending->group);
    }
    if (loan->status == COPYCAT_OK) {
        give(
            borrower->lending, borrower->peer, &borrower->id, borrower->file, loan->offset,
            loan->bytes);
    } else if (loan->status == COPYCAT_ERR_IO && !borrower->is_closing) {
        fail_part(borrower, loan->offset);
    } else if (loan->status != COPYCAT_ERR_CLOSED && !borrower->is_closing) {
        give(borrower->lending, borrower->peer, &borrower->id, 0, 0, (copycat_bytes){NULL, 0});
        end_borrowing(borrower);
    }
    cc_memory_give(borrower->lending->server->memory, part);
}

/* The oldest that waits. */
static void lend(struct borrower *borrower)
{
    struct cc_image_ask ask = borrower->waiting[0];
    struct part *part = cc_memory_try(borrower->lending->server->memory, sizeof *part);

    borrower->waiting_count--;
    memmove(
        borrower->waiting, borrower->waiting + 1,
        borrower->waiting_count * sizeof borrower->waiting[0]);
    if (part == NULL) {
        return; /* it is asked for again */
    }
    part->borrower = borrower;
    part->loan =
        (struct cc_image_loan){.offset = ask.offset, .size = ask.size, .done = read, .owner = part};
    borrower->loans++;
    cc_image_source_lend(borrower->source, &part->loan);
}

static bool is_ready(const struct borrower *borrower)
{
    return borrower->waiting_count > 0 && borrower->loans < LOANS_MAX && borrower->source != NULL &&
           !borrower->is_closing && borrower->file == borrower->waiting[0].file;
}

/* So many bytes are lent now: when is the next turn? */
static void slow_down(struct cc_lending *lending, uint32_t size)
{
    uint64_t rate = cc_server_options(lending->server)->lend_bytes_per_second;
    uint64_t now = cc_env_now_us(lending->server->env);

    if (rate == COPYCAT_NONE) {
        return;
    }
    if (lending->free_us + BURST_US < now) {
        lending->free_us = now - BURST_US;
    }
    lending->free_us += (uint64_t)size * 1000000 / rate;
}

/* One part to each at a time, as long as the rate allows. */
static void lend_in_turn(struct cc_lending *lending)
{
    uint32_t idle = 0;

    while (idle < lending->borrower_count &&
           cc_env_now_us(lending->server->env) >= lending->free_us) {
        struct borrower *borrower = &lending->borrowers[lending->turn];

        lending->turn = (lending->turn + 1) % lending->borrower_count;
        idle++;
        if (is_ready(borrower)) {
            idle = 0;
            slow_down(lending, borrower->waiting[0].size);
            lend(borrower);
        }
    }
}

static void on_closed(void *owner)
{
    struct borrower *borrower = owner;
    struct cc_lending *lending = borrower->lending;
    struct cc_server *server = lending->server;

    borrower->source = NULL;
    borrower->is_closing = false;
    lending->open_count--;
    open_wanted(borrower);
    if (borrower->waiting_count > 0) {
        cc_group_wake(lending->group);
    }
    free_if_over(lending);
    cc_server_let_go(server);
}

static const struct cc_image_source_callbacks callbacks = {
    .on_open = on_open,
    .on_closed = on_closed,
};

/* Only what this group stands on, and what is sound: a file that is still being made is nobody's. */
static bool may_lend(const struct cc_lending *lending, const struct cc_image_id *id)
{
    return cc_image_id_equals(id, &lending->group->base) && lending->group->has_state &&
           lending->group->base_trouble == COPYCAT_OK;
}

/* False: the image has not so many files. */
static bool find_file(const struct borrower *borrower, uint32_t file, struct cc_image_id *id_out)
{
    size_t count = borrower->segments == NULL ? 0 : borrower->segments->count;

    if (file > count) {
        return false;
    }
    *id_out =
        file == 0
            ? borrower->id
            : cc_image_segment_id(borrower->id.group, &borrower->segments->at[file - 1]->name);
    return true;
}

static void open_source(struct borrower *borrower, uint32_t file)
{
    struct cc_lending *lending = borrower->lending;
    struct cc_image_id id;
    bool is_there = find_file(borrower, file, &id);
    copycat_status status;

    CC_ASSERT(is_there); /* or the ask was refused */
    status = cc_image_source_open(
        &borrower->source, lending->server->env, lending->server->directory, &id, &callbacks,
        borrower);
    CC_ASSERT(status == COPYCAT_OK); /* it lies there */
    borrower->file = file;
    lending->open_count++;
    cc_server_hold(lending->server);
}

/* The file that the oldest ask is for; the one before is closed when nothing is read of it. */
static void open_wanted(struct borrower *borrower)
{
    if (borrower->waiting_count == 0 || borrower->is_closing) {
        return;
    }
    if (borrower->source == NULL) {
        open_source(borrower, borrower->waiting[0].file);
    } else if (borrower->file != borrower->waiting[0].file && borrower->loans == 0) {
        close_source(borrower);
    }
}

static struct borrower *find(struct cc_lending *lending, uint32_t peer)
{
    for (uint32_t i = 0; i < lending->borrower_count; i++) {
        if (lending->borrowers[i].peer == peer) {
            return &lending->borrowers[i];
        }
    }
    return NULL;
}

static bool is_behind(const struct cc_image_ask *left, const struct cc_image_ask *right)
{
    return left->file != right->file ? left->file > right->file : left->offset > right->offset;
}

/* Asks go on from where the one before ended, or begin again: then what waits is asked anew. */
static bool line_up(struct borrower *borrower, const struct cc_image_ask *ask)
{
    struct cc_lending *lending = borrower->lending;

    if (borrower->waiting_count > 0 && !is_behind(ask, &borrower->waiting[0])) {
        borrower->waiting_count = 0;
    }
    if (borrower->waiting_count == WAITING_MAX ||
        cc_server_lane_queued(lending->server, borrower->peer) > QUEUED_MAX) {
        return false;
    }
    borrower->waiting[borrower->waiting_count++] = *ask;
    open_wanted(borrower);
    lend_in_turn(lending);
    cc_group_wake(lending->group);
    return true;
}

/* Who begins once more with what he has been given has not found it good, perhaps. */
static void note_progress(struct borrower *borrower, const struct cc_image_ask *ask, uint64_t size)
{
    struct cc_lending *lending = borrower->lending;

    if (ask->file == 0 && ask->offset == 0 && borrower->is_given &&
        may_lend(lending, &borrower->id)) {
        cc_scrubbing_hurry(lending->group->scrubbing);
    }
    borrower->is_given = (borrower->is_given && ask->file > 0) || ask->offset + ask->size >= size;
}

/* Of the image that is being lent.  False: it makes no sense. */
static bool serve(struct borrower *borrower, const struct cc_image_ask *ask)
{
    struct cc_image_id file;

    if (!find_file(borrower, ask->file, &file) || ask->offset >= file.size ||
        ask->size > file.size - ask->offset) {
        return false;
    }
    note_progress(borrower, ask, file.size);
    return line_up(borrower, ask);
}

static void begin_borrowing(struct borrower *borrower, const struct cc_image_id *id)
{
    struct cc_lending *lending = borrower->lending;

    borrower->id = *id;
    borrower->segments = cc_segment_list_retain(lending->group->segments);
    borrower->has_image = true;
    borrower->is_given = false;
    borrower->asked_us = cc_env_now_us(lending->server->env);
}

void cc_lending_offered(struct cc_lending *lending, uint32_t peer)
{
    struct borrower *borrower = find(lending, peer);

    if (borrower != NULL && !borrower->has_image && borrower->source == NULL &&
        may_lend(lending, &lending->group->base)) {
        begin_borrowing(borrower, &lending->group->base);
        cc_group_wake(lending->group);
    }
}

bool cc_lending_asked(struct cc_lending *lending, uint32_t peer, copycat_bytes body)
{
    struct borrower *borrower = find(lending, peer);
    struct cc_image_ask ask;
    struct cc_image_id id;

    if (borrower == NULL || !cc_image_ask_decode(body, &ask)) {
        return false;
    }
    id = cc_image_id_of(lending->group->id, &ask.image);
    if (!borrower->has_image || (!cc_image_id_equals(&id, &borrower->id) && !CC_BUG(T043C))) {
        end_borrowing(borrower);
        if (borrower->source != NULL) {
            return false; /* until that is closed */
        }
        if (!may_lend(lending, &id)) {
            give(lending, peer, &id, ask.file, ask.offset, (copycat_bytes){NULL, 0});
            return true;
        }
        begin_borrowing(borrower, &id);
    }
    borrower->asked_us = cc_env_now_us(lending->server->env);
    return serve(borrower, &ask);
}

/* ---- at the end of a pass ---------------------------------------------------------------------
 */

static uint64_t idle_us(const struct borrower *borrower)
{
    return borrower->asked_us +
           IDLE_ELECTION_TIMEOUTS * borrower->lending->group->election_timeout_us;
}

static bool may_idle(const struct borrower *borrower)
{
    return borrower->has_image && borrower->waiting_count == 0;
}

void cc_lending_go_on(struct cc_lending *lending)
{
    uint64_t now = cc_env_now_us(lending->server->env);

    lend_in_turn(lending);
    for (uint32_t i = 0; i < lending->borrower_count; i++) {
        struct borrower *borrower = &lending->borrowers[i];

        if (may_idle(borrower) && now >= idle_us(borrower)) {
            end_borrowing(borrower);
        }
    }
}

uint64_t cc_lending_due_us(const struct cc_lending *lending)
{
    uint64_t due = COPYCAT_NONE;

    for (uint32_t i = 0; i < lending->borrower_count; i++) {
        const struct borrower *borrower = &lending->borrowers[i];

        if (may_idle(borrower) && idle_us(borrower) < due) {
            due = idle_us(borrower);
        }
        if (is_ready(borrower) && lending->free_us < due) {
            due = lending->free_us;
        }
    }
    return due;
}
