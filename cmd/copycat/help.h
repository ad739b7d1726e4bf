/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help -- what `copycat --help` says, made of the tables of verbs.h.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "verbs.h"

#include <stdio.h>

/* Of everything; of the verbs that begin with `group`; of one verb. */
void cli_help_print(FILE *file);
void cli_help_print_group(FILE *file, const char *group);
void cli_help_print_verb(FILE *file, const struct cli_verb *verb);

#endif /* CLI_HELP_H */
