/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_sessions -- what the leader does for sessions: takes their commands in order, opens and
 * ends them, and notices when one has fallen silent.
 *
 * FIFO (S3.125): only last appended + 1 goes into the log; a gap is answered with RESEND, and what
 * is already there waits for its answer.  apply checks once more.
 */
#include "base/assert.h"
#include "base/bug.h"
#include "server/group/group.h"
#include "server/node/node.h"

#include <string.h>

/* Call when a session may expire again: new, or not being expired any more. */
void cc_group_expect(struct cc_group *group, const struct cc_live *live)
{
    if (live->deadline_us < group->expire_us) {
        group->expire_us = live->deadline_us;
    }
}

static struct cc_live *live_add(struct cc_group *group, const struct cc_session_view *view)
{
    struct cc_live *live = cc_memory_take(group->memory, sizeof *live);

    live->session = view->id;
    live->appended = view->last_sequence;
    live->deadline_us = CC_BUG(T077) ? 0 : cc_env_now_us(group->env) + view->timeout_us;
    cc_table_put(&group->live, view->id, live);
    cc_group_expect(group, live);
    return live;
}

struct cc_live *cc_group_live(struct cc_group *group, uint64_t session)
{
    return session == 0 ? NULL : cc_table_get(&group->live, session);
}

/* A new leader gives every session a fresh timeout: it has not been there to hear them (T-077). */
void cc_group_lead(struct cc_group *group)
{
    CC_ASSERT(!group->is_leading);
    CC_ASSERT(group->live.count == 0);
    group->is_leading = true;
    for (uint64_t id = cc_apply_session_after(group->apply, 0); id != 0;
         id = cc_apply_session_after(group->apply, id)) {
        struct cc_session_view view;

        if (cc_apply_session(group->apply, id, &view)) {
            (void)live_add(group, &view);
        }
    }
}

static void forget_live(struct cc_group *group)
{
    uint32_t cursor = 0;
    struct cc_live *live;

    while ((live = cc_table_next(&group->live, &cursor)) != NULL) {
        cc_memory_give(group->memory, live);
    }
    cc_table_deinit(&group->live);
}

static void opening_end(struct cc_group *group, struct cc_opening *opening)
{
    cc_list_remove(&opening->node);
    cc_memory_give(group->memory, opening);
}

void cc_group_unlead(struct cc_group *group)
{
    group->is_leading = false;
    group->marks.is_under_way = false;
    forget_live(group);
    for (uint32_t i = 0; i < group->proposed.count; i++) {
        cc_block_release(group->proposed.at[i]);
    }
    group->proposed.count = 0;
    group->proposed_bytes = 0;
    cc_list_each_safe(node, following, &group->openings) {
        struct cc_opening *opening = cc_container_of(node, struct cc_opening, node);

        cc_group_reply_opened(group, opening->origin, opening->nonce, COPYCAT_ERR_NO_LEADER, 0, 0);
        opening_end(group, opening);
    }
    cc_group_bounce_waiting(group, COPYCAT_ERR_NO_LEADER);
}

static void answer_command(
    struct cc_group *group,
    struct cc_origin origin,
    uint64_t session,
    uint64_t sequence,
    copycat_status status)
{
    cc_group_reply_status(group, origin, CC_MESSAGE_ANSWER, session, sequence, status);
}

/* A number that has run: its answer again, if the client has not said that it has it. */
static void answer_again(
    struct cc_group *group, struct cc_origin origin, const struct cc_command *command)
{
    struct cc_answer answer;

    if (cc_apply_cached(group->apply, command->session, command->sequence, &answer)) {
        cc_group_reply_answer(group, origin, CC_MESSAGE_ANSWER, &answer);
    }
}

/*
 * That there is no room is decided by an entry, too: it uses the number up.  Without one the answer
 * might not be true, for another copy of the command may come to whoever leads next.
 */
