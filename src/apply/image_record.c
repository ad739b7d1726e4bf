/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_record -- see image_record.h.
 */
#include "apply/image_record.h"

#include "base/assert.h"

#define TYPE_AT 4u

size_t cc_image_record_begin(struct cc_writer *writer, uint8_t type)
{
    size_t start = writer->size;

    cc_write_u32(writer, 0);
    cc_write_u8(writer, type);
    return start;
}

void cc_image_record_end(struct cc_writer *writer, size_t start)
{
    if (writer->failed) {
        return;
    }

    size_t size = writer->size - start - CC_IMAGE_RECORD_HEADER_SIZE;

    CC_ASSERT(size <= CC_IMAGE_PAYLOAD_SIZE_MAX);
    cc_store_u32(writer->data + start, (uint32_t)size);
}

bool cc_image_record_next(copycat_bytes *bytes, struct cc_image_record *record_out)
{
    const uint8_t *data = bytes->data;

    if (bytes->size < CC_IMAGE_RECORD_HEADER_SIZE) {
        return false;
    }

    size_t size = cc_load_u32(data);
    uint8_t type = data[TYPE_AT];

    if (size > CC_IMAGE_PAYLOAD_SIZE_MAX || size > bytes->size - CC_IMAGE_RECORD_HEADER_SIZE ||
        type == 0 || type >= CC_IMAGE_TYPES) {
        return false;
    }
    *record_out = (struct cc_image_record){
        .type = type,
        .payload = {data + CC_IMAGE_RECORD_HEADER_SIZE, size},
        .whole = {data, size + CC_IMAGE_RECORD_HEADER_SIZE}};
    bytes->data = data + record_out->whole.size;
    bytes->size -= record_out->whole.size;
    return true;
}

bool cc_image_record_entry(const struct cc_image_record *record, struct cc_entry *entry_out)
{
    uint32_t size;

    return record->type == CC_IMAGE_COMMIT &&
           cc_entry_decode(record->payload, entry_out, &size) == COPYCAT_OK &&
           size == record->payload.size && entry_out->kind == CC_ENTRY_COMMAND;
}

uint64_t cc_image_record_index_said(const struct cc_image_record *record)
{
    return record->type == CC_IMAGE_COMMIT ? cc_entry_index_said(record->payload) : 0;
}

uint64_t cc_image_record_index(const struct cc_image_record *record)
{
    struct cc_entry entry;

    return cc_image_record_entry(record, &entry) ? entry.index : 0;
}
