/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft -- see raft.h.  The entrance, the accessors, and the order of work within one step:
 * the event, then (for a leader) what there is to send, then the effects that follow from both.
 */
#include "base/assert.h"
#include "base/bug.h"
#include "raft/raft_internal.h"

#include <string.h>

#define WINDOW_BYTES_MAX (1u << 30) /* so that sums of sizes do not wrap */

/* ---- words for the other files --------------------------------------------------------------- */

uint64_t cc_raft_later(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static const struct cc_raft_peer *find_peer(const struct cc_raft *core, uint32_t id)
{
    for (uint32_t i = 0; i < core->peer_count; i++) {
        if (core->peers[i].id == id) {
            return &core->peers[i];
        }
    }
    return NULL;
}

struct cc_raft_peer *cc_raft_peer(struct cc_raft *core, uint32_t id)
{
    const struct cc_raft_peer *peer = find_peer(core, id);

    return peer == NULL ? NULL : &core->peers[peer - core->peers];
}

struct cc_raft_send *cc_raft_send(struct cc_raft *core, enum cc_raft_message_kind kind, uint32_t to)
{
    struct cc_raft_effects *effects = core->effects;

    CC_ASSERT(effects->send_count < CC_RAFT_SENDS_MAX);
    CC_ASSERT(to != core->options.id);

    struct cc_raft_send *send = &effects->sends[effects->send_count++];

    memset(send, 0, sizeof *send);
    send->message.kind = kind;
    send->message.from = core->options.id;
    send->message.to = to;
    send->message.term = core->term;
    return send;
}

void cc_raft_durable(struct cc_raft *core)
{
    if (core->effects->ticket == 0) {
        core->effects->ticket = ++core->log.ticket;
    }
    CC_ASSERT(core->effects->ticket == core->log.ticket);
}

uint64_t cc_raft_quorum(uint64_t *values, uint32_t count)
{
    CC_ASSERT(count > 0);
    CC_ASSERT(count <= CC_VOTERS_MAX);
    for (uint32_t i = 1; i < count; i++) {
        for (uint32_t j = i; j > 0 && values[j - 1] < values[j]; j--) {
            uint64_t swapped = values[j];

            values[j] = values[j - 1];
            values[j - 1] = swapped;
        }
    }
    return values[count / 2];
}

/* ---- life -------------------------------------------------------------------------------------
 */

static bool are_times_sound(const struct cc_raft_options *options)
{
    if (options->election_timeout_us == 0 || options->election_timeout_us > UINT64_MAX / 4) {
        return false;
    }
    if (options->heartbeat_interval_us == 0 ||
        options->heartbeat_interval_us > options->election_timeout_us / 3) {
        return false;
    }
    return options->promise_us <= options->election_timeout_us &&
           options->promise_us <= options->promise_us_max && options->drift_ppm_max < 500000;
}

static bool are_members_sound(const struct cc_raft_options *options)
{
    uint32_t voters = 0;
    bool has_self = false;

    if (options->member_count == 0 || options->member_count > CC_MEMBERS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < options->member_count; i++) {
        voters += options->members[i].is_voter;
        has_self = has_self || options->members[i].id == options->id;
        if (options->members[i].id == 0) {
            return false;
        }
        for (uint32_t j = 0; j < i; j++) {
            if (options->members[j].id == options->members[i].id) {
                return false;
            }
        }
    }
    return has_self && voters > 0 && voters <= CC_VOTERS_MAX;
}

static bool are_options_sound(const struct cc_raft_options *options)
{
    return are_times_sound(options) && are_members_sound(options) && options->window_bytes > 0 &&
           options->window_bytes <= WINDOW_BYTES_MAX && options->window_messages > 0 &&
           options->window_messages <= CC_RAFT_INFLIGHT_MAX && options->append_bytes_max > 0 &&
           options->uncommitted_max > 0 &&
           (options->run_capacity == 0 || options->run_capacity >= CC_RAFT_RUN_CAPACITY_MIN);
}

static bool is_start_sound(const struct cc_raft_start *start)
{
    if (start->term > CC_TERM_MAX || start->last_index > CC_INDEX_MAX ||
        (start->term == 0 && start->vote != 0)) {
        return false;
    }
    if ((start->last_index == 0) != (start->run_count == 0)) {
        return false;
    }
    for (uint32_t i = 0; i < start->run_count; i++) {
        const struct cc_raft_run *run = &start->runs[i];

        if (run->first == 0 || run->first > start->last_index || run->term == 0 ||
            run->term > start->term) {
            return false;
        }
        if (i > 0 && (run->first <= run[-1].first || run->term <= run[-1].term)) {
            return false;
        }
    }
    return true;
}

copycat_status cc_raft_create(
    struct cc_raft **core_out,
    const struct cc_memory *memory,
    const struct cc_raft_options *options,
    const struct cc_raft_start *start)
{
    if (!are_options_sound(options) || !is_start_sound(start)) {
        return COPYCAT_ERR_INVALID;
    }

    uint32_t capacity =
        options->run_capacity == 0 ? CC_RAFT_RUN_CAPACITY_DEFAULT : options->run_capacity;
    struct cc_raft *core = cc_memory_take(memory, sizeof *core);

    core->memory = memory;
    core->options = *options;
    core->prng.state = options->seed;
    core->term = start->term;
    core->vote = start->vote;
    core->role = CC_RAFT_FOLLOWER;
    core->peer_count = options->member_count;
    for (uint32_t i = 0; i < options->member_count; i++) {
        core->peers[i].id = options->members[i].id;
        core->peers[i].is_voter = options->members[i].is_voter;
        core->voter_count += options->members[i].is_voter;
        if (options->members[i].id == options->id) {
            core->self = i;
        }
    }
    cc_raft_log_init(
        &core->log, cc_memory_take(memory, capacity * sizeof *core->log.runs), capacity, start);
    cc_raft_election_start(core, start);
    cc_raft_verify(core);
    *core_out = core;
    return COPYCAT_OK;
}

void cc_raft_destroy(struct cc_raft *core)
{
    if (core == NULL) {
        return;
    }
    cc_memory_give(core->memory, core->log.runs);
    cc_memory_give(core->memory, core);
}

/* ---- one step ---------------------------------------------------------------------------------
 */

static copycat_status receive(struct cc_raft *core, const struct cc_raft_message *message)
{
    CC_ASSERT(message != NULL);
    if (!cc_raft_message_is_sound(core, message)) {
        return COPYCAT_ERR_MALFORMED;
    }
    switch (message->kind) {
    case CC_RAFT_VOTE:
        cc_raft_receive_vote(core, message);
        break;
    case CC_RAFT_VOTE_REPLY:
        cc_raft_receive_vote_reply(core, message);
        break;
    case CC_RAFT_APPEND:
        cc_raft_receive_append(core, message);
        break;
    case CC_RAFT_APPEND_REPLY:
        cc_raft_receive_append_reply(core, message);
        break;
    case CC_RAFT_TIMEOUT_NOW:
        cc_raft_receive_timeout_now(core, message);
        break;
    }
    return COPYCAT_OK;
}

static void stored(struct cc_raft *core, uint64_t ticket)
{
    cc_raft_log_stored(&core->log, ticket);
    cc_raft_election_stored(core);
    cc_raft_follower_stored(core);
    cc_raft_commit_advance(core);
}

static void tick(struct cc_raft *core)
{
    cc_raft_election_tick(core);
    cc_raft_replication_tick(core);
    cc_raft_transfer_tick(core);
}

static void peer_changed(struct cc_raft *core, uint32_t id, bool is_up)
{
    struct cc_raft_peer *peer = cc_raft_peer(core, id);

    CC_ASSERT(peer != NULL);
    CC_ASSERT(id != core->options.id);
    cc_raft_replication_peer(core, peer, is_up);
    if (is_up) {
        cc_raft_election_peer_up(core, peer);
    }
}

static copycat_status dispatch(struct cc_raft *core, const struct cc_raft_event *event)
{
    CC_ASSERT(core->is_started == (event->kind != CC_RAFT_EVENT_START));
    switch (event->kind) {
    case CC_RAFT_EVENT_START:
        core->is_started = true;
        cc_raft_election_begin(core);
        break;
    case CC_RAFT_EVENT_RECEIVE:
        return receive(core, event->message);
    case CC_RAFT_EVENT_STORED:
        stored(core, event->ticket);
        break;
    case CC_RAFT_EVENT_SENT:
        cc_raft_replication_sent(core, event);
        break;
    case CC_RAFT_EVENT_PROPOSE:
        return cc_raft_replication_propose(core, event->count);
    case CC_RAFT_EVENT_READ:
        return cc_raft_read_begin(core);
    case CC_RAFT_EVENT_TIMEOUT:
        tick(core);
        break;
    case CC_RAFT_EVENT_TRANSFER:
        return cc_raft_transfer_begin(core, event->peer);
    case CC_RAFT_EVENT_STALLED:
        cc_raft_election_stalled(core, true);
        break;
    case CC_RAFT_EVENT_UNSTALLED:
        cc_raft_election_stalled(core, false);
        break;
    case CC_RAFT_EVENT_PEER_UP:
        peer_changed(core, event->peer, true);
        break;
    case CC_RAFT_EVENT_PEER_DOWN:
        peer_changed(core, event->peer, false);
        break;
    }
    return COPYCAT_OK;
}

static void clear_effects(struct cc_raft_effects *effects)
{
    /* The sends are overwritten one by one; clearing them all would cost more than most steps. */
    memset(effects, 0, offsetof(struct cc_raft_effects, sends));
}

static uint64_t wake_at(const struct cc_raft *core)
{
    uint64_t wake_us = core->deadline_us;

    if (core->role == CC_RAFT_LEADER) {
        wake_us = core->heartbeat_us;
        wake_us = CC_BUG(T009) ? wake_us : cc_raft_min(wake_us, cc_raft_quorum_deadline(core));
        if (core->transfer_target != 0) {
            wake_us = cc_raft_min(wake_us, core->transfer_deadline_us);
        }
    }
    return wake_us;
}

/* What holds for all of a step's effects together. */
static void finish(struct cc_raft *core)
{
    struct cc_raft_effects *effects = core->effects;
    uint64_t after = core->store_ticket > core->log.ticket_durable ? core->store_ticket : 0;

    if (effects->ticket != 0) {
        CC_ASSERT(
            effects->store || effects->truncate_from != 0 ||
            effects->append_source != CC_RAFT_APPEND_NOTHING);
        cc_raft_log_promise(&core->log);
    }
    for (uint32_t i = 0; i < effects->send_count; i++) {
        /* R2: no message that reveals (term, vote) leaves before they are durable (T-001). */
        effects->sends[i].after = CC_BUG(T001) ? 0 : after;
        effects->sends[i].core_term = core->term;
    }
    effects->wake_at_us = wake_at(core);
}

copycat_status cc_raft_step(
    struct cc_raft *core, const struct cc_raft_event *event, struct cc_raft_effects *effects)
{
    enum cc_raft_role role = core->role;
    uint64_t term = core->term;
    uint32_t leader = core->leader;
    uint64_t commit = core->commit;
    uint64_t confirmed = core->round_confirmed;

    CC_ASSERT(core->effects == NULL);
    clear_effects(effects);
    core->effects = effects;
    core->now_us = cc_raft_max(core->now_us, event->now_us);

    copycat_status status = dispatch(core, event);

    if (status == COPYCAT_OK && core->role == CC_RAFT_LEADER) {
        cc_raft_replication_pump(core);
    }
    finish(core);
    effects->became = core->role != role || core->term != term || core->leader != leader;
    effects->commit = core->commit != commit ? core->commit : 0;
    effects->round_confirmed = core->round_confirmed != confirmed;
    core->effects = NULL;
    CC_ASSERT(core->term >= term);
    CC_ASSERT(core->commit >= commit); /* T-021 */
#ifdef CC_VERIFY_ON
    cc_raft_verify(core);
#endif
    return status;
}

/* ---- what others may know ---------------------------------------------------------------------
 */

enum cc_raft_role cc_raft_role(const struct cc_raft *core)
{
    return core->role;
}

uint64_t cc_raft_term(const struct cc_raft *core)
{
    return core->term;
}

uint32_t cc_raft_vote(const struct cc_raft *core)
{
    return core->vote;
}

uint32_t cc_raft_leader(const struct cc_raft *core)
{
    return core->leader;
}

uint64_t cc_raft_commit(const struct cc_raft *core)
{
    return core->commit;
}

uint64_t cc_raft_last(const struct cc_raft *core)
{
    return core->log.last;
}

uint64_t cc_raft_stable(const struct cc_raft *core)
{
    return core->log.stable;
}

uint64_t cc_raft_round_confirmed(const struct cc_raft *core)
{
    return core->round_confirmed;
}

uint64_t cc_raft_term_at(const struct cc_raft *core, uint64_t index)
{
    return cc_raft_log_term_at(&core->log, index);
}

uint64_t cc_raft_match(const struct cc_raft *core, uint32_t peer)
{
    const struct cc_raft_peer *found = find_peer(core, peer);

    if (found == NULL || core->role != CC_RAFT_LEADER) {
        return 0;
    }
    return peer == core->options.id ? core->log.stable : found->match;
}

static void verify_leader(const struct cc_raft *core)
{
    CC_ASSERT(core->leader == core->options.id);
    CC_ASSERT(core->term_first > 0);
    CC_ASSERT(core->term_first <= core->log.last);
    CC_ASSERT(cc_raft_log_term_at(&core->log, core->term_first) == core->term); /* R4 */
    CC_ASSERT(core->round_confirmed <= core->round);
    for (uint32_t i = 0; i < core->peer_count; i++) {
        const struct cc_raft_peer *peer = &core->peers[i];

        if (i == core->self) {
            continue;
        }
        CC_ASSERT(peer->match < peer->next); /* R5 */
        CC_ASSERT(peer->next <= core->log.last + 1);
        CC_ASSERT(peer->inflight_count <= core->options.window_messages);
        CC_ASSERT(peer->inflight_count > 0 || peer->inflight_bytes == 0);
        CC_ASSERT(peer->progress == CC_RAFT_STREAM || peer->inflight_count == 0);
        CC_ASSERT(peer->round <= core->round);
    }
}

void cc_raft_verify(const struct cc_raft *core)
{
    cc_raft_log_verify(&core->log);
    CC_ASSERT(CC_BUG(T020) || core->commit <= core->log.last);   /* R1 */
    CC_ASSERT(CC_BUG(T020) || core->verified <= core->log.last); /* R3 */
    CC_ASSERT(core->store_ticket <= core->log.ticket);
    CC_ASSERT(core->term <= CC_TERM_MAX);
    CC_ASSERT(core->vote == 0 || core->term > 0); /* R2 */
    if (core->role == CC_RAFT_CANDIDATE || core->role == CC_RAFT_LEADER) {
        CC_ASSERT(core->vote == core->options.id); /* R2 */
        CC_ASSERT(cc_raft_self_votes(core));
        CC_ASSERT(!core->is_stalled || CC_BUG(T013));
    }
    if (core->role == CC_RAFT_LEADER) {
        verify_leader(core);
    } else {
        CC_ASSERT(core->leader != core->options.id);
        CC_ASSERT(core->transfer_target == 0);
    }
}
