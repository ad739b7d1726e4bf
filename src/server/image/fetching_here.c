/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetching_here -- what lies here of an image that is fetched: which segments it needs, and which of
 * them need not come.
 */
#include "base/assert.h"
#include "server/group/group.h"
#include "server/image/fetching_internal.h"
#include "server/node/node.h"

void cc_fetching_close_reader(struct cc_fetching *fetching)
{
    if (fetching->reader != NULL) {
        struct cc_image_reader *reader = fetching->reader;

        fetching->reader = NULL;
        cc_image_read_close(reader);
    }
}

static void read_here(struct cc_fetching *fetching, enum cc_fetching_phase phase);

/* The next segment of the table, or all are here. */
void cc_fetching_look_for_next(struct cc_fetching *fetching)
{
    fetching->whole_count = fetching->place;
    if (fetching->place == fetching->table_count) {
        cc_fetching_build(fetching);
        return;
    }
    fetching->progress += fetching->file.size;
    fetching->received = 0;
    fetching->place++;
    fetching->file = cc_image_segment_id(fetching->id.group, &fetching->table[fetching->place - 1]);
    read_here(fetching, CC_FETCHING_LOOKING);
}

static void here_opened(
    void *owner,
    copycat_status status,
    const struct cc_image_id *id,
    const struct cc_image_head *head,
    const char *text)
{
    struct cc_fetching *fetching = owner;

    (void)id;
    (void)head;
    fetching->read = status;
    if (fetching->reader == NULL) {
        return;
    }
    if (status == COPYCAT_OK) {
        cc_image_read_next(fetching->reader);
    } else if (fetching->phase == CC_FETCHING_LISTING || status == COPYCAT_ERR_BUSY) {
        cc_fetching_give_up(fetching, status, text);
    } else {
        cc_fetching_close_reader(fetching);
    }
}

static void here_piece(void *owner, copycat_bytes bytes)
{
    struct cc_fetching *fetching = owner;

    (void)bytes;
    cc_image_read_next(fetching->reader);
}

static void here_ended(void *owner, copycat_status status, const char *text)
{
    struct cc_fetching *fetching = owner;

    fetching->read = status;
    if (fetching->phase == CC_FETCHING_LISTING && status != COPYCAT_OK) {
        cc_fetching_give_up(fetching, status, text);
        return;
    }
    if (fetching->phase == CC_FETCHING_LISTING) {
        const struct cc_image_segment *table =
            cc_image_read_segments(fetching->reader, &fetching->table_count);

        fetching->table =
            cc_memory_take(fetching->server->memory, (fetching->table_count + 1) * sizeof *table);
        for (size_t i = 0; i < fetching->table_count; i++) {
            fetching->table[i] = table[i];
        }
    }
    cc_fetching_close_reader(fetching);
}

static void note_salvaged(struct cc_fetching *fetching)
{
    struct cc_salvage *salvage = &fetching->group->salvage;

    salvage->used += cc_salvage_has(salvage, &fetching->table[fetching->place - 1]);
}

static void here_closed(void *owner)
{
    struct cc_fetching *fetching = owner;

    fetching->holds--;
    if (fetching->phase == CC_FETCHING_LISTING) {
        cc_fetching_look_for_next(fetching);
    } else if (fetching->phase == CC_FETCHING_LOOKING && fetching->read == COPYCAT_OK) {
        note_salvaged(fetching);
        cc_fetching_look_for_next(fetching);
    } else if (
        fetching->phase == CC_FETCHING_LOOKING && fetching->read == COPYCAT_ERR_IO &&
        cc_group_spares(fetching->group, &fetching->table[fetching->place - 1])) {
        cc_fetching_give_up(
            fetching, COPYCAT_ERR_UNAVAILABLE,
            "a segment that lies here could not be read for now");
        cc_fetching_settle(fetching);
    } else if (fetching->phase == CC_FETCHING_LOOKING) {
        cc_fetching_receive(fetching);
    } else {
        cc_fetching_settle(fetching);
    }
}

static const struct cc_image_read_callbacks here_callbacks = {
    .on_open = here_opened,
    .on_piece = here_piece,
    .on_end = here_ended,
    .on_closed = here_closed,
};

static void read_here(struct cc_fetching *fetching, enum cc_fetching_phase phase)
{
    struct cc_server *server = fetching->server;
    copycat_status status = cc_image_read_begin(
        &fetching->reader, server->env, server->directory, &fetching->file, &here_callbacks,
        fetching);

    CC_ASSERT(status == COPYCAT_OK); /* the directory holds the journal, too */
    fetching->phase = phase;
    fetching->holds++;
}

void cc_fetching_list(struct cc_fetching *fetching)
{
    read_here(fetching, CC_FETCHING_LISTING);
}
