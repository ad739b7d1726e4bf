/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lending_file -- the file that is open for a neighbour: its parts are read and sent, and when he goes on
 * to another file of the image that is opened in its place.
 */
#include "base/assert.h"
#include "base/bug.h"
#include "server/image/image_name.h"
#include "server/image/lending_internal.h"
#include "server/image/segments.h"

#include <string.h>

/* A part on its way. */
struct part {
    struct cc_image_loan loan;
    struct cc_borrower *borrower;
};

void cc_lending_give(
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
static void fail(struct cc_borrower *borrower, copycat_status status, const char *text)
{
    struct cc_group *group = borrower->lending->group;

    cc_lending_give(
        borrower->lending, borrower->peer, &borrower->id, 0, 0, (copycat_bytes){NULL, 0});
    cc_borrower_end(borrower);
    if (group == NULL) {
        return;
    }
    if (status == COPYCAT_ERR_BUSY) {
        cc_server_notice_about(group->server, CC_TOPIC_IMAGE, text);
    } else if (cc_image_id_equals(&borrower->id, &group->base)) {
        cc_group_base_failed(group, status, text);
    }
}

static void fail_part(struct cc_borrower *borrower, uint64_t offset)
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

static void read(struct cc_image_loan *loan)
{
    struct part *part = loan->owner;
    struct cc_borrower *borrower = part->borrower;

    borrower->loans--;
    cc_borrower_open_wanted(borrower);
    if (borrower->waiting_count > 0) {
        cc_group_wake(borrower->lending->group);
    }
    if (loan->status == COPYCAT_OK) {
        cc_lending_give(
            borrower->lending, borrower->peer, &borrower->id, borrower->file, loan->offset,
            loan->bytes);
    } else if (loan->status == COPYCAT_ERR_IO && !borrower->is_closing) {
        fail_part(borrower, loan->offset);
    } else if (loan->status != COPYCAT_ERR_CLOSED && !borrower->is_closing) {
        cc_lending_give(
            borrower->lending, borrower->peer, &borrower->id, 0, 0, (copycat_bytes){NULL, 0});
        cc_borrower_end(borrower);
    }
    cc_memory_give(borrower->lending->server->memory, part);
}

void cc_borrower_read_part(struct cc_borrower *borrower)
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

/* ---- the file -------------------------------------------------------------------------------- */

void cc_borrower_close_file(struct cc_borrower *borrower)
{
    if (borrower->source != NULL && !borrower->is_closing) {
        borrower->is_closing = true;
        cc_image_source_close(borrower->source);
    }
}

static void on_open(void *owner, copycat_status status, const char *text)
{
    if (status != COPYCAT_OK) {
        fail(owner, status, text);
    }
}

static void on_closed(void *owner)
{
    struct cc_borrower *borrower = owner;
    struct cc_lending *lending = borrower->lending;
    struct cc_server *server = lending->server;

    borrower->source = NULL;
    borrower->is_closing = false;
    lending->open_count--;
    cc_borrower_open_wanted(borrower);
    if (borrower->waiting_count > 0) {
        cc_group_wake(lending->group);
    }
    cc_lending_free_if_over(lending);
    cc_server_let_go(server);
}

static const struct cc_image_source_callbacks callbacks = {
    .on_open = on_open,
    .on_closed = on_closed,
};

bool cc_borrower_find_file(
    const struct cc_borrower *borrower, uint32_t file, struct cc_image_id *id_out)
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

static void open_source(struct cc_borrower *borrower, uint32_t file)
{
    struct cc_lending *lending = borrower->lending;
    struct cc_image_id id;
    bool is_there = cc_borrower_find_file(borrower, file, &id);
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

void cc_borrower_open_wanted(struct cc_borrower *borrower)
{
    if (borrower->waiting_count == 0 || borrower->is_closing) {
        return;
    }
    if (borrower->source == NULL) {
        open_source(borrower, borrower->waiting[0].file);
    } else if (borrower->file != borrower->waiting[0].file && borrower->loans == 0) {
        cc_borrower_close_file(borrower);
    }
}
