/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copycat-sim -- runs seeds and says what came of them.
 */
#include "base/assert.h"
#include "sim/run.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TWICE_EVERY 100u
#define COUNTING_PERCENT_MIN 50u

struct options {
    uint64_t first;
    uint64_t count;
    double seconds;
    bool is_single;
    bool tells_story;
    bool until_failure;
};

struct totals {
    uint64_t runs;
    uint64_t counting;
    uint64_t failures;
    uint64_t first_failure;
    char first_verdict[768];
    struct cc_run_result sum;
};

static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* A broken promise of the product inside a run is that run's verdict. */
static jmp_buf panic_exit;
static char panic_text[512];

static void on_panic(const char *file, int line, const char *expression)
{
    snprintf(panic_text, sizeof panic_text, "assertion: %s:%d: %s", file, line, expression);
    longjmp(panic_exit, 1);
}

static void run_guarded(const struct cc_run_options *options, struct cc_run_result *result)
{
    if (setjmp(panic_exit) == 0) {
        cc_run(options, result);
    } else {
        memset(result, 0, sizeof *result);
        memcpy(result->verdict, panic_text, sizeof panic_text);
    }
}

/* ---- sums --------------------------------------------------------------------------------------
 */

static void add(struct totals *totals, const struct cc_run_result *result)
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
    sum->cluster.writes += result->cluster.writes;
    sum->world.torn_writes += result->world.torn_writes;
    sum->world.lost_writes += result->world.lost_writes;
    sum->world.lost_names += result->world.lost_names;
    sum->world.resets += result->world.resets;
    sum->world.splits += result->world.splits;
    sum->world.disk_errors += result->world.disk_errors;
    for (uint32_t i = 0; i < CC_FAULT_COUNT; i++) {
        sum->fired[i] += result->fired[i];
    }
}

static void print_faults(const struct cc_run_result *sum)
{
    printf("faults         ");
    for (uint32_t i = 0; i < CC_FAULT_COUNT; i++) {
        printf(" %s %" PRIu64, cc_fault_text((enum cc_fault)i), sum->fired[i]);
    }
    printf(
        "\ndisk and net    torn writes %" PRIu64 ", lost writes %" PRIu64 ", lost names %" PRIu64
        ", errors %" PRIu64 ", resets %" PRIu64 ", splits %" PRIu64 "\n",
        sum->world.torn_writes, sum->world.lost_writes, sum->world.lost_names,
        sum->world.disk_errors, sum->world.resets, sum->world.splits);
}

static void print_totals(const struct totals *totals, double cpu)
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
        ", torn tails %" PRIu64 ", stopped by errors %" PRIu64 "\n",
        sum->commits, sum->leader_changes, sum->cluster.crashes, sum->cluster.torn_tails,
        sum->cluster.failures);
    printf(
        "clients         sessions ended %" PRIu64 ", server switches %" PRIu64
        ", commands sent again %" PRIu64 ", reports read %" PRIu64 "\n",
        sum->workload.sessions_ended, sum->workload.switches, sum->workload.resends,
        sum->cluster.reports);
    print_faults(sum);
    printf(
        "time            simulated %.0f s busy, %.0f s idle, in %.1f CPU s: %.0f x\n", busy, idle,
        cpu, cpu > 0 ? (busy + idle) / cpu : 0);
}

/* ---- seeds -------------------------------------------------------------------------------------
 */

static void report_failure(struct totals *totals, uint64_t seed, const char *verdict)
{
    if (totals->failures == 0) {
        totals->first_failure = seed;
        snprintf(totals->first_verdict, sizeof totals->first_verdict, "%s", verdict);
    }
    totals->failures++;
    printf(
        "FAILED seed %" PRIu64 ": %s; replay: copycat-sim --seed %" PRIu64 " --story\n", seed,
        verdict, seed);
    fflush(stdout);
}

