/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seeds -- runs one seed or many, and says what came of them.
 *
 * Where it sits:   main -> [seeds] -> run, totals.
 */
#ifndef CC_SIM_SEEDS_H
#define CC_SIM_SEEDS_H

#include "sim/command_line.h"

/* Each returns the exit code of the program: 0 if every seed passed. */
int cc_seeds_run_single(const struct cc_sim_options *options);
int cc_seeds_run_many(const struct cc_sim_options *options);

#endif /* CC_SIM_SEEDS_H */
