/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_election -- roles, votes and promises.
 *
 * Where it sits:   raft.c hands it timeouts and votes; it hands a new leader to raft_replication.c.
 * Source:          dissertation 3.4, 3.6.1, 9.6 (pre-vote), 6.2 (check quorum), 6.4.1 (leases).
 *
 * A voter that has heard from a leader is bound: for T it helps nobody to another one (T-008), and
 * until its promise has run out it does so neither by vote nor by campaign, for a lease rests on
 * that (T-065).  The one way round is a campaign which that very leader has asked for.
 */
#include "base/assert.h"
#include "base/bug.h"
#include "raft/raft_internal.h"

static uint32_t bit_of(const struct cc_raft *core, const struct cc_raft_peer *peer)
{
    return UINT32_C(1) << (uint32_t)(peer - core->peers);
}

static uint32_t count_bits(uint32_t bits)
{
    uint32_t count = 0;

    for (; bits != 0; bits &= bits - 1) {
        count++;
    }
    return count;
}

void cc_raft_election_rest(struct cc_raft *core)
{
    uint64_t timeout_us = core->options.election_timeout_us;
    uint64_t wait_us = timeout_us + cc_prng_below(&core->prng, timeout_us);

    core->deadline_us = cc_raft_later(core->now_us, wait_us);
}

static void set_term(struct cc_raft *core, uint64_t term, uint32_t vote)
{
    CC_ASSERT(term >= core->term);
    CC_ASSERT(term > core->term || core->vote == 0 || core->vote == vote); /* R2 */
    core->term = term;
    core->vote = vote;
    core->effects->store = true;
    cc_raft_durable(core);
    core->store_ticket = core->effects->ticket;
}

static void forget_votes(struct cc_raft *core)
{
    core->granted = 0;
    core->refused = 0;
    core->vote_count = 0;
}

void cc_raft_follow(struct cc_raft *core, uint64_t term, uint32_t leader)
{
    CC_ASSERT(term >= core->term);
    CC_ASSERT(leader != core->options.id);
    if (core->role == CC_RAFT_LEADER) {
        cc_raft_transfer_end(core);
        cc_raft_election_rest(core);
    }
    if (term > core->term) {
        set_term(core, term, 0);

        /* A new term's leader may differ from us anywhere above what is committed. */
        core->verified = core->commit;
        core->acknowledged = 0;
        core->echo_round = 0;
        core->echo_sent_at_us = 0;
        core->echoed_round = 0;
    }
    core->role = CC_RAFT_FOLLOWER;
    core->leader = leader;
    core->is_asked_to_lead = false;
    forget_votes(core);
}

/* ---- campaigns --------------------------------------------------------------------------------
 */

static void ask(struct cc_raft *core, const struct cc_raft_peer *peer)
{
    struct cc_raft_message *message = &cc_raft_send(core, CC_RAFT_VOTE, peer->id)->message;

    CC_ASSERT(core->role == CC_RAFT_PRECANDIDATE || core->role == CC_RAFT_CANDIDATE);
    message->is_prevote = core->role == CC_RAFT_PRECANDIDATE;
    message->is_transfer = core->is_asked_to_lead;
    message->term = message->is_prevote ? core->term + 1 : core->term;
    message->last_index = core->log.last;
    message->last_term = cc_raft_log_term_at(&core->log, core->log.last);
    CC_ASSERT(message->last_index == 0 || message->last_term > 0);
}

static void ask_all(struct cc_raft *core)
{
    for (uint32_t i = 0; i < core->peer_count; i++) {
        if (i != core->self && core->peers[i].is_voter) {
            ask(core, &core->peers[i]);
        }
    }
}

/* §3.4: a new term, a vote for itself.  It counts its own vote when that is durable, no earlier. */
static void become_candidate(struct cc_raft *core, bool is_transfer)
{
    CC_ASSERT(cc_raft_self_votes(core));
    CC_ASSERT(core->term < CC_TERM_MAX);
    cc_raft_follow(core, core->term + 1, 0);
    set_term(core, core->term, core->options.id);
    core->role = CC_RAFT_CANDIDATE;
    core->is_asked_to_lead = is_transfer;
    cc_raft_election_rest(core);
    ask_all(core);
}

