/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload -- what stands inside a log entry; declared in entry.h.
 */
#include "base/assert.h"
#include "proto/entry.h"
#include "proto/limits.h"

#include <string.h>

/* Whatever operation a client may send fits into an entry. */
CC_STATIC_ASSERT(
    7u * CC_VARINT_SIZE_MAX <= CC_ENTRY_PAYLOAD_SIZE_MAX - CC_OPERATION_SIZE_MAX,
    "six numbers and a length go before the operation");

void cc_session_open_encode(struct cc_writer *writer, const struct cc_session_open *open)
{
    cc_write_raw(writer, open->nonce, CC_NONCE_SIZE);
    cc_write_varint(writer, open->timeout_us);
}

bool cc_session_open_decode(copycat_bytes bytes, struct cc_session_open *open_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, bytes.data, bytes.size);

    const void *nonce = cc_read_raw(&reader, CC_NONCE_SIZE);

    open_out->timeout_us = cc_read_varint(&reader);
    if (!cc_reader_is_done(&reader)) {
        return false;
    }
    memcpy(open_out->nonce, nonce, CC_NONCE_SIZE);
    return true;
}

void cc_session_close_encode(struct cc_writer *writer, const struct cc_session_close *close)
{
    cc_write_varint(writer, close->session);
}

bool cc_session_close_decode(copycat_bytes bytes, struct cc_session_close *close_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, bytes.data, bytes.size);
    close_out->session = cc_read_varint(&reader);
    return cc_reader_is_done(&reader) && close_out->session != 0 &&
           close_out->session <= CC_INDEX_MAX;
}

void cc_session_expire_encode(struct cc_writer *writer, const struct cc_session_expire *expire)
{
    cc_write_varint(writer, expire->session);
    cc_write_varint(writer, expire->touched);
}

bool cc_session_expire_decode(copycat_bytes bytes, struct cc_session_expire *expire_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, bytes.data, bytes.size);
    expire_out->session = cc_read_varint(&reader);
    expire_out->touched = cc_read_varint(&reader);
    return cc_reader_is_done(&reader) && expire_out->session != 0 &&
           expire_out->session <= CC_INDEX_MAX && expire_out->touched <= CC_INDEX_MAX;
}

void cc_mark_encode(struct cc_writer *writer, const struct cc_mark *mark)
{
    cc_write_varint(writer, mark->index);
    cc_write_u64(writer, mark->digest);
}

bool cc_mark_decode(copycat_bytes bytes, struct cc_mark *mark_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, bytes.data, bytes.size);
    mark_out->index = cc_read_varint(&reader);
    mark_out->digest = cc_read_u64(&reader);
    return cc_reader_is_done(&reader) && mark_out->index <= CC_INDEX_MAX;
}

void cc_command_encode(struct cc_writer *writer, const struct cc_command *command)
{
    cc_write_varint(writer, command->session);
    cc_write_varint(writer, command->sequence);
    cc_write_varint(writer, command->answered);
    cc_write_varint(writer, command->events);
    cc_write_varint(writer, command->stream);
    cc_write_varint(writer, command->instance);
    cc_write_counted(writer, command->operation);
}

bool cc_command_decode(copycat_bytes bytes, struct cc_command *command_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, bytes.data, bytes.size);
    command_out->session = cc_read_varint(&reader);
    command_out->sequence = cc_read_varint(&reader);
    command_out->answered = cc_read_varint(&reader);
    command_out->events = cc_read_varint(&reader);
    command_out->stream = cc_read_varint(&reader);
    command_out->instance = cc_read_varint(&reader);
    command_out->operation = cc_read_counted(&reader, CC_OPERATION_SIZE_MAX);
    return cc_reader_is_done(&reader) && command_out->session != 0 &&
           command_out->session <= CC_INDEX_MAX && command_out->sequence != 0 &&
           command_out->sequence <= CC_INDEX_MAX && command_out->answered <= CC_INDEX_MAX &&
           command_out->events <= CC_INDEX_MAX && command_out->instance <= CC_INDEX_MAX;
}
