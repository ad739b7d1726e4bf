/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message_hello -- the first words on a connection; declared in message.h.
 */
#include "proto/message.h"

#include <string.h>

/* On the wire alone: a server that has a state and is not founded yet. */
#define KIND_RESTORED 5u

void cc_hello_encode(struct cc_writer *writer, const struct cc_hello *hello)
{
    cc_write_varint(writer, hello->version_min);
    cc_write_varint(writer, hello->version_max);
    cc_write_varint(writer, hello->feature_level);
    cc_write_u8(
        writer,
        hello->kind == CC_HELLO_PEER && hello->is_restored ? (uint8_t)KIND_RESTORED : hello->kind);
    cc_write_raw(writer, hello->cluster_id, CC_CLUSTER_ID_SIZE);
    cc_write_varint(writer, hello->server);
    cc_write_raw(writer, hello->incarnation, CC_INCARNATION_SIZE);
    cc_write_varint(writer, hello->boot);
    cc_members_encode(writer, &hello->members);
}

static bool is_zero(const uint8_t id[CC_CLUSTER_ID_SIZE])
{
    static const uint8_t none[CC_CLUSTER_ID_SIZE];

    return memcmp(id, none, CC_CLUSTER_ID_SIZE) == 0;
}

static uint32_t read_small(struct cc_reader *reader)
{
    uint64_t value = cc_read_varint(reader);

    if (value > UINT32_MAX) {
        reader->failed = true;
        return 0;
    }
    return (uint32_t)value;
}

static bool is_of_server(uint8_t kind)
{
    return kind == CC_HELLO_PEER || kind == CC_HELLO_LANE;
}

bool cc_hello_decode(copycat_bytes body, struct cc_hello *hello_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    hello_out->version_min = read_small(&reader);
    hello_out->version_max = read_small(&reader);
    hello_out->feature_level = read_small(&reader);
    hello_out->kind = cc_read_u8(&reader);
    hello_out->is_restored = hello_out->kind == KIND_RESTORED;
    if (hello_out->is_restored) {
        hello_out->kind = CC_HELLO_PEER;
    }

    const void *cluster_id = cc_read_raw(&reader, CC_CLUSTER_ID_SIZE);

    hello_out->server = read_small(&reader);

    const void *incarnation = cc_read_raw(&reader, CC_INCARNATION_SIZE);

    hello_out->boot = cc_read_varint(&reader);
    if (!cc_members_decode(&reader, &hello_out->members) || !cc_reader_is_done(&reader)) {
        return false;
    }
    memcpy(hello_out->cluster_id, cluster_id, CC_CLUSTER_ID_SIZE);
    memcpy(hello_out->incarnation, incarnation, CC_INCARNATION_SIZE);
    return hello_out->version_min != 0 && hello_out->version_min <= hello_out->version_max &&
           hello_out->kind >= CC_HELLO_CLIENT && hello_out->kind <= CC_HELLO_LANE &&
           (!hello_out->is_restored || !is_zero(hello_out->cluster_id)) &&
           (hello_out->server != 0) == is_of_server(hello_out->kind) &&
           (hello_out->members.count != 0) == is_of_server(hello_out->kind);
}

void cc_refuse_encode(struct cc_writer *writer, const struct cc_refuse *refuse)
{
    cc_write_u32(writer, (uint32_t)refuse->status);
    cc_write_counted(writer, refuse->text);
}

bool cc_refuse_decode(copycat_bytes body, struct cc_refuse *refuse_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    refuse_out->status = (copycat_status)cc_read_u32(&reader);
    refuse_out->text = cc_read_counted(&reader, CC_REFUSE_TEXT_SIZE_MAX);
    return cc_reader_is_done(&reader) && refuse_out->status < COPYCAT_OK;
}
