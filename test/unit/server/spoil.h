/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoil -- a fault of the memory that a state lies in.
 */
#ifndef CC_TEST_SPOIL_H
#define CC_TEST_SPOIL_H

struct cc_apply;

/* Another digest from here on; nothing else changes. */
void spoil(struct cc_apply *apply);

#endif /* CC_TEST_SPOIL_H */
