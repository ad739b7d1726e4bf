/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap -- how the C library hands out memory to this process.
 */
#ifndef COPYCATD_HEAP_H
#define COPYCATD_HEAP_H

/* Before the first thread. */
void copycatd_heap_prepare(void);

#endif /* COPYCATD_HEAP_H */
