/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_vectors -- see wire_vectors.h.
 */
#include "wire_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A line of up to sixteen bytes, after its offset. */
static void add_row(struct wire_vector *vector, const char *line)
{
    char *end;

    assert_int_equal(strtoul(line, &end, 16), vector->size);
    for (;;) {
        const char *start = end;
        unsigned long byte = strtoul(start, &end, 16);

        if (end == start) {
            return;
        }
        assert_true(byte <= 0xff && vector->size < WIRE_VECTOR_SIZE_MAX);
        vector->bytes[vector->size++] = (uint8_t)byte;
    }
}

size_t wire_vectors_read(struct wire_vector vectors[WIRE_VECTORS_MAX])
{
    FILE *file = fopen(COPYCAT_SOURCE_DIR "/docs/wire-format.md", "r");
    struct wire_vector *open = NULL;
    char line[512];
    size_t count = 0;

    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        char name[40];

        if (sscanf(line, "    vector %39s", name) == 1) {
            assert_true(count < WIRE_VECTORS_MAX);
            open = &vectors[count++];
            *open = (struct wire_vector){.size = 0};
            strcpy(open->name, name);
        } else if (strcmp(line, "    end\n") == 0) {
            open = NULL;
        } else if (open != NULL) {
            add_row(open, line);
        }
    }
    fclose(file);
    assert_null(open);
    return count;
}

const struct wire_vector *wire_vector_find(
    const struct wire_vector *vectors, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(vectors[i].name, name) == 0) {
            return &vectors[i];
        }
    }
    fail_msg("docs/wire-format.md has no vector %s", name);
    return NULL;
}
