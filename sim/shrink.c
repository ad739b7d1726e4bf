/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shrink -- see shrink.h.
 *
 * Leaving something out of a run changes nothing of what is drawn for the rest (run.h), so each
 * attempt is a run of its own, and is kept if it breaks the same promise.  Faults go first, by
 * halves down to single ones, for they are what a person has to understand.
 */
#include "sim/shrink.h"

#include "sim/guard.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct shrink {
    struct cc_scenario least;
    struct cc_injections injected; /* of the least */
    size_t promise_size;           /* of `verdict`: the part that has to stay */
    char verdict[768];
    double end;
    uint32_t attempts;
};

static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* "promise: what happened"; of an assertion, all of it. */
static size_t promise_size(const char *verdict)
{
    const char *colon = strchr(verdict, ':');

    return colon == NULL || strncmp(verdict, "assertion", 9) == 0 ? strlen(verdict)
                                                                  : (size_t)(colon - verdict);
}

static bool breaks(
    const struct cc_scenario *scenario,
    bool tells_story,
    struct cc_injections *injected,
    struct cc_run_result *result)
{
    struct cc_run_options options = {
        .seed = scenario->seed,
        .tells_story = tells_story,
        .overrides = &scenario->overrides,
        .injected = injected,
    };

    cc_run_guarded(&options, result);
    return !result->has_passed;
}

static void copy(struct cc_scenario *target, const struct cc_scenario *source)
{
    *target = *source;
    target->overrides.only = source->overrides.only == NULL ? NULL : target->strikes;
}

/* Keeps the candidate if it breaks the same promise. */
static bool attempt(struct shrink *shrink, const struct cc_scenario *candidate)
{
    struct cc_injections injected = {0};
    struct cc_run_result result;
    bool is_same;

    if (cpu_seconds() >= shrink->end) {
        return false;
    }
    shrink->attempts++;
    is_same = breaks(candidate, false, &injected, &result) &&
              promise_size(result.verdict) == shrink->promise_size &&
              memcmp(result.verdict, shrink->verdict, shrink->promise_size) == 0;
    if (!is_same) {
        cc_injections_deinit(&injected);
        return false;
    }
    cc_injections_deinit(&shrink->injected);
    shrink->injected = injected;
    memcpy(shrink->verdict, result.verdict, sizeof shrink->verdict);
    copy(&shrink->least, candidate);
    return true;
}

/* ---- what can be left out -------------------------------------------------------------------- */

static bool without_strikes(struct shrink *shrink, size_t first, size_t count)
{
    struct cc_scenario candidate;

    copy(&candidate, &shrink->least);
    memmove(
        candidate.strikes + first, candidate.strikes + first + count,
        (candidate.overrides.only_count - first - count) * sizeof candidate.strikes[0]);
    candidate.overrides.only_count -= count;
    return attempt(shrink, &candidate);
}

static bool shrink_strikes(struct shrink *shrink)
{
    size_t before = shrink->least.overrides.only_count;
    size_t piece = before;

    for (; piece > 0; piece /= 2) {
        size_t first = 0;

        while (first < shrink->least.overrides.only_count) {
            size_t left = shrink->least.overrides.only_count - first;

            if (!without_strikes(shrink, first, piece < left ? piece : left)) {
                first += piece;
            }
        }
    }
    return shrink->least.overrides.only_count < before;
}

/* The smallest of these values that is smaller than what there is, if there is something. */
static bool shrink_number(
    struct shrink *shrink, size_t offset, const uint32_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct cc_scenario candidate;
        uint32_t *number = (uint32_t *)(void *)((char *)&candidate.overrides + offset);

        copy(&candidate, &shrink->least);
        if (*number != 0 && values[i] >= *number) {
            break;
        }
        *number = values[i];
        if (attempt(shrink, &candidate)) {
            return true;
        }
    }
    return false;
}

static bool shrink_kinds(struct shrink *shrink)
{
    bool is_less = false;

    for (uint32_t kind = CC_HISTORY_PUT; kind <= CC_HISTORY_KEYS; kind++) {
        struct cc_scenario candidate;
        uint32_t *kinds = &candidate.overrides.operation_kinds;

        copy(&candidate, &shrink->least);
        *kinds = *kinds == 0 ? ((1u << (CC_HISTORY_KEYS + 1)) - 2) : *kinds;
        if ((*kinds >> kind & 1) == 1 && *kinds != 1u << kind) {
            *kinds &= ~(1u << kind);
            is_less = attempt(shrink, &candidate) || is_less;
        }
    }
    return is_less;
}

static bool shrink_time(struct shrink *shrink)
{
    static const uint64_t seconds[] = {1, 2, 4, 8, 16, 32};

    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        struct cc_scenario candidate;

        copy(&candidate, &shrink->least);
        if (candidate.overrides.faults_us != 0 &&
            seconds[i] * 1000000 >= candidate.overrides.faults_us) {
            break;
        }
        candidate.overrides.faults_us = seconds[i] * 1000000;
        if (attempt(shrink, &candidate)) {
            return true;
        }
    }
    return false;
}

