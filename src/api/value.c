/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value -- see value.h, and copycat/future.h for the getters.
 */
#include "api/value.h"

#include "resource/map/map_operation.h"

#include <stdlib.h>
#include <string.h>

struct copycat_value {
    uint64_t index;
    uint64_t number;
    bool is_absent;
    bool flag;      /* FLAG; of a PAGE: more would follow */
    uint32_t count; /* PAGE: items */
    size_t size;
    copycat_bytes *items; /* behind the bytes, in the same block */
    uint8_t *bytes;
};

static copycat_value *allocate(uint64_t index, copycat_bytes bytes, uint32_t count)
{
    copycat_value *value = malloc(sizeof *value + count * sizeof(copycat_bytes) + bytes.size + 1);

    if (value == NULL) {
        return NULL;
    }
    *value = (copycat_value){.index = index, .count = count, .size = bytes.size};
    value->items = (copycat_bytes *)(value + 1);
    value->bytes = (uint8_t *)(value->items + count);
    if (bytes.size > 0) {
        memcpy(value->bytes, bytes.data, bytes.size);
    }
    value->bytes[bytes.size] = 0; /* so that text can be printed; not counted */
    return value;
}

/* Each returns false if the bytes are no such result; `*value_out` is NULL if there is no memory. */
static bool create_optional(copycat_value **value_out, uint64_t index, copycat_bytes result)
{
    copycat_bytes inner;

    if (!cc_map_value_decode(result, &inner)) {
        return false;
    }
    *value_out = allocate(index, inner, 0);
    if (*value_out != NULL) {
        (*value_out)->is_absent = inner.data == NULL;
    }
    return true;
}

static bool create_flag(copycat_value **value_out, uint64_t index, copycat_bytes result)
{
    bool flag;

    if (!cc_map_flag_decode(result, &flag)) {
        return false;
    }
    *value_out = allocate(index, (copycat_bytes){NULL, 0}, 0);
    if (*value_out != NULL) {
        (*value_out)->flag = flag;
    }
    return true;
}

static bool create_number(copycat_value **value_out, uint64_t index, copycat_bytes result)
{
    uint64_t number;

    if (!cc_map_number_decode(result, &number)) {
        return false;
    }
    *value_out = allocate(index, (copycat_bytes){NULL, 0}, 0);
    if (*value_out != NULL) {
        (*value_out)->number = number;
    }
    return true;
}

static bool create_page(copycat_value **value_out, uint64_t index, copycat_bytes result)
{
    struct cc_reader reader;
    copycat_bytes key;
    uint32_t count = 0;
    bool is_more;

    if (!cc_map_page_decode(result, &reader, &is_more)) {
        return false;
    }
    while (cc_map_page_next(&reader, &key)) {
        count++;
    }
    *value_out = allocate(index, result, count);
    if (*value_out == NULL) {
        return true;
    }
    (*value_out)->flag = is_more;
    (void)cc_map_page_decode((copycat_bytes){(*value_out)->bytes, result.size}, &reader, &is_more);
    for (uint32_t i = 0; i < count; i++) {
        (void)cc_map_page_next(&reader, &(*value_out)->items[i]);
    }
    return true;
}

copycat_status cc_value_create(
    copycat_value **value_out, enum cc_value_kind kind, uint64_t index, copycat_bytes result)
{
    bool is_sound = true;

    *value_out = NULL;
    switch (kind) {
    case CC_VALUE_NOTHING:
        *value_out = allocate(index, (copycat_bytes){NULL, 0}, 0);
        if (*value_out != NULL) {
            (*value_out)->is_absent = true;
        }
        break;
    case CC_VALUE_BYTES:
        *value_out = allocate(index, result, 0);
        break;
    case CC_VALUE_OPTIONAL:
        is_sound = create_optional(value_out, index, result);
        break;
    case CC_VALUE_FLAG:
        is_sound = create_flag(value_out, index, result);
        break;
    case CC_VALUE_NUMBER:
        is_sound = create_number(value_out, index, result);
        break;
    case CC_VALUE_PAGE:
        is_sound = create_page(value_out, index, result);
        break;
    }
    if (!is_sound) {
        return COPYCAT_ERR_MALFORMED;
    }
    return *value_out == NULL ? COPYCAT_ERR_MEMORY : COPYCAT_OK;
}

/* ---- getters --------------------------------------------------------------------------------- */

int copycat_value_is_absent(const copycat_value *value)
{
    return value == NULL || value->is_absent;
}

copycat_bytes copycat_value_bytes(const copycat_value *value)
{
    copycat_bytes nothing = {NULL, 0};

    return copycat_value_is_absent(value) ? nothing : (copycat_bytes){value->bytes, value->size};
}

int copycat_value_bool(const copycat_value *value)
{
    return value != NULL && value->flag;
}

uint64_t copycat_value_uint64(const copycat_value *value)
{
    return value == NULL ? 0 : value->number;
}

uint64_t copycat_value_index(const copycat_value *value)
{
    return value == NULL ? 0 : value->index;
}

uint32_t copycat_value_count(const copycat_value *value)
{
    return value == NULL ? 0 : value->count;
}

copycat_bytes copycat_value_at(const copycat_value *value, uint32_t place)
{
    copycat_bytes nothing = {NULL, 0};

    return place < copycat_value_count(value) ? value->items[place] : nothing;
}

int copycat_value_is_more(const copycat_value *value)
{
    return value != NULL && value->count > 0 && value->flag;
}

void copycat_value_free(copycat_value *value)
{
    free(value);
}
