/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_replication -- the leader's appends: where each follower is, what is on its way, when to
 * speak (dissertation 3.5, 10.2.1).
 *
 *     PROBE   --accepted-->  STREAM     one append at a time until the logs are known to match
 *     STREAM  --refused, lost, reconnected-->  PROBE
 */
#include "raft/raft_internal.h"

/* Heartbeats without any progress after which what is under way counts as lost. */
#define PATIENCE 4u

static void forget_flights(struct cc_raft_peer *peer)
{
    peer->flight_head = 0;
    peer->flight_count = 0;
    peer->flight_bytes = 0;
}

void cc_raft_peer_reset(struct cc_raft_peer *peer)
{
    forget_flights(peer);
    peer->mode = CC_RAFT_PROBE;
    peer->is_sending = false;
    peer->is_probing = false;
    peer->lacks_first = false;
    if (peer->match > 0) {
        peer->next = peer->match + 1;
    }
}

static void emit_append(
    struct cc_raft *core, struct cc_raft_peer *peer, bool has_entries, uint32_t bytes_max)
{
    struct cc_raft_send *send = cc_raft_send(core, CC_RAFT_APPEND, peer->id, core->term);
    uint64_t next = peer->next > core->first ? peer->next : core->first; /* R9 */

    CC_ASSERT(peer->next > peer->match); /* R5 */
    send->message.prev_index = next - 1;
    send->message.prev_term = cc_raft_log_term(core, next - 1);
    send->message.commit = core->commit;
    send->message.floor = cc_raft_floor(core);
    send->message.round = core->round;
    send->message.sent_at_us = core->now_us;
    send->max_index = has_entries ? core->last : next - 1;
    send->bytes_max = bytes_max;
    peer->told_commit = core->commit;
}

/* Entries, if there are any and the window allows them. */
static bool send_entries(struct cc_raft *core, struct cc_raft_peer *peer)
{
    uint64_t window = core->options.window_bytes;
    uint32_t bytes_max = core->options.append_bytes_max;

    if (peer->is_sending || peer->next > core->last || peer->next < core->first) {
        return false;
    }
    if (peer->mode == CC_RAFT_PROBE) {
        if (peer->is_probing) {
            return false;
        }
    } else if (
        peer->flight_count >= core->options.window_messages ||
        (peer->flight_bytes >= window && !CC_BUG(T104))) {
        return false;
    } else if (!CC_BUG(T104) && window - peer->flight_bytes < bytes_max) {
        bytes_max = (uint32_t)(window - peer->flight_bytes);
    }
    peer->is_sending = true;
    emit_append(core, peer, true, bytes_max);
    return true;
}

static void replicate_to(struct cc_raft *core, struct cc_raft_peer *peer)
{
    bool is_idle = peer->flight_count == 0 && !peer->is_sending && !peer->is_probing &&
                   peer->next >= core->first;

    if (!peer->is_up || send_entries(core, peer)) {
        return;
    }

    /* A follower that has nothing to do would hear of a new commit index only with the heartbeat.
     */
    if (core->wants_heartbeat || (is_idle && peer->told_commit < core->commit)) {
        emit_append(core, peer, false, 0);
    }
}

void cc_raft_replicate(struct cc_raft *core)
{
    if (core->role != CC_RAFT_LEADER) {
        return;
    }
    for (uint32_t i = 0; i < core->peer_count; i++) {
        replicate_to(core, &core->peers[i]);
    }
    if (core->wants_heartbeat) {
        core->heartbeat_due_us = core->now_us + core->options.heartbeat_interval_us;
        core->wants_heartbeat = false;
    }
}

void cc_raft_sent(struct cc_raft *core, const struct cc_raft_event *event)
{
    struct cc_raft_peer *peer = cc_raft_peer_of(core, event->peer);

    if (core->role != CC_RAFT_LEADER || peer == NULL || !peer->is_sending ||
        event->index < peer->next || event->index > core->last) {
        return;
    }
    peer->is_sending = false;
    if (peer->flight_count == 0) {
        peer->progress_us = core->now_us;
    }
    if (peer->mode == CC_RAFT_PROBE) {
        peer->is_probing = true;
        return;
    }
    CC_ASSERT(peer->flight_count < CC_RAFT_INFLIGHT_MAX);

    uint32_t at = (peer->flight_head + peer->flight_count++) % CC_RAFT_INFLIGHT_MAX;

    peer->flights[at] = (struct cc_raft_flight){event->index, event->bytes};
    peer->flight_bytes += event->bytes;
    peer->next = event->index + 1;
}

/* ---- replies --------------------------------------------------------------------------------- */

