/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log -- the verbs that look into a stopped server's directory: ls, dump, verify.  No cluster is
 * asked, and nothing is changed.
 */
#ifndef CLI_LOG_H
#define CLI_LOG_H

#include "arguments.h"

#include <copycat/sys/inspect.h>

int cli_log_ls(const struct cli_arguments *arguments);
int cli_log_dump(const struct cli_arguments *arguments);
int cli_log_verify(const struct cli_arguments *arguments);

/* Opens the directory that the arguments name; NULL: it was said why not, and `*code_out` is the
 * exit code. */
copycat_inspection *cli_log_open(const struct cli_arguments *arguments, int *code_out);

/* Says what failed while it was read; returns the exit code. */
int cli_log_fail(
    const struct cli_arguments *arguments, copycat_status status, const copycat_message *message);

/* "2025-11-21T15:00:00.123456Z". */
#define CLI_LOG_TIME_SIZE 48u
void cli_log_time(uint64_t time_us, char text_out[CLI_LOG_TIME_SIZE]);

#endif /* CLI_LOG_H */
