/* SPDX-License-Identifier: Apache-2.0 */
/*
 * block -- see block.h.
 */
#include "wire/block.h"

#include "base/assert.h"

struct cc_block *cc_block_create(const struct cc_memory *memory, uint32_t size)
{
    struct cc_block *block = cc_memory_grow(memory, NULL, sizeof *block + size);

    block->memory = memory;
    block->references = 1;
    block->size = size;
    return block;
}

struct cc_block *cc_block_acquire(struct cc_block *block)
{
    CC_ASSERT(block->references > 0);
    CC_ASSERT(block->references < UINT32_MAX);
    block->references++;
    return block;
}

void cc_block_release(struct cc_block *block)
{
    if (block == NULL) {
        return;
    }
    CC_ASSERT(block->references > 0);
    block->references--;
    if (block->references == 0) {
        cc_memory_give(block->memory, block);
    }
}
