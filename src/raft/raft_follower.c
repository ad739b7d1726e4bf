/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_follower -- a leader's append, and the answer to it.
 *
 * Where it sits:   raft.c hands it appends and finished writes; it asks the driver to truncate and
 * to append, and tells the leader what is durable and equal to the leader's log. Source:
 * dissertation 3.5, figure 3.1; 6.4.1 for the promise in each answer.
 *
 * `verified` is how far this log is known to equal that of this term's leader.  Nothing above it is
 * acknowledged or committed, whatever else the log holds (T-019), and of what is below it only what
 * is durable is acknowledged (T-016).
 */
#include "base/assert.h"
#include "base/bug.h"
#include "raft/raft_internal.h"

static uint64_t match_of(const struct cc_raft *core)
{
    return CC_BUG(T016) ? core->verified : cc_raft_min(core->verified, core->log.stable);
}

/* The newest round and time heard are echoed, not those of a message that was overtaken: both say
 * that this voter still followed after they were sent. */
static struct cc_raft_message *reply(struct cc_raft *core, uint32_t leader)
{
    struct cc_raft_message *message = &cc_raft_send(core, CC_RAFT_APPEND_REPLY, leader)->message;

    message->round = core->echo_round;
    message->sent_at_us = core->echo_sent_at_us;
    message->promise_us = cc_raft_self_votes(core) ? core->options.promise_us : 0;
    core->echoed_round = core->echo_round;
    return message;
}

static void accept(struct cc_raft *core, uint32_t leader)
{
    struct cc_raft_message *message = reply(core, leader);

    message->is_accepted = true;
    message->match = match_of(core);
    core->acknowledged = message->match;
}

/* The newest entry that may be the leader's too; both sides skip whole terms (§3.5, figure 3.1). */
static void refuse(struct cc_raft *core, const struct cc_raft_message *append, uint64_t hint_index)
{
    struct cc_raft_message *message = reply(core, append->from);

    CC_ASSERT(hint_index < append->prev_index + append->entry_count);
    message->hint_index = cc_raft_max(hint_index, cc_raft_min(core->commit, core->log.last));
    message->hint_term = cc_raft_log_term_at(&core->log, message->hint_index);
}

/* A leader of an older term: our term in the answer sends it back to follower. */
static void refuse_late(struct cc_raft *core, const struct cc_raft_message *append)
{
    struct cc_raft_message *message =
        &cc_raft_send(core, CC_RAFT_APPEND_REPLY, append->from)->message;

    CC_ASSERT(append->term < core->term);
    message->round = append->round;
    message->sent_at_us = append->sent_at_us;
}

static void note_contact(struct cc_raft *core, const struct cc_raft_message *append)
{
    if (core->role != CC_RAFT_FOLLOWER || append->term > core->term ||
        core->leader != append->from) {
        CC_ASSERT(core->role != CC_RAFT_LEADER || append->term > core->term);
        cc_raft_follow(core, append->term, append->from);
    }
    core->has_contact = true;
    core->contact_us = core->now_us;
    core->promise_term = append->term;
    core->promise_us =
        cc_raft_max(core->promise_us, cc_raft_later(core->now_us, core->options.promise_us));
    core->echo_round = cc_raft_max(core->echo_round, append->round);
    core->echo_sent_at_us = cc_raft_max(core->echo_sent_at_us, append->sent_at_us);
    cc_raft_election_rest(core);
    core->deadline_us = cc_raft_max(core->deadline_us, core->promise_us);
}

/* What is committed is in every later leader's log, so it matches without a look. */
static bool does_prev_match(const struct cc_raft *core, const struct cc_raft_message *append)
{
    if (append->prev_index > core->log.last) {
        return false;
    }
    return append->prev_index <= core->commit ||
           cc_raft_log_term_at(&core->log, append->prev_index) == append->prev_term;
}

