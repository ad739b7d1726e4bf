/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard -- what a broken promise (base/assert.h) puts an end to: one handle, or the process.
 *
 * Whoever runs the loop of a handle does so under the handle's guard.  A promise that is broken on
 * that thread meanwhile is told to the guard, on the spot; the guard says whether its handle alone
 * can be given up.  If not, and where no guard is, the process ends.
 *
 * Invariants
 *   G1  between cc_guard_run and a handle that is given up there are frames of ours and of libuv
 *       only: those of a host are never left by a jump, for they may hold a lock or, in C++, objects;
 *       but those of a machine that asks for memory in vain while its server is being opened
 *   G2  a promise that is broken while a guard decides ends the process
 */
#ifndef CC_API_GUARD_H
#define CC_API_GUARD_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

struct cc_guard {
    /* On the thread, and at the place.  True: the handle is given up, and cc_guard_run returns. */
    bool (*broken)(struct cc_guard *guard, const char *file, int line, const char *promise);

    /* the guard's own */
    struct cc_guard *outer; /* a host may run a loop within a callback of another */
    uint32_t host_depth;    /* callbacks of the host that have not returned */
    jmp_buf back;
};

/* `run(owner)`; false if a promise was broken and the handle given up. */
bool cc_guard_run(struct cc_guard *guard, void (*run)(void *owner), void *owner);

/* Around every callback of the host, on any thread (G1). */
void cc_guard_host_enter(void);
void cc_guard_host_leave(void);

static inline bool cc_guard_is_in_host(const struct cc_guard *guard)
{
    return guard->host_depth > 0;
}

#endif /* CC_API_GUARD_H */
