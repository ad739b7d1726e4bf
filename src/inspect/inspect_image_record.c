/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_image_record -- a record of an image or a segment, for people.  What the numbers mean is
 * said in apply/image_record.h; whether they make a state together, a start says.
 */
#include "inspect/inspect.h"
#include "proto/catalog_operation.h"
#include "resource/map/map_operation.h"

#include <string.h>

static bool describe_head(struct cc_reader *reader, copycat_inspect_record *out)
{
    out->version = (uint32_t)cc_read_varint(reader);
    out->index = cc_read_varint(reader);
    out->time_us = cc_read_varint(reader);
    (void)cc_read_varint(reader); /* order of the newest deadline */
    return cc_reader_is_done(reader);
}

static bool describe_instance(
    copycat_inspection *inspection, struct cc_reader *reader, copycat_inspect_record *out)
{
    out->instance = cc_read_varint(reader);
    out->resource_type = (uint32_t)cc_read_varint(reader);
    out->version = (uint32_t)cc_read_varint(reader);
    if (!cc_reader_is_done(reader)) {
        return false;
    }
    if (out->instance == CC_CATALOG_INSTANCE) {
        out->operation = "catalogue";
    } else {
        out->operation = out->resource_type == CC_MAP_TYPE_ID ? "map" : "";
        cc_inspect_note_opened(inspection, out->instance, out->resource_type);
    }
    return true;
}

static bool describe_deadline(struct cc_reader *reader, copycat_inspect_record *out)
{
    out->time_us = cc_read_varint(reader);
    (void)cc_read_varint(reader); /* order */
    out->instance = cc_read_varint(reader);
    (void)cc_read_varint(reader); /* the machine's own key */
    return cc_reader_is_done(reader);
}

static bool describe_session(struct cc_reader *reader, copycat_inspect_record *out)
{
    out->session = cc_read_varint(reader);
    out->timeout_us = cc_read_varint(reader);
    out->index = cc_read_varint(reader);
    out->sequence = cc_read_varint(reader);
    (void)cc_read_varint(reader); /* newest that was acknowledged */
    (void)cc_read_raw(reader, CC_NONCE_SIZE);
    return cc_reader_is_done(reader);
}

/* The rest of the record, which may be empty. */
static copycat_bytes rest_of(struct cc_reader *reader)
{
    size_t size = cc_reader_left(reader);

    return (copycat_bytes){size == 0 ? "" : (const void *)cc_read_raw(reader, size), size};
}

static bool describe_answer(struct cc_reader *reader, copycat_inspect_record *out)
{
    uint64_t negated;

    out->index = cc_read_varint(reader);
    negated = cc_read_varint(reader);
    if (reader->failed || negated > INT32_MAX) {
        return false;
    }
    out->status = -(copycat_status)negated;
    out->value = rest_of(reader);
    return true;
}

static bool describe_blob(struct cc_reader *reader, copycat_inspect_record *out)
{
    out->instance = cc_read_varint(reader);
    out->count = cc_read_varint(reader); /* which piece of it */
    (void)cc_read_u8(reader);            /* the last of it? */
    if (reader->failed) {
        return false;
    }
    out->value = rest_of(reader);
    return true;
}

static bool describe_end(struct cc_reader *reader, copycat_inspect_record *out)
{
    for (int type = CC_IMAGE_INSTANCE; type <= CC_IMAGE_BLOB; type++) {
        (void)cc_read_varint(reader);
    }
    (void)cc_read_varint(reader); /* of LIVE */
    out->count = cc_read_varint(reader);
    out->checksum = cc_read_u64(reader);
    return cc_reader_is_done(reader);
}

/* ---- what lives ------------------------------------------------------------------------------ */

bool cc_inspect_each_run(
    copycat_bytes payload,
    uint64_t *last,
    bool (*on_run)(void *owner, uint64_t first, uint64_t last),
    void *owner)
{
    uint64_t left = CC_IMAGE_LIVE_MAX;
    struct cc_reader reader;

    cc_reader_init(&reader, payload.data, payload.size);
    do {
        uint64_t above = cc_read_varint(&reader);
        uint64_t count = cc_read_varint(&reader);
        uint64_t first = *last + above;

        if (reader.failed || above == 0 || count == 0 || count > left ||
            above > CC_INDEX_MAX - *last || count > CC_INDEX_MAX - first) {
            return false;
        }
        left -= count;
        *last = first + count - 1;
        if (!on_run(owner, first, *last)) {
            return false;
        }
    } while (cc_reader_left(&reader) > 0);
    return true;
}

static bool count_run(void *owner, uint64_t first, uint64_t last)
{
    copycat_inspect_record *out = owner;

    out->first = out->count == 0 ? first : out->first;
    out->last = last;
    out->count += last - first + 1;
    return true;
}

/* Where the record before it ended is in `last` already. */
static bool describe_live(copycat_bytes payload, copycat_inspect_record *out)
{
    uint64_t last = out->last;

    return cc_inspect_each_run(payload, &last, count_run, out);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool describe(
    copycat_inspection *inspection,
    const struct cc_image_record *record,
    copycat_inspect_record *out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, record->payload.data, record->payload.size);
    switch (record->type) {
    case CC_IMAGE_HEAD:
        out->type = COPYCAT_RECORD_IMAGE;
        return describe_head(&reader, out);
    case CC_IMAGE_INSTANCE:
        out->type = COPYCAT_RECORD_RESOURCE;
        return describe_instance(inspection, &reader, out);
    case CC_IMAGE_DEADLINE:
        out->type = COPYCAT_RECORD_DEADLINE;
        return describe_deadline(&reader, out);
    case CC_IMAGE_SESSION:
        out->type = COPYCAT_RECORD_SESSION;
        return describe_session(&reader, out);
    case CC_IMAGE_ANSWER:
        out->type = COPYCAT_RECORD_ANSWER;
        return describe_answer(&reader, out);
    case CC_IMAGE_BLOB:
        out->type = COPYCAT_RECORD_BLOB;
        return describe_blob(&reader, out);
    case CC_IMAGE_LIVE:
        out->type = COPYCAT_RECORD_LIVE;
        return describe_live(record->payload, out);
    case CC_IMAGE_END:
        out->type = COPYCAT_RECORD_END;
        return describe_end(&reader, out);
    default:
        out->type = COPYCAT_RECORD_COMMIT;
        return cc_inspect_describe_entry(inspection, record->payload, out);
    }
}

void cc_inspect_describe_record(
    copycat_inspection *inspection,
    const struct cc_image_record *record,
    copycat_inspect_record *record_out)
{
    uint64_t last = record_out->last;

    *record_out = (copycat_inspect_record){
        .operation = "", .text = "", .payload = record->payload, .last = last};
    if (!describe(inspection, record, record_out)) {
        record_out->text = CC_INSPECT_NO_SENSE;
    }
}
