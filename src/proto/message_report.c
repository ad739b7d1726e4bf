/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message_report -- where a server says that it stands; declared in message.h.
 */
#include "proto/message.h"

#include <string.h>

/* In the order of the struct, and of the document. */
static void encode_counters(struct cc_writer *writer, const struct cc_report_counters *counters)
{
    cc_write_varint(writer, counters->journal_writes);
    cc_write_varint(writer, counters->journal_bytes);
    cc_write_varint(writer, counters->disk_syncs);
    cc_write_varint(writer, counters->disk_written_bytes);
    cc_write_varint(writer, counters->waits);
    cc_write_varint(writer, counters->socket_writes);
    cc_write_varint(writer, counters->socket_written_bytes);
    cc_write_varint(writer, counters->socket_reads);
    cc_write_varint(writer, counters->socket_read_bytes);
    cc_write_varint(writer, counters->frames_sent);
    cc_write_varint(writer, counters->frames_received);
    cc_write_varint(writer, counters->allocations);
}

static void decode_counters(struct cc_reader *reader, struct cc_report_counters *counters_out)
{
    counters_out->journal_writes = cc_read_varint(reader);
    counters_out->journal_bytes = cc_read_varint(reader);
    counters_out->disk_syncs = cc_read_varint(reader);
    counters_out->disk_written_bytes = cc_read_varint(reader);
    counters_out->waits = cc_read_varint(reader);
    counters_out->socket_writes = cc_read_varint(reader);
    counters_out->socket_written_bytes = cc_read_varint(reader);
    counters_out->socket_reads = cc_read_varint(reader);
    counters_out->socket_read_bytes = cc_read_varint(reader);
    counters_out->frames_sent = cc_read_varint(reader);
    counters_out->frames_received = cc_read_varint(reader);
    counters_out->allocations = cc_read_varint(reader);
}

static void encode_scrub(struct cc_writer *writer, const struct cc_report_scrub *scrub)
{
    cc_write_varint(writer, scrub->rounds);
    cc_write_varint(writer, scrub->age_us);
    cc_write_varint(writer, scrub->bytes);
    cc_write_varint(writer, scrub->found);
    cc_write_varint(writer, scrub->repaired);
}

static void decode_scrub(struct cc_reader *reader, struct cc_report_scrub *scrub_out)
{
    scrub_out->rounds = cc_read_varint(reader);
    scrub_out->age_us = cc_read_varint(reader);
    scrub_out->bytes = cc_read_varint(reader);
    scrub_out->found = cc_read_varint(reader);
    scrub_out->repaired = cc_read_varint(reader);
}

void cc_report_encode(struct cc_writer *writer, const struct cc_report *report)
{
    cc_write_raw(writer, report->cluster_id, CC_CLUSTER_ID_SIZE);
    cc_write_varint(writer, report->server);
    cc_write_varint(writer, report->leader);
    cc_write_u8(writer, report->state);
    cc_write_u8(writer, report->role);
    cc_write_varint(writer, report->term);
    cc_write_varint(writer, report->commit);
    cc_write_varint(writer, report->applied);
    cc_write_varint(writer, report->last);
    cc_write_u64(writer, report->digest);
    cc_write_varint(writer, report->log_time_us);
    cc_write_varint(writer, report->sessions);
    cc_write_varint(writer, report->connections);
    cc_write_varint(writer, report->image_index);
    cc_write_varint(writer, report->disk_bytes);
    cc_members_encode(writer, &report->members);
    for (uint32_t i = 0; i < report->members.count; i++) {
        cc_write_u8(writer, report->standings[i].is_up);
        cc_write_varint(writer, report->standings[i].match);
    }
    cc_write_counted(writer, report->notice);
    encode_counters(writer, &report->counters);
    encode_scrub(writer, &report->scrub);
}

bool cc_report_decode(copycat_bytes body, struct cc_report *report_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);

    const void *cluster_id = cc_read_raw(&reader, CC_CLUSTER_ID_SIZE);
    uint64_t server = cc_read_varint(&reader);
    uint64_t leader = cc_read_varint(&reader);

    report_out->state = cc_read_u8(&reader);
    report_out->role = cc_read_u8(&reader);
    report_out->term = cc_read_varint(&reader);
    report_out->commit = cc_read_varint(&reader);
    report_out->applied = cc_read_varint(&reader);
    report_out->last = cc_read_varint(&reader);
    report_out->digest = cc_read_u64(&reader);
    report_out->log_time_us = cc_read_varint(&reader);
    report_out->sessions = cc_read_varint(&reader);
    report_out->connections = cc_read_varint(&reader);
    report_out->image_index = cc_read_varint(&reader);
    report_out->disk_bytes = cc_read_varint(&reader);
    if (server > UINT32_MAX || leader > UINT32_MAX ||
        !cc_members_decode(&reader, &report_out->members)) {
        return false;
    }
    for (uint32_t i = 0; i < report_out->members.count; i++) {
        uint8_t is_up = cc_read_u8(&reader);

        if (is_up > 1) {
            return false;
        }
        report_out->standings[i].is_up = is_up == 1;
        report_out->standings[i].match = cc_read_varint(&reader);
    }
    report_out->notice = cc_read_counted(&reader, CC_REFUSE_TEXT_SIZE_MAX);
    decode_counters(&reader, &report_out->counters);
    decode_scrub(&reader, &report_out->scrub);
    if (!cc_reader_is_done(&reader)) {
        return false;
    }
    memcpy(report_out->cluster_id, cluster_id, CC_CLUSTER_ID_SIZE);
    report_out->server = (uint32_t)server;
    report_out->leader = (uint32_t)leader;
    return true;
}
