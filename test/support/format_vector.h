/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format_vector -- the vectors of a page of docs/ that is normative: bytes, as the page prints them.
 */
#ifndef CC_TEST_FORMAT_VECTOR_H
#define CC_TEST_FORMAT_VECTOR_H

#include <stddef.h>
#include <stdint.h>

/* Asserts that the page's vector of that name is these bytes: in rows of sixteen, of which those that
 * are all zero are left out. */
void format_vector_check(const char *page, const char *name, const uint8_t *bytes, size_t size);

#endif /* CC_TEST_FORMAT_VECTOR_H */
