/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_reads -- queries at four levels, keep-alives, and "this session does not exist": whatever
 * only a leader may say, and only after a round of acknowledgements that began after it was asked.
 *
 *     fresh       waits for the round that the end of this pass begins
 *     confirming  waits for that round                                  (dissertation 6.4)
 *     lagging     waits for apply to reach its index, and for its session's earlier commands
 *
 * Batching: all that arrived in one pass share one round.  The round begins after the last of them
 * arrived, never before (T-064), and only once an entry of this term is committed (T-063).
 */
#include "base/assert.h"
#include "base/bug.h"
#include "server/group/group.h"
#include "server/node/node.h"

#include <string.h>

#define BYTES_PER_PLACE 1024u
#define WAIT_US \
    UINT64_C(2000000) /* what cannot be answered in this time is refused, as retryable */

static void note_deadline(struct cc_group *group, const struct cc_waiting *waiting)
{
    if (waiting->deadline_us < group->waiting_until_us) {
        group->waiting_until_us = waiting->deadline_us;
    }
}

/* Among those that wait; a large operation counts for many, so that their bytes are bounded too. */
static uint32_t places_of(size_t operation_size)
{
    return 1 + (uint32_t)(operation_size / BYTES_PER_PLACE);
}

static struct cc_waiting *waiting_new(
    struct cc_group *group,
    enum cc_waiting_kind kind,
    struct cc_origin origin,
    uint64_t session,
    size_t operation_size)
{
    uint32_t places_max = cc_server_options(group->server)->waiting_max;

    CC_ASSERT(group->waiting_count <= places_max); /* S4 */
    if (places_of(operation_size) > places_max - group->waiting_count) {
        return NULL;
    }

    struct cc_waiting *waiting = cc_memory_take(group->memory, sizeof *waiting + operation_size);

    waiting->kind = kind;
    waiting->origin = origin;
    waiting->session = session;
    waiting->arrived_us = cc_env_now_us(group->env);
    waiting->deadline_us = waiting->arrived_us + WAIT_US;
    note_deadline(group, waiting);
    waiting->operation_size = operation_size;
    cc_list_init(&waiting->node);
    group->waiting_count += places_of(operation_size);
    return waiting;
}

static void waiting_end(struct cc_group *group, struct cc_waiting *waiting)
{
    CC_ASSERT(group->waiting_count >= places_of(waiting->operation_size));
    group->waiting_count -= places_of(waiting->operation_size);
    cc_list_remove(&waiting->node);
    cc_memory_give(group->memory, waiting);
}

static void refuse(struct cc_group *group, const struct cc_waiting *waiting, copycat_status status)
{
    switch (waiting->kind) {
    case CC_WAITING_KEEP_ALIVE:
        cc_group_reply_kept(group, waiting->origin, waiting->session, status);
        break;
    case CC_WAITING_ABSENT:
        cc_group_reply_status(
            group, waiting->origin, CC_MESSAGE_ANSWER, waiting->session, waiting->number, status);
        break;
    case CC_WAITING_QUERY:
        cc_group_reply_status(
            group, waiting->origin, CC_MESSAGE_RESULT, waiting->session, waiting->number, status);
        break;
    }
}

static void bounce_list(struct cc_group *group, struct cc_list *list, copycat_status status)
{
    cc_list_each_safe(node, following, list) {
        struct cc_waiting *waiting = cc_container_of(node, struct cc_waiting, node);

        refuse(group, waiting, status);
        waiting_end(group, waiting);
    }
}

void cc_group_bounce_waiting(struct cc_group *group, copycat_status status)
{
    bounce_list(group, &group->fresh, status);
    bounce_list(group, &group->confirming, status);
}

static void expire_list(struct cc_group *group, struct cc_list *list, uint64_t now)
{
    cc_list_each_safe(node, following, list) {
        struct cc_waiting *waiting = cc_container_of(node, struct cc_waiting, node);

        if (waiting->deadline_us > now) {
            note_deadline(group, waiting);
        } else {
            refuse(group, waiting, COPYCAT_ERR_UNAVAILABLE);
            waiting_end(group, waiting);
        }
    }
}

void cc_group_expire_waiting(struct cc_group *group)
{
    uint64_t now = cc_env_now_us(group->env);

    if (now < group->waiting_until_us) {
        return;
    }
    group->waiting_until_us = COPYCAT_NONE; /* what stays says anew */
    expire_list(group, &group->fresh, now);
    expire_list(group, &group->confirming, now);
    expire_list(group, &group->lagging, now);
}

/* ---- requests ------------------------------------------------------------------------------- */

