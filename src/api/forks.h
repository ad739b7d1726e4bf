/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forks -- is this still the process that opened a handle?
 *
 * A child has its parent's memory but none of its threads: no loop would ever answer, and a lock may
 * be held by a thread that is not there.  Handles note the count when they are opened; where it has
 * changed they touch nothing and say CLOSED.
 */
#ifndef CC_API_FORKS_H
#define CC_API_FORKS_H

#include <stdint.h>

/* Forks since the program began, as seen from its newest child; counted from the first call on. */
uint32_t cc_forks(void);

/* Begins to count.  Called by whoever opens a handle, before it asks. */
void cc_forks_watch(void);

#endif /* CC_API_FORKS_H */
