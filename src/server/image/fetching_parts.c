/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetching_parts -- the file at hand comes part by part, and is made durable.
 */
#include "base/assert.h"
#include "base/bug.h"
#include "server/group/group.h"
#include "server/image/fetching_internal.h"
#include "server/image/image_name.h"
#include "server/node/node.h"

/*
 * Parts that are asked for ahead.  They are small at first, larger with each that comes soon and smaller
 * with each that does not: so on a slow link, too, some arrive before they are asked for again, or the
 * fetching looks stale.
 */
#define PARTS_AHEAD 4u
#define SOON_PER_ELECTION_TIMEOUT 16u
#define LATE_PER_ELECTION_TIMEOUT 8u

static void saved(void *owner, copycat_status status, const char *text)
{
    struct cc_fetching *fetching = owner;

    fetching->holds--;
    fetching->sink = NULL;
    if (fetching->phase != CC_FETCHING_SAVING || status != COPYCAT_OK) {
        cc_fetching_give_up(fetching, status, text);
        cc_fetching_settle(fetching);
    } else if (fetching->place == 0) {
        cc_fetching_list(fetching);
    } else {
        cc_fetching_look_for_next(fetching);
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

    if (fetching->phase == CC_FETCHING_RECEIVING && fetching->group != NULL) {
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
        fetching->part_size = fetching->part_size / 2 > CC_FETCHING_PART_SIZE_MIN
                                  ? fetching->part_size / 2
                                  : CC_FETCHING_PART_SIZE_MIN;
    } else if (
        wait_us < timeout_us / SOON_PER_ELECTION_TIMEOUT &&
        fetching->part_size + CC_FETCHING_PART_SIZE_MIN <= CC_IMAGE_PART_SIZE_MAX) {
        fetching->part_size += CC_FETCHING_PART_SIZE_MIN;
    }
}

/* The lane loses nothing while it lasts, and asks are answered in turn: only now anything is asked for
 * again. */
static void on_up(void *owner)
{
    struct cc_fetching *fetching = owner;

    if (fetching->phase == CC_FETCHING_RECEIVING) {
        fetching->asked = fetching->received;
        ask(fetching);
    }
}

static bool is_of_image(const struct cc_fetching *fetching, const struct cc_image_part *part)
{
    return (part->index == fetching->id.index && part->checksum == fetching->id.checksum) ||
           CC_BUG(T043C);
}

bool cc_fetching_take_part(void *owner, copycat_bytes body)
{
    struct cc_fetching *fetching = owner;
    struct cc_image_part part;

    if (!cc_image_part_decode(body, &part) || !is_of_image(fetching, &part)) {
        return false;
    }
    if (fetching->phase != CC_FETCHING_RECEIVING) {
        return true; /* it was asked for twice */
    }
    if (part.bytes.size == 0) {
        cc_fetching_give_up(
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
        fetching->phase = CC_FETCHING_SAVING;
        cc_image_sink_finish(fetching->sink);
    } else {
        ask(fetching);
    }
    return true;
}

/* The file at hand is asked for from its beginning. */
void cc_fetching_receive(struct cc_fetching *fetching)
{
    struct cc_server *server = fetching->server;
    copycat_status status = cc_image_sink_begin(
        &fetching->sink, server->env, server->directory, &fetching->file, &callbacks, fetching);

    CC_ASSERT(status == COPYCAT_OK); /* the directory holds the journal, too */
    fetching->phase = CC_FETCHING_RECEIVING;
    fetching->holds++;
    fetching->received = 0;
    fetching->asked = 0;
    fetching->heard_us = cc_env_now_us(server->env);
    ask(fetching);
}

const struct cc_lane_callbacks cc_fetching_lane = {
    .on_up = on_up, .on_part = cc_fetching_take_part};
