/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft -- see raft.h: the one entrance, and what is asked of the core.
 */
#include "raft/raft_internal.h"

#include <string.h>

#define RUN_CAPACITY 1024u
#define RUN_RESERVE 64u

/* An hour: no sum or product of such times overflows. */
#define TIME_US_MAX UINT64_C(3600000000)

/* ---- made and unmade ------------------------------------------------------------------------- */

/* The log is [first, last] without a hole behind the image, and the term before it is known. */
static bool is_whole(const struct cc_raft_start *start)
{
    uint64_t first = start->first_index == 0 ? 1 : start->first_index;

    return start->last_index <= CC_INDEX_MAX && start->term <= CC_TERM_MAX &&
           (start->last_index == 0 || start->run_count > 0) && first <= start->base_index + 1 &&
           start->base_index <= start->last_index && (first == 1 || start->runs[0].first < first) &&
           (start->damaged_from == 0 || start->damaged_from > start->base_index) &&
           start->damaged_from <= start->last_index;
}

static bool is_sensible(const struct cc_raft_options *options, const struct cc_raft_start *start)
{
    uint32_t voters = 0;
    bool has_self = false;

    if (options->id == 0 || options->member_count == 0 || options->member_count > CC_MEMBERS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < options->member_count; i++) {
        voters += options->members[i].is_voter;
        has_self = has_self || options->members[i].id == options->id;
    }
    return has_self && voters >= 1 && voters <= CC_VOTERS_MAX && options->election_timeout_us > 0 &&
           options->election_timeout_us <= TIME_US_MAX && options->promise_us_max <= TIME_US_MAX &&
           options->heartbeat_interval_us <= options->election_timeout_us / 3 &&
           options->promise_us <= options->election_timeout_us &&
           options->promise_us <= options->promise_us_max && options->keep_us_max <= TIME_US_MAX &&
           options->drift_ppm_max < 500000 && options->window_bytes > 0 &&
           options->append_bytes_max > 0 && options->window_messages > 0 &&
           options->window_messages <= CC_RAFT_INFLIGHT_MAX && options->uncommitted_max > 0 &&
           is_whole(start);
}

static void take_members(struct cc_raft *core)
{
    uint32_t voters = 0;

    for (uint32_t i = 0; i < core->options.member_count; i++) {
        const struct cc_raft_peer_options *member = &core->options.members[i];

        voters += member->is_voter;
        if (member->id == core->options.id) {
            core->is_voter = member->is_voter;
        } else {
            struct cc_raft_peer *peer = &core->peers[core->peer_count++];

            peer->id = member->id;
            peer->is_voter = member->is_voter;
            peer->next = 1;
        }
    }
    core->quorum = voters / 2 + 1;
}

copycat_status cc_raft_create(
    struct cc_raft **core_out,
    const struct cc_memory *memory,
    const struct cc_raft_options *options,
    const struct cc_raft_start *start)
{
    uint32_t capacity = options->run_capacity == 0 ? RUN_CAPACITY : options->run_capacity;
    struct cc_raft *core;

    if (!is_sensible(options, start)) {
        return COPYCAT_ERR_INVALID;
    }
    if (capacity < start->run_count + RUN_RESERVE) {
        capacity = start->run_count + RUN_RESERVE;
    }
    core = cc_memory_try(memory, sizeof *core);
    if (core == NULL) {
        return COPYCAT_ERR_MEMORY;
    }
    core->runs = cc_memory_try(memory, capacity * sizeof *core->runs);
    if (core->runs == NULL) {
        cc_memory_give(memory, core);
        return COPYCAT_ERR_MEMORY;
    }
    core->memory = memory;
    core->options = *options;
    core->run_capacity = capacity;
    if (options->keep_us_max == 0) {
        core->options.keep_us_max = 10 * options->election_timeout_us;
    }
    core->prng.state = options->seed;
    core->term = start->term;
    core->vote = start->vote;
    take_members(core);
    cc_raft_log_init(core, start);
    core->commit = start->base_index; /* an image holds what was committed, and nothing else */
    core->verified = core->commit;
    if (cc_raft_log_term(core, core->last) > core->term) {
        core->term = cc_raft_log_term(core, core->last); /* an entry of a term proves the term */
        core->vote = 0;
    }
    *core_out = core;
    return COPYCAT_OK;
}

