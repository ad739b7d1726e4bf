/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_election -- terms, votes, and who may campaign (dissertation 3.4, 9.6).
 */
#include "raft/raft_internal.h"

/* R2: whatever reveals the new term or vote waits for this ticket; see finish() in raft.c. */
void cc_raft_store(struct cc_raft *core, uint64_t term, uint32_t vote)
{
    CC_ASSERT(term >= core->term);
    CC_ASSERT(term > core->term || core->vote == 0 || CC_BUG(T010));
    core->term_leader = term > core->term ? 0 : core->term_leader;
    core->floor = term > core->term ? 0 : core->floor;
    core->term = term;
    core->vote = vote;
    core->effects->store = true;
    core->ticket_store = cc_raft_log_ticket(core);
}

void cc_raft_delay_election(struct cc_raft *core)
{
    uint64_t timeout = core->options.election_timeout_us;

    core->election_due_us = core->now_us + timeout + cc_prng_below(&core->prng, timeout);
    if (core->election_due_us < core->quiet_until_us) {
        core->election_due_us = core->quiet_until_us + cc_prng_below(&core->prng, timeout);
    }
}

void cc_raft_follow(struct cc_raft *core, uint64_t term, uint32_t leader)
{
    if (term > core->term) {
        cc_raft_store(core, term, 0);
        core->verified = core->commit;
        core->acknowledged = 0;
        core->heard_round = 0;
        core->told_round = 0;
    }
    if (core->role == CC_RAFT_LEADER) {
        cc_raft_end_transfer(core);
        core->term_first = 0;
        core->verified = core->commit;
        core->acknowledged = 0;
    }
    if (core->role != CC_RAFT_FOLLOWER || core->leader != leader || core->effects->store) {
        core->effects->became = true;
    }
    if (core->role != CC_RAFT_FOLLOWER || core->leader != leader) {
        cc_raft_delay_election(core);
    }
    core->role = CC_RAFT_FOLLOWER;
    core->leader = leader;
}

/* ---- campaigns ------------------------------------------------------------------------------- */

void cc_raft_ask_for_vote(struct cc_raft *core, const struct cc_raft_peer *peer)
{
    bool is_prevote = core->role == CC_RAFT_PRECANDIDATE;
    struct cc_raft_send *send =
        cc_raft_send(core, CC_RAFT_VOTE, peer->id, core->term + (is_prevote ? 1 : 0));

    send->message.last_index = core->last;
    send->message.last_term = cc_raft_log_term(core, core->last);
    send->message.is_prevote = is_prevote;
    send->message.is_transfer = core->is_transfer;
}

static void ask_all(struct cc_raft *core)
{
    for (uint32_t i = 0; i < core->peer_count; i++) {
        core->peers[i].has_answered = false;
        core->peers[i].has_granted = false;
        if (core->peers[i].is_voter) {
            cc_raft_ask_for_vote(core, &core->peers[i]);
        }
    }
}

static uint32_t granted(const struct cc_raft *core)
{
    uint32_t count = 1; /* its own */

    for (uint32_t i = 0; i < core->peer_count; i++) {
        count += core->peers[i].is_voter && core->peers[i].has_granted;
    }
    return count;
}

void cc_raft_campaign(struct cc_raft *core, bool is_transfer)
{
    CC_ASSERT(core->is_voter);
    CC_ASSERT(core->role != CC_RAFT_LEADER);
    core->role = CC_RAFT_CANDIDATE;
    core->leader = 0;
    core->is_transfer = is_transfer;
    cc_raft_store(
        core, CC_BUG(T010) && core->quorum == 1 && core->term > 0 ? core->term : core->term + 1,
        core->options.id);
    core->verified = core->commit;
    core->acknowledged = 0;
    core->effects->became = true;
    cc_raft_delay_election(core);
    ask_all(core);
    cc_raft_check_won(core);
}

/* 9.6: asks first whether it would be elected, so that a member that cannot win disturbs nobody. */
static void precampaign(struct cc_raft *core)
{
    core->role = CC_RAFT_PRECANDIDATE;
    core->leader = 0;
    core->is_transfer = false;
    core->effects->became = true;
    cc_raft_delay_election(core);
    ask_all(core);
    cc_raft_check_won(core);
}

void cc_raft_campaign_if_due(struct cc_raft *core)
{
    if (core->role == CC_RAFT_LEADER || !core->is_voter || core->now_us < core->election_due_us) {
        return;
    }
    if ((core->is_stalled && !CC_BUG(T013)) || core->damaged_from != 0 ||
        core->term >= CC_TERM_MAX || !cc_raft_log_has_room(core)) {
        cc_raft_delay_election(core);
        return;
    }
    precampaign(core);
}

