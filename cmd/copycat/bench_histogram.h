/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_histogram -- how often something took how long, in buckets that grow with what they count.
 *
 * Each doubling has 64 buckets, so a quantile is at most 1.6 % too low.  Fixed memory.
 */
#ifndef CLI_BENCH_HISTOGRAM_H
#define CLI_BENCH_HISTOGRAM_H

#include <stdint.h>

#define BENCH_BUCKETS_PER_DOUBLING 64u
#define BENCH_BUCKETS (59u * BENCH_BUCKETS_PER_DOUBLING)

/* Zero-initialise. */
struct bench_histogram {
    uint64_t counts[BENCH_BUCKETS];
    uint64_t total;
    uint64_t max;
};

void bench_histogram_add(struct bench_histogram *histogram, uint64_t value);

/* The value below which this part of all lies, in thousandths: 500 is the median.  0 without any. */
uint64_t bench_histogram_quantile(const struct bench_histogram *histogram, uint32_t thousandths);

#endif /* CLI_BENCH_HISTOGRAM_H */
