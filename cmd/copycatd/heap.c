/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap -- see heap.h.  One thread, the server's, holds nearly all there is: an arena of its own, as
 * glibc gives each thread, grows by a system call for every few pages, and a start takes memory as
 * fast as the disk gives what belongs into it.  So there is one arena, and it grows by much.
 */
#include "copycatd/heap.h"

#include <malloc.h>

#define GROWTH (16 << 20)
#define KEPT (4 * GROWTH) /* free at the end, before the system gets it back */
#define LARGE (4 << 20)   /* from so much on a block is the system's, not the arena's */

void copycatd_heap_prepare(void)
{
#ifdef __GLIBC__
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_TOP_PAD, GROWTH);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT);
    (void)mallopt(M_MMAP_THRESHOLD, LARGE);
#endif
}
