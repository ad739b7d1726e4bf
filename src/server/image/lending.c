/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lending -- see lending.h: who borrows what, whose turn it is, and how fast.
 */
#include "server/image/lending.h"

#include "base/bug.h"
#include "server/image/image_name.h"
#include "server/image/lending_internal.h"
#include "server/image/scrubbing.h"
#include "server/image/segments.h"

#define IDLE_ELECTION_TIMEOUTS 10u

/* Not sent yet; whoever asks for more than a few parts ahead has more. */
#define QUEUED_MAX (16u * CC_IMAGE_PART_SIZE_MAX)

/* What may be lent at once after a pause, in terms of time at the rate allowed. */
#define BURST_US UINT64_C(20000)

struct cc_lending *cc_lending_create(struct cc_group *group)
{
    struct cc_lending *lending = cc_memory_take(group->memory, sizeof *lending);
    const struct cc_members *members = cc_server_options(group->server)->members;

    lending->server = group->server;
    lending->group = group;
    for (uint32_t i = 0; i < members->count; i++) {
        if (members->at[i].id != group->server_id) {
            lending->borrowers[lending->borrower_count++] =
                (struct cc_borrower){.lending = lending, .peer = members->at[i].id};
        }
    }
    return lending;
}

void cc_borrower_end(struct cc_borrower *borrower)
{
    cc_borrower_close_file(borrower);
    borrower->has_image = false;
    borrower->waiting_count = 0;
    cc_segment_list_release(borrower->segments);
    borrower->segments = NULL;
}

void cc_lending_free_if_over(struct cc_lending *lending)
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
        cc_borrower_end(&lending->borrowers[i]);
    }
    cc_lending_free_if_over(lending);
}

void cc_lending_recall(struct cc_lending *lending, const struct cc_image_id *id)
{
    for (uint32_t i = 0; i < lending->borrower_count; i++) {
        if (cc_image_id_equals(&lending->borrowers[i].id, id)) {
            cc_borrower_end(&lending->borrowers[i]);
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
        const struct cc_borrower *borrower = &lending->borrowers[i];

        if (borrower->has_image && number-- == 0) {
            *id_out = borrower->id;
            *segments_out = borrower->segments;
            return true;
        }
    }
    return false;
}

static bool is_ready(const struct cc_borrower *borrower)
{
    return borrower->waiting_count > 0 && borrower->loans < CC_LENDING_LOANS_MAX &&
           borrower->source != NULL && !borrower->is_closing &&
           borrower->file == borrower->waiting[0].file;
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
        struct cc_borrower *borrower = &lending->borrowers[lending->turn];

        lending->turn = (lending->turn + 1) % lending->borrower_count;
        idle++;
        if (is_ready(borrower)) {
            idle = 0;
            slow_down(lending, borrower->waiting[0].size);
            cc_borrower_read_part(borrower);
        }
    }
}

/* Only what this group stands on, and what is sound: a file that is still being made is nobody's. */
static bool may_lend(const struct cc_lending *lending, const struct cc_image_id *id)
{
    return cc_image_id_equals(id, &lending->group->base) && lending->group->has_state &&
           lending->group->base_trouble == COPYCAT_OK;
}

static struct cc_borrower *find(struct cc_lending *lending, uint32_t peer)
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
static bool line_up(struct cc_borrower *borrower, const struct cc_image_ask *ask)
{
    struct cc_lending *lending = borrower->lending;

    if (borrower->waiting_count > 0 && !is_behind(ask, &borrower->waiting[0])) {
        borrower->waiting_count = 0;
    }
    if (borrower->waiting_count == CC_LENDING_WAITING_MAX ||
        cc_server_lane_queued(lending->server, borrower->peer) > QUEUED_MAX) {
        return false;
    }
    borrower->waiting[borrower->waiting_count++] = *ask;
    cc_borrower_open_wanted(borrower);
    lend_in_turn(lending);
    cc_group_wake(lending->group);
    return true;
}

/* Who begins once more with what he has been given has not found it good, perhaps. */
static void note_progress(
    struct cc_borrower *borrower, const struct cc_image_ask *ask, uint64_t size)
{
    struct cc_lending *lending = borrower->lending;

    if (ask->file == 0 && ask->offset == 0 && borrower->is_given &&
        may_lend(lending, &borrower->id)) {
        cc_scrubbing_hurry(lending->group->scrubbing);
    }
    borrower->is_given = (borrower->is_given && ask->file > 0) || ask->offset + ask->size >= size;
}

/* Of the image that is being lent.  False: it makes no sense. */
static bool serve(struct cc_borrower *borrower, const struct cc_image_ask *ask)
{
    struct cc_image_id file;

    if (!cc_borrower_find_file(borrower, ask->file, &file) || ask->offset >= file.size ||
        ask->size > file.size - ask->offset) {
        return false;
    }
    note_progress(borrower, ask, file.size);
    return line_up(borrower, ask);
}

static void begin_borrowing(struct cc_borrower *borrower, const struct cc_image_id *id)
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
    struct cc_borrower *borrower = find(lending, peer);

    if (borrower != NULL && !borrower->has_image && borrower->source == NULL &&
        may_lend(lending, &lending->group->base)) {
        begin_borrowing(borrower, &lending->group->base);
        cc_group_wake(lending->group);
    }
}

bool cc_lending_asked(struct cc_lending *lending, uint32_t peer, copycat_bytes body)
{
    struct cc_borrower *borrower = find(lending, peer);
    struct cc_image_ask ask;
    struct cc_image_id id;

    if (borrower == NULL || !cc_image_ask_decode(body, &ask)) {
        return false;
    }
    id = cc_image_id_of(lending->group->id, &ask.image);
    if (!borrower->has_image || (!cc_image_id_equals(&id, &borrower->id) && !CC_BUG(T043C))) {
        cc_borrower_end(borrower);
        if (borrower->source != NULL) {
            return false; /* until that is closed */
        }
        if (!may_lend(lending, &id)) {
            cc_lending_give(lending, peer, &id, ask.file, ask.offset, (copycat_bytes){NULL, 0});
            return true;
        }
        begin_borrowing(borrower, &id);
    }
    borrower->asked_us = cc_env_now_us(lending->server->env);
    return serve(borrower, &ask);
}

/* ---- at the end of a pass ---------------------------------------------------------------------
 */

static uint64_t idle_us(const struct cc_borrower *borrower)
{
    return borrower->asked_us +
           IDLE_ELECTION_TIMEOUTS * borrower->lending->group->election_timeout_us;
}

static bool may_idle(const struct cc_borrower *borrower)
{
    return borrower->has_image && borrower->waiting_count == 0;
}

void cc_lending_go_on(struct cc_lending *lending)
{
    uint64_t now = cc_env_now_us(lending->server->env);

    lend_in_turn(lending);
    for (uint32_t i = 0; i < lending->borrower_count; i++) {
        struct cc_borrower *borrower = &lending->borrowers[i];

        if (may_idle(borrower) && now >= idle_us(borrower)) {
            cc_borrower_end(borrower);
        }
    }
}

uint64_t cc_lending_due_us(const struct cc_lending *lending)
{
    uint64_t due = COPYCAT_NONE;

    for (uint32_t i = 0; i < lending->borrower_count; i++) {
        const struct cc_borrower *borrower = &lending->borrowers[i];

        if (may_idle(borrower) && idle_us(borrower) < due) {
            due = idle_us(borrower);
        }
        if (is_ready(borrower) && lending->free_us < due) {
            due = lending->free_us;
        }
    }
    return due;
}
