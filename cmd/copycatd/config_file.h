/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_file -- the configuration file: lines of "key = value", comments, optional headings.
 *
 * Where it sits:   a source of the values; inih splits the lines.
 * Memory:          fixed, whatever the file holds.
 *
 * Invariants
 *   F1  every key that is wrong, misplaced or there twice is told of with its line, not only the
 *       first; so is every line that is none of key, heading and comment
 *   F2  a file is read to its end or to 64 KiB, and no further
 */
#ifndef COPYCATD_CONFIG_FILE_H
#define COPYCATD_CONFIG_FILE_H

#include "copycatd/config_values.h"

#include <stdio.h>

/* Opens and reads the file `path`.  False if it cannot be opened, which is a problem, too. */
bool copycatd_config_file_load(
    struct copycatd_values *values, const char *path, struct copycatd_problems *problems);

/* The same for a stream, which sentences call `name`. */
void copycatd_config_file_read(
    struct copycatd_values *values,
    FILE *file,
    const char *name,
    struct copycatd_problems *problems);

#endif /* COPYCATD_CONFIG_FILE_H */
