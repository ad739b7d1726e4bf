/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_internal -- what the parts of session know of each other.
 *
 * Where it sits:   session -> session_replay, session_order.
 * Memory:          the work's arrays, owned by session.
 */
#ifndef CC_SIM_CHECK_SESSION_INTERNAL_H
#define CC_SIM_CHECK_SESSION_INTERNAL_H

#include "sim/check/session.h"

struct cc_check_session_work {
    const struct cc_history *history;
    struct cc_check_report *report;
    struct cc_check_applied *applied; /* by index, each index once */
    size_t applied_count;
    const struct cc_history_operation **commands; /* numbered ones, by client and sequence */
    size_t command_count;
    const struct cc_history_operation **streams; /* all, by client, stream and invocation */
    uint64_t *effects; /* by id: the index where a command took effect; 0: it did not */
};

/* Each returns false after it has blamed something. */

/* Finds the effects: once and lost.  Needs applied and commands. */
bool cc_check_session_effects(struct cc_check_session_work *work);

/* model.  Needs the effects. */
bool cc_check_session_replay(struct cc_check_session_work *work);

/* order, time and back.  Needs the effects. */
bool cc_check_session_order(struct cc_check_session_work *work);

#endif /* CC_SIM_CHECK_SESSION_INTERNAL_H */
