/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_operation -- see map_operation.h.
 *
 * Which fields an operation has is one table, read by both directions.
 */
#include "resource/map/map_operation.h"

#include "base/assert.h"

enum field {
    FIELD_KEY = 1,
    FIELD_EXPECTED = 2,
    FIELD_VALUE = 4,
    FIELD_PAGE = 8,
};

#define CODE_COUNT (CC_MAP_CAS + 1)

static const uint8_t fields_of[CODE_COUNT] = {
    [CC_MAP_PUT] = FIELD_KEY | FIELD_VALUE,
    [CC_MAP_GET] = FIELD_KEY,
    [CC_MAP_REMOVE] = FIELD_KEY,
    [CC_MAP_CONTAINS] = FIELD_KEY,
    [CC_MAP_SIZE] = 0,
    [CC_MAP_KEYS] = FIELD_PAGE,
    [CC_MAP_CLEAR] = 0,
    [CC_MAP_PUT_IF_ABSENT] = FIELD_KEY | FIELD_VALUE,
    [CC_MAP_REPLACE] = FIELD_KEY | FIELD_VALUE,
    [CC_MAP_CAS] = FIELD_KEY | FIELD_EXPECTED | FIELD_VALUE,
};

void cc_map_operation_encode(struct cc_writer *writer, const struct cc_map_operation *operation)
{
    CC_ASSERT(operation->code >= CC_MAP_PUT && operation->code < CODE_COUNT);
    uint8_t fields = fields_of[operation->code];

    cc_write_u8(writer, operation->code);
    if ((fields & FIELD_KEY) != 0) {
        cc_write_counted(writer, operation->key);
    }
    if ((fields & FIELD_EXPECTED) != 0) {
        cc_write_counted(writer, operation->expected);
    }
    if ((fields & FIELD_VALUE) != 0) {
        cc_write_counted(writer, operation->value);
    }
    if ((fields & FIELD_PAGE) != 0) {
        cc_write_u8(writer, operation->key.data == NULL);
        if (operation->key.data != NULL) {
            cc_write_counted(writer, operation->key);
        }
        cc_write_varint(writer, operation->limit);
    }
}

static void read_page(struct cc_reader *reader, struct cc_map_operation *operation)
{
    uint8_t is_first = cc_read_u8(reader);

    if (is_first > 1) {
        reader->failed = true;
        return;
    }
    if (is_first == 0) {
        operation->key = cc_read_counted(reader, SIZE_MAX);
    }

    uint64_t limit = cc_read_varint(reader);

    if (limit > UINT32_MAX) {
        reader->failed = true;
    }
    operation->limit = (uint32_t)limit;
}

/* Whole is not yet right: the sizes are looked at last, so that each fault has its own status. */
static copycat_status check_sizes(const struct cc_map_operation *operation, uint8_t fields)
{
    if (operation->key.size > CC_KEY_SIZE_MAX || operation->expected.size > CC_VALUE_SIZE_MAX ||
        operation->value.size > CC_VALUE_SIZE_MAX) {
        return COPYCAT_ERR_TOO_LARGE;
    }
    if ((fields & FIELD_KEY) != 0 && operation->key.size == 0) {
        return COPYCAT_ERR_INVALID;
    }
    if ((fields & FIELD_PAGE) != 0 && operation->limit == 0) {
        return COPYCAT_ERR_INVALID;
    }
    return COPYCAT_OK;
}

copycat_status cc_map_operation_decode(copycat_bytes bytes, struct cc_map_operation *operation_out)
{
    struct cc_reader reader;

    *operation_out = (struct cc_map_operation){0};
    cc_reader_init(&reader, bytes.data, bytes.size);
    operation_out->code = cc_read_u8(&reader);
    if (reader.failed) {
        return COPYCAT_ERR_MALFORMED;
    }
    if (operation_out->code < CC_MAP_PUT || operation_out->code >= CODE_COUNT) {
        return COPYCAT_ERR_UNKNOWN_OPERATION;
    }

    uint8_t fields = fields_of[operation_out->code];

    if ((fields & FIELD_KEY) != 0) {
        operation_out->key = cc_read_counted(&reader, SIZE_MAX);
    }
    if ((fields & FIELD_EXPECTED) != 0) {
        operation_out->expected = cc_read_counted(&reader, SIZE_MAX);
    }
    if ((fields & FIELD_VALUE) != 0) {
        operation_out->value = cc_read_counted(&reader, SIZE_MAX);
    }
    if ((fields & FIELD_PAGE) != 0) {
        read_page(&reader, operation_out);
    }
    return cc_reader_is_done(&reader) ? check_sizes(operation_out, fields) : COPYCAT_ERR_MALFORMED;
}

bool cc_map_operation_is_query(uint8_t code)
{
    return code == CC_MAP_GET || code == CC_MAP_CONTAINS || code == CC_MAP_SIZE ||
           code == CC_MAP_KEYS;
}

bool cc_map_value_decode(copycat_bytes result, copycat_bytes *value_out)
{
    const uint8_t *bytes = result.data;

    if (result.size == 0 || bytes[0] > 1 || (bytes[0] == 0 && result.size > 1)) {
        return false;
    }
    *value_out =
        bytes[0] == 0 ? (copycat_bytes){NULL, 0} : (copycat_bytes){bytes + 1, result.size - 1};
    return true;
}

void cc_map_flag_encode(struct cc_writer *writer, bool flag)
{
    cc_write_u8(writer, flag);
}

bool cc_map_flag_decode(copycat_bytes result, bool *flag_out)
{
    const uint8_t *bytes = result.data;

    if (result.size != 1 || bytes[0] > 1) {
        return false;
    }
    *flag_out = bytes[0] == 1;
    return true;
}

void cc_map_number_encode(struct cc_writer *writer, uint64_t number)
{
    cc_write_varint(writer, number);
}

bool cc_map_number_decode(copycat_bytes result, uint64_t *number_out)
{
    struct cc_reader reader;

    cc_reader_init(&reader, result.data, result.size);

    uint64_t number = cc_read_varint(&reader);

    if (!cc_reader_is_done(&reader)) {
        return false;
    }
    *number_out = number;
    return true;
}

bool cc_map_page_decode(copycat_bytes result, struct cc_reader *keys_out, bool *is_more_out)
{
    cc_reader_init(keys_out, result.data, result.size);

    uint8_t more = cc_read_u8(keys_out);

    if (keys_out->failed || more > 1) {
        return false;
    }
    *is_more_out = more == 1;
    return true;
}

bool cc_map_page_next(struct cc_reader *keys, copycat_bytes *key_out)
{
    if (cc_reader_left(keys) == 0) {
        return false;
    }
    *key_out = cc_read_counted(keys, CC_KEY_SIZE_MAX);
    return !keys->failed;
}
