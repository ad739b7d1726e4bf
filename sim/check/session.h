/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session -- what sessions promise, judged with the log in hand.
 *
 * Where it sits:   history, commands applied to maps -> [session] -> report.
 * Memory:          by malloc, freed before the return.
 *
 * Promises, by the word that stands before a complaint
 *   once      a sequence takes effect at most once, in increasing order, as it was submitted;
 *             what failed never does
 *   order     answers of one stream come in the order of invocation
 *   lost      a command that was answered took effect, at the index it was told
 *   model     the answer is what plain arrays say at that index; queries of every level
 *   time      what was answered before an invocation lies before it in the log; so no answer knows
 *             of a command that was not yet invoked
 *   back      a session never reads an older state than it has seen: EVENTUAL reads neither
 *             promise this nor count as seen
 */
#ifndef CC_SIM_CHECK_SESSION_H
#define CC_SIM_CHECK_SESSION_H

#include "sim/check/report.h"

/* One command of a map, as the log has it. */
struct cc_check_applied {
    uint64_t index;
    uint64_t client;
    uint64_t sequence;
    uint64_t fingerprint; /* cc_history_fingerprint of what was applied */
    bool has_effect;      /* false: repeated or refused, the map was not asked */
};

/*
 * `applied` holds every command on a map of every client in the history, in any order; several
 * servers may have reported the same index.  Adds to the report, which must have been initialised.
 */
void cc_check_session(
    const struct cc_history *history,
    const struct cc_check_applied *applied,
    size_t applied_count,
    struct cc_check_report *report);

#endif /* CC_SIM_CHECK_SESSION_H */
