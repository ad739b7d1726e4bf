/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scarce -- see scarce.h.
 */
#include "scarce.h"

#include <stdatomic.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

static atomic_uint requests;
static atomic_uint failed;
static atomic_uint from; /* 0: none fails */
static atomic_uint until;

void scarce_begin(uint32_t first, uint32_t count)
{
    atomic_store(&requests, 0);
    atomic_store(&failed, 0);
    atomic_store(&until, first + count);
    atomic_store(&from, first);
}

bool scarce_end(void)
{
    atomic_store(&from, 0);
    return atomic_load(&failed) > 0;
}

static bool is_refused(void)
{
    uint32_t first = atomic_load(&from);
    uint32_t request = first == 0 ? 0 : atomic_fetch_add(&requests, 1) + 1;

    if (first == 0 || request < first || request >= atomic_load(&until)) {
        return false;
    }
    atomic_fetch_add(&failed, 1);
    return true;
}

void *__wrap_malloc(size_t size)
{
    return is_refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return is_refused() ? NULL : __real_realloc(block, size);
}
