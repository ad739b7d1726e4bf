/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suite_result -- see suite_result.h.
 */
#include "suite_result.h"

#include <stdio.h>

static double us_of(const struct suite_result *result, uint32_t thousandths)
{
    return (double)bench_histogram_quantile(&result->latency_ns, thousandths) / 1000;
}

void suite_result_print(const struct suite_result *result)
{
    printf(
        "{\"operations\":%llu,\"seconds\":%.3f,\"operations_per_second\":%.1f,\"errors\":%llu,"
        "\"latency_us\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p99_9\":%.1f,\"max\":%.1f}}\n",
        (unsigned long long)result->operations, result->seconds,
        (double)result->operations / result->seconds, (unsigned long long)result->errors,
        us_of(result, 500), us_of(result, 900), us_of(result, 990), us_of(result, 999),
        (double)result->latency_ns.max / 1000);
}
