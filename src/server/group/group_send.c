/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_send -- Raft messages on their way out; appends are filled from the log, which may have to
 * fetch entries from disk first.
 */
#include "base/assert.h"
#include "base/bug.h"
#include "server/group/group.h"
#include "server/node/node.h"

/* Encoded entries that one append will carry. */
struct span {
    uint64_t last; /* prev_index if there are none */
    uint32_t bytes;
    uint32_t count;
    bool is_missing; /* the entry after `last` is not in memory */
};

/* As many entries as fit, at least one, and no more changes of term than a message may have. */
static struct span measure(struct cc_group *group, const struct cc_raft_send *send)
{
    struct span span = {.last = send->message.prev_index};
    uint64_t term = 0;
    uint32_t runs = 0;

    while (span.last < send->max_index) {
        struct cc_block *block = cc_log_peek(group->log, span.last + 1);

        if (block == NULL) {
            span.is_missing = true;
            break;
        }

        uint64_t entry_term = cc_entry_of(block).term;

        if ((span.count > 0 || CC_BUG(T023)) && span.bytes + block->size > send->bytes_max) {
            break;
        }
        if (entry_term != term && ++runs > CC_RUNS_PER_APPEND_MAX) {
            break;
        }
        term = entry_term;
        span.bytes += block->size;
        span.count++;
        span.last++;
    }
    return span;
}

static struct cc_sender *sender_of(struct cc_group *group, uint32_t peer)
{
    for (uint32_t i = 0; i < group->sender_count; i++) {
        if (group->senders[i].send.message.to == peer) {
            return &group->senders[i];
        }
    }
    CC_ASSERT(group->sender_count < CC_MEMBERS_MAX);

    struct cc_sender *sender = &group->senders[group->sender_count++];

    sender->group = group;
    return sender;
}

static void loaded(struct cc_log_load *load)
{
    struct cc_sender *sender = load->owner;
    struct cc_group *group = sender->group;

    sender->is_loading = false;
    if (load->status == COPYCAT_ERR_CLOSED) {
        return;
    }
    if (load->status != COPYCAT_OK && !cc_group_lose_entry(group, load->index, load->status)) {
        cc_group_fail_reading(group, load->status);
        return;
    }
    if (sender->is_stale || sender->send.core_term != cc_raft_term(group->core) ||
        cc_raft_role(group->core) != CC_RAFT_LEADER) {
        return;
    }
    cc_group_transmit(group, &sender->send);

    /* What has left by now is reported in a step of its own; a wake-up of the core does that. */
    struct cc_raft_event event = {.kind = CC_RAFT_EVENT_TIMEOUT};

    (void)cc_group_step(group, &event);
}

static void load_for(struct cc_group *group, const struct cc_raft_send *send, uint64_t index)
{
    struct cc_sender *sender = sender_of(group, send->message.to);
    bool has_entries = send->max_index > send->message.prev_index;

    if (sender->is_loading) {
        /* A heartbeat does not take the place of entries: the core waits to hear that those left.
         */
        if (has_entries || sender->is_stale ||
            sender->send.max_index == sender->send.message.prev_index) {
            sender->send = *send;
            sender->is_stale = false;
        }
        return;
    }
    sender->send = *send;
    sender->is_loading = true;
    sender->is_stale = false;
    sender->load =
        (struct cc_log_load){.index = index, .done = loaded, .owner = sender, .is_optional = true};
    cc_log_load(group->log, &sender->load);
}

void cc_group_senders_reset(struct cc_group *group)
{
    for (uint32_t i = 0; i < group->sender_count; i++) {
        group->senders[i].is_stale = true;
    }
}

static void encode_append(
    struct cc_group *group,
    struct cc_writer *writer,
    const struct cc_raft_message *message,
    const struct span *span)
{
    struct cc_append append = {
        .term = message->term,
        .prev_index = message->prev_index,
        .prev_term = message->prev_term,
        .commit = message->commit,
        .floor = message->floor,
        .round = message->round,
        .sent_at_us = message->sent_at_us,
        .entry_count = span->count,
    };

    cc_append_encode_head(writer, &append);
    for (uint64_t index = message->prev_index + 1; index <= span->last; index++) {
        const struct cc_block *block = cc_log_peek(group->log, index);

        cc_write_raw(writer, block->data, block->size);
    }
}