static void shrink_flags(struct shrink *shrink)
{
    struct cc_scenario candidate;

    copy(&candidate, &shrink->least);
    candidate.overrides.no_learners = true;
    (void)attempt(shrink, &candidate);
    copy(&candidate, &shrink->least);
    candidate.overrides.all_heal = true;
    (void)attempt(shrink, &candidate);
}

static bool shrink_all(struct shrink *shrink)
{
    static const uint32_t servers[] = {1, 2, 3, 4, 5, 6};
    static const uint32_t clients[] = {1, 2, 3, 4, 5, 6};
    static const uint32_t operations[] = {1, 5, 10, 20, 40, 80, 160, 320};
    bool is_less = shrink_strikes(shrink);

#define SHRINK(field, values)                                                                     \
    shrink_number(shrink, offsetof(struct cc_run_overrides, field), values, sizeof values / 4) || \
        is_less
    is_less = SHRINK(voter_count, servers);
    is_less = SHRINK(client_count, clients);
    is_less = SHRINK(operations_max, operations);
#undef SHRINK
    is_less = shrink_kinds(shrink) || is_less;
    return shrink_time(shrink) || is_less;
}

/* ---- the file -------------------------------------------------------------------------------- */

static void tell(const struct shrink *shrink, size_t faults_before, FILE *file)
{
    fprintf(file, "# Seed %" PRIu64 " broke a promise:\n#     ", shrink->least.seed);
    for (const char *at = shrink->verdict; *at != '\0'; at++) {
        fputs(*at == '\n' ? "\n#     " : (const char[]){*at, '\0'}, file);
    }
    fputs("\n#\n", file);
    fprintf(
        file, "# Of %zu faults these are left (time, ordinal, kind, machine and its role):\n",
        faults_before);
    for (size_t i = 0; i < shrink->injected.count; i++) {
        const struct cc_injection *one = &shrink->injected.at[i];

        fprintf(
            file, "#     %12.6f  %5" PRIu32 "  %-20s %2" PRIu32 "  %s\n",
            (double)one->time_us / 1e6, one->ordinal, cc_fault_text(one->kind), one->target + 1,
            cc_hit_role_text(one->role));
    }
    if (shrink->injected.count == 0) {
        fputs("#     none\n", file);
    }
    fputs("#\n# Replay: copycat-sim replay FILE; with --story it tells what happens.\n\n", file);
}

/* From "as the seed has it" to the list of those that struck. */
static bool list_strikes(struct shrink *shrink)
{
    struct cc_run_overrides *overrides = &shrink->least.overrides;

    if (overrides->only != NULL || shrink->injected.count > CC_SCENARIO_STRIKES_MAX) {
        return overrides->only != NULL;
    }
    for (size_t i = 0; i < shrink->injected.count; i++) {
        shrink->least.strikes[i] = shrink->injected.at[i].ordinal;
    }
    overrides->only = shrink->least.strikes;
    overrides->only_count = shrink->injected.count;
    return true;
}

int cc_shrink(const struct cc_shrink_options *options)
{
    static struct shrink shrink; /* larger than a stack likes */
    struct cc_run_result result;
    size_t faults;

    copy(&shrink.least, options->scenario);
    shrink.end = cpu_seconds() + options->seconds;
    if (!breaks(&shrink.least, false, &shrink.injected, &result)) {
        printf("seed %" PRIu64 " breaks nothing: there is nothing to shrink\n", shrink.least.seed);
        return 1;
    }
    memcpy(shrink.verdict, result.verdict, sizeof shrink.verdict);
    shrink.promise_size = promise_size(shrink.verdict);
    faults = shrink.injected.count;
    if (list_strikes(&shrink)) {
        shrink_flags(&shrink);
        while (shrink_all(&shrink) && cpu_seconds() < shrink.end) {
        }
    }
    tell(&shrink, faults, options->file);
    cc_scenario_write(&shrink.least, options->file);
    fflush(options->file);
    fprintf(
        stderr, "%s\n%zu of %zu faults are left after %u attempts in %.1f CPU s\n", shrink.verdict,
        shrink.injected.count, faults, shrink.attempts, cpu_seconds());
    cc_injections_deinit(&shrink.injected);
    return 0;
}

int cc_replay(const struct cc_scenario *scenario, bool tells_story)
{
    struct cc_run_result result;
    double start = cpu_seconds();

    if (breaks(scenario, tells_story, NULL, &result)) {
        printf("FAILED seed %" PRIu64 ": %s\n", scenario->seed, result.verdict);
        return 1;
    }
    printf(
        "seed %" PRIu64 " breaks nothing: %" PRIu64 " operations acknowledged, %" PRIu64
        " leaders, %.0f simulated s for a CPU s\n",
        scenario->seed, result.workload.acknowledged, result.leader_changes,
        (double)result.simulated_us / 1e6 / (cpu_seconds() - start + 0.001));
    return 0;
}
