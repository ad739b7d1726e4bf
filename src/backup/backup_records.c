/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_records -- see backup_records.h.
 */
#include "backup/backup_records.h"

#include <string.h>

void cc_backup_records_init(
    struct cc_backup_records *records,
    const struct cc_memory *memory,
    void (*on_records)(void *owner, copycat_bytes records),
    void *owner)
{
    *records =
        (struct cc_backup_records){.memory = memory, .on_records = on_records, .owner = owner};
}

void cc_backup_records_deinit(struct cc_backup_records *records)
{
    cc_memory_give(records->memory, records->kept);
    records->kept = NULL;
}

static bool fail(struct cc_backup_records *records, const char *trouble)
{
    records->trouble = trouble;
    return false;
}

static bool take_head(struct cc_backup_records *records, copycat_bytes payload)
{
    struct cc_reader reader;
    uint64_t version;

    cc_reader_init(&reader, payload.data, payload.size);
    version = cc_read_varint(&reader);
    records->index = cc_read_varint(&reader);
    records->time_us = cc_read_varint(&reader);
    if (version > CC_IMAGE_VERSION) {
        return fail(records, "its records are of a newer version");
    }
    return !reader.failed || fail(records, "its first record makes no sense");
}

static bool take_end(struct cc_backup_records *records, copycat_bytes payload)
{
    struct cc_reader reader;

    cc_reader_init(&reader, payload.data, payload.size);
    for (uint32_t type = CC_IMAGE_INSTANCE; type <= CC_IMAGE_LIVE; type++) {
        if (type != CC_IMAGE_COMMIT && cc_read_varint(&reader) != records->counts[type]) {
            return fail(records, "records are missing in it");
        }
    }
    records->commits = cc_read_varint(&reader);
    records->digest = cc_read_u64(&reader);
    records->is_ended = true;
    return cc_reader_is_done(&reader) || fail(records, "its last record makes no sense");
}

static bool take_commit(struct cc_backup_records *records, const struct cc_image_record *record)
{
    uint64_t index = cc_image_record_index(record);

    if (index <= records->newest || index > records->index) {
        return fail(records, "its commits are not in order");
    }
    records->newest = index;
    return true;
}

static bool take_one(struct cc_backup_records *records, const struct cc_image_record *record)
{
    if (records->is_ended != (record->type == CC_IMAGE_COMMIT)) {
        return fail(
            records, records->is_ended ? "something follows its last record"
                                       : "its commits are not where they should be");
    }
    if ((record->type == CC_IMAGE_HEAD) != (records->counts[CC_IMAGE_HEAD] == 0)) {
        return fail(records, "its records do not begin as they should");
    }
    records->counts[record->type]++;
    return record->type == CC_IMAGE_HEAD     ? take_head(records, record->payload)
           : record->type == CC_IMAGE_END    ? take_end(records, record->payload)
           : record->type == CC_IMAGE_COMMIT ? take_commit(records, record)
                                             : true;
}

/* True if a record begins there that can become whole. */
static bool is_beginning(copycat_bytes bytes)
{
    const uint8_t *data = bytes.data;

    return bytes.size < CC_IMAGE_RECORD_HEADER_SIZE ||
           (cc_load_u32(data) <= CC_IMAGE_PAYLOAD_SIZE_MAX && data[4] >= CC_IMAGE_HEAD &&
            data[4] < CC_IMAGE_TYPES &&
            bytes.size < CC_IMAGE_RECORD_HEADER_SIZE + cc_load_u32(data));
}

/* Hands on what is whole; `*bytes` is what is left. */
static bool walk(struct cc_backup_records *records, copycat_bytes *bytes)
{
    copycat_bytes whole = *bytes;
    struct cc_image_record record;

    while (cc_image_record_next(bytes, &record)) {
        if (!take_one(records, &record)) {
            return false;
        }
    }
    if (!is_beginning(*bytes)) {
        return fail(records, "what is in it is no record");
    }
    whole.size -= bytes->size;
    if (whole.size > 0 && records->on_records != NULL) {
        records->on_records(records->owner, whole);
    }
    return true;
}

static void keep(struct cc_backup_records *records, copycat_bytes bytes)
{
    size_t size = records->kept_size + bytes.size;

    if (bytes.size == 0) {
        return;
    }
    if (size > records->kept_capacity) {
        records->kept_capacity = size * 2; /* or each few bytes would move all before them */
        records->kept = cc_memory_grow(records->memory, records->kept, records->kept_capacity);
    }
    memcpy(records->kept + records->kept_size, bytes.data, bytes.size);
    records->kept_size = size;
}

/* What was handed on stays until then. */
static void drop_used(struct cc_backup_records *records)
{
    if (records->kept_used > 0) {
        records->kept_size -= records->kept_used;
        memmove(records->kept, records->kept + records->kept_used, records->kept_size);
        records->kept_used = 0;
    }
}

bool cc_backup_records_take(struct cc_backup_records *records, copycat_bytes bytes)
{
    if (records->trouble != NULL) {
        return false;
    }
    drop_used(records);
    if (records->kept_size > 0) {
        copycat_bytes rest;

        keep(records, bytes);
        rest = (copycat_bytes){records->kept, records->kept_size};
        if (!walk(records, &rest)) {
            return false;
        }
        records->kept_used = records->kept_size - rest.size;
        return true;
    }
    if (!walk(records, &bytes)) {
        return false;
    }
    keep(records, bytes);
    return true;
}

bool cc_backup_records_are_whole(struct cc_backup_records *records)
{
    if (records->trouble == NULL &&
        (records->kept_size > records->kept_used || !records->is_ended ||
         records->counts[CC_IMAGE_COMMIT] < records->commits)) {
        records->trouble = "its last record is missing";
    }
    return records->trouble == NULL;
}