static void truncate(struct cc_raft *core, uint64_t from)
{
    CC_ASSERT(from > core->commit || CC_BUG(T020));   /* R3 */
    CC_ASSERT(from > core->verified || CC_BUG(T020)); /* R4: the leader's log only grows */
    cc_raft_durable(core);
    cc_raft_log_truncate(&core->log, from);
    core->effects->truncate_from = from;
    core->verified = cc_raft_min(core->verified, core->log.last);
    core->acknowledged = cc_raft_min(core->acknowledged, core->log.last);
}

/* Takes over the message's entries from `first` on. */
static void append_from(struct cc_raft *core, const struct cc_raft_message *append, uint64_t first)
{
    uint64_t end = append->prev_index + append->entry_count;

    CC_ASSERT(first == core->log.last + 1);
    CC_ASSERT(first <= end);
    cc_raft_durable(core);
    core->effects->append_source = CC_RAFT_APPEND_RECEIVED;
    core->effects->append_first = first;
    core->effects->append_last = end;
    core->effects->append_term = cc_raft_message_term_at(append, end);
    for (uint32_t i = 0; i < append->run_count; i++) {
        uint64_t run_end = i + 1 < append->run_count ? append->runs[i + 1].first - 1 : end;

        if (run_end > core->log.last) {
            cc_raft_log_append(&core->log, run_end - core->log.last, append->runs[i].term);
        }
    }
    CC_ASSERT(core->log.last == end);
}

/* Only a real difference of terms truncates: a message that is short, late or doubled proves
 * nothing about what follows it (T-020).  False if the terms to compare are forgotten here. */
static bool take_entries(struct cc_raft *core, const struct cc_raft_message *append)
{
    uint64_t end = append->prev_index + append->entry_count;
    uint64_t known = cc_raft_min(core->commit, core->log.last);
    uint64_t through = cc_raft_min(end, core->log.last);
    uint64_t next = cc_raft_max(append->prev_index, known) + 1;

    if (next <= through) {
        if (cc_raft_log_term_at(&core->log, next) == 0) {
            return false;
        }
        next = cc_raft_message_conflict(&core->log, append, next, through);
    }
    if (next <= through) {
        truncate(core, next);
    }
    if (next <= end) {
        append_from(core, append, next);
    }
    if (CC_BUG(T020) && core->log.last > end) {
        truncate(core, end + 1);
    }
    return true;
}

static void learn_commit(struct cc_raft *core, const struct cc_raft_message *append)
{
    uint64_t end = append->prev_index + append->entry_count;
    uint64_t commit = cc_raft_min(append->commit, CC_BUG(T019) ? core->log.last : end);

    if (commit > core->commit) {
        CC_ASSERT(commit <= core->verified || CC_BUG(T019) || CC_BUG(T020));
        core->commit = commit;
    }
}

void cc_raft_receive_append(struct cc_raft *core, const struct cc_raft_message *message)
{
    if (message->term < core->term) {
        refuse_late(core, message);
        return;
    }
    note_contact(core, message);
    if (!does_prev_match(core, message)) {
        bool is_short = message->prev_index > core->log.last;
        uint64_t newest = is_short ? core->log.last : message->prev_index - 1;

        refuse(core, message, cc_raft_log_find(&core->log, newest, message->prev_term));
        return;
    }
    if (!take_entries(core, message)) {
        refuse(core, message, core->commit);
        return;
    }
    core->verified = cc_raft_max(core->verified, message->prev_index + message->entry_count);
    learn_commit(core, message);

    /* What has just been appended is answered when it is durable.  A round does not wait for that.
     */
    if (core->effects->append_source == CC_RAFT_APPEND_NOTHING ||
        core->echo_round > core->echoed_round || CC_BUG(T016)) {
        accept(core, message->from);
    }
}

void cc_raft_follower_stored(struct cc_raft *core)
{
    if (core->role == CC_RAFT_FOLLOWER && core->leader != 0 &&
        match_of(core) > core->acknowledged) {
        accept(core, core->leader);
    }
}