/* §9.6: asks first, in the same term, so that a member that cannot win does not raise terms. */
static void become_precandidate(struct cc_raft *core)
{
    CC_ASSERT(cc_raft_self_votes(core));
    CC_ASSERT(core->role != CC_RAFT_LEADER);
    cc_raft_follow(core, core->term, 0);
    core->role = CC_RAFT_PRECANDIDATE;
    core->granted = bit_of(core, &core->peers[core->self]);
    core->vote_count = 1;
    cc_raft_election_rest(core);
    if (core->voter_count == 1) {
        become_candidate(core, false);
        return;
    }
    ask_all(core);
}

void cc_raft_campaign_transfer(struct cc_raft *core)
{
    become_candidate(core, true);
}

static void become_leader(struct cc_raft *core)
{
    CC_ASSERT(core->role == CC_RAFT_CANDIDATE || CC_BUG(T003));
    CC_ASSERT(core->vote == core->options.id || CC_BUG(T003));
    core->role = CC_RAFT_LEADER;
    core->leader = core->options.id;
    forget_votes(core);
    cc_raft_replication_lead(core);
}

static bool has_won(const struct cc_raft *core)
{
    uint32_t votes = CC_BUG(T003) ? core->vote_count : count_bits(core->granted);

    return votes > core->voter_count / 2;
}

static void count_votes(struct cc_raft *core)
{
    if (!has_won(core)) {
        return;
    }
    if (core->role == CC_RAFT_PRECANDIDATE) {
        become_candidate(core, false);
    } else {
        become_leader(core);
    }
}

void cc_raft_election_stored(struct cc_raft *core)
{
    uint32_t own = bit_of(core, &core->peers[core->self]);

    if (core->role == CC_RAFT_CANDIDATE && core->store_ticket <= core->log.ticket_durable &&
        (core->granted & own) == 0) {
        core->granted |= own;
        core->vote_count++;
        count_votes(core);
    }
}

/* ---- votes ------------------------------------------------------------------------------------
 */

static bool is_bound(const struct cc_raft *core, const struct cc_raft_message *message)
{
    if (CC_BUG(T008)) {
        return false;
    }
    if (core->role == CC_RAFT_LEADER) {
        /* A leader is in contact with itself, and bound by its own lease. */
        return !(
            message->is_transfer && core->is_lease_given_up && message->term == core->term + 1);
    }

    bool has_contact =
        core->has_contact &&
        core->now_us < cc_raft_later(core->contact_us, core->options.election_timeout_us);

    if (!has_contact && core->now_us >= core->promise_us) {
        return false;
    }
    return !(
        message->is_transfer && core->promise_term != 0 && message->term == core->promise_term + 1);
}

/* §3.6.1: the later last term wins, then the longer log. */
static bool is_up_to_date(const struct cc_raft *core, const struct cc_raft_message *message)
{
    uint64_t last_term = cc_raft_log_term_at(&core->log, core->log.last);

    if (message->last_term != last_term) {
        return message->last_term > last_term;
    }
    return message->last_index >= core->log.last;
}

static void reply_vote(struct cc_raft *core, const struct cc_raft_message *message, bool is_granted)
{
    struct cc_raft_message *reply = &cc_raft_send(core, CC_RAFT_VOTE_REPLY, message->from)->message;

    reply->is_prevote = message->is_prevote;
    reply->is_granted = is_granted;

    /* A pre-vote that is granted speaks of the term that was proposed: our own may be older, and
     * the asker would take the reply for a late one (T-006). */
    if (is_granted && message->is_prevote && !CC_BUG(T006)) {
        reply->term = message->term;
    }
}

void cc_raft_receive_vote(struct cc_raft *core, const struct cc_raft_message *message)
{
    CC_ASSERT(cc_raft_self_votes(core));
    if (is_bound(core, message) || message->term < core->term ||
        (message->is_prevote && core->is_stalled && !CC_BUG(T013))) {
        reply_vote(core, message, false);
        return;
    }
    if (message->is_prevote) {
        reply_vote(core, message, message->term > core->term && is_up_to_date(core, message));
        return;
    }
    if (message->term > core->term) {
        cc_raft_follow(core, message->term, 0);
    }

    bool is_free = core->vote == 0 || core->vote == message->from;
    bool is_granted = is_free && is_up_to_date(core, message);

    if (is_granted) {
        CC_ASSERT(core->role == CC_RAFT_FOLLOWER || core->role == CC_RAFT_PRECANDIDATE);
        cc_raft_follow(core, core->term, core->leader);
        if (core->vote == 0) {
            set_term(core, core->term, message->from);
        }
        cc_raft_election_rest(core);
    }
    reply_vote(core, message, is_granted);
}