static void refuse(struct cc_group *group, const struct cc_command *command)
{
    struct cc_command numbers = *command;
    uint8_t encoded[8 * CC_VARINT_SIZE_MAX];
    struct cc_writer writer;

    numbers.operation = (copycat_bytes){NULL, 0};
    cc_writer_init_fixed(&writer, encoded, sizeof encoded);
    cc_command_encode(&writer, &numbers);
    CC_ASSERT(!writer.failed);
    cc_group_propose(group, CC_ENTRY_REFUSAL, (copycat_bytes){writer.data, writer.size});
}

static void propose_command(
    struct cc_group *group,
    struct cc_live *live,
    const struct cc_command *command,
    copycat_bytes body)
{
    copycat_status status = cc_group_room_for(group, command);

    if (status == COPYCAT_ERR_BUSY) {
        answer_command(group, live->origin, command->session, command->sequence, status);
        return;
    }
    live->appended = command->sequence;
    if (status == COPYCAT_OK) {
        cc_group_propose(group, CC_ENTRY_COMMAND, body);
        return;
    }
    if (CC_BUG(T056D)) {
        answer_command(group, live->origin, command->session, command->sequence, status);
        cc_group_propose(group, CC_ENTRY_COMMAND, body);
        return;
    }
    refuse(group, command);
}

static void take_command(
    struct cc_group *group,
    struct cc_live *live,
    struct cc_origin origin,
    const struct cc_command *command,
    copycat_bytes body)
{
    struct cc_session_view view;
    bool is_there = cc_apply_session(group->apply, command->session, &view);

    CC_ASSERT(is_there);
    live->origin = origin;
    live->deadline_us = cc_env_now_us(group->env) + view.timeout_us;
    if (command->sequence <= view.last_sequence && !CC_BUG(T078)) {
        answer_again(group, origin, command);
    } else if (command->sequence <= live->appended && !CC_BUG(T078)) {
        return; /* in the log: its answer goes to live->origin once it is applied */
    } else if (command->sequence > live->appended + 1 && !CC_BUG(T080)) {
        cc_group_reply_resend(group, origin, command->session, live->appended);
    } else if (!cc_group_has_room(group, body.size)) {
        answer_command(group, origin, command->session, command->sequence, COPYCAT_ERR_BUSY);
    } else {
        propose_command(group, live, command, body);
    }
}

bool cc_group_request_command(struct cc_group *group, struct cc_origin origin, copycat_bytes body)
{
    struct cc_command command;

    if (!cc_command_decode(body, &command)) {
        return false;
    }
    if (!group->is_leading) {
        answer_command(group, origin, command.session, command.sequence, COPYCAT_ERR_NO_LEADER);
        return true;
    }

    struct cc_live *live = cc_group_live(group, command.session);

    if (live == NULL) {
        cc_group_wait_absent(group, origin, command.session, command.sequence);
    } else if (live->is_expiring) {
        answer_command(group, origin, command.session, command.sequence, COPYCAT_ERR_BUSY);
    } else {
        take_command(group, live, origin, &command, body);
    }
    return true;
}

static struct cc_opening *opening_of(struct cc_group *group, const uint8_t nonce[CC_NONCE_SIZE])
{
    cc_list_each(node, &group->openings) {
        struct cc_opening *opening = cc_container_of(node, struct cc_opening, node);

        if (memcmp(opening->nonce, nonce, CC_NONCE_SIZE) == 0) {
            return opening;
        }
    }
    return NULL;
}

/* A repeated open is one session: by the nonce, here and again when it is applied (T-084). */
bool cc_group_request_open(struct cc_group *group, struct cc_origin origin, copycat_bytes body)
{
    struct cc_session_open open;

    if (!cc_session_open_decode(body, &open)) {
        return false;
    }
    if (!group->is_leading) {
        cc_group_reply_opened(group, origin, open.nonce, COPYCAT_ERR_NO_LEADER, 0, 0);
        return true;
    }

    struct cc_opening *opening = opening_of(group, open.nonce);

    if (opening != NULL) {
        opening->origin = origin;
        return true;
    }
    if (!cc_group_has_room(group, body.size)) {
        cc_group_reply_opened(group, origin, open.nonce, COPYCAT_ERR_BUSY, 0, 0);
        return true;
    }
    opening = cc_memory_take(group->memory, sizeof *opening);
    opening->origin = origin;
    memcpy(opening->nonce, open.nonce, CC_NONCE_SIZE);
    cc_list_append(&group->openings, &opening->node);
    cc_group_propose(group, CC_ENTRY_SESSION_OPEN, body);
    return true;
}

