/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command_line -- what copycat-sim is asked to do.
 *
 * Where it sits:   main -> [command_line] -> seeds.
 */
#ifndef CC_SIM_COMMAND_LINE_H
#define CC_SIM_COMMAND_LINE_H

#include "sim/scenario.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum cc_sim_verb {
    CC_SIM_RUN, /* seeds */
    CC_SIM_SHRINK,
    CC_SIM_REPLAY,
};

struct cc_sim_options {
    enum cc_sim_verb verb;
    uint64_t first;
    uint64_t count;    /* of seeds that count; 0: no end */
    double seconds;    /* of CPU; 0: no end */
    const char *probe; /* of the seal; NULL: none */
    bool is_single;
    bool tells_story;
    bool until_failure;
    bool prints_traces;
    bool prints_faults;           /* those of the one seed, one by one */
    FILE *heat;                   /* NULL: none */
    FILE *output;                 /* of shrink */
    struct cc_scenario *scenario; /* of replay */
    struct cc_run_overrides overrides;
};

/* Ends the program where the words make no sense, and says which they should be. */
void cc_sim_options_read(struct cc_sim_options *options, int count, char **words);

#endif /* CC_SIM_COMMAND_LINE_H */
