/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory -- the allocator every object is handed.
 *
 * Two ways to ask: `cc_memory_try` for whoever can say no (a connection, a client call), and
 * `cc_memory_take` for replicated state, where one member without memory must stop rather than
 * differ from the others (T-025).
 */
#ifndef CC_BASE_MEMORY_H
#define CC_BASE_MEMORY_H

#include <stddef.h>

/* `resize(context, NULL, n)` allocates, `(p, n)` resizes, `(p, 0)` frees and returns NULL. */
struct cc_memory {
    void *(*resize)(void *context, void *block, size_t size);
    void *context;
};

/* Zeroed memory, or NULL.  `size` of 0 gives NULL. */
void *cc_memory_try(const struct cc_memory *memory, size_t size);

/* Zeroed memory; panics if there is none. */
void *cc_memory_take(const struct cc_memory *memory, size_t size);

/* Resized memory, new bytes not zeroed; panics if there is none. */
void *cc_memory_grow(const struct cc_memory *memory, void *block, size_t size);

/* Accepts NULL. */
void cc_memory_give(const struct cc_memory *memory, void *block);

#endif /* CC_BASE_MEMORY_H */
