/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actor -- a client that does everything there is to do, at random: a log of all that a state is of.
 */
#ifndef CC_TEST_UNIT_APPLY_ACTOR_H
#define CC_TEST_UNIT_APPLY_ACTOR_H

#include "base/prng.h"
#include "support/apply_history.h"

#define ACTOR_RESOURCES 4u /* map, probe, map, probe */

struct actor {
    struct history history;
    uint64_t session;
    uint64_t sequence;
    uint64_t lag; /* so many answers stay unacknowledged */
    uint64_t instances[ACTOR_RESOURCES];
};

/* Opens a session and makes the resources.  Partner: history_deinit. */
void actor_begin(struct actor *actor, const struct cc_apply_options *options);

/* A command of its session. */
void actor_command(struct actor *actor, uint64_t instance, copycat_bytes operation);

/* An entry, or two: sessions come and go, keys are put and removed, deadlines set and reached. */
void actor_random_entry(struct actor *actor, struct cc_prng *prng);

#endif /* CC_TEST_UNIT_APPLY_ACTOR_H */