static void transmit_append(struct cc_group *group, const struct cc_raft_send *send)
{
    struct cc_raft_message message = send->message;
    bool has_entries = send->max_index > message.prev_index;

    if (!cc_server_peer_is_up(group->server, message.to)) {
        return;
    }
    if (message.prev_index + 1 < cc_log_first(group->log)) {
        return; /* forgotten while it waited for this disk: there is nothing to read any more */
    }
    if (message.prev_term == 0) {
        message.prev_term = cc_log_term(group->log, message.prev_index); /* the core forgot it */
    }

    struct span span = {.last = message.prev_index};

    if (has_entries) {
        span = measure(group, send);
        if (span.count == 0 && CC_BUG(T023) && !span.is_missing) {
            return;
        }
        if (span.count == 0) {
            load_for(group, send, message.prev_index + 1);
            return;
        }
    }

    struct cc_writer *writer =
        cc_server_peer_begin(group->server, message.to, CC_MESSAGE_APPEND, group->id);

    encode_append(group, writer, &message, &span);
    cc_server_peer_end(group->server, message.to);
    if (has_entries) {
        CC_ASSERT(group->sent_count < CC_MEMBERS_MAX);
        group->sent[group->sent_count++] = (struct cc_sent){message.to, span.last, span.bytes};
    }
}

static void encode_vote(struct cc_writer *writer, const struct cc_raft_message *message)
{
    struct cc_vote vote = {
        .term = message->term,
        .last_index = message->last_index,
        .last_term = message->last_term,
        .is_prevote = message->is_prevote,
        .is_transfer = message->is_transfer,
    };

    cc_vote_encode(writer, &vote);
}

static void encode_vote_reply(struct cc_writer *writer, const struct cc_raft_message *message)
{
    struct cc_vote_reply reply = {
        .term = message->term,
        .is_prevote = message->is_prevote,
        .is_granted = message->is_granted,
    };

    cc_vote_reply_encode(writer, &reply);
}

static void encode_append_reply(struct cc_writer *writer, const struct cc_raft_message *message)
{
    struct cc_append_reply reply = {
        .term = message->term,
        .is_accepted = message->is_accepted,
        .match = message->match,
        .hint_index = message->hint_index,
        .hint_term = message->hint_term,
        .round = message->round,
        .sent_at_us = message->sent_at_us,
        .promise_us = message->promise_us,
    };

    cc_append_reply_encode(writer, &reply);
}

static uint16_t type_of(enum cc_raft_message_kind kind)
{
    switch (kind) {
    case CC_RAFT_VOTE:
        return CC_MESSAGE_VOTE;
    case CC_RAFT_VOTE_REPLY:
        return CC_MESSAGE_VOTE_REPLY;
    case CC_RAFT_APPEND:
        return CC_MESSAGE_APPEND;
    case CC_RAFT_APPEND_REPLY:
        return CC_MESSAGE_APPEND_REPLY;
    case CC_RAFT_TIMEOUT_NOW:
        break;
    }
    return CC_MESSAGE_TIMEOUT_NOW;
}

void cc_group_transmit(struct cc_group *group, const struct cc_raft_send *send)
{
    const struct cc_raft_message *message = &send->message;

    if (message->kind == CC_RAFT_APPEND) {
        transmit_append(group, send);
        return;
    }
    if (!cc_server_peer_is_up(group->server, message->to)) {
        return;
    }

    struct cc_writer *writer =
        cc_server_peer_begin(group->server, message->to, type_of(message->kind), group->id);

    switch (message->kind) {
    case CC_RAFT_VOTE:
        encode_vote(writer, message);
        break;
    case CC_RAFT_VOTE_REPLY:
        encode_vote_reply(writer, message);
        break;
    case CC_RAFT_APPEND_REPLY:
        encode_append_reply(writer, message);
        break;
    case CC_RAFT_TIMEOUT_NOW:
        cc_timeout_now_encode(writer, &(struct cc_timeout_now){message->term});
        break;
    case CC_RAFT_APPEND:
        break;
    }
    cc_server_peer_end(group->server, message->to);
}
