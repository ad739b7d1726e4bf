/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lending -- see lending.h.
 */
#include "server/image/lending.h"

#include "base/assert.h"
#include "server/group/group.h"
#include "server/image/image_name.h"
#include "server/image/scrubbing.h"
#include "server/node/node.h"

#include <string.h>

#define LOANS_MAX 4u
#define IDLE_ELECTION_TIMEOUTS 10u

/* One neighbour and the file that is open for it. */
struct borrower {
    struct cc_lending *lending;
    uint32_t peer;
    struct cc_image_source *source; /* NULL: closed */
    bool is_closing;
    bool is_given; /* as far as its end */
    struct cc_image_id id;
    uint32_t loans;    /* parts that are being read, or wait for it */
    uint64_t asked_us; /* newest ask */
    uint64_t offer_us; /* the next offer, if it needs one */
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
        close_source(&lending->borrowers[i]);
    }
    free_if_over(lending);
}

void cc_lending_recall(struct cc_lending *lending, const struct cc_image_id *id)
{
    for (uint32_t i = 0; i < lending->borrower_count; i++) {
        if (cc_image_id_equals(&lending->borrowers[i].id, id)) {
            close_source(&lending->borrowers[i]);
        }
    }
}

/* ---- parts ------------------------------------------------------------------------------------
 */

static void give(
    struct cc_lending *lending,
    uint32_t peer,
    const struct cc_image_id *id,
    uint64_t offset,
    copycat_bytes bytes)
{
    struct cc_image_part part = {id->index, id->checksum, offset, bytes};

    if (lending->group == NULL || !cc_server_peer_is_up(lending->server, peer)) {
        return;
    }
    cc_image_part_encode(
        cc_server_peer_begin(lending->server, peer, CC_MESSAGE_IMAGE_PART, lending->group->id),
        &part);
    cc_server_peer_end(lending->server, peer);
}

