/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_replication -- a leader's view of its peers, and what to send them.
 *
 * Where it sits:   raft.c calls the pump at the end of each step of a leader; nothing else emits
 *                  appends, so there is at most one to each peer in one step.
 * Source:          dissertation 3.5, 10.2.1 (pipelining).
 *
 *     PROBE ---- a reply that matches what was probed ----> STREAM
 *       ^                                                      |
 *       +---- refused, nothing moves, connection changed ------+
 *
 * In PROBE one append is on its way and `next` stands; in STREAM `next` runs ahead with what the
 * driver says it has SENT, within a window of messages and bytes.  Heartbeats never wait for it.
 */
#include "base/assert.h"
#include "base/bug.h"
#include "raft/raft_internal.h"

/* An append that has not been acknowledged for so many heartbeats is lost. */
#define LOST_HEARTBEATS 2u

static void forget_inflight(struct cc_raft_peer *peer)
{
    peer->inflight_head = 0;
    peer->inflight_count = 0;
    peer->inflight_bytes = 0;
    peer->is_emitted = false;
    peer->is_probed = false;
}

static void become_probe(struct cc_raft_peer *peer, uint64_t next)
{
    CC_ASSERT(next > peer->match); /* R5 */
    forget_inflight(peer);
    peer->progress = CC_RAFT_PROBE;
    peer->next = next;
}

static void become_stream(struct cc_raft_peer *peer)
{
    CC_ASSERT(peer->progress == CC_RAFT_PROBE);
    CC_ASSERT(peer->inflight_count == 0);
    peer->progress = CC_RAFT_STREAM;
    peer->next = peer->match + 1;
    peer->is_probed = false;
}

void cc_raft_replication_lead(struct cc_raft *core)
{
    for (uint32_t i = 0; i < core->peer_count; i++) {
        struct cc_raft_peer *peer = &core->peers[i];

        peer->match = 0;
        become_probe(peer, core->log.last + 1);
        peer->commit_told = 0;
        peer->heard_us = core->now_us;
        peer->round = 0;
        peer->lease_us = 0;
        peer->is_heartbeat_due = false;
    }
    core->is_lease_given_up = false;
    cc_raft_replication_heartbeat(core);

    /* §6.4: nothing of earlier terms can be committed but through an entry of our own (T-004). */
    cc_raft_durable(core);
    cc_raft_log_append(&core->log, 1, core->term);
    core->term_first = core->log.last;
    CC_ASSERT(core->effects->append_source == CC_RAFT_APPEND_NOTHING);
    core->effects->append_source = CC_RAFT_APPEND_NOOP;
    core->effects->append_first = core->log.last;
    core->effects->append_last = core->log.last;
    core->effects->append_term = core->term;
}

copycat_status cc_raft_replication_propose(struct cc_raft *core, uint32_t count)
{
    CC_ASSERT(count > 0);
    if (core->role != CC_RAFT_LEADER) {
        return COPYCAT_ERR_NO_LEADER;
    }
    if (core->transfer_target != 0 || core->log.last + count > CC_INDEX_MAX ||
        core->log.last - core->commit + count > core->options.uncommitted_max) {
        return COPYCAT_ERR_BUSY;
    }
    core->effects->append_source = CC_RAFT_APPEND_PROPOSED;
    core->effects->append_first = core->log.last + 1;
    core->effects->append_term = core->term;
    cc_raft_durable(core);
    cc_raft_log_append(&core->log, count, core->term);
    core->effects->append_last = core->log.last;
    return COPYCAT_OK;
}

/* ---- time, connections, SENT ------------------------------------------------------------------
 */

void cc_raft_replication_heartbeat(struct cc_raft *core)
{
    for (uint32_t i = 0; i < core->peer_count; i++) {
        core->peers[i].is_heartbeat_due = true;
    }
    core->heartbeat_us = cc_raft_later(core->now_us, core->options.heartbeat_interval_us);
}

