/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linear_state -- what an operation does to the keys of a question, and whether its answer fits.
 *
 * Where it sits:   linear_search, linear_witness -> [linear_state] -> model.
 */
#ifndef CC_SIM_CHECK_LINEAR_STATE_H
#define CC_SIM_CHECK_LINEAR_STATE_H

#include "sim/check/linear_search.h"

/* True if its answer is known, and so it has to be in the order. */
bool cc_check_is_certain(
    const struct cc_check_question *question, const struct cc_history_operation *operation);

/* Place of a key in the state; key_count if it is none of them. */
uint32_t cc_check_slot_of(const struct cc_check_question *question, uint32_t key);

/*
 * Carries an operation out on a state of key_count symbols.  `slot` is that of its key, if it has
 * one.  False if it is answered and its answer contradicts the state, which is then spoilt.
 */
bool cc_check_carry_out(
    const struct cc_check_question *question,
    const struct cc_history_operation *operation,
    uint32_t slot,
    bool is_answered,
    uint32_t *state);

#endif /* CC_SIM_CHECK_LINEAR_STATE_H */
