/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map -- the verbs of one call to a map.  Each returns an exit code.
 */
#ifndef CLI_MAP_H
#define CLI_MAP_H

#include "arguments.h"

int cli_map_put(const struct cli_arguments *arguments);
int cli_map_get(const struct cli_arguments *arguments);
int cli_map_remove(const struct cli_arguments *arguments);
int cli_map_contains(const struct cli_arguments *arguments);
int cli_map_size(const struct cli_arguments *arguments);
int cli_map_keys(const struct cli_arguments *arguments);
int cli_map_clear(const struct cli_arguments *arguments);
int cli_map_put_if_absent(const struct cli_arguments *arguments);
int cli_map_replace(const struct cli_arguments *arguments);
int cli_map_cas(const struct cli_arguments *arguments);

#endif /* CLI_MAP_H */
