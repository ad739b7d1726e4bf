/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_follower -- appends at the follower (dissertation 3.5): does the log match, what conflicts,
 * what is committed, and what may be acknowledged.
 */
#include "raft/raft_internal.h"

static uint64_t least(uint64_t left, uint64_t right)
{
    return left < right ? left : right;
}

static void acknowledge(struct cc_raft *core)
{
    struct cc_raft_send *send = cc_raft_send(core, CC_RAFT_APPEND_REPLY, core->leader, core->term);

    /*
     * T-016: what is acknowledged is durable, and known to match: as far as this leader's appends
     * have shown, and through our commit index in any case.  For whatever we know to be committed
     * was so in this term or an earlier one, and then its leader has it (3.6.3), at the same index
     * and in the same term.  So after an image at H the leader goes on from H + 1 by itself.
     */
    send->message.is_accepted = true;
    send->message.match = CC_BUG(T016) ? core->verified : least(core->stable, core->verified);
    send->message.round = core->heard_round;
    send->message.sent_at_us = core->heard_sent_us;
    send->message.promise_us = core->options.promise_us;
    core->acknowledged = send->message.match;
    core->told_round = core->heard_round;
}

void cc_raft_acknowledge_stored(struct cc_raft *core)
{
    if (core->role == CC_RAFT_FOLLOWER && core->leader != 0 &&
        least(core->stable, core->verified) > core->acknowledged) {
        acknowledge(core);
    }
}

static void refuse(struct cc_raft *core, const struct cc_raft_message *message)
{
    struct cc_raft_send *send = cc_raft_send(core, CC_RAFT_APPEND_REPLY, message->from, core->term);

    send->message.hint_index = cc_raft_log_find(core, message->prev_index, message->prev_term);
    send->message.hint_term = cc_raft_log_term(core, send->message.hint_index);
    send->message.round = message->round;
    send->message.sent_at_us = message->sent_at_us;
    send->message.promise_us = core->options.promise_us;
}

static void refuse_old(struct cc_raft *core, const struct cc_raft_message *message)
{
    struct cc_raft_send *send = cc_raft_send(core, CC_RAFT_APPEND_REPLY, message->from, core->term);

    send->message.sent_at_us = message->sent_at_us;
}

/* At or below the commit index every leader has what we have (leader completeness, 3.6.3). */
static bool matches(const struct cc_raft *core, const struct cc_raft_message *message)
{
    return message->prev_index <= core->commit ||
           (message->prev_index <= core->last &&
            cc_raft_log_term(core, message->prev_index) == message->prev_term);
}

static uint64_t run_last(const struct cc_raft_message *message, uint32_t run)
{
    return run + 1 < message->run_count ? message->runs[run + 1].first - 1
                                        : message->prev_index + message->entry_count;
}

/* The first index whose term differs from ours; one past both where none does. */
static uint64_t first_conflict(const struct cc_raft *core, const struct cc_raft_message *message)
{
    uint64_t at = message->prev_index + 1;

    for (uint32_t run = 0; run < message->run_count; run++) {
        uint64_t end = run_last(message, run);

        at = at > core->commit ? at : core->commit + 1;
        while (at <= end && at <= core->last) {
            if (cc_raft_log_term(core, at) != message->runs[run].term) {
                return at;
            }
            at = least(cc_raft_log_run_end(core, at), end) + 1;
        }
        if (at > core->last) {
            return core->last + 1;
        }
    }
    return at;
}

/* Stores the message's entries from `first` on, as far as there is room for their runs. */
static void store_entries(
    struct cc_raft *core, const struct cc_raft_message *message, uint64_t first)
{
    CC_ASSERT(first == core->last + 1);
    for (uint32_t run = 0; run < message->run_count; run++) {
        uint64_t end = run_last(message, run);

        if (end < first) {
            continue;
        }
        if (!cc_raft_log_has_room(core)) {
            break;
        }
        cc_raft_log_extend(core, end, message->runs[run].term);
    }
    if (core->last < first) {
        return;
    }
    core->effects->append_source = CC_RAFT_APPEND_RECEIVED;
    core->effects->append_first = first;
    core->effects->append_last = core->last;
    core->effects->append_term = cc_raft_log_term(core, core->last);
    cc_raft_log_note_append(core);
}

static void take_entries(struct cc_raft *core, const struct cc_raft_message *message)
{
    uint64_t end = message->prev_index + message->entry_count;
    uint64_t conflict = first_conflict(core, message);

    if (CC_BUG(T020) && end < core->last && end >= core->commit) {
        cc_raft_log_truncate(core, end + 1); /* as if what is not in the message were not so */
    }
    if (message->entry_count == 0 || conflict > end) {
        return; /* T-020: a short or late message takes nothing away */
    }
    if (conflict <= core->last) {
        cc_raft_log_truncate(core, conflict);
    }
    store_entries(core, message, conflict);
}

