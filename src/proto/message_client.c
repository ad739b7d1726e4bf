/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message_client -- between a client and its server; declared in message.h.
 */
#include "proto/message.h"

#include <string.h>

static bool is_session(uint64_t session)
{
    return session != 0 && session <= CC_INDEX_MAX;
}

/* Statuses are zero or negative; which ones there are grows with the versions. */
static copycat_status read_status(struct cc_reader *reader)
{
    copycat_status status = (copycat_status)cc_read_u32(reader);

    reader->failed = reader->failed || status > COPYCAT_OK;
    return status;
}

void cc_keep_alive_encode(struct cc_writer *writer, const struct cc_keep_alive *keep_alive)
{
    cc_write_varint(writer, keep_alive->session);
    cc_write_varint(writer, keep_alive->answered);
    cc_write_varint(writer, keep_alive->events);
}

bool cc_keep_alive_decode(copycat_bytes body, struct cc_keep_alive *keep_alive_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    keep_alive_out->session = cc_read_varint(&reader);
    keep_alive_out->answered = cc_read_varint(&reader);
    keep_alive_out->events = cc_read_varint(&reader);
    return cc_reader_is_done(&reader) && is_session(keep_alive_out->session) &&
           keep_alive_out->answered <= CC_INDEX_MAX && keep_alive_out->events <= CC_INDEX_MAX;
}

void cc_kept_alive_encode(struct cc_writer *writer, const struct cc_kept_alive *kept)
{
    cc_write_varint(writer, kept->session);
    cc_write_u32(writer, (uint32_t)kept->status);
}

bool cc_kept_alive_decode(copycat_bytes body, struct cc_kept_alive *kept_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    kept_out->session = cc_read_varint(&reader);
    kept_out->status = read_status(&reader);
    return cc_reader_is_done(&reader) && is_session(kept_out->session);
}

void cc_session_opened_encode(struct cc_writer *writer, const struct cc_session_opened *opened)
{
    cc_write_raw(writer, opened->nonce, CC_NONCE_SIZE);
    cc_write_u32(writer, (uint32_t)opened->status);
    cc_write_varint(writer, opened->session);
    cc_write_varint(writer, opened->timeout_us);
}

bool cc_session_opened_decode(copycat_bytes body, struct cc_session_opened *opened_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);

    const void *nonce = cc_read_raw(&reader, CC_NONCE_SIZE);

    opened_out->status = read_status(&reader);
    opened_out->session = cc_read_varint(&reader);
    opened_out->timeout_us = cc_read_varint(&reader);
    if (!cc_reader_is_done(&reader)) {
        return false;
    }
    memcpy(opened_out->nonce, nonce, CC_NONCE_SIZE);
    return opened_out->status == COPYCAT_OK ? is_session(opened_out->session)
                                            : opened_out->session == 0;
}

void cc_session_ended_encode(struct cc_writer *writer, const struct cc_session_ended *ended)
{
    cc_write_varint(writer, ended->session);
    cc_write_u32(writer, (uint32_t)ended->status);
}

bool cc_session_ended_decode(copycat_bytes body, struct cc_session_ended *ended_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    ended_out->session = cc_read_varint(&reader);
    ended_out->status = read_status(&reader);
    return cc_reader_is_done(&reader) && is_session(ended_out->session) &&
           ended_out->status != COPYCAT_OK;
}

void cc_query_encode(struct cc_writer *writer, const struct cc_query *query)
{
    cc_write_varint(writer, query->number);
    cc_write_varint(writer, query->session);
    cc_write_varint(writer, query->after_sequence);
    cc_write_varint(writer, query->after_index);
    cc_write_varint(writer, query->stream);
    cc_write_varint(writer, query->instance);
    cc_write_u8(writer, query->level);
    cc_write_counted(writer, query->operation);
}

bool cc_query_decode(copycat_bytes body, struct cc_query *query_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    query_out->number = cc_read_varint(&reader);
    query_out->session = cc_read_varint(&reader);
    query_out->after_sequence = cc_read_varint(&reader);
    query_out->after_index = cc_read_varint(&reader);
    query_out->stream = cc_read_varint(&reader);
    query_out->instance = cc_read_varint(&reader);
    query_out->level = cc_read_u8(&reader);
    query_out->operation = cc_read_counted(&reader, CC_OPERATION_SIZE_MAX);
    return cc_reader_is_done(&reader) && is_session(query_out->session) &&
           query_out->after_sequence <= CC_INDEX_MAX && query_out->after_index <= CC_INDEX_MAX &&
           query_out->instance <= CC_INDEX_MAX && query_out->level >= CC_READ_LINEARIZABLE &&
           query_out->level <= CC_READ_EVENTUAL;
}

void cc_answer_encode(struct cc_writer *writer, const struct cc_answer *answer)
{
    cc_write_varint(writer, answer->session);
    cc_write_varint(writer, answer->sequence);
    cc_write_varint(writer, answer->index);
    cc_write_varint(writer, answer->event);
    cc_write_u32(writer, (uint32_t)answer->status);
    cc_write_counted(writer, answer->result);
}

bool cc_answer_decode(copycat_bytes body, struct cc_answer *answer_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    answer_out->session = cc_read_varint(&reader);
    answer_out->sequence = cc_read_varint(&reader);
    answer_out->index = cc_read_varint(&reader);
    answer_out->event = cc_read_varint(&reader);
    answer_out->status = read_status(&reader);
    answer_out->result = cc_read_counted(&reader, CC_RESULT_SIZE_MAX);
    return cc_reader_is_done(&reader) && is_session(answer_out->session) &&
           answer_out->index <= CC_INDEX_MAX && answer_out->event <= CC_INDEX_MAX;
}

void cc_resend_encode(struct cc_writer *writer, const struct cc_resend *resend)
{
    cc_write_varint(writer, resend->session);
    cc_write_varint(writer, resend->last);
}

bool cc_resend_decode(copycat_bytes body, struct cc_resend *resend_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    resend_out->session = cc_read_varint(&reader);
    resend_out->last = cc_read_varint(&reader);
    return cc_reader_is_done(&reader) && is_session(resend_out->session) &&
           resend_out->last <= CC_INDEX_MAX;
}
