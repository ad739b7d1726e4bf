/* SPDX-License-Identifier: Apache-2.0 */
/*
 * causes -- which errors of the system may end which disk call, and what they are at the seam: many
 * are one and the same there, so that trying one tries them all (T-055).
 */
#ifndef CC_TEST_FAULT_CAUSES_H
#define CC_TEST_FAULT_CAUSES_H

#include "env/env.h"

/* So many errors end such a call with that status. */
uint32_t causes_count(enum cc_disk_operation operation, copycat_status status);

/* False, after it was printed, if one of them is anything but IO, DISK_FULL or BUSY at the seam. */
bool causes_are_known(void);

#endif /* CC_TEST_FAULT_CAUSES_H */
