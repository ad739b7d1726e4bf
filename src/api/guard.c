/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard -- see guard.h.
 */
#include "api/guard.h"

#include "base/assert.h"

#include <pthread.h>
#include <stddef.h>

static _Thread_local struct cc_guard *current;

/* Returns to let the process end. */
static void on_panic(const char *file, int line, const char *promise)
{
    struct cc_guard *guard = current;

    current = NULL; /* G2 */
    if (guard != NULL && guard->broken(guard, file, line, promise)) {
        longjmp(guard->back, 1);
    }
}

static void watch(void)
{
    cc_panic_set(on_panic);
}

bool cc_guard_run(struct cc_guard *guard, void (*run)(void *owner), void *owner)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    bool is_whole = false;

    (void)pthread_once(&once, watch);
    guard->outer = current;
    guard->host_depth = 0;
    current = guard;
    if (setjmp(guard->back) == 0) {
        run(owner);
        is_whole = true;
    }
    current = guard->outer;
    return is_whole;
}

void cc_guard_host_enter(void)
{
    if (current != NULL) {
        current->host_depth++;
    }
}

void cc_guard_host_leave(void)
{
    if (current != NULL) {
        current->host_depth--;
    }
}
