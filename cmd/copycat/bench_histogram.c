/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_histogram -- see bench_histogram.h.
 */
#include "bench_histogram.h"

#define LOG2_PER_DOUBLING 6u

static uint32_t bucket_of(uint64_t value)
{
    uint32_t shift;

    if (value < BENCH_BUCKETS_PER_DOUBLING) {
        return (uint32_t)value;
    }
    shift = 63u - (uint32_t)__builtin_clzll(value) - LOG2_PER_DOUBLING;
    return shift * BENCH_BUCKETS_PER_DOUBLING + (uint32_t)(value >> shift);
}

/* The least value that falls into the bucket. */
static uint64_t value_of(uint32_t bucket)
{
    uint32_t shift = bucket / BENCH_BUCKETS_PER_DOUBLING;

    if (shift < 2) {
        return bucket;
    }
    shift--;
    return (uint64_t)(bucket - shift * BENCH_BUCKETS_PER_DOUBLING) << shift;
}

void bench_histogram_add(struct bench_histogram *histogram, uint64_t value)
{
    histogram->counts[bucket_of(value)]++;
    histogram->total++;
    if (value > histogram->max) {
        histogram->max = value;
    }
}

uint64_t bench_histogram_quantile(const struct bench_histogram *histogram, uint32_t thousandths)
{
    uint64_t before =
        histogram->total / 1000 * thousandths + histogram->total % 1000 * thousandths / 1000;
    uint64_t seen = 0;

    for (uint32_t i = 0; i < BENCH_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen > before) {
            return value_of(i);
        }
    }
    return histogram->max;
}
