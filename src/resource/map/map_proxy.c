/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_proxy -- see map_proxy.h.
 */
#include "resource/map/map_proxy.h"

static bool has_key(uint8_t code)
{
    return code != CC_MAP_SIZE && code != CC_MAP_KEYS && code != CC_MAP_CLEAR;
}

/* The sizes are looked at first, so that a writer that fails has been refused memory. */
copycat_status cc_map_encode(struct cc_writer *writer, const struct cc_map_operation *operation)
{
    if (operation->key.size > CC_KEY_SIZE_MAX || operation->value.size > CC_VALUE_SIZE_MAX ||
        operation->expected.size > CC_VALUE_SIZE_MAX) {
        return COPYCAT_ERR_TOO_LARGE;
    }
    if (has_key(operation->code) && operation->key.size == 0) {
        return COPYCAT_ERR_INVALID;
    }
    cc_map_operation_encode(writer, operation);
    return writer->failed ? COPYCAT_ERR_MEMORY : COPYCAT_OK;
}
