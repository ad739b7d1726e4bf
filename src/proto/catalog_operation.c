/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_operation -- see catalog_operation.h.
 */
#include "proto/catalog_operation.h"

#include "base/assert.h"
#include "proto/limits.h"

void cc_catalog_operation_encode(
    struct cc_writer *writer, const struct cc_catalog_operation *operation)
{
    CC_ASSERT(operation->code == CC_CATALOG_OPEN || operation->code == CC_CATALOG_LOOKUP);
    cc_write_u8(writer, operation->code);
    if (operation->code == CC_CATALOG_OPEN) {
        cc_write_varint(writer, operation->type);
    }
    cc_write_counted(writer, operation->path);
}

/* Reads a type; one that does not fit is no type. */
static uint32_t read_type(struct cc_reader *reader)
{
    uint64_t type = cc_read_varint(reader);

    if (type > UINT32_MAX) {
        reader->failed = true;
    }
    return (uint32_t)type;
}

copycat_status cc_catalog_operation_decode(
    copycat_bytes bytes, struct cc_catalog_operation *operation_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, bytes.data, bytes.size);
    *operation_out = (struct cc_catalog_operation){.code = cc_read_u8(&reader)};
    if (reader.failed) {
        return COPYCAT_ERR_MALFORMED;
    }
    if (operation_out->code != CC_CATALOG_OPEN && operation_out->code != CC_CATALOG_LOOKUP) {
        return COPYCAT_ERR_UNKNOWN_OPERATION;
    }
    if (operation_out->code == CC_CATALOG_OPEN) {
        operation_out->type = read_type(&reader);
    }
    operation_out->path = cc_read_counted(&reader, SIZE_MAX);
    if (!cc_reader_is_done(&reader)) {
        return COPYCAT_ERR_MALFORMED;
    }
    return operation_out->path.size > CC_PATH_SIZE_MAX ? COPYCAT_ERR_PATH : COPYCAT_OK;
}

void cc_catalog_place_encode(struct cc_writer *writer, const struct cc_catalog_place *place)
{
    cc_write_varint(writer, place->instance);
    cc_write_varint(writer, place->type);
}

bool cc_catalog_place_decode(copycat_bytes result, struct cc_catalog_place *place_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, result.data, result.size);
    place_out->instance = cc_read_varint(&reader);
    place_out->type = read_type(&reader);
    return cc_reader_is_done(&reader);
}
