/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetching -- see fetching.h.
 *
 *     RECEIVING (a few parts are asked for ahead) -> SAVING (the file is made durable)
 *         -> LISTING (which segments are needed) -> LOOKING (whether the next lies here, and reads)
 *         -> RECEIVING if not, and so on -> BUILDING (all is read into a state) -> done
 */
#include "server/image/fetching.h"

#include "base/assert.h"
#include "base/bug.h"
#include "server/group/group.h"
#include "server/image/image_name.h"
#include "server/image/loading.h"
#include "server/image/salvage.h"
#include "server/node/node.h"
#include "server/peer/lane.h"

#include <string.h>

/*
 * Parts that are asked for ahead.  They are small at first, larger with each that comes soon and smaller
 * with each that does not: so on a slow link, too, some arrive before they are asked for again, or the
 * fetching looks stale.
 */
#define PARTS_AHEAD 4u
#define PART_SIZE_MIN 4096u
#define SOON_PER_ELECTION_TIMEOUT 16u
#define LATE_PER_ELECTION_TIMEOUT 8u
#define STALE_ELECTION_TIMEOUTS 4u

enum phase {
    RECEIVING,
    SAVING,
    LISTING,
    LOOKING,
    BUILDING,
    ENDED,
};

struct cc_fetching {
    struct cc_server *server;
    struct cc_group *group; /* NULL: it was abandoned */
    void (*done)(
        struct cc_group *group,
        copycat_status status,
        const struct cc_image_id *id,
        struct cc_apply *apply,
        struct cc_segment_list *segments,
        const char *text);
    enum phase phase;
    bool builds_state;
    uint32_t holds; /* what is under way and will call back */
    struct cc_image_id id;
    struct cc_image_segment *table; /* that it needs */
    size_t table_count;
    size_t whole_count;      /* of these, from the first on, lie here */
    uint32_t place;          /* 0: the image itself; else which segment of the table, from 1 */
    struct cc_image_id file; /* at that place */
    struct cc_lane lane;     /* with whom is asked */
    uint32_t part_size;
    uint64_t received;
    uint64_t asked;
    uint64_t heard_us;
    uint64_t asked_us;
    uint64_t look_us;               /* does it get on? */
    uint64_t progress;              /* bytes of files that are here */
    struct cc_image_sink *sink;     /* NULL: its file is closed */
    struct cc_image_reader *reader; /* of what is here; NULL: it is closed, or being closed */
    copycat_status read;            /* what became of that */
    struct cc_loading *loading;
    struct cc_apply *apply;
    struct cc_segment_list *segments;
    copycat_status status;
    char text[CC_REFUSE_TEXT_SIZE_MAX];
};

static void settle(struct cc_fetching *fetching)
{
    struct cc_server *server = fetching->server;

    if (fetching->holds > 0) {
        return;
    }
    if (fetching->group != NULL) {
        fetching->done(
            fetching->group, fetching->status, &fetching->id, fetching->apply, fetching->segments,
            fetching->text);
    } else if (fetching->apply != NULL) {
        cc_apply_destroy(fetching->apply);
    }
    cc_segment_list_release(fetching->segments);
    cc_memory_give(server->memory, fetching->table);
    cc_memory_give(server->memory, fetching);
    server->image_writers--;
    cc_server_let_go(server);
}

static void close_reader(struct cc_fetching *fetching)
{
    if (fetching->reader != NULL) {
        struct cc_image_reader *reader = fetching->reader;

        fetching->reader = NULL;
        cc_image_read_close(reader);
    }
}

static void give_up(struct cc_fetching *fetching, copycat_status status, const char *text)
{
    if (fetching->phase == ENDED) {
        return;
    }
    fetching->phase = ENDED;
    fetching->status = status;
    cc_lane_hang_up(&fetching->lane);
    if (text != NULL) {
        size_t size = strlen(text);

        size = size < sizeof fetching->text ? size : sizeof fetching->text - 1;
        memcpy(fetching->text, text, size);
        fetching->text[size] = '\0';
    }
    if (fetching->sink != NULL) {
        cc_image_sink_abandon(fetching->sink);
        fetching->sink = NULL;
    }
    close_reader(fetching);
    if (fetching->loading != NULL) {
        cc_loading_abandon(fetching->loading);
        fetching->loading = NULL;
    }
}

/* ---- the whole file ---------------------------------------------------------------------------
 */

