/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_options -- what is to be measured, as the command line says it.
 *
 * Memory:          points into argv and the environment, which stay.
 */
#ifndef CLI_BENCH_OPTIONS_H
#define CLI_BENCH_OPTIONS_H

#include <copycat/base.h>

#include <stdbool.h>

struct bench_options {
    bool is_get; /* else put */
    bool is_help;
    bool is_json;
    bool is_kept; /* what was stored stays */
    const char *servers;
    const char *probe_directory;
    uint32_t consistency; /* COPYCAT_LINEARIZABLE ... */
    uint64_t clients;     /* connections */
    uint64_t window;      /* calls under way on each */
    uint64_t duration_ms;
    uint64_t warm_up_ms;
    uint64_t count; /* 0: as many as the duration allows */
    uint64_t keys;
    uint64_t value_size;
    uint64_t timeout_ms; /* of each call */
};

/* False: `message_out` has a sentence about what is wrong. */
bool bench_options_parse(
    struct bench_options *options_out, int argc, char **argv, copycat_message *message_out);

void bench_options_print_help(void);

/* "linearizable" ... */
const char *bench_consistency_name(uint32_t consistency);

#endif /* CLI_BENCH_OPTIONS_H */
