/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format_vector -- see format_vector.h.
 */
#include "format_vector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ROW 16u
#define PAGE_SIZE_MAX 262144u

static char document[PAGE_SIZE_MAX];
static char found[65536];

/* The lines of the vector `name` in the page. */
static const char *read_vector(const char *page, const char *name)
{
    char path[512];
    char heading[64];
    FILE *file;
    char *start;
    char *end;
    size_t size;

    snprintf(path, sizeof path, "%s/docs/%s", COPYCAT_SOURCE_DIR, page);
    snprintf(heading, sizeof heading, "    vector %s\n", name);
    file = fopen(path, "r");
    assert_non_null(file);
    size = fread(document, 1, sizeof document - 1, file);
    fclose(file);
    assert_true(size < sizeof document - 1);
    document[size] = '\0';
    start = strstr(document, heading);
    assert_non_null(start);
    start += strlen(heading);
    end = strstr(start, "    end\n");
    assert_non_null(end);
    *end = '\0';
    return start;
}

static void print_rows(const uint8_t *bytes, size_t size)
{
    static const uint8_t zeros[ROW];
    size_t at = 0;

    found[0] = '\0';
    for (size_t row = 0; row < size; row += ROW) {
        if (memcmp(bytes + row, zeros, ROW) == 0) {
            continue;
        }
        at += (size_t)snprintf(found + at, sizeof found - at, "    %04zx ", row);
        for (size_t i = 0; i < ROW; i++) {
            at += (size_t)snprintf(found + at, sizeof found - at, " %02x", bytes[row + i]);
        }
        at += (size_t)snprintf(found + at, sizeof found - at, "\n");
        assert_true(at < sizeof found);
    }
}

void format_vector_check(const char *page, const char *name, const uint8_t *bytes, size_t size)
{
    assert_int_equal(size % ROW, 0);
    print_rows(bytes, size);
    assert_string_equal(found, read_vector(page, name));
}
