/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status_scrub -- what the servers found when they read again all that they stand on: a line of
 * `copycat status`, and a part of its JSON.
 */
#ifndef CLI_STATUS_SCRUB_H
#define CLI_STATUS_SCRUB_H

#include "status.h"

#include <copycat/probe.h>

#include <jansson.h>
#include <stdio.h>

/* Nothing, if no member answers. */
void cli_scrub_print(FILE *file, const struct cli_standings *standings);

json_t *cli_scrub_as_json(const copycat_probe_scrub *scrub);

#endif /* CLI_STATUS_SCRUB_H */
