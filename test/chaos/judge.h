/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge -- what the simulator's checkers say of a history that was recorded from outside.
 *
 * Where it sits:   record -> [judge] -> sim/check.
 * Memory:          by malloc, freed before the return.
 *
 * The search for one order takes the history as it is.  The judge of sessions wants the log in
 * hand, and nobody looks into a real server's: but each answer tells its index, so the log is put
 * together from the answers.  What is not known then is what became of the commands without an
 * answer.  Their keys are masked: answers about them count for order, not for what they say.
 */
#ifndef CC_TEST_CHAOS_JUDGE_H
#define CC_TEST_CHAOS_JUDGE_H

#include "sim/check/report.h"

void chaos_judge(const struct cc_history *history, struct cc_check_report *report);

/* The whole history, a line for each operation; false if the file cannot be written. */
bool chaos_judge_write(const struct cc_history *history, const char *path);

#endif /* CC_TEST_CHAOS_JUDGE_H */
