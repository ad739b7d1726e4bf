/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_raft -- events into the core, its effects into records, sends and timers.
 *
 * Order within one step: what must become durable goes to the journal first and gets a mark; only
 * then do sends leave, and those that depend on it wait for the mark (S1).
 */
#include "base/assert.h"
#include "base/bug.h"
#include "server/group/group.h"
#include "server/node/node.h"

#include <string.h>

static void append_proposed(struct cc_group *group, const struct cc_raft_effects *effects)
{
    struct cc_block_list *list = &group->proposed;
    uint64_t index = effects->append_first;
    uint64_t time_us = cc_group_log_now_us(group);
    uint64_t count = effects->append_last - index + 1;

    CC_ASSERT(count <= list->count);
    for (uint64_t i = 0; i < count; i++, index++) {
        struct cc_block *block = list->at[i];

        group->proposed_bytes -= block->size;
        cc_entry_stamp(block, group->id, index, effects->append_term, time_us);
        cc_log_append(group->log, block);
        if (CC_BUG(T022)) {
            cc_group_promise_by_index(group, block);
        }
        cc_block_release(block);
    }
    list->count -= (uint32_t)count;
    memmove(list->at, list->at + count, list->count * sizeof(struct cc_block *));
}

static void append_received(struct cc_group *group, const struct cc_raft_effects *effects)
{
    uint64_t next = effects->append_first;

    for (uint32_t i = 0; i < group->received.count; i++) {
        const struct cc_entry *entry = &group->received.at[i];

        if (entry->index != next || next > effects->append_last) {
            continue;
        }

        struct cc_block *block = cc_entry_copy(group->memory, entry);

        cc_log_append(group->log, block);
        cc_block_release(block);
        next++;
    }
    CC_ASSERT(next == effects->append_last + 1);
}

static void append_noop(struct cc_group *group, const struct cc_raft_effects *effects)
{
    copycat_bytes nothing = {NULL, 0};
    struct cc_block *block = cc_entry_create(group->memory, CC_ENTRY_NOOP, nothing);

    CC_ASSERT(effects->append_first == effects->append_last);
    cc_group_clock_start(group);
    group->term_first = effects->append_first;
    group->term_led = effects->append_term;
    cc_entry_stamp(
        block, group->id, effects->append_first, effects->append_term, cc_group_log_now_us(group));
    cc_log_append(group->log, block);
    cc_block_release(block);
}

static void remember_ticket(struct cc_group *group, uint64_t ticket)
{
    if (group->ticket_count == group->ticket_capacity) {
        group->ticket_capacity = group->ticket_capacity == 0 ? 64 : group->ticket_capacity * 2;
        group->tickets = cc_memory_grow(
            group->memory, group->tickets, group->ticket_capacity * sizeof *group->tickets);
    }
    group->tickets[group->ticket_count++] =
        (struct cc_ticket_mark){ticket, cc_journal_mark(group->journal)};
}

/* Store, truncate, install, append: in this order, under one ticket. */
static void make_durable(struct cc_group *group, const struct cc_raft_effects *effects)
{
    if (effects->store) {
        cc_journal_state(
            group->journal, group->id, cc_raft_term(group->core), cc_raft_vote(group->core));
    }
    if (effects->truncate_from != 0) {
        CC_ASSERT(effects->truncate_from > cc_apply_index(group->apply) || CC_BUG(T020));
        cc_log_truncate(group->log, effects->truncate_from);
    }
    if (effects->install_index != 0) {
        cc_group_install(group, effects->keep_tail);
    }
    switch (effects->append_source) {
    case CC_RAFT_APPEND_PROPOSED:
        append_proposed(group, effects);
        break;
    case CC_RAFT_APPEND_RECEIVED:
        append_received(group, effects);
        break;
    case CC_RAFT_APPEND_NOOP:
        append_noop(group, effects);
        break;
    case CC_RAFT_APPEND_NOTHING:
        break;
    }
    if (effects->ticket != 0) {
        remember_ticket(group, effects->ticket);
    }
}

/* Those of an older term would never be sent. */
static void drop_outdated(struct cc_group *group)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < group->delayed_count; i++) {
        if (group->delayed[i].core_term == cc_raft_term(group->core)) {
            group->delayed[kept++] = group->delayed[i];
        }
    }
    group->delayed_count = kept;
}

/* Of two that wait for the same, the later says all that the earlier does, but for its match. */
static bool says_as_much(const struct cc_raft_message *later, const struct cc_raft_message *earlier)
{
    if (later->kind != earlier->kind || later->to != earlier->to) {
        return false;
    }
    switch (later->kind) {
    case CC_RAFT_VOTE:
    case CC_RAFT_VOTE_REPLY:
        /* A vote that was given stays given. */
        return later->is_prevote == earlier->is_prevote &&
               (later->is_prevote || later->is_granted == earlier->is_granted);
    case CC_RAFT_APPEND_REPLY:
        return later->is_accepted == earlier->is_accepted;
    case CC_RAFT_APPEND:
    case CC_RAFT_TIMEOUT_NOW:
        break;
    }
    return false;
}

/*
 * Others go on asking while this disk hangs, and so does a server that nobody leads.  What waits for
 * the same ticket is one message: the newest, with the most that was promised.
 */
static bool is_merged(struct cc_group *group, const struct cc_raft_send *send)
{
    for (uint32_t i = group->delayed_count; i > 0 && group->delayed[i - 1].after >= send->after;
         i--) {
        struct cc_raft_send *before = &group->delayed[i - 1];

        if (says_as_much(&send->message, &before->message) && before->after == send->after &&
            before->core_term == send->core_term) {
            uint64_t match = before->message.match;

            *before = *send;
            before->message.match = match > send->message.match ? match : send->message.match;
            return true;
        }
    }
    return false;
}