/* T-019: what this message verified, and not a bit more. */
static void take_commit(struct cc_raft *core, const struct cc_raft_message *message)
{
    uint64_t through = CC_BUG(T019) ? core->last : message->prev_index + message->entry_count;

    through = least(least(through, core->last), message->commit);
    if (through > core->commit || (CC_BUG(T021) && through < core->commit)) {
        core->commit = through;
        core->effects->commit = through;
    }
}

static bool is_sound(const struct cc_raft_message *message)
{
    uint64_t end = message->prev_index + message->entry_count;
    uint64_t at = message->prev_index + 1;
    uint64_t term = 0;

    if (message->run_count > CC_RUNS_PER_APPEND_MAX ||
        (message->entry_count == 0) != (message->run_count == 0) ||
        (message->prev_index == 0) != (message->prev_term == 0) ||
        message->prev_term > message->term || end > CC_INDEX_MAX ||
        message->floor > message->commit) {
        return false;
    }
    if (message->run_count > 0 && message->runs[0].term < message->prev_term) {
        return false; /* terms ascend along a log */
    }
    for (uint32_t run = 0; run < message->run_count; run++) {
        if ((run == 0 && message->runs[run].first != at) || message->runs[run].first < at ||
            message->runs[run].first > end || message->runs[run].term <= term ||
            message->runs[run].term > message->term) {
            return false;
        }
        at = message->runs[run].first + 1;
        term = message->runs[run].term;
    }
    return true;
}

/* Whoever leads our term or a later one has everything that is committed (3.6.3).  A message that
 * contradicts this does not come from such a leader, and must not get at our log. */
static bool keeps_committed(const struct cc_raft *core, const struct cc_raft_message *message)
{
    uint64_t known = cc_raft_log_term(core, message->prev_index);

    if (message->prev_index <= core->commit && known != 0 && known != message->prev_term) {
        return false;
    }
    for (uint32_t run = 0; run < message->run_count; run++) {
        uint64_t at = message->runs[run].first;
        uint64_t end = least(least(run_last(message, run), core->commit), core->last);

        if (core->run_count > 0 && at < core->runs[0].first) {
            at = core->runs[0].first; /* what lies before is forgotten, and committed */
        }
        for (; at <= end; at = cc_raft_log_run_end(core, at) + 1) {
            if (cc_raft_log_term(core, at) != message->runs[run].term) {
                return false;
            }
        }
    }
    return true;
}

static void hear_leader(struct cc_raft *core, const struct cc_raft_message *message)
{
    if (message->term > core->term || core->role != CC_RAFT_FOLLOWER ||
        core->leader != message->from) {
        cc_raft_follow(core, message->term, message->from);
    }
    core->term_leader = message->from;
    core->contact_us = core->now_us;
    core->promise_until_us = core->now_us + core->options.promise_us;
    core->promise_term = core->term;
    core->floor = message->floor;
    core->heard_round = message->round;
    core->heard_sent_us = message->sent_at_us;
    cc_raft_delay_election(core);
}

/* A term has one leader at most.  What matches the first says nothing about the log of another, so
 * what was acknowledged would be a lie to it. */
static bool is_second_leader(const struct cc_raft *core, const struct cc_raft_message *message)
{
    return message->term == core->term && core->term_leader != 0 &&
           core->term_leader != message->from;
}

copycat_status cc_raft_receive_append(struct cc_raft *core, const struct cc_raft_message *message)
{
    if (!is_sound(message) || is_second_leader(core, message)) {
        return COPYCAT_ERR_MALFORMED;
    }
    if (message->term < core->term) {
        refuse_old(core, message);
        return COPYCAT_OK;
    }
    if (!keeps_committed(core, message)) {
        return COPYCAT_ERR_MALFORMED;
    }
    hear_leader(core, message);
    if (!matches(core, message)) {
        refuse(core, message);
        return COPYCAT_OK;
    }

    uint64_t end = message->prev_index + message->entry_count;

    take_entries(core, message);
    end = least(end, core->last);
    if (end > core->verified) {
        core->verified = end;
    }
    take_commit(core, message);

    /* With something to store the answer comes when it is stored, unless a round waits for it. */
    if (core->effects->append_source == CC_RAFT_APPEND_NOTHING ||
        message->round > core->told_round || CC_BUG(T016)) {
        acknowledge(core);
    }
    return COPYCAT_OK;
}
