/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copycat-sim -- runs seeds and says what came of them.  All that will be written to is opened
 * first; then the process is sealed, and only then does anything run.
 */
#include "sim/command_line.h"
#include "sim/seal.h"
#include "sim/seal_probe.h"
#include "sim/seeds.h"
#include "sim/shrink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int shrink(const struct cc_sim_options *options)
{
    struct cc_scenario scenario = {.seed = options->first, .overrides = options->overrides};
    struct cc_shrink_options shrinking = {
        .scenario = &scenario, .seconds = options->seconds, .file = options->output};

    return cc_shrink(&shrinking);
}

static int run(const struct cc_sim_options *options)
{
    switch (options->verb) {
    case CC_SIM_SHRINK:
        return shrink(options);
    case CC_SIM_REPLAY:
        return cc_replay(options->scenario, options->tells_story);
    case CC_SIM_RUN:
        break;
    }
    return options->is_single ? cc_seeds_run_single(options) : cc_seeds_run_many(options);
}

int main(int count, char **words)
{
    struct cc_sim_options options;
    enum cc_seal_result seal;

    cc_sim_options_read(&options, count, words);
    if (options.probe != NULL) {
        cc_seal_probe_prepare();
    }
    seal = cc_seal();
    if (seal == CC_SEAL_REFUSED) {
        fprintf(stderr, "copycat-sim: not sealed, for this kernel refuses: %s\n", strerror(errno));
    }
    if (options.probe != NULL) {
        return cc_seal_probe(options.probe, seal == CC_SEAL_ON);
    }
    return run(&options);
}
