/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options -- reads an options struct of a caller that may be older or newer than the library.
 *
 * Each such struct begins with its own size, zero means default, and fields are only ever added at
 * the end: an older caller's missing tail is zero, a newer caller's unknown tail must be.
 */
#ifndef CC_BASE_OPTIONS_H
#define CC_BASE_OPTIONS_H

#include <copycat/base.h>

/*
 * Copies `source` into `target`, whose size field becomes `target_size`.  NULL: all defaults.
 * INVALID: a size that no such struct can have.  UNSUPPORTED: it uses a field we do not know.
 */
copycat_status cc_options_read(void *target, size_t target_size, const void *source);

/* Zeroes the caller's struct of `size` bytes and sets its size. */
void cc_options_init(void *options, size_t size);

#endif /* CC_BASE_OPTIONS_H */
