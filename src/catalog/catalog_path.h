/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_path -- the one form of a path.
 *
 * "/x/y" and "x/y" are the same; the form is the one without the first slash.  Parts are separated
 * by single slashes and are not empty; a byte is anything but a control character (0..31, 127), so
 * that a path can be printed.
 */
#ifndef CC_CATALOG_CATALOG_PATH_H
#define CC_CATALOG_CATALOG_PATH_H

#include <copycat/base.h>

#include <stdbool.h>

/* The form of `path` as a view into it; false if it is none. */
bool cc_catalog_path_form(copycat_bytes path, copycat_bytes *form_out);

#endif /* CC_CATALOG_CATALOG_PATH_H */