/* Votes are kept by member for the current term and kind; whatever else comes is late (T-003). */
static bool is_current(const struct cc_raft *core, const struct cc_raft_message *message)
{
    if (CC_BUG(T003)) {
        return core->role == CC_RAFT_PRECANDIDATE || core->role == CC_RAFT_CANDIDATE;
    }
    if (core->role == CC_RAFT_PRECANDIDATE) {
        return message->is_prevote && (!message->is_granted || message->term == core->term + 1);
    }
    return core->role == CC_RAFT_CANDIDATE && !message->is_prevote && message->term == core->term;
}

void cc_raft_receive_vote_reply(struct cc_raft *core, const struct cc_raft_message *message)
{
    uint32_t bit = bit_of(core, cc_raft_peer(core, message->from));

    if (!message->is_granted && message->term > core->term) {
        /* Whoever refuses and is ahead takes us along, or a long log on a low term and a high term
         * on a short log would block each other for good (T-007). */
        cc_raft_follow(core, message->term, 0);
        return;
    }
    if (!is_current(core, message)) {
        return;
    }
    if (!message->is_granted) {
        core->refused |= bit;
        return;
    }
    core->granted |= bit;
    core->vote_count++;
    count_votes(core);
}

/* ---- time, disk, connections ------------------------------------------------------------------
 */

void cc_raft_election_start(struct cc_raft *core, const struct cc_raft_start *start)
{
    bool is_new = start->term == 0 && start->last_index == 0;

    core->is_waiting_out = core->voter_count > 1 && !is_new && !CC_BUG(T067);
}

void cc_raft_election_begin(struct cc_raft *core)
{
    cc_raft_election_rest(core);
    if (core->is_waiting_out) {
        /* What an earlier life promised is not known, so the longest legal promise is (T-067). */
        core->promise_us = cc_raft_later(core->now_us, core->options.promise_us_max);
        core->deadline_us = cc_raft_max(core->deadline_us, core->promise_us);
    }
    if (core->voter_count == 1 && cc_raft_self_votes(core) && core->term < CC_TERM_MAX) {
        become_precandidate(core); /* it has promised nobody, and waits for nobody */
    }
}

void cc_raft_election_tick(struct cc_raft *core)
{
    if (core->role == CC_RAFT_LEADER) {
        if (!CC_BUG(T009) && core->now_us >= cc_raft_quorum_deadline(core)) {
            cc_raft_follow(core, core->term, 0); /* §6.2 */
        }
        return;
    }
    if (core->now_us < core->deadline_us) {
        return;
    }
    if (!cc_raft_self_votes(core) || core->is_stalled || core->now_us < core->promise_us ||
        core->term == CC_TERM_MAX) {
        cc_raft_follow(core, core->term, 0);
        cc_raft_election_rest(core);
        core->deadline_us = cc_raft_max(core->deadline_us, core->promise_us);
        return;
    }
    become_precandidate(core);
}

void cc_raft_election_stalled(struct cc_raft *core, bool is_stalled)
{
    core->is_stalled = is_stalled;
    if (CC_BUG(T013)) {
        return;
    }

    /* Heartbeats flow from a leader whose disk hangs, and nothing else does (T-013). */
    if (is_stalled && core->role != CC_RAFT_FOLLOWER) {
        cc_raft_follow(core, core->term, 0);
    }
    if (core->role == CC_RAFT_FOLLOWER && core->leader == 0) {
        cc_raft_election_rest(core);
        core->deadline_us = cc_raft_max(core->deadline_us, core->promise_us);
    }
}

void cc_raft_election_peer_up(struct cc_raft *core, struct cc_raft_peer *peer)
{
    uint32_t answered = core->granted | core->refused;

    if (core->role != CC_RAFT_PRECANDIDATE && core->role != CC_RAFT_CANDIDATE) {
        return;
    }
    if (peer->is_voter && (answered & bit_of(core, peer)) == 0) {
        ask(core, peer);
    }
}
