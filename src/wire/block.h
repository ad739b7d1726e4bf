/* SPDX-License-Identifier: Apache-2.0 */
/*
 * block -- reference-counted bytes: an encoded log entry lives in one block and is shared by the
 * log, the journal's batch, the sends to followers and apply.
 *
 * Memory: one allocation each.  Counts are not atomic: a block belongs to one loop thread.
 */
#ifndef CC_WIRE_BLOCK_H
#define CC_WIRE_BLOCK_H

#include "base/memory.h"

#include <stdint.h>

struct cc_block {
    const struct cc_memory *memory;
    uint32_t references;
    uint32_t size;
    uint8_t data[]; /* 8-byte aligned */
};

/* A block of `size` bytes, not zeroed, with one reference.  Partner: cc_block_release. */
struct cc_block *cc_block_create(const struct cc_memory *memory, uint32_t size);

/* One more reference; returns `block`. */
struct cc_block *cc_block_acquire(struct cc_block *block);

/* Accepts NULL. */
void cc_block_release(struct cc_block *block);

#endif /* CC_WIRE_BLOCK_H */
