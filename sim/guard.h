/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard -- a run in which a broken promise of the product is a verdict like others.
 */
#ifndef CC_SIM_GUARD_H
#define CC_SIM_GUARD_H

#include "sim/run.h"

/* As cc_run; an assertion that does not hold ends the run, whose memory is lost. */
void cc_run_guarded(const struct cc_run_options *options, struct cc_run_result *result);

#endif /* CC_SIM_GUARD_H */
