/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_vectors -- the test vectors of docs/wire-format.md: the document is read, so that it and the
 * code cannot part.
 */
#ifndef CC_TEST_WIRE_VECTORS_H
#define CC_TEST_WIRE_VECTORS_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_VECTORS_MAX 48u
#define WIRE_VECTOR_SIZE_MAX 512u

struct wire_vector {
    char name[40];
    uint8_t bytes[WIRE_VECTOR_SIZE_MAX];
    size_t size;
};

/* Fills `vectors` with all there are, in the document's order, and returns how many that is. */
size_t wire_vectors_read(struct wire_vector vectors[WIRE_VECTORS_MAX]);

/* The vector with this name; fails the test if there is none. */
const struct wire_vector *wire_vector_find(
    const struct wire_vector *vectors, size_t count, const char *name);

#endif /* CC_TEST_WIRE_VECTORS_H */
