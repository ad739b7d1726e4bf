/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory -- see memory.h.
 */
#include "base/memory.h"

#include "base/assert.h"

#include <string.h>

void *cc_memory_try(const struct cc_memory *memory, size_t size)
{
    if (size == 0) {
        return NULL;
    }

    void *block = memory->resize(memory->context, NULL, size);

    if (block != NULL) {
        memset(block, 0, size);
    }
    return block;
}

void *cc_memory_take(const struct cc_memory *memory, size_t size)
{
    CC_ASSERT(size > 0);
    void *block = cc_memory_try(memory, size);

    CC_ASSERT(block != NULL);
    return block;
}

void *cc_memory_grow(const struct cc_memory *memory, void *block, size_t size)
{
    CC_ASSERT(size > 0);
    void *grown = memory->resize(memory->context, block, size);

    CC_ASSERT(grown != NULL);
    return grown;
}

void cc_memory_give(const struct cc_memory *memory, void *block)
{
    if (block != NULL) {
        (void)memory->resize(memory->context, block, 0);
    }
}