static void find_lost(struct cc_raft *core, struct cc_raft_peer *peer)
{
    uint64_t patience_us = LOST_HEARTBEATS * core->options.heartbeat_interval_us;
    bool is_late = core->now_us >= cc_raft_later(peer->progress_us, patience_us);

    if (is_late && peer->inflight_count > 0) {
        become_probe(peer, peer->match + 1);
    }
    if (is_late) {
        peer->is_probed = false;
    }

    /* A driver that never says SENT has dropped what it was asked to send. */
    if (core->now_us >= cc_raft_later(peer->emitted_us, core->options.election_timeout_us)) {
        peer->is_emitted = false;
    }
}

void cc_raft_replication_tick(struct cc_raft *core)
{
    if (core->role != CC_RAFT_LEADER) {
        return;
    }
    for (uint32_t i = 0; i < core->peer_count; i++) {
        find_lost(core, &core->peers[i]);
    }
    if (core->now_us >= core->heartbeat_us) {
        cc_raft_replication_heartbeat(core);
    }
}

void cc_raft_replication_peer(struct cc_raft *core, struct cc_raft_peer *peer, bool is_up)
{
    peer->is_down = !is_up;
    if (core->role != CC_RAFT_LEADER) {
        return;
    }

    /* In PROBE, `match` says little: what was tried last is the better start. */
    become_probe(peer, peer->progress == CC_RAFT_STREAM ? peer->match + 1 : peer->next);
    peer->is_heartbeat_due = is_up;
}

void cc_raft_replication_sent(struct cc_raft *core, const struct cc_raft_event *event)
{
    struct cc_raft_peer *peer = cc_raft_peer(core, event->peer);

    CC_ASSERT(peer != NULL);
    if (core->role != CC_RAFT_LEADER || !peer->is_emitted) {
        return;
    }
    CC_ASSERT(event->index <= core->log.last);
    peer->is_emitted = false;
    if (event->index < peer->next) {
        return;
    }
    if (peer->progress == CC_RAFT_PROBE) {
        peer->is_probed = true;
        peer->progress_us = core->now_us;
        return;
    }
    CC_ASSERT(peer->inflight_count < core->options.window_messages);
    if (peer->inflight_count == 0) {
        peer->progress_us = core->now_us;
    }

    uint32_t slot = (peer->inflight_head + peer->inflight_count) % CC_RAFT_INFLIGHT_MAX;

    peer->inflight[slot] = (struct cc_raft_inflight){event->index, peer->emitted_us, event->bytes};
    peer->inflight_count++;
    peer->inflight_bytes += event->bytes;
    peer->next = event->index + 1;
}

/* ---- replies ----------------------------------------------------------------------------------
 */

static void pop_inflight(struct cc_raft *core, struct cc_raft_peer *peer)
{
    while (peer->inflight_count > 0 && peer->inflight[peer->inflight_head].last <= peer->match) {
        CC_ASSERT(peer->inflight_bytes >= peer->inflight[peer->inflight_head].bytes);
        peer->inflight_bytes -= peer->inflight[peer->inflight_head].bytes;
        peer->inflight_head = (peer->inflight_head + 1) % CC_RAFT_INFLIGHT_MAX;
        peer->inflight_count--;
    }
    peer->progress_us = core->now_us;
}

static void accepted(
    struct cc_raft *core, struct cc_raft_peer *peer, const struct cc_raft_message *message)
{
    if (message->match > peer->match) {
        peer->match = message->match;
        pop_inflight(core, peer);
    } else if (
        peer->inflight_count > 0 &&
        message->sent_at_us > peer->inflight[peer->inflight_head].sent_at_us) {
        /* A later append fitted behind the oldest of these, so that one is not lost: their disk is
         * slow, and to send it all again would help nobody. */
        peer->progress_us = core->now_us;
    }
    if (peer->progress == CC_RAFT_PROBE && peer->match + 1 >= peer->next) {
        become_stream(peer);
    }
    peer->next = cc_raft_max(peer->next, peer->match + 1);
}

/* §3.5: skips every entry whose term the follower cannot have.  A refusal that would not take us
 * further back is late. */
