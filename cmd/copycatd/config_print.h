/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_print -- the table of properties as help, as a page, as an example; the values as a list.
 *
 * Where it sits:   beside config; docs/configuration.md and packaging/copycatd.conf are its output.
 * Memory:          none.
 */
#ifndef COPYCATD_CONFIG_PRINT_H
#define COPYCATD_CONFIG_PRINT_H

#include "copycatd/config_values.h"

#include <stdio.h>

/* The answer to --help. */
void copycatd_print_help(FILE *out);

/* "name = value   (from: ...)", a line for each property. */
void copycatd_print_values(const struct copycatd_values *values, FILE *out);

/* docs/configuration.md. */
void copycatd_print_page(FILE *out);

/* packaging/copycatd.conf: every key with its default, commented out. */
void copycatd_print_example(FILE *out);

#endif /* COPYCATD_CONFIG_PRINT_H */
