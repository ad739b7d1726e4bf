/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shrink -- from a seed that fails to the least that still breaks the same promise.
 *
 * Where it sits:   main -> [shrink] -> run, scenario.
 */
#ifndef CC_SIM_SHRINK_H
#define CC_SIM_SHRINK_H

#include "sim/scenario.h"

struct cc_shrink_options {
    const struct cc_scenario *scenario; /* where to begin */
    double seconds;                     /* of CPU, after which the least so far will do */
    FILE *file;                         /* where it is written to */
};

/* Exit code of the program: 0 if something was written, 1 if the scenario breaks nothing. */
int cc_shrink(const struct cc_shrink_options *options);

/* Runs a scenario and says what it broke: 0 nothing, 1 something. */
int cc_replay(const struct cc_scenario *scenario, bool tells_story);

#endif /* CC_SIM_SHRINK_H */
