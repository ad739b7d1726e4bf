/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/totals.h"

#include <inttypes.h>
#include <stdio.h>

void cc_totals_add(struct cc_totals *totals, const struct cc_run_result *result)
{
    struct cc_run_result *sum = &totals->sum;

    totals->runs++;
    totals->counting += result->counts;
    sum->simulated_us += result->simulated_us;
    sum->idle_us += result->idle_us;
    sum->commits += result->commits;
    sum->leader_changes += result->leader_changes;
    sum->workload.acknowledged += result->workload.acknowledged;
    sum->workload.unknown += result->workload.unknown;
    sum->workload.failed += result->workload.failed;
    sum->workload.sessions_ended += result->workload.sessions_ended;
    sum->workload.switches += result->workload.switches;
    sum->workload.resends += result->workload.resends;
    sum->cluster.crashes += result->cluster.crashes;
    sum->cluster.torn_tails += result->cluster.torn_tails;
    sum->cluster.failures += result->cluster.failures;
    sum->cluster.reports += result->cluster.reports;
    sum->cluster.backups += result->cluster.backups;
    sum->cluster.writes += result->cluster.writes;
    sum->cluster.damaged += result->cluster.damaged;
    sum->cluster.diverged += result->cluster.diverged;
    sum->cluster.refusals += result->cluster.refusals;
    sum->cluster.salvaged += result->cluster.salvaged;
    if (result->cluster.memory_max > sum->cluster.memory_max) {
        sum->cluster.memory_max = result->cluster.memory_max;
    }
    sum->world.torn_writes += result->world.torn_writes;
    sum->world.lost_writes += result->world.lost_writes;
    sum->world.lost_names += result->world.lost_names;
    sum->world.late_writes += result->world.late_writes;
    sum->world.resets += result->world.resets;
    sum->world.splits += result->world.splits;
    sum->world.disk_errors += result->world.disk_errors;
    for (uint32_t i = 0; i < CC_FAULT_COUNT; i++) {
        sum->fired[i] += result->fired[i];
    }
}

static void print_faults(const struct cc_run_result *sum)
{
    uint32_t kinds = 0;

    for (uint32_t i = 0; i < CC_FAULT_COUNT; i++) {
        kinds += sum->fired[i] > 0;
    }
    printf("faults          of %" PRIu32 " kinds:", kinds);
    for (uint32_t i = 0; i < CC_FAULT_COUNT; i++) {
        if (sum->fired[i] > 0) {
            printf(" %s %" PRIu64, cc_fault_text((enum cc_fault)i), sum->fired[i]);
        }
    }
    printf(
        "\ndisk and net    torn writes %" PRIu64 ", lost writes %" PRIu64 ", lost names %" PRIu64
        ", late writes %" PRIu64 ", errors %" PRIu64 ", resets %" PRIu64 ", splits %" PRIu64 "\n",
        sum->world.torn_writes, sum->world.lost_writes, sum->world.lost_names,
        sum->world.late_writes, sum->world.disk_errors, sum->world.resets, sum->world.splits);
}

void cc_totals_print(const struct cc_totals *totals, double cpu)
{
    const struct cc_run_result *sum = &totals->sum;
    double busy = (double)(sum->simulated_us - sum->idle_us) / 1e6;
    double idle = (double)sum->idle_us / 1e6;

    printf(
        "seeds           %" PRIu64 " run, %" PRIu64 " counting, %" PRIu64 " failed\n", totals->runs,
        totals->counting, totals->failures);
    printf(
        "operations      acknowledged %" PRIu64 ", unknown %" PRIu64 ", failed %" PRIu64 "\n",
        sum->workload.acknowledged, sum->workload.unknown, sum->workload.failed);
    printf(
        "cluster         commits %" PRIu64 ", leader changes %" PRIu64 ", crashes %" PRIu64
        ", torn tails %" PRIu64 ", stopped by errors %" PRIu64 ", by damage %" PRIu64
        ", with another state %" PRIu64 ", wrong starts refused %" PRIu64
        ", segments not sent twice %" PRIu64 ", memory at most %" PRIu64 " KiB\n",
        sum->commits, sum->leader_changes, sum->cluster.crashes, sum->cluster.torn_tails,
        sum->cluster.failures, sum->cluster.damaged, sum->cluster.diverged, sum->cluster.refusals,
        sum->cluster.salvaged, sum->cluster.memory_max / 1024);
    printf(
        "clients         sessions ended %" PRIu64 ", server switches %" PRIu64
        ", commands sent again %" PRIu64 ", reports read %" PRIu64 ", backups %" PRIu64 "\n",
        sum->workload.sessions_ended, sum->workload.switches, sum->workload.resends,
        sum->cluster.reports, sum->cluster.backups);
    print_faults(sum);
    printf(
        "time            simulated %.0f s busy, %.0f s idle, in %.1f CPU s: %.0f x\n", busy, idle,
        cpu, cpu > 0 ? (busy + idle) / cpu : 0);
}