static void lead(struct cc_raft *core)
{
    CC_ASSERT(core->damaged_from == 0); /* R7 */
    core->role = CC_RAFT_LEADER;
    core->leader = core->options.id;
    core->term_leader = core->options.id;
    core->is_transfer = false;
    core->is_lease_given_up = false;
    core->transfer_target = 0;
    core->round_confirmed = core->round;
    for (uint32_t i = 0; i < core->peer_count; i++) {
        struct cc_raft_peer *peer = &core->peers[i];

        cc_raft_peer_reset(peer);
        peer->match = 0;
        peer->fetching = 0;
        peer->next = core->last + 1;
        peer->heard_us = core->now_us;
        peer->round = 0;
        peer->lease_us = 0;
        peer->told_commit = 0;
    }
    core->term_first = core->last + 1;
    cc_raft_log_extend(core, core->last + 1, core->term);
    cc_raft_log_note_append(core);
    core->effects->append_source = CC_RAFT_APPEND_NOOP;
    core->effects->append_first = core->last;
    core->effects->append_last = core->last;
    core->effects->became = true;
    core->wants_heartbeat = true;
}

/* A vote of its own counts when it is durable: with one voter there is no other word to wait for.
 */
void cc_raft_check_won(struct cc_raft *core)
{
    if (granted(core) < core->quorum) {
        return;
    }
    if (core->role == CC_RAFT_PRECANDIDATE) {
        cc_raft_campaign(core, false);
    } else if (core->role == CC_RAFT_CANDIDATE && core->ticket_store <= core->ticket_durable) {
        if (cc_raft_log_has_room(core)) {
            lead(core);
        }
    }
}

/* ---- votes ----------------------------------------------------------------------------------- */

/* 5.4.1 of the paper, 3.6.1: the log with the later last term, or the longer one of equal terms. */
static bool is_up_to_date(const struct cc_raft *core, const struct cc_raft_message *message)
{
    /* What cannot be read was acknowledged all the same (T-051). */
    uint64_t last = CC_BUG(T051) && core->damaged_from != 0 ? core->damaged_from - 1 : core->last;
    uint64_t last_term = cc_raft_log_term(core, last);

    return message->last_term > last_term ||
           (message->last_term == last_term && message->last_index >= last);
}

/*
 * A live leader is not to be deposed, and a promise holds (T-008, 4.2.3, 6.4.1).  The leader itself
 * may ask for it: a transfer's vote of the very next term is not held up by promises to that
 * leader.
 */
static bool is_held_back(const struct cc_raft *core, const struct cc_raft_message *message)
{
    if (core->now_us < core->quiet_until_us && !CC_BUG(T067)) {
        return true;
    }
    if (message->is_transfer && message->term == core->term + 1 &&
        core->promise_term <= core->term) {
        return false;
    }
    if (core->now_us < core->promise_until_us && !CC_BUG(T008)) {
        return true;
    }
    if (CC_BUG(T008)) {
        return false;
    }
    return core->role == CC_RAFT_LEADER ||
           (core->leader != 0 &&
            core->now_us < core->contact_us + core->options.election_timeout_us);
}

static void reply(struct cc_raft *core, const struct cc_raft_message *message, bool is_granted)
{
    /* T-006: a granted pre-vote speaks of the proposed term, or the asker would not know it again.
     */
    uint64_t term = message->is_prevote && is_granted && !CC_BUG(T006) ? message->term : core->term;
    struct cc_raft_send *send = cc_raft_send(core, CC_RAFT_VOTE_REPLY, message->from, term);

    send->message.is_prevote = message->is_prevote;
    send->message.is_granted = is_granted;
}

void cc_raft_receive_vote(struct cc_raft *core, const struct cc_raft_message *message)
{
    if (!core->is_voter) {
        return;
    }
    if (message->term < core->term || is_held_back(core, message)) {
        reply(core, message, false);
        return;
    }
    if (message->is_prevote) {
        reply(core, message, message->term > core->term && is_up_to_date(core, message));
        return;
    }
    if (message->term > core->term) {
        cc_raft_follow(core, message->term, 0);
    }

    bool is_granted = core->role == CC_RAFT_FOLLOWER && is_up_to_date(core, message) &&
                      (core->vote == 0 || core->vote == message->from);

    if (is_granted && core->vote == 0) {
        cc_raft_store(core, core->term, message->from);
        cc_raft_delay_election(core);
    }
    reply(core, message, is_granted);
}

void cc_raft_receive_vote_reply(struct cc_raft *core, const struct cc_raft_message *message)
{
    struct cc_raft_peer *peer = cc_raft_peer_of(core, message->from);
    bool is_prevote = core->role == CC_RAFT_PRECANDIDATE;

    if (!message->is_granted && message->term > core->term && !CC_BUG(T007)) {
        cc_raft_follow(core, message->term, 0); /* T-007: the lower side learns the higher term */
        return;
    }
    if (core->role != CC_RAFT_PRECANDIDATE && core->role != CC_RAFT_CANDIDATE) {
        return;
    }

    /* T-003: only replies to this very campaign count, each voter once. */
    if (!CC_BUG(T003) &&
        (message->is_prevote != is_prevote || message->term != core->term + (is_prevote ? 1 : 0))) {
        return;
    }
    if (peer->is_voter) {
        peer->has_answered = true;
        peer->has_granted = message->is_granted || (CC_BUG(T003) && peer->has_granted);
        cc_raft_check_won(core);
    }
}