void cc_raft_destroy(struct cc_raft *core)
{
    if (core != NULL) {
        const struct cc_memory *memory = core->memory;

        cc_memory_give(memory, core->runs);
        cc_memory_give(memory, core);
    }
}

/* ---- between the files ----------------------------------------------------------------------- */

struct cc_raft_peer *cc_raft_peer_of(struct cc_raft *core, uint32_t id)
{
    for (uint32_t i = 0; i < core->peer_count; i++) {
        if (core->peers[i].id == id) {
            return &core->peers[i];
        }
    }
    return NULL;
}

struct cc_raft_send *cc_raft_send(
    struct cc_raft *core, enum cc_raft_message_kind kind, uint32_t to, uint64_t term)
{
    CC_ASSERT(core->effects->send_count < CC_RAFT_SENDS_MAX);
    struct cc_raft_send *send = &core->effects->sends[core->effects->send_count++];

    memset(send, 0, sizeof *send);
    send->message.kind = kind;
    send->message.from = core->options.id;
    send->message.to = to;
    send->message.term = term;
    return send;
}

/* ---- events ---------------------------------------------------------------------------------- */

static void start(struct cc_raft *core)
{
    bool is_new = core->term == 0 && core->last == 0;

    /* T-067: the former life may have promised not to vote; a brand-new member has promised
     * nothing, and where there is one voter nobody relies on another's promise. */
    if (!is_new && !(core->is_voter && core->quorum == 1) && !CC_BUG(T067)) {
        core->quiet_until_us = core->now_us + core->options.promise_us_max;
    }
    cc_raft_delay_election(core);
    if (core->is_voter && core->quorum == 1 && core->peer_count == 0) {
        core->election_due_us = core->now_us;
        cc_raft_campaign_if_due(core);
    }
}

static void stored(struct cc_raft *core, uint64_t ticket)
{
    cc_raft_log_stored(core, ticket);
    cc_raft_check_won(core);
    cc_raft_advance_commit(core);
    cc_raft_acknowledge_stored(core);
}

static copycat_status propose(struct cc_raft *core, uint32_t count)
{
    if (core->role != CC_RAFT_LEADER) {
        return COPYCAT_ERR_NO_LEADER;
    }
    if (core->transfer_target != 0 || count == 0 || core->last + count > CC_INDEX_MAX ||
        core->last - core->commit + count > core->options.uncommitted_max) {
        return COPYCAT_ERR_BUSY;
    }
    core->effects->append_source = CC_RAFT_APPEND_PROPOSED;
    core->effects->append_first = core->last + 1;
    core->effects->append_last = core->last + count;
    cc_raft_log_extend(core, core->last + count, core->term);
    cc_raft_log_note_append(core);
    return COPYCAT_OK;
}

/* Numbers within their bounds (T-011), from a member that may say such a thing: only a voter leads
 * or campaigns, and no log holds an entry of the term that is campaigned for. */
static bool is_plausible(struct cc_raft *core, const struct cc_raft_message *message)
{
    const struct cc_raft_peer *peer = cc_raft_peer_of(core, message->from);
    bool is_voters = message->kind != CC_RAFT_VOTE_REPLY && message->kind != CC_RAFT_APPEND_REPLY;

    return peer != NULL && (peer->is_voter || !is_voters) && message->to == core->options.id &&
           message->term > 0 && (message->term <= CC_TERM_MAX || CC_BUG(T011)) &&
           message->last_index <= CC_INDEX_MAX && message->prev_index <= CC_INDEX_MAX &&
           message->match <= CC_INDEX_MAX && message->hint_index <= CC_INDEX_MAX &&
           message->commit <= CC_INDEX_MAX &&
           (message->kind != CC_RAFT_VOTE || message->last_term < message->term);
}

