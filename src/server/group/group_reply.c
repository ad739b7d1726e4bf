/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_reply -- what goes back to whoever asked, here or through the server that passed it on.
 *
 * A reply whose connection is gone is dropped: the client asks again on its next one.
 */
#include "server/group/group.h"
#include "server/node/node.h"

static struct cc_writer *begin(struct cc_group *group)
{
    return cc_server_reply_begin(group->server);
}

static void end(struct cc_group *group, struct cc_origin origin, uint16_t type)
{
    cc_server_reply_end(group->server, origin, type, group->id);
}

void cc_group_reply_answer(
    struct cc_group *group, struct cc_origin origin, uint16_t type, const struct cc_answer *answer)
{
    cc_answer_encode(begin(group), answer);
    end(group, origin, type);
}

void cc_group_reply_status(
    struct cc_group *group,
    struct cc_origin origin,
    uint16_t type,
    uint64_t session,
    uint64_t number,
    copycat_status status)
{
    struct cc_answer answer = {.session = session, .sequence = number, .status = status};

    cc_group_reply_answer(group, origin, type, &answer);
}

void cc_group_reply_opened(
    struct cc_group *group,
    struct cc_origin origin,
    const uint8_t nonce[CC_NONCE_SIZE],
    copycat_status status,
    uint64_t session,
    uint64_t timeout_us)
{
    struct cc_session_opened opened = {
        .status = status, .session = session, .timeout_us = timeout_us};

    for (size_t i = 0; i < CC_NONCE_SIZE; i++) {
        opened.nonce[i] = nonce[i];
    }
    cc_session_opened_encode(begin(group), &opened);
    end(group, origin, CC_MESSAGE_SESSION_OPENED);
}

void cc_group_reply_kept(
    struct cc_group *group, struct cc_origin origin, uint64_t session, copycat_status status)
{
    struct cc_kept_alive kept = {.session = session, .status = status};

    cc_kept_alive_encode(begin(group), &kept);
    end(group, origin, CC_MESSAGE_KEPT_ALIVE);
}

void cc_group_reply_ended(
    struct cc_group *group, struct cc_origin origin, uint64_t session, copycat_status status)
{
    struct cc_session_ended ended = {.session = session, .status = status};

    cc_session_ended_encode(begin(group), &ended);
    end(group, origin, CC_MESSAGE_SESSION_ENDED);
}

void cc_group_reply_resend(
    struct cc_group *group, struct cc_origin origin, uint64_t session, uint64_t last)
{
    struct cc_resend resend = {.session = session, .last = last};

    cc_resend_encode(begin(group), &resend);
    end(group, origin, CC_MESSAGE_RESEND);
}
