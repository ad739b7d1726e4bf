/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suite_result -- the line of JSON that every load of the suite ends with, in the form of
 * `copycat bench --json`.
 */
#ifndef BENCH_SUITE_RESULT_H
#define BENCH_SUITE_RESULT_H

#include "bench_histogram.h"

struct suite_result {
    struct bench_histogram latency_ns;
    uint64_t operations;
    uint64_t errors;
    double seconds;
};

void suite_result_print(const struct suite_result *result);

#endif /* BENCH_SUITE_RESULT_H */