static void built(void *owner, const struct cc_loaded *loaded)
{
    struct cc_fetching *fetching = owner;

    fetching->loading = NULL;
    fetching->holds--;
    if (fetching->phase == BUILDING) {
        fetching->apply = loaded->apply;
        fetching->segments = cc_segment_list_retain(loaded->segments);
        give_up(fetching, loaded->status, loaded->text);
    } else if (loaded->apply != NULL) {
        cc_apply_destroy(loaded->apply);
    }
    settle(fetching);
}

static void build(struct cc_fetching *fetching)
{
    fetching->phase = BUILDING;
    cc_lane_hang_up(&fetching->lane);
    fetching->holds++;
    fetching->loading = cc_loading_begin(
        fetching->server, &fetching->id, fetching->builds_state, NULL, built, fetching);
}

/* ---- what is here ------------------------------------------------------------------------------
 */

static void receive(struct cc_fetching *fetching);
static void read_here(struct cc_fetching *fetching, enum phase phase);

/* The next segment of the table, or all are here. */
static void look_for_next(struct cc_fetching *fetching)
{
    fetching->whole_count = fetching->place;
    if (fetching->place == fetching->table_count) {
        build(fetching);
        return;
    }
    fetching->progress += fetching->file.size;
    fetching->received = 0;
    fetching->place++;
    fetching->file = cc_image_segment_id(fetching->id.group, &fetching->table[fetching->place - 1]);
    read_here(fetching, LOOKING);
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
    } else if (fetching->phase == LISTING || status == COPYCAT_ERR_BUSY) {
        give_up(fetching, status, text);
    } else {
        close_reader(fetching);
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
    if (fetching->phase == LISTING && status != COPYCAT_OK) {
        give_up(fetching, status, text);
        return;
    }
    if (fetching->phase == LISTING) {
        const struct cc_image_segment *table =
            cc_image_read_segments(fetching->reader, &fetching->table_count);

        fetching->table =
            cc_memory_take(fetching->server->memory, (fetching->table_count + 1) * sizeof *table);
        for (size_t i = 0; i < fetching->table_count; i++) {
            fetching->table[i] = table[i];
        }
    }
    close_reader(fetching);
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
    if (fetching->phase == LISTING) {
        look_for_next(fetching);
    } else if (fetching->phase == LOOKING && fetching->read == COPYCAT_OK) {
        note_salvaged(fetching);
        look_for_next(fetching);
    } else if (
        fetching->phase == LOOKING && fetching->read == COPYCAT_ERR_IO &&
        cc_group_spares(fetching->group, &fetching->table[fetching->place - 1])) {
        give_up(
            fetching, COPYCAT_ERR_UNAVAILABLE,
            "a segment that lies here could not be read for now");
        settle(fetching);
    } else if (fetching->phase == LOOKING) {
        receive(fetching);
    } else {
        settle(fetching);
    }
}

static const struct cc_image_read_callbacks here_callbacks = {
    .on_open = here_opened,
    .on_piece = here_piece,
    .on_end = here_ended,
    .on_closed = here_closed,
};

static void read_here(struct cc_fetching *fetching, enum phase phase)
{
    struct cc_server *server = fetching->server;
    copycat_status status = cc_image_read_begin(
        &fetching->reader, server->env, server->directory, &fetching->file, &here_callbacks,
        fetching);

    CC_ASSERT(status == COPYCAT_OK); /* the directory holds the journal, too */
    fetching->phase = phase;
    fetching->holds++;
}

static void saved(void *owner, copycat_status status, const char *text)
{
    struct cc_fetching *fetching = owner;

    fetching->holds--;
    fetching->sink = NULL;
    if (fetching->phase != SAVING || status != COPYCAT_OK) {
        give_up(fetching, status, text);
        settle(fetching);
    } else if (fetching->place == 0) {
        read_here(fetching, LISTING);
    } else {
        look_for_next(fetching);
    }
}

/* ---- parts ------------------------------------------------------------------------------------
 */

static void ask(struct cc_fetching *fetching)
{
    struct cc_group *group = fetching->group;

    fetching->asked_us = cc_env_now_us(fetching->server->env);
    while (fetching->asked < fetching->file.size &&
           fetching->asked - fetching->received < PARTS_AHEAD * fetching->part_size &&
           cc_lane_is_up(&fetching->lane)) {
        uint64_t left = fetching->file.size - fetching->asked;
        struct cc_image_ask message = {
            .image = cc_image_name_of(&fetching->id),
            .file = fetching->place,
            .offset = fetching->asked,
            .size = left < fetching->part_size ? (uint32_t)left : fetching->part_size,
        };

        cc_image_ask_encode(
            cc_lane_begin(&fetching->lane, CC_MESSAGE_IMAGE_ASK, group->id), &message);
        cc_lane_end(&fetching->lane);
        fetching->asked += message.size;
    }
}

