/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide -- the source of every choice in the simulated world.
 *
 * A decision is hash(seed, stream, counter).  Each link, disk, machine, client and nemesis has a
 * stream of its own, so that taking one decision away does not reshuffle the others.
 */
#ifndef CC_SIM_DECIDE_H
#define CC_SIM_DECIDE_H

#include "base/hash.h"

#include <stdbool.h>
#include <stdint.h>

struct cc_decider {
    uint64_t seed;
    uint64_t stream;
    uint64_t counter;
};

/* What a stream belongs to; combined with a number by cc_decider_make. */
enum cc_stream {
    CC_STREAM_SCHEDULE = 1,
    CC_STREAM_MACHINE,
    CC_STREAM_DISK,
    CC_STREAM_LINK,
    CC_STREAM_ENTROPY,
    CC_STREAM_SETUP,
    CC_STREAM_NEMESIS,
    CC_STREAM_CLIENT,
    CC_STREAM_BACKUP,
};

static inline struct cc_decider cc_decider_make(
    uint64_t seed, enum cc_stream stream, uint64_t number)
{
    return (struct cc_decider){seed, (uint64_t)stream << 32 | number, 0};
}

static inline uint64_t cc_decide(struct cc_decider *decider)
{
    return cc_hash_words(cc_hash_words(decider->seed, decider->stream), decider->counter++);
}

/* In [0, bound); 0 if bound is 0. */
static inline uint64_t cc_decide_below(struct cc_decider *decider, uint64_t bound)
{
    uint64_t choice = cc_decide(decider);

    return bound == 0 ? 0 : choice % bound;
}

/* In [low, high]. */
static inline uint64_t cc_decide_range(struct cc_decider *decider, uint64_t low, uint64_t high)
{
    return low + cc_decide_below(decider, high - low + 1);
}

/* True `ppm` times in a million. */
static inline bool cc_decide_chance(struct cc_decider *decider, uint32_t ppm)
{
    return cc_decide_below(decider, 1000000) < ppm;
}

/* Mostly near `low`, now and then far above it: how latencies are. */
static inline uint64_t cc_decide_latency(struct cc_decider *decider, uint64_t low, uint64_t high)
{
    uint64_t spread = high - low;

    if (cc_decide_below(decider, 50) != 0) {
        spread /= 20;
    }
    return low + cc_decide_below(decider, spread + 1);
}

#endif /* CC_SIM_DECIDE_H */
