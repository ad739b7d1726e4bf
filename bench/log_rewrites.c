/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_rewrites -- what each rule of cleaning costs in a commit log: keys are overwritten ten times
 * over, uniformly or by Zipf's law, what was there before is cleaned, and whatever the rule asks for
 * is done at once.  Counts bytes, in memory; the same figures on every machine.
 * usage: log_rewrites
 */
#include <copycat/sys/log.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define KEYS 20000u
#define OVERWRITES 10u
#define BODY_SIZE 200u
#define SEGMENT_SIZE (256u << 10)
#define APPENDS_PER_TURN 50u
#define ZIPF_EXPONENT 0.99

struct figures {
    double written; /* bytes to disk for each byte that is appended */
    double size;    /* bytes on disk at the most, for each live byte */
};

static double weights[KEYS]; /* cumulated */
static uint64_t former[KEYS];
static uint64_t state;

static void check(copycat_status status)
{
    if (status != COPYCAT_OK) {
        fprintf(stderr, "%s\n", copycat_status_text(status));
        exit(1);
    }
}

static uint64_t next_random(void)
{
    state += 0x9e3779b97f4a7c15u;

    uint64_t mixed = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9u;

    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

static void weigh(bool is_zipf)
{
    double sum = 0;

    for (uint32_t i = 0; i < KEYS; i++) {
        sum += is_zipf ? 1 / pow(i + 1, ZIPF_EXPONENT) : 1;
        weights[i] = sum;
    }
}

static uint32_t choose(void)
{
    double at = (double)(next_random() >> 11) / (double)(1ull << 53) * weights[KEYS - 1];
    uint32_t low = 0;
    uint32_t high = KEYS - 1;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (weights[middle] <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void put(copycat_log *log, uint32_t key)
{
    static const char body[BODY_SIZE] = "x";
    copycat_log_entry entry = {.key = {&key, sizeof key}, .bytes = {body, sizeof body}};
    uint64_t old = former[key];

    check(copycat_log_append(log, &entry, &former[key]));
    if (old != 0) {
        check(copycat_log_clean(log, old));
    }
}

static struct figures run(uint32_t rule, uint32_t percent, bool is_zipf)
{
    copycat_log_options options = COPYCAT_LOG_OPTIONS_INIT;
    copycat_log_status first = {.size = sizeof first};
    copycat_log_status status = {.size = sizeof status};
    copycat_log *log;
    double most = 0;

    options.segment_size = SEGMENT_SIZE;
    options.clean_rule = rule;
    options.clean_percent = percent;
    check(copycat_log_open(&log, &options, NULL));
    weigh(is_zipf);
    state = 1;
    for (uint32_t key = 0; key < KEYS; key++) {
        former[key] = 0;
        put(log, key);
    }
    copycat_log_status_of(log, &first);
    for (uint32_t i = 1; i <= OVERWRITES * KEYS; i++) {
        put(log, choose());
        if (i % APPENDS_PER_TURN == 0) {
            check(copycat_log_flush(log));
            check(copycat_log_clean_now(log));
            copycat_log_status_of(log, &status);
            most = (double)status.bytes > most ? (double)status.bytes : most;
        }
    }
    check(copycat_log_close(log));
    return (struct figures){
        .written = 1 + (double)(status.moved_bytes - first.moved_bytes) /
                           (double)(status.appended_bytes - first.appended_bytes),
        .size = most / (double)first.appended_bytes};
}

int main(void)
{
    static const struct {
        const char *name;
        uint32_t rule;
        uint32_t percent;
    } rules[] = {
        {"fixed, 50 %", COPYCAT_LOG_CLEAN_FIXED, 50},
        {"fixed, 75 %", COPYCAT_LOG_CLEAN_FIXED, 75},
        {"benefit, 50 %", COPYCAT_LOG_CLEAN_BENEFIT, 50},
        {"benefit, 75 %", COPYCAT_LOG_CLEAN_BENEFIT, 75},
        {"halving, 50 %", COPYCAT_LOG_CLEAN_HALVING, 50},
        {"halving, 75 %", COPYCAT_LOG_CLEAN_HALVING, 75},
    };

    printf("                written for each byte    on disk for each live byte\n");
    printf("                uniform       Zipf       uniform       Zipf\n");
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct figures uniform = run(rules[i].rule, rules[i].percent, false);
        struct figures zipf = run(rules[i].rule, rules[i].percent, true);

        printf(
            "%-15s %7.2f    %7.2f       %7.2f    %7.2f\n", rules[i].name, uniform.written,
            zipf.written, uniform.size, zipf.size);
    }
    return 0;
}
