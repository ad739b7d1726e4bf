/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status_print -- the table and the JSON of `copycat status`.
 */
#ifndef CLI_STATUS_PRINT_H
#define CLI_STATUS_PRINT_H

#include "status.h"

#include <stdio.h>

void cli_status_print_table(
    FILE *file, const struct cli_standings *standings, const struct cli_summary *summary);

/* On standard output. */
void cli_status_print_json(
    const struct cli_standings *standings, const struct cli_summary *summary);

#endif /* CLI_STATUS_PRINT_H */