bool cc_group_request_keep_alive(
    struct cc_group *group, struct cc_origin origin, copycat_bytes body)
{
    struct cc_keep_alive keep;

    if (!cc_keep_alive_decode(body, &keep)) {
        return false;
    }
    if (cc_raft_role(group->core) != CC_RAFT_LEADER) {
        cc_group_reply_kept(group, origin, keep.session, COPYCAT_ERR_NO_LEADER);
        return true;
    }

    struct cc_waiting *waiting = waiting_new(group, CC_WAITING_KEEP_ALIVE, origin, keep.session, 0);

    if (waiting == NULL) {
        cc_group_reply_kept(group, origin, keep.session, COPYCAT_ERR_BUSY);
        return true;
    }
    cc_list_append(&group->fresh, &waiting->node);
    cc_group_wake(group);
    return true;
}

void cc_group_wait_absent(
    struct cc_group *group, struct cc_origin origin, uint64_t session, uint64_t sequence)
{
    struct cc_waiting *waiting = waiting_new(group, CC_WAITING_ABSENT, origin, session, 0);

    if (waiting == NULL) {
        cc_group_reply_status(
            group, origin, CC_MESSAGE_ANSWER, session, sequence, COPYCAT_ERR_BUSY);
        return;
    }
    waiting->number = sequence;
    cc_list_append(&group->fresh, &waiting->node);
    cc_group_wake(group);
}

static bool lease_holds(struct cc_group *group)
{
    return group->is_leading && cc_env_now_us(group->env) < cc_raft_lease_until(group->core);
}

/* Puts a query where its level says that it must wait. */
static void place_query(struct cc_group *group, struct cc_waiting *waiting, uint64_t after_index)
{
    switch (waiting->level) {
    case CC_READ_LINEARIZABLE_LEASE:
        if (lease_holds(group)) {
            waiting->index = cc_raft_commit(group->core);
            cc_list_append(&group->lagging, &waiting->node);
            break;
        }
        waiting->level = CC_READ_LINEARIZABLE;
        cc_list_append(&group->fresh, &waiting->node);
        break;
    case CC_READ_LINEARIZABLE:
        cc_list_append(&group->fresh, &waiting->node);
        break;
    case CC_READ_EVENTUAL:
        cc_list_append(&group->lagging, &waiting->node);
        break;
    default:
        waiting->index = after_index;
        cc_list_append(&group->lagging, &waiting->node);
        break;
    }
}

bool cc_group_request_query(struct cc_group *group, struct cc_origin origin, copycat_bytes body)
{
    struct cc_query query;

    if (!cc_query_decode(body, &query)) {
        return false;
    }

    bool needs_leader = query.level <= CC_READ_LINEARIZABLE_LEASE;
    copycat_status status = COPYCAT_ERR_BUSY;
    struct cc_waiting *waiting = NULL;

    if (needs_leader && cc_raft_role(group->core) != CC_RAFT_LEADER) {
        status = COPYCAT_ERR_NO_LEADER;
    } else {
        waiting = waiting_new(group, CC_WAITING_QUERY, origin, query.session, query.operation.size);
    }
    if (waiting == NULL) {
        cc_group_reply_status(
            group, origin, CC_MESSAGE_RESULT, query.session, query.number, status);
        return true;
    }
    waiting->number = query.number;
    waiting->instance = query.instance;
    waiting->level = query.level;
    if (query.level != CC_READ_EVENTUAL) {
        waiting->after_sequence = query.after_sequence;
    }
    if (query.operation.size > 0) {
        memcpy(waiting->operation, query.operation.data, query.operation.size);
    }
    place_query(group, waiting, query.after_index);
    cc_group_wake(group);
    return true;
}

/* ---- rounds --------------------------------------------------------------------------------- */

void cc_group_begin_round(struct cc_group *group)
{
    if (cc_list_is_empty(&group->fresh)) {
        return;
    }

    struct cc_raft_event event = {.kind = CC_RAFT_EVENT_READ};
    copycat_status status = cc_group_step(group, &event);

    if (status == COPYCAT_ERR_BUSY) {
        return; /* no entry of this term is committed yet: the next commit wakes us */
    }
    if (status != COPYCAT_OK) {
        bounce_list(group, &group->fresh, COPYCAT_ERR_NO_LEADER);
        return;
    }
    cc_list_each_safe(node, following, &group->fresh) {
        struct cc_waiting *waiting = cc_container_of(node, struct cc_waiting, node);

        waiting->round = group->effects_round;
        waiting->index = group->effects_index;
        cc_list_remove(node);
        cc_list_append(&group->confirming, node);
    }
}

