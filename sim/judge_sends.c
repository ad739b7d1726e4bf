/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_sends -- what a server reveals to others: of that it must have been sure.
 */
#include "sim/judge_internal.h"

static void hears(struct cc_judge *judge, uint32_t place, const struct cc_frame *frame)
{
    struct watched *server = &judge->servers[place];

    if (server->is_rolled_back &&
        (frame->type == CC_MESSAGE_VOTE_REPLY || frame->type == CC_MESSAGE_APPEND_REPLY)) {
        cc_judge_blame(
            judge, "old disks: server %u takes part with an old image of its disk", place + 1);
    }

    struct cc_vote vote;
    struct cc_vote_reply vote_reply;
    struct cc_append append;
    struct cc_append_reply reply;
    struct cc_timeout_now timeout_now;
    uint64_t term = 0;

    if (frame->type == CC_MESSAGE_TIMEOUT_NOW && cc_timeout_now_decode(frame->body, &timeout_now)) {
        server->handed_term = timeout_now.term;
    } else if (
        frame->type == CC_MESSAGE_VOTE && cc_vote_decode(frame->body, &vote) && !vote.is_prevote) {
        term = vote.term;
        server->asked_term = term;
        server->asked_last = vote.last_index;
        server->asked_last_term = vote.last_term;
        server->asked_as_told = vote.is_transfer;
        server->told_vote = place + 1;
        server->told_vote_term = term;
    } else if (
        frame->type == CC_MESSAGE_VOTE_REPLY && cc_vote_reply_decode(frame->body, &vote_reply) &&
        !vote_reply.is_prevote) {
        term = vote_reply.term;
        if (vote_reply.is_granted && server->term == term) {
            server->told_vote = server->vote;
            server->told_vote_term = term;
        }
    } else if (frame->type == CC_MESSAGE_APPEND && cc_append_decode(frame->body, &append)) {
        term = append.term;
    } else if (
        frame->type == CC_MESSAGE_APPEND_REPLY && cc_append_reply_decode(frame->body, &reply)) {
        term = reply.term;
        if (reply.is_accepted && reply.match > server->told_match && reply.match <= server->last) {
            server->told_match = reply.match;
        }
    }
    if (term > server->told_term) {
        server->told_term = term;
    }
}

void cc_judge_sends(struct cc_judge *judge, uint32_t place, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    const struct cc_server *server = judge->servers[place].server;

    /* It may have failed, and what it says now was true before that all the same. */
    if (judge->servers[place].is_up && server != NULL && server->group != NULL) {
        cc_judge_follow(judge, place, server->group);
    }
    while (size >= CC_FRAME_HEADER_SIZE) {
        size_t body_size = cc_load_u32(bytes);
        struct cc_frame frame = {
            .type = cc_load_u16(bytes + 8),
            .group = cc_load_u32(bytes + 12),
            .body = {bytes + CC_FRAME_HEADER_SIZE, body_size},
        };

        if (body_size > size - CC_FRAME_HEADER_SIZE) {
            cc_judge_blame(judge, "kept promises: server %u wrote half a frame", place + 1);
            return;
        }
        hears(judge, place, &frame);
        bytes += CC_FRAME_HEADER_SIZE + body_size;
        size -= CC_FRAME_HEADER_SIZE + body_size;
    }
}
