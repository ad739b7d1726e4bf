/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counter_machine -- a machine that uses all that machine.h offers: a number that commands add to
 * and that a timer sets back.  Operations are text:
 *
 *   "add N"     the answer is the new value
 *   "reset T"   back to zero T milliseconds from now
 *   "keep"      no reset after all
 *   "fail"      an answer of class "refused"
 *   "retry"     an answer that a machine must not give
 *   "about"     "INDEX TIME SESSION" of this commit
 *   query ""    "VALUE RESETS ENDED": the value, how often a timer or the end of a session came
 *   query else  refused
 */
#ifndef CC_TEST_COUNTER_MACHINE_H
#define CC_TEST_COUNTER_MACHINE_H

#include <copycat.h>

#define COUNTER_TYPE 1024u

extern const copycat_machine_type counter_machine;

#endif /* CC_TEST_COUNTER_MACHINE_H */
