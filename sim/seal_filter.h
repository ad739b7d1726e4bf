/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal_filter -- the system calls that a sealed process may make, as a program for the kernel, and
 * the names of those that it may not.
 *
 * Where it sits:   seal -> [seal_filter].
 */
#ifndef CC_SIM_SEAL_FILTER_H
#define CC_SIM_SEAL_FILTER_H

#include <stdbool.h>
#include <stddef.h>

/* From the return on, every thread of this process is held to it; `descriptors` may be written to.
 * False, with errno, if the kernel does not know filters or does not let us. */
bool cc_seal_filter_install(const int *descriptors, size_t descriptor_count);

/* Its name, or NULL for one of the many that nobody would think of. */
const char *cc_seal_filter_call_text(int call);

#endif /* CC_SIM_SEAL_FILTER_H */
