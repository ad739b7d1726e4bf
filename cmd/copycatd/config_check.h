/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_check -- defaults that depend on other values, and values that must agree.
 *
 * Where it sits:   after all sources have made their offers.
 * Memory:          none of its own.
 */
#ifndef COPYCATD_CONFIG_CHECK_H
#define COPYCATD_CONFIG_CHECK_H

#include "copycatd/config_values.h"

/* Offers every default, as the table and the environment have it.  Called after the sources. */
void copycatd_config_complete(
    struct copycatd_values *values, char *const *environment, struct copycatd_problems *problems);

/* Complains where two values do not go together. */
void copycatd_config_check(
    const struct copycatd_values *values, struct copycatd_problems *problems);

#endif /* COPYCATD_CONFIG_CHECK_H */
