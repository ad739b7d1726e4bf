/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export -- writes what `copycat map import` reads.
 */
#ifndef CLI_EXPORT_H
#define CLI_EXPORT_H

#include "arguments.h"

/* Returns an exit code. */
int cli_export(const struct cli_arguments *arguments);

#endif /* CLI_EXPORT_H */
