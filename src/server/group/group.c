/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group -- see group.h: its life, its timers, and the order of work at the end of a pass.
 */
#include "server/group/group.h"

#include "base/assert.h"
#include "base/bug.h"
#include "server/image/fetching.h"
#include "server/image/giving.h"
#include "server/image/lending.h"
#include "server/image/offering.h"
#include "server/image/segments.h"
#include "server/node/node.h"

#define RETRIES_PER_ELECTION_TIMEOUT 10u

static uint64_t earlier(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

/* A disk that has not finished a write for an election timeout must not hold leadership (T-013). */
static uint64_t stall_due_us(const struct cc_group *group)
{
    uint64_t since = cc_journal_writing_since_us(group->journal);

    return since == 0 || group->is_stalled ? COPYCAT_NONE : since + group->election_timeout_us;
}

/* An alarm that has become too early is left: it rings, finds nothing due and is set anew. */
static void set_alarm(struct cc_group *group)
{
    uint64_t due = earlier(stall_due_us(group), group->waiting_until_us);

    if (group->repairing.mark == 0) {
        due = earlier(due, group->repairing.again_us);
    }
    if (group->is_leading) {
        due = earlier(due, cc_group_backlog_due_us(group));
        due = earlier(due, earlier(group->expire_us, cc_group_tick_due_us(group)));
    }
    due = earlier(due, cc_offering_due_us(group->offering));
    due = earlier(due, cc_lending_due_us(group->lending));
    due = earlier(due, cc_giving_due_us(group->giving));
    due = earlier(due, cc_group_seek_due_us(group));
    due = earlier(due, cc_group_ask_due_us(group));
    if (group->fetching != NULL) {
        due = earlier(due, cc_fetching_due_us(group->fetching));
    }
    if (due < group->alarm_us) {
        group->alarm_us = due;
        cc_env_timer_arm(group->env, &group->alarm, due);
    }
}

/* Proposals first, so that what they append is in the batch that is written now. */
static void pass_end(struct cc_task *task)
{
    struct cc_group *group = task->owner;

    cc_group_room_judge(group);
    cc_giving_go_on(group->giving);
    cc_group_mark(group);
    cc_group_flush_proposals(group);
    cc_group_apply(group);
    cc_group_begin_round(group);
    cc_group_serve_waiting(group);
    cc_journal_flush(group->journal);
    set_alarm(group);
}

void cc_group_wake(struct cc_group *group)
{
    cc_env_later(group->env, &group->pass);
}

static void woken(struct cc_timer *timer)
{
    struct cc_group *group = timer->owner;
    struct cc_raft_event event = {.kind = CC_RAFT_EVENT_TIMEOUT};

    (void)cc_group_step(group, &event);
}

void cc_group_watch_disk(struct cc_group *group)
{
    uint64_t since = cc_journal_writing_since_us(group->journal);
    bool is_hanging = since != 0 && cc_env_now_us(group->env) - since >= group->election_timeout_us;
    bool is_short = cc_journal_is_short(group->journal) && !cc_group_room_is_worth_leading(group);
    bool is_stalled = is_hanging || is_short || (!group->has_state && !CC_BUG(T046));

    cc_group_wake(group); /* for the alarm */
    if (is_stalled == group->is_stalled) {
        return;
    }
    group->is_stalled = is_stalled;

    struct cc_raft_event event = {
        .kind = is_stalled ? CC_RAFT_EVENT_STALLED : CC_RAFT_EVENT_UNSTALLED};

    (void)cc_group_step(group, &event);
}

static void rang(struct cc_timer *timer)
{
    struct cc_group *group = timer->owner;

    group->alarm_us = COPYCAT_NONE;
    cc_group_watch_disk(group);
    cc_group_expire(group);
    cc_group_expire_waiting(group);
    cc_group_repair(group);
    cc_group_tick(group);
    cc_offering_go_on(group->offering);
    cc_lending_go_on(group->lending);
    cc_group_seek_image(group);
    cc_group_ask_marks(group);
    if (group->fetching != NULL) {
        cc_fetching_go_on(group->fetching);
    }
}

uint64_t cc_group_retry_us(const struct cc_group *group)
{
    return cc_env_now_us(group->env) + group->election_timeout_us / RETRIES_PER_ELECTION_TIMEOUT;
}

static void fill_options(
    const struct cc_group *group, const struct cc_base *base, struct cc_raft_options *options)
{
    const struct cc_server_options *server = cc_server_options(group->server);

    *options = (struct cc_raft_options){
        .id = server->id,
        .member_count = base->members.count,
        .seed = server->seed,
        .election_timeout_us = server->election_timeout_us,
        .heartbeat_interval_us = server->heartbeat_interval_us,
        .promise_us = server->election_timeout_us,
        .promise_us_max = server->election_timeout_us,
        .drift_ppm_max = CC_GROUP_DRIFT_PPM_MAX,
        .window_bytes = server->window_bytes,
        .window_messages = CC_RAFT_INFLIGHT_MAX,
        .append_bytes_max = server->append_bytes_max,
        .uncommitted_max = server->uncommitted_max,
    };
    for (uint32_t i = 0; i < base->members.count; i++) {
        options->members[i].id = base->members.at[i].id;
        options->members[i].is_voter = base->members.at[i].role == CC_ROLE_VOTER;
    }
}

static void create_core(
    struct cc_group *group, const struct cc_base *base, const struct cc_journal_group *state)
{
    struct cc_raft_options options;
    struct cc_raft_start start = {
        .term = state->term,
        .vote = state->vote,
        .last_index = cc_log_last(group->log),
        .first_index = cc_log_first(group->log),
        .base_index = group->base.index,
        .damaged_from = cc_log_damage(group->log) == NULL ? 0 : cc_log_damage(group->log)->first,
    };

    fill_options(group, base, &options);
    start.runs = cc_log_runs(group->log, &start.run_count);

    copycat_status status = cc_raft_create(&group->core, group->memory, &options, &start);

    CC_ASSERT(status == COPYCAT_OK); /* options and base were checked before */
}

/* An empty state, of a group that begins, or of one that has lost it. */
static struct cc_apply *create_apply(struct cc_group *group)
{
    struct cc_apply_options options;

    cc_server_apply_options(group->server, &options);
    return cc_apply_create(&options);
}

/* The image that the journal says this group stands on, and its state, if that could be read. */
static void stand_on(
    struct cc_group *group, const struct cc_journal_base *base, struct cc_apply *apply)
{
    group->base = (struct cc_image_id){group->id,  base->index,    base->term, base->time_us,
                                       base->size, base->checksum, false};
    cc_group_set_segments(group, group->server->segments);
    group->server->segments = NULL;
    group->has_state = base->index == 0 || apply != NULL;
    group->apply = apply != NULL ? apply : create_apply(group);
    if (apply != NULL) {
        group->marks = (struct cc_marks){
            .index = base->index, .digest = cc_apply_digest(apply), .image_size = base->size};
        cc_log_keep(group->log, base->index);
        cc_server_restored(group->server, apply);
    }
}

struct cc_group *cc_group_create(
    struct cc_server *server,
    uint32_t id,
    const struct cc_base *base,
    struct cc_log *log,
    const struct cc_journal_group *state,
    struct cc_apply *apply)
{
    struct cc_env *env = cc_server_env(server);
    struct cc_group *group = cc_memory_take(env->memory, sizeof *group);

    group->server = server;
    group->env = env;
    group->memory = env->memory;
    group->id = id;
    group->server_id = cc_server_options(server)->id;
    group->election_timeout_us = cc_server_options(server)->election_timeout_us;
    group->log = log;
    group->journal = cc_server_journal(server);
    cc_table_init(&group->live, group->memory);
    cc_table_init(&group->promised, group->memory);
    cc_list_init(&group->openings);
    cc_list_init(&group->fresh);
    cc_list_init(&group->confirming);
    cc_list_init(&group->lagging);
    group->wake = (struct cc_timer){.fire = woken, .owner = group};
    group->alarm = (struct cc_timer){.fire = rang, .owner = group};
    group->alarm_us = COPYCAT_NONE;
    group->expire_us = COPYCAT_NONE;
    group->waiting_until_us = COPYCAT_NONE;
    group->pass = (struct cc_task){.run = pass_end, .owner = group};
    cc_log_attach(log, group->journal);
    stand_on(group, &state->base, apply);
    create_core(group, base, state);
    cc_group_room_begin(group);

    struct cc_raft_event event = {.kind = CC_RAFT_EVENT_START};

    (void)cc_group_step(group, &event);
    cc_group_repair_begin(group);
    cc_group_image_begin(group);
    cc_group_watch_disk(group);
    cc_group_wake(group);
    return group;
}

static void drop_waiting(struct cc_group *group, struct cc_list *list)
{
    cc_list_each_safe(node, following, list) {
        cc_memory_give(group->memory, cc_container_of(node, struct cc_waiting, node));
    }
}

static void drop_sessions(struct cc_group *group)
{
    uint32_t cursor = 0;
    struct cc_live *live;

    while ((live = cc_table_next(&group->live, &cursor)) != NULL) {
        cc_memory_give(group->memory, live);
    }
    cc_table_deinit(&group->live);
    cc_table_deinit(&group->promised);
    cc_list_each_safe(node, following, &group->openings) {
        cc_memory_give(group->memory, cc_container_of(node, struct cc_opening, node));
    }
}

void cc_group_destroy(struct cc_group *group)
{
    if (group == NULL) {
        return;
    }
    cc_env_timer_disarm(group->env, &group->wake);
    cc_env_timer_disarm(group->env, &group->alarm);
    cc_env_task_cancel(group->env, &group->pass);
    cc_group_image_end(group);
    cc_group_room_end(group);
    cc_log_destroy(group->log);
    for (uint32_t i = 0; i < group->proposed.count; i++) {
        cc_block_release(group->proposed.at[i]);
    }
    drop_waiting(group, &group->fresh);
    drop_waiting(group, &group->confirming);
    drop_waiting(group, &group->lagging);
    drop_sessions(group);
    cc_segment_list_release(group->segments);
    cc_segment_list_release(group->next_segments);
    cc_apply_destroy(group->apply);
    cc_raft_destroy(group->core);
    cc_memory_give(group->memory, group->proposed.at);
    cc_memory_give(group->memory, group->received.at);
    cc_memory_give(group->memory, group->tickets);
    cc_memory_give(group->memory, group->delayed);
    cc_memory_give(group->memory, group);
}

bool cc_group_request(
    struct cc_group *group, struct cc_origin origin, uint16_t type, copycat_bytes body)
{
    switch (type) {
    case CC_MESSAGE_COMMAND:
        return cc_group_request_command(group, origin, body);
    case CC_MESSAGE_QUERY:
        return cc_group_request_query(group, origin, body);
    case CC_MESSAGE_KEEP_ALIVE:
        return cc_group_request_keep_alive(group, origin, body);
    case CC_MESSAGE_SESSION_OPEN:
        return cc_group_request_open(group, origin, body);
    case CC_MESSAGE_SESSION_CLOSE:
        return cc_group_request_close(group, origin, body);
    default:
        return false;
    }
}

void cc_group_status(const struct cc_group *group, struct cc_server_status *status_out)
{
    status_out->leader = cc_raft_leader(group->core);
    status_out->is_leader = cc_raft_role(group->core) == CC_RAFT_LEADER;
    status_out->term = cc_raft_term(group->core);
    status_out->commit = cc_raft_commit(group->core);
    status_out->applied = cc_apply_index(group->apply);
    status_out->last = cc_raft_last(group->core);
    status_out->digest = cc_apply_digest(group->apply);
}
