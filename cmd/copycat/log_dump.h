/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_dump -- a record of a server's directory, printed.
 */
#ifndef CLI_LOG_DUMP_H
#define CLI_LOG_DUMP_H

#include <copycat/sys/inspect.h>

#include <stdbool.h>

/* "entry", "needs"; "noop", "command". */
const char *cli_log_record_name(uint32_t type);
const char *cli_log_entry_name(uint32_t kind);

/* It has an entry of the log, wherever it lies. */
bool cli_log_is_entry(const copycat_inspect_record *record);

/* In one line. */
void cli_log_print_json(const copycat_inspect_record *record);

#endif /* CLI_LOG_DUMP_H */
