/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_receive -- Raft messages on their way in: decoded, checked, and handed to the core.
 *
 * Bytes from a peer are checked, never asserted: false means that the connection should end.
 */
#include "base/assert.h"
#include "base/bug.h"
#include "server/group/group.h"
#include "server/image/fetching.h"

static bool receive(struct cc_group *group, const struct cc_raft_message *message)
{
    struct cc_raft_event event = {.kind = CC_RAFT_EVENT_RECEIVE, .message = message};

    return cc_group_step(group, &event) != COPYCAT_ERR_MALFORMED;
}

static void list_entry(struct cc_group *group, const struct cc_entry *entry)
{
    struct cc_entry_list *list = &group->received;

    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        list->at = cc_memory_grow(group->memory, list->at, list->capacity * sizeof *list->at);
    }
    list->at[list->count++] = *entry;
}

/* Notes the entry's term in the message's runs; false if there are too many changes of term. */
static bool note_run(struct cc_raft_message *message, const struct cc_entry *entry)
{
    if (message->run_count > 0) {
        const struct cc_raft_run *newest = &message->runs[message->run_count - 1];

        if (entry->term < newest->term) {
            return false;
        }
        if (entry->term == newest->term) {
            return true;
        }
    }
    if (message->run_count == CC_RUNS_PER_APPEND_MAX) {
        return false;
    }
    message->runs[message->run_count++] = (struct cc_raft_run){entry->index, entry->term};
    return true;
}

/* Reads the entries of an append into `received`; they must follow prev_index without a hole. */
static bool read_entries(
    struct cc_group *group, const struct cc_append *append, struct cc_raft_message *message)
{
    copycat_bytes left = append->entries;

    group->received.count = 0;
    for (uint32_t i = 0; i < append->entry_count; i++) {
        struct cc_entry entry;
        uint32_t size;

        if (cc_entry_decode(left, &entry, &size) != COPYCAT_OK || entry.group != group->id ||
            entry.index != append->prev_index + 1 + i || !note_run(message, &entry)) {
            return false;
        }
        list_entry(group, &entry);
        left.data = (const uint8_t *)left.data + size;
        left.size -= size;
    }
    return left.size == 0;
}

static bool receive_append(struct cc_group *group, uint32_t peer, copycat_bytes body)
{
    struct cc_append append;

    if (!cc_append_decode(body, &append)) {
        return false;
    }

    struct cc_raft_message message = {
        .kind = CC_RAFT_APPEND,
        .from = peer,
        .to = group->server_id,
        .term = append.term,
        .prev_index = append.prev_index,
        .prev_term = append.prev_term,
        .commit = append.commit,
        .floor = append.floor,
        .round = append.round,
        .sent_at_us = append.sent_at_us,
        .entry_count = append.entry_count,
    };
    bool is_sound = read_entries(group, &append, &message);

    if (is_sound && append.entry_count > 0 &&
        cc_group_room_is_at_end(group, append.entry_count, append.entries.size)) {
        group->received.count = 0;
        return true; /* as if it were lost: what is left of the journal is for an image */
    }
    is_sound = is_sound && receive(group, &message);
    if (is_sound) {
        cc_group_repair_received(group);
    }
    group->received.count = 0; /* they borrowed the frame */
    return is_sound;
}

static bool receive_append_reply(struct cc_group *group, uint32_t peer, copycat_bytes body)
{
    struct cc_append_reply reply;

    if (!cc_append_reply_decode(body, &reply)) {
        return false;
    }

    struct cc_raft_message message = {
        .kind = CC_RAFT_APPEND_REPLY,
        .from = peer,
        .to = group->server_id,
        .term = reply.term,
        .is_accepted = reply.is_accepted,
        .match = reply.match,
        .hint_index = reply.hint_index,
        .hint_term = reply.hint_term,
        .round = reply.round,
        .sent_at_us = reply.sent_at_us,
        .promise_us = reply.promise_us,
    };

    return receive(group, &message);
}

static bool receive_vote(struct cc_group *group, uint32_t peer, copycat_bytes body)
{
    struct cc_vote vote;

    if (!cc_vote_decode(body, &vote)) {
        return false;
    }

    struct cc_raft_message message = {
        .kind = CC_RAFT_VOTE,
        .from = peer,
        .to = group->server_id,
        .term = vote.term,
        .last_index = vote.last_index,
        .last_term = vote.last_term,
        .is_prevote = vote.is_prevote,
        .is_transfer = vote.is_transfer,
    };

    return receive(group, &message);
}

static bool receive_vote_reply(struct cc_group *group, uint32_t peer, copycat_bytes body)
{
    struct cc_vote_reply reply;

    if (!cc_vote_reply_decode(body, &reply)) {
        return false;
    }

    struct cc_raft_message message = {
        .kind = CC_RAFT_VOTE_REPLY,
        .from = peer,
        .to = group->server_id,
        .term = reply.term,
        .is_prevote = reply.is_prevote,
        .is_granted = reply.is_granted,
    };

    return receive(group, &message);
}

static bool receive_timeout_now(struct cc_group *group, uint32_t peer, copycat_bytes body)
{
    struct cc_timeout_now timeout;

    if (!cc_timeout_now_decode(body, &timeout)) {
        return false;
    }

    struct cc_raft_message message = {
        .kind = CC_RAFT_TIMEOUT_NOW,
        .from = peer,
        .to = group->server_id,
        .term = timeout.term,
    };

    return receive(group, &message);
}

bool cc_group_receive(struct cc_group *group, uint32_t peer, const struct cc_frame *frame)
{
    switch (frame->type) {
    case CC_MESSAGE_APPEND:
        return receive_append(group, peer, frame->body);
    case CC_MESSAGE_APPEND_REPLY:
        return receive_append_reply(group, peer, frame->body);
    case CC_MESSAGE_VOTE:
        return receive_vote(group, peer, frame->body);
    case CC_MESSAGE_VOTE_REPLY:
        return receive_vote_reply(group, peer, frame->body);
    case CC_MESSAGE_TIMEOUT_NOW:
        return receive_timeout_now(group, peer, frame->body);
    case CC_MESSAGE_REPAIR_ASK:
        return cc_group_receive_repair_ask(group, peer, frame->body);
    case CC_MESSAGE_REPAIR:
        return cc_group_receive_repair(group, peer, frame->body);
    case CC_MESSAGE_IMAGE_OFFER:
        return cc_group_receive_image_offer(group, peer, frame->body);
    case CC_MESSAGE_IMAGE_WANTED:
        return cc_group_receive_image_wanted(group, peer, frame->body);
    case CC_MESSAGE_IMAGE_FETCHING:
        return cc_group_receive_image_fetching(group, peer, frame->body);
    case CC_MESSAGE_ROOM:
        return cc_group_receive_room(group, peer, frame->body);
    case CC_MESSAGE_MARKED:
        return cc_group_receive_marked(group, peer, frame->body);
    case CC_MESSAGE_IMAGE_PART: /* T-047: not here, where heartbeats would wait behind it */
        return CC_BUG(T047) &&
               (group->fetching == NULL || cc_fetching_received(group->fetching, frame->body));
    default:
        return false;
    }
}
