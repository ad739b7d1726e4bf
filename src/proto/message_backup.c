/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message_backup -- a backup on its way to an observer; declared in message.h.
 */
#include "proto/message.h"

#include <string.h>

void cc_backup_ask_encode(struct cc_writer *writer, const struct cc_backup_ask *ask)
{
    cc_write_varint(writer, ask->received);
}

bool cc_backup_ask_decode(copycat_bytes body, struct cc_backup_ask *ask_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    ask_out->received = cc_read_varint(&reader);
    return cc_reader_is_done(&reader) && ask_out->received <= CC_IMAGE_SIZE_MAX;
}

void cc_backup_head_encode(struct cc_writer *writer, const struct cc_backup_head *head)
{
    cc_write_raw(writer, head->cluster_id, CC_CLUSTER_ID_SIZE);
    cc_write_varint(writer, head->index);
    cc_write_varint(writer, head->term);
    cc_write_varint(writer, head->time_us);
    cc_write_varint(writer, head->size);
}

bool cc_backup_head_decode(copycat_bytes body, struct cc_backup_head *head_out)
{
    struct cc_reader reader;
    const void *cluster_id;

    cc_reader_init(&reader, body.data, body.size);
    cluster_id = cc_read_raw(&reader, CC_CLUSTER_ID_SIZE);
    head_out->index = cc_read_varint(&reader);
    head_out->term = cc_read_varint(&reader);
    head_out->time_us = cc_read_varint(&reader);
    head_out->size = cc_read_varint(&reader);
    if (!cc_reader_is_done(&reader)) {
        return false;
    }
    memcpy(head_out->cluster_id, cluster_id, CC_CLUSTER_ID_SIZE);
    return head_out->index > 0 && head_out->index <= CC_INDEX_MAX && head_out->term > 0 &&
           head_out->term <= CC_TERM_MAX && head_out->time_us <= CC_TIME_US_MAX &&
           head_out->size > 0 && head_out->size <= CC_IMAGE_SIZE_MAX;
}

void cc_backup_part_encode(struct cc_writer *writer, const struct cc_backup_part *part)
{
    cc_write_varint(writer, part->offset);
    cc_write_counted(writer, part->bytes);
}

bool cc_backup_part_decode(copycat_bytes body, struct cc_backup_part *part_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    part_out->offset = cc_read_varint(&reader);
    part_out->bytes = cc_read_counted(&reader, CC_BACKUP_PART_SIZE_MAX);
    return cc_reader_is_done(&reader) && part_out->offset <= CC_IMAGE_SIZE_MAX &&
           part_out->bytes.size > 0;
}

void cc_backup_end_encode(struct cc_writer *writer, const struct cc_backup_end *end)
{
    cc_write_varint(writer, end->size);
}

bool cc_backup_end_decode(copycat_bytes body, struct cc_backup_end *end_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    end_out->size = cc_read_varint(&reader);
    return cc_reader_is_done(&reader) && end_out->size > 0 && end_out->size <= CC_IMAGE_SIZE_MAX;
}