static void refused(
    struct cc_raft *core, struct cc_raft_peer *peer, const struct cc_raft_message *message)
{
    uint64_t index = cc_raft_min(message->hint_index, core->log.last);

    if (message->hint_term != 0) {
        index = cc_raft_log_find(&core->log, index, message->hint_term);
    }

    uint64_t next = cc_raft_max(index, peer->match) + 1;

    if (next < peer->next) {
        become_probe(peer, next);
    }
}

void cc_raft_receive_append_reply(struct cc_raft *core, const struct cc_raft_message *message)
{
    struct cc_raft_peer *peer = cc_raft_peer(core, message->from);

    CC_ASSERT(peer != NULL);
    if (message->term > core->term) {
        cc_raft_follow(core, message->term, 0);
        return;
    }
    if (core->role != CC_RAFT_LEADER || message->term < core->term) {
        return;
    }
    peer->heard_us = core->now_us;
    if (message->is_accepted) {
        accepted(core, peer, message);
    } else {
        refused(core, peer, message);
    }
    if (peer->is_voter) {
        cc_raft_read_heard(core, peer, message);
        cc_raft_commit_advance(core);
        cc_raft_transfer_advance(core);
    }
}

/* ---- the pump ---------------------------------------------------------------------------------
 */

static bool may_send_entries(const struct cc_raft *core, const struct cc_raft_peer *peer)
{
    if (peer->is_down || peer->is_emitted || peer->next > core->log.last) {
        return false;
    }
    if (peer->progress == CC_RAFT_PROBE) {
        return !peer->is_probed;
    }
    return peer->inflight_count < core->options.window_messages &&
           peer->inflight_bytes < core->options.window_bytes;
}

static struct cc_raft_send *emit(struct cc_raft *core, struct cc_raft_peer *peer, uint64_t prev)
{
    struct cc_raft_send *send = cc_raft_send(core, CC_RAFT_APPEND, peer->id);

    send->message.prev_index = prev;
    send->message.prev_term = cc_raft_log_term_at(&core->log, prev);
    send->message.commit = core->commit;
    send->message.round = core->round;
    send->message.sent_at_us = core->now_us;
    send->max_index = prev;
    peer->is_heartbeat_due = false;
    return send;
}

static void emit_entries(struct cc_raft *core, struct cc_raft_peer *peer)
{
    uint32_t room = core->options.window_bytes - peer->inflight_bytes;
    struct cc_raft_send *send = emit(core, peer, peer->next - 1);

    CC_ASSERT(peer->inflight_bytes < core->options.window_bytes);
    send->max_index = core->log.last;
    send->bytes_max = (uint32_t)cc_raft_min(room, core->options.append_bytes_max);
    peer->is_emitted = true;
    peer->emitted_us = core->now_us;
    peer->commit_told = core->commit;
}

/* A follower applies what it knows to be committed; if nothing else is about to tell it, this is.
 */
static bool is_commit_due(const struct cc_raft *core, const struct cc_raft_peer *peer)
{
    uint64_t commit = cc_raft_min(core->commit, peer->next - 1);

    return peer->progress == CC_RAFT_STREAM && !peer->is_down && !peer->is_emitted &&
           peer->inflight_count == 0 && commit > peer->commit_told;
}

static void pump_peer(struct cc_raft *core, struct cc_raft_peer *peer)
{
    if (may_send_entries(core, peer)) {
        emit_entries(core, peer);
    } else if (peer->is_heartbeat_due || is_commit_due(core, peer)) {
        /* In PROBE only what has matched is sure to be accepted. */
        bool is_stream = peer->progress == CC_RAFT_STREAM;
        uint64_t prev = is_stream ? peer->next - 1 : peer->match;

        (void)emit(core, peer, prev);
        peer->commit_told = cc_raft_max(peer->commit_told, cc_raft_min(core->commit, prev));
    }
}

void cc_raft_replication_pump(struct cc_raft *core)
{
    CC_ASSERT(core->role == CC_RAFT_LEADER);
    for (uint32_t i = 0; i < core->peer_count; i++) {
        if (i != core->self) {
            pump_peer(core, &core->peers[i]);
        }
    }
}
