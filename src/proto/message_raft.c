/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message_raft -- votes, appends, repairs and what the state was, between servers; declared in
 * message.h.
 */
#include "base/bug.h"
#include "proto/message.h"

static uint64_t read_term(struct cc_reader *reader)
{
    uint64_t term = cc_read_varint(reader);

    reader->failed = reader->failed || (term > CC_TERM_MAX && !CC_BUG(T011));
    return term;
}

static uint64_t read_index(struct cc_reader *reader)
{
    uint64_t index = cc_read_varint(reader);

    reader->failed = reader->failed || index > CC_INDEX_MAX;
    return index;
}

static bool read_flag(struct cc_reader *reader)
{
    uint8_t flag = cc_read_u8(reader);

    reader->failed = reader->failed || flag > 1;
    return flag == 1;
}

void cc_vote_encode(struct cc_writer *writer, const struct cc_vote *vote)
{
    cc_write_varint(writer, vote->term);
    cc_write_varint(writer, vote->last_index);
    cc_write_varint(writer, vote->last_term);
    cc_write_u8(writer, vote->is_prevote);
    cc_write_u8(writer, vote->is_transfer);
}

bool cc_vote_decode(copycat_bytes body, struct cc_vote *vote_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    vote_out->term = read_term(&reader);
    vote_out->last_index = read_index(&reader);
    vote_out->last_term = read_term(&reader);
    vote_out->is_prevote = read_flag(&reader);
    vote_out->is_transfer = read_flag(&reader);
    return cc_reader_is_done(&reader);
}

void cc_vote_reply_encode(struct cc_writer *writer, const struct cc_vote_reply *reply)
{
    cc_write_varint(writer, reply->term);
    cc_write_u8(writer, reply->is_prevote);
    cc_write_u8(writer, reply->is_granted);
}

bool cc_vote_reply_decode(copycat_bytes body, struct cc_vote_reply *reply_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    reply_out->term = read_term(&reader);
    reply_out->is_prevote = read_flag(&reader);
    reply_out->is_granted = read_flag(&reader);
    return cc_reader_is_done(&reader);
}

void cc_append_encode_head(struct cc_writer *writer, const struct cc_append *append)
{
    cc_write_varint(writer, append->term);
    cc_write_varint(writer, append->prev_index);
    cc_write_varint(writer, append->prev_term);
    cc_write_varint(writer, append->commit);
    cc_write_varint(writer, append->floor);
    cc_write_varint(writer, append->round);
    cc_write_varint(writer, append->sent_at_us);
    cc_write_varint(writer, append->entry_count);
}

/* The rest of the message: a count, and so many entries. */
static bool read_entries(struct cc_reader *reader, uint32_t *count_out, copycat_bytes *entries_out)
{
    uint64_t count = cc_read_varint(reader);
    size_t left = cc_reader_left(reader);

    *entries_out = (copycat_bytes){cc_read_raw(reader, left), left};
    if (!cc_reader_is_done(reader) || count > left / CC_ENTRY_HEADER_SIZE ||
        (count == 0) != (left == 0)) {
        return false;
    }
    *count_out = (uint32_t)count;
    return true;
}

bool cc_append_decode(copycat_bytes body, struct cc_append *append_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    append_out->term = read_term(&reader);
    append_out->prev_index = read_index(&reader);
    append_out->prev_term = read_term(&reader);
    append_out->commit = read_index(&reader);
    append_out->floor = read_index(&reader);
    append_out->round = cc_read_varint(&reader);
    append_out->sent_at_us = cc_read_varint(&reader);

    return read_entries(&reader, &append_out->entry_count, &append_out->entries);
}

void cc_append_reply_encode(struct cc_writer *writer, const struct cc_append_reply *reply)
{
    cc_write_varint(writer, reply->term);
    cc_write_u8(writer, reply->is_accepted);
    cc_write_varint(writer, reply->match);
    cc_write_varint(writer, reply->hint_index);
    cc_write_varint(writer, reply->hint_term);
    cc_write_varint(writer, reply->round);
    cc_write_varint(writer, reply->sent_at_us);
    cc_write_varint(writer, reply->promise_us);
}

bool cc_append_reply_decode(copycat_bytes body, struct cc_append_reply *reply_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    reply_out->term = read_term(&reader);
    reply_out->is_accepted = read_flag(&reader);
    reply_out->match = read_index(&reader);
    reply_out->hint_index = read_index(&reader);
    reply_out->hint_term = read_term(&reader);
    reply_out->round = cc_read_varint(&reader);
    reply_out->sent_at_us = cc_read_varint(&reader);
    reply_out->promise_us = cc_read_varint(&reader);
    return cc_reader_is_done(&reader);
}

void cc_timeout_now_encode(struct cc_writer *writer, const struct cc_timeout_now *timeout)
{
    cc_write_varint(writer, timeout->term);
}

bool cc_timeout_now_decode(copycat_bytes body, struct cc_timeout_now *timeout_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    timeout_out->term = read_term(&reader);
    return cc_reader_is_done(&reader);
}

void cc_repair_ask_encode(struct cc_writer *writer, const struct cc_repair_ask *ask)
{
    cc_write_varint(writer, ask->first);
    cc_write_varint(writer, ask->last);
    cc_write_varint(writer, ask->term);
}

bool cc_repair_ask_decode(copycat_bytes body, struct cc_repair_ask *ask_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    ask_out->first = read_index(&reader);
    ask_out->last = read_index(&reader);
    ask_out->term = read_term(&reader);
    return cc_reader_is_done(&reader) && ask_out->first > 0 && ask_out->last >= ask_out->first &&
           ask_out->term > 0;
}

void cc_repair_encode_head(struct cc_writer *writer, const struct cc_repair *repair)
{
    cc_write_varint(writer, repair->first);
    cc_write_u8(writer, repair->outcome);
    cc_write_varint(writer, repair->entry_count);
}

bool cc_repair_decode(copycat_bytes body, struct cc_repair *repair_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    repair_out->first = read_index(&reader);
    repair_out->outcome = cc_read_u8(&reader);
    return read_entries(&reader, &repair_out->entry_count, &repair_out->entries) &&
           repair_out->first > 0 && repair_out->outcome >= CC_REPAIR_ENTRIES &&
           repair_out->outcome <= CC_REPAIR_IMAGED &&
           (repair_out->outcome == CC_REPAIR_ENTRIES) == (repair_out->entry_count > 0);
}

void cc_marked_encode(struct cc_writer *writer, const struct cc_marked *marked)
{
    cc_write_varint(writer, marked->mark.index);
    cc_write_u64(writer, marked->mark.digest);
    cc_write_u8(writer, marked->asks);
}

bool cc_marked_decode(copycat_bytes body, struct cc_marked *marked_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, body.data, body.size);
    marked_out->mark.index = read_index(&reader);
    marked_out->mark.digest = cc_read_u64(&reader);
    marked_out->asks = read_flag(&reader);
    return cc_reader_is_done(&reader) && marked_out->mark.index > 0;
}