static void run_seed(const struct options *options, struct totals *totals, uint64_t seed)
{
    struct cc_run_options run = {.seed = seed, .tells_story = options->tells_story};
    struct cc_run_result result;
    struct cc_run_result again;

    run_guarded(&run, &result);
    add(totals, &result);
    if (!result.has_passed) {
        report_failure(totals, seed, result.verdict);
    } else if (seed % TWICE_EVERY == 0) {
        run_guarded(&run, &again);
        if (again.trace != result.trace) {
            report_failure(totals, seed, "determinism: the same seed ran differently");
        }
    }
}

static void run_single(const struct options *options)
{
    struct totals totals = {0};
    struct cc_run_options run = {.seed = options->first, .tells_story = options->tells_story};
    struct cc_run_result result;
    double start = cpu_seconds();

    run_guarded(&run, &result);
    add(&totals, &result);
    if (!result.has_passed) {
        report_failure(&totals, options->first, result.verdict);
    }
    print_totals(&totals, cpu_seconds() - start);
    printf(
        "trace           %016" PRIx64 "%s\n", result.trace,
        result.counts ? "" : " (too little happened for this seed to count)");
    exit(result.has_passed ? 0 : 1);
}

static int run_many(const struct options *options)
{
    struct totals totals = {0};
    double start = cpu_seconds();
    uint64_t seed = options->first;

    for (;; seed++) {
        if (options->count > 0 && totals.counting >= options->count) {
            break;
        }
        if (options->seconds > 0 && cpu_seconds() - start >= options->seconds) {
            break;
        }
        if (options->until_failure && totals.failures > 0) {
            break;
        }
        if (options->count > 0 && totals.runs >= 4 * options->count + 10) {
            printf("FAILED: too few of the seeds count\n");
            totals.failures++;
            break;
        }
        run_seed(options, &totals, seed);
    }
    print_totals(&totals, cpu_seconds() - start);
    if (options->count > 0 && totals.counting * 100 < totals.runs * COUNTING_PERCENT_MIN) {
        printf("FAILED: less than %u %% of the seeds count\n", COUNTING_PERCENT_MIN);
        return 1;
    }
    return totals.failures == 0 ? 0 : 1;
}

static void usage(void)
{
    puts("usage: copycat-sim [--seed S [--story]] | [--seeds N] [--from S] [--seconds T]\n"
         "                   [--until-failure]\n"
         "  --seed S         run one seed; the same seed is the same run, bit for bit\n"
         "  --story          print what happens, as columns: time, who, what\n"
         "  --seeds N        run until N seeds have counted\n"
         "  --from S         the first seed (1)\n"
         "  --seconds T      stop after T seconds of CPU\n"
         "  --until-failure  stop at the first seed that fails");
    exit(2);
}

static void read_options(int count, char **words, struct options *options)
{
    for (int i = 1; i < count; i++) {
        const char *value = i + 1 < count ? words[i + 1] : NULL;

        if (strcmp(words[i], "--story") == 0) {
            options->tells_story = true;
        } else if (strcmp(words[i], "--until-failure") == 0) {
            options->until_failure = true;
        } else if (value == NULL) {
            usage();
        } else if (strcmp(words[i], "--seed") == 0) {
            options->is_single = true;
            options->first = strtoull(words[++i], NULL, 10);
        } else if (strcmp(words[i], "--seeds") == 0) {
            options->count = strtoull(words[++i], NULL, 10);
        } else if (strcmp(words[i], "--from") == 0) {
            options->first = strtoull(words[++i], NULL, 10);
        } else if (strcmp(words[i], "--seconds") == 0) {
            options->seconds = strtod(words[++i], NULL);
        } else {
            usage();
        }
    }
}

int main(int count, char **words)
{
    struct options options = {.first = 1};

    read_options(count, words, &options);
    cc_panic_set(on_panic);
    if (options.is_single) {
        run_single(&options);
    }
    if (options.count == 0 && options.seconds == 0 && !options.until_failure) {
        usage();
    }
    return run_many(&options);
}
