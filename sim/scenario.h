/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario -- one run as a text file that a person can read and copycat-sim can replay: which seed,
 * what is left out of it, and in comments what happened and what it broke.
 *
 * Where it sits:   shrink writes them, test/scenario/world keeps them, `copycat-sim replay` runs them.
 *
 *     # anything, for people
 *     seed 172
 *     voters 3                     servers that vote
 *     clients 2                    of the seed's clients, the first so many
 *     idle-clients 1,2             of those, these send nothing
 *     learners none
 *     heal all                     nobody stays broken for good
 *     operations 40                of all clients together, at most
 *     kinds put,get                of operation; others become one of these
 *     faults-for 12.5              seconds; then everything heals
 *     idle-for 60                  seconds of nothing, before the end
 *     also bit-rot                 kinds of fault that do not occur by themselves
 *     strikes 10003,10007          ordinals of the faults that strike; none: "strikes -"
 *
 * All but the seed may be absent: then it is as the seed has it.
 */
#ifndef CC_SIM_SCENARIO_H
#define CC_SIM_SCENARIO_H

#include "sim/run.h"

#include <stdio.h>

#define CC_SCENARIO_STRIKES_MAX 4096u
#define CC_SCENARIO_SIZE_MAX 262144u /* bytes of a file */

struct cc_scenario {
    uint64_t seed;
    bool has_seed;
    struct cc_run_overrides overrides; /* its `only` is NULL or `strikes` */
    uint32_t strikes[CC_SCENARIO_STRIKES_MAX];
};

/*
 * Reads the text of a file, which need not end with a zero.  False if it makes no sense; then
 * `line_out` is the line, from 1, and `reason_out` a sentence.
 */
bool cc_scenario_read(
    const char *text,
    size_t size,
    struct cc_scenario *scenario_out,
    uint32_t *line_out,
    const char **reason_out);

/* What cc_scenario_read understands, without comments. */
void cc_scenario_write(const struct cc_scenario *scenario, FILE *file);

#endif /* CC_SIM_SCENARIO_H */
