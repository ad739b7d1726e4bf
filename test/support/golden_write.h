/* SPDX-License-Identifier: Apache-2.0 */
/*
 * golden_write -- a file of a directory that is kept for ever: it is written once.
 */
#ifndef CC_TEST_GOLDEN_WRITE_H
#define CC_TEST_GOLDEN_WRITE_H

#include <stdbool.h>
#include <stddef.h>

/* False, and it was said why: what is there already stays as it is. */
bool golden_write(const char *directory, const char *name, const void *bytes, size_t size);

/* The directory that a generator was told to write into; NULL, and it was said how to call it. */
const char *golden_directory(int argc, char **argv);

#endif /* CC_TEST_GOLDEN_WRITE_H */
