/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait -- see wait.h.
 */
#include "api/wait.h"

#include <errno.h>

#define YEAR_MS (UINT64_C(1000) * 3600 * 24 * 365)

bool cc_wait_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    bool is_made;

    if (pthread_condattr_init(&attributes) != 0) {
        return false;
    }
    is_made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
              pthread_cond_init(condition, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    return is_made;
}

struct timespec cc_wait_deadline(uint64_t timeout_ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    if (timeout_ms > YEAR_MS) {
        timeout_ms = YEAR_MS;
    }
    at.tv_sec += (time_t)(timeout_ms / 1000);
    at.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

bool cc_wait_on(
    pthread_cond_t *condition,
    pthread_mutex_t *lock,
    uint64_t timeout_ms,
    const struct timespec *deadline)
{
    if (timeout_ms == COPYCAT_NONE) {
        (void)pthread_cond_wait(condition, lock);
        return true;
    }
    return pthread_cond_timedwait(condition, lock, deadline) != ETIMEDOUT;
}
