/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_load -- a bounded number of calls under way, each followed by the next as soon as it is
 * answered, until the time is up.
 *
 * Threads:         all clients live in the caller's thread (host_loop), so that the load costs the
 *                  machine as little as it can.
 * Memory:          one record for each call that may be under way.
 */
#ifndef CLI_BENCH_LOAD_H
#define CLI_BENCH_LOAD_H

#include "arguments.h"
#include "bench_histogram.h"
#include "bench_options.h"

#include <copycat/map.h>

/* What came of it. */
struct bench_result {
    struct bench_histogram latency_ns; /* of what was asked and answered in the time measured */
    uint64_t operations;               /* answered in the time measured */
    uint64_t operations_all;           /* with those before and after it: what the servers did */
    uint64_t elapsed_ns;               /* the time measured */
    uint64_t errors[COPYCAT_CLASS_FINISHED + 1]; /* by class */
    copycat_status last_error;
};

struct bench_load;

/* Opens the clients; they connect when they are first used.  `arguments` say whom to blame when
 * nobody answers.  NULL: `message_out` says why.
 * Partner: bench_load_close. */
struct bench_load *bench_load_open(
    const struct bench_options *options,
    const struct cli_arguments *arguments,
    copycat_message *message_out);
void bench_load_close(struct bench_load *load);

/* The map that is written and read. */
const char *bench_load_path(const struct bench_load *load);

/* How many keys it has. */
copycat_status bench_load_count(struct bench_load *load, uint64_t *count_out);

/* From now on the first SIGINT or SIGTERM ends what is under way early; a second one ends the process. */
void bench_load_catch_signals(void);
bool bench_load_is_interrupted(void);

/* Stores each key once. */
copycat_status bench_load_fill(struct bench_load *load);

void bench_load_run(struct bench_load *load, struct bench_result *result_out);

/* Removes what was stored. */
copycat_status bench_load_clear(struct bench_load *load);

#endif /* CLI_BENCH_LOAD_H */
