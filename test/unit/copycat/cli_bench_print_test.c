/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_bench_print_test -- when figures may be told as ratios to the probe's.
 */
#include "bench_print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct bench_options options;
static struct bench_figures figures;

static void measure(uint64_t put_ns, uint64_t disk_ns)
{
    memset(&figures, 0, sizeof figures);
    figures.options = &options;
    figures.path = "/bench/100";
    bench_histogram_add(&figures.result.latency_ns, put_ns);
    if (disk_ns > 0) {
        bench_histogram_add(&figures.probe.disk_ns, disk_ns);
    }
}

static void a_disk_that_is_slower_than_a_durable_put_is_another_one(void **state)
{
    (void)state;
    options.is_get = false;
    measure(100000, 300000);
    assert_false(bench_print_is_comparable(&figures));
    measure(300000, 100000);
    assert_true(bench_print_is_comparable(&figures));
    measure(300000, 0);
    assert_true(bench_print_is_comparable(&figures));
}

static void a_get_may_be_faster_than_any_disk(void **state)
{
    (void)state;
    options.is_get = true;
    measure(100000, 300000);
    assert_true(bench_print_is_comparable(&figures));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disk_that_is_slower_than_a_durable_put_is_another_one),
        cmocka_unit_test(a_get_may_be_faster_than_any_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
