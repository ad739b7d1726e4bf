/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_print -- what was measured, for people and as JSON.
 */
#ifndef CLI_BENCH_PRINT_H
#define CLI_BENCH_PRINT_H

#include "bench_load.h"
#include "bench_probe.h"

#include <copycat/probe.h>

struct bench_figures {
    const struct bench_options *options;
    const char *path; /* of the map */
    struct bench_result result;
    struct bench_probe probe;
    bool has_counters;
    uint32_t members;
    copycat_probe_counters all; /* of all members together, and of the leader alone */
    copycat_probe_counters leader;
};

/* False: a put that is durable took less time than the probe's write, so that was of another disk, or
 * of a worse moment. */
bool bench_print_is_comparable(const struct bench_figures *figures);

void bench_print_text(const struct bench_figures *figures);
void bench_print_json(const struct bench_figures *figures);

#endif /* CLI_BENCH_PRINT_H */
