/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linear_witness -- an order that somebody proposes: is it one that explains everything?
 *
 * Where it sits:   linear -> [linear_witness] -> model.
 *
 * The log is such a proposal.  It is not believed: every answer has to fit, and nothing may stand
 * before what was over when it began.  Checking takes one walk where a search may take for ever; if
 * the proposal does not hold, the search has the word.
 */
#ifndef CC_SIM_CHECK_LINEAR_WITNESS_H
#define CC_SIM_CHECK_LINEAR_WITNESS_H

#include "sim/check/linear_search.h"

/* `places` by id of the operation: its index in the log; 0: it is not there.  True: the question is
 * answered with yes. */
bool cc_check_witness(const struct cc_check_question *question, const uint64_t *places);

#endif /* CC_SIM_CHECK_LINEAR_WITNESS_H */