static void on_room(void *owner)
{
    struct cc_fetching *fetching = owner;

    if (fetching->phase == RECEIVING && fetching->group != NULL) {
        ask(fetching);
    }
}

static const struct cc_image_sink_callbacks callbacks = {.on_room = on_room, .on_done = saved};

/* Each part that comes is followed by an ask, so since the last of those this one took to come. */
static void fit_parts(struct cc_fetching *fetching)
{
    uint64_t timeout_us = fetching->group->election_timeout_us;
    uint64_t wait_us = cc_env_now_us(fetching->server->env) - fetching->asked_us;

    if (wait_us > timeout_us / LATE_PER_ELECTION_TIMEOUT) {
        fetching->part_size =
            fetching->part_size / 2 > PART_SIZE_MIN ? fetching->part_size / 2 : PART_SIZE_MIN;
    } else if (
        wait_us < timeout_us / SOON_PER_ELECTION_TIMEOUT &&
        fetching->part_size + PART_SIZE_MIN <= CC_IMAGE_PART_SIZE_MAX) {
        fetching->part_size += PART_SIZE_MIN;
    }
}

/* The lane loses nothing while it lasts, and asks are answered in turn: only now anything is asked for
 * again. */
static void on_up(void *owner)
{
    struct cc_fetching *fetching = owner;

    if (fetching->phase == RECEIVING) {
        fetching->asked = fetching->received;
        ask(fetching);
    }
}

static bool is_of_image(const struct cc_fetching *fetching, const struct cc_image_part *part)
{
    return (part->index == fetching->id.index && part->checksum == fetching->id.checksum) ||
           CC_BUG(T043C);
}

static bool on_part(void *owner, copycat_bytes body)
{
    struct cc_fetching *fetching = owner;
    struct cc_image_part part;

    if (!cc_image_part_decode(body, &part) || !is_of_image(fetching, &part)) {
        return false;
    }
    if (fetching->phase != RECEIVING) {
        return true; /* it was asked for twice */
    }
    if (part.bytes.size == 0) {
        give_up(
            fetching, COPYCAT_ERR_UNAVAILABLE, "the server that offered an image has it no more");
        return true;
    }
    if (part.file != fetching->place || part.offset != fetching->received) {
        return true;
    }
    if (part.bytes.size > fetching->file.size - fetching->received) {
        return false;
    }
    if (cc_image_sink_add(fetching->sink, part.offset, part.bytes) != COPYCAT_OK) {
        fetching->asked = fetching->received; /* it is asked for again when there is room */
        return true;
    }
    fetching->received += part.bytes.size;
    fit_parts(fetching);
    fetching->heard_us = cc_env_now_us(fetching->server->env);
    if (fetching->received == fetching->file.size) {
        fetching->phase = SAVING;
        cc_image_sink_finish(fetching->sink);
    } else {
        ask(fetching);
    }
    return true;
}

/* The file at hand is asked for from its beginning. */
static void receive(struct cc_fetching *fetching)
{
    struct cc_server *server = fetching->server;
    copycat_status status = cc_image_sink_begin(
        &fetching->sink, server->env, server->directory, &fetching->file, &callbacks, fetching);

    CC_ASSERT(status == COPYCAT_OK); /* the directory holds the journal, too */
    fetching->phase = RECEIVING;
    fetching->holds++;
    fetching->received = 0;
    fetching->asked = 0;
    fetching->heard_us = cc_env_now_us(server->env);
    ask(fetching);
}

static const struct cc_lane_callbacks lane_callbacks = {.on_up = on_up, .on_part = on_part};

/* ---- from the group ---------------------------------------------------------------------------
 */

bool cc_fetching_is_stale(const struct cc_fetching *fetching)
{
    uint64_t patience = STALE_ELECTION_TIMEOUTS * fetching->group->election_timeout_us;

    return fetching->phase == RECEIVING &&
           cc_env_now_us(fetching->server->env) >= fetching->heard_us + patience;
}

