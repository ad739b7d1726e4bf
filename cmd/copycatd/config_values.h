/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_values -- the value of every property, and where it comes from.
 *
 * Where it sits:   between the sources (flags, environment, file, defaults), which offer texts, and
 *                  the checks and tables that use the values.
 * Memory:          fixed.
 *
 * Invariants
 *   V1  a value comes from the strongest source that offered a good one: flag > variable > file >
 *       default; of equals the last one
 *   V2  every offer is judged, also where a stronger one overrides it
 *   V3  a property for which any bad text was offered is marked, so that no second complaint is
 *       drawn from what it has instead
 */
#ifndef COPYCATD_CONFIG_VALUES_H
#define COPYCATD_CONFIG_VALUES_H

#include "copycatd/config_members.h"
#include "copycatd/config_problems.h"
#include "copycatd/property.h"

/* A list of members is the longest value; a path has 4096 bytes. */
#define COPYCATD_VALUE_SIZE 4608u

/* "/etc/copycat/copycatd.conf:12"; a longer name of a file is cut. */
#define COPYCATD_FROM_SIZE 320u

enum copycatd_origin {
    COPYCATD_FROM_NOWHERE,
    COPYCATD_FROM_DEFAULT,
    COPYCATD_FROM_FILE,
    COPYCATD_FROM_VARIABLE,
    COPYCATD_FROM_FLAG,
};

struct copycatd_value {
    enum copycatd_origin origin;
    bool is_doubtful;               /* V3 */
    uint64_t number;                /* of types that are numbers */
    char text[COPYCATD_VALUE_SIZE]; /* as it is shown; normal form */
    char from[COPYCATD_FROM_SIZE];  /* "flag --listen", "COPYCAT_LISTEN", "x.conf:12", "default" */
};

struct copycatd_values {
    struct copycatd_value of[COPYCATD_PROPERTY_COUNT];
};

/* `from` is as in the value; `text` is judged, and taken if V1 says so. */
void copycatd_values_offer(
    struct copycatd_values *values,
    enum copycatd_property_id id,
    const char *text,
    enum copycatd_origin origin,
    const char *from,
    struct copycatd_problems *problems);

#endif /* COPYCATD_CONFIG_VALUES_H */