static void collect_confirmed(struct cc_group *group)
{
    uint64_t confirmed = cc_raft_round_confirmed(group->core);

    cc_list_each_safe(node, following, &group->confirming) {
        struct cc_waiting *waiting = cc_container_of(node, struct cc_waiting, node);

        if (waiting->round > confirmed) {
            break;
        }
        cc_list_remove(node);
        cc_list_append(&group->lagging, node);
    }
}

/* ---- answers -------------------------------------------------------------------------------- */

static void serve_keep_alive(struct cc_group *group, const struct cc_waiting *waiting)
{
    struct cc_live *live = cc_group_live(group, waiting->session);
    struct cc_session_view view;

    if (!group->is_leading || (live != NULL && live->is_expiring && !CC_BUG(T074))) {
        cc_group_reply_kept(group, waiting->origin, waiting->session, COPYCAT_ERR_BUSY);
        return;
    }
    if (live == NULL || !cc_apply_session(group->apply, waiting->session, &view)) {
        cc_group_reply_kept(group, waiting->origin, waiting->session, COPYCAT_ERR_SESSION);
        return;
    }

    uint64_t deadline = waiting->arrived_us + view.timeout_us;

    live->deadline_us = live->deadline_us < deadline ? deadline : live->deadline_us;
    live->origin = waiting->origin;
    cc_group_reply_kept(group, waiting->origin, waiting->session, COPYCAT_OK);
}

static void serve_absent(struct cc_group *group, const struct cc_waiting *waiting)
{
    bool is_absent = group->is_leading && cc_group_live(group, waiting->session) == NULL;

    cc_group_reply_status(
        group, waiting->origin, CC_MESSAGE_ANSWER, waiting->session, waiting->number,
        is_absent ? COPYCAT_ERR_SESSION : COPYCAT_ERR_BUSY);
}

/* True if the query may be answered from the state as it is; false: it waits on. */
static bool is_ready(struct cc_group *group, const struct cc_waiting *waiting)
{
    struct cc_session_view view;

    if (CC_BUG(T070)) {
        return true;
    }
    if (cc_apply_index(group->apply) < waiting->index) {
        return false;
    }
    if (waiting->after_sequence == 0) {
        return true;
    }
    if (!cc_apply_session(group->apply, waiting->session, &view)) {
        /* A session's id is the index of its open: past it, absent means ended. */
        return cc_apply_index(group->apply) >= waiting->session;
    }
    return view.last_sequence >= waiting->after_sequence;
}

static void serve_query(struct cc_group *group, const struct cc_waiting *waiting)
{
    struct cc_answer answer;

    if (waiting->instance > cc_apply_index(group->apply)) {
        refuse(group, waiting, COPYCAT_ERR_UNAVAILABLE);
        return;
    }
    cc_apply_query(
        group->apply, waiting->instance,
        (copycat_bytes){waiting->operation, waiting->operation_size}, &answer);

    /* The state was read while the lease held, or it is not answered (T-065: a pause between). */
    if (waiting->level == CC_READ_LINEARIZABLE_LEASE && !lease_holds(group)) {
        refuse(group, waiting, COPYCAT_ERR_BUSY);
        return;
    }
    answer.session = waiting->session;
    answer.sequence = waiting->number;
    answer.index = cc_apply_index(group->apply);
    cc_group_reply_answer(group, waiting->origin, CC_MESSAGE_RESULT, &answer);
}

static bool serve(struct cc_group *group, const struct cc_waiting *waiting)
{
    switch (waiting->kind) {
    case CC_WAITING_KEEP_ALIVE:
        if (cc_apply_index(group->apply) < waiting->index) {
            return false;
        }
        serve_keep_alive(group, waiting);
        break;
    case CC_WAITING_ABSENT:
        if (cc_apply_index(group->apply) < waiting->index) {
            return false;
        }
        serve_absent(group, waiting);
        break;
    case CC_WAITING_QUERY:
        if (!is_ready(group, waiting)) {
            return false;
        }
        serve_query(group, waiting);
        break;
    }
    return true;
}

void cc_group_serve_waiting(struct cc_group *group)
{
    collect_confirmed(group);
    if (!group->has_state && !CC_BUG(T046)) {
        return; /* not even an old one: their time runs out */
    }
    cc_list_each_safe(node, following, &group->lagging) {
        struct cc_waiting *waiting = cc_container_of(node, struct cc_waiting, node);

        if (serve(group, waiting)) {
            waiting_end(group, waiting);
        }
    }
}
