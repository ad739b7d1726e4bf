/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_commit_test -- what arrives while a write is in flight shares the next one, so the more
 * calls are under way, the fewer durable writes each of them costs.
 */
#include "sim/workload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define PUTS 2000u

/* Durable writes of the leader for each hundred puts, with so many under way at a time. */
static uint64_t writes_per_hundred(uint32_t clients, uint32_t window)
{
    struct cc_cluster_options cluster_options = {
        .seed = 7, .voter_count = 3, .client_count = clients};
    struct cc_workload_options options = {
        .operations_max = PUTS,
        .window = window,
        .keys = 100,
        .maps = 1,
        .think_us_max = 300,
        .kinds = 1u << CC_HISTORY_PUT,
    };
    struct cc_cluster *cluster = cc_cluster_create(&cluster_options);
    struct cc_workload *workload = cc_workload_create(cluster, &options);
    uint64_t before;
    uint64_t writes;
    uint32_t leader;

    for (uint32_t i = 0; i < cluster->server_count; i++) {
        cc_cluster_start(cluster, i);
    }
    cc_cluster_run(cluster, 5000000);
    leader = cc_cluster_leader(cluster);
    assert_int_not_equal(leader, UINT32_MAX);
    before = cc_journal_counters(cluster->seats[leader].server->journal)->writes;
    cc_workload_start(workload);
    for (uint32_t slice = 0; slice < 3000; slice++) {
        cc_cluster_run(cluster, cc_world_now_us(cluster->world) + 10000);
        if (cc_workload_is_done(workload) && cc_workload_is_quiet(workload)) {
            break;
        }
    }
    assert_null(cc_judge_verdict(cluster->judge));
    assert_true(cc_workload_totals(workload)->acknowledged > PUTS * 9 / 10);
    writes = cc_journal_counters(cluster->seats[leader].server->journal)->writes - before;
    writes = writes * 100 / cc_workload_totals(workload)->acknowledged;
    cc_workload_destroy(workload);
    cc_cluster_destroy(cluster);
    return writes;
}

static void durable_writes_for_each_put_fall_as_more_are_under_way(void **state)
{
    uint64_t one = writes_per_hundred(1, 1);
    uint64_t sixteen = writes_per_hundred(1, 16);
    uint64_t many = writes_per_hundred(13, 16);

    (void)state;
    printf(
        "durable writes of the leader for 100 puts: %llu at 1, %llu at 16, %llu at 208 under way\n",
        (unsigned long long)one, (unsigned long long)sixteen, (unsigned long long)many);
    assert_true(one >= 95);
    assert_true(sixteen * 3 < one);
    assert_true(many * 3 < sixteen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durable_writes_for_each_put_fall_as_more_are_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
