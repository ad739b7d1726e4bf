/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/seeds.h"

#include "sim/guard.h"
#include "sim/totals.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define TWICE_EVERY 100u
#define COUNTING_PERCENT_MIN 50u
#define EVERY_KIND_AFTER 300u /* seeds: a kind that was not injected in so many never is */

static struct cc_heat heat;

static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static void report_failure(struct cc_totals *totals, uint64_t seed, const char *verdict)
{
    totals->failures++;
    printf(
        "FAILED seed %" PRIu64 ": %s; replay: copycat-sim --seed %" PRIu64 " --story\n", seed,
        verdict, seed);
    fflush(stdout);
}

static struct cc_run_options run_options(const struct cc_sim_options *options, uint64_t seed)
{
    return (struct cc_run_options){
        .seed = seed,
        .tells_story = options->tells_story,
        .overrides = &options->overrides,
        .heat = options->heat == NULL ? NULL : &heat,
    };
}

static void run_seed(const struct cc_sim_options *options, struct cc_totals *totals, uint64_t seed)
{
    struct cc_run_options run = run_options(options, seed);
    struct cc_run_result result;
    struct cc_run_result again;

    cc_run_guarded(&run, &result);
    cc_totals_add(totals, &result);
    if (options->prints_traces) {
        printf("seed %" PRIu64 " trace %016" PRIx64 "\n", seed, result.trace);
    }
    if (!result.has_passed) {
        report_failure(totals, seed, result.verdict);
    } else if (seed % TWICE_EVERY == 0) {
        run.heat = NULL; /* it was counted */
        cc_run_guarded(&run, &again);
        if (again.trace != result.trace) {
            report_failure(totals, seed, "determinism: the same seed ran differently");
        }
    }
}

static void print_injected(const struct cc_injections *injected)
{
    for (size_t i = 0; i < injected->count; i++) {
        const struct cc_injection *one = &injected->at[i];

        printf(
            "%12.6f  fault %5" PRIu32 "  %-20s machine %2" PRIu32 " %s\n",
            (double)one->time_us / 1e6, one->ordinal, cc_fault_text(one->kind), one->target + 1,
            cc_hit_role_text(one->role));
    }
}

static void print_heat(const struct cc_sim_options *options)
{
    uint32_t cells;
    uint32_t hit;

    if (options->heat == NULL) {
        return;
    }
    cc_heat_print(&heat, &options->overrides.asked, options->heat);
    fflush(options->heat);
    cc_heat_count(&heat, &options->overrides.asked, &cells, &hit);
    printf(
        "heat            %" PRIu32 " of %" PRIu32 " cells of operation, fault and role were hit\n",
        hit, cells);
}

/* A kind that is never injected tests nothing. */
static void check_kinds(const struct cc_sim_options *options, struct cc_totals *totals)
{
    for (uint32_t i = 0; i < CC_FAULT_COUNT && totals->runs >= EVERY_KIND_AFTER; i++) {
        enum cc_fault fault = (enum cc_fault)i;
        bool is_meant = cc_fault_use(fault) != CC_FAULT_ASKED ||
                        cc_fault_set_has(&options->overrides.asked, fault);

        if (totals->sum.fired[i] == 0 && is_meant &&
            !cc_fault_set_has(&options->overrides.without, fault)) {
            printf("FAILED: no fault of the kind %s in all these seeds\n", cc_fault_text(fault));
            totals->failures++;
        }
    }
}

int cc_seeds_run_single(const struct cc_sim_options *options)
{
    struct cc_totals totals = {0};
    struct cc_run_options run = run_options(options, options->first);
    struct cc_injections injected = {0};
    struct cc_run_result result;
    double start = cpu_seconds();

    run.injected = options->prints_faults ? &injected : NULL;
    cc_run_guarded(&run, &result);
    print_injected(&injected);
    cc_injections_deinit(&injected);
    cc_totals_add(&totals, &result);
    if (!result.has_passed) {
        report_failure(&totals, options->first, result.verdict);
    }
    cc_totals_print(&totals, cpu_seconds() - start);
    printf(
        "trace           %016" PRIx64 "%s\n", result.trace,
        result.counts ? "" : " (too little happened for this seed to count)");
    return result.has_passed ? 0 : 1;
}

int cc_seeds_run_many(const struct cc_sim_options *options)
{
    struct cc_totals totals = {0};
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
    check_kinds(options, &totals);
    cc_totals_print(&totals, cpu_seconds() - start);
    print_heat(options);
    if (options->count > 0 && totals.counting * 100 < totals.runs * COUNTING_PERCENT_MIN) {
        printf("FAILED: less than %u %% of the seeds count\n", COUNTING_PERCENT_MIN);
        return 1;
    }
    return totals.failures == 0 ? 0 : 1;
}
