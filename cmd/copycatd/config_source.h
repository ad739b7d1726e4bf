/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_source -- flags and COPYCAT_* variables.
 *
 * Where it sits:   sources of the values, beside config_file.
 * Memory:          none of its own.
 */
#ifndef COPYCATD_CONFIG_SOURCE_H
#define COPYCATD_CONFIG_SOURCE_H

#include "copycatd/config_values.h"

/* What to do instead of serving. */
struct copycatd_actions {
    bool help;
    bool version;
    bool check_config;
    bool show_config;
};

/* "--name value" and "--name=value"; of a bool, "--name" alone is true.  The last of equals
 * wins. */
void copycatd_config_flags(
    struct copycatd_values *values,
    int argc,
    char *const *argv,
    struct copycatd_actions *actions_out,
    struct copycatd_problems *problems);

/*
 * An empty variable counts as none.  A COPYCAT_* name that is not known is no problem: clients
 * have their own, and orchestrators set some for every service.  One much like a known name goes
 * into `notes` instead.
 */
void copycatd_config_variables(
    struct copycatd_values *values,
    char *const *environment,
    struct copycatd_problems *problems,
    struct copycatd_problems *notes);

/* The value of `name` in `environment`, or NULL if it is absent or empty. */
const char *copycatd_config_variable(char *const *environment, const char *name);

#endif /* COPYCATD_CONFIG_SOURCE_H */
