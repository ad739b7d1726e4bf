/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shim_page -- the page of memory by which the nemesis tells the shim inside a server what to do to
 * its disk and its wall clock, and learns what was done.
 *
 * Where it sits:   nemesis -> [shim_page], a file that both have mapped -> shim, in a copycatd.
 * Threads:         every word by itself is atomic, and none says anything about another.
 */
#ifndef CC_TEST_CHAOS_SHIM_PAGE_H
#define CC_TEST_CHAOS_SHIM_PAGE_H

#include <stdatomic.h>
#include <stdint.h>

#define CHAOS_SHIM_VARIABLE "CHAOS_SHIM_PAGE" /* names the file */

struct chaos_shim_page {
    /* What to do. */
    _Atomic uint32_t refuses_dsync;  /* a write that syncs is not supported: sync follows it */
    _Atomic uint32_t delay_max_us;   /* before a write or a sync; 0: none */
    _Atomic uint32_t short_one_in;   /* of so many writes one is short; 0: none */
    _Atomic uint32_t is_hung;        /* writes and syncs wait until it is 0 */
    _Atomic uint32_t write_error_in; /* the n-th write from now fails; 0: none */
    _Atomic uint32_t sync_error_in;  /* the n-th sync from now fails; 0: none */
    _Atomic int32_t wall_ahead_s;    /* what is added to the wall clock */
    /* What was done, ever. */
    _Atomic uint32_t delayed;
    _Atomic uint32_t shortened;
    _Atomic uint32_t hung;
    _Atomic uint32_t write_errors;
    _Atomic uint32_t sync_errors;
};

#endif /* CC_TEST_CHAOS_SHIM_PAGE_H */
