/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_message -- which messages no correct member sends.  They are refused before anything
 * changes.
 *
 * Bytes from a network are checked, never asserted: a broken or hostile peer must not stop us, and
 * a corrupt term or index must not wedge elections for good (T-011).
 */
#include "base/assert.h"
#include "raft/raft_internal.h"

uint64_t cc_raft_message_term_at(const struct cc_raft_message *message, uint64_t index)
{
    uint32_t run = message->run_count;

    CC_ASSERT(index > message->prev_index);
    CC_ASSERT(index <= message->prev_index + message->entry_count);
    while (message->runs[run - 1].first > index) {
        run--;
    }
    return message->runs[run - 1].term;
}

static bool are_runs_sound(const struct cc_raft_message *message)
{
    uint64_t end = message->prev_index + message->entry_count;
    uint64_t term = message->prev_term;

    if (message->entry_count == 0) {
        return message->run_count == 0;
    }
    if (message->run_count == 0 || message->run_count > CC_RUNS_PER_APPEND_MAX ||
        message->runs[0].first != message->prev_index + 1 || message->runs[0].term == 0) {
        return false;
    }
    for (uint32_t i = 0; i < message->run_count; i++) {
        const struct cc_raft_run *run = &message->runs[i];

        if (run->term < term || run->term > message->term || run->first > end) {
            return false;
        }
        if (i > 0 && (run->first <= message->runs[i - 1].first || run->term == term)) {
            return false;
        }
        term = run->term;
    }
    return true;
}

static uint64_t message_run_end(const struct cc_raft_message *message, uint64_t index)
{
    CC_ASSERT(index > message->prev_index);
    for (uint32_t i = 1; i < message->run_count; i++) {
        if (message->runs[i].first > index) {
            return message->runs[i].first - 1;
        }
    }
    return message->prev_index + message->entry_count;
}

uint64_t cc_raft_message_conflict(
    const struct cc_raft_log *log,
    const struct cc_raft_message *message,
    uint64_t from,
    uint64_t through)
{
    CC_ASSERT(from > message->prev_index);
    CC_ASSERT(through <= log->last);
    if (log->run_count > 0) {
        from = cc_raft_max(from, log->runs[0].first);
    }
    while (from <= through) {
        uint64_t ours = cc_raft_log_run_end(log, from);
        uint64_t theirs = message_run_end(message, from);

        if (cc_raft_log_term_at(log, from) != cc_raft_message_term_at(message, from)) {
            return from;
        }
        from = cc_raft_min(ours, theirs) + 1;
    }
    return through + 1;
}

/* Leader completeness: whoever leads our term or a later one has what we know to be committed. */
static bool keeps_committed(const struct cc_raft *core, const struct cc_raft_message *message)
{
    uint64_t end = message->prev_index + message->entry_count;
    uint64_t through = cc_raft_min(cc_raft_min(end, core->commit), core->log.last);

    if (message->term < core->term || through <= message->prev_index) {
        return true;
    }
    return cc_raft_message_conflict(&core->log, message, message->prev_index + 1, through) ==
           through + 1;
}

static bool is_append_sound(const struct cc_raft *core, const struct cc_raft_message *message)
{
    if (message->prev_index > CC_INDEX_MAX || message->commit > CC_INDEX_MAX ||
        message->prev_index + message->entry_count > CC_INDEX_MAX) {
        return false;
    }
    if (message->prev_term > message->term ||
        (message->prev_index == 0) != (message->prev_term == 0)) {
        return false;
    }
    if (message->term == core->term) {
        /* One leader in a term (election safety), and it is neither we nor a second one. */
        if (core->role == CC_RAFT_LEADER) {
            return false;
        }
        if (core->leader != 0 && core->leader != message->from) {
            return false;
        }
    }
    return are_runs_sound(message) && keeps_committed(core, message);
}

static bool is_vote_sound(const struct cc_raft_message *message)
{
    if (message->last_index > CC_INDEX_MAX || message->last_term >= message->term) {
        return false;
    }
    if ((message->last_index == 0) != (message->last_term == 0)) {
        return false;
    }
    return !(message->is_prevote && message->is_transfer);
}

static bool is_vote_reply_sound(const struct cc_raft *core, const struct cc_raft_message *message)
{
    /* A request waits until its term is durable, so nobody can grant what we do not remember. */
    uint64_t newest = message->is_prevote ? core->term + 1 : core->term;

    return !message->is_granted || message->term <= newest;
}

static bool is_append_reply_sound(const struct cc_raft *core, const struct cc_raft_message *message)
{
    if (message->match > CC_INDEX_MAX || message->hint_index > CC_INDEX_MAX ||
        message->hint_term > message->term || message->promise_us > core->options.promise_us_max) {
        return false;
    }
    if (core->role != CC_RAFT_LEADER || message->term != core->term) {
        return true;
    }
    return message->match <= core->log.last && message->round <= core->round &&
           message->sent_at_us <= core->now_us;
}

/* A learner takes entries and says that it has them; everything else is between voters. */
static bool may_pass(
    const struct cc_raft *core,
    const struct cc_raft_peer *peer,
    const struct cc_raft_message *message)
{
    bool from_voter = peer->is_voter || message->kind == CC_RAFT_APPEND_REPLY;
    bool to_voter = cc_raft_self_votes(core) || message->kind == CC_RAFT_APPEND;

    return from_voter && to_voter;
}

bool cc_raft_message_is_sound(struct cc_raft *core, const struct cc_raft_message *message)
{
    const struct cc_raft_peer *peer = cc_raft_peer(core, message->from);

    if (peer == NULL || message->from == core->options.id || message->to != core->options.id) {
        return false;
    }
    if (message->term == 0 || message->term > CC_TERM_MAX || !may_pass(core, peer, message)) {
        return false;
    }
    switch (message->kind) {
    case CC_RAFT_VOTE:
        return is_vote_sound(message);
    case CC_RAFT_VOTE_REPLY:
        return is_vote_reply_sound(core, message);
    case CC_RAFT_APPEND:
        return is_append_sound(core, message);
    case CC_RAFT_APPEND_REPLY:
        return is_append_reply_sound(core, message);
    case CC_RAFT_TIMEOUT_NOW:
        return message->term != core->term || core->role != CC_RAFT_LEADER;
    }
    return false;
}