static void delay_send(struct cc_group *group, const struct cc_raft_send *send)
{
    if (is_merged(group, send)) {
        return;
    }
    if (group->delayed_count == group->delayed_capacity) {
        drop_outdated(group);
    }
    if (group->delayed_count == group->delayed_capacity) {
        group->delayed_capacity = group->delayed_capacity == 0 ? 16 : group->delayed_capacity * 2;
        group->delayed = cc_memory_grow(
            group->memory, group->delayed, group->delayed_capacity * sizeof *group->delayed);
    }
    group->delayed[group->delayed_count++] = *send;
}

void cc_group_release_sends(struct cc_group *group, uint64_t ticket)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < group->delayed_count; i++) {
        const struct cc_raft_send *send = &group->delayed[i];

        if (send->after > ticket) {
            group->delayed[kept++] = *send;
        } else if (send->core_term == cc_raft_term(group->core)) {
            cc_group_transmit(group, send);
        }
    }
    group->delayed_count = kept;
}

/* Without a successor: nobody has taken its place, it has given it up. */
static void tell_abdication(struct cc_group *group)
{
    cc_server_notice_about(
        group->server, CC_TOPIC_LEADER,
        group->is_stalled ? "its disk does not finish a write, or is full; leads no longer"
                          : "reaches no majority; leads no longer");
}

/* A new role, term or leader. */
static void changed(struct cc_group *group)
{
    uint32_t leader = cc_raft_leader(group->core);
    uint64_t term = cc_raft_term(group->core);

    if (cc_raft_role(group->core) != CC_RAFT_LEADER) {
        if (group->term_first != 0 && group->term_led == term) {
            tell_abdication(group);
            group->told_term = 0; /* whoever leads then, it is worth saying */
        }
        if (group->is_leading || group->proposed.count > 0 || group->term_first != 0) {
            cc_group_unlead(group);
        }
        group->term_first = 0;
    }
    cc_group_senders_reset(group);
    if (leader != 0 && (leader != group->leader_told || term != group->told_term)) {
        group->told_term = term;
        cc_server_led(group->server, leader, term);
    }
    if (leader != 0 && leader != group->leader_told) {
        group->leader_told = leader;
        cc_server_leader_changed(group->server);
    }
}

static void carry_out(struct cc_group *group)
{
    const struct cc_raft_effects *effects = &group->effects;

    make_durable(group, effects);
    if (effects->read_round != 0) {
        group->effects_round = effects->read_round;
        group->effects_index = effects->read_index;
    }
    if (effects->became) {
        changed(group);
    }
    for (uint32_t i = 0; i < effects->send_count; i++) {
        const struct cc_raft_send *send = &effects->sends[i];

        if (send->after != 0) {
            delay_send(group, send);
        } else {
            cc_group_transmit(group, send);
        }
    }
    cc_env_timer_arm(group->env, &group->wake, effects->wake_at_us);
    cc_group_wake(group);
}

/* Says SENT for the appends that have left; each is a step of its own (G1). */
static void step_sent(struct cc_group *group)
{
    while (group->sent_count > 0) {
        struct cc_sent sent = group->sent[--group->sent_count];
        struct cc_raft_event event = {
            .kind = CC_RAFT_EVENT_SENT,
            .now_us = cc_env_now_us(group->env),
            .peer = sent.peer,
            .index = sent.index,
            .bytes = sent.bytes,
        };

        if (cc_raft_step(group->core, &event, &group->effects) == COPYCAT_OK) {
            carry_out(group);
        }
    }
}

copycat_status cc_group_step(struct cc_group *group, struct cc_raft_event *event)
{
    CC_ASSERT(!group->is_stepping); /* G1 */
    group->is_stepping = true;
    event->now_us = cc_env_now_us(group->env);

    copycat_status status = cc_raft_step(group->core, event, &group->effects);

    if (status == COPYCAT_OK) {
        carry_out(group);
        step_sent(group);
    }
    group->is_stepping = false;
    return status;
}

void cc_group_durable(struct cc_group *group, uint64_t mark)
{
    uint32_t done = 0;

    cc_group_watch_disk(group);
    cc_group_repair_durable(group, mark);
    cc_group_image_durable(group, mark);
    while (done < group->ticket_count && group->tickets[done].mark <= mark) {
        done++;
    }
    if (done == 0) {
        return;
    }

    uint64_t ticket = group->tickets[done - 1].ticket;

    group->ticket_count -= done;
    memmove(group->tickets, group->tickets + done, group->ticket_count * sizeof *group->tickets);
    cc_group_release_sends(group, ticket);

    struct cc_raft_event event = {.kind = CC_RAFT_EVENT_STORED, .ticket = ticket};

    (void)cc_group_step(group, &event);
}

void cc_group_peer_changed(struct cc_group *group, uint32_t peer, bool is_up)
{
    struct cc_raft_event event = {
        .kind = is_up ? CC_RAFT_EVENT_PEER_UP : CC_RAFT_EVENT_PEER_DOWN,
        .peer = peer,
    };

    for (uint32_t i = 0; i < group->sender_count; i++) {
        if (group->senders[i].send.message.to == peer) {
            group->senders[i].is_stale = true;
        }
    }
    if (is_up) {
        cc_group_repair_peer_up(group, peer);
        group->told[cc_server_member_place(group->server, peer)].index = 0; /* a former life */
    }
    (void)cc_group_step(group, &event);
}

copycat_status cc_group_transfer(struct cc_group *group, uint32_t target)
{
    struct cc_raft_event event = {.kind = CC_RAFT_EVENT_TRANSFER, .peer = target};

    return cc_group_step(group, &event);
}
