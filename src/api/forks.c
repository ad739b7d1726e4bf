/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forks -- see forks.h.  Asking costs a load where getpid would cost a system call.
 */
#include "api/forks.h"

#include <pthread.h>
#include <stdatomic.h>

static _Atomic uint32_t forks;

static void count(void)
{
    atomic_fetch_add(&forks, 1);
}

static void watch(void)
{
    (void)pthread_atfork(NULL, NULL, count);
}

uint32_t cc_forks(void)
{
    return atomic_load_explicit(&forks, memory_order_relaxed);
}

void cc_forks_watch(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, watch);
}