/* The file is there no more, or does not read: somebody else may have the image. */
static void fail(struct borrower *borrower, copycat_status status, const char *text)
{
    struct cc_group *group = borrower->lending->group;

    give(borrower->lending, borrower->peer, &borrower->id, 0, (copycat_bytes){NULL, 0});
    close_source(borrower);
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

static void read(struct cc_image_loan *loan)
{
    struct part *part = loan->owner;
    struct borrower *borrower = part->borrower;

    borrower->loans--;
    if (loan->status == COPYCAT_OK) {
        give(borrower->lending, borrower->peer, &borrower->id, loan->offset, loan->bytes);
    } else if (loan->status == COPYCAT_ERR_IO && !borrower->is_closing) {
        fail_part(borrower, loan->offset);
    } else if (loan->status != COPYCAT_ERR_CLOSED && !borrower->is_closing) {
        give(borrower->lending, borrower->peer, &borrower->id, 0, (copycat_bytes){NULL, 0});
        close_source(borrower);
    }
    cc_memory_give(borrower->lending->server->memory, part);
}

static void lend(struct borrower *borrower, const struct cc_image_ask *ask)
{
    struct part *part = cc_memory_try(borrower->lending->server->memory, sizeof *part);

    if (part == NULL) {
        return; /* it is asked for again */
    }
    part->borrower = borrower;
    part->loan = (struct cc_image_loan){
        .offset = ask->offset, .size = ask->size, .done = read, .owner = part};
    borrower->loans++;
    cc_image_source_lend(borrower->source, &part->loan);
}

static void on_closed(void *owner)
{
    struct borrower *borrower = owner;
    struct cc_lending *lending = borrower->lending;
    struct cc_server *server = lending->server;

    borrower->source = NULL;
    borrower->is_closing = false;
    lending->open_count--;
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
    return cc_image_id_equals(id, &lending->group->base) &&
           lending->group->base_trouble == COPYCAT_OK;
}

static bool open_source(struct borrower *borrower, const struct cc_image_id *id)
{
    struct cc_lending *lending = borrower->lending;

    if (!may_lend(lending, id)) {
        return false;
    }
    borrower->id = *id;
    if (cc_image_source_open(
            &borrower->source, lending->server->env, lending->server->directory, id, &callbacks,
            borrower) != COPYCAT_OK) {
        borrower->source = NULL;
        return false;
    }
    lending->open_count++;
    cc_server_hold(lending->server);
    return true;
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

bool cc_lending_asked(struct cc_lending *lending, uint32_t peer, copycat_bytes body)
{
    struct borrower *borrower = find(lending, peer);
    struct cc_image_ask ask;
    struct cc_image_id id;

    if (borrower == NULL || !cc_image_ask_decode(body, &ask)) {
        return false;
    }
    id = cc_image_id_of(lending->group->id, &ask.image);
    if (borrower->source != NULL && (!cc_image_id_equals(&id, &borrower->id))) {
        close_source(borrower); /* it has begun with another; this ask comes again */
        return true;
    }
    if (borrower->is_closing) {
        return true;
    }
    if (borrower->source == NULL && !open_source(borrower, &id)) {
        give(lending, peer, &id, ask.offset, (copycat_bytes){NULL, 0});
        return true;
    }
    if (ask.offset == 0 && borrower->is_given && may_lend(lending, &id)) {
        cc_scrubbing_hurry(lending->group->scrubbing); /* what was given did not read, perhaps */
    }
    borrower->is_given = ask.offset + ask.size >= id.size;
    borrower->asked_us = cc_env_now_us(lending->server->env);
    if (borrower->loans < LOANS_MAX) {
        lend(borrower, &ask);
    }
    return true;
}

/* ---- offers ------------------------------------------------------------------------------------
 */

static uint64_t idle_us(const struct borrower *borrower)
{
    return borrower->asked_us +
           IDLE_ELECTION_TIMEOUTS * borrower->lending->group->election_timeout_us;
}

static bool wants_offer(const struct borrower *borrower)
{
    const struct cc_group *group = borrower->lending->group;

    return group->base.index + 1 >= cc_raft_first(group->core) && group->base.index != 0 &&
           group->base_trouble == COPYCAT_OK && cc_raft_needs_image(group->core, borrower->peer) &&
           cc_server_peer_is_up(group->server, borrower->peer);
}

static void offer(struct borrower *borrower)
{
    struct cc_group *group = borrower->lending->group;
    struct cc_image_offer message = {
        .term = cc_raft_term(group->core),
        .image = cc_image_name_of(&group->base),
    };

    borrower->offer_us = cc_env_now_us(group->env) + group->election_timeout_us;
    cc_image_offer_encode(
        cc_server_peer_begin(group->server, borrower->peer, CC_MESSAGE_IMAGE_OFFER, group->id),
        &message);
    cc_server_peer_end(group->server, borrower->peer);
}

void cc_lending_offer(struct cc_lending *lending, uint32_t peer)
{
    struct borrower *borrower = find(lending, peer);

    if (borrower != NULL && cc_server_peer_is_up(lending->server, peer)) {
        offer(borrower);
    }
}

void cc_lending_go_on(struct cc_lending *lending)
{
    uint64_t now = cc_env_now_us(lending->server->env);

    for (uint32_t i = 0; i < lending->borrower_count; i++) {
        struct borrower *borrower = &lending->borrowers[i];

        if (wants_offer(borrower) && now >= borrower->offer_us) {
            offer(borrower);
        }
        if (borrower->source != NULL && now >= idle_us(borrower)) {
            close_source(borrower);
        }
    }
}

uint64_t cc_lending_due_us(const struct cc_lending *lending)
{
    uint64_t due = COPYCAT_NONE;

    for (uint32_t i = 0; i < lending->borrower_count; i++) {
        const struct borrower *borrower = &lending->borrowers[i];

        if (wants_offer(borrower) && borrower->offer_us < due) {
            due = borrower->offer_us;
        }
        if (borrower->source != NULL && !borrower->is_closing && idle_us(borrower) < due) {
            due = idle_us(borrower);
        }
    }
    return due;
}
