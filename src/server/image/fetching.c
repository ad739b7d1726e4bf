/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetching -- see fetching.h.
 *
 *     RECEIVING (a few parts are asked for ahead) -> SAVING (the file is made durable)
 *         -> LISTING (which segments are needed) -> LOOKING (whether the next lies here, and reads)
 *         -> RECEIVING if not, and so on -> BUILDING (all is read into a state) -> done
 */
#include "server/group/group.h"
#include "server/image/fetching_internal.h"
#include "server/image/loading.h"
#include "server/image/retiring.h"
#include "server/image/salvage.h"
#include "server/node/node.h"

#include <string.h>

#define STALE_ELECTION_TIMEOUTS 4u

void cc_fetching_settle(struct cc_fetching *fetching)
{
    struct cc_server *server = fetching->server;

    if (fetching->holds > 0) {
        return;
    }
    if (fetching->group != NULL) {
        fetching->done(
            fetching->group, fetching->status, &fetching->id, fetching->apply, fetching->segments,
            fetching->text);
    } else {
        cc_retiring_begin(server, fetching->apply);
    }
    cc_segment_list_release(fetching->segments);
    cc_memory_give(server->memory, fetching->table);
    cc_memory_give(server->memory, fetching);
    server->image_writers--;
    cc_server_let_go(server);
}

void cc_fetching_give_up(struct cc_fetching *fetching, copycat_status status, const char *text)
{
    if (fetching->phase == CC_FETCHING_ENDED) {
        return;
    }
    fetching->phase = CC_FETCHING_ENDED;
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
    cc_fetching_close_reader(fetching);
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
    if (fetching->phase == CC_FETCHING_BUILDING) {
        fetching->apply = loaded->apply;
        fetching->segments = cc_segment_list_retain(loaded->segments);
        cc_fetching_give_up(fetching, loaded->status, loaded->text);
    } else {
        cc_retiring_begin(fetching->server, loaded->apply);
    }
    cc_fetching_settle(fetching);
}

void cc_fetching_build(struct cc_fetching *fetching)
{
    fetching->phase = CC_FETCHING_BUILDING;
    cc_lane_hang_up(&fetching->lane);
    fetching->holds++;
    fetching->loading = cc_loading_begin(
        fetching->server, &fetching->id, fetching->builds_state, NULL, built, fetching);
}

/* ---- from the group ---------------------------------------------------------------------------
 */

bool cc_fetching_is_stale(const struct cc_fetching *fetching)
{
    uint64_t patience = STALE_ELECTION_TIMEOUTS * fetching->group->election_timeout_us;

    return fetching->phase == CC_FETCHING_RECEIVING &&
           cc_env_now_us(fetching->server->env) >= fetching->heard_us + patience;
}

bool cc_fetching_offered(struct cc_fetching *fetching, uint32_t peer, const struct cc_image_id *id)
{
    if (!cc_image_id_equals(id, &fetching->id)) {
        return cc_fetching_is_stale(fetching);
    }
    if (peer != fetching->lane.peer && fetching->phase < CC_FETCHING_BUILDING) {
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
    return fetching->phase != CC_FETCHING_RECEIVING || cc_fetching_take_part(fetching, body);
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
    return fetching->phase == CC_FETCHING_RECEIVING ? fetching->look_us : COPYCAT_NONE;
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
        cc_fetching_give_up(fetching, COPYCAT_ERR_UNAVAILABLE, "the log has overtaken the image");
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
    fetching->part_size = CC_FETCHING_PART_SIZE_MIN;
    fetching->look_us = cc_env_now_us(server->env) + group->election_timeout_us;
    fetching->file = *id;
    server->image_writers++;
    cc_server_hold(server);
    cc_lane_init(&fetching->lane, server, &cc_fetching_lane, fetching);
    cc_lane_dial(&fetching->lane, peer);
    cc_fetching_receive(fetching);
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
    cc_fetching_give_up(fetching, COPYCAT_ERR_CLOSED, NULL);
    fetching->group = NULL;
}
