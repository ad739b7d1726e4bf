/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message_peer -- what servers pass on for clients; declared in message.h.
 */
#include "proto/message.h"

void cc_forward_encode(struct cc_writer *writer, const struct cc_forward *forward)
{
    cc_write_varint(writer, forward->token);
    cc_write_u16(writer, forward->type);
    cc_write_counted(writer, forward->body);
}

bool cc_forward_decode(copycat_bytes body, struct cc_forward *forward_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    forward_out->token = cc_read_varint(&reader);
    forward_out->type = cc_read_u16(&reader);
    forward_out->body = cc_read_counted(&reader, CC_FRAME_BODY_CLIENT_MAX);
    return cc_reader_is_done(&reader);
}
