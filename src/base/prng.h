/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prng -- a small seeded generator (SplitMix64) for whoever needs jitter: never a global one.
 */
#ifndef CC_BASE_PRNG_H
#define CC_BASE_PRNG_H

#include <stdint.h>

struct cc_prng {
    uint64_t state;
};

static inline uint64_t cc_prng_next(struct cc_prng *prng)
{
    uint64_t z = (prng->state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform enough for jitter in [0, bound); `bound` of 0 gives 0. */
static inline uint64_t cc_prng_below(struct cc_prng *prng, uint64_t bound)
{
    return bound == 0 ? 0 : cc_prng_next(prng) % bound;
}

#endif /* CC_BASE_PRNG_H */
