/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failure -- what went wrong, as a sentence with its cause and its remedy, and as an exit code.
 */
#ifndef CLI_FAILURE_H
#define CLI_FAILURE_H

#include "arguments.h"

/* The class of a status decides. */
int cli_exit_of(copycat_status status);

/* Says on standard error why the verb could not do what it should; returns the exit code.  Where
 * nobody answered, each server is asked why. */
int cli_fail(const struct cli_arguments *arguments, copycat_status status);

/* The same with a cause of the caller's own. */
__attribute__((format(printf, 3, 4))) int cli_fail_with(
    const struct cli_arguments *arguments, int code, const char *format, ...);

/* Under a sentence that was said: why nobody did it, what to do, and where each server stands. */
void cli_explain_silence(const struct cli_arguments *arguments);

/* `what` did not happen, as no server could be reached that does it; returns the exit code.  One
 * sentence: `reason` if any server answers, else that none does; then where each server stands. */
int cli_fail_unheard(
    const struct cli_arguments *arguments,
    copycat_status status,
    const char *what,
    const char *reason);

#endif /* CLI_FAILURE_H */