static copycat_status receive(struct cc_raft *core, const struct cc_raft_message *message)
{
    if (!is_plausible(core, message)) {
        return COPYCAT_ERR_MALFORMED;
    }
    switch (message->kind) {
    case CC_RAFT_VOTE:
        cc_raft_receive_vote(core, message);
        return COPYCAT_OK;
    case CC_RAFT_VOTE_REPLY:
        cc_raft_receive_vote_reply(core, message);
        return COPYCAT_OK;
    case CC_RAFT_APPEND:
        return cc_raft_receive_append(core, message);
    case CC_RAFT_APPEND_REPLY:
        cc_raft_receive_append_reply(core, message);
        return COPYCAT_OK;
    case CC_RAFT_TIMEOUT_NOW:
        cc_raft_receive_timeout_now(core, message);
        return COPYCAT_OK;
    }
    return COPYCAT_ERR_MALFORMED;
}

static void peer_changed(struct cc_raft *core, uint32_t id, bool is_up)
{
    struct cc_raft_peer *peer = cc_raft_peer_of(core, id);

    if (peer == NULL) {
        return;
    }
    peer->is_up = is_up;
    cc_raft_peer_reset(peer);
    if (is_up && peer->is_voter && !peer->has_answered &&
        (core->role == CC_RAFT_CANDIDATE || core->role == CC_RAFT_PRECANDIDATE)) {
        cc_raft_ask_for_vote(core, peer);
    }
    core->wants_heartbeat = core->wants_heartbeat || (is_up && core->role == CC_RAFT_LEADER);
}

/* T-013: a member that cannot write must not lead, however well its network works. */
static void stall(struct cc_raft *core, bool is_stalled)
{
    core->is_stalled = is_stalled;
    if (is_stalled && core->role == CC_RAFT_LEADER && !CC_BUG(T013)) {
        cc_raft_follow(core, core->term, 0);
    }
}

/* R7: what was acknowledged stays so, and nothing more is.  Who cannot read an entry cannot send it,
 * and leaves the lead to others, who can. */
static void damaged(struct cc_raft *core, uint64_t index)
{
    if (index == 0 || index < core->first || index > core->last) {
        return; /* dropped or forgotten since */
    }
    if (core->damaged_from == 0 || index < core->damaged_from) {
        cc_raft_log_repaired(core, index);
    }
    if (core->role != CC_RAFT_FOLLOWER) {
        cc_raft_follow(core, core->term, 0);
    }
}

static copycat_status dispatch(struct cc_raft *core, const struct cc_raft_event *event)
{
    switch (event->kind) {
    case CC_RAFT_EVENT_START:
        start(core);
        break;
    case CC_RAFT_EVENT_RECEIVE:
        return receive(core, event->message);
    case CC_RAFT_EVENT_STORED:
        stored(core, event->ticket);
        break;
    case CC_RAFT_EVENT_SENT:
        cc_raft_sent(core, event);
        break;
    case CC_RAFT_EVENT_PROPOSE:
        return propose(core, event->count);
    case CC_RAFT_EVENT_READ:
        return cc_raft_begin_round(core);
    case CC_RAFT_EVENT_TIMEOUT:
        cc_raft_lead_on(core);
        cc_raft_go_on_with_transfer(core);
        cc_raft_campaign_if_due(core);
        break;
    case CC_RAFT_EVENT_TRANSFER:
        return cc_raft_begin_transfer(core, event->peer);
    case CC_RAFT_EVENT_STALLED:
    case CC_RAFT_EVENT_UNSTALLED:
        stall(core, event->kind == CC_RAFT_EVENT_STALLED);
        break;
    case CC_RAFT_EVENT_DAMAGED:
        damaged(core, event->index);
        break;
    case CC_RAFT_EVENT_REPAIRED:
        cc_raft_log_repaired(core, event->index);
        cc_raft_acknowledge_stored(core);
        break;
    case CC_RAFT_EVENT_PEER_UP:
    case CC_RAFT_EVENT_PEER_DOWN:
        peer_changed(core, event->peer, event->kind == CC_RAFT_EVENT_PEER_UP);
        break;
    case CC_RAFT_EVENT_FORGOTTEN:
        cc_raft_forgotten(core, event->index);
        break;
    case CC_RAFT_EVENT_INSTALL:
        return cc_raft_install(core, event->index, event->term);
    case CC_RAFT_EVENT_FETCHING:
        cc_raft_fetching(core, event->peer, event->index);
        break;
    }
    return COPYCAT_OK;
}

