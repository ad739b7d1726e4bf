/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_clock -- a clock that is never set, in nanoseconds.
 */
#ifndef CLI_BENCH_CLOCK_H
#define CLI_BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t bench_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

#endif /* CLI_BENCH_CLOCK_H */
