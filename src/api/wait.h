/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait -- conditions of the host's threads that are waited for until a moment of the monotonic
 * clock.
 */
#ifndef CC_API_WAIT_H
#define CC_API_WAIT_H

#include <copycat/base.h>

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

/* False if the system has no more of them.  Partner: pthread_cond_destroy. */
bool cc_wait_init(pthread_cond_t *condition);

/* `timeout_ms` from now; more than a year counts as a year. */
struct timespec cc_wait_deadline(uint64_t timeout_ms);

/* Sleeps until it is signalled, COPYCAT_NONE: or for ever; false once the deadline has passed. */
bool cc_wait_on(
    pthread_cond_t *condition,
    pthread_mutex_t *lock,
    uint64_t timeout_ms,
    const struct timespec *deadline);

#endif /* CC_API_WAIT_H */