bool cc_group_request_close(struct cc_group *group, struct cc_origin origin, copycat_bytes body)
{
    struct cc_session_close close;

    if (!cc_session_close_decode(body, &close)) {
        return false;
    }

    struct cc_live *live = group->is_leading ? cc_group_live(group, close.session) : NULL;

    if (live != NULL && !live->is_expiring && cc_group_has_room(group, body.size)) {
        live->origin = origin;
        cc_group_propose(group, CC_ENTRY_SESSION_CLOSE, body);
    }
    return true;
}

static void opened(struct cc_group *group, const struct cc_outcome *outcome)
{
    struct cc_opening *opening = opening_of(group, outcome->nonce);
    struct cc_session_view view;

    if (outcome->session != 0 && group->is_leading &&
        cc_group_live(group, outcome->session) == NULL &&
        cc_apply_session(group->apply, outcome->session, &view)) {
        (void)live_add(group, &view);
    }
    if (opening == NULL) {
        return;
    }

    struct cc_live *live = cc_group_live(group, outcome->session);

    if (live != NULL) {
        live->origin = opening->origin;
    }
    cc_group_reply_opened(
        group, opening->origin, outcome->nonce,
        outcome->session != 0 ? COPYCAT_OK : COPYCAT_ERR_QUOTA, outcome->session,
        outcome->timeout_us);
    opening_end(group, opening);
}

static void ended(struct cc_group *group, const struct cc_outcome *outcome)
{
    struct cc_live *live = cc_group_live(group, outcome->session);

    if (live == NULL) {
        return;
    }
    if (!outcome->is_ended) {
        live->is_expiring = false; /* something newer was applied: it lives on */
        cc_group_expect(group, live);
        return;
    }
    if (live->origin.server != 0) {
        cc_group_reply_ended(group, live->origin, live->session, COPYCAT_ERR_SESSION);
    }
    (void)cc_table_remove(&group->live, live->session);
    cc_memory_give(group->memory, live);
}

void cc_group_outcome(struct cc_group *group, const struct cc_outcome *outcome)
{
    struct cc_live *live;

    switch (outcome->kind) {
    case CC_ENTRY_COMMAND:
    case CC_ENTRY_REFUSAL:
        live = cc_group_live(group, outcome->session);
        if (live != NULL && outcome->is_refused && live->appended >= outcome->sequence) {
            live->appended = outcome->sequence - 1; /* not consumed: it will come again */
        }
        if (live != NULL && live->origin.server != 0) {
            cc_group_reply_answer(group, live->origin, CC_MESSAGE_ANSWER, &outcome->answer);
        }
        break;
    case CC_ENTRY_SESSION_OPEN:
        opened(group, outcome);
        break;
    case CC_ENTRY_SESSION_CLOSE:
    case CC_ENTRY_SESSION_EXPIRE:
        ended(group, outcome);
        break;
    default:
        break;
    }
}

