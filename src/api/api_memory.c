/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_memory -- see api_memory.h.
 */
#include "api/api_memory.h"

#include <stdlib.h>

static void *resize(void *context, void *block, size_t size)
{
    (void)context;
    if (size == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, size);
}

const struct cc_memory cc_api_memory = {.resize = resize};