bool cc_fetching_offered(struct cc_fetching *fetching, uint32_t peer, const struct cc_image_id *id)
{
    if (!cc_image_id_equals(id, &fetching->id)) {
        return cc_fetching_is_stale(fetching);
    }
    if (peer != fetching->lane.peer && fetching->phase < BUILDING) {
        cc_lane_dial(&fetching->lane, peer); /* it leads, so it can be reached */
    }
    return false;
}

void cc_fetching_tell(const struct cc_fetching *fetching, struct cc_image_fetching *told_out)
{
    *told_out = (struct cc_image_fetching){
        .index = fetching->id.index,
        .progress = fetching->progress + fetching->received + (uint64_t)fetching->phase};
    if (fetching->loading != NULL) {
        told_out->progress += cc_loading_progress(fetching->loading);
    }
}

bool cc_fetching_received(struct cc_fetching *fetching, copycat_bytes body)
{
    return fetching->phase != RECEIVING || on_part(fetching, body);
}

bool cc_fetching_progress(
    const struct cc_fetching *fetching, uint64_t *done_out, uint64_t *size_out)
{
    if (fetching->loading != NULL && cc_loading_size(fetching->loading) > 0) {
        *done_out = cc_loading_progress(fetching->loading);
        *size_out = cc_loading_size(fetching->loading);
        return false;
    }
    *done_out = fetching->progress + fetching->received;
    *size_out = fetching->id.size;
    for (size_t i = 0; i < fetching->table_count; i++) {
        *size_out += fetching->table[i].size;
    }
    return true;
}

uint64_t cc_fetching_due_us(const struct cc_fetching *fetching)
{
    return fetching->phase == RECEIVING ? fetching->look_us : COPYCAT_NONE;
}

/* Meanwhile the log has brought as much: what nobody gives would be waited for in vain, for ever, and
 * no image taken. */
static bool is_overtaken(const struct cc_fetching *fetching)
{
    const struct cc_group *group = fetching->group;

    return group->has_state && group->base_trouble == COPYCAT_OK &&
           !cc_raft_wants_image(group->core, fetching->id.index);
}

void cc_fetching_go_on(struct cc_fetching *fetching)
{
    uint64_t now = cc_env_now_us(fetching->server->env);
    uint64_t timeout_us = fetching->group->election_timeout_us;

    if (now < cc_fetching_due_us(fetching)) {
        return;
    }
    fetching->look_us = now + timeout_us;
    if (is_overtaken(fetching)) {
        give_up(fetching, COPYCAT_ERR_UNAVAILABLE, "the log has overtaken the image");
        return;
    }
    if (cc_lane_is_up(&fetching->lane) &&
        now >= fetching->asked_us + STALE_ELECTION_TIMEOUTS * timeout_us) {
        cc_lane_dial(&fetching->lane, fetching->lane.peer); /* that one is dead, perhaps */
    }
}

struct cc_fetching *cc_fetching_begin(
    struct cc_group *group,
    uint32_t peer,
    const struct cc_image_id *id,
    bool builds_state,
    void (*done)(
        struct cc_group *group,
        copycat_status status,
        const struct cc_image_id *id,
        struct cc_apply *apply,
        struct cc_segment_list *segments,
        const char *text))
{
    struct cc_server *server = group->server;
    struct cc_fetching *fetching = cc_memory_take(server->memory, sizeof *fetching);

    fetching->server = server;
    fetching->group = group;
    fetching->done = done;
    fetching->builds_state = builds_state;
    fetching->id = *id;
    fetching->part_size = PART_SIZE_MIN;
    fetching->look_us = cc_env_now_us(server->env) + group->election_timeout_us;
    fetching->file = *id;
    server->image_writers++;
    cc_server_hold(server);
    cc_lane_init(&fetching->lane, server, &lane_callbacks, fetching);
    cc_lane_dial(&fetching->lane, peer);
    receive(fetching);
    return fetching;
}

void cc_fetching_salvage(const struct cc_fetching *fetching, struct cc_salvage *salvage)
{
    if (is_overtaken(fetching)) {
        cc_salvage_drop(salvage);
    } else {
        cc_salvage_keep(salvage, fetching->table, fetching->table_count, fetching->whole_count);
    }
}

void cc_fetching_abandon(struct cc_fetching *fetching)
{
    give_up(fetching, COPYCAT_ERR_CLOSED, NULL);
    fetching->group = NULL;
}