/* S1: a message bears its term, so it waits for the newest term and vote to be durable (T-001). */
static void finish(struct cc_raft *core)
{
    struct cc_raft_effects *effects = core->effects;
    uint64_t after = core->ticket_store > core->ticket_durable ? core->ticket_store : 0;

    if (effects->append_source == CC_RAFT_APPEND_PROPOSED ||
        effects->append_source == CC_RAFT_APPEND_NOOP) {
        effects->append_term = core->term;
    }
    for (uint32_t i = 0; i < effects->send_count; i++) {
        effects->sends[i].after = CC_BUG(T001) ? 0 : after;
        effects->sends[i].core_term = core->term;
    }
}

static void set_wake(struct cc_raft *core)
{
    struct cc_raft_effects *effects = core->effects;

    if (core->role == CC_RAFT_LEADER) {
        effects->wake_at_us = core->heartbeat_due_us;
        if (core->transfer_target != 0 && core->transfer_until_us < effects->wake_at_us) {
            effects->wake_at_us = core->transfer_until_us;
        }
    } else if (core->is_voter) {
        effects->wake_at_us = core->election_due_us;
    } else {
        effects->wake_at_us = core->now_us + core->options.election_timeout_us;
    }
}

/* Walks everything that the invariants speak of. */
static bool is_consistent(const struct cc_raft *core)
{
    uint64_t term = 0;
    uint64_t first = 0;

    for (uint32_t i = 0; i < core->run_count; i++) {
        if (core->runs[i].first <= first || core->runs[i].term <= term) {
            return false; /* R6 */
        }
        first = core->runs[i].first;
        term = core->runs[i].term;
    }
    for (uint32_t i = 0; i < core->peer_count; i++) {
        if (core->role == CC_RAFT_LEADER && core->peers[i].match >= core->peers[i].next) {
            return false; /* R5 */
        }
    }
    if (core->role == CC_RAFT_FOLLOWER && core->verified < core->commit && !CC_BUG(T019)) {
        return false;
    }
    return first <= core->last && term <= core->term &&
           (core->first <= core->commit + 1 || CC_BUG(T021)); /* R8 */
}

/* R9 */
static bool keeps_to_log(const struct cc_raft *core)
{
    for (uint32_t i = 0; i < core->effects->send_count; i++) {
        const struct cc_raft_message *message = &core->effects->sends[i].message;

        if (message->kind == CC_RAFT_APPEND && message->prev_index + 1 < core->first) {
            return false;
        }
    }
    return true;
}

copycat_status cc_raft_step(
    struct cc_raft *core, const struct cc_raft_event *event, struct cc_raft_effects *effects)
{
    copycat_status status;

    effects->ticket = 0;
    effects->store = false;
    effects->truncate_from = 0;
    effects->install_index = 0;
    effects->append_source = CC_RAFT_APPEND_NOTHING;
    effects->commit = 0;
    effects->became = false;
    effects->read_round = 0;
    effects->read_index = 0;
    effects->round_confirmed = false;
    effects->transfer_ended = false;
    effects->send_count = 0;
    core->effects = effects;
    core->now_us = event->now_us;
    status = dispatch(core, event);
    if (status == COPYCAT_OK) {
        cc_raft_replicate(core);
        finish(core);
    }
    set_wake(core);
    CC_ASSERT(core->commit <= core->last || CC_BUG(T020)); /* R1 */
    CC_ASSERT(keeps_to_log(core));
    CC_VERIFY(is_consistent(core));
    (void)is_consistent;
    return status;
}

/* ---- asked for ------------------------------------------------------------------------------- */

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
    return core->last;
}

uint64_t cc_raft_first(const struct cc_raft *core)
{
    return core->first;
}

uint64_t cc_raft_stable(const struct cc_raft *core)
{
    return core->stable;
}

uint64_t cc_raft_round_confirmed(const struct cc_raft *core)
{
    return core->round_confirmed;
}

uint64_t cc_raft_term_at(const struct cc_raft *core, uint64_t index)
{
    return cc_raft_log_term(core, index);
}

uint64_t cc_raft_match(const struct cc_raft *core, uint32_t id)
{
    for (uint32_t i = 0; core->role == CC_RAFT_LEADER && i < core->peer_count; i++) {
        if (core->peers[i].id == id) {
            return core->peers[i].match;
        }
    }
    return 0;
}
