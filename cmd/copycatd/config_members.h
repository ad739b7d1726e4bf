/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_members -- the list of a cluster's members, "1=host:port,2=host:port,3=host:port/learner".
 *
 * Where it sits:   below the values of the configuration; the server takes the list as text again.
 * Memory:          fixed.
 *
 * Invariants
 *   M1  ids ascend, so each is there once, and one cluster has one text
 *   M2  no address is there twice
 *   M3  1 to 7 members have a vote
 */
#ifndef COPYCATD_CONFIG_MEMBERS_H
#define COPYCATD_CONFIG_MEMBERS_H

#include "copycatd/config_address.h"

#include <stddef.h>
#include <stdint.h>

#define COPYCATD_MEMBERS_MAX 16u
#define COPYCATD_VOTERS_MAX 7u

/* Longest text of a list, with its end. */
#define COPYCATD_MEMBERS_TEXT_SIZE (COPYCATD_MEMBERS_MAX * (COPYCATD_ADDRESS_SIZE_MAX + 20) + 1)

struct copycatd_member {
    uint32_t id;
    bool is_learner; /* gets everything, has no vote */
    char address[COPYCATD_ADDRESS_SIZE_MAX + 1];
};

struct copycatd_members {
    uint32_t count;
    struct copycatd_member at[COPYCATD_MEMBERS_MAX];
};

/*
 * Blanks around commas are allowed, and ids in any order.  False with the end of a sentence about
 * the list in `wrong_out`; `members_out` is then undefined.
 */
bool copycatd_members_parse(
    const char *text, struct copycatd_members *members_out, char *wrong_out, size_t wrong_size);

/* The one text of these members, as the server reads it. */
void copycatd_members_format(
    const struct copycatd_members *members, char text_out[COPYCATD_MEMBERS_TEXT_SIZE]);

/* NULL if not listed. */
const struct copycatd_member *copycatd_members_find(
    const struct copycatd_members *members, uint64_t id);

#endif /* COPYCATD_CONFIG_MEMBERS_H */