/* Proposes the end of sessions that have been silent for their timeout, each conditionally. */
void cc_group_expire(struct cc_group *group)
{
    uint64_t now = cc_env_now_us(group->env);
    uint64_t id = 0;

    if (!group->is_leading || now < group->expire_us) {
        return;
    }
    group->expire_us = COPYCAT_NONE; /* what lives on says anew */
    while ((id = cc_apply_session_after(group->apply, id)) != 0) {
        struct cc_live *live = cc_group_live(group, id);
        struct cc_session_view view;

        if (live == NULL || live->is_expiring) {
            continue;
        }
        if (live->deadline_us > now || !cc_apply_session(group->apply, id, &view)) {
            cc_group_expect(group, live);
            continue;
        }
        if (!cc_group_has_room(group, 0)) {
            group->expire_us = cc_group_retry_us(group);
            return;
        }

        uint8_t encoded[2 * CC_VARINT_SIZE_MAX];
        struct cc_writer writer;

        cc_writer_init_fixed(&writer, encoded, sizeof encoded);
        cc_session_expire_encode(
            &writer, &(struct cc_session_expire){.session = id, .touched = view.touched});
        CC_ASSERT(!writer.failed);
        live->is_expiring = true;
        cc_group_propose(group, CC_ENTRY_SESSION_EXPIRE, (copycat_bytes){writer.data, writer.size});
    }
}

/* The core did not take a proposal: what was noted for it is taken back, and its sender told. */
void cc_group_refuse_proposal(struct cc_group *group, struct cc_block *block, copycat_status status)
{
    struct cc_entry entry = cc_entry_of(block);
    struct cc_command command;
    struct cc_session_open open;
    struct cc_session_expire expire;
    struct cc_live *live = NULL;

    if ((entry.kind == CC_ENTRY_COMMAND || entry.kind == CC_ENTRY_REFUSAL) &&
        cc_command_decode(entry.payload, &command)) {
        live = cc_group_live(group, command.session);
        if (live != NULL) {
            live->appended =
                live->appended < command.sequence ? live->appended : command.sequence - 1;
            answer_command(group, live->origin, command.session, command.sequence, status);
        }
    } else if (
        entry.kind == CC_ENTRY_SESSION_OPEN && cc_session_open_decode(entry.payload, &open)) {
        struct cc_opening *opening = opening_of(group, open.nonce);

        if (opening != NULL) {
            cc_group_reply_opened(group, opening->origin, open.nonce, status, 0, 0);
            opening_end(group, opening);
        }
    } else if (
        entry.kind == CC_ENTRY_SESSION_EXPIRE && cc_session_expire_decode(entry.payload, &expire)) {
        live = cc_group_live(group, expire.session);
        if (live != NULL) {
            live->is_expiring = false;
            group->expire_us = cc_group_retry_us(group);
        }
    } else if (entry.kind == CC_ENTRY_TICK) {
        group->tick_again_us = cc_group_retry_us(group);
    } else if (entry.kind == CC_ENTRY_MARK) {
        group->marks.is_under_way = false;
        group->marks.again_us = cc_group_retry_us(group); /* and not in this very pass */
    }
}

/* ---- trap T-022 ------------------------------------------------------------------------------ */

void cc_group_promise_by_index(struct cc_group *group, struct cc_block *block)
{
    struct cc_entry entry = cc_entry_of(block);
    struct cc_command command;
    const struct cc_live *live;
    struct cc_live *promise;

    if (entry.kind != CC_ENTRY_COMMAND || !cc_command_decode(entry.payload, &command)) {
        return;
    }
    live = cc_group_live(group, command.session);
    cc_memory_give(group->memory, cc_table_remove(&group->promised, entry.index));
    if (live != NULL) {
        promise = cc_memory_take(group->memory, sizeof *promise);
        *promise = *live;
        promise->appended = command.sequence;
        cc_table_put(&group->promised, entry.index, promise);
    }
}

void cc_group_answer_by_index(struct cc_group *group, uint64_t index)
{
    struct cc_live *promise = cc_table_remove(&group->promised, index);
    struct cc_answer answer;

    if (promise == NULL) {
        return;
    }
    if (!cc_apply_cached(group->apply, promise->session, promise->appended, &answer)) {
        answer = (struct cc_answer){
            .session = promise->session,
            .sequence = promise->appended,
            .index = index,
            .result = {"", 1}};
    }
    cc_group_reply_answer(group, promise->origin, CC_MESSAGE_ANSWER, &answer);
    cc_memory_give(group->memory, promise);
}
