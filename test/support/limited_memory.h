/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limited_memory -- an allocator for tests: it counts what is out, and refuses beyond a limit.
 */
#ifndef CC_TEST_LIMITED_MEMORY_H
#define CC_TEST_LIMITED_MEMORY_H

#include "base/memory.h"

struct limited_memory {
    struct cc_memory memory;
    size_t blocks; /* given out and not yet given back */
    size_t bytes;
    size_t bytes_peak;
    size_t bytes_max; /* whatever would pass it is refused */
};

/* Without a limit; set `bytes_max` for one. */
void limited_memory_init(struct limited_memory *limited);

#endif /* CC_TEST_LIMITED_MEMORY_H */
