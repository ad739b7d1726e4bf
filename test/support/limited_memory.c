/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limited_memory -- see limited_memory.h.  Each block has its size in front of it, and every resize
 * moves, so that whoever keeps an old address is found out.
 */
#include "limited_memory.h"

#include "base/assert.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_SIZE 16u

static void *resize(void *context, void *block, size_t size)
{
    struct limited_memory *limited = context;
    unsigned char *old = block == NULL ? NULL : (unsigned char *)block - HEADER_SIZE;
    unsigned char *made = NULL;
    size_t old_size = 0;

    if (old != NULL) {
        memcpy(&old_size, old, sizeof old_size);
    }
    if (size > 0) {
        if (size > limited->bytes_max - (limited->bytes - old_size)) {
            return NULL;
        }
        made = malloc(size + HEADER_SIZE);
        CC_ASSERT(made != NULL);
        memcpy(made, &size, sizeof size);
        memset(made + HEADER_SIZE, 0xa5, size);
        if (old != NULL) {
            memcpy(made + HEADER_SIZE, block, old_size < size ? old_size : size);
        }
        limited->blocks++;
        limited->bytes += size;
    }
    if (old != NULL) {
        limited->blocks--;
        limited->bytes -= old_size;
        free(old);
    }
    if (limited->bytes > limited->bytes_peak) {
        limited->bytes_peak = limited->bytes;
    }
    return made == NULL ? NULL : made + HEADER_SIZE;
}

void limited_memory_init(struct limited_memory *limited)
{
    *limited = (struct limited_memory){.memory = {resize, limited}, .bytes_max = SIZE_MAX};
}
