/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mend -- makes checksums right after a fuzzer has changed what they cover: nothing random would
 * come past them.
 */
#ifndef CC_TEST_MEND_H
#define CC_TEST_MEND_H

#include <stddef.h>
#include <stdint.h>

/* The frames that begin at the front, as far as the sizes in them make sense. */
void mend_frames(uint8_t *stream, size_t size);

/* An encoded entry: payload, then header. */
void mend_entry(uint8_t *bytes, size_t size);

#endif /* CC_TEST_MEND_H */
