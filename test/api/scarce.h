/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scarce -- memory that runs out on request.  The linker leads the library's malloc, calloc and
 * realloc here (--wrap): those of libuv and libc are not ours to answer for; libuv aborts by itself
 * where it finds none for its table of descriptors.
 */
#ifndef CC_TEST_SCARCE_H
#define CC_TEST_SCARCE_H

#include <stdbool.h>
#include <stdint.h>

/* From now on the requests of all threads are counted, and `count` of them fail, from the `first`
 * on (1: the next). */
void scarce_begin(uint32_t first, uint32_t count);

/* All succeed again.  True if one has failed. */
bool scarce_end(void);

#endif /* CC_TEST_SCARCE_H */
