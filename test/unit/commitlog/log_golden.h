/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_golden -- the life of a commit log whose directory is kept in test/golden.
 *
 * The directory was written once, by make_golden_log.  It is never written again: what a released
 * version has left on disks has to be read by those that come after it.
 */
#ifndef CC_TEST_LOG_GOLDEN_H
#define CC_TEST_LOG_GOLDEN_H

#include "log_stand.h"

/* Lives it on a disk that is empty, and closes it; false if anything was refused.  The stand's
 * model then says what there is. */
bool golden_log_live(struct log_stand *stand);

#endif /* CC_TEST_LOG_GOLDEN_H */
