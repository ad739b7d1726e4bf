/* SPDX-License-Identifier: Apache-2.0 */
/*
 * everywhere -- the images of all three servers of a past are changed, and nobody has the state.
 */
#ifndef CC_TEST_FAULT_EVERYWHERE_H
#define CC_TEST_FAULT_EVERYWHERE_H

#include "fault/past.h"

/* True if a file is an image, or a part of one. */
bool everywhere_is_image(const struct trio_file *file);

/* All start with a byte at `offset` of each image changed.  NULL if each says where and none
 * serves; else what was wrong.  Good until the next call.  Uses the trio. */
const char *everywhere_try(struct trio *trio, struct past *past, size_t offset);

#endif /* CC_TEST_FAULT_EVERYWHERE_H */