static void land(struct cc_raft_peer *peer)
{
    while (peer->flight_count > 0 && peer->flights[peer->flight_head].last <= peer->match) {
        peer->flight_bytes -= peer->flights[peer->flight_head].bytes;
        peer->flight_head = (peer->flight_head + 1) % CC_RAFT_INFLIGHT_MAX;
        peer->flight_count--;
    }
}

static void accepted(
    struct cc_raft *core, struct cc_raft_peer *peer, const struct cc_raft_message *message)
{
    if (message->match > peer->match) {
        peer->match = message->match;
        peer->progress_us = core->now_us;
    }
    land(peer);
    if (peer->next <= peer->match) {
        peer->next = peer->match + 1;
        peer->is_sending = false; /* what the driver has at hand begins too early */
    }
    if (peer->mode == CC_RAFT_PROBE && (message->match + 1 >= peer->next || !peer->is_probing)) {
        peer->mode = CC_RAFT_STREAM;
        peer->is_probing = false;
    }
}

/* Both sides skip whole runs: one round trip for each term that differs (3.5, fast back-off). */
static void refused(
    struct cc_raft *core, struct cc_raft_peer *peer, const struct cc_raft_message *message)
{
    uint64_t next = cc_raft_log_find(core, message->hint_index, message->hint_term) + 1;

    forget_flights(peer);
    peer->mode = CC_RAFT_PROBE;
    peer->is_probing = false;
    peer->is_sending = false;
    peer->progress_us = core->now_us;
    peer->next = next > peer->match ? next : peer->match + 1;
}

/* What the reply says of the leadership itself: the round it saw, the promise it made. */
static void note_support(
    struct cc_raft *core, struct cc_raft_peer *peer, const struct cc_raft_message *message)
{
    uint64_t kept = UINT64_C(1000000) - 2 * (uint64_t)core->options.drift_ppm_max;
    uint64_t from = CC_BUG(T065) ? core->now_us : message->sent_at_us; /* T-065: when it was sent */
    uint64_t lease = from + message->promise_us * kept / 1000000;

    peer->heard_us = core->now_us;
    if (message->sent_at_us <= core->now_us &&
        message->promise_us <= core->options.promise_us_max && lease > peer->lease_us) {
        peer->lease_us = lease;
    }
    if (message->round <= core->round && message->round > peer->round) {
        peer->round = message->round;
    }
    if (CC_BUG(T064)) {
        peer->round = core->round;
    }
}

void cc_raft_receive_append_reply(struct cc_raft *core, const struct cc_raft_message *message)
{
    struct cc_raft_peer *peer = cc_raft_peer_of(core, message->from);

    if (message->term > core->term) {
        cc_raft_follow(core, message->term, 0);
        return;
    }
    if (core->role != CC_RAFT_LEADER || message->term < core->term || message->match > core->last) {
        return;
    }
    note_support(core, peer, message);
    if (message->is_accepted) {
        accepted(core, peer, message);
        cc_raft_advance_commit(core);
    } else {
        refused(core, peer, message);
    }
    peer->lacks_first = peer->next < core->first;
    cc_raft_confirm_rounds(core);
    cc_raft_go_on_with_transfer(core);
}

/* ---- time ------------------------------------------------------------------------------------ */

/* T-009: without a quorum that answers, somebody else may lead by now. */
static bool has_quorum(const struct cc_raft *core)
{
    uint32_t count = 1;

    for (uint32_t i = 0; i < core->peer_count; i++) {
        const struct cc_raft_peer *peer = &core->peers[i];

        count +=
            peer->is_voter && core->now_us < peer->heard_us + core->options.election_timeout_us;
    }
    return count >= core->quorum;
}

static void give_up_lost(struct cc_raft *core, struct cc_raft_peer *peer)
{
    uint64_t patience = PATIENCE * core->options.heartbeat_interval_us;

    if ((peer->flight_count > 0 || peer->is_probing) &&
        core->now_us >= peer->progress_us + patience) {
        bool is_sending = peer->is_sending;

        peer->progress_us = core->now_us;
        cc_raft_peer_reset(peer);
        peer->is_sending = is_sending; /* the driver still has it at hand */
        CC_ASSERT(peer->next <= core->last + 1);
    }
}

void cc_raft_lead_on(struct cc_raft *core)
{
    if (core->role != CC_RAFT_LEADER || core->now_us < core->heartbeat_due_us) {
        return;
    }
    if (!has_quorum(core) && !CC_BUG(T009)) {
        cc_raft_follow(core, core->term, 0);
        return;
    }
    for (uint32_t i = 0; i < core->peer_count; i++) {
        give_up_lost(core, &core->peers[i]);
    }
    core->wants_heartbeat = true;
}
