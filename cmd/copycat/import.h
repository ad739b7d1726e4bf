/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import -- stores the lines of a file, many at a time, through whatever happens to the servers.
 */
#ifndef CLI_IMPORT_H
#define CLI_IMPORT_H

#include "arguments.h"

/* Returns an exit code. */
int cli_import(const struct cli_arguments *arguments);

#endif /* CLI_IMPORT_H */
